"""What retrieval asks of the world. Adapters satisfy these by shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from retrieval.graph.extract import Extracted
from retrieval.graph.model import EntityKey, Facts, Subgraph, Surroundings
from retrieval.model import (
    Passage,
    PassageId,
    Query,
    Run,
    Scope,
    Side,
    SourceId,
    SparseVector,
    VersionHash,
)
from retrieval.query import Filters


class Retriever(Protocol):
    """One leg of the search. Best first, never outside the scope."""

    @property
    def name(self) -> str: ...

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run: ...


class Index(Protocol):
    """What can be fed passages and told to forget them. Every call is durable when it returns."""

    async def put(self, passages: Sequence[Passage]) -> None:
        """Index these; a passage of the same id is replaced."""
        ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        """Forget a source's passages, all but those of the version to keep. Safe to repeat."""
        ...


class Leg(Retriever, Index, Protocol):
    """A retriever that can also be fed."""

    async def count(self) -> int:
        """How many passages it holds, over all tenants: for health and doctor."""
        ...


@runtime_checkable
class Reports(Protocol):
    """A leg or an index that may search in more than one way."""

    def report(self) -> str:
        """How it searches now, for health and doctor; empty where there is nothing to say."""
        ...


class Catalogue(Protocol):
    """What is known of sources beside their passages."""

    async def matching(self, filters: Filters, *, scope: Scope) -> frozenset[SourceId]:
        """The sources of the scope that the filters leave."""
        ...


class DenseEncoder(Protocol):
    @property
    def dimensions(self) -> int: ...

    @property
    def fingerprint(self) -> str:
        """Names weights, pooling and normalisation; a change means vectors are remade."""
        ...

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimensions). Never on the event loop."""
        ...


class SparseEncoder(Protocol):
    @property
    def fingerprint(self) -> str: ...

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]: ...


class Reranker(Protocol):
    @property
    def fingerprint(self) -> str: ...

    async def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """How well each passage fits, shape (len(passages),). Never on the event loop."""
        ...


class Passages(Protocol):
    """Where passages are kept whole; the legs keep only ids and what they filter by."""

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        """Those of the ids that exist, are current and lie in the scope, in any order."""
        ...


class Extractor(Protocol):
    """A model that says what passages state."""

    @property
    def fingerprint(self) -> str:
        """Names the model and what it is asked; a change means that passages are asked anew."""
        ...

    async def read(self, passage: Passage) -> Extracted:
        """What it says that holds in the passage, and what saying it took."""
        ...


class GraphStore(Protocol):
    """Who is named where, counted by the passage that says so. Durable when a call returns."""

    async def merge(self, facts: Sequence[Facts]) -> None:
        """Keep what these passages say, in place of what they said before."""
        ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        """Forget what a source's passages support, and nothing else. Safe to repeat."""
        ...

    async def around(
        self,
        seeds: Sequence[EntityKey],
        *,
        scope: Scope,
        hops: int,
        limit: int,
        passages: Sequence[PassageId] = (),
        relations: bool = False,
    ) -> Subgraph:
        """What the seeds and passages reach in so many hops, never by way of what is out of scope.

        A hop goes from passages to the entities they name, from those to their short and long
        forms, and on to every passage that names them. Names and counts, too, are of the scope
        alone. Rare entities go first; one whose passages would exceed ``limit`` passages is left
        out whole. ``relations`` asks for edges, which cost more than all the rest.
        """
        ...

    async def stated(
        self, entities: Sequence[EntityKey], *, scope: Scope, limit: int, among: bool = False
    ) -> Surroundings:
        """The relations that the scope's passages state of these entities, at most ``limit``.

        ``among`` asks for those with both ends among them. Found from at most READ of the passages
        that name one of the entities; names and counts of entities are of the scope, as everywhere.
        """
        ...

    async def count(self) -> int:
        """How many passages it has read, over all tenants: for health and doctor."""
        ...

    async def dump(self) -> str:
        """Everything held as text; equal support makes equal bytes. For tests and comparison."""
        ...
