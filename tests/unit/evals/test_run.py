"""What is printed is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.datasets import Collection, Split
from evals.report import markdown, save
from evals.run import judge
from retrieval.model import Ranked, Run


def run(leg: str, *ids: str) -> Run:
    return Run(leg, tuple(Ranked(id, 1 / place) for place, id in enumerate(ids, 1)))


@pytest.fixture
def collection() -> Collection:
    return Collection(
        "tiny", [], {"a": "?", "b": "?"}, {"a": {"d1": 1}, "b": {"d2": 1}, "unasked": {"d1": 1}}
    )


def test_rows_are_the_legs_and_their_fusion(collection: Collection) -> None:
    """Each leg has its own numbers, and differences between systems have opposite signs."""
    result = judge(
        collection,
        Split.ALL,
        {
            "bm25": {"a": run("bm25", "d1", "d2"), "b": run("bm25", "d2")},
            "dense": {"a": run("dense", "d3", "d1"), "b": run("dense")},
        },
    )
    assert [row.system for row in result.rows] == [
        "bm25",
        "dense",
        "rrf(bm25, dense)",
        "rrf(bm25, dense), k = 60",
        "min_max(bm25, dense)",
    ]
    bm25, dense, fused, *_ = result.rows
    assert result.queries == 2
    assert (bm25.ndcg_10.mean, bm25.recall_100, bm25.mrr_10) == (1.0, 1.0, 1.0)
    assert (dense.recall_100, dense.mrr_10) == (0.5, 0.25)
    assert bm25.against["dense"].mean == pytest.approx(-dense.against["bm25"].mean)
    assert fused.ndcg_10.mean == 1.0  # d1 stands in both runs


def test_a_third_leg_is_judged_with_and_without(collection: Collection) -> None:
    """With a sparse leg both fusions are shown, so that its worth can be read off."""
    runs = {leg: {q: run(leg, "d1") for q in "ab"} for leg in ("bm25", "dense", "sparse")}
    systems = [row.system for row in judge(collection, Split.ALL, runs).rows]
    assert "rrf(bm25, dense, sparse)" in systems
    assert "rrf(bm25, dense)" in systems


def test_report_says_what_how_and_on_what(collection: Collection, tmp_path: Path) -> None:
    """The table names collection, split and counts; the JSON also command and machine."""
    result = judge(collection, Split.ALL, {"bm25": {q: run("bm25", "d1") for q in "ab"}})
    table = markdown([result])
    assert "### tiny, all: 2 queries, 0 passages" in table
    assert "| bm25 | 0.500 |" in table
    save([result], tmp_path / "out" / "tiny.json", command="python -m evals retrieval")
    held = json.loads((tmp_path / "out" / "tiny.json").read_text(encoding="utf-8"))
    assert held["command"] == "python -m evals retrieval"
    assert "cores" in held["machine"]
    assert held["results"][0]["rows"][0]["mrr_10"] == 0.5
