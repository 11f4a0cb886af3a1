"""What the outbox promises, on every database it is kept in."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backend.clock import now
from backend.jobs import Lease, Worker
from backend.store.engine import Store
from backend.store.outbox import ATTEMPTS, Job, JobState, LeaseLost, Outbox, is_dead, owner_name
from backend.store.tables import jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


async def ask(store: Store, outbox: Outbox, subject: str, kind: str = "count") -> str:
    async with store.writing() as connection:
        return await outbox.add(connection, kind, subject=subject, tenant="t", payload={"n": 1})


async def age(store: Store, job: str, **columns: object) -> None:
    async with store.writing() as connection:
        await connection.execute(update(jobs).where(jobs.c.id == job).values(**columns))


async def test_a_job_exists_only_if_the_change_that_asks_for_it_does(
    store: Store, outbox: Outbox
) -> None:
    """A transaction that fails leaves no work behind."""
    with pytest.raises(RuntimeError):
        async with store.writing() as connection:
            await outbox.add(connection, "count", subject="a", tenant="t")
            raise RuntimeError("the change failed")
    assert await outbox.claim("w/1/1/1") is None


async def test_each_job_is_claimed_once_by_any_number_of_workers(
    store: Store, outbox: Outbox
) -> None:
    """Sixteen claims at once over eight jobs hand out each exactly once."""
    asked = {await ask(store, outbox, f"subject {n}") for n in range(8)}
    claimed = await asyncio.gather(*(outbox.claim(f"w/{n}/1/1") for n in range(16)))
    taken = [job.id for job in claimed if job is not None]
    # On a server a claim may lose the race for a row and come back empty; it asks again.
    while (job := await outbox.claim("w/99/1/1")) is not None:
        taken.append(job.id)
    assert sorted(taken) == sorted(asked)


async def test_a_subject_s_jobs_run_one_after_another(store: Store, outbox: Outbox) -> None:
    """The second job of a source waits until the first has ended."""
    first, second = await ask(store, outbox, "same"), await ask(store, outbox, "same")
    held = await outbox.claim("w/1/1/1")
    assert held is not None
    assert held.id == first
    assert await outbox.claim("w/2/1/1") is None
    async with store.writing() as connection:
        await outbox.finish(connection, held, "w/1/1/1")
    following = await outbox.claim("w/2/1/1")
    assert following is not None
    assert following.id == second


async def test_a_subject_s_jobs_are_never_claimed_side_by_side(
    store: Store, outbox: Outbox
) -> None:
    """Claims that come at the same moment see each other: of two jobs one has to wait."""
    for subject in range(12):
        for _ in range(2):
            await ask(store, outbox, f"subject {subject}")
        claimed = await asyncio.gather(*(outbox.claim(f"w/{n}/1/1") for n in range(4)))
        assert len([job for job in claimed if job is not None]) == 1


async def test_a_lane_s_jobs_run_one_after_another(store: Store, outbox: Outbox) -> None:
    """Whatever they are about; what goes through another lane, or through none, does not wait."""
    async with store.writing() as connection:
        for subject, lane in (("a", "one"), ("b", "one"), ("c", "two"), ("d", None), ("e", None)):
            await outbox.add(connection, "count", subject=subject, tenant="t", lane=lane)
    claimed = []
    while (job := await outbox.claim("w/1/1/1")) is not None:
        claimed.append(job)
    assert [job.subject for job in claimed] == ["a", "c", "d", "e"]
    async with store.writing() as connection:
        await outbox.finish(connection, claimed[0], "w/1/1/1")
    following = await outbox.claim("w/1/1/1")
    assert following is not None
    assert following.subject == "b"


async def test_a_lane_is_put_off_and_one_of_it_hastened(store: Store, outbox: Outbox) -> None:
    """What is asked for again is begun at once, as it is asked for now; what is put off longer
    already stays so."""
    soon, late = now() + timedelta(minutes=5), now() + timedelta(hours=1)
    async with store.writing() as connection:
        for subject in ("a", "b", "c"):
            await outbox.add(connection, "count", subject=subject, tenant="t", lane="one")
        await outbox.add(connection, "other", subject="d", tenant="t", lane="one")
        await outbox.put_off(connection, "count", "one", late)
        await outbox.put_off(connection, "count", "one", soon)
    job = await outbox.claim("w/1/1/1")
    assert job is not None
    assert job.subject == "d"
    async with store.writing() as connection:
        await outbox.finish(connection, job, "w/1/1/1")
        assert not await outbox.hasten(connection, "other", "b")
        assert await outbox.hasten(connection, "count", "b", {"now": True})
    job = await outbox.claim("w/1/1/1")
    assert job is not None
    assert (job.subject, job.payload) == ("b", {"now": True})
    async with store.reading() as connection:
        left = await connection.execute(select(jobs.c.run_after).where(jobs.c.state == "queued"))
    assert {row.run_after for row in left} == {late}


async def test_a_silent_worker_loses_its_job_and_what_it_did_for_it(
    store: Store, outbox: Outbox
) -> None:
    """After the lease another takes over, and the first one's finishing transaction fails."""
    job = await ask(store, outbox, "slow")
    first = await outbox.claim("w/1/1/1")
    assert first is not None
    await age(store, job, lease_until=now() - timedelta(seconds=1))
    second = await outbox.claim("w/2/1/1")
    assert second is not None
    assert (second.id, second.attempt) == (job, 2)
    assert not await outbox.renew(first, "w/1/1/1")
    with pytest.raises(LeaseLost):
        async with store.writing() as connection:
            await outbox.finish(connection, first, "w/1/1/1")
    assert await outbox.state(job) is JobState.RUNNING


async def test_a_failed_job_comes_back_later_each_time(store: Store, outbox: Outbox) -> None:
    """It is not to be had before its time, and keeps count of its attempts."""
    await ask(store, outbox, "flaky")
    delays = []
    for attempt in range(1, 4):
        job = await outbox.claim("w/1/1/1")
        assert job is not None
        assert job.attempt == attempt
        delays.append(await outbox.again(job, "w/1/1/1", "boom") - now())
        assert await outbox.claim("w/1/1/1") is None
        await age(store, job.id, run_after=now())
    assert delays == sorted(delays)
    assert delays[0] > timedelta(0)


async def test_a_job_that_waits_gives_its_worker_back(store: Store, outbox: Outbox) -> None:
    """Put off, it is nobody's until its time, which may be brought forward; no attempt is lost."""
    job = await ask(store, outbox, "a")
    for _ in range(ATTEMPTS + 1):
        held = await outbox.claim("w/1/1/1")
        assert held is not None
        assert held.attempt == 1
        async with store.writing() as connection:
            await outbox.postpone(connection, held, "w/1/1/1", now() + timedelta(hours=1))
        assert await outbox.claim("w/2/1/1") is None
        assert await outbox.waiting() == 1
        async with store.writing() as connection:
            await outbox.hasten(connection, "count", "a")
    assert await outbox.claim("w/2/1/1") is not None
    async with store.writing() as connection:
        with pytest.raises(LeaseLost):
            await outbox.postpone(connection, held, "w/1/1/1", now())
    assert await outbox.state(job) is JobState.RUNNING


async def test_a_cancelled_job_cannot_finish(store: Store, outbox: Outbox) -> None:
    """What waits never starts; what runs is told at its next heartbeat."""
    waiting, running = await ask(store, outbox, "b"), await ask(store, outbox, "a")
    await age(store, running, run_after=now() - timedelta(hours=1))
    held = await outbox.claim("w/1/1/1")
    assert held is not None
    assert held.id == running
    async with store.writing() as connection:
        assert await outbox.cancel(connection, "a") == 1
        assert await outbox.cancel(connection, "b") == 1
    assert await outbox.state(waiting) is JobState.CANCELLED
    assert not await outbox.renew(held, "w/1/1/1")
    with pytest.raises(LeaseLost):
        async with store.writing() as connection:
            await outbox.finish(connection, held, "w/1/1/1")


class Recorder:
    """Does a job by writing down that it was done, in the job's own last transaction."""

    def __init__(self, store: Store, *, fail: int = 0) -> None:
        self._store = store
        self._fail = fail
        self.done: list[str] = []
        self.given_up: list[str] = []
        self.cleared: list[str] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def run(self, lease: Lease) -> None:
        self.begun.set()
        await self.go_on.wait()
        if lease.job.attempt <= self._fail:
            raise RuntimeError(f"attempt {lease.job.attempt} fails")
        async with self._store.writing() as connection:
            await lease.finish(connection)
        self.done.append(lease.job.subject)

    async def stopped(self, job: Job) -> None:
        self.cleared.append(job.subject)

    async def gave_up(self, lease: Lease, error: str) -> None:
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)
        self.given_up.append(error)


async def test_a_job_told_to_stop_is_stopped_at_once_and_cleared_up(
    store: Store, outbox: Outbox
) -> None:
    """Cancelling does not wait for the work to come to an end by itself."""
    handler = Recorder(store)
    handler.go_on.clear()
    worker = Worker(outbox, {"count": handler}, at_once=1)
    job = await ask(store, outbox, "long")
    await worker.start()
    await asyncio.wait_for(handler.begun.wait(), 10)
    async with store.writing() as connection:
        await outbox.cancel(connection, "long")
    worker.wake()
    while await outbox.state(job) is not JobState.CANCELLED:
        await asyncio.sleep(0)
    await worker.stop()
    assert handler.cleared == ["long"]
    assert handler.done == []


async def test_stopping_a_worker_gives_its_job_back_unharmed(store: Store, outbox: Outbox) -> None:
    """The next worker begins it at once, and the interrupted attempt does not count."""
    handler = Recorder(store)
    handler.go_on.clear()
    worker = Worker(outbox, {"count": handler}, at_once=1)
    job = await ask(store, outbox, "interrupted")
    await worker.start()
    await asyncio.wait_for(handler.begun.wait(), 10)
    await worker.stop()
    assert await outbox.state(job) is JobState.QUEUED
    handler.go_on.set()
    await Worker(outbox, {"count": handler}, at_once=1).drain()
    assert handler.done == ["interrupted"]
    async with store.reading() as connection:
        assert await connection.scalar(select(jobs.c.attempts)) == 1


async def test_a_job_that_always_fails_is_given_up_aloud(store: Store, outbox: Outbox) -> None:
    """After the last attempt the handler is told, with the error's own words."""
    handler = Recorder(store, fail=99)
    worker = Worker(outbox, {"count": handler}, at_once=1)
    job = await ask(store, outbox, "doomed")
    for _ in range(ATTEMPTS):
        await age(store, job, run_after=now() - timedelta(seconds=1))
        await worker.once()
    assert await outbox.state(job) is JobState.FAILED
    assert handler.given_up == [f"RuntimeError: attempt {ATTEMPTS} fails"]


async def test_a_job_that_kills_its_worker_each_time_is_given_up(
    store: Store, outbox: Outbox
) -> None:
    """A file that takes the process down does not do so for ever."""
    handler = Recorder(store)
    job = await ask(store, outbox, "killer")
    await age(store, job, attempts=ATTEMPTS)
    await Worker(outbox, {"count": handler}, at_once=1).once()
    assert await outbox.state(job) is JobState.FAILED
    assert handler.done == []


def test_a_living_process_is_not_taken_for_dead() -> None:
    """Nor is one on another machine, of which nothing can be known."""
    assert not is_dead(owner_name())
    assert not is_dead("elsewhere/1/1/abc")


async def test_a_killed_worker_s_jobs_are_taken_up_at_once(tmp_path: Path) -> None:
    """kill -9 in the middle of a job: the next start does it, once, without waiting for a lease."""
    from backend.settings import Url
    from backend.store.engine import open_store

    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from backend.jobs import Worker
        from backend.settings import Url
        from backend.store.engine import open_store
        from backend.store.outbox import Outbox

        class Hang:
            async def run(self, lease):
                print("begun", flush=True)
                await asyncio.Event().wait()

        async def main():
            async with open_store(Url("sqlite:///app.db"), Path(sys.argv[1])) as store:
                outbox = Outbox(store)
                async with store.writing() as connection:
                    await outbox.add(connection, "count", subject="a", tenant="t")
                await Worker(outbox, {"count": Hang()}, at_once=1).start()
                await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert victim.stdout is not None
        assert await asyncio.to_thread(victim.stdout.readline) == "begun\n"
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        assert victim.stdout is not None
        victim.stdout.close()
    async with open_store(Url("sqlite:///app.db"), tmp_path) as store:
        outbox = Outbox(store)
        handler = Recorder(store)
        assert await outbox.claim("w/1/1/1") is None  # the lease still runs
        worker = Worker(outbox, {"count": handler}, at_once=1)
        await worker.start()
        while await outbox.waiting():
            await asyncio.sleep(0)
        await worker.stop()
        assert handler.done == ["a"]


async def test_a_kind_apart_neither_waits_for_the_others_nor_holds_them_up(
    store: Store, outbox: Outbox
) -> None:
    """While two slow jobs run, the quick ones are done, though the worker does one at a time."""
    slow, quick = Recorder(store), Recorder(store)
    slow.go_on.clear()
    worker = Worker(outbox, {"slow": slow, "quick": quick}, at_once=1, apart={"slow": 2})
    await ask(store, outbox, "a", kind="slow")
    await ask(store, outbox, "b", kind="slow")
    for n in range(3):
        await ask(store, outbox, f"file {n}", kind="quick")
    await worker.start()
    async with asyncio.timeout(30):
        while len(quick.done) < 3:
            await asyncio.sleep(0)
    assert quick.done == [f"file {n}" for n in range(3)]
    slow.go_on.set()
    async with asyncio.timeout(30):
        while await outbox.waiting():
            await asyncio.sleep(0)
    await worker.stop()
    assert sorted(slow.done) == ["a", "b"]


async def test_a_claim_for_some_kinds_leaves_the_others_where_they_are(
    store: Store, outbox: Outbox
) -> None:
    await ask(store, outbox, "a", kind="slow")
    assert await outbox.claim("w/1/1/1", without=["slow"]) is None
    assert await outbox.claim("w/1/1/1", only=["quick"]) is None
    job = await outbox.claim("w/1/1/1", only=["slow"])
    assert job is not None
    assert job.subject == "a"


async def test_work_that_nobody_rings_for_is_seen(
    store: Store, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process asks for while all wait is begun, with no bell but the clock's."""
    monkeypatch.setattr("backend.jobs.POLL", 0.01)
    handler = Recorder(store)
    worker = Worker(outbox, {"count": handler}, at_once=2, apart={"other": 1})
    await worker.start()
    for subject in ("first", "second"):
        await ask(store, outbox, subject)
        async with asyncio.timeout(30):
            while subject not in handler.done:
                await asyncio.sleep(0.005)
    await worker.stop()


async def test_those_who_wait_for_work_look_together(
    store: Store, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is nothing to do, each asks once as it begins, and from then on one for all."""
    monkeypatch.setattr("backend.jobs.POLL", 0.01)
    claims = looks = 0

    class Counted(Outbox):
        async def claim(
            self, owner: str, *, only: Collection[str] = (), without: Collection[str] = ()
        ) -> Job | None:
            nonlocal claims
            claims += 1
            return await super().claim(owner, only=only, without=without)

        async def due(self) -> bool:
            nonlocal looks
            looks += 1
            return await super().due()

    worker = Worker(Counted(store), {}, at_once=3, apart={"other": 2})
    await worker.start()
    async with asyncio.timeout(30):
        while looks < 5:
            await asyncio.sleep(0.005)
    await worker.stop()
    assert claims == 5
