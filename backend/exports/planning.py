"""What an export would do: read here and there, compared, and shown before anything is sent."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from backend.auth.principal import Principal
from backend.briefs.service import Brief
from backend.documents.current import CurrentBriefs, Reading
from backend.errors import TooLarge
from backend.exports.differences import findings, remembered
from backend.exports.model import Findings, Target
from backend.exports.reach import Reach
from backend.exports.targets import Opened
from backend.store.engine import Store
from backend.store.exports.decisions import StoredDecisions
from backend.store.exports.looks import StoredLooks
from backend.store.exports.runs import StoredRuns
from backend.store.ledger import entries_of
from exporters.compare import Comparison, compare
from exporters.plan import Plan, make
from exporters.ports import Adapter
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
BYTES: Final = 32 * 1024 * 1024  # of all the calls of a plan

NO_LINKS: Final = Loss(
    OVERVIEW,
    "Nothing there links back to this brief: STRATMASTER_PUBLIC_URL does not say where people "
    "reach this product.",
)


@dataclass(frozen=True, slots=True)
class Planned:
    plan: Plan
    adapter: Adapter
    turn: int
    differs: Findings


class Planner:
    def __init__(
        self,
        store: Store,
        runs: StoredRuns,
        decisions: StoredDecisions,
        looks: StoredLooks,
        current: CurrentBriefs,
        reach: Reach,
    ) -> None:
        self._store = store
        self._runs = runs
        self._decisions = decisions
        self._looks = looks
        self._current = current
        self._reach = reach

    async def plan(self, principal: Principal, opened: Opened) -> Planned:
        """What would be sent now, by this person: with the evidence that they may see.

        Reads over there and sends nothing. What it finds changed is kept as a look's findings.
        """
        target, brief = opened.target, opened.brief
        adapter = self._reach.adapter(target.kind)
        reading = await self._read(principal, opened)
        entries = await entries_of(self._store, target.id, brief.id)
        decisions = await self._decisions.of_brief(target.id, brief.id)
        turn = await self._runs.turn(target.id, brief.id)
        api = await self._reach.api(target)
        place = await adapter.learn(api, self.place(target, brief), reading.brief)
        found = await adapter.read(api, place, list(entries.values())) if entries else {}
        differs = findings(entries, found)
        await self._looks.found(target.id, brief.id, differs, place.known)
        plan = await asyncio.to_thread(
            _make, adapter, place, reading, entries, found, decisions, turn
        )
        return Planned(plan, adapter, turn, differs)

    async def standing(
        self, principal: Principal, brief: Brief, target: Target, reading: Reading
    ) -> Comparison | None:
        """How a brief compares to what was seen at the last look, asking nobody; None where there
        was none, or nothing was ever made there."""
        look = (await self._looks.of_brief(brief.id)).get(target.id)
        entries = await entries_of(self._store, target.id, brief.id)
        if not entries or look is None or look.known is None:
            return None
        adapter = self._reach.adapter(target.kind)
        place = replace(self.place(target, brief), known=look.known)
        known = await self._looks.findings(target.id, brief.id)
        decisions = await self._decisions.of_brief(target.id, brief.id)
        return await asyncio.to_thread(
            lambda: compare(
                adapter.render(reading.brief, place),
                entries,
                remembered(entries, known),
                decisions,
            )
        )

    def place(self, target: Target, brief: Brief) -> Place:
        return Place(
            kind=target.kind,
            target=target.id,
            where=target.where,
            mapping=target.mapping,
            link=self._current.link(target.space, brief.id),
            brief=brief.id,
        )

    async def _read(self, principal: Principal, opened: Opened) -> Reading:
        return await self._current.read(
            opened.brief.id,
            opened.space.id,
            scope=principal.scope([opened.space.id]),
            principal=principal,
        )


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
    if not place.link:
        rendering = replace(rendering, losses=(*rendering.losses, NO_LINKS))
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
