"""A brief, a small Notion, and everything between them, in time that passes without waiting."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from exporters.http import HttpApi
from exporters.memory import MemoryBudget
from exporters.model import Brief, Item, Reference, Span
from exporters.notion import Notion
from exporters.ports import Budget
from exporters.records import Json, Place
from tests.remotes import notion, schedules, world
from tests.remotes.schedules import WORDS
from tests.remotes.time import VirtualClock
from tests.remotes.world import LINK

BASE_URL = "https://notion.test"


async def _authorize(*, renew: bool) -> Mapping[str, str]:
    return {"authorization": f"Bearer {notion.TOKEN}", "notion-version": notion.VERSION}


class World(world.World[Notion]):
    """``where`` and ``mapping`` are the place's; the server is made before them."""

    def __init__(
        self,
        server: notion.Notion,
        clock: VirtualClock,
        where: dict[str, Json],
        *,
        paced: bool = True,
    ) -> None:
        self.server = server
        self.where = where
        self.mapping: dict[str, Json] = {}
        self.link = LINK
        self._paced = paced
        super().__init__(Notion(), server, clock)

    def budget(self) -> Budget:
        return super().budget() if self._paced else MemoryBudget((), self.clock)

    def api(self, budget: Budget) -> HttpApi:
        return HttpApi(self.http, BASE_URL, _authorize, budget, self.clock)

    @property
    def place(self) -> Place:
        return Place("notion", "target1", self.where, self.mapping, self.link, "brief1")

    def shown(self, id: str | None = None) -> list[Any]:
        """The page as people see it: type, text and what lies within, if anything does."""
        found: list[Any] = []
        for node in self.server.children(id or self.ref()):
            inner = self.shown(node.id)
            one = node.type, said(node)
            found.append((*one, inner) if inner else one)
        return found


def said(node: notion.Node) -> str:
    """A block's words."""
    if node.type == "table_row":
        return " | ".join(plain(cell) for cell in node.body["cells"])
    return plain(node.body.get("rich_text", []))


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


def with_rows() -> World:
    """Its actions are rows of a second data source."""
    world = in_data_source()
    world.mapping["actions"] = world.server.data_source("Actions", **PROPERTIES)
    return world


def without_property() -> World:
    """A data source that has no property for the marker."""
    world = in_data_source()
    world.where = {"data_source": world.server.data_source("Plain", Due={"type": "date"})}
    return world


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


class NotionWorld(World):
    """A world for ``schedules``: a target of any of four shapes, and a person who meddles."""

    def __init__(self, rng: random.Random) -> None:
        shape = rng.choice((in_data_source, under_page, with_rows, without_property))()
        super().__init__(shape.server, shape.clock, shape.where)
        self.mapping = shape.mapping

    def meddle(self, rng: random.Random) -> None:
        server = self.server
        ours = [server.nodes[id] for id in self.live()]
        if not ours:
            return
        node = rng.choice(ours)
        page = node.type == "child_page"
        match rng.randrange(14):
            case 0:
                server.trash(node.id)
            case 1 if node.type not in ("table", "table_row"):
                server.delete(node.id)
            case 2 if page:
                server.move(node.id, "page_id", server.page("Archive"))
            case 2 if node.type != "table_row":
                self._drag(node, [one for one in ours if one.type == "bulleted_list_item"])
            case 3 if page:
                node.shared = False
            case 4:
                server.duplicate(node.id)
            case 5 if not page and node.parent[0] == "page_id":
                server.insert(node.parent[1], "mine", after=node.id)
            case 6 if node.type in notion.HOLDERS[:-1]:
                server.insert(node.id, "mine")
            case 7 if node.type == "to_do":
                server.set(node.id, checked=not node.body.get("checked"))
            case 8 if node.type == "paragraph":
                node.type = "heading_2"
            case 9 if not page and node.parent[0] == "page_id":
                inner = server.nodes[node.parent[1]].inner
                inner.insert(0, inner.pop(inner.index(node.id)))
            case _ if node.type not in ("divider", "table"):
                server.write(node.id, rng.choice("xyz"))

    def _drag(self, node: notion.Node, into: Sequence[notion.Node]) -> None:
        inside = {one.id for one in self.server.walk(node.id)} | {node.id}
        for other in into:
            if other.id not in inside:
                self.server.move(node.id, "block_id", other.id)
                return

    def live(self) -> Sequence[str]:
        return [
            node.id
            for node in self.server.nodes.values()
            if node.made_by == self.server.bot and not self.server.is_trashed(node)
        ]

    def overwritten(self) -> set[str]:
        """But for what went to the trash while the same words stand in a block of ours."""
        nodes = self.server.nodes
        standing = {said(nodes[id]) for id in self.live()}
        return {
            id
            for id in self.server.overwritten
            if not (id in nodes and nodes[id].in_trash and said(nodes[id]) in standing)
        }

    @property
    def writes(self) -> int:
        return self.server.writes

    def kept(self, part: str, value: Json) -> Json:
        return value


_CITES = ("c1", "c2")


def draw_brief(rng: random.Random) -> Brief:
    """A few blocks of any kind, some with citations."""
    items = tuple(_draw(rng, f"k{number}") for number in range(rng.randint(1, 4)))
    return _cited(Brief("brief1", rng.choice(WORDS), items, meta={"version": "1"}))


def revise_brief(rng: random.Random, given: Brief) -> Brief:
    """Texts, kinds, rows and citations change; blocks come, go and change places."""
    return _cited(schedules.revised(rng, given, _draw))


def _draw(rng: random.Random, key: str) -> Item:
    text: tuple[Span, ...] = (Span(rng.choice(WORDS), bold=rng.random() < 0.3),)
    if rng.random() < 0.2:
        text += (Span(cite=rng.choice(_CITES)),)
    match rng.randrange(8):
        case 0 | 1:
            owner, status = rng.choice(["", "Mara Lind"]), rng.choice(["open", "doing", "done"])
            due = rng.choice([None, date(2026, 5, 1)])
            return Item(key, "action", text, owner=owner, due=due, status=status)
        case 2:
            inner = tuple(
                Item(f"{key}i{n}", "list_item", (Span(rng.choice(WORDS)),), _within(rng, key, n))
                for n in range(rng.randint(1, 2))
            )
            return Item(key, rng.choice(["bullet_list", "ordered_list"]), (), inner)
        case 3:
            columns = rng.randint(1, 2)
            rows = tuple(
                Item(
                    f"{key}r{row}",
                    "row",
                    children=tuple(
                        Item(f"{key}r{row}c{one}", "cell", (Span(rng.choice(WORDS)),))
                        for one in range(columns)
                    ),
                )
                for row in range(rng.randint(1, 3))
            )
            return Item(key, "table", children=rows)
        case 4:
            return Item(key, "code", (Span(rng.choice(WORDS)),), language="py")
        case _:
            return Item(key, rng.choice(["paragraph", "heading", "quote"]), text, level=2)


def _within(rng: random.Random, key: str, number: int) -> tuple[Item, ...]:
    if rng.random() < 0.6:
        return ()
    return (Item(f"{key}i{number}w", "paragraph", (Span(rng.choice(WORDS)),)),)


def _cited(given: Brief) -> Brief:
    """With a reference for each citation, numbered by first appearance."""
    cites = dict.fromkeys(
        span.cite for item in given.items for span in item.spans if span.cite is not None
    )
    references = tuple(
        Reference(number, cite, f"{cite}.pdf", "so it says", link=f"{LINK}?cite={cite}")
        for number, cite in enumerate(cites, start=1)
    )
    return replace(given, references=references)
