"""The calls that make changes on a board. Pure.

What a person added beside ours stays: members and labels are put on and taken off one by one, and
never set as a whole. Nothing is deleted: a card is archived, and a comment, a checklist or a line,
for which Trello has no archive, says that it is no longer in the brief.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from exporters.errors import BadMapping
from exporters.plan import step_id
from exporters.records import (
    OVERVIEW,
    Archive,
    Change,
    Create,
    Entry,
    Fields,
    Found,
    Json,
    Op,
    Place,
    Record,
    Ref,
    Request,
    Restore,
    Standing,
    Step,
    Update,
)
from exporters.trello.cards import RETIRED, strings, struck
from exporters.trello.render import CARD, CHECKLIST, COMMENT, mark
from exporters.trello.text import shortened

_SETS: Final = {"members": "idMembers", "labels": "idLabels"}
_PLAIN: Final = {"name": "name", "desc": "desc", "due": "due", "complete": "dueComplete"}


def steps(
    changes: Sequence[Change],
    place: Place,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
) -> Iterator[Step]:
    """The calls in the order of the changes."""
    for change in changes:
        if isinstance(change, Create):
            yield _create(change.record, place)
        elif isinstance(change, Update):
            entry = entries[change.record.key]
            yield from _update(change, entry, found[entry.key], place)
        elif isinstance(change, Archive):
            yield _archive(change.entry, found[change.entry.key], place)
        else:
            yield _restore(change, found[change.entry.key], place)


def _create(record: Record, place: Place) -> Step:
    fields, parent = record.fields, record.parent or ""
    if record.kind == CARD:
        request = Request("POST", "/cards", _new_card(record, place))
    elif record.kind == COMMENT:
        path = f"/cards/{{$ref:{parent}}}/actions/comments"
        request = Request("POST", path, {"text": fields["text"]})
    elif record.kind == CHECKLIST:
        named: dict[str, Json] = {"idCard": Ref(parent).json(), "name": fields["name"]}
        request = Request("POST", "/checklists", {**named, "pos": "bottom"})
    else:
        path = f"/checklists/{{$ref:{parent}}}/checkItems"
        body: dict[str, Json] = {"name": fields["name"], "checked": fields["checked"]}
        request = Request("POST", path, {**body, "pos": "bottom"})
    needs = (parent,) if parent else ()
    return _step(place, Op.CREATE, request, record.key, fields, record=record, needs=needs)


def _new_card(record: Record, place: Place) -> dict[str, Json]:
    body = _card_body(record.fields, place)
    body["pos"] = "bottom"
    if record.key == OVERVIEW:
        body["idList"] = place.known["overview"]
    for part, name in _SETS.items():
        if ids := [_id(part, one, place) for one in strings(record.fields.get(part))]:
            body[name] = ",".join(ids)
    if address := mark(place, record.key):
        body["urlSource"] = address
    return {name: value for name, value in body.items() if value is not None}


def _update(change: Update, entry: Entry, found: Found, place: Place) -> Iterator[Step]:
    plain = {part: value for part, value in change.parts.items() if part not in _SETS}
    if plain:
        if entry.kind == CARD:
            request = Request("PUT", f"/cards/{entry.ref}", _card_body(plain, place))
        else:
            request = _rewritten(entry, plain)
        base = {part: found.fields.get(part) for part in plain}
        yield _step(place, Op.UPDATE, request, entry.key, plain, base, record=change.record)
    for part in _SETS:
        if part in change.parts:
            yield from _set(part, change, entry, found, place)


def _set(part: str, change: Update, entry: Entry, found: Found, place: Place) -> Iterator[Step]:
    """One call for each member or label that comes or goes."""
    wanted, there = set(strings(change.parts[part])), set(strings(found.fields.get(part)))
    base = found.fields.get(part)
    path = f"/cards/{entry.ref}/{_SETS[part]}"
    for one in (*sorted(wanted - there), *sorted(there - wanted)):
        id = _id(part, one, place, found)
        if one in wanted:
            request = Request("POST", path, {"value": id})
        else:
            request = Request("DELETE", f"{path}/{id}")
        there ^= {one}
        now: Json = [*sorted(there)]
        sent, before = {part: now}, {part: base}
        yield _step(
            place, Op.UPDATE, request, entry.key, sent, before, record=change.record, reads=1
        )
        base = now


def _archive(entry: Entry, found: Found, place: Place) -> Step:
    if entry.kind == CARD:
        request = Request("PUT", f"/cards/{entry.ref}", {"closed": True})
        return _step(place, Op.ARCHIVE, request, entry.key, {}, found.fields)
    if entry.kind == COMMENT:
        fields: Fields = {"text": shortened(f"{RETIRED}{found.fields.get('text')}")}
    else:
        fields = {"name": struck(entry.sent.get("name"))}
    request = _rewritten(entry, fields)
    return _step(place, Op.ARCHIVE, request, entry.key, fields, found.fields)


def _restore(change: Restore, found: Found, place: Place) -> Step:
    entry = change.entry
    if entry.kind != CARD:
        parts = {part: entry.sent[part] for part in ("text", "name") if part in entry.sent}
        return _step(place, Op.RESTORE, _rewritten(entry, parts), entry.key, {})
    body: dict[str, Json] = {"closed": False}
    if change.standing is Standing.MOVED:
        body["idBoard"] = place.where["board"]
    if change.standing is Standing.MOVED or found.extra.get("shelved"):
        overview = entry.key == OVERVIEW
        body["idList"] = place.known["overview"] if overview else _list(entry.sent["status"], place)
    request = Request("PUT", f"/cards/{entry.ref}", body)
    return _step(place, Op.RESTORE, request, entry.key, {})


def _card_body(fields: Fields, place: Place) -> dict[str, Json]:
    body: dict[str, Json] = {_PLAIN[part]: fields[part] for part in _PLAIN if part in fields}
    if "status" in fields:
        body["idList"] = _list(fields["status"], place)
    return body


def _list(status: Json, place: Place) -> str:
    lists = place.known.get("lists")
    id = lists.get(status) if isinstance(lists, dict) and isinstance(status, str) else None
    if not isinstance(id, str):
        raise BadMapping(f"No list is chosen for “{status}”; choose one of the board's lists.")
    return id


def _id(part: str, one: str, place: Place, found: Found | None = None) -> str:
    """A member's id by user name; labels are their ids."""
    if part == "labels":
        return one
    for ids in (found.extra.get("members") if found else None, place.known.get("ids")):
        if isinstance(ids, dict) and isinstance(id := ids.get(one), str):
            return id
    raise BadMapping(f"“{one}” is no longer a member of the board; change the action's owner.")


def _rewritten(entry: Entry, parts: Fields) -> Request:
    """The call that changes these parts of a comment, a checklist or a line."""
    if entry.kind == COMMENT:
        return Request("PUT", f"/actions/{entry.ref}", {"text": parts["text"]})
    if entry.kind == CHECKLIST:
        return Request("PUT", f"/checklists/{entry.ref}", {"name": parts["name"]})
    body: dict[str, Json] = {"name": parts["name"]} if "name" in parts else {}
    if "checked" in parts:
        body["state"] = "complete" if parts["checked"] else "incomplete"
    item = entry.ref.partition("/")[2]
    return Request("PUT", f"/cards/{{$ref:{OVERVIEW}}}/checkItem/{item}", body)


def _step(
    place: Place,
    op: Op,
    request: Request,
    key: str,
    sent: Fields,
    base: Fields | None = None,
    *,
    record: Record | None = None,
    needs: tuple[str, ...] = (),
    reads: int = 0,
) -> Step:
    if f"{{$ref:{OVERVIEW}}}" in request.path:
        needs = (OVERVIEW,)
    return Step(
        step_id(place, op, (key,), request),
        op,
        request,
        {key: sent},
        (record,) if record else (),
        base or {},
        needs,
        reads,
    )
