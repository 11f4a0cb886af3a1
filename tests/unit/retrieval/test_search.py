"""The searcher: legs at once, one deadline, failures named, nothing outside the scope."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from retrieval.errors import AllLegsFailed
from retrieval.memory import MemoryLexical, MemoryPassages
from retrieval.model import LegState, Passage, PassageId, Query, Ranked, Run, Scope
from retrieval.search import Searcher, normalised

SCOPE = Scope("acme", frozenset({"s1"}))
QUESTION = Query("apples")


def passage(ordinal: int, text: str | None = None, *, space: str = "s1") -> Passage:
    said = f"apples number {ordinal}" if text is None else text
    return Passage(f"p{ordinal:02d}", "acme", space, "src_1", "v", ordinal, said, 0, len(said))


class Scripted:
    """Gives what it was told to, as often as it is asked."""

    def __init__(self, name: str, *ids: PassageId, error: Exception | None = None) -> None:
        self.name = name
        self.asked = 0
        self._ids = ids
        self._error = error

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return Run(self.name, tuple(Ranked(id, 1.0) for id in self._ids[:limit]))


class Stuck:
    """Never answers; says when it was asked and when it was let go."""

    name = "stuck"

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.released.set()
        raise AssertionError("unreachable")


async def test_legs_are_fused_and_each_part_of_a_score_is_named() -> None:
    held = [passage(0), passage(1), passage(2)]
    result = await Searcher(
        [Scripted("bm25", "p00", "p01"), Scripted("dense", "p01", "p02")], MemoryPassages(held)
    ).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p01", "p00", "p02"]
    assert [(c.leg, c.rank) for c in result.hits[0].contributions] == [("bm25", 2), ("dense", 1)]
    assert [(leg.leg, leg.state, leg.found) for leg in result.trace.legs] == [
        ("bm25", LegState.OK, 2),
        ("dense", LegState.OK, 2),
    ]
    assert set(result.trace.stages) == {
        "understand",
        "legs",
        "fuse",
        "hydrate",
        "explain",
        "total",
    }
    assert not result.trace.degraded


async def test_a_failed_leg_is_named_with_its_words_and_the_others_answer() -> None:
    result = await Searcher(
        [Scripted("bm25", "p00"), Scripted("dense", error=OSError("disk gone"))],
        MemoryPassages([passage(0)]),
    ).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p00"]
    (failed,) = result.trace.degraded
    assert (failed.leg, failed.state, failed.error) == ("dense", LegState.FAILED, "disk gone")


async def test_a_late_leg_is_left_out_named_and_let_go() -> None:
    stuck = Stuck()
    result = await Searcher(
        [stuck, Scripted("bm25", "p00")], MemoryPassages([passage(0)]), deadline_s=0.05
    ).search(QUESTION, scope=SCOPE)
    assert stuck.released.is_set()
    assert [hit.passage.id for hit in result.hits] == ["p00"]
    (late,) = result.trace.degraded
    assert (late.leg, late.state, late.error) == (
        "stuck",
        LegState.LATE,
        "no answer within 0.05 s",
    )


async def test_when_no_leg_answers_the_search_fails_and_says_of_each_why() -> None:
    searcher = Searcher(
        [Stuck(), Scripted("dense", error=OSError("disk gone"))], MemoryPassages(), deadline_s=0.05
    )
    with pytest.raises(AllLegsFailed, match=r"stuck: no answer.*dense: disk gone"):
        await searcher.search(QUESTION, scope=SCOPE)


async def test_abandoning_a_search_lets_its_legs_go() -> None:
    stuck = Stuck()
    search = asyncio.create_task(
        Searcher([stuck], MemoryPassages(), deadline_s=60).search(QUESTION, scope=SCOPE)
    )
    await stuck.begun.wait()
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert stuck.released.is_set()


@pytest.mark.parametrize(
    "scope", [Scope("acme", frozenset()), Scope("acme", frozenset({"s1"}), frozenset())]
)
async def test_an_empty_scope_finds_nothing_and_asks_nobody(scope: Scope) -> None:
    leg = Scripted("bm25", "p00")
    result = await Searcher([leg], MemoryPassages([passage(0)])).search(QUESTION, scope=scope)
    assert (result.hits, result.runs, leg.asked) == ((), (), 0)


class Careless:
    """Gives every passage, whatever the scope."""

    def __init__(self, *passages: Passage) -> None:
        self._passages = passages

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        return self._passages


async def test_an_engine_that_forgets_the_scope_is_not_believed() -> None:
    stray = passage(0, space="other")
    result = await Searcher([Scripted("bm25", "p00", "p01")], Careless(stray, passage(1))).search(
        QUESTION, scope=SCOPE
    )
    assert [hit.passage.id for hit in result.hits] == ["p01"]


async def test_the_vanished_and_the_twins_leave_their_place_to_the_next() -> None:
    """Five of eight are gone or say the same; the limit is still filled from further down."""
    ids = [f"p{number:02d}" for number in range(8)]
    twins = [passage(number, "The price: rose by 5 %!") for number in range(1, 4)]
    last = [passage(6, "the PRICE rose, by 5 %"), passage(7)]
    result = await Searcher([Scripted("bm25", *ids)], MemoryPassages([*twins, *last])).search(
        QUESTION, scope=SCOPE, limit=2
    )
    assert [hit.passage.id for hit in result.hits] == ["p01", "p07"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("up 1.5 %", "up 15 %"), ("+3", "-3"), ("5 %", "5"), ("2024", "2025"), ("!", "?")],
)
def test_what_differs_in_a_figure_is_no_twin(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


async def test_a_real_leg_answers_through_the_searcher() -> None:
    leg = MemoryLexical()
    held = [passage(0, "Apples are red."), passage(1, "Pears are green.")]
    await leg.put(held)
    result = await Searcher([leg], MemoryPassages(held)).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p00"]


class Telling(Scripted):
    """Says why, or is too ill to."""

    def __init__(self, *ids: PassageId, ill: str = "") -> None:
        super().__init__("graph", *ids)
        self.ill = ill

    async def explain(
        self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
    ) -> Mapping[PassageId, Sequence[str]]:
        if self.ill == "fails":
            raise RuntimeError("no graph")
        if self.ill == "dawdles":
            await asyncio.Event().wait()
        return {id: [f"to {id}, of {len(runs)} runs"] for id in passages}


@pytest.mark.parametrize(
    ("ill", "paths"),
    [("", ("to p01, of 2 runs",)), ("fails", ()), ("dawdles", ())],
)
async def test_only_what_a_leg_found_is_explained_by_it_and_reasons_cost_no_passage(
    ill: str, paths: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.search.EXPLAIN", 0.01 if ill else 60)
    result = await Searcher(
        [Scripted("bm25", "p00"), Telling("p01", ill=ill)], MemoryPassages([passage(0), passage(1)])
    ).search(QUESTION, scope=SCOPE)
    assert {hit.passage.id: hit.paths for hit in result.hits} == {"p00": (), "p01": paths}
