"""A brief, a small Trello, and everything between them, in time that passes without waiting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from exporters import apply, plan
from exporters.http import HttpApi
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief, Item, Reference, Span
from exporters.records import OVERVIEW, Decisions, Json, Place
from exporters.trello import Trello
from tests.conftest import ROOT
from tests.remotes import trello
from tests.remotes.faults import Fault, Faults
from tests.remotes.time import VirtualClock

LINK = "https://strat.example/s/team/b/brief1"
BASE_URL = "https://api.trello.com/1"
SPECS = Path(os.environ.get("STRATMASTER_TEST_SPECS", ROOT.parent / "shared/specs"))
DOCUMENT = SPECS / "trello-swagger.v3.json"


class World:
    """One board with three lists; two people on it."""

    def __init__(self, *, link: str = LINK, checked: bool = True) -> None:
        self.clock = VirtualClock()
        held = trello.document(DOCUMENT) if checked and DOCUMENT.exists() else None
        self.server = trello.Trello(self.clock, held)
        self.board = self.server.board("Launch")
        self.server.member("Bob Brown", "bob", self.board)
        self.link = link
        self.mapping: dict[str, Json] = {}
        self.adapter = Trello()
        self.faults = Faults(self.server, self.clock)
        self.books = Books()
        self.turn = 0
        self.api = self.worker()

    def worker(self) -> HttpApi:
        """A worker's own line to Trello, and a budget of its own."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.faults))

        async def authorize(*, renew: bool) -> Mapping[str, str]:
            said = f'OAuth oauth_consumer_key="{trello.KEY}", oauth_token="{trello.TOKEN}"'
            return {"authorization": said}

        budget = MemoryBudget(self.adapter.paces, self.clock)
        return HttpApi(client, BASE_URL, authorize, budget, self.clock, chance=lambda: 0.5)

    @property
    def place(self) -> Place:
        where: dict[str, Json] = {"board": self.board}
        return Place("trello", "target1", where, self.mapping, self.link, "brief1")

    def strike(self, faults: Mapping[int, Fault]) -> None:
        """Calls are counted from here."""
        self.faults.calls = 0
        self.faults.faults = dict(faults)

    async def plan(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        place = await self.adapter.learn(self.api, self.place, brief)
        self.learnt = place
        ledger = MemoryLedger(self.books)
        entries = await ledger.entries()
        found = await self.adapter.read(self.api, place, list(entries.values()))
        self.turn += 1
        rendering = self.adapter.render(brief, place)
        return plan.make(
            self.adapter, place, rendering, entries, found, decisions, version="1", turn=self.turn
        )

    async def run(self, planned: plan.Plan) -> apply.Ran:
        return await apply.run(
            planned.steps,
            planned.settlements,
            adapter=self.adapter,
            api=self.api,
            place=self.learnt,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            actor="mara",
            patience=timedelta(hours=2),
        )

    async def export(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        """Plan and carry it out; every call must be done."""
        planned = await self.plan(brief, decisions)
        ran = await self.run(planned)
        left = [one for one in ran.outcomes if one.outcome is not apply.Result.DONE]
        assert not left, left
        return planned

    def card(self, key: str = OVERVIEW) -> dict[str, Any]:
        return self.server.cards[self.books.entries[key].ref]

    def list_of(self, key: str) -> str:
        name: str = self.server.lists[self.card(key)["idList"]]["name"]
        return name

    def people_on(self, key: str) -> list[str]:
        return [self.server.members[id]["username"] for id in self.card(key)["idMembers"]]


def action(key: str, text: str, **said: Any) -> Item:
    return Item(key, "action", (Span(text),), **said)


def paragraph(key: str, text: str) -> Item:
    return Item(key, "paragraph", (Span(text),))


def brief(
    *items: Item, title: str = "Launch plan", references: tuple[Reference, ...] = ()
) -> Brief:
    return Brief("brief1", title, items, references)


SIMPLE = brief(
    Item("h1", "heading", (Span("Why"),), level=2),
    Item("p1", "paragraph", (Span("Sales "), Span("rose", bold=True), Span(cite="c1"))),
    action("a1", "Call the bank", owner="Bob Brown", due=date(2026, 4, 1)),
    action("a2", "Write the letter", status="doing", owner="Zoe"),
    action("a3", "Rent the hall", status="done"),
    references=(Reference(1, "c1", "Report.pdf", "Sales rose by 4 %", 3),),
)
