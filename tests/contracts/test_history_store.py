"""What is kept of a brief's history, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from backend.clock import now
from backend.history.model import Fresh, Full, Relinked
from backend.store.engine import Store
from backend.store.history import StoredHistory
from collab.editors import Editor
from collab.history import Link

ANN, BO = Editor("ann", "Ann"), Editor("bo", "Bo")
AT_ONCE = 8


@pytest.fixture
async def rows(store_of_a_brief: Store) -> StoredHistory:
    return StoredHistory(store_of_a_brief)


def fresh(words: str, *, whole: bool = False, editors: Sequence[Editor] = (ANN,)) -> Fresh:
    return Fresh(now(), None, None, editors, words, "e", Link(words.encode(), whole))


async def fill(rows: StoredHistory, count: int) -> None:
    """Versions 1 to ``count``, of which each fourth begins a chain."""
    for n in range(count):
        added = await rows.add("brf_1", fresh(f"v{n + 1}", whole=n % 4 == 0), after=n or None)
        assert added is not None
        assert added.number == n + 1


async def test_a_version_is_had_with_the_chain_that_it_needs(rows: StoredHistory) -> None:
    """From the last whole one on, in order; the last version where none is named."""
    assert await rows.linked("brf_1") is None
    await fill(rows, 7)
    for number, chain in ((1, ["v1"]), (3, ["v1", "v2", "v3"]), (5, ["v5"]), (6, ["v5", "v6"])):
        linked = await rows.linked("brf_1", number)
        assert linked is not None
        assert linked.version.number == number
        assert [link.packed.decode() for link in linked.chain] == chain
        assert [link.whole for link in linked.chain] == [True, *[False] * (len(chain) - 1)]
    last = await rows.linked("brf_1")
    assert last is not None
    assert last.version.number == 7
    assert await rows.linked("brf_1", 8) is None
    assert await rows.whole("brf_1") == {1, 5}


async def test_of_many_at_once_one_is_added_behind_the_last(rows: StoredHistory) -> None:
    """The others are told that another has come, and no number is given twice."""
    await fill(rows, 1)
    added = await asyncio.gather(
        *(rows.add("brf_1", fresh(f"at once {n}"), after=1) for n in range(AT_ONCE))
    )
    assert [one.number for one in added if one is not None] == [2]
    assert await rows.add("brf_1", fresh("late"), after=1) is None
    assert await rows.add("brf_2", fresh("of nothing"), after=None) is None


async def test_who_edited_is_pending_until_a_version_has_them(rows: StoredHistory) -> None:
    """Told twice is told once; a version takes those it names and leaves who came since."""
    await asyncio.gather(*(rows.edited("brf_1", [ANN, BO], now()) for _ in range(AT_ONCE)))
    assert await rows.editors("brf_1") == {ANN, BO}
    (pending,) = await rows.pending()
    assert (pending.brief, pending.space, set(pending.editors)) == ("brf_1", "spc_1", {ANN, BO})
    version = await rows.add("brf_1", fresh("v1", whole=True, editors=[ANN]), after=None)
    assert version is not None
    assert version.editors == [ANN]
    assert await rows.editors("brf_1") == {BO}
    await rows.settle("brf_1", [BO])
    assert await rows.pending() == []
    await rows.edited("brf_2", [ANN], now())
    assert await rows.editors("brf_2") == frozenset()


async def test_so_many_editors_are_told_and_no_more(rows: StoredHistory) -> None:
    """A room of hundreds costs a brief no more than a hundred rows."""
    crowd = [Editor(f"p{n}", "") for n in range(101)]
    await rows.edited("brf_1", crowd, now())
    assert len(await rows.editors("brf_1")) == 100
    await rows.edited("brf_1", [ANN], now())
    assert len(await rows.editors("brf_1")) == 100


async def test_a_name_is_given_and_taken(rows: StoredHistory) -> None:
    """It counts as long as it is there; a version that is not there has none."""
    await fill(rows, 2)
    named = await rows.name("brf_1", 2, "Sent", limit=2)
    assert named is not None
    assert named.name == "Sent"
    assert (await rows.size("brf_1")).named == 1
    marked = await rows.name("brf_1", 2, None, limit=2, restored=1)
    assert marked is not None
    assert (marked.name, marked.restored) == (None, 1)
    size = await rows.size("brf_1")
    assert (size.versions, size.named, size.bytes) == (2, 0, 4)
    assert await rows.name("brf_1", 3, "Nothing", limit=2) is None


async def test_as_many_have_names_as_may(rows: StoredHistory) -> None:
    """The last that may have one gets it, the next does not; a name is changed all the same."""
    await fill(rows, 3)
    for number in (1, 2):
        assert await rows.name("brf_1", number, "Named", limit=2)
    with pytest.raises(Full):
        await rows.name("brf_1", 3, "One more", limit=2)
    assert await rows.name("brf_1", 2, "Renamed", limit=2)


async def test_a_brief_without_versions_is_found(rows: StoredHistory) -> None:
    """For as long as it has none."""
    assert "brf_1" in await rows.without()
    await fill(rows, 1)
    assert "brf_1" not in await rows.without()


async def test_versions_go_and_those_behind_them_take_their_place(rows: StoredHistory) -> None:
    """All in one step."""
    await fill(rows, 6)
    behind = {4: Relinked([ANN, BO], "all of it", Link(b"whole of 4", whole=True))}
    assert await rows.thin("brf_1", [1, 2, 3, 4], [1, 2, 3], behind)
    left = await rows.list("brf_1", before=None, limit=10)
    assert [one.number for one in left] == [6, 5, 4]
    assert (left[2].summary, left[2].editors, left[2].bytes) == ("all of it", [ANN, BO], 10)
    linked = await rows.linked("brf_1", 4)
    assert linked is not None
    assert [link.packed for link in linked.chain] == [b"whole of 4"]


async def test_a_chain_that_changed_meanwhile_is_left_alone(rows: StoredHistory) -> None:
    """One that is to go has a name by now, or others went before: nothing is done."""
    await fill(rows, 6)
    await rows.name("brf_1", 2, "Named meanwhile", limit=2)
    behind = {4: Relinked([ANN], "", Link(b"new", whole=True))}
    assert not await rows.thin("brf_1", [1, 2, 3, 4], [1, 2, 3], behind)
    assert await rows.thin("brf_1", [1, 2, 3, 4], [3], {})
    assert not await rows.thin("brf_1", [1, 2, 3, 4], [1], behind)
    assert not await rows.thin("brf_2", [1, 2, 3, 4], [1], behind)
    left = await rows.list("brf_1", before=None, limit=10)
    assert [one.number for one in left] == [6, 5, 4, 2, 1]
    assert left[2].bytes == len("v4")


async def test_versions_are_listed_from_the_latest(rows: StoredHistory) -> None:
    """So many at a time, below a number."""
    await fill(rows, 5)
    assert [one.number for one in await rows.list("brf_1", before=None, limit=2)] == [5, 4]
    assert [one.number for one in await rows.list("brf_1", before=4, limit=9)] == [3, 2, 1]
