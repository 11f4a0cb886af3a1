"""A brief, a small Trello, and everything between them, in time that passes without waiting."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from exporters import apply, plan
from exporters.errors import NotConnected, RemoteRefused
from exporters.http import HttpApi
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief, Item, Reference, Span
from exporters.ports import Api, Budget, Response
from exporters.records import OVERVIEW, Decisions, Json, Place, Request
from exporters.trello import Trello
from exporters.trello.cards import RETIRED
from tests.conftest import ROOT
from tests.remotes import trello
from tests.remotes.faults import Fault, Faults
from tests.remotes.line import Line
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
        self.board = self.server.board("Launch", ["To do", "Doing", "Waiting", "Done"])
        self.server.member("Bob Brown", "bob", self.board)
        self.link = link
        self.mapping: dict[str, Json] = {}
        self.adapter = Trello()
        self.faults = Faults(self.server, self.clock)
        self.books = Books()
        self.turn = 0
        self._client = Line(self.faults)
        self.line = self.api(MemoryBudget(self.adapter.paces, self.clock))

    def api(self, budget: Budget) -> Api:
        """A worker's connection, through the faults."""
        return _Connection(
            HttpApi(self._client, BASE_URL, _signed, budget, self.clock, chance=lambda: 0.5)
        )

    @property
    def place(self) -> Place:
        where: dict[str, Json] = {"board": self.board}
        return Place("trello", "target1", where, self.mapping, self.link, "brief1")

    def strike(self, faults: Mapping[int, Fault]) -> None:
        """Calls are counted from here."""
        self.faults.calls = 0
        self.faults.faults = dict(faults)

    async def plan(self, brief: Brief, decisions: Decisions | None = None) -> plan.Plan:
        place = await self.adapter.learn(self.line, self.place, brief)
        self.learnt = place
        ledger = MemoryLedger(self.books)
        entries = await ledger.entries()
        found = await self.adapter.read(self.line, place, list(entries.values()))
        self.turn += 1
        rendering = self.adapter.render(brief, place)
        return plan.make(
            self.adapter, place, rendering, entries, found, decisions, version="1", turn=self.turn
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

    # What schedules ask of a world.

    def meddle(self, rng: random.Random) -> None:
        """A person does something to a card of ours or what lies on it, or copies it."""
        server = self.server
        ours = [card for card in server.cards.values() if card["id"] not in server.copies]
        ours = [card for card in ours if not card["closed"] and card["idBoard"] == self.board]
        if not ours:
            return
        card = rng.choice(ours)
        match rng.randrange(14):
            case 0:
                card["closed"] = True
            case 1:
                server.delete(card["id"])
            case 2:
                self._move_away(card)
            case 3:
                self._move_away(card, hidden=True)
            case 4:
                server.duplicate(card["id"])
            case 5:
                server.edit(card, "idList", server.list_named(self.board, "Waiting"))
            case 6:
                server.put_on(card, server.me)
            case 7:
                server.take_off(card)
            case 8 if lines := server.lines(card["id"]):
                server.edit(rng.choice(lines), "state", rng.choice(["complete", "incomplete"]))
            case 9 if lines := server.lines(card["id"]):
                server.edit(rng.choice(lines), "name", rng.choice("xyz"))
            case 10:
                server.edit(card, "due", "2027-01-01T08:00:00.000Z")
            case 11:
                server.edit(card, "idList", server.list_named(self.board, "Done"))
            case _:
                server.edit(card, rng.choice(["name", "desc"]), rng.choice("xyz"))

    def _move_away(self, card: dict[str, Any], *, hidden: bool = False) -> None:
        board = self.server.board("Elsewhere", ["Anything"])
        card["idBoard"], card["idList"] = board, self.server.list_named(board, "Anything")
        card["idMembers"], card["idLabels"] = [], []
        if hidden:
            self.server.hidden.add(board)

    def live(self) -> Sequence[str]:
        """Cards that are open, and what on any card of ours is not struck through."""
        server = self.server
        ours = [card for card in server.cards.values() if card["id"] not in server.copies]
        found = [card["id"] for card in ours if not card["closed"]]
        for card in ours:
            said = ((one["id"], one["data"]["text"]) for one in server.comments(card["id"]))
            found += [id for id, text in said if not text.startswith(RETIRED)]
            for checklist in server.checklists.values():
                if checklist["idCard"] == card["id"] and not _struck(checklist):
                    found.append(checklist["id"])
                    lines = (one for one in checklist["checkItems"] if not _struck(one))
                    found += [f"{checklist['id']}/{line['id']}" for line in lines]
        return found

    def overwritten(self) -> set[str]:
        return self.server.overwritten

    @property
    def writes(self) -> int:
        return len(self.server.writes)

    def kept(self, part: str, value: Json) -> Json:
        return value.strip() if isinstance(value, str) else value

    def card(self, key: str = OVERVIEW) -> dict[str, Any]:
        return self.server.cards[self.books.entries[key].ref]

    def list_of(self, key: str) -> str:
        name: str = self.server.lists[self.card(key)["idList"]]["name"]
        return name

    def people_on(self, key: str) -> list[str]:
        return [self.server.members[id]["username"] for id in self.card(key)["idMembers"]]


class _Connection:
    """Trello says 401 of a card that the token may not see, too: as our connections do, tell that
    from a token that is no longer good."""

    def __init__(self, inner: HttpApi) -> None:
        self._inner = inner

    async def read(self, request: Request) -> Response:
        return await self._inner.read(request)

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        try:
            return await self._inner.write(request, not_after=not_after)
        except NotConnected as error:
            if "permission requested" not in str(error):
                raise
            raise RemoteRefused(str(error), status=403) from None


class TrelloWorld(World):
    """See ``schedules.World``."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(checked=False)


async def _signed(*, renew: bool) -> Mapping[str, str]:
    said = f'OAuth oauth_consumer_key="{trello.KEY}", oauth_token="{trello.TOKEN}"'
    return {"authorization": said}


def _struck(named: dict[str, Any]) -> bool:
    return str(named["name"]).startswith("~~")


def draw_brief(rng: random.Random) -> Brief:
    """Text, and actions in every state; some of it too long for one card."""
    items = tuple(_drawn(rng, f"k{number}") for number in range(rng.randint(0, 3)))
    return Brief("brief1", rng.choice(WORDS), items, meta={"version": "1"})


def revise_brief(rng: random.Random, brief: Brief) -> Brief:
    """Words, owners, dates and states change; blocks come, go and change places."""
    items = list(brief.items)
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(items)) if items else 0
        match rng.randrange(5):
            case 0 if items:
                del items[at]
            case 1 if items:
                items.insert(rng.randrange(len(items)), items.pop(at))
            case 2:
                items.insert(at, _drawn(rng, f"n{rng.randrange(1000)}"))
            case _ if items:
                items[at] = _drawn(rng, items[at].key)
    version = str(int(brief.meta["version"]) + 1)
    title = rng.choice([brief.title, rng.choice(WORDS)])
    return replace(brief, title=title, items=tuple(items), meta={"version": version})


def _drawn(rng: random.Random, key: str) -> Item:
    words = rng.choice(WORDS)
    if rng.random() < 0.3:
        return paragraph(key, words if rng.random() < 0.97 else "longer " * 2_600)
    return action(
        key,
        words,
        owner=rng.choice(["", "bob", "Alice Adams", "Zoe"]),
        due=rng.choice([None, date(2026, 4, 1), date(2026, 5, 2)]),
        status=rng.choice(["open", "doing", "done"]),
    )


WORDS = ("alpha", "beta", "gamma", "two  blanks", "😀 *star*")


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
