"""The jobs behind a source: reading a version into the indexes, and clearing a source out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
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
from backend.sources.service import ENCODE, Sources
from backend.sources.texts import Texts, original_key, page_starts
from backend.store import sources as rows
from backend.store.engine import Store
from backend.store.outbox import Job, JobState, LeaseLost, Outbox
from backend.store.passages import StoredPassages
from backend.store.sources import SourceRow, SourceState, VersionRow
from backend.store.tables import versions
from retrieval.blocks import Reading
from retrieval.errors import IndexMismatch, Unreadable, WeightsError
from retrieval.ingest import LegsFailed
from retrieval.model import Passage, SourceId, VersionHash

log = logging.getLogger(__name__)

HOPELESS = (WeightsError, IndexMismatch)  # trying again without mending something changes nothing
_HEALED = "Retry it once `stratmaster doctor` finds nothing wrong."
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

    async def words(self, passages: Sequence[Passage]) -> None:
        """Index so that words find them; safe to repeat."""
        ...

    async def meaning(
        self, passages: Sequence[Passage], *, progress: Callable[[int, int], None]
    ) -> None:
        """Encode and index in the other legs; safe to repeat. Raises LegsFailed."""
        ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None: ...


class _SourceJob:
    """What reading and encoding share: how a source's row changes while a job has it."""

    def __init__(
        self, *, store: Store, passages: StoredPassages, indexes: Indexes, sources: Sources
    ) -> None:
        self._store = store
        self._passages = passages
        self._indexes = indexes
        self._sources = sources

    async def stopped(self, job: Job) -> None:
        """Whoever stopped it asked for what it had begun to be cleared, or for a newer version."""

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
                await self._sources.clear_half_read(connection, fresh)
        await self._sources.tell(source.tenant, source.id)

    async def _row(self, job: Job) -> SourceRow | None:
        async with self._store.reading() as connection:
            return await rows.one(connection, job.tenant, job.subject)

    async def _change(
        self, connection: AsyncConnection, source: SourceRow, **values: object
    ) -> None:
        if not await rows.change(connection, source.id, **values):
            raise LeaseLost(source.id)  # deleted while we worked


class ReadSource(_SourceJob):
    """Reads a version and makes it found by words. Safe to begin again after any end.

    Encoding is a job of its own, so that every file that waits is found by its words before the
    first of them is found by its meaning, which takes ten times as long.
    """

    def __init__(
        self,
        *,
        store: Store,
        blobs: BlobStore,
        texts: Texts,
        passages: StoredPassages,
        indexes: Indexes,
        sources: Sources,
        outbox: Outbox,
        wake: Callable[[], None],
        read: Read,
        cut: Cut,
        chunker: str,
        temporary: Path,
    ) -> None:
        """``chunker`` is the name of what ``cut`` does, kept with each version."""
        super().__init__(store=store, passages=passages, indexes=indexes, sources=sources)
        self._blobs = blobs
        self._texts = texts
        self._outbox = outbox
        self._wake = wake
        self._read = read
        self._cut = cut
        self._chunker = chunker
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
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._passages.replace(
                connection, source.id, version.hash, made, chunker=self._chunker
            )
        await self._stage(lease, source, SourceState.INDEXING, "indexing", 0, len(made))
        await self._indexes.words(made)
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
            await lease.finish(connection)
            # A first version is found from now on. A replacement is not: until all its legs know
            # it, the old one answers better.
            await self._change(
                connection, source, **({} if source.version else _current(version.hash))
            )
            await self._outbox.add(
                connection,
                ENCODE,
                subject=source.id,
                tenant=source.tenant,
                payload={
                    "version": version.hash,
                    "receipt": receipt.model_dump(),
                    "media_type": kind,
                },
            )
        self._wake()
        await self._sources.tell(source.tenant, source.id)

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


class EncodeSource(_SourceJob):
    """Makes a version that words find be found by meaning too, then current for good."""

    def __init__(
        self,
        *,
        store: Store,
        passages: StoredPassages,
        indexes: Indexes,
        sources: Sources,
        absent: Mapping[str, str],
    ) -> None:
        """``absent`` has the legs that could not be opened, and why."""
        super().__init__(store=store, passages=passages, indexes=indexes, sources=sources)
        self._absent = dict(absent)

    async def run(self, lease: Lease) -> None:
        found = await self._wanted(lease)
        if found is None:
            return
        source, version = found
        made = await self._passages.of(source.id, version.hash)
        try:
            await self._indexes.meaning(made, progress=self._teller(source, "indexing"))
        except LegsFailed as failed:
            if _hopeless(failed):
                await self._words_only(lease, source, _said(failed))
                return
            raise
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._keep_receipt(
                connection,
                lease,
                source,
                [f"Not found by the {leg} leg: {why}" for leg, why in self._absent.items()],
            )
            await self._passages.keep_only(connection, source.id, version.hash)
            await self._change(connection, source, **_current(version.hash))
        if source.versions > 1:
            await self._sources.tell(source.tenant, source.id)
            # From here on nobody finds the old version; what the indexes hold of it is waste.
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

    async def gave_up(self, lease: Lease, error: str) -> None:
        source = await self._row(lease.job)
        if source is None:
            async with self._store.writing() as connection:
                await lease.finish(connection, JobState.FAILED, error)
            return
        await self._words_only(lease, source, error)

    async def _words_only(self, lease: Lease, source: SourceRow, why: str) -> None:
        """End with what was reached: a first version stays found by its words, and says so.

        A replacement is not kept: the version before it is known to every leg.
        """
        if source.version not in (None, source.pending):
            await self._refuse(
                lease, source, "not_encoded", f"The new version was not indexed: {why}", _HEALED
            )
            return
        message = f"It is found by its words only: {why}"
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, message)
            await self._keep_receipt(connection, lease, source, [message])
            await self._change(
                connection,
                source,
                state=SourceState.FAILED.value,
                error={"code": "not_encoded", "message": message, "remedy": _HEALED},
                progress=None,
            )
        await self._sources.tell(source.tenant, source.id)

    async def _keep_receipt(
        self, connection: AsyncConnection, lease: Lease, source: SourceRow, more: Sequence[str]
    ) -> None:
        payload = lease.job.payload
        receipt = dict(payload["receipt"])
        receipt["warnings"] = [*receipt["warnings"], *more]
        await connection.execute(
            update(versions)
            .where(versions.c.source == source.id, versions.c.hash == payload["version"])
            .values(receipt=receipt, media_type=payload["media_type"])
        )
        await self._change(connection, source, media_type=payload["media_type"])


def _hopeless(failed: LegsFailed) -> bool:
    return all(isinstance(error, HOPELESS) for error in failed.failures.values())


def _said(failed: LegsFailed) -> str:
    return "; ".join(f"{leg}: {error}" for leg, error in failed.failures.items())


def _current(version: VersionHash) -> dict[str, object]:
    return {"version": version, "searchable": True}


class ClearHalfRead:
    """Takes what a reading that failed or was stopped had begun out of the indexes."""

    def __init__(self, *, store: Store, indexes: Indexes) -> None:
        self._store = store
        self._indexes = indexes

    async def run(self, lease: Lease) -> None:
        job = lease.job
        async with self._store.reading() as connection:
            source = await rows.one(connection, job.tenant, job.subject)
        # A deleted source has a job of its own; one that is read anew is cleared when that ends.
        if source is not None and not source.state.busy:
            try:
                await self._indexes.drop(source.id, keep=source.version)
            except LegsFailed as failed:
                if not _hopeless(failed):
                    raise
                log.warning("%s stays in an index that cannot be used: %s", source.id, failed)
        async with self._store.writing() as connection:
            await lease.finish(connection)

    async def stopped(self, job: Job) -> None:
        """The source was deleted or is read anew, and that clears more."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        log.error("what was begun of %s is not all cleared: %s", lease.job.subject, error)
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)


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
        try:
            await self._indexes.drop(job.subject)
        except LegsFailed as failed:
            if not _hopeless(failed):
                raise
            # Such an index is made anew before it is used again, and then without this source.
            log.warning("%s stays in an index that cannot be used: %s", job.subject, failed)
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
