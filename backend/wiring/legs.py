"""The legs that the settings name; one that cannot be opened says why, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from backend.graph.service import graph_off
from backend.settings import Settings, UnknownScheme
from backend.wiring.homes import Close, OnDisk, OnServer
from backend.wiring.served import graph_space, opensearch, served, vectors_setting
from retrieval.dense import VectorIndex
from retrieval.encoders.late import ClosableEncoder, LateEncoder
from retrieval.errors import IndexMismatch, RetrievalError, WeightsError
from retrieval.graph.model import EntityKey, Facts, Subgraph, Surroundings
from retrieval.ingest import Ingester
from retrieval.model import PassageId, Scope, SourceId, VersionHash
from retrieval.ports import DenseEncoder, GraphStore, Leg, SparseEncoder
from retrieval.rebuild import Home, Standing, StandingGraph, StandingWords
from retrieval.rerank import Reranking
from retrieval.search import HoldsPhrases
from retrieval.shared import Shared
from retrieval.weights import manifest

if TYPE_CHECKING:  # a process without an encoder can spare it
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.graph.leg import Said


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


async def opened(stack: AsyncExitStack, opening: Callable[[], C]) -> C:
    """Open in a thread what blocks while it opens and closes; the stack closes it."""
    value = await asyncio.to_thread(opening)
    stack.push_async_callback(asyncio.to_thread, value.close)
    return value


async def begun(opening: Callable[[], C]) -> tuple[C, Close]:
    """Open in a thread what blocks; with how it is closed again."""
    value = await asyncio.to_thread(opening)
    return value, partial(asyncio.to_thread, value.close)


@dataclass(frozen=True, slots=True)
class OpenedLeg:
    """A leg with what health says of it.

    ``standing`` is the leg itself, ``leg`` what is asked: others may share its answers.
    ``encoder`` is a dense leg's and ``graph`` a graph leg's, for others' use.
    """

    leg: Standing | Shared
    standing: Standing
    setting: str
    implementation: str
    encoder: DenseEncoder | None = None
    graph: GraphStore | None = None


def opened_leg(
    standing: Standing,
    setting: str,
    implementation: str,
    encoder: DenseEncoder | None = None,
    graph: GraphStore | None = None,
) -> OpenedLeg:
    return OpenedLeg(standing, standing, setting, implementation, encoder, graph)


async def open_legs(
    settings: Settings, stack: AsyncExitStack, said: Said | None = None
) -> list[OpenedLeg]:
    """The legs the settings name, words first: what they find is found soonest.

    ``said`` tells a graph what a model said of passages.
    """
    words = await open_lexical(settings, stack)
    dense = await open_dense(settings, stack)
    sparse = await open_sparse(settings, stack, dense.encoder if dense else None)
    legs = [leg for leg in (words, dense, sparse) if leg is not None]
    return await with_graph(settings, stack, legs, said)


async def standing_in(
    home: Home,
    standing: Standing,
    stack: AsyncExitStack,
    *,
    earlier: Callable[[str], Awaitable[tuple[Home, bool] | None]] | None = None,
    tolerated: type[RetrievalError] = IndexMismatch,
) -> Standing:
    """The leg over what serves at home; over nothing, and saying so, after a ``tolerated`` error.

    Where something else made what is there, ``earlier`` gives a home that opens it as what it is,
    if what made it can still be had, and whether that differs in words alone. Then it answers, and
    where it does differ, only until what the settings name is built beside it.
    """
    stack.push_async_callback(standing.close)
    standing.home = home
    try:
        standing.stand(await home.open_serving())
    except tolerated as error:
        made = error.made if isinstance(error, IndexMismatch) else None
        before = await earlier(made) if made is not None and earlier is not None else None
        place, same = before or (None, False)
        try:
            if place is not None:
                standing.stand(await place.open_serving())
        except IndexMismatch:  # it differs in more than what made its vectors
            same = False
        standing.fall(error, outdated=made is not None and not same)
    return standing


async def with_graph(
    settings: Settings, stack: AsyncExitStack, legs: list[OpenedLeg], said: Said | None
) -> list[OpenedLeg]:
    """The legs and, unless it is off, the graph.

    It begins where words and meaning lead, so these two answer it and the search at once.
    """
    url = settings.url("GRAPH_URL")
    if url.scheme == "off":
        return legs
    beside = [
        replace(leg, leg=Shared(leg.standing))
        if leg.setting in ("LEXICAL_URL", "DENSE_URL") and leg.standing.home is not None
        else leg
        for leg in legs
    ]
    from retrieval.graph.leg import FINGERPRINT

    near = [leg.leg for leg in beside if isinstance(leg.leg, Shared)]

    async def earlier(made: str) -> tuple[Home, bool]:
        return graph_home(settings, near, said, made), False

    standing = await standing_in(
        graph_home(settings, near, said, FINGERPRINT),
        StandingGraph("graph"),
        stack,
        earlier=earlier,
        tolerated=RetrievalError,
    )
    graph = opened_leg(standing, "GRAPH_URL", url.scheme, graph=ServedGraph(standing))
    return [*beside, graph]


class ServedGraph:
    """The store of whatever graph serves. Satisfies ``GraphStore``."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    async def merge(self, facts: Sequence[Facts]) -> None:
        with self._standing.asked() as leg:
            await _store(leg).merge(facts)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        with self._standing.asked() as leg:
            await _store(leg).drop(source, keep=keep)

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
        with self._standing.asked() as leg:
            return await _store(leg).around(
                seeds, scope=scope, hops=hops, limit=limit, passages=passages, relations=relations
            )

    async def stated(
        self, entities: Sequence[EntityKey], *, scope: Scope, limit: int, among: bool = False
    ) -> Surroundings:
        with self._standing.asked() as leg:
            return await _store(leg).stated(entities, scope=scope, limit=limit, among=among)

    async def count(self) -> int:
        return await self._standing.count()

    async def dump(self) -> str:
        with self._standing.asked() as leg:
            return await _store(leg).dump()


def _store(leg: Leg) -> GraphStore:
    from retrieval.graph.leg import GraphLeg

    assert isinstance(leg, GraphLeg), "a graph's generations are graphs"
    return leg.store


def graph_of(legs: Sequence[OpenedLeg]) -> GraphStore | Exception:
    """The graph, or why there is none."""
    for leg in legs:
        if leg.graph is not None:
            return leg.standing.broken or leg.graph
    return graph_off()


def words_of(legs: Sequence[OpenedLeg]) -> HoldsPhrases | None:
    """The leg that finds quoted words, as it is: what shares its answers has only searches."""
    leg = legs[0].standing
    return leg if isinstance(leg, HoldsPhrases) else None


def graph_home(
    settings: Settings, near: Sequence[Shared], said: Said | None, fingerprint: str
) -> Home:
    from retrieval.graph.leg import GraphLeg

    url = settings.url("GRAPH_URL")
    match url.scheme:
        case "sqlite":
            from retrieval.stores.sqlite_graph import SqliteGraph

            async def in_file(path: Path) -> tuple[Leg, Close]:
                store, close = await begun(lambda: SqliteGraph.open(path, fingerprint=fingerprint))
                return GraphLeg(store, near, said), close

            return OnDisk(url.under(settings.data_dir), in_file)
        case "nebula":
            from retrieval.stores.nebula import Nebula
            from retrieval.stores.nebula_generations import NebulaGenerations

            space = graph_space(url)

            async def on_server(generation: str | None) -> tuple[Leg, Close]:
                store, close = await begun(
                    lambda: Nebula.open(**space, generation=generation, fingerprint=fingerprint)
                )
                return GraphLeg(store, near, said), close

            return OnServer(NebulaGenerations(**space), on_server)
        case _:
            raise UnknownScheme("GRAPH_URL", url, ("sqlite", "nebula", "off"))


def open_ingester(legs: Sequence[OpenedLeg]) -> Ingester:
    """Feeds the legs that stand; without the lexical one readings fail and say so."""
    lexical, *others = (leg.leg for leg in legs)
    return Ingester(lexical, others)


async def open_lexical(settings: Settings, stack: AsyncExitStack) -> OpenedLeg:
    url = settings.url("LEXICAL_URL")

    def home(*, spells: bool) -> Home:
        match url.scheme:
            case "tantivy":
                from retrieval.stores.tantivy import Tantivy

                async def in_folder(folder: Path) -> tuple[Leg, Close]:
                    return await begun(lambda: Tantivy.open(folder, spells=spells))

                return OnDisk(url.under(settings.data_dir), in_folder)
            case "opensearch":
                from retrieval.stores.opensearch import OpenSearch

                held = opensearch(url)

                async def on_server(generation: str | None) -> tuple[Leg, Close]:
                    return await begun(
                        lambda: OpenSearch.open(held.server, held.named(generation), spells=spells)
                    )

                return OnServer(held, on_server)
            case _:
                raise UnknownScheme("LEXICAL_URL", url, ("tantivy", "opensearch"))

    async def earlier(made: str) -> tuple[Home, bool]:
        return home(spells=False), False

    kept = home(spells=True)
    standing = await standing_in(kept, StandingWords("bm25"), stack, earlier=earlier)
    return opened_leg(standing, "LEXICAL_URL", url.scheme)


async def open_dense(settings: Settings, stack: AsyncExitStack) -> OpenedLeg | None:
    from retrieval.dense import DenseLeg

    url = settings.url("DENSE_URL")
    if url.scheme == "off":
        return None
    try:
        encoder = await open_dense_encoder(settings, stack)
    except WeightsError as error:
        return opened_leg(Standing("dense", why=error), "DENSE_URL", url.scheme)
    # Its scores mean nothing, and whoever judges an answer by a dense leg's must not find one.
    name = "hashing" if url.scheme == "hashing" else "dense"

    def home(encoder: DenseEncoder, written: str, close: Close | None = None) -> Home:
        def leg(index: VectorIndex) -> Leg:
            made = DenseLeg(encoder, index)
            made.name = name
            return made

        return vectors_home(settings, "dense", written, encoder.dimensions, leg, close)

    async def earlier(made: str) -> tuple[Home, bool] | None:
        if url.scheme == "onnx":
            said = await asyncio.to_thread(manifest, settings.models / url.rest)
            if said.made(made):
                return home(encoder, made), True
        kind, _, dimensions = made.partition(":")
        if kind == "hashing":
            from retrieval.encoders.hashing import HashingEncoder

            return home(HashingEncoder(int(dimensions)), made), False
        folder = await asyncio.to_thread(weights_of, settings.models, made)
        if folder is None:
            return None
        old = await late(folder)
        return home(old, made, old.close), False

    standing = await standing_in(
        home(encoder, encoder.fingerprint), Standing(name), stack, earlier=earlier
    )
    return opened_leg(standing, "DENSE_URL", url.scheme, encoder)


async def open_dense_encoder(settings: Settings, stack: AsyncExitStack) -> DenseEncoder:
    url = settings.url("DENSE_URL")
    match url.scheme:
        case "onnx":
            encoder = await late(settings.models / url.rest)
            stack.push_async_callback(encoder.close)
            return encoder
        case "hashing":
            from retrieval.encoders.hashing import HashingEncoder

            return HashingEncoder()
        case _:
            raise UnknownScheme("DENSE_URL", url, ("onnx", "off", "hashing"))


async def late(folder: Path) -> LateEncoder:
    """The weights' encoder, which opens when it is first asked."""
    said = await asyncio.to_thread(manifest, folder)

    def opening() -> ClosableEncoder:
        from retrieval.encoders.onnx import OnnxEncoder

        return OnnxEncoder.open(folder)

    return LateEncoder(opening, fingerprint=said.fingerprint, dimensions=said.dimensions)


def weights_of(models: Path, made: str) -> Path | None:
    """The folder of the dense weights that made an index, if they are still there. Blocking."""
    for folder in sorted(models.iterdir()) if models.is_dir() else ():
        try:
            if manifest(folder).made(made):
                return folder
        except (WeightsError, OSError):
            continue  # no weights, or of another kind
    return None


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
    except WeightsError as error:
        return opened_leg(Standing("sparse", why=error), "SPARSE_URL", url.scheme)

    def leg(index: VectorIndex) -> Leg:
        return SparseLeg(encoder, index)

    home = vectors_home(settings, "sparse", encoder.fingerprint, None, leg)
    standing = await standing_in(home, Standing("sparse"), stack)
    return opened_leg(standing, "SPARSE_URL", url.scheme)


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


def vectors_home(
    settings: Settings,
    name: str,
    fingerprint: str,
    dimensions: int | None,
    leg: Callable[[VectorIndex], Leg],
    also: Close | None = None,
) -> Home:
    """Where one encoder's vectors are kept; ``dimensions`` are a dense encoder's.

    ``leg`` makes a leg of the index; ``also`` closes what is of no use without it.
    """
    setting = vectors_setting(settings, name)
    url = settings.url(setting)

    def whole(index: VectorIndex, close: Close) -> tuple[Leg, Close]:
        async def both() -> None:
            await close()
            if also is not None:
                await also()

        return leg(index), both

    match url.scheme:
        case "qdrant-edge":
            from retrieval.stores.qdrant_edge import QdrantEdge

            async def in_folder(folder: Path) -> tuple[Leg, Close]:
                def opening() -> QdrantEdge:
                    if dimensions is None:
                        return QdrantEdge.open_sparse(folder, fingerprint=fingerprint)
                    return QdrantEdge.open_dense(
                        folder, fingerprint=fingerprint, dimensions=dimensions
                    )

                return whole(*await begun(opening))

            return OnDisk(url.under(settings.data_dir) / name, in_folder)
        case "qdrant":
            from retrieval.stores.qdrant import Qdrant
            from retrieval.stores.qdrant_generations import QdrantGenerations

            place, key = served(url, 6333), url.password

            async def on_server(generation: str | None) -> tuple[Leg, Close]:
                opening = (
                    Qdrant.open_sparse
                    if dimensions is None
                    else partial(Qdrant.open_dense, dimensions=dimensions)
                )
                index = await opening(
                    **place, api_key=key, fingerprint=fingerprint, generation=generation
                )
                return whole(index, index.close)

            return OnServer(QdrantGenerations(**place, leg=name, api_key=key), on_server)
        case "opensearch" if dimensions is None:
            from retrieval.stores.opensearch import OpenSearchSparse

            held = opensearch(url, "-sparse")

            async def on_opensearch(generation: str | None) -> tuple[Leg, Close]:
                return whole(
                    *await begun(
                        lambda: OpenSearchSparse.open(
                            held.server, held.named(generation), fingerprint=fingerprint
                        )
                    )
                )

            return OnServer(held, on_opensearch)
        case _:
            sparse = ("opensearch",) if dimensions is None else ()
            raise UnknownScheme(setting, url, ("qdrant-edge", "qdrant", *sparse))
