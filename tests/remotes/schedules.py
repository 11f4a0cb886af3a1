"""Exports under faults, drawn by chance: whatever befalls them, pressing again makes it right.

A schedule draws a brief, exports it while calls are lost, servers fail, workers are killed and
people edit over there, until it is quiet; then it changes the brief and exports again. Held to:
one object for each item, each as the preview said, nothing of a person's overwritten without their
word, and nothing sent once nothing changed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from exporters import apply, plan
from exporters.compare import ItemPlan
from exporters.errors import LostLease, NotConnected, Throttled, Unreachable
from exporters.judge import Verdict, same
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief, Item, Span
from exporters.plan import Plan
from exporters.ports import Adapter, Api, Budget, Ledger, Response
from exporters.records import (
    Choice,
    Decisions,
    Entry,
    Found,
    Intent,
    Json,
    Place,
    Request,
    Step,
)
from tests.remotes.faults import Fault, Faults, Killed
from tests.remotes.time import VirtualClock

ROUNDS = 80  # of one export, until it has to be quiet
CALLS = 16  # among which faults are drawn
POINTS = 60  # among which kills are drawn: before and after each call, note and sleep


class World(Protocol):
    """A target with its server, new for each schedule."""

    clock: VirtualClock
    faults: Faults  # stands before the server
    adapter: Adapter
    place: Place

    def api(self, budget: Budget) -> Api:
        """A worker's connection, through the faults."""
        ...

    def meddle(self, rng: random.Random) -> None:
        """A person does something over there, now: edits, archives, moves, copies one of ours."""
        ...

    def live(self) -> Sequence[str]:
        """The refs of all live objects that our token made, as entries have them."""
        ...

    def overwritten(self) -> set[str]:
        """The refs of objects in which our token replaced or archived a person's words."""
        ...

    def kept(self, part: str, value: Json) -> Json:
        """How the target keeps a part that is sent so."""
        ...

    @property
    def writes(self) -> int:
        """How many calls of ours changed something."""
        ...


async def run_schedules(
    make_world: Callable[[random.Random], World],
    count: int,
    seed: int,
    *,
    draw: Callable[[random.Random], Brief] | None = None,
    revise: Callable[[random.Random, Brief], Brief] | None = None,
) -> None:
    """So many schedules; AssertionError names the seed of the first that fails, which then can be
    run alone: count 1 with that seed."""
    for number in range(seed, seed + count):
        rng = random.Random(number)
        schedule = Schedule(make_world(rng), rng, draw or draw_brief, revise or revise_brief)
        try:
            await schedule.run()
        except Exception as error:
            told = "\n".join(schedule.told)
            raise AssertionError(f"schedule {number}: {error}\n{told}") from error


async def run_every_call(
    make_world: Callable[[random.Random], World], brief: Brief, *, seed: int = 0
) -> int:
    """Every fault at every call of one export, one at a time. How many exports that were."""
    calls, ran = 1, 0
    for fault in [None, *Fault]:
        for call in range(1, calls + 1):
            rng = random.Random(seed)
            world = make_world(rng)
            schedule = Schedule(world, rng, lambda _: brief, lambda _, same: same)
            if fault is not None:
                world.faults.faults[call] = fault
            try:
                await schedule.export(brief)
                await schedule.verify(brief)
            except Exception as error:
                told = "\n".join(schedule.told)
                raise AssertionError(f"{fault} at call {call}: {error}\n{told}") from error
            ran += 1
            if fault is None:
                calls = world.faults.calls
    return ran


class Schedule:
    """One brief and one target, their ledger, and what a person decided."""

    def __init__(
        self,
        world: World,
        rng: random.Random,
        draw: Callable[[random.Random], Brief],
        revise: Callable[[random.Random, Brief], Brief],
    ) -> None:
        self.world = world
        self.rng = rng
        self.told: list[str] = []
        self._draw = draw
        self._revise = revise
        self._books = Books()
        self._budget = MemoryBudget(world.adapter.paces, world.clock)
        self._decisions = Decisions()
        self._approved: tuple[Plan, Place] | None = None
        self._turn = 0
        self._kills: list[int] = []
        self._edits: dict[int, random.Random] = {}
        self._moments = 0
        self._left_alone: set[str] = set()
        self._licensed: set[str] = set()

    async def run(self) -> None:
        brief = self._draw(self.rng)
        self._arm()
        await self.export(brief)
        await self.verify(brief)
        brief = self._revise(self.rng, brief)
        self._arm(people=self.rng.randrange(3))
        await self.export(brief)
        for _ in range(2):
            if not self._answer(await self._plan(brief)):
                break
            self._arm()
            await self.export(brief)
        await self.verify(brief)

    def _arm(self, *, people: int = 0) -> None:
        """Draw what will go wrong."""
        rng, world = self.rng, self.world
        for _ in range(rng.choice([0, 1, 1, 2, 2, 4])):
            call = world.faults.calls + rng.randint(1, CALLS)
            world.faults.faults[call] = rng.choice(list(Fault))
        self._kills = [rng.randint(1, POINTS) for _ in range(rng.choice([0, 0, 1, 2]))]
        self._edits = {
            self._moments + rng.randrange(8): random.Random(rng.random()) for _ in range(people)
        }
        faults = {call - world.faults.calls: str(f) for call, f in world.faults.faults.items()}
        self._tell(f"armed: {faults}, kills {self._kills}, edits {sorted(self._edits)}")

    async def export(self, brief: Brief) -> None:
        """Press until nothing is left to do."""
        for _ in range(ROUNDS):
            if self.rng.random() < 0.1 and self._approved is not None:
                await self._two_workers(brief)
                continue
            if await self._survive(self._work(brief, self._budget)):
                return
        raise AssertionError(f"not quiet after {ROUNDS} rounds")

    async def _survive(self, work: Awaitable[bool]) -> bool:
        """A worker's end is not the export's. One that is held up loses its lease."""
        try:
            return await work
        except Killed:
            self._tell("killed")
        except LostLease:
            self._tell("lost its lease")
        except (NotConnected, Throttled, Unreachable) as error:
            self._tell(f"{type(error).__name__}: {error}")
            await self.world.clock.sleep(60)
        return False

    async def _two_workers(self, brief: Brief) -> None:
        """One is held up within a call; another takes over meanwhile; the first wakes up."""
        stall = self.rng.choice([20.0, 70.0, 400.0])
        self._tell(f"a worker is held up for {stall} s")
        stalled = _Stalling(self._budget, self.world.clock, stall, self.rng.randint(1, 6))
        await asyncio.gather(
            self._survive(self._work(brief, stalled)),
            self._survive(self._later(brief, self.rng.choice([5.0, 100.0, 300.0]))),
        )

    async def _later(self, brief: Brief, seconds: float) -> bool:
        await self.world.clock.sleep(seconds)
        return await self._work(brief, self._budget)

    async def _work(self, brief: Brief, budget: Budget) -> bool:
        """What one worker does with what is stored. True once there is nothing to do."""
        world, mortal = self.world, _Mortal(self._kills)
        ledger = _MortalLedger(MemoryLedger(self._books), mortal)
        clock = _MortalClock(world.clock, mortal)
        adapter = _Watched(world.adapter, self._moment)
        api = _MortalApi(world.api(budget), mortal)
        if self._approved is None:
            reconciled = await apply.reconcile(
                adapter=adapter, api=api, place=world.place, ledger=ledger, clock=clock
            )
            if reconciled.wait_until is not None:
                await self._sleep_until(reconciled.wait_until)
                return False
            made, place = await self._make(adapter, api, ledger, brief)
            if made.empty:
                return True
            self._turn += 1
            self._approved = made, place
            self._license(made)
        made, place = self._approved
        self._moment()  # minutes may pass between a plan and its first call
        ran = await apply.run(
            made.steps,
            made.settlements,
            adapter=adapter,
            api=api,
            place=place,
            ledger=ledger,
            clock=clock,
            actor="you",
            progress=self._between_steps,
            patience=timedelta(seconds=self.rng.choice([0, 5, 600])),
        )
        for outcome in ran.outcomes:
            self._tell(f"  {outcome.op} {outcome.keys}: {outcome.outcome} {outcome.message}")
        if ran.wait_until is not None:
            await self._sleep_until(ran.wait_until)
            return False
        self._spend(made)
        return False

    async def _make(
        self, adapter: Adapter, api: Api, ledger: Ledger, brief: Brief
    ) -> tuple[Plan, Place]:
        place = await adapter.learn(api, self.world.place, brief)
        rendering = adapter.render(brief, place)
        entries = await ledger.entries()
        found = await adapter.read(api, place, list(entries.values()))
        made = plan.make(
            adapter, place, rendering, entries, found, self._decisions,
            version=str(brief.meta.get("version", "")), turn=self._turn,
        )  # fmt: skip
        said = ", ".join(f"{item.key} {item.change}" for item in made.items)
        self._tell(f"plan: {len(made.steps)} steps; {said}")
        return made, place

    async def _plan(self, brief: Brief) -> Plan:
        """Without faults, as the page would show it."""
        self._calm()
        ledger = MemoryLedger(self._books)
        api = self.world.api(self._budget)
        made, _ = await self._make(self.world.adapter, api, ledger, brief)
        return made

    def _calm(self) -> None:
        self.world.faults.faults.clear()
        self._kills, self._edits = [], {}

    def _answer(self, made: Plan) -> bool:
        """A person decides about some of what is asked."""
        parts, ways = dict(self._decisions.parts), dict(self._decisions.ways)
        before = len(parts) + len(ways)
        for item in made.items:
            if item.ways and self.rng.random() < 0.7:
                ways[item.key] = (self.rng.choice(item.ways), item.standing)
            for part in item.parts:
                if part.change in (Verdict.DRIFT, Verdict.CONFLICT) and self.rng.random() < 0.7:
                    choice = self.rng.choice(list(Choice))
                    parts[item.key, part.part] = choice, part.theirs
        self._decisions = replace(self._decisions, parts=parts, ways=ways)
        self._tell(f"decided: {parts} {ways}")
        return len(parts) + len(ways) > before

    def _license(self, made: Plan) -> None:
        """What a person allows by approving: to write over theirs where they said so, and to leave
        alone what is made anew or let go."""
        for key, part in made.decided_parts:
            if self._decisions.parts[key, part][0] is Choice.OURS:
                self._licensed.add(self._books.entries[key].ref)
        for settlement in made.settlements:
            if settlement.after is None:
                self._left_alone.add(settlement.before.ref)

    def _spend(self, made: Plan) -> None:
        parts = {k: v for k, v in self._decisions.parts.items() if k not in made.decided_parts}
        ways = {k: v for k, v in self._decisions.ways.items() if k not in made.decided_ways}
        released = self._decisions.released | made.released
        self._decisions = Decisions(parts, ways, released)
        self._approved = None

    async def verify(self, brief: Brief) -> None:
        world = self.world
        self._calm()
        await world.faults.arrived()
        made = await self._plan(brief)
        assert made.empty, f"still to do: {made.steps} {made.settlements}"
        self._one_object_each()
        self._as_previewed(made)
        unlicensed = world.overwritten() - self._licensed - self._left_alone
        assert not unlicensed, f"a person's words were overwritten in {unlicensed}"
        before = world.writes
        await self.export(brief)
        assert world.writes == before, "something was sent though nothing changed"

    def _one_object_each(self) -> None:
        known = {entry.ref for entry in self._books.entries.values()}
        doubled = set(self.world.live()) - known - self._left_alone
        assert not doubled, f"made, and not in the ledger: {doubled}"
        assert len(known) == len(self._books.entries), "two entries share an object"
        assert not self._books.intents, "a step is still open"

    def _as_previewed(self, made: Plan) -> None:
        for item in made.items:
            if item.change in ("astray", "conflict"):
                continue
            assert item.key in self._books.entries, f"{item.key} was not made"
            for part in item.parts:
                if part.change is Verdict.KEEP and not self._is_left(item, part.part):
                    wanted = self.world.kept(part.part, part.ours)
                    assert same(wanted, part.theirs) or same(part.ours, part.theirs), (
                        f"{item.key} {part.part} is {part.theirs!r}, and should be {wanted!r}"
                    )

    def _is_left(self, item: ItemPlan, part: str) -> bool:
        return part in self._books.entries[item.key].left

    async def _between_steps(self, outcome: apply.Outcome) -> None:
        self._moment()

    def _moment(self) -> None:
        """When a person may edit. Not what was made unheard: one that is hidden from us before we
        know of it can be told from none by nobody."""
        self._moments += 1
        due = [moment for moment in self._edits if moment < self._moments]
        if due and not self._books.intents:
            self.world.meddle(self._edits.pop(due[0]))
            self._tell("a person edits")

    async def _sleep_until(self, until: datetime) -> None:
        left = (until - self.world.clock.now()).total_seconds()
        await self.world.clock.sleep(max(left, 0.001))

    def _tell(self, what: str) -> None:
        self.told.append(f"{self.world.clock.passed:8.1f} {what}")


class _Mortal:
    """A worker's life. It ends at a point that was drawn, or when a fault ends it; after that
    nothing of it comes to pass."""

    def __init__(self, kills: list[int]) -> None:
        self._left = kills.pop(0) if kills else None
        self._dead = False

    def point(self) -> None:
        if self._left is not None:
            self._left -= 1
            self._dead = self._dead or self._left == 0
        if self._dead:
            raise Killed

    async def live(self, act: Awaitable[Any]) -> Any:
        """One act between two points."""
        try:
            self.point()
        except Killed:
            act.close()  # type: ignore[attr-defined]  # always a coroutine
            raise
        try:
            done = await act
        except Killed:
            self._dead = True
            raise
        self.point()
        return done


@dataclass(frozen=True)
class _MortalApi:
    inner: Api
    mortal: _Mortal

    async def read(self, request: Request) -> Response:
        return await self.mortal.live(self.inner.read(request))

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        return await self.mortal.live(self.inner.write(request, not_after=not_after))


@dataclass(frozen=True)
class _MortalClock:
    inner: VirtualClock
    mortal: _Mortal

    def now(self) -> datetime:
        return self.inner.now()

    async def sleep(self, seconds: float) -> None:
        await self.mortal.live(self.inner.sleep(seconds))


@dataclass(frozen=True)
class _MortalLedger:
    inner: Ledger
    mortal: _Mortal

    async def entries(self) -> Mapping[str, Entry]:
        return await self.mortal.live(self.inner.entries())

    async def open_intents(self) -> Sequence[Intent]:
        return await self.mortal.live(self.inner.open_intents())

    async def done(self, steps: Sequence[str]) -> frozenset[str]:
        return await self.mortal.live(self.inner.done(steps))

    async def intend(self, step: Step, *, actor: str, now: datetime) -> Intent:
        return await self.mortal.live(self.inner.intend(step, actor=actor, now=now))

    async def looked(self, intent: Intent) -> Intent:
        return await self.mortal.live(self.inner.looked(intent))

    async def record(
        self, intent: Intent, entries: Sequence[Entry], forget: Sequence[str] = ()
    ) -> None:
        await self.mortal.live(self.inner.record(intent, entries, forget))

    async def withdraw(self, intent: Intent) -> None:
        await self.mortal.live(self.inner.withdraw(intent))

    async def settle(self, entries: Sequence[Entry], forget: Sequence[str] = ()) -> None:
        await self.mortal.live(self.inner.settle(entries, forget))


class _Watched:
    """An adapter; people may edit over there before each of its readings. Between a reading and the
    writing that follows nobody could notice them: that is left out."""

    def __init__(self, inner: Adapter, before_read: Callable[[], None]) -> None:
        self._inner = inner
        self._before_read = before_read

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        self._before_read()
        return await self._inner.read(api, place, entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Stalling:
    """A budget that holds its worker up at one call."""

    def __init__(self, inner: Budget, clock: VirtualClock, seconds: float, call: int) -> None:
        self._inner = inner
        self._clock = clock
        self._seconds = seconds
        self._left = call

    async def take(self, calls: int = 1) -> None:
        await self._inner.take(calls)
        self._left -= 1
        if self._left == 0:
            await self._clock.sleep(self._seconds)

    async def pause(self, wait: timedelta) -> None:
        await self._inner.pause(wait)


WORDS = ("alpha", "beta", "gamma", "x", "y", "two  blanks")
KINDS = ("paragraph", "heading", "quote")


def draw_brief(rng: random.Random) -> Brief:
    """A few blocks, some in lists, some actions."""
    items = tuple(_item(rng, f"k{number}") for number in range(rng.randint(1, 4)))
    return Brief("brf_1", rng.choice(WORDS), items, meta={"version": "1"})


def revised(rng: random.Random, brief: Brief, draw: Callable[[random.Random, str], Item]) -> Brief:
    """Blocks come, go, change places, or are drawn anew; perhaps the title is another."""
    items = list(brief.items)
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(items)) if items else 0
        match rng.randrange(6):
            case 0 if items:
                del items[at]
            case 1:
                items.insert(at, draw(rng, f"n{rng.randrange(1000)}"))
            case 2 if items:
                items.insert(rng.randrange(len(items)), items.pop(at))
            case _ if items:
                items[at] = draw(rng, items[at].key)
    title = rng.choice([brief.title, rng.choice(WORDS)])
    version = str(int(brief.meta["version"]) + 1)
    return replace(brief, title=title, items=tuple(items), meta={"version": version})


def revise_brief(rng: random.Random, brief: Brief) -> Brief:
    """Texts, owners and kinds change; blocks come, go and change places."""
    return revised(rng, brief, _item)


def _item(rng: random.Random, key: str) -> Item:
    text = (Span(rng.choice(WORDS)),)
    match rng.randrange(4):
        case 0:
            return Item(key, "action", text, owner=rng.choice(["", "Ada"]))
        case 1:
            inner = tuple(
                Item(f"{key}i{n}", "list_item", (Span(rng.choice(WORDS)),))
                for n in range(rng.randint(1, 2))
            )
            return Item(key, "bullet_list", (), inner)
        case _:
            return Item(key, rng.choice(KINDS), text)
