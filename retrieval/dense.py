"""The dense leg: an encoder and an index of its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.model import (
    Passage,
    Query,
    Ranked,
    Run,
    Scope,
    Side,
    SourceId,
    SparseVector,
    VersionHash,
)
from retrieval.ports import DenseEncoder, Reports

FEED = 64  # passages encoded and stored at a time: a stop loses at most this much work


class VectorIndex(Protocol):
    """Vectors by passage, searched inside a scope. Every call is durable when it returns.

    ``search`` gives the largest dot products first, equal ones in order of passage id; scores
    are rounded to six decimals, so that engines agree on what is equal.
    """

    async def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None: ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None: ...

    async def search(
        self, vector: NDArray[np.float32] | SparseVector, *, scope: Scope, limit: int
    ) -> Sequence[Ranked]: ...

    async def count(self) -> int: ...


def passage_text(passage: Passage) -> str:
    """What an encoder reads of a passage: where it stands, then what it says."""
    context = passage.context
    return f"{context}\n{passage.text}" if context else passage.text


class DenseLeg:
    name = "dense"

    def __init__(self, encoder: DenseEncoder, index: VectorIndex) -> None:
        self._encoder = encoder
        self._index = index

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        if scope.empty or limit < 1:
            return Run(self.name, ())
        vectors = await self._encoder.encode([query.text], side=Side.QUERY)
        return Run(self.name, tuple(await self._index.search(vectors[0], scope=scope, limit=limit)))

    async def put(self, passages: Sequence[Passage]) -> None:
        for at in range(0, len(passages), FEED):
            part = passages[at : at + FEED]
            texts = [passage_text(passage) for passage in part]
            vectors = await self._encoder.encode(texts, side=Side.PASSAGE)
            await self._index.put(part, list(vectors))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._index.drop(source, keep=keep)

    async def count(self) -> int:
        return await self._index.count()

    def report(self) -> str:
        return self._index.report() if isinstance(self._index, Reports) else ""
