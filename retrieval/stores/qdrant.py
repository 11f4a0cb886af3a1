"""Vectors on a Qdrant server. One collection holds both legs, a named vector each.

A point is a passage. What a leg puts or drops is its own vector alone, so either can be remade
while the other serves; a point goes when its last vector has gone. Dense vectors lie on disk as
they are and in memory as int8: candidates are found by the small ones and ranked by the whole.
A leg asks an alias of its own, which leads to the generation of the collection that serves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeVar
from uuid import NAMESPACE_URL, uuid5

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrieval.errors import EngineUnavailable, IndexMismatch, RetrievalError
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

FORMAT: Final = 1
OLDEST: Final = (1, 16)  # the first server with collection metadata and conditional upserts
SPARE: Final = 16  # extra results asked for, so that ties at the cut are broken by passage id
DEEPEST: Final = 10_000  # results asked for at most while a tie is followed
OVERSAMPLING: Final = 2.0  # int8 candidates for each result that is ranked by its whole vector
PUT: Final = 16  # passages in a request: writing out more would hold up the event loop
TIMEOUT: Final = 30  # seconds
_FILTERED: Final = ("tenant", "space", "source", "version")
LEGS: Final = ("dense", "sparse")
MARK: Final = "stratmaster"
_HOLDS: Final = "holds_"  # begins the names of the flags that say which legs hold a passage

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Made:
    """What made a leg's vectors; kept in the collection's metadata."""

    encoder: str
    dimensions: int | None

    def __str__(self) -> str:
        size = f" with {self.dimensions} dimensions" if self.dimensions is not None else ""
        return f"encoder {self.encoder}{size}"


class Qdrant:
    """Satisfies ``VectorIndex``. A server that is away is asked again at the next call."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        place: str,
        collection: str,
        generation: str | None,
        vector: str,
        made: _Made,
    ) -> None:
        self._client = client
        self._place = place
        self._first = collection
        self._generation = generation
        self._collection = named(collection, generation or "")  # or its alias, once it is known
        self._vector = vector
        self._made = made
        self._preparing = asyncio.Lock()
        self._names: tuple[str, ...] = ()  # the collection's vectors; empty until it was looked at

    @classmethod
    async def open_dense(
        cls,
        address: str,
        collection: str,
        *,
        fingerprint: str,
        dimensions: int,
        generation: str | None = None,
        secure: bool = False,
        api_key: str | None = None,
    ) -> Self:
        """Open, or make, a collection on the server at ``host:port``; then ``close``.

        Without a ``generation`` it is the one that serves. Raises IndexMismatch when it holds
        another encoder's vectors. A server that does not answer is no error yet: every call asks
        it again.
        """
        made = _Made(fingerprint, dimensions)
        return await cls._open(address, collection, generation, "dense", made, secure, api_key)

    @classmethod
    async def open_sparse(
        cls,
        address: str,
        collection: str,
        *,
        fingerprint: str,
        generation: str | None = None,
        secure: bool = False,
        api_key: str | None = None,
    ) -> Self:
        """As ``open_dense``, for an encoder of weighted terms.

        A collection takes dense vectors only if it was made by ``open_dense``: open that first.
        """
        made = _Made(fingerprint, None)
        return await cls._open(address, collection, generation, "sparse", made, secure, api_key)

    @classmethod
    async def _open(
        cls,
        address: str,
        collection: str,
        generation: str | None,
        vector: str,
        made: _Made,
        secure: bool,
        api_key: str | None,
    ) -> Self:
        client = client_of(address, secure, api_key)
        index = cls(client, address, collection, generation, vector, made)
        try:
            await index._ready()
        except EngineUnavailable:
            pass  # whoever asks next is told
        except BaseException:
            await index.close()
            raise
        return index

    async def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None:
        all_fit(passages, vectors, self._made.dimensions)
        held = {
            passage.id: (passage, vector) for passage, vector in zip(passages, vectors, strict=True)
        }
        await self._ready()
        pairs = list(held.values())
        for at in range(0, len(pairs), PUT):
            await self._asked(
                self._client.batch_update_points(
                    self._collection, self._putting(pairs[at : at + PUT]), wait=True
                )
            )

    def _putting(
        self, pairs: Sequence[tuple[Passage, NDArray[np.float32] | SparseVector]]
    ) -> list[models.UpdateOperation]:
        """Make the points that are missing, then set what is ours: the other vector stays."""
        nothing = models.Filter(must=[models.HasIdCondition(has_id=[])])
        missing = models.PointsList(
            points=[
                models.PointStruct(id=_point(passage.id), vector={}, payload=_payload(passage))
                for passage, _ in pairs
            ],
            update_filter=nothing,  # a point that is there is not touched
        )
        ours = {_HOLDS + self._vector: True}
        payloads = [
            models.SetPayloadOperation(
                set_payload=models.SetPayload(
                    payload=_payload(passage) | ours, points=[_point(passage.id)]
                )
            )
            for passage, _ in pairs
        ]
        operations: list[models.UpdateOperation] = [
            models.UpsertOperation(upsert=missing),
            *payloads,
        ]
        vectors = [
            models.PointVectors(id=_point(passage.id), vector={self._vector: _named(vector)})
            for passage, vector in pairs
            if not _empty(vector)
        ]
        if vectors:
            update = models.UpdateVectors(points=vectors)
            operations.append(models.UpdateVectorsOperation(update_vectors=update))
        # The server takes no vector without terms; the passage is held and found by nothing.
        empty: list[models.ExtendedPointId] = [
            _point(passage.id) for passage, vector in pairs if _empty(vector)
        ]
        if empty:
            delete = models.DeleteVectors(points=empty, vector=[self._vector])
            operations.append(models.DeleteVectorsOperation(delete_vectors=delete))
        return operations

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._ready()
        kept: list[models.Condition] = [_equals("version", keep)] if keep is not None else []
        dropped = models.Filter(must=[_equals("source", source)], must_not=kept)
        await self._asked(
            self._client.batch_update_points(
                self._collection, forgetting(self._vector, self._names, dropped), wait=True
            )
        )

    async def search(
        self, vector: NDArray[np.float32] | SparseVector, *, scope: Scope, limit: int
    ) -> Sequence[Ranked]:
        fit(vector, ASKED, self._made.dimensions)
        if scope.empty or limit < 1:
            return ()
        await self._ready()
        must: list[models.Condition] = [
            _equals("tenant", scope.tenant),
            _among("space", scope.spaces),
        ]
        if scope.sources is not None:
            must.append(_among("source", scope.sources))
        if scope.passages is not None:
            must.append(models.HasIdCondition(has_id=[_point(id) for id in scope.passages]))
        asked = min(limit + SPARE, max(limit, DEEPEST))
        while True:
            answer = await self._asked(
                self._client.query_points(
                    self._collection,
                    query=_named(vector),
                    using=self._vector,
                    query_filter=models.Filter(must=must),
                    limit=asked,
                    with_payload=["passage"],
                    search_params=models.SearchParams(
                        hnsw_ef=max(256, asked),
                        quantization=models.QuantizationSearchParams(
                            rescore=True, oversampling=OVERSAMPLING
                        ),
                    ),
                )
            )
            found = [Ranked(_passage(point), round(point.score, 6)) for point in answer.points]
            found.sort(key=lambda ranked: (-ranked.score, ranked.passage))
            # A tie that reaches past what was fetched could hide a smaller id: look further.
            if len(found) < asked or asked >= DEEPEST or found[-1].score < found[limit - 1].score:
                return found[:limit]
            asked = min(asked * 4, DEEPEST)

    async def count(self) -> int:
        await self._ready()
        held = models.Filter(must=[holds(self._vector)])
        answer = await self._asked(
            self._client.count(self._collection, count_filter=held, exact=True)
        )
        return answer.count

    async def close(self) -> None:
        await self._client.close()

    async def _ready(self) -> None:
        if self._names:
            return
        async with self._preparing:
            if not self._names:
                self._names = await self._prepare()

    async def _prepare(self) -> tuple[str, ...]:
        """Make the collection where there is none, and see that it is ours and of our encoder."""
        version = (await self._asked(self._client.info())).version
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise RetrievalError(
                f"Qdrant at {self._place} is {version}; "
                f"{'.'.join(map(str, OLDEST))} or newer is needed"
            )
        alias = alias_of(self._first, self._vector) if self._generation is None else None
        self._collection = named(self._first, self._generation or "")
        aliased = alias is not None and await self._asked(self._client.collection_exists(alias))
        if alias is not None and aliased:
            self._collection = alias
        elif not await self._asked(self._client.collection_exists(self._collection)):
            await self._make()
        described = (await self._asked(self._client.get_collection(self._collection))).config
        metadata = described.metadata or {}
        if metadata.get(MARK) != FORMAT:
            raise IndexMismatch(
                f"the collection {self._collection} on {self._place} is not ours (its metadata is "
                f"{metadata}, not {{'{MARK}': {FORMAT}}}); name another in VECTORS_URL"
            )
        dense = described.params.vectors
        names = [*dense] if isinstance(dense, dict) else []
        names += [*(described.params.sparse_vectors or {})]
        ours = dense.get(self._vector) if isinstance(dense, dict) else None
        fits = ours is None or ours.size == self._made.dimensions
        found = metadata.get(self._vector)
        if self._vector not in names or (found is None and not fits):
            raise IndexMismatch(
                f"the collection {self._collection} on {self._place} was made without "
                f"{self._vector} vectors of these dimensions; run `stratmaster reindex`",
                made="nothing",
            )
        if found is None:  # the other leg made the collection
            await self._asked(
                self._client.update_collection(
                    self._collection, metadata={self._vector: asdict(self._made)}
                )
            )
        elif found != asdict(self._made):
            raise IndexMismatch(
                f"the {self._vector} vectors of {self._collection} on {self._place} were made by "
                f"{_Made(found.get('encoder', '?'), found.get('dimensions'))}, but the settings "
                f"name {self._made}; set the encoder back, or run `stratmaster reindex`",
                made=str(found.get("encoder")),
            )
        for name in _FILTERED:  # does nothing where they are there
            index = models.KeywordIndexParams(
                type=models.KeywordIndexType.KEYWORD, is_tenant=name == "tenant", on_disk=True
            )
            await self._asked(
                self._client.create_payload_index(self._collection, name, index, wait=True)
            )
        for name in names:
            flag = models.PayloadSchemaType.BOOL
            await self._asked(
                self._client.create_payload_index(self._collection, _HOLDS + name, flag, wait=True)
            )
        if alias is not None and not aliased:
            leading = models.CreateAlias(collection_name=self._collection, alias_name=alias)
            await self._asked(
                self._client.update_collection_aliases(
                    [models.CreateAliasOperation(create_alias=leading)]
                )
            )
            self._collection = alias
        return tuple(names)

    async def _make(self) -> None:
        dense: dict[str, models.VectorParams] = {}
        if self._made.dimensions is not None:
            dense["dense"] = models.VectorParams(
                size=self._made.dimensions,
                distance=models.Distance.DOT,
                on_disk=True,
                quantization_config=models.ScalarQuantization(
                    scalar=models.ScalarQuantizationConfig(
                        type=models.ScalarType.INT8, quantile=0.99, always_ram=True
                    )
                ),
            )
        sparse = models.SparseVectorParams(index=models.SparseIndexParams(on_disk=True))
        try:
            await self._client.create_collection(
                self._collection,
                vectors_config=dense,
                sparse_vectors_config={"sparse": sparse},
                on_disk_payload=True,
                metadata={MARK: FORMAT, self._vector: asdict(self._made)},
            )
        except UnexpectedResponse as error:
            if error.status_code != 409:  # another process made it just now
                raise self._said(error) from error
        except (ResponseHandlingException, httpx.HTTPError) as error:
            raise self._said(error) from error

    async def _asked(self, answer: Awaitable[_T]) -> _T:
        try:
            return await answer
        except (UnexpectedResponse, ResponseHandlingException, httpx.HTTPError) as error:
            raise self._said(error) from error

    def _said(self, error: Exception) -> RetrievalError:
        if not isinstance(error, UnexpectedResponse):
            return EngineUnavailable(
                f"Qdrant at {self._place} does not answer ({error}); "
                "start it, or change VECTORS_URL"
            )
        content = error.content.decode(errors="replace")[:300]
        if error.status_code in (401, 403):
            return EngineUnavailable(
                f"Qdrant at {self._place} refuses the key in VECTORS_URL ({error.status_code})"
            )
        if error.status_code in (429, 502, 503, 504):
            return EngineUnavailable(
                f"Qdrant at {self._place} is not ready ({error.status_code}: {content})"
            )
        if error.status_code == 404:
            self._names = ()  # made anew at the next call
            return RetrievalError(
                f"the collection {self._collection} on {self._place} has gone; "
                "run `stratmaster reindex`"
            )
        return RetrievalError(f"Qdrant at {self._place} refused ({error.status_code}: {content})")


def named(collection: str, generation: str) -> str:
    """The collection that a generation is."""
    return f"{collection}-{generation}" if generation else collection


def alias_of(collection: str, leg: str) -> str:
    """What a leg asks, whichever generation serves."""
    return f"{collection}-{leg}"


def holds(leg: str) -> models.FieldCondition:
    """That a leg has a point."""
    return _equals(_HOLDS + leg, True)


def forgetting(
    leg: str, legs: Iterable[str], points: models.Filter
) -> list[models.UpdateOperation]:
    """Take a leg's vectors from these points, and away those that no leg has any more."""
    must_not = points.must_not if isinstance(points.must_not, list) else []
    unheld = models.Filter(must=points.must, must_not=[*must_not, *map(holds, legs)])
    return [
        models.DeleteVectorsOperation(
            delete_vectors=models.DeleteVectors(filter=points, vector=[leg])
        ),
        models.DeletePayloadOperation(
            delete_payload=models.DeletePayload(filter=points, keys=[_HOLDS + leg])
        ),
        models.DeleteOperation(delete=models.FilterSelector(filter=unheld)),
    ]


def client_of(address: str, secure: bool, api_key: str | None) -> AsyncQdrantClient:
    return AsyncQdrantClient(
        url=f"{'https' if secure else 'http'}://{address}",
        api_key=api_key,
        timeout=TIMEOUT,
        # Its own check wants client and server within a minor version; ours is OLDEST.
        check_compatibility=False,
    )


def _point(id: PassageId) -> str:
    return str(uuid5(NAMESPACE_URL, id))


def _payload(passage: Passage) -> dict[str, Any]:
    return {"passage": passage.id} | {name: getattr(passage, name) for name in _FILTERED}


def _named(vector: NDArray[np.float32] | SparseVector) -> list[float] | models.SparseVector:
    if isinstance(vector, SparseVector):
        return models.SparseVector(indices=list(vector.indices), values=list(vector.values))
    floats: list[float] = vector.tolist()
    return floats


def _empty(vector: NDArray[np.float32] | SparseVector) -> bool:
    return isinstance(vector, SparseVector) and not vector.indices


def _equals(key: str, value: str | bool) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _among(key: str, values: Iterable[str]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=sorted(values)))


def _passage(point: models.ScoredPoint) -> PassageId:
    payload: Mapping[str, Any] = point.payload or {}
    if "passage" not in payload:
        raise RetrievalError(f"the index holds a point without its passage: {point.id}")
    return str(payload["passage"])
