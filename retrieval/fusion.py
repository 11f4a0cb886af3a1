"""Several rankings into one. Pure: ids and numbers in, ids and numbers out.

``rrf`` is reciprocal rank fusion (Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion outperforms
Condorcet and individual Rank Learning Methods", SIGIR 2009, whose k is 60; ours
is smaller, see ``K``). It reads ranks alone,
so scores from different worlds are never compared. ``min_max`` compares them, after stretching
each run onto 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from retrieval.model import Contribution, PassageId, Run

# Chosen on the dev halves of three collections (nDCG@10 of BM25 and dense, equal weights):
#
#              k = 60   30    20    10     5     2   dense alone
#   Cranfield    .460  .458  .462  .461  .463  .457  .436
#   SciFact      .744  .742  .745  .750  .749  .752  .741
#   MuSiQue      .563  .565  .572  .581  .589  .596  .595
#
# 5 has the best mean of these that are no worse than the paper's 60 anywhere. A large k makes a
# vote of it: a passage both legs rank 20th beats one that the better leg ranks first.
K = 5


MAX_K = 1_000
MAX_WEIGHT = 100.0


class Kind(StrEnum):
    RRF = "rrf"
    MIN_MAX = "min_max"


@dataclass(frozen=True, slots=True)
class Fused:
    """A passage by name, with its fused score: math.fsum of the contributions' amounts."""

    passage: PassageId
    score: float
    contributions: tuple[Contribution, ...]


def rrf(
    runs: Sequence[Run], *, k: int = K, weights: Mapping[str, float] | None = None
) -> list[Fused]:
    """Best first; a passage gains weight / (k + rank) from every run that holds it.

    A leg without a weight has weight 1. Equal scores stand in order of passage id, and the order
    of the runs changes nothing.
    """
    if k < 0:
        raise ValueError(f"k is {k}; it must be 0 or more")
    parts = []
    for run in runs:
        weight = _weight(weights, run.leg)
        parts.append(
            [
                Contribution(run.leg, rank, line.score, weight / (k + rank), run.part)
                for rank, line in enumerate(run.ranked, 1)
            ]
        )
    return _fuse(parts, runs)


def min_max(runs: Sequence[Run], *, weights: Mapping[str, float] | None = None) -> list[Fused]:
    """Best first, by the weighted mean of each run's scores stretched onto 0 to 1.

    A run's worst line counts 0, as does a passage the run does not hold; a run whose scores are
    all the same gives 1 to each. Legs whose scores are not finite are refused.
    """
    parts = [
        [
            Contribution(run.leg, rank, line.score, amount, run.part)
            for rank, (line, amount) in enumerate(zip(run.ranked, amounts, strict=True), 1)
        ]
        for run, amounts in zip(runs, _stretched(runs, weights), strict=True)
    ]
    return _fuse(parts, runs)


def min_max_scores(
    runs: Sequence[Run], *, weights: Mapping[str, float] | None = None
) -> dict[PassageId, float]:
    """As ``min_max``, in its order: the scores alone, for who does not ask where they come from."""
    gathered: dict[PassageId, list[float]] = {}
    for run, amounts in zip(runs, _stretched(runs, weights), strict=True):
        for line, amount in zip(run.ranked, amounts, strict=True):
            gathered.setdefault(line.passage, []).append(amount)
    scores = {passage: math.fsum(amounts) for passage, amounts in gathered.items()}
    return dict(sorted(scores.items(), key=lambda line: (-line[1], line[0])))


def _stretched(runs: Sequence[Run], weights: Mapping[str, float] | None) -> list[list[float]]:
    """What each line of each run adds to a min-max score."""
    total = math.fsum(_weight(weights, run.leg) for run in runs)
    amounts = []
    for run in runs:
        scores = [line.score for line in run.ranked]
        if not all(map(math.isfinite, scores)):
            raise ValueError(f"leg {run.leg} has a score that is not a number; it cannot be scaled")
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        share = _weight(weights, run.leg) / total if total else 0.0
        # Halves, because the distance between two finite floats may not be one itself.
        width = high / 2 - low / 2
        amounts.append(
            [share * ((score / 2 - low / 2) / width if width else 1.0) for score in scores]
        )
    return amounts


@dataclass(frozen=True, slots=True)
class Fusion:
    """How a search fuses: by rank (``k`` says how steeply), or by stretched scores.

    A leg that ``weights`` does not name has weight 1; one of weight 0 is asked and adds nothing
    to a score. Where only such legs gave anything, they weigh alike: the ones that weigh are down
    or gone, and an order by nothing would be none. Raises ValueError for what cannot be meant.
    """

    kind: Kind = Kind.RRF
    k: int = K
    weights: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.k <= MAX_K:
            raise ValueError(f"k is {self.k}; it must be from 0 to {MAX_K}")
        for leg, weight in self.weights:
            if not (math.isfinite(weight) and 0 <= weight <= MAX_WEIGHT):
                raise ValueError(
                    f"the weight of leg {leg} is {weight}; it must be from 0 to {MAX_WEIGHT:g}"
                )
        if len(dict(self.weights)) != len(self.weights):
            raise ValueError("a leg has two weights")
        object.__setattr__(self, "weights", tuple(sorted(self.weights)))

    def __call__(self, runs: Sequence[Run]) -> list[Fused]:
        weights = dict(self.weights)
        if not any(weights.get(run.leg, 1.0) for run in runs if run.ranked):
            weights = {}
        match self.kind:
            case Kind.RRF:
                return rrf(runs, k=self.k, weights=weights)
            case Kind.MIN_MAX:
                return min_max(runs, weights=weights)

    def __str__(self) -> str:
        said = f"rrf k={self.k}" if self.kind is Kind.RRF else "min-max"
        return ", ".join([said, *(f"{leg} ×{weight:g}" for leg, weight in self.weights)])


def _weight(weights: Mapping[str, float] | None, leg: str) -> float:
    weight = 1.0 if weights is None else weights.get(leg, 1.0)
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight of leg {leg} is {weight}; it must be a number, 0 or more")
    return weight


def _fuse(parts: Sequence[Sequence[Contribution]], runs: Sequence[Run]) -> list[Fused]:
    given = [(run.leg, run.part) for run in runs]
    if len(set(given)) != len(given):
        legs = ", ".join(leg for leg, _ in given)
        raise ValueError(f"each leg may give one run of each part; got {legs}")
    gathered: dict[PassageId, list[Contribution]] = {}
    for run, contributions in zip(runs, parts, strict=True):
        seen: set[PassageId] = set()
        for line, contribution in zip(run.ranked, contributions, strict=True):
            if line.passage in seen:
                raise ValueError(f"leg {run.leg} ranks passage {line.passage} twice")
            seen.add(line.passage)
            gathered.setdefault(line.passage, []).append(contribution)
    fused = [
        Fused(
            passage,
            math.fsum([part.amount for part in contributions]),  # exact, so order cannot matter
            tuple(sorted(contributions, key=lambda one: (one.leg, one.part))),
        )
        for passage, contributions in gathered.items()
    ]
    return sorted(fused, key=lambda line: (-line.score, line.passage))
