"""A second look at the best passages, taken only where the first left it open which is best.

The first look's margin decides: where the best passage is far ahead of the second, the legs agree
and a reranker has little to mend; where they stand close, it may. The threshold is measured, see
``MARGIN``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Final

from retrieval.model import Hit, Reranked, RerankState, RerankTrace

if TYPE_CHECKING:  # ports bring numpy, which a process that only reads files can spare
    from retrieval.ports import Reranker

TOP: Final = 20  # passages looked at again; past these a mended order rarely reaches the best eight
DEADLINE: Final = 1.0  # seconds; a later order is not waited for
# On the dev halves of three collections 74 to 91 % of the questions are under it, and these hold 85
# to 93 % of what a perfect order of the first 20 would add (`python -m evals margin`).
MARGIN: Final = 0.3


def margin(scores: Sequence[float]) -> float:
    """How far the first of the fused scores is ahead of the second, from 0 (level) to 1 (alone)."""
    if len(scores) < 2:
        return 1.0
    first, second = scores[0], scores[1]
    return 1.0 if first <= 0 else min(1.0, max(0.0, (first - second) / first))


def reorder(hits: Sequence[Hit], scores: Sequence[float]) -> tuple[Hit, ...]:
    """The hits by their new scores, best first; equal ones keep their order.

    Each keeps its fused score and its parts, and says where it stood. Raises ValueError for a
    score that is no number, or for another count of scores than hits.
    """
    if len(scores) != len(hits):
        raise ValueError(f"{len(scores)} scores for {len(hits)} passages")
    if not all(math.isfinite(score) for score in scores):
        raise ValueError("the reranker gave a score that is not a number")
    marked = [
        replace(hit, reranked=Reranked(score=score, before=rank))
        for rank, (hit, score) in enumerate(zip(hits, scores, strict=True), 1)
    ]
    return tuple(sorted(marked, key=lambda hit: -hit.reranked.score if hit.reranked else 0.0))


@dataclass(frozen=True, slots=True)
class Reranking:
    """The stage as a search runs it: whether, over how many, and how long it may take."""

    reranker: Reranker
    margin: float = MARGIN
    top: int = TOP
    deadline_s: float = DEADLINE

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1 or self.top < 2 or self.deadline_s <= 0:
            raise ValueError(
                f"margin {self.margin} must be 0 to 1, top {self.top} at least 2 and deadline "
                f"{self.deadline_s} s above 0"
            )

    async def __call__(
        self, question: str, hits: tuple[Hit, ...]
    ) -> tuple[tuple[Hit, ...], RerankTrace]:
        """The hits in their new order, or in the old one with the reason; never raises for it."""
        ahead = margin([hit.score for hit in hits])
        looked = hits[: self.top]

        def trace(state: RerankState, took: float = 0.0, error: str | None = None) -> RerankTrace:
            count = 0 if state is RerankState.SKIPPED else len(looked)
            return RerankTrace(
                state, round(ahead, 4), self.margin, count, round(took * 1000, 3), error
            )

        if len(hits) < 2 or ahead >= self.margin:
            return hits, trace(RerankState.SKIPPED)
        began = perf_counter()
        try:
            scores = await asyncio.wait_for(
                self.reranker.score(
                    question, [f"{hit.passage.context}\n{hit.passage.text}" for hit in looked]
                ),
                self.deadline_s,
            )
            ordered = reorder(looked, [float(score) for score in scores])
        except TimeoutError:
            late = f"no order within {self.deadline_s:g} s"
            return hits, trace(RerankState.LATE, perf_counter() - began, late)
        except Exception as error:  # whatever it raises, the first look's order stands
            message = str(error) or type(error).__name__
            return hits, trace(RerankState.FAILED, perf_counter() - began, message)
        return (*ordered, *hits[self.top :]), trace(RerankState.RAN, perf_counter() - began)
