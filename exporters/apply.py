"""Carrying out what was approved: intend, write, record; resumable between any two of them.

After a call whose outcome is unknown nothing more is sent until it is known: made once, found by
its marker or by its id, or surely never to happen. Run again with the same steps, it goes on where
it was, whoever runs it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from exporters import receipts
from exporters.compare import Settlement
from exporters.errors import (
    NotConnected,
    OutcomeUnknown,
    RemoteError,
    RemoteRefused,
    Throttled,
    Unreachable,
)
from exporters.judge import same
from exporters.ports import Adapter, Api, Clock, Done, Ledger, NotDone, NotKnown
from exporters.records import Entry, Found, Intent, Json, Op, Place, Seen, Standing, Step
from exporters.refs import resolved

ATTEMPTS: Final = 3  # at a step whose calls turn out, one after the other, not to have been made
SOON: Final = timedelta(minutes=1)  # until it is tried again where nobody answered
FIRST_LOOK: Final = timedelta(seconds=2)  # until the second look; doubled with each in vain
RARELY: Final = timedelta(minutes=1)  # between two looks at most, however long the target may lag
_TICK: Final = timedelta(seconds=1)  # between two looks at least
_SOUGHT: Final = "Sent, and no answer came: it is looked for before anything else is sent."

_T = TypeVar("_T")


class Result(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # in their words
    DRIFTED = "drifted"  # no longer as it was when this was approved: plan again
    WAITING = "waiting"  # for something that was not made
    RECONCILING = "reconciling"  # sent; whether it was done is not known yet
    THROTTLED = "throttled"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Outcome:
    step: str
    keys: tuple[str, ...]
    op: Op
    outcome: Result
    message: str = ""
    retry_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """``wait_until``: run it again then; None where waiting could not help. ``reconciling`` are the
    calls that are still looked for; they may be an earlier run's."""

    outcomes: tuple[Outcome, ...]
    wait_until: datetime | None = None
    reconciling: tuple[Intent, ...] = ()


Progress: TypeAlias = Callable[[Outcome], Awaitable[None]]


async def run(
    steps: Sequence[Step],
    settlements: Sequence[Settlement],
    *,
    adapter: Adapter,
    api: Api,
    place: Place,
    ledger: Ledger,
    clock: Clock,
    actor: str,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    patience: timedelta = timedelta(0),
) -> Ran:
    """Carry out an approved plan, or what is left of it. ``stop`` is asked between two steps.

    Waits longer than ``patience`` are handed back. Raises NotConnected and LostLease; nothing is
    lost by either: run it again once they are mended.
    """
    running = _Running(adapter, api, place, ledger, clock, patience)
    return await running.run(steps, settlements, actor, progress, stop)


async def reconcile(
    *,
    adapter: Adapter,
    api: Api,
    place: Place,
    ledger: Ledger,
    clock: Clock,
    patience: timedelta = timedelta(0),
) -> Ran:
    """Find out about every call of unknown outcome, and send nothing. To be done before a plan is
    made, which otherwise would be made from too little."""
    return await _Running(adapter, api, place, ledger, clock, patience).reconcile()


async def settle(settlements: Sequence[Settlement], ledger: Ledger) -> None:
    """Take note of what asks for no call: both sides say the same, or a person left theirs or let
    it go. Raises LostLease.

    Only where the ledger says what it said when this was planned: steps made since know better.
    """
    entries = await ledger.entries()
    standing = [s for s in settlements if entries.get(s.before.key) == s.before]
    await ledger.settle(
        [s.after for s in standing if s.after is not None],
        [s.before.key for s in standing if s.after is None],
    )


class _Wait(Exception):
    """Nothing more can be done before ``until``."""

    def __init__(self, result: Result, message: str, until: datetime) -> None:
        super().__init__(message)
        self.result = result
        self.until = until


class _Running:
    """One worker's run. It alone writes into this ledger, so that reading it once is enough."""

    def __init__(
        self,
        adapter: Adapter,
        api: Api,
        place: Place,
        ledger: Ledger,
        clock: Clock,
        patience: timedelta,
    ) -> None:
        self._adapter = adapter
        self._api = api
        self._place = place
        self._ledger = ledger
        self._clock = clock
        self._patience = patience
        self._entries: dict[str, Entry] = {}

    async def reconcile(self) -> Ran:
        self._entries = dict(await self._ledger.entries())
        wait_until: datetime | None = None
        for intent in await self._ledger.open_intents():
            try:
                await self._find_out(intent)
            except _Wait as wait:  # the others may be known by now
                wait_until = max(wait.until, wait_until or wait.until)
        return Ran((), wait_until, tuple(await self._ledger.open_intents()))

    async def run(
        self,
        steps: Sequence[Step],
        settlements: Sequence[Settlement],
        actor: str,
        progress: Progress | None,
        stop: Callable[[], bool],
    ) -> Ran:
        outcomes: dict[str, Outcome] = {}

        async def tell(step: Step, outcome: Outcome) -> None:
            outcomes[step.id] = outcome
            if progress is not None:
                await progress(outcome)

        reconciled = await self.reconcile()
        done = await self._ledger.done([step.id for step in steps])
        for step in steps:
            if step.id in done:
                await tell(step, self._outcome(step, Result.DONE))
        wait_until = reconciled.wait_until
        if wait_until is not None:
            sought = {intent.step.id for intent in reconciled.reconciling}
            for step in steps:
                if step.id in sought:
                    await tell(step, self._outcome(step, Result.RECONCILING, _SOUGHT, wait_until))
        else:
            if settlements:
                await settle(settlements, self._ledger)
                self._entries = dict(await self._ledger.entries())
            keys = {op: {key for step in steps if step.op is op for key in step.keys} for op in Op}
            for step in steps:
                if step.id in done:
                    continue
                if stop():
                    break
                try:
                    waiting = self._waits(step, keys[Op.CREATE], keys[Op.ARCHIVE])
                    await tell(step, waiting or await self._make(step, actor))
                except _Wait as wait:
                    await tell(step, self._outcome(step, wait.result, str(wait), wait.until))
                    wait_until = wait.until
                    break
        return Ran(
            tuple(outcomes.get(s.id) or self._outcome(s, Result.PENDING) for s in steps),
            wait_until,
            tuple(await self._ledger.open_intents()),
        )

    def _waits(self, step: Step, made: set[str], archived: set[str]) -> Outcome | None:
        """Whether a step waits for another of this run, of those that make and archive these keys,
        which did not come about."""
        lacking = [key for key in step.needs if key not in self._entries]
        if step.op is not Op.CREATE:
            lacking += [key for key in step.keys if key in made and key not in self._entries]
        if lacking:
            return self._outcome(step, Result.WAITING, "It waits for something that was not made.")
        if step.op is Op.ARCHIVE:
            staying = archived.intersection(self._entries).difference(step.keys)
            if any(around in step.keys for key in staying for around in self._around(key)):
                message = "Something in it could not be archived."
                return self._outcome(step, Result.WAITING, message)
        return None

    def _around(self, key: str) -> Iterator[str]:
        """The keys of what it lies in, outwards."""
        for _ in self._entries:
            entry = self._entries.get(key)
            if entry is None or entry.parent is None:
                return
            yield (key := entry.parent)

    async def _make(self, step: Step, actor: str) -> Outcome:
        for _ in range(ATTEMPTS):
            try:
                outcome = await self._patiently(lambda: self._attempt(step, actor))
            except RemoteRefused as refused:
                return self._outcome(step, Result.REFUSED, str(refused))
            if outcome is not None:
                return outcome
        raise _Wait(Result.PENDING, "No call arrived.", self._clock.now() + SOON)

    async def _attempt(self, step: Step, actor: str) -> Outcome | None:
        """Check, intend, write, record. None: it surely was not made, and may be tried again."""
        try:
            drifted, stands = await self._check(step)
        except (Throttled, Unreachable) as error:
            raise self._wait(error) from error
        if drifted:
            return self._outcome(step, Result.DRIFTED, drifted)
        intent = await self._ledger.intend(step, actor=actor, now=self._clock.now())
        if stands:
            return await self._record(intent, {}, found_later=True)
        try:
            request = resolved(step.request, self._entries)
            answer = await self._api.write(request, not_after=intent.unsent_after)
        except RemoteRefused as refused:
            return await self._refused(intent, refused)
        except (NotConnected, Throttled, Unreachable) as error:
            await self._ledger.withdraw(intent)
            if isinstance(error, NotConnected):
                raise
            raise self._wait(error) from error
        except OutcomeUnknown:
            return await self._find_out(intent)
        try:
            seen = await self._adapter.receipt(self._api, self._place, step, answer)
        except NotConnected:
            raise
        except RemoteError:
            return await self._find_out(intent)
        return await self._record(intent, seen, found_later=False)

    async def _check(self, step: Step) -> tuple[str, bool]:
        """Look once more at what a step changes. What keeps it from being made, for people; and
        whether it stands already."""
        if step.op is Op.CREATE:
            there = [key for key in step.keys if key in self._entries]
            return ("One is there already." if there else "", False)
        entries = [self._entries[key] for key in step.keys if key in self._entries]
        if len(entries) < len(step.keys):
            return ("It is no longer known here.", False)
        found = await self._adapter.read(self._api, self._place, entries)
        standings = {found[entry.key].standing for entry in entries}
        live = standings == {Standing.LIVE}
        if step.op is Op.RESTORE:
            astray = standings & {Standing.GONE, Standing.FORBIDDEN}
            return ("It can no longer be brought back." if astray else "", live)
        gone = step.op is Op.ARCHIVE and standings <= {Standing.ARCHIVED, Standing.GONE}
        if gone and not await self._taken_along(step):
            return ("", True)
        if not live:
            return ("It is no longer where it was.", False)
        for entry in entries:
            if part := _changed(step, entry, found[entry.key]):
                label = self._adapter.label(part)
                return (f"{label} was changed over there since this was planned.", False)
        return ("", False)

    async def _refused(self, intent: Intent, refused: RemoteRefused) -> Outcome:
        """A second of something that was made, unheard, is refused, too: look before believing."""
        if intent.step.op is Op.CREATE:
            try:
                verdict = await self._look(intent)
            except RemoteError:
                verdict = NotDone()
            if isinstance(verdict, Done):
                return await self._record(intent, verdict.seen, found_later=True)
        await self._ledger.withdraw(intent)
        return self._outcome(intent.step, Result.REFUSED, str(refused))

    async def _find_out(self, intent: Intent) -> Outcome | None:
        """What became of a call; None where it surely was not made, nor will be."""
        looking = intent

        async def look() -> Outcome | None:
            nonlocal looking
            try:
                verdict = await self._look(looking)
            except (Throttled, RemoteRefused, Unreachable, OutcomeUnknown) as error:
                wait = self._wait(error)
                raise _Wait(Result.RECONCILING, str(error), wait.until) from error
            match verdict:
                case Done(seen):
                    return await self._record(looking, seen, found_later=True)
                case NotDone():
                    await self._ledger.withdraw(looking)
                    return None
                case NotKnown(until):
                    pause = min(FIRST_LOOK * 2 ** min(looking.looks, 10), RARELY)
                    looking = await self._ledger.looked(looking)
                    soon = max(min(until, self._clock.now() + pause), self._clock.now() + _TICK)
                    raise _Wait(Result.RECONCILING, _SOUGHT, soon)

        return await self._patiently(look, Result.RECONCILING)

    async def _look(self, intent: Intent) -> Done | NotDone | NotKnown:
        now = self._clock.now()
        verdict = await self._adapter.look(self._api, self._place, intent, self._entries, now)
        if isinstance(verdict, NotDone) and intent.step.op is Op.CREATE and now < intent.over:
            return NotKnown(until=intent.over)  # not there is not yet: it may be on its way
        archived = isinstance(verdict, Done) and intent.step.op is Op.ARCHIVE
        if archived and await self._taken_along(intent.step):
            return NotDone() if now >= intent.over else NotKnown(until=intent.over)
        return verdict

    async def _taken_along(self, step: Step) -> bool:
        """Whether what these objects lie in is not there either: then it may be only that which
        makes them seem archived, and they come back with it."""
        around = {outer for key in step.keys for outer in self._around(key)}.difference(step.keys)
        entries = [self._entries[key] for key in sorted(around) if key in self._entries]
        found = await self._adapter.read(self._api, self._place, entries) if entries else {}
        return any(outer.standing is not Standing.LIVE for outer in found.values())

    async def _record(
        self, intent: Intent, seen: Mapping[str, Seen], *, found_later: bool
    ) -> Outcome:
        entries, forget = receipts.after(intent.step, seen, self._entries, found_later=found_later)
        await self._ledger.record(intent, entries, forget)
        self._take_note(entries, forget)
        return self._outcome(intent.step, Result.DONE)

    def _take_note(self, entries: Sequence[Entry], forget: Sequence[str]) -> None:
        for key in forget:
            self._entries.pop(key, None)
        self._entries.update((entry.key, entry) for entry in entries)

    async def _patiently(self, act: Callable[[], Awaitable[_T]], *kinds: Result) -> _T:
        """Wait here for what takes no longer than our patience. Only a look waits for a look: while
        a step is looked for it is never begun again."""
        while True:
            try:
                return await act()
            except _Wait as wait:
                left = wait.until - self._clock.now()
                sought = wait.result is Result.RECONCILING
                if sought != (Result.RECONCILING in kinds) or left > self._patience:
                    raise
                await self._clock.sleep(left.total_seconds())

    def _wait(self, error: RemoteError) -> _Wait:
        if isinstance(error, Throttled):
            return _Wait(Result.THROTTLED, str(error), self._clock.now() + error.wait)
        return _Wait(Result.PENDING, str(error), self._clock.now() + SOON)

    def _outcome(
        self, step: Step, result: Result, message: str = "", retry_at: datetime | None = None
    ) -> Outcome:
        urls = (self._entries[key].url for key in step.keys if key in self._entries)
        return Outcome(
            step.id, step.keys, step.op, result, message, retry_at, next(filter(None, urls), "")
        )


def _changed(step: Step, entry: Entry, found: Found) -> str | None:
    """A part that this step would change or archive, and that a person changed since."""
    sends = step.sends[entry.key]
    base = step.base if len(step.keys) == 1 else {**entry.sent, **entry.seen}
    for part in base if step.op is Op.ARCHIVE else sends:
        reads = found.fields.get(part)
        ours: list[Json] = [entry.seen.get(part, entry.sent.get(part))]
        ours += [fields[part] for fields in (base, sends) if part in fields]
        if part in base and not any(same(reads, each) for each in ours):
            return part
    return None
