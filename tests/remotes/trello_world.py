"""A brief, a small Trello, and everything between them, in time that passes without waiting."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from exporters.errors import NotConnected, RemoteRefused
from exporters.http import HttpApi
from exporters.model import Brief, Item, Reference, Span
from exporters.ports import Api, Budget, Response
from exporters.records import OVERVIEW, Json, Place, Request
from exporters.trello import Trello
from exporters.trello.cards import RETIRED
from tests.conftest import ROOT
from tests.remotes import schedules, trello, world
from tests.remotes.time import VirtualClock
from tests.remotes.world import LINK

BASE_URL = "https://api.trello.com/1"
SPECS = Path(os.environ.get("STRATMASTER_TEST_SPECS", ROOT.parent / "shared/specs"))
DOCUMENT = SPECS / "trello-swagger.v3.json"


class World(world.World[Trello]):
    """One board with three lists; two people on it."""

    def __init__(self, *, link: str = LINK, checked: bool = True) -> None:
        clock = VirtualClock()
        held = trello.document(DOCUMENT) if checked and DOCUMENT.exists() else None
        self.server = trello.Trello(clock, held)
        self.board = self.server.board("Launch", ["To do", "Doing", "Waiting", "Done"])
        self.server.member("Bob Brown", "bob", self.board)
        self.link = link
        self.mapping: dict[str, Json] = {}
        super().__init__(Trello(), self.server, clock)

    def api(self, budget: Budget) -> Api:
        return _Connection(
            HttpApi(self.http, BASE_URL, _signed, budget, self.clock, chance=lambda: 0.5)
        )

    @property
    def place(self) -> Place:
        where: dict[str, Json] = {"board": self.board}
        return Place("trello", "target1", where, self.mapping, self.link, "brief1")

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
        """Cards that are open, and what on any card of ours we never struck through: what a person
        makes of that afterwards is theirs."""
        server = self.server
        ours = [card for card in server.cards.values() if card["id"] not in server.copies]
        found = [card["id"] for card in ours if not card["closed"]]
        for card in ours:
            lists = [one for one in server.checklists.values() if one["idCard"] == card["id"]]
            said = [one["id"] for one in (*server.comments(card["id"]), *lists)]
            found += [id for id in said if not self._let_go(id)]
            for checklist in lists:
                lines = [one["id"] for one in checklist["checkItems"]]
                found += [f"{checklist['id']}/{id}" for id in lines if not self._let_go(id)]
        return found

    def _let_go(self, id: str) -> bool:
        return any(said.startswith(("~~", RETIRED)) for said in self.server.wrote(id))

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


def draw_brief(rng: random.Random) -> Brief:
    """Text, and actions in every state; some of it too long for one card."""
    items = tuple(_drawn(rng, f"k{number}") for number in range(rng.randint(0, 3)))
    return Brief("brief1", rng.choice(WORDS), items, meta={"version": "1"})


def revise_brief(rng: random.Random, brief: Brief) -> Brief:
    """Words, owners, dates and states change; blocks come, go and change places."""
    return schedules.revised(rng, brief, _drawn)


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
