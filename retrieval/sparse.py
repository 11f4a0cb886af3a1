"""The sparse leg: an encoder of weighted terms and an index of its vectors."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.dense import FEED, VectorIndex, passage_text
from retrieval.model import Passage, Query, Run, Scope, Side, SourceId, VersionHash
from retrieval.ports import SparseEncoder


class SparseLeg:
    name = "sparse"

    def __init__(self, encoder: SparseEncoder, index: VectorIndex) -> None:
        self._encoder = encoder
        self._index = index

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        if scope.empty or limit < 1:
            return Run(self.name, ())
        (vector,) = await self._encoder.encode([query.text], side=Side.QUERY)
        if not vector.indices:  # nothing the encoder knows: nothing can match
            return Run(self.name, ())
        return Run(self.name, tuple(await self._index.search(vector, scope=scope, limit=limit)))

    async def put(self, passages: Sequence[Passage]) -> None:
        for at in range(0, len(passages), FEED):
            part = passages[at : at + FEED]
            texts = [passage_text(passage) for passage in part]
            await self._index.put(part, await self._encoder.encode(texts, side=Side.PASSAGE))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._index.drop(source, keep=keep)

    async def count(self) -> int:
        return await self._index.count()
