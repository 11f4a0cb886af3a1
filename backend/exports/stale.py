"""Which exported items rest on evidence that its source no longer gives. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.claims.claims import cites_of
from backend.documents.current import Reading
from backend.evidence.model import EvidenceState
from collab.model import Block
from exporters.records import OVERVIEW


def resting_on_stale(reading: Reading, keys: frozenset[str]) -> frozenset[str]:
    """Of these keys, those with a citation in them of what is stale or deleted.

    The overview stands for the whole brief, so it rests on all of it.
    """
    found = {
        block.id
        for block in _all(reading.projection.blocks)
        if block.id in keys and _is_stale(reading, [block])
    }
    if OVERVIEW in keys and _is_stale(reading, reading.projection.blocks):
        found.add(OVERVIEW)
    return frozenset(found)


def _all(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        yield from _all(block.children)


def _is_stale(reading: Reading, blocks: Iterable[Block]) -> bool:
    cited = (reading.evidence.get(cite) for cite, _ in cites_of(blocks))
    return any(one is not None and one.state is not EvidenceState.CURRENT for one in cited)
