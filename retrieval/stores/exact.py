"""The in-memory twin of the vector stores: every product computed, nothing approximated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.model import (
    Passage,
    PassageId,
    Ranked,
    Scope,
    SourceId,
    SparseVector,
    VersionHash,
)
from retrieval.vectors import ASKED, all_fit, fit


class ExactVectors:
    """Forgets everything when the process ends; for tests and evals."""

    def __init__(self) -> None:
        self._held: dict[PassageId, tuple[Passage, NDArray[np.float32] | Mapping[int, float]]] = {}
        self._dimensions: int | None = None  # of the first dense vector; none where it holds terms

    async def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None:
        if not self._held and vectors and isinstance(vectors[0], np.ndarray):
            self._dimensions = vectors[0].size
        all_fit(passages, vectors, self._dimensions)
        for passage, vector in zip(passages, vectors, strict=True):
            self._held[passage.id] = (
                passage,
                _terms(vector) if isinstance(vector, SparseVector) else vector,
            )

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        self._held = {
            id: (passage, vector)
            for id, (passage, vector) in self._held.items()
            if passage.source != source or passage.version == keep
        }

    async def search(
        self, vector: NDArray[np.float32] | SparseVector, *, scope: Scope, limit: int
    ) -> Sequence[Ranked]:
        if self._held:
            fit(vector, ASKED, self._dimensions)
        asked = _terms(vector) if isinstance(vector, SparseVector) else vector
        found = []
        for id, (passage, held) in self._held.items():
            if not scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source):
                continue
            if not scope.finds(id):
                continue
            if isinstance(asked, np.ndarray) and isinstance(held, np.ndarray):
                score = float(asked @ held)
            elif isinstance(asked, Mapping) and isinstance(held, Mapping):
                if asked.keys().isdisjoint(held):
                    continue  # a sparse search finds only what shares a term
                score = sum(weight * held.get(term, 0.0) for term, weight in asked.items())
            else:  # a put of either kind refuses the other
                raise AssertionError("dense and sparse vectors do not compare")
            found.append(Ranked(id, round(score, 6)))
        found.sort(key=lambda ranked: (-ranked.score, ranked.passage))
        return found[: max(limit, 0)]

    async def count(self) -> int:
        return len(self._held)


def _terms(vector: SparseVector) -> Mapping[int, float]:
    return dict(zip(vector.indices, vector.values, strict=True))
