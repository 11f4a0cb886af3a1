"""A brief, a target in miniature, and everything between them, in time that passes at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Generic, TypeVar

from starlette.types import ASGIApp

from exporters import apply, plan
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief
from exporters.ports import Adapter, Api, Budget
from exporters.records import OVERVIEW, Decisions, Place
from tests.remotes.faults import Fault, Faults
from tests.remotes.line import line
from tests.remotes.time import VirtualClock

LINK = "https://strat.example/s/team/b/brief1"

A = TypeVar("A", bound=Adapter)


class World(Generic[A]):
    """One target, one brief's ledger, and a connection that keeps the published pace."""

    def __init__(self, adapter: A, server: ASGIApp, clock: VirtualClock) -> None:
        self.adapter = adapter
        self.clock = clock
        self.books = Books()
        self.turn = 0
        self.faults = Faults(server, clock)
        self.http = line(self.faults)
        self.line = self.api(self.budget())
        self.learnt = self.place

    def budget(self) -> Budget:
        return MemoryBudget(self.adapter.paces, self.clock)

    def api(self, budget: Budget) -> Api:
        """A worker's connection, through the faults."""
        raise NotImplementedError

    @property
    def place(self) -> Place:
        raise NotImplementedError

    def strike(self, faults: Mapping[int, Fault]) -> None:
        """Calls are counted from here."""
        self.faults.calls = 0
        self.faults.faults = dict(faults)

    async def plan(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        self.learnt = await self.adapter.learn(self.line, self.place, brief)
        entries = dict(self.books.entries)
        found = await self.adapter.read(self.line, self.learnt, list(entries.values()))
        self.turn += 1
        rendering = self.adapter.render(brief, self.learnt)
        return plan.make(
            self.adapter, self.learnt, rendering, entries, found, decisions,
            version="1", turn=self.turn,
        )  # fmt: skip

    async def reconcile(self) -> apply.Ran:
        """Find out about every call without an answer."""
        return await apply.reconcile(
            adapter=self.adapter,
            api=self.line,
            place=self.place,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            patience=timedelta(hours=2),
        )

    async def run(
        self, planned: plan.Plan, *, patience: timedelta = timedelta(hours=2)
    ) -> apply.Ran:
        return await apply.run(
            planned.steps,
            planned.settlements,
            adapter=self.adapter,
            api=self.line,
            place=self.learnt,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            actor="mara",
            patience=patience,
        )

    async def export(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        """Plan and carry it out; every call must be done."""
        planned = await self.plan(brief, decisions)
        ran = await self.run(planned)
        left = [one for one in ran.outcomes if one.outcome is not apply.Result.DONE]
        assert not left, left
        return planned

    def ref(self, key: str = OVERVIEW) -> str:
        return self.books.entries[key].ref
