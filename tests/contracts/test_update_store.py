"""What a room is promised by the store of its updates, whichever store it is."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import delete, insert

from backend.clock import now
from backend.settings import Url
from backend.store.engine import Store, open_store
from backend.store.tables import briefs, spaces, tenants
from backend.store.updates import SqlUpdates, begin
from collab.errors import OtherEpoch, UnknownDocument
from collab.memory import MemoryStore
from collab.model import Head, Snapshot, Stored
from collab.ports import UpdateStore

ROOT = Path(__file__).parents[2]


class Kept(Protocol):
    """A store under test, and how documents come and go in it."""

    store: UpdateStore
    create: Callable[[str, bytes], Awaitable[None]]
    delete: Callable[[str], Awaitable[None]]


class InMemory:
    def __init__(self) -> None:
        self.store = self._memory = MemoryStore()

    async def create(self, document: str, seed: bytes) -> None:
        await self._memory.create(document, epoch="e1", seed=seed)

    async def delete(self, document: str) -> None:
        await self._memory.delete(document)


class InDatabase:
    def __init__(self, store: Store) -> None:
        self._database = store
        self.store = SqlUpdates(store)

    async def create(self, document: str, seed: bytes) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                insert(briefs).values(
                    id=document,
                    tenant="t",
                    space="s",
                    title="T",
                    epoch="e1",
                    created_at=now(),
                    updated_at=now(),
                    created_by="you",
                )
            )
            await begin(connection, document, seed)

    async def delete(self, document: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(briefs).where(briefs.c.id == document))


@asynccontextmanager
async def database(url: str, folder: Path) -> AsyncIterator[InDatabase]:
    async with open_store(Url(url), folder, migrate=True) as store:
        async with store.writing() as connection:
            await connection.execute(insert(tenants).values(id="t", name="T", created_at=now()))
            await connection.execute(
                insert(spaces).values(
                    id="s", tenant="t", name="S", sample=False, created_at=now(), created_by="you"
                )
            )
        yield InDatabase(store)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    match request.param:
        case "memory":
            yield InMemory()
        case "sqlite":
            async with database("sqlite:///app.db", tmp_path) as made:
                yield made
        case _:
            async with database(request.getfixturevalue("postgres_url"), tmp_path) as made:
                yield made


async def test_what_is_not_there(kept: Kept) -> None:
    """An unknown document loads as None and takes nothing."""
    assert await kept.store.load("nope") is None
    with pytest.raises(UnknownDocument):
        await kept.store.append("nope", [b"x"], epoch="e1")
    with pytest.raises(UnknownDocument):
        await kept.store.compact("nope", Snapshot(b"x", 1), epoch="e1")
    assert await kept.store.load("nope") is None


async def test_updates_come_back_in_order(kept: Kept) -> None:
    """The seed is the first; each append goes after the last, and says its number."""
    await kept.create("a", b"seed")
    assert await kept.store.load("a") == Stored("e1", (b"seed",), 1)
    assert await kept.store.append("a", [b"1", b"2"], epoch="e1") == 3
    assert await kept.store.append("a", [b"3"], epoch="e1") == 4
    assert await kept.store.append("a", [], epoch="e1") == 4
    assert await kept.store.load("a") == Stored("e1", (b"seed", b"1", b"2", b"3"), 4)


async def test_documents_do_not_touch(kept: Kept) -> None:
    """Numbers and snapshots are each document's own."""
    await kept.create("a", b"sa")
    await kept.create("b", b"sb")
    await kept.store.append("a", [b"1", b"2"], epoch="e1")
    await kept.store.compact("a", Snapshot(b"A", 3), epoch="e1")
    assert await kept.store.append("b", [b"x"], epoch="e1") == 2
    assert await kept.store.load("b") == Stored("e1", (b"sb", b"x"), 2)


async def test_a_snapshot_replaces_what_it_covers(kept: Kept) -> None:
    """What came after it stays, and numbering goes on."""
    await kept.create("a", b"seed")
    await kept.store.append("a", [b"1", b"2", b"3"], epoch="e1")
    await kept.store.compact("a", Snapshot(b"S", 3), epoch="e1")
    assert await kept.store.load("a") == Stored("e1", (b"S", b"3"), 4)
    await kept.store.compact("a", Snapshot(b"SS", 4), epoch="e1")
    assert await kept.store.load("a") == Stored("e1", (b"SS",), 4)
    assert await kept.store.append("a", [b"4"], epoch="e1") == 5
    assert await kept.store.load("a") == Stored("e1", (b"SS", b"4"), 5)


async def test_an_older_snapshot_changes_nothing(kept: Kept) -> None:
    """One that covers less than the one in place does not bring anything back or remove it."""
    await kept.create("a", b"seed")
    await kept.store.append("a", [b"1", b"2"], epoch="e1")
    await kept.store.compact("a", Snapshot(b"new", 3), epoch="e1")
    await kept.store.append("a", [b"3"], epoch="e1")
    await kept.store.compact("a", Snapshot(b"old", 2), epoch="e1")
    assert await kept.store.load("a") == Stored("e1", (b"new", b"3"), 4)


async def test_appends_at_once_all_arrive(kept: Kept) -> None:
    """However many write at a time, each gets numbers of its own and its updates together."""
    await kept.create("a", b"seed")
    await asyncio.gather(
        *(
            kept.store.append("a", [f"{n}.{i}".encode() for i in range(3)], epoch="e1")
            for n in range(20)
        )
    )
    stored = await kept.store.load("a")
    assert stored is not None
    assert stored.last == 61
    rest = stored.updates[1:]
    assert [u.split(b".")[0] for u in rest[0::3]] == [u.split(b".")[0] for u in rest[2::3]]
    assert len(set(rest)) == 60


async def test_loading_beside_compaction_is_never_short(kept: Kept) -> None:
    """A reader that comes in the middle of a compaction sees the whole document."""
    await kept.create("a", bytes([0]))
    last = 1

    async def write() -> None:
        nonlocal last
        for n in range(1, 30):
            last = await kept.store.append("a", [bytes([n])], epoch="e1")
            # This snapshot is simply all bytes so far.
            await kept.store.compact("a", Snapshot(bytes(range(n + 1)), last), epoch="e1")

    writing = asyncio.create_task(write())
    while not writing.done():
        stored = await kept.store.load("a")
        assert stored is not None
        held = sorted(set(b"".join(stored.updates)))
        assert held == list(range(len(held)))
        assert stored.last == len(held)
        await asyncio.sleep(0)
    await writing


async def test_a_deleted_document_takes_nothing_more(kept: Kept) -> None:
    """After deletion there is nothing to load and nowhere to append."""
    await kept.create("a", b"seed")
    await kept.store.append("a", [b"1"], epoch="e1")
    await kept.delete("a")
    assert await kept.store.load("a") is None
    with pytest.raises(UnknownDocument):
        await kept.store.append("a", [b"2"], epoch="e1")


async def test_what_came_since(kept: Kept) -> None:
    """Only what has a higher number, led by the snapshot where that took some of it in."""
    await kept.create("a", b"seed")
    await kept.store.append("a", [b"1", b"2", b"3"], epoch="e1")
    assert await kept.store.since("a", 2) == Stored("e1", (b"2", b"3"), 4)
    assert await kept.store.since("a", 4) == Stored("e1", (), 4)
    await kept.store.compact("a", Snapshot(b"S", 3), epoch="e1")
    assert await kept.store.since("a", 3) == Stored("e1", (b"3",), 4)
    assert await kept.store.since("a", 2) == Stored("e1", (b"S", b"3"), 4)
    await kept.store.compact("a", Snapshot(b"SS", 4), epoch="e1")
    assert await kept.store.since("a", 4) == Stored("e1", (), 4)
    assert await kept.store.since("a", 3) == Stored("e1", (b"SS",), 4)
    assert await kept.store.since("nope", 0) is None


async def test_how_far_each_is(kept: Kept) -> None:
    """The last number and the epoch of each that exists, also where its tail is compacted."""
    await kept.create("a", b"seed")
    await kept.create("b", b"seed")
    await kept.store.append("a", [b"1", b"2"], epoch="e1")
    await kept.store.compact("a", Snapshot(b"S", 3), epoch="e1")
    assert await kept.store.heads(["a", "b", "nope"]) == {"a": Head("e1", 3), "b": Head("e1", 1)}
    many = [f"d{n}" for n in range(1200)]
    assert await kept.store.heads([*many, "a"]) == {"a": Head("e1", 3)}
    assert await kept.store.heads([]) == {}


async def test_nothing_of_another_epoch_is_taken(kept: Kept) -> None:
    """A room of the document as it was before a rebuild can neither add to it nor replace it."""
    await kept.create("a", b"seed")
    with pytest.raises(OtherEpoch):
        await kept.store.append("a", [b"old"], epoch="e0")
    with pytest.raises(OtherEpoch):
        await kept.store.compact("a", Snapshot(b"old", 9), epoch="e0")
    assert await kept.store.load("a") == Stored("e1", (b"seed",), 1)


async def test_two_who_append_and_follow_see_the_same(kept: Kept) -> None:
    """Whoever takes what came since its own place, again and again, beside appends and compactions
    by others, misses no number."""
    await kept.create("a", b"\0")

    async def write(sign: int) -> None:
        for _ in range(25):
            await kept.store.append("a", [bytes([sign])], epoch="e1")

    async def compact() -> None:
        for _ in range(10):
            stored = await kept.store.load("a")
            assert stored is not None
            await kept.store.compact(
                "a", Snapshot(b"".join(stored.updates), stored.last), epoch="e1"
            )

    writing = asyncio.gather(write(1), write(2), compact())
    at, held = 0, b""
    while at < 51:
        done = writing.done()
        stored = await kept.store.since("a", at)
        assert stored is not None
        # A snapshot says all from the beginning, an update only itself.
        for update in stored.updates:
            held = update if len(update) > 1 else held + update
        at = stored.last
        assert len(held) == at
        assert at == 51 or not done
        await asyncio.sleep(0)
    await writing
    assert held.count(1) == held.count(2) == 25


async def test_large_updates(kept: Kept) -> None:
    """A megabyte goes in and out byte for byte."""
    await kept.create("a", b"seed")
    large = random.Random(1).randbytes(1_000_000)
    await kept.store.append("a", [large], epoch="e1")
    stored = await kept.store.load("a")
    assert stored is not None
    assert stored.updates == (b"seed", large)


# Appends numbers as updates and says each only once it is stored; compacts now and then.
WRITER = """
import asyncio, sys
from pathlib import Path
from backend.settings import Url
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from collab.model import Snapshot

async def main():
    async with open_store(Url("sqlite:///app.db"), Path(sys.argv[1])) as database:
        store = SqlUpdates(database)
        stored = await store.load("a")
        held = b"".join(stored.updates)
        n = len(held) // 4
        while True:
            batch = [(n + i).to_bytes(4, "big") for i in range(1 + n % 4)]
            last = await store.append("a", batch, epoch="e1")
            n += len(batch)
            held += b"".join(batch)
            print(n, flush=True)
            if n % 7 == 0:
                await store.compact("a", Snapshot(held, last), epoch="e1")

asyncio.run(main())
"""


async def test_a_killed_writer_loses_nothing_it_called_stored(tmp_path: Path) -> None:
    """Killed at any point, compaction included: all that was acknowledged is there, once, in
    order, and at most the one unanswered append beside it."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    async with database("sqlite:///app.db", tmp_path) as made:
        await made.create("a", (0).to_bytes(4, "big"))
    for _ in range(6):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), stdout=PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        told = [b"0"]
        for _ in range(rng.randrange(1, 40)):
            told = [await process.stdout.readline()]
            assert told[0], "the writer ended by itself"
        process.kill()
        told += (await process.stdout.read()).split()
        await process.wait()
        async with open_store(Url("sqlite:///app.db"), tmp_path) as database_again:
            stored = await SqlUpdates(database_again).load("a")
        assert stored is not None
        held = b"".join(stored.updates)
        count = len(held) // 4
        assert held == b"".join(n.to_bytes(4, "big") for n in range(count))
        assert int(told[-1]) <= count <= int(told[-1]) + 4
