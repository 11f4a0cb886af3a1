"""What the ledger says once a step was made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from exporters.judge import same
from exporters.records import Entry, Fields, Json, Op, Record, Seen, Step

GAP: Final = 1024  # between two siblings, so that one can be put there without renumbering


def after(
    step: Step, seen: Mapping[str, Seen], entries: Mapping[str, Entry], *, found_later: bool
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """The entries that change, and the keys to forget.

    ``found_later``: it was not the call's answer that told, so a part that reads otherwise than it
    was sent may be a person's doing: it is not taken for how ours reads back.
    """
    match step.op:
        case Op.ARCHIVE:
            return (), step.keys
        case Op.RESTORE:
            return tuple(entries[key] for key in step.keys if key in entries), ()
    now = dict(entries)
    changed: dict[str, Entry] = {}
    records = {record.key: record for record in step.records}
    for key, sent in step.sends.items():
        back = _read_back(sent, seen[key].fields, found_later) if key in seen else {}
        if step.op is Op.UPDATE:
            entry = _updated(now[key], records.get(key), sent, back)
            if step.moved and (record := records.get(key)):
                parent = record.parent
                entry = replace(entry, parent=parent, within=_ref(parent, now) or entry.within)
            fresh = {key: entry}
        elif key not in seen:
            continue  # somebody took it away before we saw it: there is no object to keep a book of
        else:
            fresh = _made(records[key], sent, back, seen[key], now)
        now.update(fresh)
        changed.update(fresh)
    return tuple(changed.values()), ()


def _read_back(sent: Fields, fields: Fields, found_later: bool) -> Fields:
    """Only of parts that were sent: what else changed over there is still to be noticed."""
    return {
        part: value
        for part, value in fields.items()
        if part in sent and not (found_later and not same(value, sent[part]))
    }


def _updated(entry: Entry, record: Record | None, sent: Fields, back: Fields) -> Entry:
    seen: dict[str, Json] = {part: value for part, value in entry.seen.items() if part not in sent}
    return replace(
        entry,
        sent={**entry.sent, **sent},
        seen={**seen, **back},
        left=entry.left - sent.keys(),
        title=(record.title if record else "") or entry.title,
    )


def _made(
    record: Record, sent: Fields, back: Fields, seen: Seen, entries: Mapping[str, Entry]
) -> dict[str, Entry]:
    """The new entry, and siblings that had to be numbered anew to let it in."""
    entry = Entry(
        record.key,
        record.kind,
        seen.ref,
        sent,
        back,
        record.parent,
        seen.url,
        record.title,
        within=_ref(record.parent, entries),
    )
    if not record.ordered:
        return {record.key: entry}
    siblings = sorted(
        (e for e in entries.values() if e.parent == record.parent and e.key != record.key),
        key=lambda sibling: sibling.order,
    )
    follows = next((i for i, e in enumerate(siblings) if e.key == record.after), None)
    at = 0 if record.after is None else len(siblings) if follows is None else follows + 1
    low = siblings[at - 1].order if at else None
    high = siblings[at].order if at < len(siblings) else None
    match low, high:
        case None, None:
            order = 0
        case None, int(above):
            order = above - GAP
        case int(below), None:
            order = below + GAP
        case int(below), int(above) if above - below > 1:
            order = (below + above) // 2
        case _:
            line = [*siblings[:at], entry, *siblings[at:]]
            return {e.key: replace(e, order=GAP * index) for index, e in enumerate(line)}
    return {record.key: replace(entry, order=order)}


def _ref(parent: str | None, entries: Mapping[str, Entry]) -> str:
    return entries[parent].ref if parent is not None and parent in entries else ""
