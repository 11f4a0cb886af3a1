"""Fusion: what must hold whatever the runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import MAX_K, MAX_WEIGHT, Fused, Fusion, K, Kind, min_max, rrf
from retrieval.model import Ranked, Run

IDS = st.sampled_from([f"p{number}" for number in range(12)])
SCORES = st.floats(allow_nan=False, allow_infinity=False)
RUNS = st.lists(st.lists(st.tuples(IDS, SCORES), unique_by=lambda pair: pair[0]), max_size=4).map(
    lambda lists: [
        Run(f"leg{number}", tuple(Ranked(id, score) for id, score in pairs))
        for number, pairs in enumerate(lists)
    ]
)
Fuse = Callable[[list[Run]], list[Fused]]
FUSIONS = pytest.mark.parametrize("fuse", [rrf, min_max])


def run(leg: str, *ids: str) -> Run:
    return Run(leg, tuple(Ranked(id, float(-rank)) for rank, id in enumerate(ids)))


def test_the_papers_formula_by_hand() -> None:
    first, second, third = rrf([run("bm25", "a", "b"), run("dense", "b", "c")], k=60)
    assert (first.passage, first.score) == ("b", 1 / 62 + 1 / 61)
    assert (second.passage, second.score) == ("a", 1 / 61)
    assert (third.passage, third.score) == ("c", 1 / 62)
    assert [(part.leg, part.rank) for part in first.contributions] == [("bm25", 2), ("dense", 1)]


@FUSIONS
@given(runs=RUNS)
def test_contributions_add_up_to_the_score_exactly(fuse: Fuse, runs: list[Run]) -> None:
    for line in fuse(runs):
        assert line.score == math.fsum(part.amount for part in line.contributions)


@FUSIONS
@given(runs=RUNS)
def test_the_order_of_the_runs_changes_nothing(fuse: Fuse, runs: list[Run]) -> None:
    results = [fuse(list(order)) for order in permutations(runs)]
    assert all(result == results[0] for result in results)


@given(runs=RUNS, leg=st.integers(0, 3), at=st.integers(1, 11))
def test_rising_in_one_run_never_lowers_a_passage(runs: list[Run], leg: int, at: int) -> None:
    if leg >= len(runs) or at >= len(runs[leg].ranked):
        return
    lines = list(runs[leg].ranked)
    risen = lines[at].passage
    lines[at - 1], lines[at] = lines[at], lines[at - 1]
    changed = [*runs[:leg], Run(runs[leg].leg, tuple(lines)), *runs[leg + 1 :]]
    before = [line.passage for line in rrf(runs)].index(risen)
    after = [line.passage for line in rrf(changed)].index(risen)
    assert after <= before


@given(runs=RUNS)
def test_every_passage_stands_once_and_ties_go_by_id(runs: list[Run]) -> None:
    fused = rrf(runs)
    assert {line.passage for line in fused} == {line.passage for one in runs for line in one.ranked}
    assert fused == sorted(fused, key=lambda line: (-line.score, line.passage))


def test_a_weight_of_nothing_adds_nothing() -> None:
    fused = rrf([run("bm25", "a"), run("dense", "b")], k=60, weights={"bm25": 0})
    assert [(line.passage, line.score) for line in fused] == [("b", 1 / 61), ("a", 0.0)]


def test_min_max_stretches_each_run_and_averages() -> None:
    fused = min_max(
        [
            Run("bm25", (Ranked("a", 30), Ranked("b", 20), Ranked("c", 10))),
            Run("dense", (Ranked("b", 0.9), Ranked("a", 0.1))),
        ]
    )
    assert [(line.passage, line.score) for line in fused] == [("b", 0.75), ("a", 0.5), ("c", 0.0)]


def test_a_run_that_repeats_a_passage_or_a_leg_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="bm25 ranks passage a twice"):
        rrf([run("bm25", "a", "a")])
    with pytest.raises(ValueError, match="bm25, bm25"):
        rrf([run("bm25", "a"), run("bm25", "b")])
    with pytest.raises(ValueError, match="dense"):
        min_max([Run("dense", (Ranked("a", math.nan),))])


@pytest.mark.parametrize(
    ("fusion", "said"),
    [
        (Fusion(), f"rrf k={K}"),
        (Fusion(k=60, weights=(("dense", 2.0), ("bm25", 0.5))), "rrf k=60, bm25 ×0.5, dense ×2"),
        (Fusion(Kind.MIN_MAX), "min-max"),
    ],
)
def test_a_fusion_says_what_it_is_and_fuses_so(fusion: Fusion, said: str) -> None:
    runs = [run("bm25", "a", "b", "c"), run("dense", "c", "b", "d")]
    weights = dict(fusion.weights)
    expected = (
        rrf(runs, k=fusion.k, weights=weights)
        if fusion.kind is Kind.RRF
        else min_max(runs, weights=weights)
    )
    assert (str(fusion), fusion(runs)) == (said, expected)


@pytest.mark.parametrize(
    ("k", "weight", "named"),
    [
        (-1, 1.0, "k is -1"),
        (MAX_K + 1, 1.0, "k is 1001"),
        (5, -0.1, "leg bm25 is -0.1"),
        (5, MAX_WEIGHT + 1, "leg bm25 is 101"),
        (5, math.nan, "leg bm25 is nan"),
        (5, math.inf, "leg bm25 is inf"),
    ],
)
def test_a_fusion_out_of_bounds_is_refused_and_at_them_is_not(
    k: int, weight: float, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        Fusion(k=k, weights=(("bm25", weight),))
    Fusion(k=0, weights=(("bm25", 0.0),))
    Fusion(k=MAX_K, weights=(("bm25", MAX_WEIGHT),))


@pytest.mark.parametrize("kind", Kind)
def test_where_only_legs_without_weight_gave_anything_they_weigh_alike(kind: Kind) -> None:
    """The leg that weighs is down, or gone since: their order stands, not that of the ids."""
    fusion = Fusion(kind, weights=(("bm25", 0.0), ("sparse", 1.0)))
    others = [run("bm25", "b", "c", "a")]
    for runs in (others, [*others, run("sparse")]):
        assert [line.passage for line in fusion(runs)] == ["b", "c", "a"]
    assert fusion([*others, run("sparse", "a")])[0].passage == "a"
