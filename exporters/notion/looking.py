"""What became of a call: from its answer, or, where none came, from what lies over there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from exporters import looks, markers
from exporters.errors import Unreachable
from exporters.notion import blocks, limits, properties, rich_text, shape
from exporters.notion.kinds import is_page, prefix
from exporters.notion.reading import Reading, bare, children, get, informed, page, queried
from exporters.ports import Api, Done, NotDone, NotKnown, Response
from exporters.records import (
    OVERVIEW,
    Entry,
    Fields,
    Intent,
    Json,
    Op,
    Place,
    Record,
    Seen,
    Step,
)

_FIRST_WAIT = timedelta(seconds=5)  # until looking again, doubled each time

Block = dict[str, Json]


async def receipt(api: Api, place: Place, step: Step, answer: Response) -> Mapping[str, Seen]:
    """What a write's answer says."""
    body = shape.fields(answer.body)
    if step.op in (Op.ARCHIVE, Op.RESTORE):
        return {}
    if step.op is Op.UPDATE:
        (key,) = step.keys
        ref = shape.text(body.get("id"))
        record = step.records[0]
        entry = _as_entry(record, ref)
        if is_page(record.kind):
            read = page(await informed(api, place), entry, body).fields
        else:
            read = blocks.read(body)
        return {key: Seen(ref, {part: read.get(part) for part in step.sends[key]})}
    if is_page(step.records[0].kind):
        return await _page_made(api, place, step, body, answered=True)
    made = [shape.fields(one) for one in shape.items(body.get("results"))]
    return await _blocks_made(api, step.records, made, answered=True)


async def look(
    api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
) -> Done | NotDone | NotKnown:
    step = intent.step
    if step.op is not Op.CREATE:
        # Of what goes to the trash at once, the one that the call names.
        key = next(key for key in step.keys if step.request.path.split("/")[3] == entries[key].ref)
        found = await Reading(api, place, [entries[key]]).all()
        alone = replace(intent, step=replace(step, sends={key: step.sends[key]}))
        return looks.changed(alone, found[key], now, lag=limits.LISTING_LAG)
    me = shape.fields((await get(api, "/v1/users/me")).body)
    known = [*(entry.ref for entry in entries.values()), *map(shape.text, step.base.values())]
    ours = _Ours(shape.text(me.get("id")), set(map(bare, known)), intent)
    if is_page(step.records[0].kind):
        made = await _find_page(api, place, step, ours)
        if made is not None:
            return Done(await _page_made(api, place, step, made, answered=False))
        lag = limits.QUERY_LAG
    else:
        parent = entries[step.records[0].parent or OVERVIEW].ref
        listing = [one for one in await children(api, parent) or [] if ours.made(one)]
        if listing:
            return Done(await _blocks_made(api, step.records, listing, answered=False))
        lag = limits.LISTING_LAG
    certain = intent.over + lag
    if now >= certain:
        return NotDone()
    wait: timedelta = _FIRST_WAIT * 2 ** min(intent.looks, 6)
    return NotKnown(until=min(certain, now + wait))


class _Ours:
    """What can be of one step: made by us, since then, and neither in the ledger nor left behind
    when the step was planned."""

    def __init__(self, me: str, known: set[str], intent: Intent) -> None:
        self._me = me
        self._known = known
        self.since = intent.since - limits.ROUNDED - limits.SKEW

    def made(self, one: Mapping[str, Json]) -> bool:
        maker = shape.fields(one.get("created_by")).get("id")
        if maker != self._me or bare(shape.text(one.get("id"))) in self._known:
            return False
        when = shape.text(one.get("created_time"))
        return bool(when) and datetime.fromisoformat(when) >= self.since


async def _find_page(api: Api, place: Place, step: Step, ours: _Ours) -> Block | None:
    """The page that a step made: by its marker, wherever the step put it."""
    record = step.records[0]
    place = await informed(api, place)
    key = prefix(record.kind)
    sign = markers.marker(place, place.brief, record.key)
    column = properties.columns(place, key).get(properties.MARKER)
    if source := properties.sources(place).get(key):
        if column is not None:
            wanted: dict[str, Json] = {"property": column.id, "rich_text": {"equals": sign}}
        else:
            since = ours.since.isoformat()
            wanted = {"timestamp": "created_time", "created_time": {"on_or_after": since}}
        found = await queried(api, f"/v1/data_sources/{source}/query", {"filter": wanted})
        candidates = [one for one in found if ours.made(one)]
        if column is not None:
            return candidates[0] if candidates else None
    else:
        listing = await children(api, shape.text(place.where.get("page"))) or []
        candidates = [one for one in listing if one.get("type") == "child_page" and ours.made(one)]
    for candidate in candidates:
        id = shape.text(candidate.get("id"))
        inner = [one for one in await children(api, id) or [] if ours.made(one)]
        if any(sign in rich_text.plain(blocks.read(one).get("text")) for one in inner):
            return shape.fields((await get(api, f"/v1/pages/{id}")).body)
    return None


async def _page_made(
    api: Api, place: Place, step: Step, given: Block, *, answered: bool
) -> Mapping[str, Seen]:
    record, *within = step.records
    ref = shape.text(given.get("id"))
    found = page(await informed(api, place), _as_entry(record, ref), given)
    seen = {record.key: _seen(record, ref, found.fields, answered=answered, url=found.url)}
    if within:
        listing = _of_one_maker(given, await children(api, ref) or [])
        seen.update(await _blocks_made(api, within, listing, answered=False))
    return seen


async def _blocks_made(
    api: Api, records: Sequence[Record], made: Sequence[Block], *, answered: bool
) -> dict[str, Seen]:
    keys = {record.key for record in records}
    seen: dict[str, Seen] = {}
    tops = [record for record in records if record.parent not in keys]
    if answered and len(tops) != len(made):
        raise Unreachable("Notion's answer does not name every block that it made.")
    for record, block in pairs(tops, made):
        ref = shape.text(block.get("id"))
        seen[record.key] = _seen(record, ref, blocks.read(block), answered=answered)
        rows = [one for one in records if one.parent == record.key]
        if rows:
            within = _of_one_maker(block, await children(api, ref) or [])
            seen.update(await _blocks_made(api, rows, within, answered=False))
    return seen


def _of_one_maker(outer: Block, inner: Sequence[Block]) -> list[Block]:
    maker = shape.fields(outer.get("created_by")).get("id")
    return [one for one in inner if shape.fields(one.get("created_by")).get("id") == maker]


def _seen(record: Record, ref: str, read: Fields, *, answered: bool, url: str = "") -> Seen:
    """How a record read back.

    An answer tells how Notion puts what we sent. What is read later and differs may be an edit of
    somebody's: it counts as read back unchanged, so that it shows as theirs.
    """
    now = {"inside": [], **read} if "inside" in record.fields else read
    fields = {part: now.get(part) if answered else value for part, value in record.fields.items()}
    return Seen(ref, fields, url)


def pairs(records: Sequence[Record], made: Sequence[Block]) -> Iterator[tuple[Record, Block]]:
    """Which block is which record's: people may have edited, moved or taken away some of them
    before we saw them. Equal ones are each other's; then, as they come, those of one type."""
    left = list(made)
    rest: list[Record] = []
    for record in records:
        at = next((i for i, one in enumerate(left) if _same(record, one)), None)
        if at is None:
            rest.append(record)
        else:
            yield record, left.pop(at)
    for record in rest:
        kind = blocks.type_of(record.kind)
        at = next((i for i, one in enumerate(left) if one.get("type") == kind), None)
        if at is not None:
            yield record, left.pop(at)


def _same(record: Record, block: Block) -> bool:
    read = blocks.read(block)
    return all(read.get(part) == value for part, value in record.fields.items() if part != "inside")


def _as_entry(record: Record, ref: str) -> Entry:
    return Entry(record.key, record.kind, ref, record.fields, {}, record.parent)
