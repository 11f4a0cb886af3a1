"""The indexes built anew from what is stored, while the product serves: one job, which goes on
where it was cut off.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Select, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.policy import Action, Resource, can
from backend.errors import Forbidden, Unavailable
from backend.events import Hub
from backend.http import Asking, Wired
from backend.jobs import Lease
from backend.sources.texts import Texts
from backend.store.engine import Store
from backend.store.outbox import Job, JobState, Outbox
from backend.store.passages import StoredPassages
from backend.store.tables import jobs, meta, sources, versions
from retrieval.chunking import CHUNKER, cut
from retrieval.counted import counted
from retrieval.errors import IndexMismatch, RetrievalError
from retrieval.model import Passage, SourceId, VersionHash
from retrieval.rebuild import Generation, Home, Rebuild, Standing, following

log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])

REBUILD: Final = "rebuild"
BATCH: Final = 128  # passages between two writes of how far it is: what a death does over again
_INDEXES: Final = "indexes"  # the subject of the job
_LOCAL: Final = "local"  # the job is of no tenant; this one is there always
_STATE: Final = "rebuild"  # where in the table of what has happened


@dataclass(frozen=True, slots=True)
class _Aged:
    """A current version whose passages an older cutter made."""

    tenant: str
    space: str
    source: SourceId
    version: VersionHash
    title: str
    path: str


class RebuildOut(BaseModel):
    """How a rebuild goes, or how the last one went. ``notes`` are in the order they came.

    ``answering`` says whether what was there before answers meanwhile, for each of the legs.
    """

    running: bool
    legs: list[str]
    answering: bool
    done: int
    total: int
    notes: list[str]
    error: str | None


@router.post("/api/rebuild", status_code=202)
async def rebuild(principal: Asking, services: Wired) -> RebuildOut:
    """Have all indexes built anew while these answer; for whoever administers them."""
    if not can(principal, Action.MANAGE_SPACE, Resource(principal.tenant)):
        raise Forbidden("Only an admin may have the indexes rebuilt.", "Ask one.")
    await services.rebuilding.ask()
    return await services.rebuilding.told()


@router.get("/api/rebuild")
async def progress(principal: Asking, services: Wired) -> RebuildOut:
    """How it goes."""
    return await services.rebuilding.told()


class Rebuilding:
    """Builds indexes beside those that serve, feeds them, and puts them in their place.

    ``standing`` has the legs by the settings that name them. One rebuild runs at a time, of one
    leg or of several; its state is a row in the store, written after every batch, and the new
    generations are fed by id, so what is done twice is the same.
    """

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        passages: StoredPassages,
        texts: Texts,
        hub: Hub,
        standing: Mapping[str, Standing],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._passages = passages
        self._texts = texts
        self._hub = hub
        self._standing = standing
        self._wake = wake
        self._state: Rebuild | None = None
        self._asking = asyncio.Lock()
        self._notes: list[str] = []
        self._last = Rebuild({})
        self._legs: list[str] = []
        self.fed = 0
        """Passages fed in this process, which took up what was fed before."""

    async def resume(self) -> None:
        """Go on with what was cut off, and begin with what something else made.

        Before any other work is done: what changes from then on is told to the new indexes too.
        """
        state = await self._read()
        outdated = {
            setting: standing
            for setting, standing in self._standing.items()
            if standing.outdated and standing.home is not None
        }
        if state is None and not outdated:
            await self._sweep(here=True)
            return
        try:
            if state is None or not outdated.keys() <= state.generations.keys():
                held = dict(state.generations) if state is not None else {}
                state = Rebuild({**await self._next(outdated), **held})
            await self._begin(state)
        except RetrievalError:
            log.exception("the indexes that are to be rebuilt cannot be opened now")
            if state is None:
                return  # until the next start, or until someone asks
            # Begun anew when it can be: until then nobody tells the new indexes what changes.
            async with self._store.writing() as connection:
                await self._write(connection, state.anew(state.generations))
        await self._have_a_job()

    async def ask(self) -> str:
        """Have all indexes built anew, or go on with those that are being built; the job's id."""
        async with self._asking:
            if await self._read() is None:
                generations = await self._next(self._standing)
                if not generations:
                    raise Unavailable(
                        "No index can be built: none of the legs could be opened.",
                        "Run `stratmaster doctor`.",
                    )
                async with self._store.writing() as connection:
                    await self._write(connection, Rebuild(generations))
            return await self._have_a_job()

    async def forget(self) -> None:
        """Let go what was begun before, where what is stored is not what it was begun with."""
        async with self._store.writing() as connection:
            await connection.execute(delete(meta).where(meta.c.key == _STATE))

    async def run(self, lease: Lease) -> None:
        """The job: feed every passage, switch, remove what served before."""
        if self._state is None:
            state = await self._read()
            if state is None:  # done, but for the word that it is
                async with self._store.writing() as connection:
                    await lease.finish(connection)
                return
            await self._begin(state)
        assert self._state is not None
        standing = [self._standing[setting] for setting in self._state.generations]
        aged = await self._aged()
        made = {one.source: len(await self._cut_again(one)) for one in aged}
        for one in aged:
            if made[one.source]:
                note = f"cut again: {one.path}, {counted(made[one.source], 'passage')}"
            else:
                note = f"left as it was cut: {one.path} has no stored reading; add the file again"
            self._notes.append(note)
        again = {one.source: one for one in aged if made[one.source]}
        stored = await self._passages.many()
        whole = sum(n for source, n in stored.items() if source not in again)
        whole += sum(made.values())
        if self._state.cut:
            for source in sorted(again):
                if source >= self._state.after.partition(".")[0]:
                    await self._feed_cut(lease, standing, again[source], whole)
            await self._go_on(lease, self._state.beyond_cut())
        while await self._feed_stored(lease, standing, again, whole):
            pass
        await self._switch(lease, standing, list(again.values()))

    async def stopped(self, job: Job) -> None:
        """Rebuilding is not cancelled."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        """What was built stays, and is gone on with at the next start."""
        log.error("the indexes could not be rebuilt: %s", error)
        self._notes.append(f"stopped: {error}")
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)
        self._tell(error)

    async def _next(self, legs: Mapping[str, Standing]) -> dict[str, str]:
        """For all of them one generation, which comes after each that serves.

        So legs that share a place on a server go into a new one together, and none comes into one
        that was made without it.
        """
        held = []
        for setting, standing in self._standing.items():
            if standing.home is not None:
                try:
                    held.append(await standing.home.serving())
                except RetrievalError:
                    if setting in legs:
                        raise  # of the others only those matter that are on the same server
        name = following(*held)
        return {setting: name for setting, standing in legs.items() if standing.home is not None}

    async def _begin(self, state: Rebuild) -> None:
        """Open the new generations beside the old: from here on they hear of what changes."""
        state = await self._opened(state)
        async with self._store.writing() as connection:
            await self._write(connection, state)
        self._state = state
        self._last = state
        self._legs = [self._standing[setting].name for setting in state.generations]
        self._notes.clear()
        if state.done:
            self._notes.append(f"taken up at {state} passages")
        self._tell()

    async def _have_a_job(self) -> str:
        async with self._store.writing() as connection:
            job = await connection.scalar(_pending())
            if job is None:
                job = await self._outbox.add(connection, REBUILD, subject=_INDEXES, tenant=_LOCAL)
        self._wake()
        return str(job)

    async def _opened(self, state: Rebuild) -> Rebuild:
        """With every generation open; from the start again where one is not what was fed."""
        # A place on a server that several legs share is made by the first of them.
        wanted = {
            setting: state.generations[setting]
            for setting, standing in self._standing.items()
            if setting in state.generations and standing.home is not None
        }
        lost = wanted.keys() != state.generations.keys()
        waiting: list[tuple[str, Home, str]] = []
        for setting, generation in wanted.items():
            home = self._standing[setting].home
            assert home is not None
            if await home.serving() == generation:
                continue  # it was switched to, and the others were not
            if not state.done:
                await home.remove(generation)
            waiting.append((setting, home, generation))
        try:
            opened, fed = await _open(waiting)
        except IndexMismatch:  # the settings name something else than when it was begun
            lost = True
            for _, home, generation in waiting:
                await home.remove(generation)
            # Another leg's vectors may keep a collection where it is, as it is.
            name = following(*wanted.values())
            waiting = [(setting, home, name) for setting, home, _ in waiting]
            wanted |= {setting: name for setting, _, _ in waiting}
            opened, fed = await _open(waiting)
        if lost or (state.done and not fed):
            state = state.anew(wanted)
        for setting, one in opened.items():
            self._standing[setting].begin(one, state)
        return state

    async def _feed_cut(
        self, lease: Lease, standing: Sequence[Standing], one: _Aged, whole: int
    ) -> None:
        """A source as it is cut now; what is stored stays, until the old indexes answer no more."""
        assert self._state is not None
        made = [one for one in await self._cut_again(one) if one.id > self._state.after]
        for first in range(0, len(made), BATCH):
            batch = made[first : first + BATCH]

            async def read(batch: Sequence[Passage] = batch) -> Sequence[Passage]:
                return batch if await self._is_current(one) else ()

            await self._feed(lease, standing, read, whole)

    async def _feed_stored(
        self,
        lease: Lease,
        standing: Sequence[Standing],
        without: Collection[SourceId],
        whole: int,
    ) -> bool:
        """The next batch into every leg; False when there is none."""
        assert self._state is not None
        after = self._state.after
        first = await self._passages.following(after, limit=BATCH, without=without)
        if not first:
            return False
        until = first[-1].id

        async def read() -> Sequence[Passage]:
            # Anew for each leg, and while nothing is dropped from it. More than there were is no
            # harm: whoever added them told every leg.
            return await self._passages.following(after, until=until, without=without)

        await self._feed(lease, standing, read, whole, first)
        return True

    async def _feed(
        self,
        lease: Lease,
        standing: Sequence[Standing],
        read: Callable[[], Awaitable[Sequence[Passage]]],
        whole: int,
        counting: Sequence[Passage] | None = None,
    ) -> None:
        assert self._state is not None
        fed: Sequence[Passage] = ()
        for leg in standing:
            fed = await leg.fill(read)
        state = self._state.fed(counting if counting is not None else fed)
        self.fed += state.done - self._state.done
        await self._go_on(lease, state.of(max(whole, state.done)))

    async def _go_on(self, lease: Lease, state: Rebuild) -> None:
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._write(connection, state)
        self._state = state
        for setting in state.generations:
            if self._standing[setting].building is not None:
                self._standing[setting].rebuild = state
        self._last = state
        self._tell()

    async def _switch(
        self, lease: Lease, standing: Sequence[Standing], again: Sequence[_Aged]
    ) -> None:
        async with self._store.writing() as connection:
            await lease.hold(connection)
            await self._keep(connection, again)
        for leg in standing:
            before = await leg.switch()
            if before is not None:
                await before.close()
        await self._sweep()  # before the end: whoever waits for that may stop the process at it
        async with self._store.writing() as connection:
            await lease.finish(connection)
            await connection.execute(delete(meta).where(meta.c.key == _STATE))
        self._state = None
        self._tell()

    async def _sweep(self, *, here: bool = False) -> None:
        """Remove generations that neither serve nor are in the making.

        With ``here`` only on this machine: a start does not wait for servers a second time.
        """
        for standing in self._standing.values():
            if standing.home is None or standing.building is not None:
                continue
            if here and not standing.home.here:
                continue
            try:
                for stray in await standing.home.strays():
                    await standing.home.remove(stray)
            except Exception:
                log.exception("an index of %s that is of no more use stays", standing.name)

    async def told(self) -> RebuildOut:
        """How it goes; the error is that of one that was given up."""
        last = await self._store.rows(
            select(jobs.c.state, jobs.c.error)
            .where(jobs.c.kind == REBUILD)
            .order_by(jobs.c.created_at.desc(), jobs.c.id)
            .limit(1)
        )
        if self._state is None:  # another process may be at it
            self._last = await self._read() or self._last
        return self._out(
            running=any(job.state in (JobState.QUEUED, JobState.RUNNING) for job in last),
            error=next((job.error for job in last if job.state == JobState.FAILED), None),
        )

    def _out(self, *, running: bool, error: str | None = None) -> RebuildOut:
        return RebuildOut(
            running=running,
            legs=self._legs,
            answering=all(
                standing.serving is not None
                for standing in self._standing.values()
                if standing.building is not None
            ),
            done=self._last.done,
            total=self._last.total,
            notes=self._notes,
            error=error,
        )

    def _tell(self, error: str | None = None) -> None:
        running = self._state is not None and error is None
        self._hub.everywhere("rebuild", self._out(running=running, error=error).model_dump())

    async def _aged(self) -> Sequence[_Aged]:
        rows = await self._store.rows(
            select(sources)
            .join(
                versions,
                and_(versions.c.source == sources.c.id, versions.c.hash == sources.c.version),
            )
            .where(func.coalesce(versions.c.chunker, "") != CHUNKER)
            .order_by(sources.c.id)
        )
        return [
            _Aged(row.tenant, row.space, row.id, row.version, row.title, row.path) for row in rows
        ]

    async def _is_current(self, one: _Aged) -> bool:
        rows = await self._store.rows(select(sources.c.version).where(sources.c.id == one.source))
        return [row.version for row in rows] == [one.version]

    async def _cut_again(self, one: _Aged) -> Sequence[Passage]:
        """Its passages as they are cut now; none where its reading is gone or of an older form."""
        try:
            reading = await self._texts.reading(one.tenant, one.source, one.version)
        except (FileNotFoundError, ValueError):
            return ()
        return await asyncio.to_thread(
            cut,
            reading,
            tenant=one.tenant,
            space=one.space,
            source=one.source,
            version=one.version,
            title=one.title,
        )

    async def _keep(self, connection: AsyncConnection, again: Sequence[_Aged]) -> None:
        """Store what the new indexes hold: only now, and all at once.

        One that is cut off before has the old passages with the old indexes. Cutting twice costs
        little beside encoding, and holds one source's passages at a time.
        """
        for one in again:
            made = await self._cut_again(one)
            current = await connection.scalar(
                select(sources.c.version).where(sources.c.id == one.source)
            )
            if not made or current != one.version:
                continue
            await self._passages.replace(connection, one.source, one.version, made, chunker=CHUNKER)
            this = (versions.c.source == one.source, versions.c.hash == one.version)
            receipt = await connection.scalar(select(versions.c.receipt).where(*this))
            if receipt is not None:
                await connection.execute(
                    update(versions).where(*this).values(receipt={**receipt, "passages": len(made)})
                )

    async def _read(self) -> Rebuild | None:
        async with self._store.reading() as connection:
            written = await connection.scalar(select(meta.c.value).where(meta.c.key == _STATE))
        return Rebuild.read(json.loads(written)) if written is not None else None

    async def _write(self, connection: AsyncConnection, state: Rebuild) -> None:
        value = json.dumps(state.written())
        changed = await connection.execute(
            update(meta).where(meta.c.key == _STATE).values(value=value)
        )
        if not changed.rowcount:
            await connection.execute(insert(meta).values(key=_STATE, value=value))


async def _open(
    waiting: Sequence[tuple[str, Home, str]],
) -> tuple[dict[str, Generation], bool]:
    """All of these generations, or none; and whether each holds something."""
    opened: dict[str, Generation] = {}
    try:
        for setting, home, generation in waiting:
            opened[setting] = await home.open(generation)
        held = [await one.leg.count() for one in opened.values()]
    except BaseException:
        for one in opened.values():
            await one.close()
        raise
    return opened, all(held)


def _pending() -> Select[Any]:
    return select(jobs.c.id).where(
        jobs.c.kind == REBUILD, jobs.c.state.in_([JobState.QUEUED, JobState.RUNNING])
    )
