"""How good a ranking is. Pure: a ranking of ids and the judged relevance in, a number out.

The definitions are trec_eval's: gains are the judged grades as they are, discounted by
log2(rank + 1); what was not judged is not relevant; a grade of zero or less gains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SAMPLES = 10_000
SEED = 20260101


def ndcg(ranking: Sequence[str], judged: Mapping[str, int], *, k: int = 10) -> float:
    ideal = sorted((grade for grade in judged.values() if grade > 0), reverse=True)[:k]
    best = math.fsum(grade / math.log2(rank + 1) for rank, grade in enumerate(ideal, 1))
    if not best:
        return 0.0
    gained = math.fsum(
        max(judged.get(id, 0), 0) / math.log2(rank + 1) for rank, id in enumerate(ranking[:k], 1)
    )
    return gained / best


def recall(ranking: Sequence[str], judged: Mapping[str, int], *, k: int = 100) -> float:
    relevant = {id for id, grade in judged.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], judged: Mapping[str, int], *, k: int = 10) -> float:
    for rank, id in enumerate(ranking[:k], 1):
        if judged.get(id, 0) > 0:
            return 1 / rank
    return 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the 95 % interval of its bootstrap."""

    mean: float
    low: float
    high: float


def bootstrap(values: Sequence[float], *, samples: int = SAMPLES, seed: int = SEED) -> Interval:
    """Percentile bootstrap of the mean over queries.

    Give it per-query differences of two systems for the paired form. The same values give the
    same interval.
    """
    held = np.asarray(values, np.float64)
    if not len(held):
        raise ValueError("no values to resample")
    random = np.random.default_rng(seed)
    means = np.concatenate(
        [
            held[random.integers(0, len(held), (min(500, samples - at), len(held)))].mean(axis=1)
            for at in range(0, samples, 500)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(held.mean()), float(low), float(high))
