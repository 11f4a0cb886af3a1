"""Carries out what was approved, as a job that outlives the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from backend.clock import iso, now
from backend.errors import BackendError, describe
from backend.events import Hub
from backend.exports.model import Run, RunState, Target, Trouble
from backend.exports.reach import Reach
from backend.jobs import Lease
from backend.store.approved import Approved
from backend.store.engine import Store
from backend.store.exports.runs import StoredRuns
from backend.store.exports.targets import StoredTargets
from backend.store.ledger import Stopped, StoredLedger
from backend.store.outbox import Job, JobState, LeaseLost
from exporters import apply
from exporters.apply import Outcome, Ran, Result
from exporters.errors import ExportError, LostLease
from exporters.ports import Clock

PATIENCE: Final = timedelta(seconds=10)  # a longer wait gives the worker back
TELLING: Final = 0.5  # seconds at least between two words of progress
SHORTEST: Final = timedelta(seconds=1)  # until a run that waits is taken up again


class RunExport:
    """The handler of ``EXPORT`` jobs."""

    def __init__(
        self,
        store: Store,
        runs: StoredRuns,
        targets: StoredTargets,
        reach: Reach,
        hub: Hub,
        clock: Clock,
    ) -> None:
        self._store = store
        self._runs = runs
        self._targets = targets
        self._reach = reach
        self._hub = hub
        self._clock = clock

    async def run(self, lease: Lease) -> None:
        said = lease.job.payload
        run = await self._runs.one(said["target"], said["brief"], said["run"])
        target = await self._targets.any(said["target"])
        approved = None if run is None else await self._runs.approved(run.id)
        if run is None or target is None or approved is None or run.state.over:
            async with self._store.writing() as connection:
                await lease.finish(connection)
            return
        if run.stop:
            await self._end(lease, run, target, RunState.CANCELLED)
            return
        await self._begin(lease, run, target)
        try:
            ran = await self._carry_out(lease, run, target, approved)
        except Stopped:
            await self._end(lease, run, target, RunState.CANCELLED)
        except LostLease as error:
            raise LeaseLost(lease.job.id) from error
        except (ExportError, BackendError) as error:
            await self._end(lease, run, target, RunState.FAILED, _trouble(error))
        else:
            await self._conclude(lease, run, target, ran)

    async def stopped(self, job: Job) -> None:
        """A run is called off by its own flag; its job is cancelled by nobody."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        said = lease.job.payload
        run = await self._runs.one(said["target"], said["brief"], said["run"])
        target = await self._targets.any(said["target"])
        async with self._store.writing() as connection:
            if run is not None:
                trouble = Trouble(
                    "export_broke",
                    "The export broke off several times; the server's log says why.",
                    "Go on where it stopped, or plan again.",
                )
                await self._runs.note(connection, run.id, RunState.FAILED, trouble=trouble)
            await lease.finish(connection, JobState.FAILED, error)
        if run is not None and target is not None:
            self._tell(target, replace(run, state=RunState.FAILED))

    async def _carry_out(self, lease: Lease, run: Run, target: Target, approved: Approved) -> Ran:
        ledger = StoredLedger(
            self._store, target=run.target, brief=run.brief, run=run.id, hold=lease.hold
        )
        going = replace(run, state=RunState.RUNNING, wait_until=None)
        telling = _Telling(lambda done: self._tell(target, replace(going, done=done)))
        return await apply.run(
            approved.steps,
            approved.settlements,
            adapter=self._reach.adapter(target.kind),
            api=await self._reach.api(target),
            place=approved.place,
            ledger=ledger,
            clock=self._clock,
            actor=run.actor,
            progress=telling,
            patience=PATIENCE,
        )

    async def _conclude(self, lease: Lease, run: Run, target: Target, ran: Ran) -> None:
        """Say how far it came; put it off where something is waited for."""
        if ran.wait_until is None:
            left = [one for one in ran.outcomes if one.outcome is not Result.DONE]
            state = RunState.FAILED if left else RunState.DONE
            await self._end(lease, run, target, state, _left(left), ran.outcomes)
            return
        until = max(ran.wait_until, now() + SHORTEST)
        state = RunState.RECONCILING if ran.reconciling else RunState.WAITING
        async with self._store.writing() as connection:
            await self._runs.say(connection, run.id, ran.outcomes)
            done = await self._runs.note(connection, run.id, state, wait_until=until)
            # Called off since its last call, while there was no waiting job to hasten.
            off = await self._runs.is_called_off(connection, run.id)
            await lease.postpone(connection, now() if off else until)
        self._tell(target, replace(run, state=state, done=done, wait_until=until))

    async def _begin(self, lease: Lease, run: Run, target: Target) -> None:
        async with self._store.writing() as connection:
            await lease.hold(connection)
            done = await self._runs.note(connection, run.id, RunState.RUNNING)
        self._tell(target, replace(run, state=RunState.RUNNING, done=done, wait_until=None))

    async def _end(
        self,
        lease: Lease,
        run: Run,
        target: Target,
        state: RunState,
        trouble: Trouble | None = None,
        outcomes: Sequence[Outcome] = (),
    ) -> None:
        async with self._store.writing() as connection:
            await self._runs.say(connection, run.id, outcomes)
            done = await self._runs.note(connection, run.id, state, trouble=trouble)
            await lease.finish(connection)
        self._tell(target, replace(run, state=state, done=done, wait_until=None))

    def _tell(self, target: Target, run: Run) -> None:
        self._hub.publish(target.space, "export", told(run))


def told(run: Run) -> Mapping[str, Any]:
    """What the space hears of a run."""
    return {
        "brief": run.brief,
        "target": run.target,
        "run": run.id,
        "state": run.state.value,
        "done": run.done,
        "total": run.total,
        "wait_until": None if run.wait_until is None else iso(run.wait_until),
    }


class _Telling:
    """Counts what is done, and says so now and then: a page asks anew each time it hears of it."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._done = 0
        self._told = asyncio.get_running_loop().time()

    async def __call__(self, outcome: Outcome) -> None:
        self._done += outcome.outcome is Result.DONE
        moment = asyncio.get_running_loop().time()
        if moment - self._told >= TELLING:
            self._told = moment
            self._tell(self._done)


def _trouble(error: Exception) -> Trouble:
    said = describe(error)
    return Trouble(said.code, said.message, said.remedy)


def _left(left: Sequence[Outcome]) -> Trouble | None:
    """What keeps a run from its end that waiting does not help."""
    if not left:
        return None
    counted = Counter(one.outcome for one in left)
    said = ", ".join(f"{many} {_SAID[result]}" for result, many in counted.items())
    return Trouble(
        "export_incomplete",
        f"Not all of it was done: {said}.",
        "Plan again to see how things stand, or go on where it stopped.",
    )


_SAID: Mapping[Result, str] = {
    Result.REFUSED: "refused over there",
    Result.DRIFTED: "changed over there meanwhile",
    Result.WAITING: "waiting for those",
    Result.PENDING: "not begun",
    Result.RECONCILING: "not known yet",
    Result.THROTTLED: "put off",
}
