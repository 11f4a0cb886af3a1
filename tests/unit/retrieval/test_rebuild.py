"""A leg whose index is exchanged while it is asked and told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from retrieval.errors import BeingRebuilt, IndexMismatch
from retrieval.memory import MemoryLexical
from retrieval.model import Passage, Query, Run, Scope
from retrieval.rebuild import Generation, Rebuild, Standing, following

ALL = Scope("t", frozenset({"s"}))


def passage(number: int, source: str = "src_1") -> Passage:
    text = f"copper {number}"
    id = f"{source}.v.{number:05d}"
    return Passage(id, "t", "s", source, "v", number, text, 0, len(text))


class Slow(MemoryLexical):
    """Searches when it is let, and knows whether it was closed before it could."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.let.set()
        self.begun = asyncio.Event()
        self.closed = False

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.begun.set()
        await self.let.wait()
        assert not self.closed
        return await super().search(query, scope=scope, limit=limit)

    async def put(self, passages: Sequence[Passage]) -> None:
        self.begun.set()
        await self.let.wait()
        await super().put(passages)

    async def close(self) -> None:
        self.closed = True

    def generation(self, name: str) -> Generation:
        return Generation(name, self, self.close)


async def ids(leg: Standing) -> list[str]:
    run = await leg.search(Query("copper"), scope=ALL, limit=9)
    return sorted(line.passage for line in run.ranked)


@pytest.fixture
async def old() -> Slow:
    return Slow()


@pytest.fixture
async def new() -> Slow:
    return Slow()


@pytest.fixture
async def leg(old: Slow, new: Slow) -> Standing:
    """One that serves from ``old`` while ``new`` is in the making."""
    standing = Standing("bm25")
    standing.stand(old.generation(""))
    await standing.put([passage(1)])
    standing.begin(new.generation("g1"), Rebuild({"LEXICAL_URL": "g1"}))
    old.begun.clear()
    return standing


async def test_a_search_that_runs_keeps_its_index_open_until_it_ends(
    leg: Standing, old: Slow
) -> None:
    """The old one closes after the last who is in it; new searches go to the new one at once."""
    old.let.clear()
    searching = asyncio.create_task(ids(leg))
    await old.begun.wait()
    before = await leg.switch()
    assert before is not None
    closing = asyncio.create_task(before.close())
    assert await ids(leg) == []
    assert not closing.done()
    old.let.set()
    assert await searching == [passage(1).id]
    await closing
    assert old.closed


async def test_what_is_put_while_the_switch_comes_is_in_the_new_index(
    leg: Standing, old: Slow
) -> None:
    """It was begun in the old one, which answers no more when it ends."""
    old.let.clear()
    putting = asyncio.create_task(leg.put([passage(2)]))
    await old.begun.wait()
    await leg.switch()
    old.let.set()
    await putting
    assert await ids(leg) == [passage(2).id]


async def test_what_is_dropped_while_it_is_fed_stays_dropped(leg: Standing, new: Slow) -> None:
    """A drop waits for the batch that was read before it, and takes that away too."""
    reading, read_on = asyncio.Event(), asyncio.Event()

    async def read() -> Sequence[Passage]:
        reading.set()
        await read_on.wait()
        return [passage(1)]

    feeding = asyncio.create_task(leg.fill(read))
    await reading.wait()
    dropping = asyncio.create_task(leg.drop("src_1"))
    await asyncio.sleep(0)
    read_on.set()
    await feeding
    await dropping
    await leg.switch()
    assert await ids(leg) == []


async def test_without_an_index_it_says_how_far_the_next_one_is(new: Slow) -> None:
    """And before there is a next one, why there is none; what is put goes where it can."""
    leg = Standing("dense", why=IndexMismatch("made by another"))
    with pytest.raises(IndexMismatch):
        await ids(leg)
    with pytest.raises(IndexMismatch):
        await leg.put([passage(1)])
    leg.begin(new.generation("g1"), Rebuild({"DENSE_URL": "g1"}, done=199, total=200))
    assert leg.broken is None
    with pytest.raises(BeingRebuilt, match="being rebuilt, 99 %"):
        await ids(leg)
    await leg.put([passage(1)])
    await leg.switch()
    assert await ids(leg) == [passage(1).id]


def test_a_rebuild_is_written_and_read_and_goes_on_after_what_was_fed() -> None:
    """Cut sources first; with what comes after them it begins from the first id again."""
    state = Rebuild({"DENSE_URL": "g2"}).fed([passage(1), passage(2)]).of(3)
    assert Rebuild.read(state.written()) == state
    assert (state.after, str(state)) == (passage(2).id, "2 of 3")
    assert state.fed([]) == state
    then = state.beyond_cut()
    assert (then.cut, then.after, then.done) == (False, "", 2)
    assert [following(""), following("g1"), following("g9")] == ["g1", "g2", "g10"]
