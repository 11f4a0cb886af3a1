"""The one place where implementations are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select

from backend.answers.answer import Answers
from backend.auth.dev import LOCAL_TENANT
from backend.blobs import sweep
from backend.briefs.images import DropImages, Images
from backend.briefs.service import Brief, Briefs, BriefSettled
from backend.claims.service import Claims
from backend.clock import now
from backend.comments.service import Comments
from backend.documents.current import CurrentBriefs
from backend.documents.downloads import Downloads
from backend.editing.routes import Door
from backend.events import Hub
from backend.evidence.service import EvidenceService
from backend.exports.drifts import Drifts
from backend.graph.extraction import EXTRACT, Extractions, ReadByModel
from backend.graph.extractor import ModelExtractor
from backend.graph.service import Graphs
from backend.history.service import History
from backend.jobs import Handler, Worker
from backend.llm.extractive import Extractive
from backend.members.service import Members
from backend.members.watch import Watch
from backend.rebuilding import REBUILD, Rebuilding
from backend.services import Services
from backend.settings import Settings
from backend.sources.reader import SourceReader
from backend.sources.reading import ClearHalfRead, DropSource, EncodeSource, Read, ReadSource
from backend.sources.service import CLEAR, DROP, DROP_IMAGES, ENCODE, READ, Sources
from backend.sources.texts import Texts
from backend.spaces.service import Spaces
from backend.store.answers import StoredRuns
from backend.store.catalogue import StoredCatalogue
from backend.store.claims import StoredClaims
from backend.store.comments import StoredComments
from backend.store.engine import Store, open_store
from backend.store.evidence import StoredEvidence
from backend.store.exports.looks import LOOK, StoredLooks
from backend.store.exports.runs import EXPORT
from backend.store.extractions import StoredExtractions
from backend.store.graph import GraphRows
from backend.store.history import StoredHistory
from backend.store.notifications import StoredNotifications
from backend.store.outbox import Outbox
from backend.store.passages import StoredPassages
from backend.store.tables import tenants
from backend.store.updates import SqlUpdates
from backend.templates.service import Templates
from backend.wiring.bus import open_bus
from backend.wiring.connections import open_connections
from backend.wiring.exports import open_exports
from backend.wiring.health import ports_of
from backend.wiring.legs import (
    OpenedLeg,
    graph_of,
    open_ingester,
    open_legs,
    open_reranking,
    words_of,
)
from backend.wiring.outside import open_authenticator, open_blobs, open_model
from backend.wiring.served import erase_served
from collab import Projection, Rooms
from retrieval.blocks import Reading
from retrieval.chunking import CHUNKER, cut
from retrieval.encoders.late import LateEncoder
from retrieval.reading import Limits, read_apart
from retrieval.search import Searcher
from retrieval.sentences import sentences

__all__ = ["OpenedLeg", "Services", "erase_served", "open_services"]

EXPORTING = 4  # exports side by side; each mostly waits for the other side
LOOKING = 4  # looks side by side, each through a connection of its own
ENCODING = 2  # sources encoded beside one another: while one is stored, the other is encoded


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
        stored_passages = StoredPassages(store)
        said = StoredExtractions(store, stored_passages)
        legs = await open_legs(settings, stack, said.said)
        indexes = open_ingester(legs)
        encoder = next((leg.encoder for leg in legs if leg.encoder is not None), None)
        late = encoder if isinstance(encoder, LateEncoder) else None
        searcher = Searcher(
            [leg.leg for leg in legs],
            stored_passages,
            ready=late.opened if late else None,
            words=words_of(legs),
            catalogue=StoredCatalogue(store),
            reranking=await open_reranking(settings, stack),
        )

        bus = await stack.enter_async_context(open_bus(settings))
        hub = Hub()
        if bus is not None:
            await hub.join(bus)
        watch = Watch(store, bus)
        outbox = Outbox(store)
        spaces = Spaces(store)
        texts = Texts(store, blobs)
        handlers: dict[str, Handler] = {}
        worker = Worker(
            outbox,
            handlers,
            at_once=settings.jobs_workers,
            apart={ENCODE: ENCODING, REBUILD: 1, EXTRACT: 1, EXPORT: EXPORTING, LOOK: LOOKING},
        )
        rebuilding = Rebuilding(
            store=store,
            outbox=outbox,
            passages=stored_passages,
            texts=texts,
            hub=hub,
            standing={leg.setting: leg.standing for leg in legs},
            wake=worker.wake,
        )
        handlers[REBUILD] = rebuilding
        if settings.jobs_workers:
            await rebuilding.resume()
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
                leg.leg.name: str(leg.standing.broken)
                for leg in legs
                if leg.standing.broken is not None
            },
        )
        handlers[DROP_IMAGES] = DropImages(store, blobs)
        handlers[sweep.SWEEP] = sweep.SweepBlobs(store, blobs)
        if settings.jobs_workers:
            await sweep.ask(store, outbox)
            sweeping = asyncio.create_task(
                sweep.run(store, outbox, worker.wake), name="ask for sweeping"
            )
            stack.callback(sweeping.cancel)
        handlers[CLEAR] = ClearHalfRead(store=store, indexes=indexes)
        handlers[DROP] = DropSource(store=store, blobs=blobs, texts=texts, indexes=indexes)

        evidence = EvidenceService(store=StoredEvidence(store), versions=texts, sentences=sentences)

        async def follow(brief: Brief, projection: Projection) -> None:
            await claims.follow(brief.id, projection)
            await history.follow(brief)

        updates = SqlUpdates(store)
        rooms = Rooms(updates, bus=bus, on_settled=BriefSettled(store, hub, [follow]))
        history = History(StoredHistory(store), updates, rooms, hub, rooms.editors)
        if settings.jobs_workers:
            await history.resume()
        claims = Claims(
            documents=rooms, evidence=evidence, store=StoredClaims(store), sentences=sentences
        )
        runs = StoredRuns(store)
        model = open_model(settings)
        extractor = None if model is None else ModelExtractor(model)
        graph = graph_of(legs)
        if not isinstance(graph, Exception):
            handlers[EXTRACT] = ReadByModel(
                store=store,
                rows=said,
                passages=stored_passages,
                current=said.current,
                graph=next(leg.leg for leg in legs if leg.graph is not None),
                extractor=extractor,
            )
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
        current = CurrentBriefs(
            documents=rooms, evidence=evidence, images=images, public_url=settings.public_url
        )
        briefs = Briefs(store, spaces, rooms, hub)
        looks = StoredLooks(store, outbox)
        drifts = Drifts(looks)
        reached = await stack.enter_async_context(
            open_connections(settings, store, spaces, hub, drifts)
        )
        exporting = open_exports(
            settings,
            store=store,
            outbox=outbox,
            looks=looks,
            hub=hub,
            briefs=briefs,
            current=current,
            connections=reached.connections,
            apis=reached.apis,
            wake=worker.wake,
        )
        handlers[EXPORT] = exporting.run
        handlers[LOOK] = exporting.look
        services = Services(
            settings=settings,
            store=store,
            blobs=blobs,
            hub=hub,
            bus=bus,
            authenticator=open_authenticator(settings),
            spaces=spaces,
            members=Members(store, spaces, hub, watch.changed),
            watch=watch,
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
            briefs=briefs,
            images=images,
            templates=Templates(store, spaces, briefs, rooms),
            evidence=evidence,
            claims=claims,
            history=history,
            comments=Comments(StoredComments(store), StoredNotifications(store), briefs, hub),
            answers=answers,
            graphs=Graphs(
                graph,
                rows=GraphRows(store),
                passages=stored_passages,
                searcher=searcher,
                quotes=said,
            ),
            extractions=Extractions(
                store=store,
                rows=said,
                outbox=outbox,
                extractor=extractor,
                graph=not isinstance(graph, Exception),
                wake=worker.wake,
            ),
            downloads=Downloads(current),
            connections=reached.connections,
            apis=reached.apis,
            hooks=reached.hooks,
            targets=exporting.targets,
            exports=exporting.exports,
            drifts=drifts,
            rebuilding=rebuilding,
            ports=(),
            warm=late.opened if late else warm_already,
        )
        watching = asyncio.create_task(watch.run(), name="watch over who is inside")
        stack.callback(watching.cancel)
        if settings.jobs_workers and settings.export_poll:
            polling = asyncio.create_task(
                drifts.run(timedelta(minutes=settings.export_poll)), name="look at exports"
            )
            stack.callback(polling.cancel)
        await worker.start()
        # Unwinds from the last: nothing new is heard or begun while what runs comes to its end.
        stack.push_async_callback(history.close)
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


def read_within(settings: Settings) -> Read:
    """The reader, held to the size of files that the settings allow."""
    limits = Limits(bytes=settings.max_upload_bytes)

    async def read(
        path: Path, *, declared_name: str, progress: Callable[[int, int | None], None]
    ) -> Reading:
        return await read_apart(path, declared_name=declared_name, limits=limits, progress=progress)

    return read
