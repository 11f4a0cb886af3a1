"""Sources: what people add, replace, read and delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.clock import new_id, now
from backend.errors import Conflict, Invalid, NotFound
from backend.events import Hub
from backend.ports import BlobStore
from backend.sources import names
from backend.sources.schemas import SourceOut
from backend.sources.texts import original_key
from backend.sources.upload import Upload, written
from backend.spaces.service import Space, Spaces
from backend.store import sources as rows
from backend.store.engine import Store
from backend.store.outbox import Outbox
from backend.store.sources import SourceRow, SourceState, Use, VersionRow
from backend.store.tables import images, passages, sources, spaces, versions

READ = "read_source"  # the kinds of job; their subject is the source
ENCODE = "encode_source"
DROP = "drop_source"
CLEAR = "clear_half_read"
DROP_IMAGES = "drop_images"  # its subject is the space they were in


@dataclass(frozen=True, slots=True)
class Added:
    """A source as it stands after an upload; ``new`` is False where nothing had to be done."""

    source: SourceRow
    new: bool


class Sources:
    """Every method takes who asks, and finds nothing that they may not see."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: BlobStore,
        outbox: Outbox,
        hub: Hub,
        spaces: Spaces,
        uploads: Path,
        limit: int,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._outbox = outbox
        self._hub = hub
        self._spaces = spaces
        self._wake = wake
        self._progress: dict[str, Mapping[str, Any]] = {}
        self.uploads = uploads
        """Where a file lies while it comes in."""
        self.limit = limit
        """The most bytes a source may have."""

    async def add(
        self, principal: Principal, space_id: str, upload: Upload, path: str = ""
    ) -> Added:
        """Take a file into a space and ask for it to be read.

        A path that is there already gets a new version. The same bytes again make nothing new,
        whatever they are called this time; those that could not be read before are tried again.
        """
        space = await self._spaces.open(principal, space_id, Action.ADD_SOURCE)
        path = names.clean_path(path or upload.name)
        key = original_key(space.tenant, upload.hash)
        if not await self._blobs.exists(key):
            await self._blobs.put(key, upload.content())
        try:
            source, new = await self._enter(principal, space, upload, path)
        except IntegrityError:  # the same path came twice at once, and the other was first
            source, new = await self._enter(principal, space, upload, path)
        if not await self._blobs.exists(key):  # its last other source was deleted just now
            await self._blobs.put(key, upload.content())
        self._wake()
        return Added(await self._tell(space.tenant, source), new)

    async def paste(
        self, principal: Principal, space_id: str, *, title: str, text: str, format: str
    ) -> Added:
        """Take pasted text in as a file of its own."""
        if not text.strip():
            raise Invalid("There is no text to add.", "Paste some text first.")
        ending = {"text": "txt", "markdown": "md", "html": "html"}[format]
        name = " ".join(title.split()).replace("/", "-") or text.strip().splitlines()[0][:60]
        async with written(
            f"{name}.{ending}", text.encode(), folder=self.uploads, limit=self.limit
        ) as upload:
            return await self.add(principal, space_id, upload, f"Pasted/{upload.name}")

    async def list(self, principal: Principal, space_id: str) -> Sequence[SourceRow]:
        space = await self._spaces.open(principal, space_id, Action.READ)
        async with self._store.reading() as connection:
            return await rows.find(
                connection, sources.c.tenant == space.tenant, sources.c.space == space.id
            )

    async def get(
        self, principal: Principal, source: str, action: Action = Action.READ
    ) -> SourceRow:
        """The source, for someone who may do this to it."""
        async with self._store.reading() as connection:
            found = await rows.one(connection, principal.tenant, source)
        if found is None:
            raise NotFound("source", source)
        try:
            await self._spaces.open(principal, found.space, action)
        except NotFound as error:
            raise NotFound("source", source) from error
        return found

    async def version(
        self, principal: Principal, source: str, hash: str
    ) -> tuple[SourceRow, VersionRow]:
        found = await self.get(principal, source)
        async with self._store.reading() as connection:
            version = await rows.version(connection, principal.tenant, source, hash)
        if version is None:
            raise NotFound("version", f"{source}@{hash[:12]}")
        return found, version

    async def versions(
        self, principal: Principal, source: str
    ) -> tuple[SourceRow, Sequence[VersionRow]]:
        found = await self.get(principal, source)
        async with self._store.reading() as connection:
            return found, await rows.versions_of(connection, principal.tenant, source)

    async def uses(self, principal: Principal, source: str) -> Sequence[Use]:
        await self.get(principal, source)
        async with self._store.reading() as connection:
            return await rows.uses(connection, principal.tenant, source)

    async def delete(self, principal: Principal, source: str) -> Sequence[Use]:
        """Remove a source at once from what can be found; the briefs that cite it.

        Its files and index entries go with a job, committed here. Citations keep their quotes.
        """
        found = await self.get(principal, source, Action.DELETE_SOURCE)
        async with self._store.writing() as connection:
            uses = await rows.uses(connection, principal.tenant, source)
            await self.remove(connection, found)
        self._progress.pop(source, None)
        self._wake()
        self._hub.publish(found.space, "source_deleted", {"id": source})
        return uses

    async def remove(self, connection: AsyncConnection, source: SourceRow) -> None:
        """Delete within the caller's transaction, and ask for what it leaves to be cleared."""
        hashes = [
            version.hash for version in await rows.versions_of(connection, source.tenant, source.id)
        ]
        await self._outbox.cancel(connection, source.id)
        await self._outbox.add(
            connection,
            DROP,
            subject=source.id,
            tenant=source.tenant,
            payload={"versions": hashes},
        )
        await connection.execute(
            delete(sources).where(sources.c.tenant == source.tenant, sources.c.id == source.id)
        )

    async def delete_space(self, principal: Principal, space_id: str) -> None:
        """Remove a space at once with all its sources; files and index entries go with jobs."""
        space = await self._spaces.open(principal, space_id, Action.MANAGE_SPACE)
        async with self._store.writing() as connection:
            for source in await rows.find(
                connection, sources.c.tenant == space.tenant, sources.c.space == space.id
            ):
                await self.remove(connection, source)
            digests = await connection.execute(
                select(images.c.digest).where(images.c.space == space.id)
            )
            await self._outbox.add(
                connection,
                DROP_IMAGES,
                subject=space.id,
                tenant=space.tenant,
                payload={"digests": list(digests.scalars())},
            )
            await connection.execute(
                delete(spaces).where(spaces.c.tenant == space.tenant, spaces.c.id == space.id)
            )
        self._wake()

    async def cancel(self, principal: Principal, source: str) -> SourceRow:
        """Stop reading. What was current before stays so."""
        found = await self.get(principal, source, Action.ADD_SOURCE)
        async with self._store.writing() as connection:
            fresh = await rows.one(connection, principal.tenant, source)
            if fresh is None or not fresh.state.busy:
                raise Conflict(
                    f"{found.title!r} is not being read; it is {(fresh or found).state}.",
                    "There is nothing to cancel.",
                )
            await self._outbox.cancel(connection, source)
            await rows.change(
                connection,
                source,
                state=SourceState.CANCELLED.value,
                progress=None,
                **await self.without_half_read(connection, fresh),
            )
            await self.clear_half_read(connection, fresh)
        self._progress.pop(source, None)
        self._wake()
        return await self._tell(principal.tenant, source)

    async def without_half_read(
        self, connection: AsyncConnection, source: SourceRow
    ) -> dict[str, object]:
        """What a source keeps when its reading ends early: nothing of the version begun.

        A first version counts as current as soon as words find it, before all of it is indexed.
        """
        await connection.execute(
            delete(passages).where(
                passages.c.source == source.id, passages.c.version == source.pending
            )
        )
        if source.version != source.pending:
            return {}
        return {"version": None, "searchable": False}

    async def clear_half_read(self, connection: AsyncConnection, source: SourceRow) -> None:
        """Ask, within the caller's transaction, for the indexes to forget what was begun.

        With a job: the server may die in the next moment, and an engine may be away for longer.
        """
        await self._outbox.add(connection, CLEAR, subject=source.id, tenant=source.tenant)

    async def retry(self, principal: Principal, source: str) -> SourceRow:
        """Read again what failed or was cancelled."""
        found = await self.get(principal, source, Action.ADD_SOURCE)
        if found.state not in {SourceState.FAILED, SourceState.CANCELLED}:
            raise Conflict(
                f"{found.title!r} is {found.state}.",
                "Only what failed or was cancelled is retried.",
            )
        async with self._store.writing() as connection:
            hash = found.pending or (found.latest.hash if found.latest else None)
            if hash is None:
                raise Conflict(f"{found.title!r} has no version.", "Add the file again.")
            await self._queue(connection, found.tenant, source, hash)
        self._wake()
        return await self._tell(principal.tenant, source)

    async def tell(self, tenant: str, source: str) -> None:
        """Say to everyone in the space how a source stands now."""
        async with self._store.reading() as connection:
            found = await rows.one(connection, tenant, source)
        if found is not None:
            if not found.state.busy:
                self._progress.pop(source, None)
            self._hub.publish(found.space, "source", self.out(found).model_dump(mode="json"))

    def note_progress(self, source: str, stage: str, done: int, total: int) -> None:
        """Remember how far the reading is; ``tell`` says so."""
        self._progress[source] = {"stage": stage, "done": done, "total": total}

    def out(self, source: SourceRow) -> SourceOut:
        return SourceOut.of(source, self._progress.get(source.id))

    async def _tell(self, tenant: str, source: str) -> SourceRow:
        async with self._store.reading() as connection:
            found = await rows.one(connection, tenant, source)
        if found is None:
            raise NotFound("source", source)
        self._hub.publish(found.space, "source", self.out(found).model_dump(mode="json"))
        return found

    async def _enter(
        self, principal: Principal, space: Space, upload: Upload, path: str
    ) -> tuple[str, bool]:
        """One transaction: the rows and the job. The source's id, and whether there is work."""
        async with self._store.writing() as connection:
            here = await rows.find(
                connection,
                sources.c.tenant == space.tenant,
                sources.c.space == space.id,
                sources.c.path == path,
            )
            if not here:
                twin = await self._twin(connection, space, upload.hash)
                if twin is not None:
                    return twin, False
                source = new_id("src")
                await self._insert(connection, principal, space, source, path)
                await self._insert_version(connection, space, source, upload, path, number=1)
                await self._queue(connection, space.tenant, source, upload.hash)
                return source, True
            found = here[0]
            if found.state.busy and found.pending == upload.hash:
                return found.id, False
            if found.state is SourceState.READY and found.version == upload.hash:
                return found.id, False
            known = await rows.version(connection, space.tenant, found.id, upload.hash)
            if known is None:
                last = await connection.execute(
                    select(func.max(versions.c.number)).where(versions.c.source == found.id)
                )
                await self._insert_version(
                    connection, space, found.id, upload, path, number=(last.scalar() or 0) + 1
                )
            await self._outbox.cancel(connection, found.id)
            if found.state.busy:
                await rows.change(
                    connection, found.id, **await self.without_half_read(connection, found)
                )
            await self._queue(connection, space.tenant, found.id, upload.hash)
            return found.id, True

    async def _twin(self, connection: AsyncConnection, space: Space, hash: str) -> str | None:
        """A source of the space that holds, or is about to hold, these very bytes.

        Not one that failed: the bytes may have lied about their type under that name.
        """
        found = await connection.execute(
            select(sources.c.id)
            .where(
                sources.c.tenant == space.tenant,
                sources.c.space == space.id,
                sources.c.state.not_in([SourceState.FAILED, SourceState.CANCELLED]),
                func.coalesce(sources.c.pending, sources.c.version) == hash,
            )
            .order_by(sources.c.created_at)
            .limit(1)
        )
        return found.scalar()

    async def _insert(
        self, connection: AsyncConnection, principal: Principal, space: Space, id: str, path: str
    ) -> None:
        moment = now()
        await connection.execute(
            insert(sources).values(
                id=id,
                tenant=space.tenant,
                space=space.id,
                path=path,
                title=names.title(path),
                media_type=names.media_type(path),
                state=SourceState.QUEUED.value,
                searchable=False,
                created_at=moment,
                updated_at=moment,
                created_by=principal.subject,
            )
        )

    async def _insert_version(
        self,
        connection: AsyncConnection,
        space: Space,
        source: str,
        upload: Upload,
        path: str,
        *,
        number: int,
    ) -> None:
        await connection.execute(
            insert(versions).values(
                source=source,
                hash=upload.hash,
                tenant=space.tenant,
                number=number,
                bytes=upload.size,
                name=names.title(path),
                media_type=names.media_type(path),
                read=False,
                created_at=now(),
            )
        )

    async def _queue(
        self, connection: AsyncConnection, tenant: str, source: str, hash: str
    ) -> None:
        await rows.change(
            connection,
            source,
            state=SourceState.QUEUED.value,
            pending=hash,
            error=None,
            progress=None,
        )
        await self._outbox.add(
            connection, READ, subject=source, tenant=tenant, payload={"version": hash}
        )
