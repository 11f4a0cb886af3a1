"""What of a brief and of an action goes into which property of a page. Pure.

A property is known by its id, so renaming it changes nothing. What a property can hold is decided
by its type: ``VALUES`` says which types a value may go to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporters.errors import BadMapping
from exporters.notion import rich_text, shape
from exporters.records import Json, Place

TITLE = "title"
MARKER = "marker"
STATUSES = ("open", "doing", "done")
NONE = ""  # a value that goes nowhere

PAGE = ""  # the prefix of mapping keys for the brief's own page
ACTION = "action_"  # and for the rows of its actions


@dataclass(frozen=True, slots=True)
class Value:
    """Something that has a property of its own over there."""

    label: str
    types: tuple[str, ...]  # of properties that can hold it
    names: tuple[str, ...]  # that such a property is likely to have


VALUES: Mapping[str, Value] = {
    MARKER: Value("External id", ("rich_text",), ("external_id", "external id")),
    "status": Value(
        "Status", ("status", "select", "checkbox", "rich_text"), ("status", "state", "done")
    ),
    "due": Value("Due date", ("date", "rich_text"), ("due", "due date", "deadline")),
    "owner": Value("Owner", ("people", "rich_text"), ("owner", "assignee", "assign")),
    "link": Value("Link to the brief", ("url", "rich_text"), ("link", "url", "brief")),
    "open": Value("Open actions", ("number",), ("open actions",)),
}
OF_ACTION = (MARKER, "status", "due", "owner", "link")
OF_PAGE = tuple(VALUES)

_NAMES_OF_STATUSES = {
    "open": ("not started", "to do", "to-do", "todo", "open", "backlog"),
    "doing": ("in progress", "doing", "started", "active"),
    "done": ("done", "complete", "completed", "closed"),
}
_GROUPS = {"to-do": "open", "in progress": "doing", "complete": "done"}


@dataclass(frozen=True, slots=True)
class Column:
    """A property of a data source. ``options`` are names by id, ``means`` statuses by option."""

    id: str
    name: str
    type: str
    options: Mapping[str, str]
    means: Mapping[str, str]


def schema(data_source: Json) -> Json:
    """What is kept of a data source: its properties by id."""
    found: dict[str, Json] = {}
    for name, given in shape.fields(shape.fields(data_source).get("properties")).items():
        one = shape.fields(given)
        kind = shape.text(one.get("type"))
        inner = shape.fields(one.get(kind))
        options: dict[str, Json] = {}
        means: dict[str, Json] = {}
        for option in map(shape.fields, shape.items(inner.get("options"))):
            options[shape.text(option.get("id"))] = option.get("name")
        for group in map(shape.fields, shape.items(inner.get("groups"))):
            meaning = _GROUPS.get(shape.text(group.get("name")).lower())
            for option_id in map(shape.text, shape.items(group.get("option_ids"))):
                if meaning:
                    means[option_id] = meaning
        found[shape.text(one.get("id"))] = {
            "name": name,
            "type": kind,
            "options": options,
            "means": means,
        }
    return found


def sources(place: Place) -> dict[str, str]:
    """The data sources that pages of a place go into, by the prefix of their mapping keys."""
    found = {}
    if place.where.get("data_source"):
        found[PAGE] = shape.text(place.where["data_source"])
    if place.mapping.get("actions"):
        found[ACTION] = shape.text(place.mapping["actions"])
    return found


def columns(place: Place, prefix: str) -> Mapping[str, Column]:
    """Where each value goes: as chosen, else to the property whose name says it."""
    known = all_columns(place.known.get(f"{prefix}schema"))
    chosen: dict[str, Column] = {}
    for name in OF_ACTION if prefix else OF_PAGE:
        choice = place.mapping.get(f"{prefix}{name}")
        column = likely(name, known) if choice is None else known.get(shape.text(choice))
        if column is not None and column.type in VALUES[name].types:
            chosen[name] = column
    return chosen


def check(place: Place, prefix: str) -> None:
    """Raises BadMapping where a property that was chosen is gone, or is of another type by now."""
    known = all_columns(place.known.get(f"{prefix}schema"))
    held = columns(place, prefix)
    for name in OF_ACTION if prefix else OF_PAGE:
        choice = shape.text(place.mapping.get(f"{prefix}{name}"))
        if choice and name not in held:
            raise BadMapping(_gone(name, known.get(choice)))


def all_columns(schema: Json) -> Mapping[str, Column]:
    found = {}
    for id, given in shape.fields(schema).items():
        one = shape.fields(given)
        found[id] = Column(
            id,
            shape.text(one.get("name")),
            shape.text(one.get("type")),
            {key: shape.text(name) for key, name in shape.fields(one.get("options")).items()},
            {key: shape.text(name) for key, name in shape.fields(one.get("means")).items()},
        )
    return found


def likely(name: str, known: Mapping[str, Column]) -> Column | None:
    """The property that is meant where none was chosen."""
    fitting = [one for one in known.values() if one.type in VALUES[name].types]
    named = [one for one in fitting if one.name.lower() in VALUES[name].names]
    return named[0] if named else None


def _gone(name: str, column: Column | None) -> str:
    value = VALUES[name]
    now = "is gone" if column is None else f"“{column.name}” is of the type {column.type} now"
    kinds = " or ".join(kind.replace("_", " ") for kind in value.types)
    return (
        f"The Notion property chosen for “{value.label}” {now}. Choose another one ({kinds}) under "
        "Mapping, or leave this value out."
    )


def statuses(place: Place, prefix: str, column: Column) -> Mapping[str, str]:
    """The option that each of our statuses is over there; those without one are left out."""
    given = place.mapping.get(f"{prefix}statuses")
    chosen = {key: shape.text(value) for key, value in shape.fields(given).items()}
    found = {}
    for status in STATUSES:
        if chosen.get(status) in column.options:
            found[status] = chosen[status]
            continue
        named = [
            id for id, name in column.options.items() if name.lower() in _NAMES_OF_STATUSES[status]
        ]
        grouped = [id for id, meaning in column.means.items() if meaning == status]
        if named or grouped:
            found[status] = (named or grouped)[0]
    return found


def written(place: Place, prefix: str, name: str, column: Column, value: Json) -> Json:
    """The property as it is sent."""
    if name == "status" and column.type in ("status", "select"):
        option = statuses(place, prefix, column).get(shape.text(value))
        return {column.type: {"id": option} if option else None}
    match column.type:
        case "checkbox":
            return {"checkbox": value == "done"}
        case "date":
            return {"date": {"start": value} if value else None}
        case "people":
            people = [shape.fields(one).get("id") for one in shape.items(value)]
            return {"people": [{"object": "user", "id": id} for id in people]}
        case "url":
            return {"url": value or None}
        case "number":
            return {"number": value}
        case _:
            runs = [rich_text.run(shape.text(value))] if value else []
            return {"rich_text": rich_text.elements(runs)}


def title(runs: Json) -> Json:
    return {"title": rich_text.elements(runs)}


def read(
    place: Place, prefix: str, chosen: Mapping[str, Column], properties: Json
) -> dict[str, Json]:
    """A page's values. What is not there any more reads None."""
    by_id = {
        shape.text(shape.fields(one).get("id")): shape.fields(one)
        for one in shape.fields(properties).values()
    }
    found: dict[str, Json] = {TITLE: rich_text.read(by_id.get("title", {}).get("title"))}
    for name, column in chosen.items():
        given = by_id.get(column.id)
        found[name] = None if given is None else _read(place, prefix, name, column, given)
    return found


def _read(place: Place, prefix: str, name: str, column: Column, given: Mapping[str, Json]) -> Json:
    kind = shape.text(given.get("type"))
    inner = given.get(kind)
    match kind:
        case "status" | "select":
            id = shape.text(shape.fields(inner).get("id"))
            ours = {theirs: status for status, theirs in statuses(place, prefix, column).items()}
            otherwise = column.means.get(id) or shape.text(shape.fields(inner).get("name"))
            return ours.get(id) or otherwise
        case "checkbox":
            return "done" if inner else "open"
        case "date":
            when = shape.fields(inner)
            end = shape.text(when.get("end"))
            return shape.text(when.get("start")) + (f" to {end}" if end else "")
        case "people":
            return [person(one) for one in shape.items(inner)]
        case "rich_text" | "title":
            return rich_text.plain(rich_text.read(inner))
        case "url":
            return shape.text(inner)
        case _:
            return inner


def person(user: Json) -> Json:
    one = shape.fields(user)
    return {"id": one.get("id"), "name": shape.text(one.get("name"))}


def people(users: Sequence[Json]) -> dict[str, Json]:
    """Who is in the workspace, by name and by address, both in small letters."""
    found: dict[str, Json] = {}
    for user in map(shape.fields, users):
        if user.get("type") != "person":
            continue
        email = shape.text(shape.fields(user.get("person")).get("email"))
        for name in (shape.text(user.get("name")), email):
            if name:
                found.setdefault(name.lower(), person(user))
    return found


def owner(place: Place, column: Column, name: str) -> Json | None:
    """An owner as the property holds one; None for somebody whom the workspace does not know."""
    if column.type != "people":
        return name
    if not name:
        return []
    known = shape.fields(place.known.get("people")).get(name.strip().lower())
    return None if known is None else [known]


def status(column: Column, status: str) -> str:
    """A status as the property can hold it: a box is checked or not."""
    return "open" if column.type == "checkbox" and status == "doing" else status
