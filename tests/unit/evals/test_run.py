"""What is printed is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.__main__ import main
from evals.datasets import Collection, Split
from evals.latency import Took, spread
from evals.report import markdown, save
from evals.run import judge
from retrieval.model import (
    LegState,
    LegTrace,
    Ranked,
    RerankState,
    RerankTrace,
    Run,
    SearchResult,
    Trace,
)
from tests.weights.overlap import overlap, write


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
    """Each added leg, and both together, is left out of both fusions: its worth can be read off."""
    legs = ("bm25", "dense", "sparse", "graph")
    runs = {leg: {q: run(leg, "d1") for q in "ab"} for leg in legs}
    systems = [row.system for row in judge(collection, Split.ALL, runs).rows]
    fewer = ["bm25, dense, graph", "bm25, dense, sparse", "bm25, dense"]
    assert systems == [
        *legs,
        "rrf(bm25, dense, sparse, graph)",
        "rrf(bm25, dense, sparse, graph), k = 60",
        "min_max(bm25, dense, sparse, graph)",
        *(f"{fusion}({names})" for names in fewer for fusion in ("rrf", "min_max")),
    ]
    three = {leg: runs[leg] for leg in legs[:3]}
    assert [row.system for row in judge(collection, Split.ALL, three).rows][6:] == [
        "rrf(bm25, dense)",
        "min_max(bm25, dense)",
    ]


def test_a_stage_is_spread_over_the_searches_that_had_it() -> None:
    """Legs come first; a reranker that was not asked, or had nothing to read, took no time."""

    def search(leg: float, rerank: RerankTrace | None) -> SearchResult:
        legs = (LegTrace("bm25", LegState.OK, leg, 5),)
        stages = {"fuse": leg / 10, "rerank": 0.1, "total": leg}
        return SearchResult((), (), Trace(legs, "rrf", stages, rerank=rerank))

    skipped = RerankTrace(RerankState.SKIPPED, 0.9, 0.3, 0, 0.0)
    ran = RerankTrace(RerankState.RAN, 0.1, 0.3, 20, 40.0)
    assert spread([search(n, ran if n == 100 else skipped) for n in range(101)]) == {
        "leg bm25": Took(50.0, 95.0, 101),
        "fuse": Took(5.0, 9.5, 101),
        "rerank": Took(40.0, 40.0, 1),
        "total": Took(50.0, 95.0, 101),
    }
    assert set(spread([search(1.0, None)])) == {"leg bm25", "fuse", "total"}


def test_the_command_judges_a_reranker_and_tells_what_each_stage_took(
    tmp_path: Path, models_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On any folder in BEIR layout; a reranker that fails is an error, and no row."""
    beir(
        tmp_path / "data" / "tiny",
        {
            "d1": "revenue grew in 2024",
            "d2": "in in in in in and in cats",
            "d3": "how revenue grew in the year 2024",
        },
        "revenue grew in 2024",
        "d2",
    )
    folder = write(tmp_path / "overlap", overlap())
    asked = ["retrieval", "--data", str(tmp_path / "data"), "--collections", "tiny"]
    asked += ["--split", "all", "--models", str(models_dir), "--out", str(tmp_path / "out")]
    asked += ["--reranker", str(folder), "--json", str(tmp_path / "tiny.json")]
    assert main(asked) == 0
    table = capsys.readouterr().out
    (result,) = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))["results"]
    rows = {row["system"]: row for row in result["rows"]}
    assert rows["rrf(bm25, dense)"]["mrr_10"] < 1
    assert rows["rrf(bm25, dense), always reranked"]["mrr_10"] == 1.0  # it counts pairs of words
    assert rows["rrf(bm25, dense), reranked"]["mrr_10"] == 1.0  # the first two are close
    assert set(result["stages"]) >= {"leg bm25", "leg dense", "fuse", "hydrate", "rerank", "total"}
    assert "| leg bm25 | " in table
    beir(tmp_path / "data" / "long", {"d1": "revenue", "d2": "revenues"}, "revenue " * 600, "d1")
    assert main([word.replace("tiny", "long") for word in asked]) == 1
    assert "the reranker failed at query q" in capsys.readouterr().err


def beir(folder: Path, passages: dict[str, str], question: str, relevant: str) -> None:
    (folder / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": id, "title": "", "text": said}) for id, said in passages.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": question}))
    (folder / "qrels/test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq\t{relevant}\t1\n")


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
