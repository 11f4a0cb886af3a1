"""The jobs behind a source: reading a version into the indexes, and clearing a source out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.jobs import Lease
from backend.ports import BlobStore
from backend.sources.names import MEDIA_TYPES
from backend.sources.reader import as_file
from backend.sources.schemas import ReceiptOut, Skipped
from backend.sources.service import Sources
from backend.sources.texts import Texts, original_key, page_starts
from backend.store import sources as rows
from backend.store.engine import Store
from backend.store.outbox import Job, JobState, LeaseLost
from backend.store.passages import StoredPassages
from backend.store.sources import SourceRow, SourceState, VersionRow
from backend.store.tables import versions
from retrieval.blocks import Reading
from retrieval.errors import Unreadable
from retrieval.model import Passage, SourceId, VersionHash

log = logging.getLogger(__name__)

TELL_EVERY = 0.25  # seconds between two words about the same stage
_ENDINGS = {"pdf": "pdf", "docx": "docx", "pptx": "pptx", "xlsx": "xlsx", "csv": "csv",
            "html": "html", "markdown": "md", "text": "txt"}  # fmt: skip


class Read(Protocol):
    """Turns a file into text, apart from this process; raises Unreadable."""

    async def __call__(
        self, path: Path, *, declared_name: str, progress: Callable[[int, int | None], None]
    ) -> Reading: ...


class Cut(Protocol):
    """Cuts a reading into a version's passages. Pure and slow."""

    def __call__(
        self,
        reading: Reading,
        *,
        tenant: str,
        space: str,
        source: SourceId,
        version: VersionHash,
        title: str,
    ) -> Sequence[Passage]: ...


class Indexes(Protocol):
    """All legs as one."""

    async def put(
        self,
        passages: Sequence[Passage],
        *,
        searchable: Callable[[], Awaitable[None]],
        progress: Callable[[int, int], None],
    ) -> None:
        """Index for words first, say ``searchable``, then for meaning; safe to repeat."""
        ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None: ...


class ReadSource:
    """Reads a version, makes it searchable, then current. Safe to begin again after any end."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: BlobStore,
        texts: Texts,
        passages: StoredPassages,
        indexes: Indexes,
        sources: Sources,
        read: Read,
        cut: Cut,
        temporary: Path,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._texts = texts
        self._passages = passages
        self._indexes = indexes
        self._sources = sources
        self._read = read
        self._cut = cut
        self._temporary = temporary

    async def run(self, lease: Lease) -> None:
        begun = monotonic()
        found = await self._wanted(lease)
        if found is None:
            return
        source, version = found
        try:
            reading = await self._reading(lease, source, version)
        except Unreadable as refusal:
            await self._refuse(lease, source, refusal.code, refusal.message, refusal.remedy)
            return
        made = await asyncio.to_thread(
            self._cut,
            reading,
            tenant=source.tenant,
            space=source.space,
            source=source.id,
            version=version.hash,
            title=source.title,
        )
        if not made:
            await self._refuse(
                lease,
                source,
                "no_text",
                "The file holds no words.",
                "If it is a scan, run text recognition (OCR) on it and add the result.",
            )
            return
        await self._index(lease, source, version, made)
        receipt = ReceiptOut(
            format=reading.format,
            pages=reading.pages,
            passages=len(made),
            characters=len(reading.text),
            seconds=round(monotonic() - begun, 3),
            language=reading.language,
            skipped=[Skipped(where=skip.where, why=skip.why) for skip in reading.skipped],
            warnings=list(reading.warnings),
        )
        kind = MEDIA_TYPES.get(_ENDINGS.get(reading.format, ""), version.media_type)
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await connection.execute(
                update(versions)
                .where(versions.c.source == source.id, versions.c.hash == version.hash)
                .values(receipt=receipt.model_dump(), media_type=kind)
            )
            await self._passages.keep_only(connection, source.id, version.hash)
            await self._change(connection, source, media_type=kind, **_current(version.hash))
        await self._sources.tell(source.tenant, source.id)
        # From here on nobody finds the old version; what is left of it in the indexes is waste.
        await self._indexes.drop(source.id, keep=version.hash)
        async with self._store.writing() as connection:
            await lease.finish(connection)
            await self._change(
                connection,
                source,
                state=SourceState.READY.value,
                pending=None,
                progress=None,
                error=None,
            )
        await self._sources.tell(source.tenant, source.id)

    async def stopped(self, job: Job) -> None:
        await self._clear_half_read(job.tenant, job.subject)

    async def gave_up(self, lease: Lease, error: str) -> None:
        source = await self._row(lease.job)
        if source is None:
            async with self._store.writing() as connection:
                await lease.finish(connection, JobState.FAILED, error)
            return
        await self._refuse(
            lease,
            source,
            "not_read",
            f"Reading stopped {lease.job.attempt} times: {error}",
            "Retry it; if that fails too, `stratmaster doctor` says which part is down.",
        )

    async def _wanted(self, lease: Lease) -> tuple[SourceRow, VersionRow] | None:
        """The source and version to read; the job ends here if nobody wants it any more."""
        job = lease.job
        hash = str(job.payload["version"])
        source = await self._row(job)
        if source is not None and source.pending == hash:
            async with self._store.reading() as connection:
                version = await rows.version(connection, job.tenant, source.id, hash)
            if version is not None:
                return source, version
        async with self._store.writing() as connection:
            await lease.finish(connection)
        return None

    async def _reading(self, lease: Lease, source: SourceRow, version: VersionRow) -> Reading:
        """The version as text: read apart, and stored; from the store where that was done."""
        if version.read:
            try:
                return await self._texts.reading(source.tenant, source.id, version.hash)
            except (FileNotFoundError, ValueError):
                log.warning("reading %s again: its stored text is gone or older", source.id)
        await self._stage(lease, source, SourceState.READING, "reading", 0, 0)
        tell = self._teller(source, "reading")
        key = original_key(source.tenant, version.hash)
        async with as_file(self._blobs, key, self._temporary) as file:
            reading = await self._read(file, declared_name=version.name, progress=tell)
        await self._texts.keep(source.tenant, source.id, version.hash, reading)
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await connection.execute(
                update(versions)
                .where(versions.c.source == source.id, versions.c.hash == version.hash)
                .values(
                    read=True,
                    pages=reading.pages,
                    characters=len(reading.text),
                    page_starts=list(page_starts(reading)),
                )
            )
        return reading

    async def _index(
        self, lease: Lease, source: SourceRow, version: VersionRow, made: Sequence[Passage]
    ) -> None:
        """Put the passages into every leg. A first version is found as soon as words find it.

        A replacement is not: until all its legs know it, the old one answers better.
        """
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._passages.replace(connection, source.id, version.hash, made)
        await self._stage(lease, source, SourceState.INDEXING, "indexing", 0, len(made))

        async def searchable() -> None:
            if source.version is not None:
                return
            async with self._store.writing() as connection:
                await lease.hold(connection)
                await self._change(connection, source, **_current(version.hash))
            await self._sources.tell(source.tenant, source.id)

        await self._indexes.put(
            made, searchable=searchable, progress=self._teller(source, "indexing")
        )

    async def _stage(
        self, lease: Lease, source: SourceRow, state: SourceState, stage: str, done: int, total: int
    ) -> None:
        progress = {"stage": stage, "done": done, "total": total}
        self._sources.note_progress(source.id, stage, done, total)
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._change(connection, source, state=state.value, progress=progress)
        await self._sources.tell(source.tenant, source.id)

    def _teller(self, source: SourceRow, stage: str) -> Callable[[int, int | None], None]:
        """Passes progress on to who is looking, a few times a second at most."""
        last = 0.0
        telling: set[asyncio.Task[None]] = set()

        def tell(done: int, total: int | None) -> None:
            nonlocal last
            self._sources.note_progress(source.id, stage, done, total or 0)
            if monotonic() - last < TELL_EVERY or telling:
                return
            last = monotonic()
            task = asyncio.ensure_future(self._sources.tell(source.tenant, source.id))
            telling.add(task)
            task.add_done_callback(telling.discard)

        return tell

    async def _refuse(
        self, lease: Lease, source: SourceRow, code: str, message: str, remedy: str
    ) -> None:
        """End with a row that says what is wrong; a version that was current before stays so."""
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, f"{code}: {message}")
            fresh = await rows.one(connection, source.tenant, source.id)
            if fresh is not None:
                await self._change(
                    connection,
                    source,
                    state=SourceState.FAILED.value,
                    error={"code": code, "message": message, "remedy": remedy},
                    progress=None,
                    **await self._sources.without_half_read(connection, fresh),
                )
        await self._sources.tell(source.tenant, source.id)
        await self._clear_half_read(source.tenant, source.id)

    async def _clear_half_read(self, tenant: str, source: SourceId) -> None:
        """Take what was begun out of the indexes, leaving the current version if there is one."""
        async with self._store.reading() as connection:
            found = await rows.one(connection, tenant, source)
        if found is not None:  # a deleted source has a job of its own
            await self._indexes.drop(source, keep=found.version)

    async def _row(self, job: Job) -> SourceRow | None:
        async with self._store.reading() as connection:
            return await rows.one(connection, job.tenant, job.subject)

    async def _change(
        self, connection: AsyncConnection, source: SourceRow, **values: object
    ) -> None:
        if not await rows.change(connection, source.id, **values):
            raise LeaseLost(source.id)  # deleted while we worked


def _current(version: VersionHash) -> dict[str, object]:
    return {"version": version, "searchable": True}


class DropSource:
    """Clears a deleted source out of the indexes and the blobs."""

    def __init__(self, *, store: Store, blobs: BlobStore, texts: Texts, indexes: Indexes) -> None:
        self._store = store
        self._blobs = blobs
        self._texts = texts
        self._indexes = indexes

    async def run(self, lease: Lease) -> None:
        job = lease.job
        hashes = [str(hash) for hash in job.payload["versions"]]
        await self._indexes.drop(job.subject)
        await self._texts.forget(job.tenant, job.subject, hashes)
        # Within the writer's lock, so that nobody takes up the same bytes between look and delete.
        async with self._store.writing() as connection:
            used = set(
                (
                    await connection.execute(
                        select(versions.c.hash).where(
                            versions.c.tenant == job.tenant, versions.c.hash.in_(hashes)
                        )
                    )
                ).scalars()
            )
            await self._blobs.delete(
                [original_key(job.tenant, hash) for hash in hashes if hash not in used]
            )
            await lease.finish(connection)

    async def stopped(self, job: Job) -> None:
        """Deletions are not cancelled."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        log.error(
            "source %s is deleted, but not all of it is cleared: %s", lease.job.subject, error
        )
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)
