"""The ledger of an export: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import delete, insert, update

from backend.clock import new_id, now
from backend.jobs import Lease
from backend.store.engine import Store
from backend.store.ledger import Stopped, StoredLedger
from backend.store.outbox import Outbox
from backend.store.tables import briefs, export_outcomes, export_runs, export_targets, jobs
from exporters.errors import LostLease
from exporters.memory import Books, MemoryLedger
from exporters.ports import Ledger
from exporters.records import Entry, Json, Op, Record, Request, Step
from tests.contracts.conftest import make_brief, store_on

SUBJECT = "export:tgt_1:brf_1"


class Desk(Protocol):
    """Where workers take up one export, one after another."""

    async def take_up(self) -> Ledger:
        """A worker's ledger; whoever had it before has it no longer."""
        ...


class MemoryDesk:
    def __init__(self) -> None:
        self._books = Books()

    async def take_up(self) -> Ledger:
        return MemoryLedger(self._books)


class StoredDesk:
    """Of the run run_1, by workers that claim its job from the outbox."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._outbox = Outbox(store)

    async def take_up(self, run: str = "run_1") -> StoredLedger:
        async with self.store.writing() as connection:
            await connection.execute(
                update(jobs)
                .where(jobs.c.subject == SUBJECT)
                .values(lease_until=now() - timedelta(seconds=1))
            )
        owner = new_id("worker")
        job = await self._outbox.claim(owner)
        assert job is not None
        lease = Lease(self._outbox, job, owner)
        return StoredLedger(self.store, target="tgt_1", brief="brf_1", run=run, hold=lease.hold)


@asynccontextmanager
async def desk_on(store: Store) -> AsyncIterator[StoredDesk]:
    await make_brief(store)
    async with store.writing() as connection:
        await connection.execute(
            insert(export_targets).values(
                id="tgt_1", tenant="t", space="spc_1", kind="folder", name="F", where={},
                mapping={}, created_at=now(), created_by="you",
            )
        )  # fmt: skip
        for turn, run in enumerate(("run_1", "run_2"), 1):
            await connection.execute(
                insert(export_runs).values(
                    id=run, tenant="t", target="tgt_1", brief="brf_1", state="running",
                    turn=turn, checksum="c", counts={}, total=1, actor="you", actor_name="You",
                    created_at=now(),
                )
            )  # fmt: skip
            for position, id in enumerate(("stp_1", "stp_2")):
                await connection.execute(
                    insert(export_outcomes).values(
                        run=run, step=id, position=position, op="create", keys=["block00001"],
                        outcome="pending", message="", url="",
                    )
                )  # fmt: skip
        await Outbox(store).add(connection, "export", subject=SUBJECT, tenant="t")
    yield StoredDesk(store)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    if request.param == "memory":
        yield MemoryDesk()
        return
    async with store_on(request.param, request, tmp_path) as store, desk_on(store) as opened:
        yield opened


@pytest.fixture
async def stored(store: Store) -> AsyncIterator[StoredDesk]:
    async with desk_on(store) as opened:
        yield opened


# What JSON can say and databases stumble over: NUL, half a surrogate pair, a fraction of zero.
HARD: dict[str, Json] = {
    "text": "a\0b\ud83d",
    "number": 1.0,
    "none": None,
    "list": [True, {"é": "𝄞"}],
}


def step(id: str = "stp_1", key: str = "block00001") -> Step:
    return Step(
        id=id,
        op=Op.CREATE,
        request=Request("POST", "cards?x={$ref:overview}", {"name": "N", "list": {"$ref": "l"}}),
        sends={key: HARD},
        records=(Record(key, "card", HARD, "Title", "overview", ordered=True),),
        base={"name": "before"},
        needs=("overview",),
        reads=2,
    )


def entry(key: str = "block00001", ref: str = "r1") -> Entry:
    return Entry(
        key,
        "card",
        ref,
        HARD,
        {"text": "read back"},
        "overview",
        "https://x",
        "T",
        3,
        "r0",
        frozenset({"name", "due"}),
    )


async def test_an_intent_comes_back_as_it_was_begun(desk: Desk) -> None:
    """To the next worker: the very step, since when, by whom, and how often it was looked for."""
    worker, moment = await desk.take_up(), now()
    intent = await worker.intend(step(), actor="ann", now=moment)
    await worker.looked(await worker.looked(intent))
    (found,) = await (await desk.take_up()).open_intents()
    assert (found.step, found.since, found.actor, found.looks) == (step(), moment, "ann", 2)


async def test_a_receipt_is_the_whole_of_it(desk: Desk) -> None:
    """The intent is over, the step is done, its entries are there and the forgotten are not."""
    worker = await desk.take_up()
    await worker.settle([entry("old"), entry("kept")])
    intent = await worker.intend(step(), actor="ann", now=now())
    assert await worker.done(["stp_1"]) == frozenset()
    await worker.record(intent, [entry()], forget=["old"])
    later = await desk.take_up()
    assert await later.open_intents() == []
    assert await later.done(["stp_1", "stp_2"]) == {"stp_1"}
    assert dict(await later.entries()) == {"kept": entry("kept"), "block00001": entry()}


async def test_an_object_made_anew_replaces_the_one_it_was(desk: Desk) -> None:
    """Forgotten and recorded under one key in one receipt, it is there."""
    worker = await desk.take_up()
    await worker.settle([entry(ref="old")])
    intent = await worker.intend(step(), actor="ann", now=now())
    await worker.record(intent, [entry(ref="new")], forget=["block00001"])
    assert (await worker.entries())["block00001"].ref == "new"


async def test_what_was_withdrawn_was_never_done(desk: Desk) -> None:
    worker = await desk.take_up()
    await worker.withdraw(await worker.intend(step(), actor="ann", now=now()))
    assert await worker.open_intents() == []
    assert await worker.done(["stp_1"]) == frozenset()


async def test_intents_are_looked_for_in_the_order_they_were_begun(desk: Desk) -> None:
    worker, moment = await desk.take_up(), now()
    for number in (3, 1, 2):
        await worker.intend(
            step(f"stp_{number}"), actor="ann", now=moment + timedelta(seconds=number)
        )
    assert [one.step.id for one in await worker.open_intents()] == ["stp_1", "stp_2", "stp_3"]


async def test_a_worker_that_was_held_up_writes_nothing_more(desk: Desk) -> None:
    """Once another has the export, whatever the first says is refused and leaves no trace."""
    first = await desk.take_up()
    intent = await first.intend(step(), actor="ann", now=now())
    second = await desk.take_up()
    for late in (
        first.intend(step("stp_2"), actor="ann", now=now()),
        first.looked(intent),
        first.record(intent, [entry()]),
        first.withdraw(intent),
        first.settle([entry()]),
    ):
        with pytest.raises(LostLease):
            await late
    (open_,) = await second.open_intents()
    assert (open_.step.id, open_.looks) == ("stp_1", 0)
    assert await second.entries() == {}
    assert await second.done(["stp_1"]) == frozenset()


async def test_a_step_is_done_within_its_run(stored: StoredDesk) -> None:
    """A text that went back to what it was is the same step again, and is made again."""
    worker = await stored.take_up("run_1")
    await worker.record(await worker.intend(step(), actor="ann", now=now()), [entry()])
    assert await worker.done(["stp_1"]) == {"stp_1"}
    assert await (await stored.take_up("run_2")).done(["stp_1"]) == frozenset()


async def test_nothing_is_begun_in_a_run_that_was_called_off(stored: StoredDesk) -> None:
    """What was begun before may still have its receipt."""
    worker = await stored.take_up()
    intent = await worker.intend(step(), actor="ann", now=now())
    async with stored.store.writing() as connection:
        await connection.execute(update(export_runs).values(stop=True))
    with pytest.raises(Stopped):
        await worker.intend(step("stp_2"), actor="ann", now=now())
    await worker.record(intent, [entry()])
    assert await worker.open_intents() == []


async def test_nothing_is_written_of_a_brief_that_is_gone(stored: StoredDesk) -> None:
    """Deleted in the middle of a run, it takes its ledger along, and the worker stops."""
    worker = await stored.take_up()
    intent = await worker.intend(step(), actor="ann", now=now())
    async with stored.store.writing() as connection:
        await connection.execute(delete(briefs))
    with pytest.raises(LostLease):
        await worker.record(intent, [entry()])
    with pytest.raises(LostLease):
        await worker.intend(step("stp_2"), actor="ann", now=now())
    assert await worker.open_intents() == []


async def test_an_outcome_is_found_out_once(stored: StoredDesk) -> None:
    """A second receipt of one step, from before the first, replaces nothing."""
    worker = await stored.take_up()
    intent = await worker.intend(step(), actor="ann", now=now())
    await worker.record(intent, [entry(ref="first")])
    with pytest.raises(LostLease):
        await worker.record(intent, [entry(ref="second")])
    assert (await worker.entries())["block00001"].ref == "first"


async def test_of_two_workers_at_once_one_writes(stored: StoredDesk) -> None:
    """Receipts of both for one step, at the same moment: one stands, whole."""
    first = await stored.take_up()
    intent = await first.intend(step(), actor="ann", now=now())
    second = await stored.take_up()
    ends = await asyncio.gather(
        first.record(intent, [entry(ref="first")]),
        second.record(intent, [entry(ref="second")]),
        return_exceptions=True,
    )
    assert [type(end) for end in ends] == [LostLease, type(None)]
    assert (await second.entries())["block00001"].ref == "second"
