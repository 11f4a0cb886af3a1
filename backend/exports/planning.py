"""What an export would do: read here and there, compared, and shown before anything is sent."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.principal import Principal
from backend.briefs.service import Brief
from backend.clock import iso
from backend.documents.current import CurrentBriefs, Reading
from backend.errors import Conflict, TooLarge
from backend.exports.compared import Comparisons, Sides
from backend.exports.differences import findings
from backend.exports.guard import guarded
from backend.exports.model import Look, Target
from backend.exports.reach import Reach
from backend.exports.targets import Opened
from backend.store.engine import Store
from backend.store.exports.decisions import StoredDecisions, spend
from backend.store.exports.looks import StoredLooks
from backend.store.exports.runs import StoredRuns
from backend.store.ledger import StoredLedger, entries_of, intents_of
from backend.store.outbox import LeaseLost
from exporters import apply
from exporters.compare import Comparison
from exporters.errors import LostLease
from exporters.plan import Plan, make
from exporters.ports import Adapter, Api, Clock
from exporters.records import (
    OVERVIEW,
    Decisions,
    Entry,
    Found,
    Json,
    Loss,
    Place,
    Rendering,
    encode,
)

STEPS: Final = 5_000
KNOWN: Final = 1024 * 1024  # bytes of one thing learnt that are kept
BYTES: Final = 32 * 1024 * 1024  # of all the calls of a plan

NO_LINKS: Final = Loss(
    OVERVIEW,
    "Nothing there links back to this brief: STRATMASTER_PUBLIC_URL does not say where people "
    "reach this product.",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """``place`` is as it was planned for, with what a run needs to know of it. ``settled``: the
    ledger took note of what was decided, as this was planned."""

    plan: Plan
    adapter: Adapter
    place: Place
    turn: int
    settled: bool = False


class Planner:
    def __init__(
        self,
        store: Store,
        runs: StoredRuns,
        decisions: StoredDecisions,
        looks: StoredLooks,
        current: CurrentBriefs,
        reach: Reach,
        clock: Clock,
    ) -> None:
        self._store = store
        self._runs = runs
        self._decisions = decisions
        self._looks = looks
        self._current = current
        self._reach = reach
        self._clock = clock
        self._comparisons = Comparisons()

    async def plan(self, principal: Principal, opened: Opened) -> Planned:
        """What would be sent now, by this person: with the evidence that they may see.

        Reads over there and sends nothing. What it finds changed is kept as a look's findings; what
        was decided and asks for no call is taken note of at once. Conflict while an export is under
        way, or while the outcome of one is not known.
        """
        target, brief = opened.target, opened.brief
        if await self._runs.under_way(target.id, brief.id):
            raise busy(target)
        adapter = self._reach.adapter(target.kind)
        api = await self._reach.api(target)
        reading = await self._current.read(
            brief.id, brief.space, scope=principal.scope([brief.space]), principal=principal
        )
        place = await adapter.learn(api, place_of(self._current, target, brief.id), reading.brief)
        await self._reconcile(adapter, api, target, place)
        turn = await self._runs.turn(target.id, brief.id)
        entries = await entries_of(self._store, target.id, brief.id)
        decisions = await self._decisions.of_brief(target.id, brief.id)
        found = await adapter.read(api, place, list(entries.values())) if entries else {}
        plan = await asyncio.to_thread(
            _make, adapter, place, reading, entries, found, decisions, turn
        )
        settled = plan.noted and not plan.steps
        if settled:
            await self._take_note(principal, target, place, plan)
            entries = await entries_of(self._store, target.id, brief.id)
            decisions = await self._decisions.of_brief(target.id, brief.id)
            plan = await asyncio.to_thread(
                _make, adapter, place, reading, entries, found, decisions, turn
            )
        differs, known = await asyncio.to_thread(lambda: (findings(entries, found), _kept(place)))
        await self._looks.found(target.id, brief.id, differs, known)
        return Planned(plan, adapter, place, turn, settled)

    async def _take_note(
        self, principal: Principal, target: Target, place: Place, plan: Plan
    ) -> None:
        """Settle what was decided, which spends the decisions, unless an export was begun since."""

        async def hold(connection: AsyncConnection) -> None:
            await self._hold(connection, target, place)
            await spend(
                connection,
                target.id,
                place.brief,
                plan,
                actor=principal.subject,
                actor_name=principal.name or principal.subject,
            )

        ledger = StoredLedger(self._store, target=target.id, brief=place.brief, run="", hold=hold)
        try:
            await apply.settle(plan.settlements, ledger)
        except LostLease:
            raise busy(target) from None

    async def standing(
        self,
        brief: Brief,
        target: Target,
        reading: Reading,
        entries: Mapping[str, Entry],
        look: Look,
    ) -> Comparison | None:
        """How a brief compares to what was seen at the last look, asking nobody; None where nothing
        was made there, or it is not known how it would be shown."""
        if not entries or look.known is None:
            return None
        sides = Sides(
            reading.brief,
            place_of(self._current, target, brief.id, look),
            entries,
            await self._looks.findings(target.id, brief.id),
            await self._decisions.of_brief(target.id, brief.id),
        )
        return await self._comparisons.of(self._reach.adapter(target.kind), sides)

    async def _reconcile(self, adapter: Adapter, api: Api, target: Target, place: Place) -> None:
        """Find out about calls of earlier runs whose outcome nobody knows; else a plan would make
        again what may be there."""
        if not await intents_of(self._store, target.id, place.brief):
            return

        async def hold(connection: AsyncConnection) -> None:
            await self._hold(connection, target, place)

        ledger = StoredLedger(self._store, target=target.id, brief=place.brief, run="", hold=hold)
        try:
            ran = await apply.reconcile(
                adapter=adapter, api=api, place=place, ledger=ledger, clock=self._clock
            )
        except LostLease:
            raise busy(target) from None
        if ran.wait_until is not None:
            raise Conflict(
                f"Calls of an earlier export were sent and never answered: {len(ran.reconciling)}. "
                "They are looked for before anything else is made.",
                f"Plan again from {iso(ran.wait_until)} on.",
                code="reconciling",
            )

    async def _hold(self, connection: AsyncConnection, target: Target, place: Place) -> None:
        if await self._runs.held(connection, target.id, place.brief):
            raise LeaseLost(target.id)


def place_of(current: CurrentBriefs, target: Target, brief: str, look: Look | None = None) -> Place:
    """Where a brief goes, with what the last look learnt of it."""
    return Place(
        kind=target.kind,
        target=target.id,
        where=target.where,
        mapping=target.mapping,
        link=current.link(target.space, brief),
        brief=brief,
        known=(look.known if look is not None else None) or {},
    )


def busy(target: Target) -> Conflict:
    return Conflict(
        f"An export of this brief to {target.name!r} is under way.",
        "Wait for its end, or cancel it.",
        code="export_runs",
    )


def _kept(place: Place) -> Mapping[str, Json]:
    """What was learnt of the place, for comparisons later; without what is too large for that, such
    as pictures, which only calls hold."""
    return {name: value for name, value in place.known.items() if len(encode(value)) <= KNOWN}


def _make(
    adapter: Adapter,
    place: Place,
    reading: Reading,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
    decisions: Decisions,
    turn: int,
) -> Plan:
    rendering = adapter.render(reading.brief, place)
    said = guarded(reading.brief.references)
    if not place.link:
        said = (*said, NO_LINKS)
    rendering = replace(rendering, losses=(*said, *rendering.losses))
    plan = make(
        adapter,
        place,
        rendering,
        entries,
        found,
        decisions,
        version=_version(rendering),
        turn=turn,
    )
    size = sum(len(encode(step.request.body)) for step in plan.steps)
    if len(plan.steps) > STEPS or size > BYTES:
        raise TooLarge(
            f"This export takes {len(plan.steps):,} calls and {size:,} bytes; {STEPS:,} calls and "
            f"{BYTES:,} bytes are the most.",
            "Split the brief, or make its images smaller.",
        )
    return plan


def _version(rendering: Rendering) -> str:
    """Of the brief as the target would show it: an edit that it does not show changes no plan."""
    said: list[Json] = [
        [record.key, record.kind, record.parent, record.ordered, dict(record.fields)]
        for record in rendering.records
    ]
    return hashlib.sha256(encode(said)).hexdigest()
