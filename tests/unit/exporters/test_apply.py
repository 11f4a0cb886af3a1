"""Carrying out a plan: what each fault leaves behind, and what the next run makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from exporters import apply
from exporters.apply import Outcome, Ran, Result
from exporters.errors import LostLease, NotConnected
from exporters.http import HttpApi
from exporters.memory import Books, MemoryBudget, MemoryLedger
from exporters.model import Brief, Item, Span
from exporters.plan import Plan, make
from exporters.ports import Api
from exporters.records import (
    OVERVIEW,
    REQUEST_LIVES,
    SEND_WITHIN,
    Choice,
    Decisions,
    Entry,
    Json,
    Place,
    Ref,
    Request,
)
from exporters.refs import resolved
from tests.remotes.faults import Fault, Faults, Killed
from tests.remotes.time import VirtualClock
from tests.remotes.toy import LAG, PACE, Toy, ToyAdapter

PLACE = Place("toy", "tgt_1", {}, brief="brf_1")
HORIZON = (SEND_WITHIN + REQUEST_LIVES + LAG).total_seconds()


class World:
    """A toy server, a ledger, and whoever works with them."""

    def __init__(self, *, unique: bool = False) -> None:
        self.clock = VirtualClock()
        self.server = Toy(self.clock, unique=unique)
        self.faults = Faults(self.server, self.clock)
        self.adapter = ToyAdapter()
        self.books = Books()
        self.turned_down = False
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(self.faults))
        self._budget = MemoryBudget([PACE], self.clock)

    def api(self) -> Api:
        return HttpApi(
            self._client, "http://toy", self._signed, self._budget, self.clock, chance=lambda: 1.0
        )

    async def _signed(self, *, renew: bool) -> dict[str, str]:
        if self.turned_down:
            raise NotConnected("Connect again.", status=401)
        return {}

    async def plan(self, brief: Brief, decisions: Decisions | None = None, turn: int = 0) -> Plan:
        entries = self.books.entries
        found = await self.adapter.read(self.api(), PLACE, list(entries.values()))
        rendering = self.adapter.render(brief, PLACE)
        return make(
            self.adapter, PLACE, rendering, entries, found, decisions, version="1", turn=turn
        )

    async def run(
        self,
        plan: Plan,
        *,
        patience: float = 0,
        stop: Callable[[], bool] = lambda: False,
        told: list[Outcome] | None = None,
    ) -> Ran:
        async def progress(outcome: Outcome) -> None:
            if told is not None:
                told.append(outcome)

        return await apply.run(
            plan.steps,
            plan.settlements,
            adapter=self.adapter,
            api=self.api(),
            place=PLACE,
            ledger=MemoryLedger(self.books),
            clock=self.clock,
            actor="you",
            progress=progress,
            stop=stop,
            patience=timedelta(seconds=patience),
        )

    async def export(self, brief: Brief, turn: int = 0) -> Ran:
        return await self.run(await self.plan(brief, turn=turn), patience=3600)

    def at(self, call: int, fault: Fault) -> None:
        """What befalls the call of that number, counted from now on."""
        self.faults.faults[self.faults.calls + call] = fault

    def texts(self) -> list[str]:
        things = self.server.things.values()
        return sorted(t.text for t in things if not self.server.is_trashed(t))


def brief(*texts: str) -> Brief:
    items = (Item(f"k{number}", "paragraph", (Span(text),)) for number, text in enumerate(texts))
    return Brief("brf_1", "T", tuple(items))


def results(ran: Ran) -> Sequence[str]:
    return [outcome.outcome for outcome in ran.outcomes]


async def test_an_export_is_carried_out_and_told_step_by_step() -> None:
    """One outcome for each step, in order, with the address of what was made."""
    world, told = World(), list[Outcome]()
    ran = await world.run(await world.plan(brief("x", "y")), told=told)
    assert results(ran) == ["done", "done", "done"]
    assert ran.outcomes == tuple(told)
    assert told[0].url == "https://toy.example/t1"
    assert world.texts() == ["T", "x", "y"]
    assert (ran.wait_until, ran.reconciling) == (None, ())


async def test_an_approved_plan_run_again_sends_nothing() -> None:
    """All its steps have receipts."""
    world = World()
    plan = await world.plan(brief("x"))
    await world.run(plan)
    writes = world.server.writes
    assert set(results(await world.run(plan))) == {"done"}
    assert world.server.writes == writes


async def test_text_that_goes_back_and_forth_is_sent_each_time() -> None:
    """A step is done once for each time that it was approved, not once for ever."""
    world = World()
    for turn, text in enumerate(["x", "y", "x", "y"]):
        ran = await world.export(brief(text), turn)
        assert set(results(ran)) == {"done"}
        assert world.texts() == ["T", text]


@pytest.mark.parametrize(
    "fault", [Fault.LOSE_RESPONSE, Fault.STALL, Fault.CUT, Fault.BROKEN, Fault.LATE]
)
async def test_what_was_made_unheard_is_found_and_not_made_twice(fault: Fault) -> None:
    """By its marker, as soon as it is listed; until then nothing more is made."""
    world = World()
    world.at(2, fault)
    ran = await world.export(brief("x", "y"))
    assert set(results(ran)) == {"done"}
    assert world.texts() == ["T", "x", "y"]
    assert world.clock.passed < HORIZON


async def test_nothing_is_made_while_an_outcome_is_unknown() -> None:
    """It says so, and when it looks again."""
    world = World()
    world.at(2, Fault.LOSE_REQUEST)
    ran = await world.run(await world.plan(brief("x", "y")))
    assert results(ran) == ["done", "reconciling", "pending"]
    assert [intent.step.keys for intent in ran.reconciling] == [("k0",)]
    assert ran.wait_until is not None
    assert ran.wait_until > world.clock.now()
    writes = world.server.writes
    again = await world.run(await world.plan(brief("x", "y")))
    assert again.wait_until is not None
    assert world.server.writes == writes


async def test_what_was_lost_is_made_again_only_when_it_can_no_longer_arrive() -> None:
    """After all that a request may live, and all that listing may lag."""
    world = World()
    world.at(2, Fault.LOSE_REQUEST)
    ran = await world.export(brief("x"))
    assert set(results(ran)) == {"done"}
    assert world.texts() == ["T", "x"]
    assert world.clock.passed >= HORIZON


async def test_a_request_that_arrives_late_is_found() -> None:
    """Long after we gave it up; giving up is not having it undone."""
    world = World()
    world.at(2, Fault.LATE)
    ran = await world.export(brief("x"))
    await world.faults.arrived()
    assert set(results(ran)) == {"done"}
    assert world.texts() == ["T", "x"]


async def test_a_copy_that_a_person_made_is_not_taken_for_ours() -> None:
    """Marker and all: it is theirs, and what was lost is still to be made."""
    world = World()
    await world.export(brief("x"))
    ours = world.server.things["t2"]
    world.at(2, Fault.LOSE_REQUEST)
    plan = await world.plan(brief("x", "y"))
    copy = world.server.put("t1", "a copy", ours=False)
    copy.marker = str(next(s for s in plan.steps if s.keys == ("k1",)).request.body["marker"])  # type: ignore[index,call-overload]
    await world.run(plan, patience=3600)
    assert world.books.entries["k1"].ref not in (copy.id, ours.id)
    assert world.texts() == ["T", "a copy", "x", "y"]


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
async def test_a_killed_worker_is_followed_by_another(fault: Fault) -> None:
    """Which goes on where it was, whether the last call was made or not."""
    world = World()
    plan = await world.plan(brief("x", "y"))
    world.at(2, fault)
    with pytest.raises(Killed):
        await world.run(plan)
    ran = await world.run(plan, patience=3600)
    assert set(results(ran)) == {"done"}
    assert world.texts() == ["T", "x", "y"]


async def test_a_cancelled_task_leaves_its_step_open() -> None:
    """Cancelled within a call, it is as if killed: the next run finds out."""
    world = World()
    plan = await world.plan(brief("x"))
    world.at(1, Fault.STALL)
    task = asyncio.create_task(world.run(plan))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.books.intents
    await world.run(plan, patience=3600)
    assert world.texts() == ["T", "x"]


async def test_stopping_stops_between_two_steps() -> None:
    """What was begun is finished; the rest is pending, and can be gone on with."""
    world, told = World(), list[Outcome]()
    plan = await world.plan(brief("x", "y"))
    ran = await world.run(plan, stop=lambda: bool(told), told=told)
    assert results(ran) == ["done", "pending", "pending"]
    assert not world.books.intents
    assert set(results(await world.run(plan))) == {"done"}


async def test_what_changed_since_it_was_planned_is_not_written_over() -> None:
    """The one part that a step would send is read again before it is sent."""
    world = World()
    await world.export(brief("x", "y"))
    plan = await world.plan(brief("x, ours", "y, ours"), turn=1)
    world.server.things["t2"].text = "theirs"
    ran = await world.run(plan)
    assert results(ran) == ["drifted", "done"]
    assert "Text" in ran.outcomes[0].message
    assert world.texts() == ["T", "theirs", "y, ours"]


async def test_what_changed_in_another_part_does_not_keep_a_step_back() -> None:
    """Both changes stand."""
    world = World()
    await world.export(brief("x"))
    plan = await world.plan(brief("ours"), turn=1)
    world.server.things["t2"].note = "theirs"
    assert results(await world.run(plan)) == ["done"]
    assert (world.server.things["t2"].text, world.server.things["t2"].note) == ("ours", "theirs")
    drift = (await world.plan(brief("ours"))).counts
    assert (drift["drift"], drift["writes"]) == (1, 0)


async def test_what_was_edited_since_it_was_planned_is_not_archived() -> None:
    """Nor is what it lies in."""
    world = World()
    inner = Item("in", "paragraph", (Span("y"),))
    await world.export(replace(brief(), items=(Item("out", "quote", (Span("x"),), (inner,)),)))
    plan = await world.plan(brief(), turn=1)
    world.server.things["t3"].text = "theirs"
    assert results(await world.run(plan)) == ["drifted", "waiting"]
    assert world.texts() == ["T", "theirs", "x"]


async def test_an_update_of_unknown_outcome_is_read_off_the_object() -> None:
    """As sent: done. As before: not done, and sent again once it cannot arrive any more."""
    world = World()
    await world.export(brief("x"))
    world.at(3, Fault.LOSE_RESPONSE)
    assert results(await world.export(brief("y"), 1)) == ["done"]
    assert world.clock.passed < HORIZON
    world.at(3, Fault.LOSE_REQUEST)
    assert results(await world.export(brief("z"), 2)) == ["done"]
    assert world.texts() == ["T", "z"]
    assert world.clock.passed > (SEND_WITHIN + REQUEST_LIVES).total_seconds()


async def test_an_edit_after_a_lost_update_is_a_persons() -> None:
    """Neither as sent nor as before: it is left alone, and the next plan asks about it."""
    world = World()
    await world.export(brief("x"))
    plan = await world.plan(brief("y"), turn=1)
    world.at(2, Fault.LOSE_RESPONSE)
    world.faults.edits[world.faults.calls + 3] = lambda: setattr(
        world.server.things["t2"], "text", "theirs"
    )
    assert results(await world.run(plan, patience=3600)) == ["drifted"]
    assert world.texts() == ["T", "theirs"]
    assert (await world.plan(brief("y"), turn=2)).counts["conflict"] == 1


async def test_a_decision_lasts_from_the_plan_to_the_call() -> None:
    """Written over is what was decided about, and nothing written since."""
    world = World()
    await world.export(brief("x"))
    thing = world.server.things["t2"]
    thing.text = "theirs"
    decisions = Decisions({("k0", "text"): (Choice.OURS, "theirs")})
    plan = await world.plan(brief("x"), decisions, turn=1)
    thing.text = "theirs, later"
    assert results(await world.run(plan)) == ["drifted"]
    thing.text = "theirs"
    assert results(await world.run(plan)) == ["done"]
    assert thing.text == "x"


async def test_an_archiving_of_unknown_outcome_is_read_off_the_object() -> None:
    """One that was archived is forgotten; it is not archived twice."""
    world = World()
    await world.export(brief("x"))
    world.at(3, Fault.LOSE_RESPONSE)
    assert results(await world.export(brief(), 1)) == ["done"]
    assert list(world.books.entries) == [OVERVIEW]
    assert world.texts() == ["T"]


async def test_what_is_archived_already_needs_no_call() -> None:
    """A person was faster."""
    world = World()
    await world.export(brief("x"))
    plan = await world.plan(brief(), turn=1)
    world.server.things["t2"].trashed = True
    writes = world.server.writes
    assert results(await world.run(plan)) == ["done"]
    assert (world.server.writes, list(world.books.entries)) == (writes, [OVERVIEW])


async def test_a_refusal_is_passed_on_and_what_hangs_on_it_waits() -> None:
    """In their words; the step is not open, since it was surely not made."""
    world = World()
    await world.export(brief())
    inner = Item("in", "paragraph", (Span("y"),))
    plan = await world.plan(
        replace(brief(), items=(Item("out", "quote", (Span("x"),), (inner,)),)), turn=1
    )
    world.server.things["t1"].trashed = True
    ran = await world.run(plan)
    assert results(ran) == ["refused", "waiting"]
    assert "What it is to lie in is gone." in ran.outcomes[0].message
    assert not world.books.intents


async def test_a_second_that_is_refused_may_be_a_first_that_was_made() -> None:
    """A server that turns a call down and does it all the same: the refusal of the second is looked
    into, and the first is the one."""
    world = World(unique=True)
    world.server.lag = timedelta(0)
    plan = await world.plan(brief("x"))
    makes = world.server._make

    def make_and_say_no(body: dict[str, Json]) -> tuple[int, Json]:
        world.server._make = makes  # type: ignore[method-assign]
        makes(body)
        return 429, {"message": "Too many."}

    world.server._make = make_and_say_no  # type: ignore[method-assign]
    assert results(await world.run(plan)) == ["done", "done"]
    assert world.texts() == ["T", "x"]


async def test_a_lost_connection_stops_the_export_and_loses_nothing() -> None:
    """Connected again, it goes on."""
    world = World()
    plan = await world.plan(brief("x"))
    world.turned_down = True
    with pytest.raises(NotConnected):
        await world.run(plan)
    assert not world.books.intents
    world.turned_down = False
    assert set(results(await world.run(plan))) == {"done"}


async def test_a_long_wait_is_handed_back_with_its_end() -> None:
    """An hour's throttling gives the worker back."""
    world = World()
    plan = await world.plan(brief("x"))
    world.faults._refusal = lambda status: ({"retry-after": "3000"}, b"{}")
    world.at(1, Fault.TOO_MANY)
    ran = await world.run(plan)
    assert results(ran) == ["throttled", "pending"]
    assert ran.wait_until == world.clock.now() + timedelta(seconds=3000)
    assert not world.books.intents
    assert set(results(await world.run(plan, patience=3600))) == {"done"}


async def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    """Nothing was sent, so nothing is open."""
    world = World()
    plan = await world.plan(brief("x"))
    for call in range(1, 7):
        world.at(call, Fault.UNCONNECTED)
    ran = await world.run(plan)
    assert results(ran) == ["pending", "pending"]
    assert ran.wait_until is not None
    assert not world.books.intents
    assert set(results(await world.run(plan))) == {"done"}


async def test_a_worker_that_wakes_up_sends_nothing() -> None:
    """Held up between saying that it will and doing it, it finds its time over, and its lease gone
    to the worker that has made everything meanwhile."""
    world = World()
    plan = await world.plan(brief("x"))
    asleep, held_up = world.api(), asyncio.Event()

    class Sleeper:
        async def read(self, request: Request) -> object:
            return await asleep.read(request)

        async def write(self, request: Request, **kept: object) -> object:
            held_up.set()
            await world.clock.sleep(HORIZON + 60)
            return await asleep.write(request, **kept)  # type: ignore[arg-type]

    first = asyncio.create_task(
        apply.run(
            plan.steps, plan.settlements, adapter=world.adapter, api=Sleeper(), place=PLACE,  # type: ignore[arg-type]
            ledger=MemoryLedger(world.books), clock=world.clock, actor="you",
        )
    )  # fmt: skip
    await held_up.wait()
    ran = await world.run(plan, patience=3600)
    assert set(results(ran)) == {"done"}
    with pytest.raises(LostLease):
        await first
    assert world.texts() == ["T", "x"]


async def test_reconciling_by_itself_sends_nothing() -> None:
    """It only finds out, before a plan is made from what is known."""
    world = World()
    plan = await world.plan(brief("x"))
    world.at(1, Fault.LOSE_RESPONSE)
    await world.run(plan)
    writes = world.server.writes
    ran = await apply.reconcile(
        adapter=world.adapter, api=world.api(), place=PLACE, ledger=MemoryLedger(world.books),
        clock=world.clock, patience=timedelta(hours=1),
    )  # fmt: skip
    assert ran == Ran(())
    assert world.server.writes == writes
    assert list(world.books.entries) == [OVERVIEW]


async def test_what_was_settled_late_does_not_undo_what_was_sent_since() -> None:
    """A plan's notes hold for the ledger that it was made from."""
    world = World()
    await world.export(brief("x"))
    world.server.things["t2"].note = "theirs"
    theirs = Decisions({("k0", "note"): (Choice.THEIRS, "theirs")})
    plan = await world.plan(brief("y"), theirs, turn=1)
    assert plan.settlements
    await world.run(plan)
    sent = world.books.entries["k0"]
    assert sent.sent["text"] == "y"
    await world.run(plan)
    assert world.books.entries["k0"] == sent


def test_refs_stand_for_ids_in_paths_and_bodies() -> None:
    """Quoted in a path, wherever they are in a body; what only looks like one is left alone."""
    world = Books()
    world.entries["a"] = Entry("a", "p", "id/1", {}, {})
    request = Request(
        "POST",
        "/things/{$ref:a}/x?within={$ref:a}",
        {"in": Ref("a").json(), "all": [Ref("a").json(), "{$ref:a}"], "not": {"$ref": 1}},
    )
    sent = resolved(request, world.entries)
    assert sent.path == "/things/id%2F1/x?within=id%2F1"
    assert sent.body == {"in": "id/1", "all": ["id/1", "{$ref:a}"], "not": {"$ref": 1}}


async def test_patience_has_a_limit() -> None:
    """Waits within it are waited for; the first beyond it is handed back."""
    world = World()
    world.at(1, Fault.LOSE_REQUEST)
    ran = await world.run(await world.plan(brief("x")), patience=10)
    assert ran.outcomes[0].outcome is Result.RECONCILING
    assert ran.wait_until is not None
    assert ran.wait_until - world.clock.now() > timedelta(seconds=10)
