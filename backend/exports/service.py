"""Exports: planned, approved by checksum, carried out, called off, decided about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.briefs.service import Brief
from backend.clock import new_id, now
from backend.documents.current import CurrentBriefs, Reading
from backend.errors import Conflict, Invalid, NotFound
from backend.events import Hub
from backend.exports.model import (
    Busy,
    Called,
    Deleted,
    Findings,
    Look,
    Overtaken,
    PartDecision,
    Run,
    RunState,
    Target,
    WayDecision,
)
from backend.exports.planning import Planned, Planner, busy
from backend.exports.reach import Reach
from backend.exports.runs import told
from backend.exports.stale import resting_on_stale
from backend.exports.targets import Opened, Targets
from backend.store.engine import Store
from backend.store.exports.decisions import StoredDecisions
from backend.store.exports.looks import StoredLooks
from backend.store.exports.runs import StoredRuns
from backend.store.ledger import entries_of
from exporters.compare import Comparison
from exporters.plan import ARCHIVES, refuse_if_unsafe
from exporters.ports import Adapter
from exporters.records import OVERVIEW, Entry, Way

RUNS: Final = 20  # in one answer
DECISIONS: Final = 1_000  # at once


@dataclass(frozen=True, slots=True)
class Standing:
    """A target as its brief stands there. ``comparison`` is None where nothing was made yet, or
    where it is not known."""

    target: Target
    reconnect: bool
    url: str
    findings: Findings
    comparison: Comparison | None
    look: Look | None
    run: Run | None
    outcomes: Sequence[Called]
    exported: Run | None


@dataclass(frozen=True, slots=True)
class Made:
    """One object that we made over there. ``stale``: it rests on evidence that is not current."""

    entry: Entry
    stale: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    adapter: Adapter
    made: Sequence[Made]
    findings: Findings


class Exports:
    def __init__(
        self,
        *,
        store: Store,
        targets: Targets,
        planner: Planner,
        runs: StoredRuns,
        decisions: StoredDecisions,
        looks: StoredLooks,
        current: CurrentBriefs,
        reach: Reach,
        hub: Hub,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._targets = targets
        self._planner = planner
        self._runs = runs
        self._decisions = decisions
        self._looks = looks
        self._current = current
        self._reach = reach
        self._hub = hub
        self._wake = wake

    async def standing(
        self, principal: Principal, brief: str, only: str | None = None
    ) -> Sequence[Standing]:
        """Where a brief goes, and how it stands there as of the last look; asks nobody."""
        found, targets = await self._targets.list(principal, brief)
        targets = [one for one in targets if only in (None, one.id)]
        if not targets:
            return []
        broken = await self._targets.broken(targets)
        looks = await self._looks.of_brief(found.id)
        latest = await self._runs.latest(found.id)
        exported = await self._runs.latest(found.id, done=True)
        outcomes = await self._runs.outcomes([run.id for run in latest.values()], open_=True)
        reading: Reading | None = None
        standing = []
        for target in targets:
            entries = await entries_of(self._store, target.id, found.id)
            look = looks.get(target.id)
            if entries and reading is None:
                reading = await self._read(principal, found)
            run = latest.get(target.id)
            standing.append(
                Standing(
                    target=target,
                    reconnect=target.id in broken,
                    url=entries[OVERVIEW].url if OVERVIEW in entries else "",
                    findings=await self._looks.findings(target.id, found.id),
                    comparison=None
                    if reading is None or look is None
                    else await self._planner.standing(found, target, reading, entries, look),
                    look=look,
                    run=run,
                    outcomes=outcomes[run.id] if run is not None else (),
                    exported=exported.get(target.id),
                )
            )
        return standing

    async def plan(self, principal: Principal, brief: str, target: str) -> tuple[Opened, Planned]:
        """What an export would do now. Reads over there; sends nothing."""
        opened = await self._targets.open(principal, brief, target)
        planned = await self._planner.plan(principal, opened)
        if planned.settled:
            said = {"brief": opened.brief.id, "target": opened.target.id}
            self._hub.publish(opened.space.id, "export", said)
        return opened, planned

    async def start(
        self, principal: Principal, brief: str, target: str, checksum: str, *, archives: bool
    ) -> Run:
        """Carry out the plan of this checksum, and no other.

        It is made once more: where it comes out otherwise, because somebody edited here or over
        there, nothing is begun. ``archives``: also where it takes more away than ``ARCHIVES``.
        """
        opened = await self._targets.open(principal, brief, target)
        planned = await self._planner.plan(principal, opened)
        plan = planned.plan
        if plan.checksum != checksum:
            raise Conflict(
                "Something changed here or over there since this was planned. It would now come to "
                f"{_counted(plan.counts)}.",
                "Look at the new plan, and approve that one.",
                code="plan_changed",
            )
        refuse_if_unsafe(plan, limit=ARCHIVES, yes=archives)
        run = Run(
            id=new_id("run"),
            target=opened.target.id,
            brief=opened.brief.id,
            turn=planned.turn,
            state=RunState.PLANNED,
            checksum=plan.checksum,
            counts=plan.counts,
            total=len(plan.steps),
            done=0,
            actor=principal.subject,
            actor_name=principal.name or principal.subject,
            created_at=now(),
        )
        try:
            await self._runs.begin(run, plan, planned.place, tenant=opened.space.tenant)
        except Busy:
            raise busy(opened.target) from None
        except Deleted:
            raise NotFound("target", opened.target.id) from None
        except Overtaken:
            raise Conflict(
                "Somebody else exported this meanwhile.",
                "Look at the new plan, and approve that one.",
                code="plan_changed",
            ) from None
        return self._begun(opened, run)

    async def run(
        self, principal: Principal, brief: str, target: str, run: str
    ) -> tuple[Run, Sequence[Called]]:
        """A run and what became of its steps."""
        opened = await self._targets.open(principal, brief, target, Action.READ)
        found = await self._one(opened, run)
        return found, (await self._runs.outcomes([found.id]))[found.id]

    async def runs(self, principal: Principal, brief: str, target: str) -> Sequence[Run]:
        """The latest runs: who approved what, and what came of it."""
        opened = await self._targets.open(principal, brief, target, Action.READ)
        return await self._runs.list(opened.target.id, opened.brief.id, limit=RUNS)

    async def cancel(self, principal: Principal, brief: str, target: str, run: str) -> Run:
        """Let a run end before its next step. What was sent stays sent."""
        opened = await self._targets.open(principal, brief, target)
        found = await self._one(opened, run)
        if not found.state.over:
            await self._runs.call_off(found)
            self._wake()
        return replace(found, stop=True)

    async def resume(self, principal: Principal, brief: str, target: str, run: str) -> Run:
        """Go on with a run that ended before its end, with what was approved then."""
        opened = await self._targets.open(principal, brief, target)
        found = await self._one(opened, run)
        latest = await self._runs.list(opened.target.id, opened.brief.id, limit=1)
        if found.state not in (RunState.FAILED, RunState.CANCELLED) or latest[0].id != found.id:
            raise _not_resumable()
        try:
            await self._runs.resume(found, tenant=opened.space.tenant)
        except Busy:
            raise busy(opened.target) from None
        except Deleted:
            raise NotFound("target", opened.target.id) from None
        except Overtaken:
            raise _not_resumable() from None
        return self._begun(opened, replace(found, state=RunState.PLANNED, trouble=None))

    async def decide(
        self,
        principal: Principal,
        brief: str,
        target: str,
        parts: Sequence[PartDecision],
        ways: Sequence[WayDecision],
    ) -> None:
        """Take note of what a person decided; the next plan goes by it, while what it was decided
        about still is so."""
        opened = await self._targets.open(principal, brief, target)
        if len(parts) + len(ways) > DECISIONS:
            raise Invalid(
                f"{len(parts) + len(ways)} decisions were sent at once.",
                f"Send {DECISIONS} at a time.",
            )
        entries = await entries_of(self._store, opened.target.id, opened.brief.id)
        released = (await self._decisions.of_brief(opened.target.id, opened.brief.id)).released
        for one in parts:
            if one.key not in entries:
                raise NotFound("exported item", one.key)
        for way in ways:
            if way.key not in entries and not (way.key in released and way.way is Way.RECREATE):
                raise NotFound("exported item", way.key)
        await self._decisions.decide(
            opened.target.id,
            opened.brief.id,
            parts,
            ways,
            actor=principal.subject,
            actor_name=principal.name or principal.subject,
        )

    async def look(self, principal: Principal, brief: str, target: str) -> None:
        """Ask for a look over there; what it finds comes as an event."""
        opened = await self._targets.open(principal, brief, target)
        await self._looks.ask(opened.target, opened.brief.id)
        self._wake()

    async def ledger(self, principal: Principal, brief: str, target: str) -> Ledger:
        """What was made over there, how it stood at the last look, and what it rests on."""
        opened = await self._targets.open(principal, brief, target, Action.READ)
        entries = await entries_of(self._store, opened.target.id, opened.brief.id)
        reading = await self._read(principal, opened.brief, pictures=False) if entries else None
        stale: frozenset[str] = frozenset()
        if reading is not None:
            stale = await asyncio.to_thread(resting_on_stale, reading, frozenset(entries))
        return Ledger(
            self._reach.adapter(opened.target.kind),
            [Made(entry, entry.key in stale) for entry in entries.values()],
            await self._looks.findings(opened.target.id, opened.brief.id),
        )

    async def _one(self, opened: Opened, run: str) -> Run:
        found = await self._runs.one(opened.target.id, opened.brief.id, run)
        if found is None:
            raise NotFound("export", run)
        return found

    async def _read(self, principal: Principal, brief: Brief, *, pictures: bool = True) -> Reading:
        return await self._current.read(
            brief.id,
            brief.space,
            scope=principal.scope([brief.space]),
            principal=principal,
            pictures=pictures,
        )

    def _begun(self, opened: Opened, run: Run) -> Run:
        self._hub.publish(opened.space.id, "export", told(run))
        self._wake()
        return run


def _not_resumable() -> Conflict:
    return Conflict(
        "Only the latest export can go on, and only one that stopped before its end.",
        "Plan a new one.",
        code="not_resumable",
    )


_COUNTED: Final = ("create", "update", "archive", "conflict", "drift", "astray")


def _counted(counts: Mapping[str, int]) -> str:
    said = [f"{counts[name]} {name}" for name in _COUNTED if counts.get(name)]
    return " · ".join(said) or "nothing to send"
