"""How our cards, comments, checklists and their lines stand now.

All is read by id, ten objects a call, through ``/batch``: there a card that the token may not see
is an answer, while Trello's plain 401 could as well mean that the token is no longer good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from exporters.errors import Unreachable
from exporters.ports import Api
from exporters.records import Entry, Fields, Found, Json, Place, Request, Standing
from exporters.trello.render import CARD, CHECKLIST, COMMENT, STATUSES

BATCH: Final = 10  # addresses a call (GET /batch)
RETIRED: Final = "_No longer in the brief:_\n\n"
UNSEEN: Final = (401, 403)
_MISSING: Final = (400, 404, 410)  # 400 is said of an id that never was


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


async def fetched(api: Api, paths: Sequence[str]) -> list[Answer]:
    """What each path answers, by as few calls as may be. No path holds a comma: those part them."""
    found: list[Answer] = []
    for start in range(0, len(paths), BATCH):
        some = paths[start : start + BATCH]
        response = await api.read(Request("GET", f"/batch?urls={quote(','.join(some), safe='')}"))
        answers = response.body if isinstance(response.body, list) else []
        if response.status != 200 or len(answers) != len(some):
            raise Unreachable("Trello gave no answer to a batch of reads.", status=response.status)
        found += [_answer(one) for one in answers]
    for path, answer in zip(paths, found, strict=True):
        if answer.status not in (200, *UNSEEN, *_MISSING):
            said = f"Trello answered {answer.status} to {path.partition('?')[0]}."
            raise Unreachable(said, status=answer.status)
    return found


async def read(api: Api, place: Place, entries: Sequence[Entry]) -> dict[str, Found]:
    """Each entry's object, by key. The lines of one checklist come in one answer."""
    paths = list(dict.fromkeys(_path(entry) for entry in entries))
    answers = dict(zip(paths, await fetched(api, paths), strict=True))
    return {entry.key: _found(entry, answers[_path(entry)], place) for entry in entries}


def card_fields(
    card: Mapping[str, Any], sent: Fields, place: Place, wanted: Json = None
) -> dict[str, Json]:
    """A card's parts. Of members and labels, those that we put there or would put there: who and
    what people add beside them is theirs."""
    people = {*strings(sent.get("members")), *strings(wanted)}
    labels = {*strings(sent.get("labels")), *strings([place.known.get("label")])}
    return {
        "name": card.get("name") or "",
        "desc": card.get("desc") or "",
        "status": _status(card, sent, place),
        "complete": bool(card.get("dueComplete")),
        "due": card.get("due"),
        "members": [*sorted(people.intersection(_members(card, place)))],
        "labels": [*sorted(labels.intersection(card.get("idLabels") or ()))],
    }


def knows_members(card: Mapping[str, Any], place: Place) -> bool:
    """Whether a card read without its members tells who they are."""
    return set(card.get("idMembers") or ()) <= set(_members(card, place).values())


def _members(card: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Ids by user name."""
    told = {str(one["username"]): str(one["id"]) for one in card.get("members") or ()}
    known = place.known.get("ids")
    ids = {str(one) for one in card.get("idMembers") or ()}
    if isinstance(known, dict):
        told = {**{name: str(id) for name, id in known.items() if id in ids}, **told}
    return told


def _status(card: Mapping[str, Any], sent: Fields, place: Place) -> Json:
    """What the card's list means; several may mean the same list, then as it was sent."""
    lists = place.known.get("lists")
    meant = [s for s in STATUSES if isinstance(lists, dict) and lists.get(s) == card.get("idList")]
    if meant:
        last = sent.get("status")
        return last if last in meant else meant[0]
    inside = card.get("list")
    name = inside.get("name") if isinstance(inside, dict) else None
    return {"list": str(name or card.get("idList") or "")}


def _path(entry: Entry) -> str:
    if entry.kind == CARD:
        return f"/cards/{entry.ref}?board=true&list=true&members=true"
    if entry.kind == COMMENT:
        return f"/actions/{entry.ref}"
    return f"/checklists/{entry.ref.partition('/')[0]}"  # a line's ref begins with its checklist's


def _found(entry: Entry, answer: Answer, place: Place) -> Found:
    if answer.status in UNSEEN:
        return Found(entry.ref, standing=Standing.FORBIDDEN, url=entry.url)
    if answer.status in _MISSING or not isinstance(answer.body, dict):
        return Found(entry.ref, standing=Standing.GONE)
    if entry.kind == CARD:
        return _card(entry, answer.body, place)
    if entry.kind == COMMENT:
        said = str((answer.body.get("data") or {}).get("text") or "")
        return _written(entry, {"text": said}, said.startswith(RETIRED))
    if entry.kind == CHECKLIST:
        fields: dict[str, Json] = {"name": answer.body.get("name") or ""}
    else:
        id = entry.ref.partition("/")[2]
        items = answer.body.get("checkItems") or ()
        line = next((one for one in items if one.get("id") == id), None)
        if line is None:
            return Found(entry.ref, standing=Standing.GONE)
        fields = line_fields(line)
    return _written(entry, fields, fields["name"] == struck(entry.sent.get("name")))


def line_fields(line: Mapping[str, Any]) -> dict[str, Json]:
    return {"name": line.get("name") or "", "checked": line.get("state") == "complete"}


def struck(name: Json) -> str:
    """A line or checklist that is no longer in the brief: Trello has no archive for them."""
    return f"~~{name}~~"


def _written(entry: Entry, fields: Fields, retired: bool) -> Found:
    standing = Standing.ARCHIVED if retired else Standing.LIVE
    return Found(entry.ref, fields, standing, entry.url, "struck through" if retired else "")


def _card(entry: Entry, card: Mapping[str, Any], place: Place) -> Found:
    board, inside = card.get("board") or {}, card.get("list") or {}
    labels: list[Json] = list(card.get("idLabels") or ())
    owners = place.known.get("owners")
    wanted = [owners.get(entry.key)] if isinstance(owners, dict) else None
    found = Found(
        str(card.get("id") or entry.ref),
        card_fields(card, entry.sent, place, wanted),
        url=card.get("shortUrl") or card.get("url") or entry.url,
        extra={"members": dict[str, Json](_members(card, place)), "labels": labels},
    )
    if board.get("closed"):
        # Nothing on a closed board can be changed, and the board is not ours to open.
        where = f"on the closed board “{board.get('name')}”"
        return replace(found, standing=Standing.FORBIDDEN, where=where)
    if card.get("idBoard") != place.where.get("board"):
        where = f"on the board “{board.get('name')}”"
        return replace(found, standing=Standing.MOVED, where=where)
    if card.get("closed"):
        return replace(found, standing=Standing.ARCHIVED, where="in the archive")
    if inside.get("closed"):
        found = replace(found, extra={**found.extra, "shelved": True})
        where = f"in the archived list “{inside.get('name')}”"
        return replace(found, standing=Standing.ARCHIVED, where=where)
    return found


def _answer(one: Json) -> Answer:
    """An address's answer stands by its status; an error may also say its status by name."""
    if isinstance(one, dict):
        for name, body in one.items():
            if name.isdecimal():
                return Answer(int(name), body)
        if isinstance(status := one.get("statusCode"), int):
            return Answer(status, one.get("message"))
    return Answer(0, None)


def strings(value: object) -> list[str]:
    return [str(one) for one in value if one] if isinstance(value, list) else []
