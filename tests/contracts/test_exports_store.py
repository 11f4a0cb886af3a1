"""Targets, runs, decisions and findings of exports, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update

from backend.clock import SystemClock, new_id, now
from backend.events import Hub
from backend.exports.model import (
    Apart,
    Astray,
    Busy,
    Deleted,
    Doubled,
    Findings,
    Full,
    Overtaken,
    PartDecision,
    Run,
    RunState,
    Shared,
    Target,
    Trouble,
    WayDecision,
)
from backend.exports.runs import RunExport
from backend.jobs import Lease
from backend.store.engine import Store
from backend.store.exports.decisions import StoredDecisions
from backend.store.exports.looks import LOOK, StoredLooks
from backend.store.exports.runs import PLANS_KEPT, RUNS_KEPT, StoredRuns
from backend.store.exports.targets import StoredTargets
from backend.store.ledger import StoredLedger
from backend.store.outbox import Outbox
from backend.store.tables import briefs, export_outcomes, export_runs, export_targets, jobs
from exporters.apply import Result
from exporters.compare import ItemPlan
from exporters.errors import Throttled
from exporters.plan import Plan
from exporters.ports import Response
from exporters.records import (
    Choice,
    Decisions,
    Entry,
    Op,
    Place,
    Request,
    Standing,
    Step,
    Way,
)

TARGET = Target("tgt_1", "t", "spc_1", "brf_1", None, "folder", "F", {"folder": "F"}, {})
PLACE = Place("folder", "tgt_1", {"folder": "F"}, brief="brf_1", known={"a": "\0"})
STEPS = tuple(
    Step(f"stp_{n}", Op.CREATE, Request("POST", "/", {"n": n}), {f"block{n}": {}}) for n in range(3)
)
ITEMS = tuple(ItemPlan(f"block{n}", "card", f"Item {n}", "create") for n in (0, 2))
AT_ONCE = 6


def plan(steps: Sequence[Step] = STEPS, **rest: frozenset[str]) -> Plan:
    spent = {"released": frozenset(), "decided_ways": frozenset(), **rest}
    return Plan(
        tuple(steps), (), decided_parts=frozenset({("block1", "name")}), items=ITEMS, losses=(),
        counts={"create": len(steps)}, archives=0, seconds=1.0, checksum="c", **spent,
    )  # type: ignore[arg-type]  # the sets are the plan's own  # fmt: skip


def run(turn: int = 1) -> Run:
    return Run(
        new_id("run"), "tgt_1", "brf_1", turn, RunState.PLANNED, "c", {"create": 3}, 3, 0, "ann",
        "Ann", now(),
    )  # fmt: skip


@pytest.fixture
async def targets(store_of_a_brief: Store) -> StoredTargets:
    """With TARGET, of brf_1; beside it there is brf_2."""
    async with store_of_a_brief.writing() as connection:
        await connection.execute(
            insert(briefs).values(
                id="brf_2", tenant="t", space="spc_1", title="B", epoch="e", updated_at=now(),
                created_by="you", created_at=now(),
            )
        )  # fmt: skip
    stored = StoredTargets(store_of_a_brief)
    await stored.add(TARGET, actor="ann", limit=50)
    return stored


@pytest.fixture
def runs(store: Store, targets: StoredTargets) -> StoredRuns:
    return StoredRuns(store, Outbox(store))


async def ended(store: Store, runs: StoredRuns, one: Run, state: RunState = RunState.DONE) -> None:
    async with store.writing() as connection:
        await runs.note(connection, one.id, state)


async def made(store: Store, *entries: Entry, brief: str = "brf_1", target: str = "tgt_1") -> None:
    async def hold(connection: object) -> None: ...

    ledger = StoredLedger(store, target=target, brief=brief, run="", hold=hold)
    await ledger.settle(entries)


async def test_a_target_is_its_brief_s_or_its_space_s(targets: StoredTargets) -> None:
    """By tenant, space, brief and id: any other of them, and it is not there."""
    assert await targets.one("t", "spc_1", "brf_1", "tgt_1") == TARGET
    for asked in (
        ("x", "spc_1", "brf_1", "tgt_1"), ("t", "spc_2", "brf_1", "tgt_1"),
        ("t", "spc_1", "brf_2", "tgt_1"), ("t", "spc_1", "brf_1", "tgt_2"),
    ):  # fmt: skip
        assert await targets.one(*asked) is None
    await targets.change(replace(TARGET, brief=None, name="All"))
    assert [one.name for one in await targets.of_brief("t", "spc_1", "brf_2")] == ["All"]


async def test_one_place_is_one_target_whoever_is_first(targets: StoredTargets) -> None:
    """Added by many at once it is added once; and it is not the same for another brief."""
    other = {"folder": "Other"}
    ends = await asyncio.gather(
        *(
            targets.add(replace(TARGET, id=new_id("tgt"), where=other), actor="ann", limit=50)
            for _ in range(AT_ONCE)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(end, Target) for end in ends) == 1
    assert sum(isinstance(end, Doubled) for end in ends) == AT_ONCE - 1
    await targets.add(replace(TARGET, id="tgt_2", brief="brf_2"), actor="ann", limit=50)
    with pytest.raises(Doubled):  # for the space it would be for both of them
        await targets.add(replace(TARGET, id="tgt_3", brief=None), actor="ann", limit=50)
    with pytest.raises(Doubled):
        await targets.change(replace(TARGET, brief=None))
    with pytest.raises(Full):
        new = replace(TARGET, id="tgt_4", where={"folder": "New"})
        await targets.add(new, actor="ann", limit=3)


async def test_a_target_comes_back_with_what_was_made_there(
    store: Store, targets: StoredTargets
) -> None:
    """Removed and added again it has its id, by which its marks over there are known."""
    await made(store, Entry("block1", "file", "r", {}, {}))
    assert await targets.remove("tgt_1") == 1
    assert await targets.of_brief("t", "spc_1", "brf_1") == []
    again = replace(TARGET, id="tgt_9", name="Again")
    assert await targets.add(again, actor="bo", limit=1) == replace(again, id="tgt_1")


async def test_a_target_of_several_briefs_is_not_made_one_s_own(
    store: Store, targets: StoredTargets
) -> None:
    """The others would add the place anew, and make all of theirs twice: neither by a change nor by
    removing it and adding it again."""
    await targets.change(shared := replace(TARGET, brief=None))
    await made(store, Entry("block1", "file", "r", {}, {}), brief="brf_1")
    await targets.change(TARGET)  # nobody else's yet
    await targets.change(shared)
    await made(store, Entry("block1", "file", "s", {}, {}), brief="brf_2")
    with pytest.raises(Shared):
        await targets.change(TARGET)
    await targets.remove("tgt_1")
    assert await targets.add(replace(TARGET, id="tgt_9"), actor="bo", limit=9) == shared
    assert await targets.of_brief("t", "spc_1", "brf_2") == [shared]


async def test_what_several_targets_made_at_a_place_is_not_made_again(
    store: Store, targets: StoredTargets
) -> None:
    """Removed, each comes back for its own brief, whichever was added last. One for the whole space
    would know the ledger of one of them alone, so it is not added, nor made of one that stands."""
    other = await targets.add(replace(TARGET, id="tgt_2", brief="brf_2"), actor="ann", limit=9)
    for target, brief in ((TARGET, "brf_1"), (other, "brf_2")):
        await made(store, Entry("block1", "file", "r", {}, {}), brief=brief, target=target.id)
        await targets.remove(target.id)
    shared = replace(TARGET, id="tgt_9", brief=None)
    with pytest.raises(Apart):
        await targets.add(shared, actor="ann", limit=9)
    assert (await targets.add(replace(TARGET, id="tgt_9"), actor="ann", limit=9)).id == "tgt_1"
    with pytest.raises(Apart):
        await targets.change(replace(TARGET, brief=None))
    again = replace(TARGET, id="tgt_9", brief="brf_2")
    assert (await targets.add(again, actor="ann", limit=9)).id == "tgt_2"


async def test_a_place_is_known_again_through_another_connection(targets: StoredTargets) -> None:
    """Where the old connection is gone: what was made through it must not be made twice."""
    old = replace(TARGET, id="tgt_2", kind="trello", connection="con_gone", where={"board": "b"})
    await targets.add(old, actor="ann", limit=50)
    assert await targets.broken([TARGET, old]) == {"tgt_2"}
    new = replace(old, id="tgt_3", connection="con_new")
    assert await targets.add(new, actor="ann", limit=50) == replace(new, id="tgt_2")
    (_, found) = await targets.of_brief("t", "spc_1", "brf_1")
    assert found.connection == "con_new"


async def test_a_brief_is_exported_once_at_a_time(store: Store, runs: StoredRuns) -> None:
    """Of many that begin at once one does, with one job; the next may when it is over."""
    ends = await asyncio.gather(
        *(runs.begin(run(), plan(), PLACE, tenant="t") for _ in range(AT_ONCE)),
        return_exceptions=True,
    )
    assert ends.count(None) == 1
    assert sum(isinstance(end, Busy) for end in ends) == AT_ONCE - 1
    assert await Outbox(store).waiting() == 1
    (first,) = await runs.list("tgt_1", "brf_1", limit=9)
    await ended(store, runs, first)
    await runs.begin(run(await runs.turn("tgt_1", "brf_1")), plan(), PLACE, tenant="t")
    assert [one.turn for one in await runs.list("tgt_1", "brf_1", limit=9)] == [2, 1]


async def test_what_was_overtaken_is_neither_begun_nor_gone_on_with(
    store: Store, runs: StoredRuns
) -> None:
    """A plan made before another run, which is over by now, knows nothing of what that made."""
    first, second = run(), run(2)
    await runs.begin(first, plan(), PLACE, tenant="t")
    await ended(store, runs, first, RunState.FAILED)
    with pytest.raises(Overtaken):
        await runs.begin(run(), plan(), PLACE, tenant="t")
    await runs.begin(second, plan(), PLACE, tenant="t")
    await ended(store, runs, second)
    with pytest.raises(Overtaken):
        await runs.resume(first, tenant="t")


async def test_a_target_in_use_is_not_removed(
    store: Store, targets: StoredTargets, runs: StoredRuns
) -> None:
    one = run()
    await runs.begin(one, plan(), PLACE, tenant="t")
    with pytest.raises(Busy):
        await targets.remove("tgt_1")
    await ended(store, runs, one, RunState.FAILED)
    assert await targets.remove("tgt_1") == 0


async def test_nothing_begins_for_what_was_deleted_since(
    store: Store, targets: StoredTargets, runs: StoredRuns
) -> None:
    """A brief, or its target, between the plan and the yes: neither a new run nor an old one goes
    on, and what a look found of it is no news."""
    stopped = run()
    await runs.begin(stopped, plan(), PLACE, tenant="t")
    await ended(store, runs, stopped, RunState.CANCELLED)
    await targets.remove("tgt_1")
    for refused in (
        runs.begin(run(2), plan(), PLACE, tenant="t"),
        runs.resume(stopped, tenant="t"),
    ):
        with pytest.raises(Deleted):
            await refused
    looks = StoredLooks(store, Outbox(store))
    moved = Findings({}, {"block1": Astray(Standing.MOVED)})
    assert await looks.found("tgt_1", "brf_1", moved, None)
    async with store.writing() as connection:
        await connection.execute(update(export_targets).values(removed_at=None, brief=None))
        await connection.execute(delete(briefs).where(briefs.c.id == "brf_1"))
    with pytest.raises(Deleted):
        await runs.begin(run(), plan(), PLACE, tenant="t")
    assert not await looks.found("tgt_1", "brf_1", moved, {"k": 1})
    await looks.unseen("tgt_1", "brf_1", Trouble("code", "Why.", ""))
    assert await looks.of_brief("brf_1") == {}


async def test_a_run_is_what_was_approved(store: Store, runs: StoredRuns) -> None:
    """Its place and its steps come back as they were, and what became of each in their order, by
    the names of its items."""
    one = run()
    await runs.begin(one, plan(), PLACE, tenant="t")
    approved = await runs.approved(one.id)
    assert approved is not None
    assert (approved.place, approved.steps) == (PLACE, STEPS)
    (first, *_) = (await runs.outcomes([one.id]))[one.id]
    async with store.writing() as connection:
        refused = replace(
            first.outcome, outcome=Result.REFUSED, message="No.", retry_at=now(), url="https://x"
        )
        await runs.say(connection, one.id, [refused])
        trouble = Trouble("code", "Why.", "What to do.")
        until = now() + timedelta(minutes=1)
        await runs.note(connection, one.id, RunState.WAITING, wait_until=until, trouble=trouble)
    outcomes = (await runs.outcomes([one.id]))[one.id]
    assert [each.outcome.step for each in outcomes] == ["stp_0", "stp_1", "stp_2"]
    assert [each.titles for each in outcomes] == [("Item 0",), ("",), ("Item 2",)]
    assert outcomes[0].outcome == refused
    assert (await runs.outcomes([one.id], open_=True))[one.id] == outcomes[:1]
    found = await runs.one("tgt_1", "brf_1", one.id)
    assert found == replace(one, state=RunState.WAITING, wait_until=until, trouble=trouble)
    assert await runs.one("tgt_1", "brf_2", one.id) is None
    assert await runs.latest("brf_1") == {"tgt_1": found}
    assert await runs.latest("brf_1", done=True) == {}
    async with store.writing() as connection:
        await runs.say(connection, one.id, [replace(first.outcome, outcome=Result.PENDING)])
    assert (await runs.outcomes([one.id], open_=True))[one.id] == []


async def test_a_run_that_is_called_off_is_taken_up_at_once(store: Store, runs: StoredRuns) -> None:
    """Also one that waits for long; resumed, it may be called off again."""
    one = run()
    await runs.begin(one, plan(), PLACE, tenant="t")
    async with store.writing() as connection:
        later = now() + timedelta(hours=1)
        await connection.execute(update(jobs).values(run_after=later))
    outbox = Outbox(store)
    assert await outbox.claim("w/1/1/1") is None
    await runs.call_off(one)
    assert await outbox.claim("w/1/1/1") is not None
    await ended(store, runs, one, RunState.CANCELLED)
    await runs.resume(one, tenant="t")
    found = await runs.one("tgt_1", "brf_1", one.id)
    assert found is not None
    assert (found.state, found.stop, found.ended_at) == (RunState.PLANNED, False, None)
    with pytest.raises(Busy):
        await runs.resume(one, tenant="t")


async def test_a_run_that_is_called_off_as_it_begins_to_wait_ends_at_once(
    store: Store, targets: StoredTargets, runs: StoredRuns
) -> None:
    """It is told to wait for an hour; who called it off meanwhile does not."""
    one = run()
    await runs.begin(one, plan(), PLACE, tenant="t")

    class Api:
        async def write(self, request: Request, *, not_after: datetime) -> Response:
            await runs.call_off(one)
            raise Throttled("Later.", wait=timedelta(hours=1))

    class Reached:
        def adapter(self, kind: str) -> None: ...

        async def api(self, target: Target) -> Api:
            return Api()

    handler = RunExport(store, runs, targets, Reached(), Hub(), SystemClock())  # type: ignore[arg-type]  # no more of it is asked for
    outbox = Outbox(store)
    for _ in range(2):
        job = await outbox.claim("w/1/1/1")
        assert job is not None
        await handler.run(Lease(outbox, job, "w/1/1/1"))
    found = await runs.one("tgt_1", "brf_1", one.id)
    assert found is not None
    assert (found.state, found.done) == (RunState.CANCELLED, 0)


async def test_old_runs_say_who_approved_them_and_no_more(store: Store, runs: StoredRuns) -> None:
    """Of the latest the steps stay, of more the summary; the number of the next goes on."""
    async with store.writing() as connection:
        for turn in range(1, RUNS_KEPT + 1):
            await connection.execute(
                insert(export_runs).values(
                    id=f"run_{turn}", tenant="t", target="tgt_1", brief="brf_1", state="done",
                    turn=turn, checksum="c", counts={}, total=0, content=b"x", actor="ann",
                    actor_name="Ann", created_at=now(),
                )
            )  # fmt: skip
    await runs.begin(run(RUNS_KEPT + 1), plan(), PLACE, tenant="t")
    found = await runs.list("tgt_1", "brf_1", limit=2 * RUNS_KEPT)
    assert (len(found), found[0].turn, found[-1].turn) == (RUNS_KEPT, RUNS_KEPT + 1, 2)
    async with store.reading() as connection:
        whole = select(func.count()).where(export_runs.c.content.is_not(None))
        assert await connection.scalar(whole) == PLANS_KEPT
        assert await connection.scalar(select(func.count()).select_from(export_outcomes)) == 3
    assert await runs.approved("run_2") is None
    assert await runs.turn("tgt_1", "brf_1") == RUNS_KEPT + 2


async def test_a_decision_is_spent_by_the_run_that_carries_it_out(
    store: Store, runs: StoredRuns
) -> None:
    """Once, whatever comes of that run; the last word on a part counts; of others' none is."""
    decisions = StoredDecisions(store)

    async def decide(*parts: PartDecision, ways: Sequence[WayDecision] = ()) -> None:
        await decisions.decide("tgt_1", "brf_1", parts, ways, actor="ann", actor_name="Ann")

    gone = Standing.GONE
    await decide(PartDecision("block1", "name", Choice.OURS, "a\0b"))
    await decide(
        PartDecision("block1", "name", Choice.THEIRS, {"x": [1.0]}),
        PartDecision("block2", "name", Choice.OURS, None),
        ways=[WayDecision("block3", Way.RECREATE, gone), WayDecision("block4", Way.RELEASE, gone)],
    )
    assert await decisions.of_brief("tgt_1", "brf_1") == Decisions(
        {
            ("block1", "name"): (Choice.THEIRS, {"x": [1.0]}),
            ("block2", "name"): (Choice.OURS, None),
        },
        {"block3": (Way.RECREATE, gone), "block4": (Way.RELEASE, gone)},
    )
    assert await decisions.of_brief("tgt_1", "brf_2") == Decisions()
    let_go = frozenset({"block4"})
    await runs.begin(run(), plan(released=let_go, decided_ways=let_go), PLACE, tenant="t")
    left = await decisions.of_brief("tgt_1", "brf_1")
    assert left == Decisions(
        {("block2", "name"): (Choice.OURS, None)}, {"block3": (Way.RECREATE, gone)}, let_go
    )
    await decide(ways=[WayDecision("block4", Way.RECREATE, gone)])
    assert (await decisions.of_brief("tgt_1", "brf_1")).released == frozenset()


async def test_findings_are_those_of_the_last_look(store: Store, targets: StoredTargets) -> None:
    """Kept in place of those before, said to be news once, and gone with what is written anew."""
    looks = StoredLooks(store, Outbox(store))
    await made(store, Entry("block1", "file", "r", {}, {}), Entry("block2", "file", "s", {}, {}))
    first = Findings({"block1": {"name": "a\0b\ud83d", "due": None}}, {})
    assert await looks.found("tgt_1", "brf_1", first, {"k": "\0"})
    assert not await looks.found("tgt_1", "brf_1", first, None)
    assert await looks.findings("tgt_1", "brf_1") == first
    second = Findings({"block1": {"name": "c"}}, {"block2": Astray(Standing.MOVED, "“B”")})
    assert await looks.found("tgt_1", "brf_1", second, None)
    assert await looks.findings("tgt_1", "brf_1") == second
    await looks.unseen("tgt_1", "brf_1", Trouble("code", "Why.", "What to do."))
    look = (await looks.of_brief("brf_1"))["tgt_1"]
    assert (look.known, look.trouble) == ({"k": "\0"}, Trouble("code", "Why.", "What to do."))
    assert look.at is not None
    await made(store, Entry("block1", "file", "r", {"name": "d"}, {}))
    assert await looks.findings("tgt_1", "brf_1") == Findings({}, second.astray)


async def test_looks_are_asked_for_where_they_are_due(
    store: Store, targets: StoredTargets, runs: StoredRuns
) -> None:
    """Of what was made, not too soon again, once while one waits; nothing of a target that is
    gone."""
    looks, outbox = StoredLooks(store, Outbox(store)), Outbox(store)
    assert await looks.ask_all() == 0  # nothing was made
    await made(store, Entry("block1", "file", "r", {}, {}))
    begin = now()
    assert await looks.ask_all(since=begin) == 0  # not lately
    await runs.begin(run(), plan(), PLACE, tenant="t")
    for wanted, many in (
        ({"before": begin, "since": begin}, 1),
        ({"before": begin}, 0),
        ({"refs": ["r"]}, 1),
        ({"refs": ["x"]}, 0),
        ({"connection": "con_1"}, 0),
    ):
        assert await looks.ask_all(**wanted) == many  # type: ignore[arg-type]  # by its name
    async with store.reading() as connection:
        asked = select(func.count()).where(jobs.c.kind == LOOK)
        assert await connection.scalar(asked) == 1
    assert await outbox.waiting() == 2
    async with store.writing() as connection:
        await connection.execute(update(export_runs).values(state="done"))
    await targets.remove("tgt_1")
    assert await looks.ask_all() == 0
