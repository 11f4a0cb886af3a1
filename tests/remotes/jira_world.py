"""A brief, a small Jira, and everything between them, in time that passes without waiting."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from exporters import plan
from exporters.http import HttpApi
from exporters.jira import Jira
from exporters.jira.target import REMOVED
from exporters.model import Brief, Item, Reference, Span
from exporters.ports import Api, Budget
from exporters.records import OVERVIEW, Decisions, Json, Place
from tests.remotes import jira, schedules, world
from tests.remotes.time import VirtualClock
from tests.remotes.world import LINK

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


class World(world.World[Jira]):
    """``lag``: seconds until a search knows. Nobody waits for the pace, so that Jira sets it."""

    def __init__(
        self,
        *,
        lag: Callable[[], float] = lambda: 0.0,
        mapping: dict[str, Json] | None = None,
        link: str = LINK,
        adapter: Jira | None = None,
    ) -> None:
        clock = VirtualClock()
        self.server = jira.Jira(clock, lag=lag)
        self.mapping = mapping or {}
        self.link = link
        self.token = jira.TOKEN
        super().__init__(adapter or Jira(), self.server, clock)

    def budget(self) -> Budget:
        return Free(self.clock)

    def api(self, budget: Budget) -> HttpApi:
        return HttpApi(
            self.http,
            "https://jira.test",
            self._authorize,
            budget,
            self.clock,
            window=timedelta(seconds=1),
            chance=lambda: 1.0,
        )

    async def _authorize(self, *, renew: bool) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @property
    def place(self) -> Place:
        where: dict[str, Json] = {"project": jira.PROJECT, "key": "PLAN", "site": jira.SITE}
        return Place("jira", "target1", where, self.mapping, self.link, "brief1")

    async def export(self, of: Brief, decisions: Decisions | None = None) -> plan.Plan:
        """Nothing wrong is said, either."""
        planned = await super().export(of, decisions)
        assert not self.server.wrong, self.server.wrong
        return planned

    def issue(self, key: str = OVERVIEW) -> jira.Issue:
        return self.server.issue(self.ref(key))

    @property
    def ours(self) -> list[jira.Issue]:
        """The issues that this connection made, in order."""
        return [one for one in self.server.issues.values() if one.creator == jira.ME]

    # For schedules.

    def meddle(self, rng: random.Random) -> None:
        """A person does something to an issue of ours, or beside it."""
        ours = [one for one in self.ours if not one.archived]
        if not ours:
            return
        server, issue = self.server, rng.choice(ours)
        match rng.randrange(14):
            case 0:
                server.delete(issue)
            case 1:
                server.move(issue)
            case 2:
                server.edit(issue, archived=True)
            case 3:
                server.clone(issue, properties=rng.random() < 0.5)
            case 4:
                server.seed(labels=[*issue.labels])
            case 5:
                server.edit(issue, labels=[*issue.labels, "theirs"])
            case 6:
                server.edit(issue, status=rng.choice([jira.TODO, jira.DOING, jira.DONE]))
            case 7 if issue.parent:
                server.edit(issue, parent=server.seed(type=jira.EPIC).id)
            case 8:
                server.edit(issue, assignee={"accountId": rng.choice([jira.ADA, jira.BOB])})
            case 9 | 10:
                words = {"type": "text", "text": rng.choice("xyz")}
                block = {"type": "paragraph", "content": [words]}
                server.edit(issue, description={"type": "doc", "version": 1, "content": [block]})
            case _:
                server.edit(issue, summary=rng.choice("xyz"))

    def live(self) -> Sequence[str]:
        return [one.id for one in self.ours if not one.archived and REMOVED not in one.labels]

    def overwritten(self) -> set[str]:
        return self.server.overwritten

    def kept(self, part: str, value: Json) -> Json:
        return value

    @property
    def writes(self) -> int:
        return self.server.writes


def draw_brief(rng: random.Random) -> Brief:
    return _dressed(rng, schedules.draw_brief(rng))


def revise_brief(rng: random.Random, before: Brief) -> Brief:
    return _dressed(rng, schedules.revise_brief(rng, before), some=0.3)


def _dressed(rng: random.Random, plain: Brief, some: float = 1.0) -> Brief:
    """With actions that have owners, dates and statuses, and link to one another."""
    keys = [item.key for item in plain.items if item.kind == "action"]

    def dressed(item: Item) -> Item:
        if item.kind != "action" or rng.random() > some:
            return item
        spans = (Span(rng.choice(schedules.WORDS)),)
        if rng.random() < 0.4:
            spans += (Span(" after", href=f"{LINK}?sel=block:{rng.choice(keys)}"),)
        return replace(
            item,
            spans=spans,
            owner=rng.choice(["", "Bob", "Zoe"]),
            due=rng.choice([None, date(2026, 4, 1), date(2026, 5, 1)]),
            status=rng.choice(["open", "doing", "done"]),
        )

    return replace(plain, id="brief1", items=tuple(map(dressed, plain.items)))


class Learned(Jira):
    """Learns once, beside the faults. Two thirds of all calls are to learn what no schedule
    changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Mapping[str, Json]] = {}

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        owners = tuple(sorted({item.owner for item in brief.items}))
        if owners not in self._known:
            calm = World()
            calm.server.seed()
            self._known[owners] = (await super().learn(calm.line, place, brief)).known
        return replace(place, known=self._known[owners])


_LEARNED = Learned()


class JiraWorld(World):
    """Drawn by chance: with a search that lags as it likes, in a project where others have worked
    before."""

    def __init__(self, rng: random.Random, *, learned: bool = True) -> None:
        lags = random.Random(rng.random())
        super().__init__(
            lag=lambda: lags.choice([0.0, 0.0, 3.0, 60.0, 240.0]),
            mapping={"removed": rng.choice(["done", "label"])},
            adapter=_LEARNED if learned else None,
        )
        self.server.seed()
