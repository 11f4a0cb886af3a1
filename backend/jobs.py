"""Does the outbox's work: in the server, or as a process of its own with the same code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.store.outbox import ATTEMPTS, LEASE, Job, JobState, LeaseLost, Outbox, owner_name

log = logging.getLogger(__name__)

POLL = 1.0  # seconds between looks where nobody rings the bell, as with another process's jobs


class Lease:
    """One job while one worker has it."""

    def __init__(self, outbox: Outbox, job: Job, owner: str) -> None:
        self._outbox = outbox
        self._owner = owner
        self.job = job

    async def hold(self, connection: AsyncConnection) -> None:
        """Make a change on the way stand only while the job is ours; else LeaseLost."""
        await self._outbox.hold(connection, self.job, self._owner)

    async def finish(
        self, connection: AsyncConnection, state: JobState = JobState.DONE, error: str | None = None
    ) -> None:
        """End the job within the transaction that holds its last change.

        Raises LeaseLost when it was cancelled or went to another worker; the change then rolls back
        with it, so no two workers' results are ever mixed.
        """
        await self._outbox.finish(connection, self.job, self._owner, state, error)

    async def postpone(self, connection: AsyncConnection, until: datetime) -> None:
        """Give the worker back and go on no sooner than ``until``, within the transaction that says
        what is waited for. LeaseLost as for ``finish``."""
        await self._outbox.postpone(connection, self.job, self._owner, until)


class Handler(Protocol):
    """Does one kind of job. Must be safe to run again from the start after dying anywhere."""

    async def run(self, lease: Lease) -> None:
        """Do it and ``finish`` or ``postpone`` it. Stopping comes as cancellation."""
        ...

    async def stopped(self, job: Job) -> None:
        """Clear away what a cancelled job had begun."""
        ...

    async def gave_up(self, lease: Lease, error: str) -> None:
        """Say to the world that a job failed for good, and ``finish`` it as failed."""
        ...


class Worker:
    """Claims jobs and runs as many at once as it was told to.

    ``apart`` has kinds of which so many run beside the others, taking no turn of theirs.
    """

    def __init__(
        self,
        outbox: Outbox,
        handlers: Mapping[str, Handler],
        *,
        at_once: int,
        apart: Mapping[str, int] | None = None,
    ) -> None:
        self._outbox = outbox
        self._handlers = handlers
        self._at_once = at_once
        self._apart = dict(apart or {}) if at_once else {}
        self._owner = owner_name()
        self._bells: set[asyncio.Event] = set()
        self._checks: set[asyncio.Event] = set()
        self._loops: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """There may be work, or a running job may have been told to stop: look now."""
        for waiting in (*self._bells, *self._checks):
            waiting.set()

    async def start(self) -> None:
        """Take over what dead workers of this machine held, and begin."""
        taken = await self._outbox.take_back_from_the_dead()
        if taken:
            log.info("taking up %d jobs that were cut off", len(taken))
        self._loops = [
            asyncio.create_task(self._loop(without=self._apart), name=f"worker {number}")
            for number in range(self._at_once)
        ] + [
            asyncio.create_task(self._loop(only=[kind]), name=f"worker of {kind} {number}")
            for kind, many in self._apart.items()
            for number in range(many)
        ]
        if self._loops:
            self._loops.append(asyncio.create_task(self._look_out(), name="look-out for work"))

    async def stop(self) -> None:
        """Give back what runs, so that the next start takes it up at once."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []

    async def drain(self) -> None:
        """Work in this task until nothing is left to do now or later."""
        while await self._outbox.waiting():
            if not await self.once():
                await asyncio.sleep(0.05)

    async def _loop(self, *, only: Collection[str] = (), without: Collection[str] = ()) -> None:
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            while True:
                bell.clear()  # before looking: what rings from here on is not in what we see
                try:
                    if await self.once(only=only, without=without):
                        continue
                except asyncio.CancelledError:
                    raise
                except Exception:
                    log.exception("the worker could not look for jobs; trying again")
                await bell.wait()
        finally:
            self._bells.discard(bell)

    async def _look_out(self) -> None:
        """Ring for work that another process asked for, or whose time has come: one look for all
        who wait, since each look costs a quiet server what it does all day."""
        while True:
            await asyncio.sleep(POLL)
            try:
                if not await self._outbox.due():
                    continue
            except Exception:
                log.exception("the worker could not look for jobs; trying again")
                continue
            for bell in self._bells:
                bell.set()

    async def once(self, *, only: Collection[str] = (), without: Collection[str] = ()) -> bool:
        """Claim a job, of these kinds or of all but those, and see it to an end; was there one?"""
        job = await self._outbox.claim(self._owner, only=only, without=without)
        if job is None:
            return False
        lease = Lease(self._outbox, job, self._owner)
        handler = self._handlers.get(job.kind)
        if handler is None:
            await self._outbox.again(job, self._owner, f"nothing here does {job.kind!r}")
        elif job.cancelled:
            await self._clear(handler, job)
        elif job.attempt > ATTEMPTS:
            await self._give_up(handler, lease, "it stopped the server each time it was tried")
        else:
            await self._attempt(handler, lease)
        return True

    async def _attempt(self, handler: Handler, lease: Lease) -> None:
        job = lease.job
        work = asyncio.create_task(handler.run(lease), name=f"{job.kind} {job.subject}")
        pulse = asyncio.create_task(self._pulse(job, work), name=f"lease of {job.id}")
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            await asyncio.shield(self._outbox.release(job, self._owner))
            raise
        finally:
            pulse.cancel()
            await asyncio.wait({pulse})
        error = None if work.cancelled() else work.exception()
        if work.cancelled() or isinstance(error, LeaseLost):
            if await self._outbox.was_cancelled(job, self._owner):
                await self._clear(handler, job)
        elif error is not None:
            log.error("%s of %s failed", job.kind, job.subject, exc_info=error)
            words = f"{type(error).__name__}: {error}"
            if job.attempt >= ATTEMPTS:
                await self._give_up(handler, lease, words)
            else:
                await self._outbox.again(job, self._owner, words)

    async def _clear(self, handler: Handler, job: Job) -> None:
        await handler.stopped(job)
        await self._outbox.bury(job, self._owner)

    async def _give_up(self, handler: Handler, lease: Lease, error: str) -> None:
        with contextlib.suppress(LeaseLost):
            await handler.gave_up(lease, error)

    async def _pulse(self, job: Job, work: asyncio.Task[None]) -> None:
        """Renew the lease while the work runs; stop the work when it may not go on."""
        check = asyncio.Event()
        self._checks.add(check)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(check.wait(), LEASE.total_seconds() / 3)
                check.clear()
                try:
                    held = await self._outbox.renew(job, self._owner)
                except Exception:
                    log.exception("could not renew the lease of %s; trying again", job.id)
                    continue
                if not held:
                    work.cancel()
                    return
        finally:
            self._checks.discard(check)
