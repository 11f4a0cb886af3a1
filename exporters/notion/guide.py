"""What a connection to Notion can reach, and what may be chosen there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from exporters.choices import Account, MappingChoice, Option, PlaceFound
from exporters.errors import NotConnected
from exporters.notion import limits, properties, rich_text, shape
from exporters.notion.properties import VALUES, Column
from exporters.notion.reading import get, surveyed
from exporters.ports import Api
from exporters.records import Json, Place, Request

_STATUS_NAMES = {"open": "Open", "doing": "Doing", "done": "Done"}


async def check(api: Api) -> Account:
    answer = await get(api, "/v1/users/me")
    if answer.status != 200:
        raise NotConnected(
            "Notion no longer knows this connection: connect again.", status=answer.status
        )
    me = shape.fields(answer.body)
    bot = shape.fields(me.get("bot"))
    workspace = shape.text(bot.get("workspace_name"))
    name = shape.text(me.get("name"))
    return Account(f"{name} in {workspace}" if workspace else name, shape.text(me.get("id")))


async def places(api: Api, query: str) -> Sequence[PlaceFound]:
    """Data sources first, then pages; those last edited first."""
    found = await _search(api, query)
    shown = [_place(one) for one in found if one.get("object") == "data_source"]
    return shown + [_place(one) for one in found if one.get("object") == "page"]


async def choices(api: Api, place: Place) -> Sequence[MappingChoice]:
    """Where the brief's own values go, and where its actions go."""
    # What was chosen and is gone keeps nobody from choosing something else.
    known = (await surveyed(api, place)).known
    shown: list[MappingChoice] = []
    if properties.PAGE in properties.sources(place):
        shown += _of_columns(properties.PAGE, properties.all_columns(known.get("schema")), place)
    found = await _search(api, "", {"property": "object", "value": "data_source"})
    shown.append(
        MappingChoice(
            "actions",
            "Actions",
            options=[
                Option("", "To-dos in the page"),
                *(Option(shape.text(one.get("id")), f"Rows of {_name(one)}") for one in found),
            ],
            default="",
            help="Each action as a to-do where it stands, or as a row of a database.",
        )
    )
    if properties.ACTION in properties.sources(place):
        columns = properties.all_columns(known.get(f"{properties.ACTION}schema"))
        shown += _of_columns(properties.ACTION, columns, place)
    return shown


def _of_columns(
    prefix: str, columns: Mapping[str, Column], place: Place
) -> Iterator[MappingChoice]:
    whose = "Action: " if prefix else ""
    for name in properties.OF_ACTION if prefix else properties.OF_PAGE:
        fitting = [one for one in columns.values() if one.type in VALUES[name].types]
        default = properties.likely(name, columns)
        yield MappingChoice(
            f"{prefix}{name}",
            f"{whose}{VALUES[name].label}",
            options=[Option("", "Leave out"), *(Option(one.id, one.name) for one in fitting)],
            default=default.id if default else "",
            help=_HELP.get(name, ""),
        )
        chosen = place.mapping.get(f"{prefix}{name}")
        column = default if chosen is None else columns.get(shape.text(chosen))
        if name == "status" and column is not None and column.options:
            yield MappingChoice(
                f"{prefix}statuses",
                f"{whose}What each status is called",
                kind="map",
                options=[Option(id, shown) for id, shown in column.options.items()],
                default=dict(properties.statuses(place, prefix, column)),
                rows=[Option(id, shown) for id, shown in _STATUS_NAMES.items()],
            )


_HELP = {
    properties.MARKER: "A text property by which a page of ours is known again.",
    "owner": "People are found by their name or their address in Notion.",
    "open": "How many actions are not done.",
}


async def _search(
    api: Api, query: str, only: Mapping[str, Json] | None = None
) -> list[dict[str, Json]]:
    """The first hundred; Notion's search looks at titles, and lags."""
    asked: dict[str, Json] = {
        "page_size": limits.PAGE,
        "sort": {"direction": "descending", "timestamp": "last_edited_time"},
    }
    if query:
        asked["query"] = query
    if only:
        asked["filter"] = dict(only)
    answer = await api.read(Request("POST", "/v1/search", asked))
    return [shape.fields(one) for one in shape.items(shape.fields(answer.body).get("results"))]


def _place(one: Mapping[str, Json]) -> PlaceFound:
    kind = shape.text(one.get("object"))
    names = {"data_source": "Data source", "page": "Page"}
    where: dict[str, Json] = {kind: one.get("id")}
    return PlaceFound(_name(one), where, names[kind], shape.text(one.get("url")))


def _name(one: Mapping[str, Json]) -> str:
    """The title of a data source, or of a page, where it is one of its properties."""
    title = one.get("title")
    for given in map(shape.fields, shape.fields(one.get("properties")).values()):
        if one.get("object") == "page" and given.get("type") == "title":
            title = given.get("title")
    return rich_text.plain(rich_text.read(title)) or "Untitled"
