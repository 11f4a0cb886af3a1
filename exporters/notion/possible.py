"""What Notion has no call for, and what may not be done to what people put there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from exporters.notion import properties, shape
from exporters.notion.kinds import is_page, prefix
from exporters.records import (
    Change,
    Entry,
    Fields,
    Found,
    Json,
    Loss,
    Place,
    Record,
    Rendering,
    Update,
)

_NO_CALL = {
    "type": "Notion has no call that changes a block's kind: change it back there.",
    "inside": "What people put inside this block in Notion is theirs: it stays.",
    "cells": "Notion has no call that changes how wide a table is: decide about the table first.",
}


def unable(
    changes: Sequence[Change],
    place: Place,
    rendering: Rendering,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
) -> list[Loss]:
    losses = list(_unmapped(place, rendering, entries))
    for change in changes:
        if isinstance(change, Update):
            record, parts = change.record, change.parts
            left = parts.keys() - sendable(record, parts, found[record.key]).keys()
            told = dict.fromkeys(_NO_CALL.get(part, _NO_CALL["type"]) for part in sorted(left))
            losses += [Loss(record.key, what) for what in told]
    return losses


def _unmapped(place: Place, rendering: Rendering, entries: Mapping[str, Entry]) -> Iterator[Loss]:
    """Values that went to a property by its name, which no property has any more."""
    for record in rendering.records:
        if not is_page(record.kind) or record.key not in entries:
            continue
        which = prefix(record.kind)
        now = properties.columns(place, which)
        went = entries[record.key].sent
        for name in [name for name in properties.VALUES if name in went and name not in now]:
            if place.mapping.get(f"{which}{name}") is None:
                label = properties.VALUES[name].label
                yield Loss(
                    record.key,
                    f"“{label}” went to a property that is gone or has another name in Notion now: "
                    "choose one under Mapping, or leave it out.",
                )


def sendable(record: Record, parts: Fields, now: Found) -> dict[str, Json]:
    """The parts that Notion has a call for: a block of another kind by now lacks some of ours, and
    a row has as many cells as its table."""
    page = is_page(record.kind)

    def fits(part: str, value: Json) -> bool:
        theirs = now.fields.get(part)
        if part in ("type", "inside") or (theirs is None and not page):
            return False
        return part != "cells" or len(shape.items(value)) == len(shape.items(theirs))

    return {part: value for part, value in parts.items() if fits(part, value)}
