"""The legs that the settings name; one that cannot be opened says why, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from backend.graph.service import graph_off
from backend.settings import Settings, UnknownScheme
from backend.wiring.served import (
    graph_space,
    name_and_password,
    served,
    vectors_setting,
)
from retrieval.dense import VectorIndex
from retrieval.encoders.late import ClosableEncoder, LateEncoder
from retrieval.errors import IndexMismatch, RetrievalError, WeightsError
from retrieval.ingest import Ingester
from retrieval.model import Passage, Query, Run, Scope, SourceId, VersionHash
from retrieval.ports import DenseEncoder, GraphStore, Leg, SparseEncoder
from retrieval.rerank import Reranking
from retrieval.search import HoldsPhrases
from retrieval.shared import Shared
from retrieval.weights import manifest

if TYPE_CHECKING:  # a process without an encoder can spare it
    import numpy as np
    from numpy.typing import NDArray


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


async def opened(stack: AsyncExitStack, opening: Callable[[], C]) -> C:
    """Open in a thread what blocks while it opens and closes; the stack closes it."""
    value = await asyncio.to_thread(opening)
    stack.push_async_callback(asyncio.to_thread, value.close)
    return value


class Broken:
    """A leg that could not be opened: it says why to whoever asks, and the others go on."""

    def __init__(self, name: str, error: RetrievalError) -> None:
        self.name = name
        self.error = error

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        raise self.error

    async def put(self, passages: Sequence[Passage]) -> None:
        raise self.error

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        raise self.error

    async def count(self) -> int:
        raise self.error


@dataclass(frozen=True, slots=True)
class OpenedLeg:
    """A leg with what health says of it.

    ``encoder`` is a dense leg's and ``graph`` a graph leg's, for others' use.
    """

    leg: Leg
    setting: str
    implementation: str
    encoder: DenseEncoder | None = None
    graph: GraphStore | None = None


async def open_legs(settings: Settings, stack: AsyncExitStack) -> list[OpenedLeg]:
    """The legs the settings name, words first: what they find is found soonest."""
    words = await open_lexical(settings, stack)
    dense = await open_dense(settings, stack)
    sparse = await open_sparse(settings, stack, dense.encoder if dense else None)
    legs = [leg for leg in (words, dense, sparse) if leg is not None]
    return await with_graph(settings, stack, legs)


async def with_graph(
    settings: Settings, stack: AsyncExitStack, legs: list[OpenedLeg]
) -> list[OpenedLeg]:
    """The legs and, unless it is off, the graph.

    It begins where words and meaning lead, so these two answer it and the search at once.
    """
    url = settings.url("GRAPH_URL")
    if url.scheme == "off":
        return legs
    from retrieval.graph.leg import GraphLeg

    try:
        store = await open_graph(settings, stack)
    except RetrievalError as error:
        return [*legs, OpenedLeg(Broken("graph", error), "GRAPH_URL", url.scheme)]
    beside = [
        replace(leg, leg=Shared(leg.leg))
        if leg.setting in ("LEXICAL_URL", "DENSE_URL") and not isinstance(leg.leg, Broken)
        else leg
        for leg in legs
    ]
    graph = GraphLeg(store, [leg.leg for leg in beside if isinstance(leg.leg, Shared)])
    return [*beside, OpenedLeg(graph, "GRAPH_URL", url.scheme, graph=store)]


def graph_of(legs: Sequence[OpenedLeg]) -> GraphStore | Exception:
    """The graph, or why there is none."""
    for leg in legs:
        if leg.setting == "GRAPH_URL":
            return leg.leg.error if isinstance(leg.leg, Broken) else leg.graph or graph_off()
    return graph_off()


def words_of(legs: Sequence[OpenedLeg]) -> HoldsPhrases | None:
    """The leg that finds quoted words, as it is: what shares its answers has only searches."""
    lexical = legs[0].leg
    leg = lexical.leg if isinstance(lexical, Shared) else lexical
    return leg if isinstance(leg, HoldsPhrases) else None


async def open_graph(settings: Settings, stack: AsyncExitStack) -> GraphStore:
    from retrieval.graph.leg import FINGERPRINT

    url = settings.url("GRAPH_URL")
    match url.scheme:
        case "sqlite":
            from retrieval.stores.sqlite_graph import SqliteGraph

            path = url.under(settings.data_dir)
            return await opened(stack, lambda: SqliteGraph.open(path, fingerprint=FINGERPRINT))
        case "nebula":
            from retrieval.stores.nebula import Nebula

            space = graph_space(url)
            return await opened(stack, lambda: Nebula.open(**space, fingerprint=FINGERPRINT))
        case _:
            raise UnknownScheme("GRAPH_URL", url, ("sqlite", "nebula", "off"))


def open_ingester(legs: Sequence[OpenedLeg]) -> Ingester:
    """Feeds the legs that could be opened; without the lexical one readings fail and say so."""
    lexical, *others = legs
    return Ingester(
        lexical.leg, [other.leg for other in others if not isinstance(other.leg, Broken)]
    )


async def open_lexical(settings: Settings, stack: AsyncExitStack) -> OpenedLeg:
    url = settings.url("LEXICAL_URL")
    match url.scheme:
        case "tantivy":
            from retrieval.stores.tantivy import Tantivy

            folder = url.under(settings.data_dir)
            try:
                leg: Leg = await opened(stack, lambda: Tantivy.open(folder))
            except IndexMismatch as error:
                leg = Broken("bm25", error)
            return OpenedLeg(leg, "LEXICAL_URL", "tantivy")
        case "opensearch":
            from retrieval.stores.opensearch import OpenSearch

            place, key = served(url, 9200), name_and_password(url)
            try:
                leg = await opened(stack, lambda: OpenSearch.open(**place, **key))
            except IndexMismatch as error:
                leg = Broken("bm25", error)
            return OpenedLeg(leg, "LEXICAL_URL", "opensearch")
        case _:
            raise UnknownScheme("LEXICAL_URL", url, ("tantivy", "opensearch"))


async def open_dense(settings: Settings, stack: AsyncExitStack) -> OpenedLeg | None:
    from retrieval.dense import DenseLeg

    url = settings.url("DENSE_URL")
    if url.scheme == "off":
        return None
    try:
        encoder = await open_dense_encoder(settings, stack)
        index = await open_vectors(
            settings, stack, "dense", encoder.fingerprint, encoder.dimensions
        )
    except (WeightsError, IndexMismatch) as error:
        return OpenedLeg(Broken("dense", error), "DENSE_URL", url.scheme)
    leg = DenseLeg(encoder, index)
    if url.scheme == "hashing":
        # Its scores mean nothing, and whoever judges an answer by a dense leg's must not find one.
        leg.name = "hashing"
    return OpenedLeg(leg, "DENSE_URL", url.scheme, encoder)


async def open_dense_encoder(settings: Settings, stack: AsyncExitStack) -> DenseEncoder:
    url = settings.url("DENSE_URL")
    match url.scheme:
        case "onnx":
            folder = settings.models / url.rest
            said = await asyncio.to_thread(manifest, folder)

            def opening() -> ClosableEncoder:
                from retrieval.encoders.onnx import OnnxEncoder

                return OnnxEncoder.open(folder)

            late = LateEncoder(opening, fingerprint=said.fingerprint, dimensions=said.dimensions)
            stack.push_async_callback(late.close)
            return late
        case "hashing":
            from retrieval.encoders.hashing import HashingEncoder

            return HashingEncoder()
        case _:
            raise UnknownScheme("DENSE_URL", url, ("onnx", "off", "hashing"))


async def open_sparse(
    settings: Settings, stack: AsyncExitStack, dense: DenseEncoder | None
) -> OpenedLeg | None:
    from retrieval.sparse import SparseLeg

    url = settings.url("SPARSE_URL")
    if url.scheme == "off":
        return None
    try:
        match url.scheme:
            case "inference-free":
                from retrieval.encoders.inference_free import InferenceFreeEncoder

                folder = settings.models / url.rest
                encoder: SparseEncoder = await opened(
                    stack, lambda: InferenceFreeEncoder.open(folder, dense=dense)
                )
            case "splade":
                from retrieval.encoders.splade import SpladeEncoder

                weights = settings.models / url.rest  # an absolute path stays what it is
                encoder = await opened(stack, lambda: SpladeEncoder.open(weights))
            case _:
                raise UnknownScheme("SPARSE_URL", url, ("off", "inference-free", "splade"))
        index = await open_vectors(settings, stack, "sparse", encoder.fingerprint, None)
    except (WeightsError, IndexMismatch) as error:
        return OpenedLeg(Broken("sparse", error), "SPARSE_URL", url.scheme)
    return OpenedLeg(SparseLeg(encoder, index), "SPARSE_URL", url.scheme)


class BrokenReranker:
    """One that could not be opened: each search says why, and keeps its first order."""

    fingerprint = "none"

    def __init__(self, error: WeightsError) -> None:
        self.error = error

    async def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        raise self.error


async def open_reranking(settings: Settings, stack: AsyncExitStack) -> Reranking | None:
    """None where no reranker is set."""
    url = settings.url("RERANKER_URL")
    match url.scheme:
        case "off":
            return None
        case "onnx":
            from retrieval.encoders.cross import CrossEncoder

            folder = settings.models / url.rest  # an absolute path stays what it is
            try:
                return Reranking(await opened(stack, lambda: CrossEncoder.open(folder)))
            except WeightsError as error:
                return Reranking(BrokenReranker(error))
        case _:
            raise UnknownScheme("RERANKER_URL", url, ("off", "onnx"))


async def open_vectors(
    settings: Settings,
    stack: AsyncExitStack,
    name: str,
    fingerprint: str,
    dimensions: int | None,
) -> VectorIndex:
    """The index of one encoder's vectors; ``dimensions`` are a dense encoder's."""
    setting = vectors_setting(settings, name)
    url = settings.url(setting)
    match url.scheme:
        case "qdrant-edge":
            from retrieval.stores.qdrant_edge import QdrantEdge

            folder = url.under(settings.data_dir) / name
            if dimensions is None:
                return await opened(
                    stack, lambda: QdrantEdge.open_sparse(folder, fingerprint=fingerprint)
                )
            return await opened(
                stack,
                lambda: QdrantEdge.open_dense(
                    folder, fingerprint=fingerprint, dimensions=dimensions
                ),
            )
        case "qdrant":
            from retrieval.stores.qdrant import Qdrant

            place = served(url, 6333)
            server = (
                await Qdrant.open_sparse(**place, api_key=url.password, fingerprint=fingerprint)
                if dimensions is None
                else await Qdrant.open_dense(
                    **place, api_key=url.password, fingerprint=fingerprint, dimensions=dimensions
                )
            )
            stack.push_async_callback(server.close)
            return server
        case "opensearch" if dimensions is None:
            from retrieval.stores.opensearch import OpenSearchSparse

            place, key = served(url, 9200, suffix="-sparse"), name_and_password(url)
            return await opened(
                stack, lambda: OpenSearchSparse.open(**place, **key, fingerprint=fingerprint)
            )
        case _:
            sparse = ("opensearch",) if dimensions is None else ()
            raise UnknownScheme(setting, url, ("qdrant-edge", "qdrant", *sparse))
