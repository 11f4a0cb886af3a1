"""Rooms of one document in several processes: one store, a bus that may lose messages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pycrdt
import pytest

from collab import wire
from collab.blocks import seed
from collab.memory import MemoryBus, MemoryExchange, MemoryStore
from collab.model import CloseReason, Limits, Projection, Snapshot
from collab.rooms import Rooms
from tests.unit.collab.test_room import BRIEF, Guest, eventually

LIMITS = Limits(
    quiet_seconds=0.02,
    restless_seconds=0.1,
    linger_seconds=5,
    presence_seconds=0.01,
    gap_seconds=0.02,
    look_seconds=60,
    away_seconds=0.02,
)


class SlowStore(MemoryStore):
    """Lets others in between, as a server does, and counts who asked what has come."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def append(self, document: str, updates: Sequence[bytes], *, epoch: str) -> int:
        await asyncio.sleep(0.001)
        return await super().append(document, updates, epoch=epoch)

    async def since(self, document: str, number: int):  # type: ignore[no-untyped-def]
        self.asked += 1
        found = await super().since(document, number)
        await asyncio.sleep(0.001)
        return found


@dataclass
class Processes:
    store: SlowStore
    exchange: MemoryExchange
    rooms: list[Rooms]
    settled: list[int]

    async def stored(self) -> str:
        return await Rooms(self.store).title(BRIEF)


@asynccontextmanager
async def processes(count: int = 2, limits: Limits = LIMITS) -> AsyncIterator[Processes]:
    store, exchange = SlowStore(), MemoryExchange()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))
    made = Processes(store, exchange, [], [])

    def follower(number: int):  # type: ignore[no-untyped-def]
        async def told(document: str, projection: Projection) -> None:
            made.settled.append(number)

        return told

    made.rooms = [
        Rooms(store, limits=limits, bus=MemoryBus(exchange), on_settled=follower(number))
        for number in range(count)
    ]
    try:
        yield made
    finally:
        for rooms in made.rooms:
            await rooms.close()


async def test_an_edit_is_heard_in_every_process() -> None:
    """What is typed in one reaches the others by the bus alone: the store is not asked."""
    async with processes(3) as made:
        ann, bob, eve = [await Guest(rooms).join() for rooms in made.rooms]
        asked = made.store.asked
        ann.type("one")
        await bob.until(lambda: str(bob.title) == "Tone")
        await eve.until(lambda: str(eve.title) == "Tone")
        eve.type("two")
        await ann.until(lambda: str(ann.title) == "Tonetwo")
        assert made.store.asked == asked
        assert await made.stored() == "Tonetwo"


async def test_what_one_appends_between_is_awaited_then_loaded() -> None:
    """Both type at once, with the bus gone in between: neither stays behind the store."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        made.exchange.cut()
        for _ in range(10):
            ann.type("a")
            bob.type("b")
            await asyncio.sleep(0.003)
        await ann.until(lambda: sorted(str(ann.title)) == sorted("T" + "ab" * 10))
        await bob.until(lambda: str(bob.title) == str(ann.title))
        made.exchange.mend()
        assert await made.stored() == str(ann.title)


async def test_an_outage_is_made_up_for() -> None:
    """Typed while the bus was away, it is in the other process all the same, before and after."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        made.exchange.cut()
        ann.type("away")
        await bob.until(lambda: str(bob.title) == "Taway")
        made.exchange.mend()
        ann.type("!")
        await bob.until(lambda: str(bob.title) == "Taway!")


async def test_a_message_lost_without_a_word_is_found_by_looking() -> None:
    """Where a message is lost and no later one tells of it, the look at the store does."""
    async with processes(limits=replace(LIMITS, look_seconds=0.05)) as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        lost = made.exchange.buses.pop()  # says and hears nothing, and does not know it
        ann.type("!")
        await bob.until(lambda: str(bob.title) == "T!")
        made.exchange.buses.append(lost)


async def test_who_was_cut_off_tells_what_it_stored_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one process alone had no bus, the others learn of its edits as soon as it is back."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        line = made.exchange.buses[0]
        with monkeypatch.context() as cut:
            cut.setattr(line, "publish", lambda topic, message: None)
            ann.type("!")
            await ann.until(lambda: ann.saved == 2)
        line.tell_missed()
        await bob.until(lambda: str(bob.title) == "T!")


async def test_a_large_update_travels_by_its_number() -> None:
    """Past what a message may hold the other process loads it from the store."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        large = "x" * (MemoryBus.payload_bytes + 1)
        ann.type(large)
        await bob.until(lambda: str(bob.title) == "T" + large)
        bob.type("!")
        await ann.until(lambda: str(ann.title) == "T" + large + "!")


async def test_a_compaction_drops_nothing_unseen() -> None:
    """A process that lacks a row compacts without it; one whose rows were compacted away takes
    the snapshot."""
    async with processes(limits=replace(LIMITS, away_seconds=60)) as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        ann.type("a")
        await bob.until(lambda: str(bob.title) == "Ta")
        made.exchange.cut()
        bob.type("unseen")
        await bob.until(lambda: bob.saved == 2)
        await ann.leave()  # and the room of ann's process, now empty, compacts
        await eventually(lambda: made.store._snapshots)
        assert await made.stored() == "Taunseen"
        last = (await made.store.heads([BRIEF]))[BRIEF].last
        whole: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
        for update in (await made.store.load(BRIEF)).updates:  # type: ignore[union-attr]
            whole.apply_update(update)
        whole.get("title", type=pycrdt.Text).insert(0, "more ")
        await made.store.append(BRIEF, [whole.get_update()], epoch="e1")
        await made.store.compact(BRIEF, Snapshot(whole.get_update(), last + 1), epoch="e1")
        made.exchange.mend()
        await bob.until(lambda: str(bob.title) == "more Taunseen")
        bob.type("!")
        await bob.until(lambda: bob.saved == 3)
        assert await made.stored() == "more Taunseen!"


async def test_an_emoji_cut_in_another_process() -> None:
    """An edit that cuts a character in two remakes the document in every process."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        ann.type("a😀b")
        await bob.until(lambda: str(bob.title) == "Ta😀b")
        # What a browser sends that inserts between the two halves of the character, which is at
        # 2 and 3 of what this client wrote.
        client = ann.doc.client_id
        cut = b"\x01\x01" + wire.integer(77) + b"\x00\xc4"
        cut += wire.integer(client) + b"\x01" + wire.integer(client) + b"\x02\x01x\x00"
        ann.send(wire.update(cut))
        await ann.until(lambda: ann.saved == 3)

        async def holds(rooms: Rooms) -> str:
            return await rooms.title(BRIEF)

        async with asyncio.timeout(5):
            while await holds(made.rooms[1]) != (told := await holds(made.rooms[0])):
                await asyncio.sleep(0.005)
        assert told.count("x") == 1
        assert "😀" not in told
        assert await made.stored() == told


async def test_presence_crosses_processes() -> None:
    """Those elsewhere are seen on joining and when they move, and are gone when they leave; nobody
    here can speak for them by repeating them."""
    async with processes() as made:
        ann = await Guest(made.rooms[0]).join()
        ann.send(wire.presences([wire.Presence(7, 1, b'{"at":1}')]))
        await ann.until(lambda: ann.saved == 1)
        bob = await Guest(made.rooms[1], subject="bob").join()
        await bob.until(lambda: 7 in bob.presences)
        bob.send(wire.presences([bob.presences[7], wire.Presence(8, 1, b"{}")]))
        await ann.until(lambda: 8 in ann.presences)
        ann.send(wire.presences([wire.Presence(7, 2, b'{"at":2}')]))
        await bob.until(lambda: bob.presences[7].clock == 2)
        await ann.leave()
        await bob.until(lambda: bob.presences[7].gone)


async def test_presence_moves_with_its_client() -> None:
    """A client that comes back in another process is not taken away when the first lets it go."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        ann.send(wire.presences([wire.Presence(7, 1, b"{}")]))
        await bob.until(lambda: 7 in bob.presences)
        again = await Guest(made.rooms[1]).join()
        again.send(wire.presences([wire.Presence(7, 2, b"{}")]))
        await ann.until(lambda: 7 in ann.presences)
        await ann.leave()
        again.send(wire.presences([wire.Presence(7, 3, b'{"x":1}')]))
        await bob.until(lambda: bob.presences[7].clock == 3)
        assert not bob.presences[7].gone


async def test_the_presences_of_a_dead_process_end() -> None:
    """When nothing is heard of them any more, those who were there are said to be gone."""
    limits = replace(LIMITS, lost_seconds=0.05, look_seconds=0.02)
    async with processes(limits=limits) as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        ann.send(wire.presences([wire.Presence(7, 1, b"{}")]))
        await bob.until(lambda: 7 in bob.presences)
        await bob.until(lambda: bob.presences[7].gone)


async def test_what_follows_follows_once() -> None:
    """The process that took the edit sees to what follows; the other does only where it died."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        ann.type("x")
        await bob.until(lambda: str(bob.title) == "Tx")
        await eventually(lambda: made.settled)
        await asyncio.sleep(LIMITS.restless_seconds + 3 * LIMITS.quiet_seconds)
        assert made.settled == [0]
        stored = await made.store.load(BRIEF)
        assert stored is not None
        # An update that no living process took.
        doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
        for update in stored.updates:
            doc.apply_update(update)
        doc.get("title", type=pycrdt.Text).insert(0, "y")
        await made.store.append(BRIEF, [doc.get_update()], epoch="e1")
        made.exchange.mend()
        await eventually(lambda: len(made.settled) > 1)


async def test_the_last_word_on_a_document_is_its_latest() -> None:
    """A process that is still telling what follows from an older state tells of the latest, too,
    although another has told of it already."""
    store, exchange = SlowStore(), MemoryExchange()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))
    titles: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(document: str, projection: Projection) -> None:
        begun.set()
        await go_on.wait()
        titles.append(projection.title)

    async def quick(document: str, projection: Projection) -> None:
        titles.append(projection.title)

    limits = replace(LIMITS, restless_seconds=60)  # nobody steps in for another
    one, other = (
        Rooms(store, limits=limits, bus=MemoryBus(exchange), on_settled=told)
        for told in (slow, quick)
    )
    try:
        ann, bob = await Guest(one).join(), await Guest(other, subject="bob").join()
        ann.type("a")
        await bob.until(lambda: str(bob.title) == "Ta")
        await asyncio.wait_for(begun.wait(), 5)
        bob.type("b")
        await ann.until(lambda: str(ann.title) == "Tab")
        await eventually(lambda: titles == ["Tab"])
        go_on.set()
        await eventually(lambda: titles == ["Tab", "Ta", "Tab"])
    finally:
        go_on.set()
        await one.close()
        await other.close()


async def test_deleted_or_rebuilt_in_another_process() -> None:
    """Visitors of a document that is gone are told so; of one that is another now, to come back."""
    async with processes(limits=replace(LIMITS, look_seconds=0.03)) as made:
        ann = await Guest(made.rooms[0]).join()
        await made.store.create(BRIEF, epoch="e2", seed=seed("New", ()))
        ann.type("old")
        assert await ann.ended() is CloseReason.CHANGED
        assert await made.stored() == "New"
        bob = await Guest(made.rooms[1]).join()
        assert bob.welcome == ("e2", "write")
        await made.store.delete(BRIEF)
        assert await bob.ended() is CloseReason.GONE


@pytest.mark.parametrize("message", [b"", b"\x09", b"\x01\x02", b"\x02abc", b"\x03\x00"])
async def test_what_is_not_understood_is_passed_over(message: bytes) -> None:
    """Another version's message harms no room."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        made.exchange.buses[0].publish(f"brief:{BRIEF}", message)
        ann.type("!")
        await bob.until(lambda: str(bob.title) == "T!")


async def test_random_edits_over_a_bus_that_loses() -> None:
    """Nine clients in three processes, messages lost at random, outages: all end equal, and the
    store with them, also when it is compacted meanwhile."""
    drawn = random.SystemRandom().randrange(2**31)
    print(f"seed {drawn}")
    rng = random.Random(drawn)

    class Losing(MemoryBus):
        def publish(self, topic: str, message: bytes) -> None:
            if rng.random() > 0.3:
                super().publish(topic, message)

    async with processes(0) as made:
        limits = replace(LIMITS, look_seconds=0.1, tail_bytes=64)
        made.rooms = [Rooms(made.store, limits=limits, bus=Losing(made.exchange)) for _ in range(3)]
        guests = [await Guest(rooms).join() for rooms in made.rooms for _ in range(3)]
        written = ""
        for number in range(300):
            guest = rng.choice(guests)
            before = guest.doc.get_state()
            guest.title.insert(rng.randrange(len(guest.title) + 1), mark := chr(33 + number % 90))
            guest.send(wire.update(guest.doc.get_update(before)))
            written += mark
            if rng.random() < 0.05:
                (made.exchange.mend if made.exchange.away else made.exchange.cut)()
            if rng.random() < 0.5:
                await asyncio.sleep(0.002)
        made.exchange.mend()
        for guest in guests:
            await guest.until(lambda guest=guest: len(guest.title) == 301)
        assert len({str(guest.title) for guest in guests}) == 1
        assert sorted(str(guests[0].title)) == sorted("T" + written)
        assert await made.stored() == str(guests[0].title)
