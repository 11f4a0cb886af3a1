"""The one place where implementations are chosen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict, TypeVar

from sqlalchemy import func, insert, select, text

from backend.answers.answer import Answers
from backend.briefs.images import DropImages, Images
from backend.briefs.service import Brief, Briefs, BriefSettled
from backend.claims.service import Claims
from backend.clock import now
from backend.documents.downloads import Downloads
from backend.editing.routes import Door
from backend.errors import Unavailable
from backend.events import Hub
from backend.evidence.service import EvidenceService
from backend.health import Port
from backend.jobs import Handler, Worker
from backend.llm.extractive import Extractive
from backend.ports import BlobStore, LanguageModel
from backend.services import Authenticator, Services
from backend.settings import Misconfigured, Settings, UnknownScheme, Url
from backend.sources.reader import SourceReader
from backend.sources.reading import DropSource, EncodeSource, Read, ReadSource
from backend.sources.service import DROP, DROP_IMAGES, ENCODE, READ, Sources
from backend.sources.texts import Texts
from backend.spaces.service import Spaces
from backend.store.answers import StoredRuns
from backend.store.catalogue import StoredCatalogue
from backend.store.claims import StoredClaims
from backend.store.engine import Store, open_store
from backend.store.evidence import StoredEvidence
from backend.store.outbox import Outbox
from backend.store.passages import StoredPassages
from backend.store.tables import passages, sources, tenants
from backend.store.updates import SqlUpdates
from collab import Projection, Rooms
from retrieval.blocks import Reading
from retrieval.chunking import CHUNKER, cut
from retrieval.dense import VectorIndex
from retrieval.encoders.late import ClosableEncoder, LateEncoder
from retrieval.errors import IndexMismatch, RetrievalError, WeightsError
from retrieval.ingest import Ingester
from retrieval.model import Passage, Query, Run, Scope, SourceId, VersionHash
from retrieval.ports import DenseEncoder, GraphStore, Leg, SparseEncoder
from retrieval.reading import Limits, read_apart
from retrieval.rerank import Reranking
from retrieval.search import HoldsPhrases, Searcher
from retrieval.sentences import sentences
from retrieval.shared import Shared
from retrieval.weights import manifest

if TYPE_CHECKING:  # a process without an encoder can spare it
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Authenticator", "Services", "open_services"]

log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[], Awaitable[str]]

ENCODING = 2  # sources encoded beside one another: while one is stored, the other is encoded
LOCAL_TENANT = "local"  # the only one while everyone signs in as the person at this machine


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open what the settings name; close it all, in reverse, at the end.

    An index that cannot be opened is named by health and by every search's trace, and the rest goes
    on without it. A database or a blob store that cannot be opened is an error here.
    """
    temporary = settings.data_dir / "tmp"
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.url("DATABASE_URL"), settings.data_dir)
        )
        await ensure_tenant(store, LOCAL_TENANT)
        blobs = await asyncio.to_thread(open_blobs, settings)
        legs = await open_legs(settings, stack)
        working = [leg for leg in legs if not isinstance(leg.leg, Broken)]
        indexes = open_ingester(legs)
        stored_passages = StoredPassages(store)
        encoder = next((leg.encoder for leg in working if leg.encoder is not None), None)
        late = encoder if isinstance(encoder, LateEncoder) else None
        searcher = Searcher(
            [leg.leg for leg in legs],
            stored_passages,
            ready=late.opened if late else None,
            words=words_of(legs),
            catalogue=StoredCatalogue(store),
            reranking=await open_reranking(settings, stack),
        )

        hub = Hub()
        outbox = Outbox(store)
        spaces = Spaces(store)
        texts = Texts(store, blobs)
        handlers: dict[str, Handler] = {}
        worker = Worker(outbox, handlers, at_once=settings.jobs_workers, apart={ENCODE: ENCODING})
        source_service = Sources(
            store=store,
            blobs=blobs,
            outbox=outbox,
            hub=hub,
            spaces=spaces,
            uploads=temporary,
            limit=settings.max_upload_bytes,
            wake=worker.wake,
        )
        handlers[READ] = ReadSource(
            store=store,
            blobs=blobs,
            texts=texts,
            passages=stored_passages,
            indexes=indexes,
            sources=source_service,
            outbox=outbox,
            wake=worker.wake,
            read=read_within(settings),
            cut=cut,
            chunker=CHUNKER,
            temporary=temporary,
        )
        handlers[ENCODE] = EncodeSource(
            store=store,
            passages=stored_passages,
            indexes=indexes,
            sources=source_service,
            absent={
                leg.leg.name: str(leg.leg.error) for leg in legs if isinstance(leg.leg, Broken)
            },
        )
        handlers[DROP_IMAGES] = DropImages(store, blobs)
        handlers[DROP] = DropSource(store=store, blobs=blobs, texts=texts, indexes=indexes)

        evidence = EvidenceService(store=StoredEvidence(store), versions=texts, sentences=sentences)

        async def follow(brief: Brief, projection: Projection) -> None:
            await claims.follow(brief.id, projection)

        rooms = Rooms(SqlUpdates(store), on_settled=BriefSettled(store, hub, [follow]))
        claims = Claims(
            documents=rooms, evidence=evidence, store=StoredClaims(store), sentences=sentences
        )
        runs = StoredRuns(store)
        model = open_model(settings)
        answers = Answers(
            searcher=searcher,
            evidence=evidence,
            runs=runs,
            corpus=runs,
            sentences=sentences,
            composer=Extractive(sentences=sentences, encoder=encoder),
            model=model,
        )
        images = Images(store, spaces, blobs)
        downloads = Downloads(documents=rooms, evidence=evidence, images=images)
        services = Services(
            settings=settings,
            store=store,
            blobs=blobs,
            hub=hub,
            authenticator=open_authenticator(settings),
            spaces=spaces,
            sources=source_service,
            reader=SourceReader(
                sources=source_service, texts=texts, blobs=blobs, temporary=temporary
            ),
            texts=texts,
            passages=stored_passages,
            legs=legs,
            searcher=searcher,
            outbox=outbox,
            worker=worker,
            rooms=rooms,
            door=Door(),
            briefs=Briefs(store, spaces, rooms, hub),
            images=images,
            evidence=evidence,
            claims=claims,
            answers=answers,
            downloads=downloads,
            ports=(),
            warm=late.opened if late else warm_already,
        )
        await worker.start()
        # Unwinds from the last: nothing new is heard or begun while what runs comes to its end.
        stack.push_async_callback(rooms.close)
        stack.push_async_callback(answers.close)
        stack.push_async_callback(worker.stop)
        stack.callback(hub.close)
        yield replace(services, ports=ports_of(services, model))


async def warm_already() -> None:
    """Nothing of what is open takes long to open."""


async def ensure_tenant(store: Store, tenant: str) -> None:
    async with store.reading() as connection:
        if (await connection.execute(select(tenants).where(tenants.c.id == tenant))).first():
            return
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id=tenant, name=tenant, created_at=now()))


def open_blobs(settings: Settings) -> BlobStore:
    url = settings.url("BLOBS_URL")
    match url.scheme:
        case "file":
            from backend.blobs.filesystem import FilesystemBlobs

            return FilesystemBlobs(url.under(settings.data_dir))
        case "s3":
            from backend.blobs.s3 import S3Blobs

            if not url.user or not url.password:
                raise Misconfigured(
                    f"STRATMASTER_BLOBS_URL={url} names no keys; write them as "
                    "s3://KEY:SECRET@BUCKET, with signs such as / and + percent-encoded"
                )
            return S3Blobs.connect(
                url.query.get("endpoint", "s3.amazonaws.com"),
                url.host,
                access_key=url.user,
                secret_key=url.password,
                secure=url.query.get("secure") != "false",
                region=url.query.get("region"),
            )
        case _:
            raise UnknownScheme("BLOBS_URL", url, ("file", "s3"))


def open_authenticator(settings: Settings) -> Authenticator:
    url = settings.url("AUTH_URL")
    match url.scheme:
        case "dev":
            from backend.auth.dev import DevAuthenticator

            return DevAuthenticator()
        case _:
            raise UnknownScheme("AUTH_URL", url, ("dev",))


def open_model(settings: Settings) -> LanguageModel | None:
    """None where answers are extracts."""
    url = settings.url("MODEL_URL")
    match url.scheme:
        case "extractive":
            return None
        case "openai+http" | "openai+https":
            from backend.llm.litellm_router import LiteLLM

            key = settings.model_api_key
            return LiteLLM.at(url, api_key=key.get_secret_value() if key else None)
        case "litellm":
            from backend.llm.litellm_router import LiteLLM

            return LiteLLM.from_file(Path(url.rest))
        case _:
            raise UnknownScheme(
                "MODEL_URL", url, ("extractive", "openai+http", "openai+https", "litellm")
            )


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
    """A leg with what health says of it. ``encoder`` is a dense leg's, for others' use."""

    leg: Leg
    setting: str
    implementation: str
    encoder: DenseEncoder | None = None


async def open_legs(settings: Settings, stack: AsyncExitStack) -> list[OpenedLeg]:
    """The legs the settings name, words first: what they find is found soonest."""
    opened = [await open_lexical(settings, stack)]
    for opening in (open_dense, open_sparse):
        leg = await opening(settings, stack)
        if leg is not None:
            opened.append(leg)
    return await with_graph(settings, stack, opened)


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
    return [*beside, OpenedLeg(graph, "GRAPH_URL", url.scheme)]


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


class GraphSpace(TypedDict):
    """Where on a NebulaGraph server the graph is."""

    address: str
    space: str
    user: str
    password: str


def graph_space(url: Url) -> GraphSpace:
    """``nebula://USER:PASSWORD@HOST:PORT/SPACE``, taken apart."""
    place = served(url, 9669)
    return GraphSpace(
        address=place["address"],
        space=url.path.strip("/") or "stratmaster",
        user=url.user or "root",  # these two as a server is delivered
        password=url.password or "nebula",
    )


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


async def open_sparse(settings: Settings, stack: AsyncExitStack) -> OpenedLeg | None:
    from retrieval.sparse import SparseLeg

    url = settings.url("SPARSE_URL")
    if url.scheme == "off":
        return None
    try:
        match url.scheme:
            case "inference-free":
                from retrieval.encoders.inference_free import InferenceFreeEncoder

                folder = settings.models / url.rest
                encoder: SparseEncoder = await asyncio.to_thread(InferenceFreeEncoder.open, folder)
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


def vectors_setting(settings: Settings, name: str) -> str:
    """The setting that says where a leg's vectors are."""
    if name == "sparse" and settings.sparse_vectors_url is not None:
        return "SPARSE_VECTORS_URL"
    return "VECTORS_URL"


class Place(TypedDict):
    """Where on a server an index is."""

    address: str
    collection: str
    secure: bool


class NameAndPassword(TypedDict):
    user: str | None
    password: str | None


def served(url: Url, port: int, suffix: str = "") -> Place:
    """``qdrant://HOST:PORT/COLLECTION?secure=true``, taken apart."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return Place(
        address=f"{host}:{url.port or port}",
        collection=(url.path.strip("/") or "passages") + suffix,
        secure=url.query.get("secure") == "true",
    )


def name_and_password(url: Url) -> NameAndPassword:
    return NameAndPassword(user=url.user, password=url.password)


async def erase_served(settings: Settings) -> None:
    """Remove the indexes of ours that servers hold, so that opening makes them anew."""
    for setting, suffix in (
        ("LEXICAL_URL", ""),
        ("VECTORS_URL", "-sparse"),
        (vectors_setting(settings, "sparse"), "-sparse"),
        ("GRAPH_URL", ""),
    ):
        url = settings.url(setting)
        match url.scheme:
            case "qdrant":
                from retrieval.stores import qdrant

                await qdrant.erase(**served(url, 6333), api_key=url.password)
            case "opensearch":
                from retrieval.stores import opensearch

                place, key = served(url, 9200, suffix), name_and_password(url)
                await asyncio.to_thread(partial(opensearch.erase, **place, **key))
            case "nebula":
                from retrieval.stores import nebula

                space = graph_space(url)
                await asyncio.to_thread(partial(nebula.erase, **space))


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


async def opened(stack: AsyncExitStack, opening: Callable[[], C]) -> C:
    """Open in a thread what blocks while it opens and closes; the stack closes it."""
    value = await asyncio.to_thread(opening)
    stack.push_async_callback(asyncio.to_thread, value.close)
    return value


def ports_of(services: Services, model: LanguageModel | None) -> list[Port]:
    """What health and doctor ask, in the order a question passes through."""
    settings = services.settings

    def port(name: str, setting: str, implementation: str, check: Check) -> Port:
        return Port(name, setting, str(settings.url(setting)), implementation, check)

    async def database() -> str:
        async with services.store.reading() as connection:
            answer = await connection.scalar(
                text(
                    "SELECT sqlite_version()"
                    if services.store.dialect == "sqlite"
                    else "SHOW server_version"
                )
            )
        return f"{services.store.dialect} {answer}"

    async def blobs() -> str:
        await services.blobs.exists("health/probe")
        return "answers"

    async def jobs() -> str:
        waiting = await services.outbox.waiting()
        return f"{settings.jobs_workers} at once in this process; {waiting} waiting or running"

    async def language_model() -> str:
        if model is None:
            return "no model is set: answers are quotes, each cited, and say so"
        return model.name

    async def reranker() -> str:
        reranking = services.searcher.reranking
        if reranking is None:
            return "off: the order of the best passages is the fusion's"
        if isinstance(reranking.reranker, BrokenReranker):
            raise reranking.reranker.error
        return (
            f"{reranking.reranker.fingerprint}; looks at {reranking.top} passages where the best "
            f"is less than {reranking.margin:.0%} ahead"
        )

    async def sign_in() -> str:
        return "whoever sits at this machine is its admin; serves loopback only"

    def leg(opened: OpenedLeg) -> Check:
        async def check() -> str:
            held = await opened.leg.count()
            async with services.store.reading() as connection:
                current = await connection.scalar(
                    select(func.count())
                    .select_from(passages.join(sources, sources.c.id == passages.c.source))
                    .where(passages.c.version == sources.c.version)
                )
            if held < (current or 0) and not await services.outbox.waiting():
                raise Unavailable(
                    f"holds {held:,} of {current:,} passages, so some cannot be found by it",
                    "Run `stratmaster reindex`.",
                    code="incomplete_index",
                )
            if isinstance(opened.encoder, LateEncoder) and not opened.encoder.warm:
                return f"{held:,} passages; warming: the encoder is being opened"
            return f"{held:,} passages"

        return check

    def off(name: str) -> Check:
        async def check() -> str:
            return f"off: searches run without the {name} leg"

        return check

    found = [port("database", "DATABASE_URL", services.store.dialect, database)]
    for opened in services.legs:
        found.append(port(opened.leg.name, opened.setting, opened.implementation, leg(opened)))
    for name, setting in (
        ("dense", "DENSE_URL"),
        ("sparse", "SPARSE_URL"),
        ("graph", "GRAPH_URL"),
    ):
        if not any(opened.setting == setting for opened in services.legs):
            found.append(port(name, setting, "off", off(name)))
    found += [
        port("reranker", "RERANKER_URL", settings.url("RERANKER_URL").scheme, reranker),
        port("blobs", "BLOBS_URL", settings.url("BLOBS_URL").scheme, blobs),
        port("model", "MODEL_URL", "extractive" if model is None else model.name, language_model),
        port("sign-in", "AUTH_URL", services.authenticator.name, sign_in),
        port("jobs", "DATABASE_URL", "outbox", jobs),
    ]
    return found


def read_within(settings: Settings) -> Read:
    """The reader, held to the size of files that the settings allow."""
    limits = Limits(bytes=settings.max_upload_bytes)

    async def read(
        path: Path, *, declared_name: str, progress: Callable[[int, int | None], None]
    ) -> Reading:
        return await read_apart(path, declared_name=declared_name, limits=limits, progress=progress)

    return read
