"""The second look: when it is taken, what it changes, and that it never costs the first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.model import Contribution, Hit, Passage, RerankState
from retrieval.rerank import Reranking, margin, reorder


def hit(name: str, score: float) -> Hit:
    passage = Passage(name, "t", "s", "src", "0" * 64, 0, f"text of {name}", 0, 4, title="Papers")
    return Hit(passage, score, (Contribution("bm25", 1, 2.0, score),))


class Stub:
    """Scores by name; may dawdle or fail."""

    fingerprint = "stub"

    def __init__(self, scores: Sequence[float], *, error: Exception | None = None) -> None:
        self.scores = scores
        self.error = error
        self.read: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        await self.gate.wait()
        self.read = list(passages)
        if self.error is not None:
            raise self.error
        return np.array(self.scores[: len(passages)], np.float32)


CLOSE = (hit("a", 0.300), hit("b", 0.299), hit("c", 0.298))


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((), 1.0),
        ((0.4,), 1.0),
        ((0.4, 0.3), 0.25),
        ((0.4, 0.4), 0.0),
        ((0.4, 0.0), 1.0),
        ((0.0, 0.0), 1.0),
    ],
)
def test_the_margin_is_the_lead_as_a_share_of_the_first_score(
    scores: tuple[float, ...], expected: float
) -> None:
    assert margin(scores) == pytest.approx(expected)


async def test_close_passages_are_ordered_anew_and_say_where_they_stood() -> None:
    hits, trace = await Reranking(Stub([1.0, 3.0, 2.0]))("which", CLOSE)
    assert names(hits) == ["b", "c", "a"]
    assert [made.reranked.before for made in hits if made.reranked] == [2, 3, 1]
    assert [made.score for made in hits] == [0.299, 0.298, 0.300]  # what was fused is not rewritten
    assert (trace.state, trace.passages) == (RerankState.RAN, 3)


async def test_the_reranker_reads_title_and_headings_too() -> None:
    stub = Stub([1.0, 2.0, 3.0])
    await Reranking(stub)("which", CLOSE)
    assert stub.read[0] == "Papers\ntext of a"


async def test_a_clear_lead_is_not_looked_at_again() -> None:
    stub = Stub([0.0, 9.0])
    clear = (hit("a", 0.4), hit("b", 0.2))
    hits, trace = await Reranking(stub)("which", clear)
    assert hits == clear
    assert stub.read == []
    assert (trace.state, trace.passages, trace.margin) == (RerankState.SKIPPED, 0, 0.5)


async def test_the_gate_opens_just_below_its_margin() -> None:
    at = (hit("a", 0.4), hit("b", 0.3))
    _, trace = await Reranking(Stub([0.0, 1.0]), margin=margin([0.4, 0.3]))("which", at)
    assert trace.state is RerankState.SKIPPED
    _, trace = await Reranking(Stub([0.0, 1.0]), margin=0.2501)("which", at)
    assert trace.state is RerankState.RAN


async def test_what_is_past_the_top_keeps_its_place() -> None:
    hits, trace = await Reranking(Stub([1.0, 2.0]), top=2)("which", CLOSE)
    assert names(hits) == ["b", "a", "c"]
    assert hits[2].reranked is None
    assert trace.passages == 2


async def test_equal_scores_keep_the_first_order() -> None:
    hits, _ = await Reranking(Stub([1.0, 1.0, 1.0]))("which", CLOSE)
    assert names(hits) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("stub", "said"),
    [
        (Stub([], error=RuntimeError("weights are gone")), "weights are gone"),
        (Stub([1.0]), "1 scores for 3 passages"),
        (Stub([1.0, float("nan"), 2.0]), "not a number"),
    ],
)
async def test_a_reranker_that_fails_leaves_the_order_and_is_named(stub: Stub, said: str) -> None:
    hits, trace = await Reranking(stub)("which", CLOSE)
    assert hits == CLOSE
    assert trace.state is RerankState.FAILED
    assert trace.error is not None
    assert said in trace.error


async def test_a_reranker_past_its_deadline_leaves_the_order() -> None:
    stub = Stub([3.0, 2.0, 1.0])
    stub.gate.clear()
    hits, trace = await Reranking(stub, deadline_s=0.01)("which", CLOSE)
    assert hits == CLOSE
    assert trace.state is RerankState.LATE


@pytest.mark.parametrize(
    "wrong", [{"margin": -0.1}, {"margin": 1.1}, {"top": 1}, {"deadline_s": 0.0}]
)
def test_limits_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="margin"):
        Reranking(Stub([]), **wrong)  # type: ignore[arg-type]  # one of each kind


def test_a_reordering_needs_a_score_for_each() -> None:
    with pytest.raises(ValueError, match="2 scores for 3 passages"):
        reorder(CLOSE, [1.0, 2.0])
