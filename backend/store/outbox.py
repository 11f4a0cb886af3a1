"""Work that outlives a request: rows committed with the change that asks for them."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, Select, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import new_id, now
from backend.store.engine import Store
from backend.store.tables import jobs

LEASE = timedelta(seconds=30)  # a worker that is silent for this long is taken for dead
ATTEMPTS = 5  # then a job is given up
CLAIMING: Final = 0x6A6F6273  # of PostgreSQL's advisory locks, whose numbers are the database's own
BACKOFF = (1, 5, 20, 60)  # seconds before the second, third, … attempt


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LeaseLost(Exception):
    """Someone else has this job now, or it was cancelled: what was done for it must not stand."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work as its worker sees it. ``attempt`` counts from 1."""

    id: str
    kind: str
    subject: str
    tenant: str
    payload: Mapping[str, Any]
    attempt: int
    cancelled: bool = False


def _birth(pid: int) -> str:
    """When a process began, in the kernel's ticks: a pid alone may have been given out again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "-"


def owner_name() -> str:
    """This worker: host, process and its birth, so that another can see whether it still lives."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_birth(pid)}/{secrets.token_hex(4)}"


def is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that has ended. False when in doubt."""
    host, pid, birth, _ = owner.split("/")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return _birth(int(pid)) != birth


class Outbox:
    """The table of jobs. Any number of workers may claim from it; each job has one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(
        self,
        connection: AsyncConnection,
        kind: str,
        *,
        subject: str,
        tenant: str,
        payload: Mapping[str, Any] | None = None,
        after: timedelta = timedelta(0),
        lane: str | None = None,
    ) -> str:
        """Ask for work within the caller's transaction; it exists if and only if that commits.

        Nobody begins it before ``after`` has passed. Jobs of one ``lane`` run one after another,
        whatever they are about.
        """
        moment = now()
        job = new_id("job")
        await connection.execute(
            insert(jobs).values(
                id=job,
                kind=kind,
                subject=subject,
                lane=lane,
                tenant=tenant,
                payload=dict(payload or {}),
                state=JobState.QUEUED.value,
                attempts=0,
                run_after=moment + after,
                cancel=False,
                created_at=moment,
                updated_at=moment,
            )
        )
        return job

    async def add_once(
        self,
        connection: AsyncConnection,
        kind: str,
        *,
        subject: str,
        tenant: str,
        payload: Mapping[str, Any] | None = None,
        after: timedelta = timedelta(0),
        lane: str | None = None,
    ) -> bool:
        """``add``, unless the same waits to be begun; whether it was added."""
        waits = await connection.execute(
            select(jobs.c.id).where(
                jobs.c.subject == subject, jobs.c.kind == kind, jobs.c.state == JobState.QUEUED
            )
        )
        if waits.first() is not None:
            return False
        await self.add(
            connection,
            kind,
            subject=subject,
            tenant=tenant,
            payload=payload,
            after=after,
            lane=lane,
        )
        return True

    async def cancel(self, connection: AsyncConnection, subject: str) -> int:
        """Stop a subject's work within the caller's transaction; how many jobs that touched.

        What waits never starts; what runs is told at its next heartbeat and cannot finish.
        """
        moment = now()
        waiting = await connection.execute(
            update(jobs)
            .where(jobs.c.subject == subject, jobs.c.state == JobState.QUEUED)
            .values(state=JobState.CANCELLED.value, cancel=True, updated_at=moment)
        )
        running = await connection.execute(
            update(jobs)
            .where(jobs.c.subject == subject, jobs.c.state == JobState.RUNNING)
            .values(cancel=True, updated_at=moment)
        )
        return waiting.rowcount + running.rowcount

    async def claim(
        self, owner: str, *, only: Collection[str] = (), without: Collection[str] = ()
    ) -> Job | None:
        """Take the job that has waited longest, of these kinds or of all but those.

        A subject's jobs run one after another, and so do those of a lane.

        A job whose worker went silent counts as waiting. One that has used up its attempts, or was
        cancelled while its worker died, is handed out too: somebody has to clear up after it.
        """
        moment = now()
        candidate = _first_due(moment, only, without)
        # A look before the write, so as not to take the writer's lock for nothing.
        if not await self._store.rows(candidate):
            return None
        candidate = candidate.with_for_update(skip_locked=True)
        async with self._store.writing() as connection:
            if self._store.dialect == "postgresql":
                # One claim at a time: two at once would not see each other take one subject's jobs.
                await connection.execute(select(func.pg_advisory_xact_lock(CLAIMING)))
            row = (
                await connection.execute(
                    update(jobs)
                    .where(jobs.c.id == candidate.scalar_subquery())
                    .values(
                        state=JobState.RUNNING.value,
                        owner=owner,
                        lease_until=moment + LEASE,
                        attempts=jobs.c.attempts + 1,
                        updated_at=moment,
                    )
                    .returning(jobs)
                )
            ).one_or_none()
        return _job(row) if row is not None else None

    async def due(self) -> bool:
        """Whether there is a job to claim."""
        return bool(await self._store.rows(_first_due(now())))

    async def renew(self, job: Job, owner: str) -> bool:
        """Keep a job for another lease; False when it is to be stopped, or is no longer ours."""
        async with self._store.writing() as connection:
            renewed = await connection.execute(
                update(jobs)
                .where(*self._held(job, owner))
                .values(lease_until=now() + LEASE, updated_at=now())
            )
        return renewed.rowcount == 1

    async def hold(self, connection: AsyncConnection, job: Job, owner: str) -> None:
        """Make the caller's transaction stand only if the job is still ours; else LeaseLost."""
        held = await connection.execute(
            update(jobs).where(*self._held(job, owner)).values(lease_until=now() + LEASE)
        )
        if held.rowcount != 1:
            raise LeaseLost(job.id)

    async def finish(
        self,
        connection: AsyncConnection,
        job: Job,
        owner: str,
        state: JobState = JobState.DONE,
        error: str | None = None,
    ) -> None:
        """End a job within the transaction of what it did; LeaseLost if it is not ours to end."""
        ended = await connection.execute(
            update(jobs)
            .where(*self._held(job, owner))
            .values(state=state.value, owner=None, lease_until=None, error=error, updated_at=now())
        )
        if ended.rowcount != 1:
            raise LeaseLost(job.id)

    async def again(self, job: Job, owner: str, error: str) -> datetime:
        """Put a job that failed back in the line, later each time; when it may run."""
        when = now() + timedelta(seconds=BACKOFF[min(job.attempt, len(BACKOFF)) - 1])
        async with self._store.writing() as connection:
            await connection.execute(
                update(jobs)
                .where(*self._held(job, owner))
                .values(
                    state=JobState.QUEUED.value,
                    owner=None,
                    lease_until=None,
                    run_after=when,
                    error=error,
                    updated_at=now(),
                )
            )
        return when

    async def postpone(
        self, connection: AsyncConnection, job: Job, owner: str, until: datetime
    ) -> None:
        """Put a job back in the line for later, within the transaction that says why.

        Nothing went wrong, so its attempts are counted anew. LeaseLost if it is not ours.
        """
        postponed = await connection.execute(
            update(jobs)
            .where(*self._held(job, owner))
            .values(
                state=JobState.QUEUED.value,
                owner=None,
                lease_until=None,
                attempts=0,
                run_after=until,
                updated_at=now(),
            )
        )
        if postponed.rowcount != 1:
            raise LeaseLost(job.id)

    async def hasten(
        self,
        connection: AsyncConnection,
        kind: str,
        subject: str,
        payload: Mapping[str, Any] | None = None,
    ) -> bool:
        """Let a subject's work begin now that was put off, within the caller's transaction, with
        another payload where one is given; whether any waits to be begun."""
        moment = now()
        values: dict[str, Any] = {} if payload is None else {"payload": dict(payload)}
        hastened = await connection.execute(
            update(jobs)
            .where(jobs.c.subject == subject, jobs.c.kind == kind, jobs.c.state == JobState.QUEUED)
            .values(run_after=moment, updated_at=moment, **values)
        )
        return hastened.rowcount > 0

    async def put_off(
        self, connection: AsyncConnection, kind: str, lane: str, until: datetime
    ) -> None:
        """Let none of a lane's work of this kind begin before then, within the caller's
        transaction."""
        await connection.execute(
            update(jobs)
            .where(
                jobs.c.lane == lane,
                jobs.c.kind == kind,
                jobs.c.state == JobState.QUEUED,
                jobs.c.run_after < until,
            )
            .values(run_after=until, updated_at=now())
        )

    async def release(self, job: Job, owner: str) -> None:
        """Give a job back untouched, as on shutting down: the attempt does not count."""
        async with self._store.writing() as connection:
            await connection.execute(
                update(jobs)
                .where(*self._held(job, owner))
                .values(
                    state=JobState.QUEUED.value,
                    owner=None,
                    lease_until=None,
                    attempts=jobs.c.attempts - 1,
                    updated_at=now(),
                )
            )

    async def was_cancelled(self, job: Job, owner: str) -> bool:
        """Whether a job we hold was told to stop; False where another worker has it now."""
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.owner == owner, jobs.c.cancel)
            )
            return found.first() is not None

    async def bury(self, job: Job, owner: str) -> None:
        """Mark a job that was told to stop as stopped."""
        async with self._store.writing() as connection:
            await connection.execute(
                update(jobs)
                .where(jobs.c.id == job.id, jobs.c.owner == owner, jobs.c.cancel)
                .values(
                    state=JobState.CANCELLED.value, owner=None, lease_until=None, updated_at=now()
                )
            )

    async def take_back_from_the_dead(self) -> Sequence[str]:
        """Requeue at once what processes of this machine held when they died; the jobs' ids.

        Without this a restart after a crash would wait for the leases to run out.
        """
        async with self._store.reading() as connection:
            held = (
                await connection.execute(
                    select(jobs.c.id, jobs.c.owner).where(
                        jobs.c.state == JobState.RUNNING, jobs.c.owner.is_not(None)
                    )
                )
            ).all()
        orphans = [(row.id, row.owner) for row in held if is_dead(row.owner)]
        if orphans:
            async with self._store.writing() as connection:
                for job, owner in orphans:
                    await connection.execute(
                        update(jobs)
                        .where(jobs.c.id == job, jobs.c.owner == owner)
                        .values(
                            state=JobState.QUEUED.value,
                            owner=None,
                            lease_until=None,
                            updated_at=now(),
                        )
                    )
        return [job for job, _ in orphans]

    async def waiting(self) -> int:
        """How many jobs are not yet done."""
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(jobs.c.id).where(jobs.c.state.in_([JobState.QUEUED, JobState.RUNNING]))
            )
            return len(rows.all())

    async def state(self, job: str) -> JobState | None:
        async with self._store.reading() as connection:
            state = (
                await connection.execute(select(jobs.c.state).where(jobs.c.id == job))
            ).scalar()
        return JobState(state) if state is not None else None

    @staticmethod
    def _held(job: Job, owner: str) -> tuple[Any, ...]:
        return (
            jobs.c.id == job.id,
            jobs.c.owner == owner,
            jobs.c.state == JobState.RUNNING,
            ~jobs.c.cancel,
        )


def _first_due(
    moment: datetime, only: Collection[str] = (), without: Collection[str] = ()
) -> Select[tuple[str]]:
    other = jobs.alias()
    busy = exists().where(
        or_(other.c.subject == jobs.c.subject, other.c.lane == jobs.c.lane),
        other.c.id != jobs.c.id,
        other.c.state == JobState.RUNNING,
        other.c.lease_until >= moment,
    )
    return (
        select(jobs.c.id)
        .where(
            or_(
                and_(jobs.c.state == JobState.QUEUED, jobs.c.run_after <= moment),
                and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until < moment),
            ),
            ~busy,
            *([jobs.c.kind.in_(only)] if only else []),
            *([jobs.c.kind.not_in(without)] if without else []),
        )
        .order_by(jobs.c.run_after, jobs.c.created_at, jobs.c.id)
        .limit(1)
    )


def _job(row: Row[Any]) -> Job:
    return Job(row.id, row.kind, row.subject, row.tenant, row.payload, row.attempts, row.cancel)
