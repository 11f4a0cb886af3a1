"""Looks at what changed over there: asked by a webhook, a person or the clock. Sends nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.clock import now
from backend.documents.current import CurrentBriefs
from backend.errors import BackendError, describe
from backend.events import Hub
from backend.exports.differences import findings
from backend.exports.model import Target, Trouble
from backend.exports.planning import place_of
from backend.exports.reach import Reach
from backend.jobs import Lease
from backend.store.engine import Store
from backend.store.exports.looks import StoredLooks
from backend.store.exports.runs import StoredRuns
from backend.store.exports.targets import StoredTargets
from backend.store.ledger import entries_of
from backend.store.outbox import Job, JobState
from exporters.errors import ExportError, Throttled, Unreachable
from exporters.ports import Api, Response
from exporters.records import Entry, Found, Place, Request

log = logging.getLogger(__name__)

ROUND: Final = 60.0  # seconds between two rounds that ask for the looks that are due
LATELY: Final = timedelta(days=30)  # what was exported longer ago is not polled
GATHER: Final = timedelta(seconds=3)  # events of one change come in bursts: one look for all
SILENCE: Final = 120.0  # seconds without an answer; longer than what a call waits for its turn
REST: Final = timedelta(minutes=5)  # that a connection which answers nothing is left alone


class _Heard:
    """An ``Api`` whose every answer sets the time limit on the next one anew."""

    def __init__(self, api: Api, limit: asyncio.Timeout) -> None:
        self._api = api
        self._limit = limit

    async def read(self, request: Request) -> Response:
        answer = await self._api.read(request)
        self._limit.reschedule(asyncio.get_running_loop().time() + SILENCE)
        return answer

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        return await self._api.write(request, not_after=not_after)


class Drifts:
    def __init__(self, looks: StoredLooks) -> None:
        self._looks = looks

    async def changed(self, connection: str, refs: Sequence[str]) -> None:
        """A webhook says that these objects changed; that is no more than a reason to look.

        What we did not make is nobody's business here. Without ``refs``, anything may have changed.
        """
        await self._looks.ask_all(connection=connection, refs=refs, after=GATHER)

    async def poll(self, every: timedelta) -> int:
        """Ask for looks at what nobody asked about for so long, of what was exported lately; at how
        many. The rest is looked at before it is exported again, as all is."""
        return await self._looks.ask_all(before=now() - every, since=now() - LATELY)

    async def run(self, every: timedelta) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll(every)
            except Exception:
                log.exception("looks at exports could not be asked for; trying again")
            await asyncio.sleep(ROUND)


class LookForDrift:
    """The handler of ``LOOK`` jobs. A connection has one at a time, so that one which stalls keeps
    a single worker, and rests after that."""

    def __init__(
        self,
        store: Store,
        looks: StoredLooks,
        runs: StoredRuns,
        targets: StoredTargets,
        current: CurrentBriefs,
        reach: Reach,
        hub: Hub,
    ) -> None:
        self._store = store
        self._looks = looks
        self._runs = runs
        self._targets = targets
        self._current = current
        self._reach = reach
        self._hub = hub

    async def run(self, lease: Lease) -> None:
        target = await self._targets.any(lease.job.payload["target"])
        brief = lease.job.payload["brief"]
        if target is not None and not target.removed:
            await self._look(target, brief, awaited=lease.job.payload["awaited"])
        async with self._store.writing() as connection:
            await lease.finish(connection)

    async def stopped(self, job: Job) -> None:
        """It left nothing half done."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)

    async def _look(self, target: Target, brief: str, *, awaited: bool) -> None:
        entries = await entries_of(self._store, target.id, brief)
        if not entries or await self._runs.under_way(target.id, brief):
            return  # in the middle of an export everything differs
        look = (await self._looks.of_brief(brief)).get(target.id)
        place = place_of(self._current, target, brief, look)
        try:
            found = await self._found(target, place, list(entries.values()))
        except (ExportError, BackendError) as error:
            said = describe(error)
            trouble = Trouble(said.code, said.message, said.remedy)
            await self._looks.unseen(target.id, brief, trouble)
            rest = _rest(error)
            if rest is not None and target.connection is not None:
                await self._looks.put_off(target.connection, now() + rest)
            news = look is None or look.trouble != trouble
        else:
            differs = await asyncio.to_thread(findings, entries, found)
            news = await self._looks.found(target.id, brief, differs, None)
            news = news or (look is not None and look.trouble is not None)
        if news or awaited:
            self._hub.publish(target.space, "export", {"brief": brief, "target": target.id})

    async def _found(
        self, target: Target, place: Place, entries: Sequence[Entry]
    ) -> dict[str, Found]:
        api = await self._reach.api(target)
        try:
            async with asyncio.timeout(SILENCE) as limit:
                heard = _Heard(api, limit)
                return dict(await self._reach.adapter(target.kind).read(heard, place, entries))
        except TimeoutError:
            raise Unreachable(f"Nothing was answered for {SILENCE:g} seconds.") from None


def _rest(error: Exception) -> timedelta | None:
    """How long nothing is asked through a connection after this; None where others may succeed."""
    if isinstance(error, Throttled):
        return error.wait
    return REST if isinstance(error, Unreachable) else None
