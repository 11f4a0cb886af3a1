"""Whether a call of unknown outcome was made, and what one that answered has made.

A board's cards are listed, never searched: listing shows what was written, searching lags behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from exporters import looks, markers
from exporters.errors import Unreachable
from exporters.ports import Api, Done, NotDone, NotKnown, Response
from exporters.records import (
    Entry,
    Fields,
    Found,
    Intent,
    Op,
    Place,
    Record,
    Request,
    Seen,
    Standing,
    Step,
)
from exporters.trello import cards
from exporters.trello.render import CARD, CHECKLIST, COMMENT

PAGE: Final = 1000  # cards a call (nested resources)
SKEW: Final = timedelta(minutes=1)  # that Trello's clock and ours may differ
AGAIN: Final = timedelta(minutes=5)  # until a board that is hidden from us is looked at again


async def look(
    api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
) -> Done | NotDone | NotKnown:
    """Whether the step stands. What is listed is true at once, so all that is waited for is that
    the request can no longer arrive."""
    step = intent.step
    (key,) = step.keys
    if step.op is Op.CREATE:
        return await _made(api, place, intent, entries, now)
    # What was put on a card is looked for among what ours would be with it.
    entry = replace(entries[key], sent={**entries[key].sent, **step.sends[key]})
    found = (await cards.read(api, place, [entry]))[key]
    if not step.reads:
        return looks.changed(intent, found, now)
    if _stands(step.request, found):
        return Done({key: Seen(found.ref, found.fields, found.url)})
    return NotDone() if now >= intent.over else NotKnown(until=intent.over)


def _stands(request: Request, found: Found) -> bool:
    """Whether one member or label was put on a card, or taken off it."""
    members, labels = found.extra.get("members"), found.extra.get("labels")
    there = [*(members.values() if isinstance(members, dict) else ()), *cards.strings(labels)]
    if found.standing is Standing.GONE:
        return False
    if isinstance(request.body, dict):
        return request.body["value"] in there
    return request.path.rpartition("/")[2] not in there


async def _made(
    api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
) -> Done | NotDone | NotKnown:
    """The oldest object that is ours by its marker or, where Trello keeps none, by its words: one
    of those made since the intent that the ledger does not know."""
    (record,) = intent.step.records
    known = {entry.ref for entry in entries.values()}
    if record.kind == CARD:
        listed: list[str] | None = await _marked(api, place, record, intent.since)
    else:
        listed = await _worded(api, record, entries[record.parent or ""].ref)
    if listed is None:
        return NotKnown(until=max(intent.over, now + AGAIN))
    begun = intent.since.replace(microsecond=0)  # ids tell whole seconds
    put_away: Done | None = None  # the last resort: what was replaced may be of the same second
    for ref in sorted(set(listed) - known, key=_id):
        born = _born(_id(ref))
        if born < begun - SKEW or (record.kind == CARD and await _copied(api, ref)):
            continue
        made = Entry(record.key, record.kind, ref, record.fields, {}, record.parent)
        found = (await cards.read(api, place, [made]))[record.key]
        # One that is put away and seems older may be what this was made to replace.
        done = Done({record.key: Seen(found.ref, found.fields, found.url)})
        if found.standing is Standing.LIVE:
            return done
        if found.standing is not Standing.GONE and born >= begun:
            put_away = put_away or done
    if put_away is not None:
        return put_away
    return NotDone() if now >= intent.over else NotKnown(until=intent.over)


async def _marked(api: Api, place: Place, record: Record, since: datetime) -> list[str] | None:
    """Cards of the board with our marker, archived ones too; None where the board is hidden."""
    sign = markers.marker(place, place.brief, record.key)
    found: list[str] = []
    before = ""
    while True:
        path = (
            f"/boards/{place.where['board']}/cards/all?fields=desc&attachments=true"
            f"&attachment_fields=url&limit={PAGE}{before}"
        )
        (answer,) = await cards.fetched(api, [path])
        if answer.status in cards.UNSEEN:
            return None
        page = answer.body if isinstance(answer.body, list) else []
        for card in page:
            said = [card.get("desc") or "", *(one["url"] for one in card.get("attachments") or ())]
            if any(sign in one for one in said):
                found.append(str(card["id"]))
        oldest = min((str(card["id"]) for card in page), default="")
        # The newest come first: what is older than the intent is none of its doing.
        if len(page) < PAGE or _born(oldest) < since - SKEW:
            return found
        before = f"&before={oldest}"


async def _worded(api: Api, record: Record, parent: str) -> list[str]:
    """Comments, checklists or lines of an object of ours that say what we sent. None where it is
    gone or hidden from us: then nothing is made there before a person says what becomes of it."""
    if record.kind == COMMENT:
        path = f"/cards/{parent}/actions?filter=commentCard"  # the newest fifty
    elif record.kind == CHECKLIST:
        path = f"/cards/{parent}/checklists"
    else:
        path = f"/checklists/{parent}"
    (answer,) = await cards.fetched(api, [path])
    body = answer.body if answer.status == 200 else None
    if record.kind == COMMENT:
        texts = [(one["id"], one["data"].get("text")) for one in body or ()]
        return [str(id) for id, text in texts if text == record.fields["text"]]
    if record.kind == CHECKLIST:
        named = body if isinstance(body, list) else []
        return [str(one["id"]) for one in named if one.get("name") == record.fields["name"]]
    lines = body.get("checkItems") or () if isinstance(body, dict) else ()
    return [f"{parent}/{one['id']}" for one in lines if one.get("name") == record.fields["name"]]


async def _copied(api: Api, card: str) -> bool:
    """Whether a person made it from another card, whose marker it then carries too."""
    (answer,) = await cards.fetched(api, [f"/cards/{card}/actions?filter=copyCard"])
    return bool(answer.body) and answer.status == 200


async def receipt(api: Api, place: Place, step: Step, answer: Response) -> dict[str, Seen]:
    """How what was written reads, from the answer where that tells all."""
    (key,) = step.keys
    sent, body = step.sends[key], answer.body
    if step.reads:  # the answer tells of members or labels alone
        return await _read_back(api, place, key, step.request.path.split("/")[2], sent)
    if not isinstance(body, dict) or not body.get("id"):
        raise Unreachable("Trello's answer does not tell what was written.")
    ref = str(body["id"])
    if "idChecklist" in body:
        return {key: _seen(f"{body['idChecklist']}/{ref}", cards.line_fields(body), "", sent)}
    if "idBoard" in body and "idList" in body:
        if not cards.knows_members(body, place):
            return await _read_back(api, place, key, ref, sent)
        url = str(body.get("shortUrl") or body.get("url") or "")
        return {key: _seen(ref, cards.card_fields(body, sent, place), url, sent)}
    said = body.get("data")
    words = {"text": said.get("text")} if isinstance(said, dict) else {"name": body.get("name")}
    return {key: _seen(ref, words, "", sent)}


async def _read_back(api: Api, place: Place, key: str, ref: str, sent: Fields) -> dict[str, Seen]:
    found = (await cards.read(api, place, [Entry(key, CARD, ref, sent, {})]))[key]
    return {key: _seen(found.ref, found.fields, found.url, sent)}


def _seen(ref: str, fields: Fields, url: str, sent: Fields) -> Seen:
    """Only what was sent: the rest may have changed without us."""
    return Seen(ref, {part: fields[part] for part in sent if part in fields}, url)


def _id(ref: str) -> str:
    return ref.rpartition("/")[2]


def _born(id: str) -> datetime:
    """When Trello gave this id: its first four bytes say so."""
    return datetime.fromtimestamp(int(id[:8], 16), UTC)
