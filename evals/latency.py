"""What a whole search takes, stage by stage, run as the product runs it and one at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.datasets import Collection
from evals.systems import Held
from retrieval.model import Query, SearchResult
from retrieval.ports import Leg
from retrieval.rerank import Reranking
from retrieval.search import HoldsPhrases, Searcher
from retrieval.shared import Shared


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds at the 50th and 95th percentile of the searches that had the stage."""

    p50: float
    p95: float
    searches: int


async def timed(
    collection: Collection,
    queries: Sequence[str],
    legs: Mapping[str, Leg],
    reranking: Reranking | None = None,
) -> Mapping[str, Took]:
    """Each query once: by leg, then by stage. A reranker's searches are those that it ran in."""
    alone = [leg.leg if isinstance(leg, Shared) else leg for leg in legs.values()]
    searcher = Searcher(
        list(legs.values()),
        Held(collection),
        words=next((leg for leg in alone if isinstance(leg, HoldsPhrases)), None),
        reranking=reranking,
    )
    return spread(
        [
            await searcher.search(Query(collection.queries[query]), scope=collection.scope)
            for query in queries
        ]
    )


def spread(results: Sequence[SearchResult]) -> Mapping[str, Took]:
    taken: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for leg in result.trace.legs:
            taken[f"leg {leg.leg}"].append(leg.milliseconds)
        second = result.trace.rerank
        for stage, milliseconds in result.trace.stages.items():
            if stage != "rerank":
                taken[stage].append(milliseconds)
            elif second is not None and second.passages:
                taken[stage].append(second.milliseconds)
    found = {}
    for stage, values in taken.items():
        p50, p95 = np.percentile(values, [50, 95])
        found[stage] = Took(round(float(p50), 2), round(float(p95), 2), len(values))
    return found
