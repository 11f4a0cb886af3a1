"""Feeding the legs: words first, each failure named, stopped between batches, safe to repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from retrieval.ingest import BATCH, Ingester, LegsFailed
from retrieval.memory import MemoryLexical
from retrieval.model import Passage, SourceId, VersionHash

PASSAGES = [
    Passage(f"p{n:05d}", "acme", "s1", "src_1", "v", n, "apples", 0, 6)
    for n in range(2 * BATCH + 1)
]


class Leg(MemoryLexical):
    """A leg that fails from a given batch on, until it is mended."""

    def __init__(self, name: str, *, fails_at: int | None = None) -> None:
        super().__init__()
        self.name = name
        self.fails_at = fails_at
        self.puts: list[int] = []

    async def put(self, passages: Sequence[Passage]) -> None:
        if self.fails_at is not None and len(self.puts) >= self.fails_at:
            raise OSError("disk full")
        self.puts.append(len(passages))
        await super().put(passages)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        if self.fails_at is not None:
            raise OSError("disk full")
        await super().drop(source, keep=keep)


async def test_words_find_everything_before_any_meaning_is_encoded() -> None:
    lexical, dense = Leg("bm25"), Leg("dense")
    seen: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []

    async def searchable() -> None:
        seen.append((await lexical.count(), await dense.count()))

    await Ingester(lexical, [dense]).put(
        PASSAGES, searchable=searchable, progress=lambda done, total: told.append((done, total))
    )
    many = len(PASSAGES)
    assert seen == [(many, 0)]
    assert dense.puts == [BATCH, BATCH, 1]
    assert told == [(n, 2 * many) for n in (many, many + BATCH, many + 2 * BATCH, 2 * many)]


async def test_a_leg_that_fails_is_named_the_others_complete_and_a_repeat_heals() -> None:
    lexical, dense, sparse = Leg("bm25"), Leg("dense", fails_at=1), Leg("sparse")
    ingester = Ingester(lexical, [dense, sparse])
    with pytest.raises(LegsFailed, match="dense: disk full") as raised:
        await ingester.put(PASSAGES)
    assert list(raised.value.failures) == ["dense"]
    assert await lexical.count() == await sparse.count() == len(PASSAGES)
    dense.fails_at = None
    await ingester.put(PASSAGES)
    assert await lexical.count() == await dense.count() == len(PASSAGES)


async def test_a_lexical_failure_stops_everything_before_it_is_called_searchable() -> None:
    dense = Leg("dense")
    said: list[str] = []

    async def searchable() -> None:
        said.append("searchable")

    with pytest.raises(OSError, match="disk full"):
        await Ingester(Leg("bm25", fails_at=0), [dense]).put(PASSAGES, searchable=searchable)
    assert (said, dense.puts) == ([], [])


async def test_cancelling_takes_effect_between_two_batches() -> None:
    """Also with legs that never wait for anything themselves."""
    dense = Leg("dense")
    running: list[asyncio.Task[None]] = []

    def progress(done: int, total: int) -> None:
        if done > len(PASSAGES):
            running[0].cancel()

    running.append(
        asyncio.create_task(Ingester(Leg("bm25"), [dense]).put(PASSAGES, progress=progress))
    )
    with pytest.raises(asyncio.CancelledError):
        await running[0]
    assert dense.puts == [BATCH]


async def test_a_dead_leg_does_not_keep_the_living_from_forgetting() -> None:
    lexical, dense, sparse = Leg("bm25"), Leg("dense"), Leg("sparse")
    ingester = Ingester(lexical, [dense, sparse])
    await ingester.put(PASSAGES)
    dense.fails_at = 0
    with pytest.raises(LegsFailed, match="dense: disk full"):
        await ingester.drop("src_1")
    assert (await lexical.count(), await sparse.count()) == (0, 0)
