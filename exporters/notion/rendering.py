"""A brief as pages and blocks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporters import markers
from exporters.errors import BadMapping
from exporters.model import Brief, Item
from exporters.notion import blocks, properties, rich_text
from exporters.notion.kinds import PAGE_KIND, ROW_KIND
from exporters.notion.properties import Column
from exporters.records import OVERVIEW, Json, Place, Record, Rendering

_TITLE_UNITS = 2000  # UTF-16 units; a longer title is cut


def render(brief: Brief, place: Place) -> Rendering:
    rows = properties.ACTION in properties.sources(place)
    writer = blocks.Writer(brief, place, rows=rows)
    chosen = properties.columns(place, properties.PAGE)
    actions = list(_actions(brief.items))
    fields: dict[str, Json] = {properties.TITLE: _title([rich_text.run(brief.title)], writer)}
    values: dict[str, Json] = {
        properties.MARKER: markers.marker(place, place.brief, OVERVIEW),
        "status": _status_of_all(actions),
        "due": _last_day(actions),
        "owner": brief.meta.get("owner", ""),
        "link": rich_text.link(place.link),
        "open": sum(1 for action in actions if action.status != "done"),
    }
    fields.update(_fitted(values, chosen, place, properties.PAGE, OVERVIEW, writer))
    writer.records.append(Record(OVERVIEW, PAGE_KIND, fields, brief.title))
    writer.origin(marked=properties.MARKER not in chosen)
    if rows:
        _rows(actions, place, writer)
    writer.body()
    writer.appendix()
    return Rendering(tuple(writer.records), tuple(writer.losses))


def owners(brief: Brief) -> set[str]:
    """Everybody whom a property could name."""
    named = {action.owner for action in _actions(brief.items)} | {brief.meta.get("owner", "")}
    return named - {""}


def _rows(actions: list[Item], place: Place, writer: blocks.Writer) -> None:
    chosen = properties.columns(place, properties.ACTION)
    if actions and properties.MARKER not in chosen:
        raise BadMapping(
            "The Notion data source of the actions needs a text property that tells whose a row "
            "is: add one called “external_id” in Notion, or choose one under Mapping."
        )
    for action in actions:
        runs = writer.runs(action)
        fields: dict[str, Json] = {properties.TITLE: _title(runs, writer, action.key)}
        fields["inside"] = []
        values: dict[str, Json] = {
            properties.MARKER: markers.marker(place, place.brief, action.key),
            "status": action.status,
            "due": action.due.isoformat() if action.due else "",
            "owner": action.owner,
            "link": rich_text.link(place.link),
        }
        fields.update(_fitted(values, chosen, place, properties.ACTION, action.key, writer))
        title = rich_text.plain(runs)[: blocks.TITLE_LENGTH]
        writer.records.append(Record(action.key, ROW_KIND, fields, title))


def _fitted(
    values: Mapping[str, Json],
    chosen: Mapping[str, Column],
    place: Place,
    prefix: str,
    key: str,
    writer: blocks.Writer,
) -> Iterator[tuple[str, Json]]:
    """Each value as its property can hold it; what it cannot is lost, and said to be."""
    for name, column in chosen.items():
        value = values[name]
        if name == "owner":
            value = properties.owner(place, column, str(value))
            if value is None:
                writer.lose(key, f"Nobody in Notion is called {values[name]}: no owner is set.")
                value = []
        elif name == "status":
            value = properties.status(column, str(value))
            kinds = ("status", "select")
            if column.type in kinds and value not in properties.statuses(place, prefix, column):
                writer.lose(key, f"“{column.name}” has no option for the status {value}.")
                continue
        yield name, value


def _title(runs: list[Json], writer: blocks.Writer, key: str = OVERVIEW) -> list[Json]:
    text = rich_text.plain(runs)
    if rich_text.units(text) <= _TITLE_UNITS and len(rich_text.elements(runs)) <= 100:
        return runs
    writer.lose(key, f"A title longer than {_TITLE_UNITS} characters is cut, and loses its marks.")
    return [rich_text.run(text[: rich_text.cut(text, _TITLE_UNITS)])]


def _actions(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        if item.kind == "action":
            yield item
        elif item.kind != "table":
            yield from _actions(item.children)


def _status_of_all(actions: list[Item]) -> str:
    """Done when all are, open while none is begun."""
    found = {action.status for action in actions}
    if found == {"done"}:
        return "done"
    return "open" if found <= {"open"} else "doing"


def _last_day(actions: list[Item]) -> str:
    """When the last open action is due."""
    days = [one.due for one in actions if one.due is not None and one.status != "done"]
    return max(days).isoformat() if days else ""
