"""Searches by the quantized copy find what comparing every vector finds, and only in the scope."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.model import Passage, Scope
from retrieval.stores import edge_quantized, qdrant_edge, quantized
from retrieval.stores.exact import ExactVectors
from retrieval.stores.qdrant_edge import QdrantEdge

AT_ONCE = quantized.AT_ONCE
DIMENSIONS = 64
COUNT = 1_500
OURS = Scope("acme", frozenset({"spc_0", "spc_1", "spc_2"}))
SCOPES = [
    OURS,
    Scope("acme", frozenset({"spc_0"})),
    Scope("acme", frozenset({"spc_0", "spc_9"})),
    Scope("globex", frozenset({"spc_1"})),
    Scope("nobody", frozenset({"spc_1"})),
    replace(OURS, sources=frozenset({f"src_{number}" for number in range(0, 15, 2)})),
    replace(OURS, sources=frozenset({"src_3", "src_none"})),
    replace(OURS, passages=frozenset({"p00004", "p00005", "p00006", "none"})),
    replace(OURS, sources=frozenset({"src_4"}), passages=frozenset({"p00004", "p00005"})),
]


@pytest.fixture(autouse=True)
def from_few_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantized from 500 passages on, searched by it for more than 40 rows, and with so many
    candidates that what is missed is missed for another reason."""
    monkeypatch.setattr(edge_quantized, "REPAYS", 500)
    monkeypatch.setattr(quantized, "FEW", 40)
    monkeypatch.setattr(quantized, "CANDIDATES", 600)


def opened(folder: Path) -> QdrantEdge:
    return QdrantEdge.open_dense(folder, fingerprint="none", dimensions=DIMENSIONS)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[QdrantEdge]:
    held = opened(tmp_path / "dense")
    yield held
    held.close()


def made(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    """Unit vectors in clusters, as those of texts are."""
    middles = np.random.default_rng(0).normal(size=(20, DIMENSIONS))
    chance = np.random.default_rng(seed)
    vectors = middles[chance.integers(20, size=count)] + chance.normal(size=(count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def passage(number: int, *, version: str = "v1") -> Passage:
    """Every seventh is another tenant's; 15 sources of three spaces."""
    return Passage(
        id=f"p{number:05d}",
        tenant="acme" if number % 7 else "globex",
        space=f"spc_{number % 3}",
        source=f"src_{number % 15}",
        version=version,
        ordinal=0,
        text="",
        start=0,
        end=0,
    )


async def fed(*indexes: Any, count: int = COUNT) -> None:
    vectors = list(made(count))
    passages = [passage(number) for number in range(count)]
    for index in indexes:
        for at in range(0, count, 250):
            await index.put(passages[at : at + 250], vectors[at : at + 250])


async def compared(index: QdrantEdge, exact: ExactVectors) -> None:
    """Every question in every scope is answered as by comparing everything.

    Passages whose scores differ by the last decimal may change places.
    """
    for question in made(10, seed=2):
        for scope in SCOPES:
            right = await exact.search(question, scope=scope, limit=10_000)
            scores = {line.passage: line.score for line in right}
            for limit in (1, 10, 60):
                found = await index.search(question, scope=scope, limit=limit)
                assert [line.score for line in found] == pytest.approx(
                    [line.score for line in right[:limit]], abs=2e-6
                )
                assert len({line.passage for line in found}) == len(found)
                for line in found:
                    assert line.score == pytest.approx(scores[line.passage], abs=2e-6)


async def test_the_nearest_are_those_of_comparing_all(index: QdrantEdge) -> None:
    """In wide scopes and narrow ones, of spaces, sources and passages, and in none."""
    exact = ExactVectors()
    await fed(index, exact)
    assert await index.quantized()
    await compared(index, exact)


async def test_a_short_search_is_answered_where_it_is_asked(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the expected time, and in a thread one row past it; the answers are the same."""
    await fed(index)
    assert await index.quantized()
    assert index._beside is not None
    copy = index._beside.ready
    assert copy is not None
    threads: list[str] = []
    ranked = quantized.Quantized._ranked

    def noted(self: Any, *given: Any) -> Any:
        threads.append(threading.current_thread().name)
        return ranked(self, *given)

    monkeypatch.setattr(quantized.Quantized, "_ranked", noted)
    assert len(copy._ids) == COUNT
    bound = quantized.expected(COUNT, DIMENSIONS, 10)
    for question in made(10, seed=2):
        for scope in SCOPES[:5]:
            monkeypatch.setattr(quantized, "AT_ONCE", bound)
            here = await index.search(question, scope=scope, limit=10)
            monkeypatch.setattr(quantized, "AT_ONCE", bound - DIMENSIONS * 11e-6)
            assert await index.search(question, scope=scope, limit=10) == here
            assert [name.startswith("dense-searches") for name in threads] == [False, True]
            threads.clear()


@pytest.mark.parametrize(
    ("rows", "dimensions", "limit", "here"),
    [
        (11_655, 384, 100, True),
        (48_000, 384, 100, True),
        (100_000, 384, 100, False),
        (11_655, 384, 1_000, False),
        (11_655, 1_024, 50, True),
        (11_655, 1_024, 100, False),
    ],
)
def test_what_is_expected_to_be_short(rows: int, dimensions: int, limit: int, here: bool) -> None:
    """Few rows, few dimensions, and not a thousand asked for."""
    assert (quantized.expected(rows, dimensions, limit) <= AT_ONCE) is here


async def test_whoever_asks_during_a_change_does_not_hold_the_loop(index: QdrantEdge) -> None:
    """The search waits in a thread, and answers once the change is done."""
    await fed(index)
    assert await index.quantized()
    assert index._beside is not None
    copy = index._beside.ready
    assert copy is not None
    question = made(1, seed=2)[0]
    with copy._alone():
        assert copy.at_once(question, scope=OURS, limit=5) is None
        asked = asyncio.create_task(index.search(question, scope=OURS, limit=5))
        await asyncio.sleep(0)
        assert not asked.done()
    assert await asked == copy.at_once(question, scope=OURS, limit=5)


async def test_few_candidates_are_enough(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thirtieth of the passages as candidates, at least .98 of the ten best are among them."""
    monkeypatch.setattr(quantized, "CANDIDATES", 200)
    exact = ExactVectors()
    await fed(index, exact, count=6_000)
    assert await index.quantized()
    right = 0
    for question in made(50, seed=2):
        expected = await exact.search(question, scope=OURS, limit=10)
        found = {line.passage for line in await index.search(question, scope=OURS, limit=10)}
        right += sum(line.passage in found for line in expected)
    assert right >= 0.98 * 500


async def test_what_the_nearest_cells_lack_is_looked_for_in_all(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where few cells are read, a search still gives as many as asked for, all in scope."""
    monkeypatch.setattr(quantized, "READ", 60)
    monkeypatch.setattr(quantized, "TO_A_CELL", 50)
    await fed(index)
    assert await index.quantized()
    everyones = {number: passage(number) for number in range(COUNT)}
    for question in made(10, seed=2):
        for scope in SCOPES[:6]:
            inside = {
                one.id
                for one in everyones.values()
                if scope.admits(tenant=one.tenant, space=one.space, source=one.source)
            }
            for limit in (5, 100):
                found = {
                    line.passage for line in await index.search(question, scope=scope, limit=limit)
                }
                assert len(found) == min(limit, len(inside))
                assert found <= inside


async def test_it_follows_what_changes(index: QdrantEdge) -> None:
    """New passages, replaced ones, moved ones and dropped sources count at the call's return."""
    exact = ExactVectors()
    await fed(index, exact)
    assert await index.quantized()
    news = list(made(300, seed=3))
    for one in (index, exact):
        await one.put([passage(COUNT + number) for number in range(200)], news[:200])
        await one.put([passage(number, version="v2") for number in range(100)], news[200:])
        await one.put([replace(passage(7), tenant="acme", space="spc_0", source="src_3")], news[:1])
        await one.drop("src_4", keep="v2")
        await one.drop("src_5")
        await one.drop("src_5")
        await one.put([passage(20), passage(20)], news[1:3])
    assert await index.quantized()
    assert await index.count() == await exact.count()
    await compared(index, exact)


async def test_what_changes_while_it_is_made_is_in_it(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Puts, replacements and drops between its pages and during its training are not lost."""
    monkeypatch.setattr(edge_quantized, "PAGE", 3)
    exact = ExactVectors()
    await fed(index, exact)
    chance, vectors = random.Random(5), made(400, seed=4)
    beside = index._beside
    assert beside is not None
    during = 0
    for number in range(0, 400, 10):
        during += beside.ready is None
        some = [passage(chance.randrange(2 * COUNT), version="v2") for _ in range(10)]
        unlike = list({one.id: one for one in some}.values())
        for one in (index, exact):
            await one.put(unlike, list(vectors[number : number + len(unlike)]))
        if chance.random() < 0.2:
            source = f"src_{chance.randrange(15)}"
            for one in (index, exact):
                await one.drop(source)
    assert during > 5
    assert await index.quantized()
    assert await index.count() == await exact.count()
    await compared(index, exact)


async def test_a_tie_that_reaches_past_the_candidates_stands_in_order_of_id(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More equal passages than are looked at first: the smallest ids are found."""
    monkeypatch.setattr(quantized, "CANDIDATES", 100)
    count = 600
    same = made(1)[0]
    passages = [replace(passage(0), id=f"p{number:05d}") for number in reversed(range(count))]
    await index.put(passages, [same] * count)
    await index.put([passage(count + number) for number in range(300)], list(made(300, seed=6)))
    assert await index.quantized()
    found = await index.search(same, scope=Scope("globex", frozenset({"spc_0"})), limit=5)
    assert [line.passage for line in found] == [f"p{number:05d}" for number in range(5)]


async def test_it_is_made_again_after_an_opening(tmp_path: Path) -> None:
    """Nothing of it is kept but what the engine keeps, and no file of it is left."""
    exact = ExactVectors()
    index = opened(tmp_path / "dense")
    await fed(index, exact)
    assert await index.quantized()
    index.close()
    assert sorted(path.name for path in (tmp_path / "dense").iterdir()) == [
        "manifest.json",
        "shard",
    ]
    index = opened(tmp_path / "dense")
    try:
        assert await index.quantized()
        await compared(index, exact)
    finally:
        index.close()


async def test_few_are_compared_whole(index: QdrantEdge) -> None:
    """One passage fewer than repays it, and there is none; with that one there is."""
    await fed(index, count=499)
    assert not await index.quantized()
    assert not index.report()
    await index.put([passage(499)], list(made(1)))
    assert index.report() == "compares every vector until its quantized copy is made"
    assert await index.quantized()
    assert index.report() == "searched quantized"


async def test_it_is_trained_anew_when_outgrown(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was trained on the first passages is replaced once they are a small part."""
    monkeypatch.setattr(quantized, "LEARNT_OF", 400)
    exact = ExactVectors()
    await fed(index, exact, count=500)
    assert await index.quantized()
    assert index._beside is not None
    first = index._beside.ready
    await fed(index, exact, count=2_500)
    assert await index.quantized()
    assert index._beside.ready is not first
    await compared(index, exact)


async def test_a_full_disk_costs_speed_alone(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be kept beside the shard is found in the shard, and why is kept."""
    exact = ExactVectors()
    await fed(index, exact)
    assert await index.quantized()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    for one in (index, exact):
        await one.put([passage(COUNT)], list(made(1, seed=8)))
    assert not await index.quantized()
    assert index._beside is not None
    assert "No space left" in str(index._beside.broken)
    await compared(index, exact)


async def test_so_many_dropped_while_it_is_made_that_it_would_not_repay(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up, which is no failure, and made once there are enough again."""
    monkeypatch.setattr(edge_quantized, "PAGE", 1)
    exact = ExactVectors()
    await fed(index, exact, count=500)
    for one in (index, exact):
        for number in range(15):
            await one.drop(f"src_{number}")
    assert not await index.quantized()
    assert index._beside is not None
    assert index._beside.broken is None
    await fed(index, exact)
    assert await index.quantized()
    await compared(index, exact)


async def test_what_is_gone_does_not_gather_where_few_are_left(index: QdrantEdge) -> None:
    """Passages read again and again, after most have gone, are compared whole once more."""
    await fed(index, count=600)
    assert await index.quantized()
    for number in range(1, 15):
        await index.drop(f"src_{number}")
    for version in range(20):
        some = [passage(15 * number, version=f"v{version}") for number in range(40)]
        await index.put(some, list(made(40, seed=version)))
    assert not await index.quantized()
    assert index._beside is not None
    assert index._beside.broken is None
    assert await index.count() == 40


async def test_one_that_missed_a_change_never_answers(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk full for a moment, while the copy is made: it is not finished without what it lost."""
    monkeypatch.setattr(edge_quantized, "PAGE", 3)
    exact = ExactVectors()
    await fed(index, exact)
    beside = index._beside
    assert beside is not None
    assert beside.ready is None
    write = os.pwrite

    def full(file: int, left: memoryview, at: int) -> int:
        if len(left) == DIMENSIONS * 4:  # the one passage of the put, not three of a page
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, left, at)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        for one in (index, exact):
            await one.put([replace(passage(7), tenant="acme")], list(made(1, seed=8)))
    assert not await index.quantized()
    for _ in range(COUNT):  # whatever was to be done yet
        await index._change(lambda: None)
    await asyncio.to_thread(beside._learning.submit(lambda: None).result)
    await index._change(lambda: None)
    assert beside.ready is None
    await compared(index, exact)


@pytest.mark.parametrize("failing", ["update", "sync"])
async def test_it_answers_as_the_engine_does_after_a_change_that_failed(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Whether the engine did what it was asked before it said that it could not, or did not."""
    exact = ExactVectors()
    await fed(index, exact)
    assert await index.quantized()
    shard = index._shard

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(shard, name)

        def update(self, operation: Any) -> None:
            shard.update(operation)
            raise OSError(errno.EIO, "Input/output error")

    def no_sync(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        if failing == "update":
            patch.setattr(index, "_shard", Failing())
        else:
            patch.setattr(qdrant_edge, "_sync", no_sync)
        with pytest.raises(OSError, match="Input/output"):
            await index.drop("src_4")
        with pytest.raises(OSError, match="Input/output"):
            await index.put([passage(COUNT)], list(made(1, seed=8)))
    await exact.drop("src_4")
    await exact.put([passage(COUNT)], list(made(1, seed=8)))
    await compared(index, exact)
    for one in (index, exact):
        await one.put([passage(COUNT + 1)], list(made(1, seed=9)))
    assert await index.quantized()
    await compared(index, exact)


async def test_a_search_that_fails_in_it_is_made_by_the_engine(
    index: QdrantEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is answered, and why it took longer is kept."""
    exact = ExactVectors()
    await fed(index, exact)
    assert await index.quantized()

    def fails(*_: object, **__: object) -> None:
        raise MemoryError("no room for the candidates")

    monkeypatch.setattr(quantized.Quantized, "search", fails)
    await compared(index, exact)
    assert (
        index.report()
        == "compares every vector: its quantized copy broke (no room for the candidates)"
    )


async def test_nobody_sees_anothers_passage_however_puts_and_drops_fall(index: QdrantEdge) -> None:
    """Passages move between tenants and spaces and go, beside searches."""
    await fed(index)
    assert await index.quantized()
    chance, vectors = random.Random(9), made(200, seed=9)
    scopes = [replace(OURS, tenant=t, spaces=frozenset({s})) for t, s in
              [("acme", "spc_0"), ("acme", "spc_1"), ("globex", "spc_0")]]  # fmt: skip
    changing = True

    def moved(number: int) -> Passage:
        tenant, space = chance.choice(["acme", "globex"]), f"spc_{chance.randrange(2)}"
        where = f"{tenant}/{space}"
        return replace(
            passage(number), id=f"{where}/{number}", tenant=tenant, space=space, source=where
        )

    async def search() -> None:
        while changing:
            scope = chance.choice(scopes)
            found = await index.search(chance.choice(vectors), scope=scope, limit=60)
            for line in found:
                if "/" in line.passage:
                    tenant, space, _ = line.passage.split("/")
                else:
                    known = passage(int(line.passage[1:]))
                    tenant, space = known.tenant, known.space
                assert scope.admits(tenant=tenant, space=space, source="any"), (scope, line)

    async def change() -> None:
        nonlocal changing
        try:
            for number in range(150):
                one = moved(number % 40)
                await index.put([one], [vectors[number]])
                if chance.random() < 0.2:
                    await index.drop(moved(0).source)
        finally:
            changing = False

    await asyncio.gather(change(), search(), search(), search())


async def test_a_closing_gives_up_what_is_being_made(tmp_path: Path) -> None:
    """Closing does not wait for a training's end to be used, and the folder opens again."""
    index = opened(tmp_path / "dense")
    await fed(index)
    index.close()
    index = opened(tmp_path / "dense")
    index.close()
    index = opened(tmp_path / "dense")
    try:
        assert await index.quantized()
        assert await index.count() == COUNT
    finally:
        index.close()
