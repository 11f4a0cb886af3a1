"""A brief, a small Jira, and everything between them, in time that passes without waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from exporters import apply, plan
from exporters.http import HttpApi
from exporters.jira import Jira
from exporters.memory import Books, MemoryLedger
from exporters.model import Brief, Item, Reference, Span
from exporters.records import OVERVIEW, Decisions, Json, Place
from tests.remotes import jira
from tests.remotes.faults import Fault, Faults
from tests.remotes.time import VirtualClock

LINK = "https://strat.example/s/team/b/brief1"
EVIDENCE = Reference(1, "c1", "Report.pdf", "Churn fell.", page=4, link=f"{LINK}?sel=claim:1")


class Free:
    """A budget that nobody waits for but while it is paused."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._until = clock.now()

    async def take(self, calls: int = 1) -> None:
        await self._clock.sleep((self._until - self._clock.now()).total_seconds())

    async def pause(self, wait: timedelta) -> None:
        self._until = max(self._until, self._clock.now() + wait)


def action(key: str, text: str = "", **more: Any) -> Item:
    return Item(key, "action", (Span(text or f"Do {key}"),), **more)


def brief(*items: Item, title: str = "Win back customers", **more: Any) -> Brief:
    return Brief("brief1", title, items, **more)


@dataclass
class World:
    """``lag``: seconds until a search knows."""

    lag: Callable[[], float] = lambda: 0.0
    mapping: dict[str, Json] = field(default_factory=dict)
    link: str = LINK
    check: bool = True

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.server = jira.Jira(self.clock, lag=self.lag, check=self.check)
        self.adapter = Jira()
        self.books = Books()
        self.turn = 0
        self.faults = Faults(self.server, self.clock)
        self.token = jira.TOKEN
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.faults))
        self.api = HttpApi(
            self.http, "https://jira.test", self._authorize, Free(self.clock), self.clock
        )

    async def _authorize(self, *, renew: bool) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @property
    def place(self) -> Place:
        where: dict[str, Json] = {"project": jira.PROJECT, "key": "PLAN", "site": jira.SITE}
        return Place("jira", "target1", where, self.mapping, self.link, "brief1")

    def strike(self, faults: Mapping[int, Fault]) -> None:
        """Calls are counted from here."""
        self.faults.calls = 0
        self.faults.faults = dict(faults)

    async def plan(self, of: Brief, decisions: Decisions | None = None) -> plan.Plan:
        place = await self.adapter.learn(self.api, self.place, of)
        ledger = MemoryLedger(self.books)
        entries = await ledger.entries()
        found = await self.adapter.read(self.api, place, list(entries.values()))
        self.turn += 1
        rendering = self.adapter.render(of, place)
        return plan.make(
            self.adapter, place, rendering, entries, found, decisions, version="1", turn=self.turn
        )

    async def run(self, planned: plan.Plan) -> apply.Ran:
        return await apply.run(
            planned.steps,
            planned.settlements,
            adapter=self.adapter,
            api=self.api,
            place=self.place,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            actor="mara",
            patience=timedelta(hours=2),
        )

    async def export(self, of: Brief, decisions: Decisions | None = None) -> plan.Plan:
        """Plan and carry it out; every call must be done, and nothing wrong be said."""
        planned = await self.plan(of, decisions)
        ran = await self.run(planned)
        left = [one for one in ran.outcomes if one.outcome is not apply.Result.DONE]
        assert not left, left
        assert not self.server.wrong, self.server.wrong
        return planned

    def issue(self, key: str = OVERVIEW) -> jira.Issue:
        return self.server.issue(self.books.entries[key].ref)

    @property
    def ours(self) -> list[jira.Issue]:
        """The issues that this connection made, in order."""
        return [one for one in self.server.issues.values() if one.creator == jira.ME]
