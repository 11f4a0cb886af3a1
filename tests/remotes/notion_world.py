"""A brief, a small Notion, and everything between them, in time that passes without waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx

from exporters import apply, plan
from exporters.http import HttpApi
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief, Item, Reference, Span
from exporters.notion import BASE_URL, HEADERS, Notion
from exporters.records import OVERVIEW, Decisions, Json, Place
from tests.remotes import notion
from tests.remotes.faults import Fault, Faults
from tests.remotes.time import VirtualClock

LINK = "https://strat.example/s/team/b/brief1"


@dataclass
class World:
    """``where`` and ``mapping`` are the place's; the server is made before them."""

    server: notion.Notion
    clock: VirtualClock
    where: dict[str, Json]
    mapping: dict[str, Json] = field(default_factory=dict)
    link: str = LINK
    books: Books = field(default_factory=Books)
    turn: int = 0
    paced: bool = True

    def __post_init__(self) -> None:
        self.adapter = Notion()
        self.faults = Faults(self.server, self.clock)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.faults))

        async def authorize(*, renew: bool) -> Mapping[str, str]:
            return {"authorization": f"Bearer {notion.TOKEN}"}

        budget = MemoryBudget(self.adapter.paces if self.paced else (), self.clock)
        self.api = HttpApi(self.http, BASE_URL, authorize, budget, self.clock, headers=HEADERS)

    @property
    def place(self) -> Place:
        return Place("notion", "target1", self.where, self.mapping, self.link, "brief1")

    def strike(self, faults: Mapping[int, Fault]) -> None:
        """Calls are counted from here."""
        self.faults.calls = 0
        self.faults.faults = dict(faults)

    async def plan(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        place = await self.adapter.learn(self.api, self.place, brief)
        ledger = MemoryLedger(self.books)
        entries = await ledger.entries()
        found = await self.adapter.read(self.api, place, list(entries.values()))
        self.turn += 1
        return plan.make(
            self.adapter,
            place,
            self.adapter.render(brief, place),
            entries,
            found,
            decisions,
            version="1",
            turn=self.turn,
        )

    async def settle(self) -> apply.Ran:
        """Find out about every call without an answer."""
        return await apply.reconcile(
            adapter=self.adapter,
            api=self.api,
            place=self.place,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            patience=timedelta(hours=2),
        )

    async def run(self, planned: plan.Plan, *, patient: bool = True) -> apply.Ran:
        return await apply.run(
            planned.steps,
            planned.settlements,
            adapter=self.adapter,
            api=self.api,
            place=self.place,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            actor="mara",
            patience=timedelta(hours=2 if patient else 0),
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

    def shown(self, id: str | None = None) -> list[Any]:
        """The page as people see it: type, text and what lies within, if anything does."""
        found: list[Any] = []
        for node in self.server.children(id or self.ref()):
            said = plain(node.body.get("rich_text", []))
            if node.type == "table_row":
                said = " | ".join(plain(cell) for cell in node.body["cells"])
            inner = self.shown(node.id)
            found.append((node.type, said, inner) if inner else (node.type, said))
        return found


def plain(text: Sequence[dict[str, Any]]) -> str:
    return "".join(
        one["text"]["content"] if "text" in one else one["mention"]["date"]["start"] for one in text
    )


def in_data_source(**kwargs: Any) -> World:
    """The brief goes into a data source that has a property for each of its values."""
    clock = VirtualClock()
    server = notion.Notion(clock, **kwargs)
    source = server.data_source("Briefs", **PROPERTIES)
    return World(server, clock, {"data_source": source})


def under_page(**kwargs: Any) -> World:
    clock = VirtualClock()
    server = notion.Notion(clock, **kwargs)
    return World(server, clock, {"page": server.page("Team home")})


STATUS: dict[str, Any] = {
    "type": "status",
    "options": [
        {"id": "s1", "name": "Not started"},
        {"id": "s2", "name": "In progress"},
        {"id": "s3", "name": "Blocked"},
        {"id": "s4", "name": "Done"},
    ],
    "groups": [
        {"id": "g1", "name": "To-do", "option_ids": ["s1"]},
        {"id": "g2", "name": "In progress", "option_ids": ["s2", "s3"]},
        {"id": "g3", "name": "Complete", "option_ids": ["s4"]},
    ],
}
PROPERTIES: dict[str, Any] = {
    "external_id": {"type": "rich_text"},
    "Status": STATUS,
    "Due": {"type": "date"},
    "Owner": {"type": "people"},
    "Link": {"type": "url"},
    "Open actions": {"type": "number"},
    "Budget": {"type": "number"},
}


def paragraph(key: str, text: str) -> Item:
    return Item(key, "paragraph", (Span(text),))


def brief(*items: Item, title: str = "Plan", references: Sequence[Reference] = ()) -> Brief:
    return Brief("brief1", title, items, tuple(references))


def without(given: Brief, *keys: str) -> Brief:
    return replace(given, items=tuple(item for item in given.items if item.key not in keys))
