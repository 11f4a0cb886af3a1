"""A room with visitors on paired channels: who is told what, when, and who is sent away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pycrdt
import pytest

from collab import wire
from collab.blocks import seed
from collab.contents import read
from collab.errors import UnknownDocument
from collab.memory import MemoryChannel, MemoryStore
from collab.model import Access, CloseReason, Limits, Projection, Snapshot, Stored
from collab.reception import MAX_CLOCK
from collab.rooms import Rooms
from tests.yjs.peers import ask_node

LIMITS = Limits(quiet_seconds=0.02, linger_seconds=0.06, presence_seconds=0.01)
BRIEF = "brf_1"


class Guest:
    """A minimal Yjs client over a paired channel."""

    def __init__(
        self, rooms: Rooms, *, access: Access = Access.WRITE, subject: str = "ann"
    ) -> None:
        self.channel = MemoryChannel()
        self.doc: pycrdt.Doc[Any] = pycrdt.Doc()
        self.title = self.doc.get("title", type=pycrdt.Text)
        self.saved = 0
        self.presences: dict[int, wire.Presence] = {}
        self.welcome: tuple[str, str] | None = None
        self.updates = 0
        self.heard: list[bytes] = []  # updates, its own among them
        self.silent = False  # whether it says nothing when it is asked what it has
        self.task = asyncio.create_task(
            rooms.visit(BRIEF, self.channel, access=access, subject=subject)
        )

    def send(self, message: bytes) -> None:
        self.channel.client_send(message)

    def type(self, text: str) -> bytes:
        """Type at the end of the title; the update, already sent."""
        before = self.doc.get_state()
        self.title += text
        update = self.doc.get_update(before)
        self.heard.append(update)
        self.send(wire.update(update))
        return update

    async def hear(self) -> bytes | None:
        """Take the next message in; None at the end."""
        message = await asyncio.wait_for(self.channel.client_receive(), 5)
        if message is None:
            return None
        reader = wire.Reader(message)
        match reader.integer():
            case wire.SYNC:
                step, payload = reader.integer(), reader.chunk()
                if step == wire.STEP_1 and self.silent:
                    pass
                elif step == wire.STEP_1:
                    self.send(wire.step_2(self.doc.get_update(payload)))
                else:
                    self.updates += step == wire.UPDATE
                    self.heard.append(payload)
                    self.doc.apply_update(payload)
            case wire.AWARENESS:
                heard = wire.decode(message)
                assert isinstance(heard, wire.Presences)
                self.presences.update({entry.client: entry for entry in heard.entries})
            case wire.HELLO:
                reader.integer()
                self.welcome = (reader.text(), reader.text())
            case wire.SAVED:
                self.saved = reader.integer()
        return message

    async def until(self, test: Callable[[], object]) -> None:
        while not test():
            assert await self.hear() is not None, f"closed: {self.channel.closed}"

    async def join(self, epoch: str = "") -> Guest:
        self.send(wire.hello(epoch))
        await self.until(lambda: self.welcome)
        self.send(wire.step_1(self.doc.get_state()))
        await self.until(lambda: str(self.title))
        return self

    async def ended(self) -> CloseReason | None:
        while await self.hear() is not None:
            pass
        await asyncio.wait_for(self.task, 5)
        return self.channel.closed

    async def leave(self) -> None:
        self.channel.client_leave()
        await asyncio.wait_for(self.task, 5)


class GatedStore(MemoryStore):
    """A store whose appends wait, or fail, when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.failing = False
        self.appends: list[int] = []
        self.loads = 0

    async def load(self, document: str) -> Stored | None:
        self.loads += 1
        await asyncio.sleep(0)
        return await super().load(document)

    async def append(self, document: str, updates: Sequence[bytes], *, epoch: str) -> int:
        await self.open.wait()
        if self.failing:
            raise OSError("disk full")
        self.appends.append(len(updates))
        return await super().append(document, updates, epoch=epoch)


async def eventually(test: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not test():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def opened(
    limits: Limits = LIMITS, settled: list[Projection] | None = None
) -> AsyncIterator[tuple[Rooms, GatedStore]]:
    store = GatedStore()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))

    async def on_settled(document: str, projection: Projection) -> None:
        assert document == BRIEF
        if settled is not None:
            settled.append(projection)

    rooms = Rooms(store, limits=limits, on_settled=on_settled)
    try:
        yield rooms, store
    finally:
        store.open.set()
        await rooms.close()


async def test_an_edit_reaches_the_others_and_not_its_author() -> None:
    """What one types the other sees; the author hears only that it is saved."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        ann.type("hello")
        await bob.until(lambda: str(bob.title) == "Thello")
        await ann.until(lambda: ann.saved == 2)  # the sync step 2 and the edit
        assert ann.updates == 0


async def test_openers_at_once_wait_for_one_load() -> None:
    """Fifty visitors of a closed document load it once, and all get it."""
    async with opened() as (rooms, store):
        guests = [Guest(rooms, subject=f"s{n}") for n in range(50)]
        await asyncio.gather(*(guest.join() for guest in guests))
        assert store.loads == 1
        assert {str(guest.title) for guest in guests} == {"T"}


async def test_an_unknown_document_is_told_to_each_opener() -> None:
    """Nobody is left waiting on a document that does not exist, and it can exist later."""
    rooms = Rooms(MemoryStore(), limits=LIMITS)
    guests = [Guest(rooms) for _ in range(3)]
    results = await asyncio.gather(*(g.task for g in guests), return_exceptions=True)
    assert [type(result) for result in results] == [UnknownDocument] * 3
    assert len(rooms) == 0
    await rooms.close()


async def test_saved_waits_for_the_store() -> None:
    """While the store holds an append, others see the edit but nobody is told it is saved."""
    async with opened() as (rooms, store):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        store.open.clear()
        for letter in "abc":
            ann.type(letter)
        await bob.until(lambda: str(bob.title) == "Tabc")
        assert ann.saved == 1
        stored = await store.load(BRIEF)
        assert stored is not None
        assert len(stored.updates) == 1
        store.open.set()
        await ann.until(lambda: ann.saved == 4)
        assert sum(store.appends) == 3
        assert len(store.appends) < 3  # those that came while the first waited went together


async def test_a_client_that_said_no_hello_hears_nothing_of_ours() -> None:
    """An unmodified Yjs client is sent y-protocol messages only."""
    async with opened() as (rooms, _):
        ann = Guest(rooms)
        ann.send(wire.step_1(ann.doc.get_state()))
        await ann.until(lambda: str(ann.title) == "T")
        ann.type("x")
        bob = await Guest(rooms, subject="bob").join()
        bob.type("y")
        await ann.until(lambda: "y" in str(ann.title))
        assert ann.saved == 0


async def test_returning_with_nothing_new_stores_nothing() -> None:
    """A client that repeats its whole history on returning does not make the log longer."""
    async with opened() as (rooms, store):
        ann, keeper = await Guest(rooms).join(), await Guest(rooms, subject="k").join()
        ann.type("abc")
        del ann.title[1:2]
        ann.send(wire.update(ann.doc.get_update()))
        await keeper.until(lambda: str(keeper.title) == "Tbc")
        before = await store.load(BRIEF)
        ann.send(wire.step_2(ann.doc.get_update()))
        await ann.until(lambda: ann.saved == 4)
        assert await store.load(BRIEF) == before


def within_text(client: int, other: int) -> bytes:
    """An update that puts text into the first text of another client, as no editor does."""
    name, parent = wire.integer(client), wire.integer(other)
    return b"\x01\x01" + name + b"\x00\x04\x00" + parent + b"\x00\x04evil\x00"


async def test_a_forged_early_update_keeps_nobody_from_the_document() -> None:
    """Stored before what it builds on has come, and refused by the library when that comes: who
    brings that stays and is saved, and the document opens again without the forgery."""
    async with opened() as (rooms, store):
        forger = await Guest(rooms).join()
        writer = await Guest(rooms, subject="bob").join()
        await forger.until(lambda: forger.saved == 1)
        await writer.until(lambda: writer.saved == 1)
        forger.silent = True
        name = 4242  # of a client that has not written yet
        writer.silent = True
        forger.send(wire.update(within_text(77, name)))
        await forger.until(lambda: forger.saved == 2)
        other = pycrdt.Doc[Any](client_id=name)
        other.get("title", type=pycrdt.Text).insert(0, "Market entry ")
        writer.send(wire.update(other.get_update()))
        await writer.until(lambda: writer.saved == 2)
        state = other.get_state()
        other.get("title", type=pycrdt.Text).insert(13, "to ")
        writer.send(wire.update(other.get_update(state)))
        await writer.until(lambda: writer.saved == 3)
        assert not writer.task.done()
        title = (await rooms.projection(BRIEF)).title
        assert "Market entry to " in title
        await rooms.close()

        again = Rooms(store, limits=LIMITS)
        assert (await again.projection(BRIEF)).title == title
        late = await Guest(again, subject="cyd").join()
        assert str(late.title) == title
        await again.close()


async def test_an_early_update_is_kept_although_it_cannot_be_shown() -> None:
    """An acknowledged update whose predecessor is missing survives compaction and a restart."""
    async with opened() as (rooms, store):
        ann = await Guest(rooms).join()
        await ann.until(lambda: ann.saved == 1)
        ann.silent = True
        state = ann.doc.get_state()
        ann.title += "one"
        first, middle = ann.doc.get_update(state), ann.doc.get_state()
        ann.title += "two"
        second = ann.doc.get_update(middle)
        ann.send(wire.update(second))
        await ann.until(lambda: ann.saved == 2)
        await ann.leave()
        await rooms.close()
        assert isinstance(await store.load(BRIEF), Stored)

        again = Rooms(store, limits=LIMITS)
        bob = await Guest(again).join()
        assert str(bob.title) == "T"
        bob.send(wire.update(first))
        await bob.until(lambda: bob.saved == 2)
        cyd = await Guest(again, subject="cyd").join()
        assert str(cyd.title) == "Tonetwo"
        await again.close()


async def test_whoever_lost_a_message_on_the_way_is_asked_for_it() -> None:
    """What builds on a change that has not come makes the room ask its sender, who brings it; and
    so does a sender who asks for news and is ahead of the room."""
    limits = replace(LIMITS, ask_seconds=0.0)
    async with opened(limits=limits) as (rooms, _):
        ann = await Guest(rooms).join()
        keeper = await Guest(rooms, subject="k").join()
        ann.title += " lost"
        ann.type(" and found")
        await keeper.until(lambda: str(keeper.title) == "T")
        await ann.until(lambda: ann.saved == 3)
        await keeper.until(lambda: str(keeper.title) == "T lost and found")
        ann.title += ", last"
        ann.send(wire.step_1(ann.doc.get_state()))
        await ann.until(lambda: ann.saved == 4)
        await keeper.until(lambda: str(keeper.title) == "T lost and found, last")


async def test_clocks_are_taken_as_far_as_everybody_can_count() -> None:
    """A change that ends at clock 2^31 - 1 is taken, as one that waits for those before it; one
    past that is its sender's end and nobody else's."""
    async with opened() as (rooms, store):
        ann = await Guest(rooms).join()
        eve = await Guest(rooms, subject="eve").join()
        client = 2**53 - 1
        for clock in (MAX_CLOCK - 1, MAX_CLOCK):
            head = b"".join(map(wire.integer, (1, 1, client, clock)))
            eve.send(wire.update(head + b"\x00\x01" + b"\x00"))
            if clock < MAX_CLOCK:
                await eve.until(lambda: eve.saved == 2)
        assert await eve.ended() is CloseReason.MALFORMED
        stored = await store.load(BRIEF)
        assert stored is not None
        assert read(stored.updates[-1]).highest == MAX_CLOCK
        ann.type("!")
        cyd = await Guest(rooms, subject="cyd").join()
        assert str(cyd.title) == "T!"


async def test_a_reader_is_shown_everything_and_may_change_nothing() -> None:
    """A READ visitor syncs and is seen; its edit closes its socket and reaches nobody."""
    async with opened() as (rooms, _):
        ann = await Guest(rooms).join()
        eve = await Guest(rooms, access=Access.READ, subject="eve").join()
        assert eve.welcome == ("e1", "read")
        ann.type("!")
        await eve.until(lambda: str(eve.title) == "T!")
        eve.send(wire.presences([wire.Presence(77, 1, b'{"user":{}}')]))
        await ann.until(lambda: 77 in ann.presences)
        eve.type("mine")
        assert await eve.ended() is CloseReason.REVOKED
        assert (await rooms.title(BRIEF)) == "T!"
        assert not ann.channel.closed


@pytest.mark.parametrize(
    "frame",
    [b"\x05", b"\xff" * 20, wire.update(b""), wire.update(b"\x01\x02\x03"), b"\x00\x02\xff\xff"],
)
async def test_a_malformed_frame_closes_only_its_sender(frame: bytes) -> None:
    """The sender goes, the others go on."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        bob.send(frame)
        assert await bob.ended() is CloseReason.MALFORMED
        ann.type("ok")
        await ann.until(lambda: ann.saved == 2)


async def test_an_update_that_breaks_the_document_closes_only_its_sender() -> None:
    """One that reads well and fails half-applied costs the others nothing, not even an edit."""
    async with opened() as (rooms, store):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        store.open.clear()
        ann.type("before ")
        await bob.until(lambda: "before" in str(bob.title))
        # Its parent is a piece of text, which cannot have children.
        client = ann.doc.client_id
        child = bytes((0x27, 0)) + wire.integer(client) + wire.integer(1)
        bad = b"\x01\x01" + wire.integer(99) + b"\x00" + child + wire.chunk(b"k") + b"\x01\x00"
        bob.send(wire.update(bad))
        assert await bob.ended() is CloseReason.MALFORMED
        store.open.set()
        ann.type("after")
        cyd = await Guest(rooms, subject="cyd").join()
        await cyd.until(lambda: str(cyd.title) == "Tbefore after")


async def test_a_slow_visitor_is_dropped_and_catches_up() -> None:
    """One who reads nothing is let go at the outbox's limit; the others never wait for it."""
    limits = replace(LIMITS, outbox_messages=10)
    async with opened(limits) as (rooms, _):
        ann, slow = await Guest(rooms).join(), await Guest(rooms, subject="slow").join()
        slow.channel.stall()
        for _ in range(30):
            ann.type("x")
            await ann.until(lambda: ann.saved == 1 + str(ann.title).count("x"))
        await asyncio.wait_for(slow.task, 5)
        assert slow.channel.closed is CloseReason.TOO_SLOW
        again = await Guest(rooms, subject="slow").join()
        assert str(again.title) == "T" + "x" * 30


async def test_a_document_larger_than_the_outbox_can_be_joined() -> None:
    """The limit is on what piles up, not on the one message a joiner must have."""
    async with opened(replace(LIMITS, outbox_bytes=1000)) as (rooms, _):
        ann = await Guest(rooms).join()
        ann.type("x" * 5000)
        await ann.until(lambda: ann.saved == 2)
        bob = await Guest(rooms, subject="bob").join()
        await bob.until(lambda: len(str(bob.title)) == 5001)


async def test_a_failing_store_stops_the_room_and_a_later_visit_works() -> None:
    """All are sent away with STORE_FAILED, nothing was called saved, and text comes back."""
    async with opened() as (rooms, store):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        store.failing = True
        ann.type("kept")
        assert await ann.ended() is CloseReason.STORE_FAILED
        assert await bob.ended() is CloseReason.STORE_FAILED
        assert ann.saved == 1
        store.failing = False
        again = Guest(rooms)
        again.doc.apply_update(ann.doc.get_update())  # the page's own copy
        await again.join("e1")
        await again.until(lambda: again.saved == 1)
        assert await rooms.title(BRIEF) == "Tkept"


async def test_a_copy_of_another_epoch_is_not_merged() -> None:
    """A client that ignores the welcome's epoch and syncs is refused; with a new copy it may."""
    async with opened() as (rooms, _):
        ann = Guest(rooms)
        ann.title += "from another life"
        ann.send(wire.hello("e0"))
        await ann.until(lambda: ann.welcome)
        assert ann.welcome == ("e1", "write")
        ann.send(wire.step_1(ann.doc.get_state()))
        assert await ann.ended() is CloseReason.REVOKED
        assert await rooms.title(BRIEF) == "T"
        bob = Guest(rooms)
        bob.send(wire.hello("e0"))
        await bob.join("e1")


async def test_presence_is_told_together_and_ends_with_its_visitor() -> None:
    """Changes within the window are one message; a leaver is announced as gone."""
    async with opened(replace(LIMITS, presence_seconds=0.05)) as (rooms, _):
        ann = await Guest(rooms).join()
        bobs = [await Guest(rooms, subject=f"bob{n}").join() for n in range(5)]
        for clock in range(1, 11):
            for n, bob in enumerate(bobs):
                bob.send(wire.presences([wire.Presence(100 + n, clock, b'{"at":%d}' % clock)]))
        told = 0

        def count() -> bool:
            nonlocal told
            told += 1
            return all(
                100 + n in ann.presences and ann.presences[100 + n].clock == 10 for n in range(5)
            )

        await ann.until(count)
        assert told < 10  # 50 changes
        await bobs[0].leave()
        await ann.until(lambda: ann.presences[100].gone)
        late = Guest(rooms, subject="late")
        await late.join()
        await late.until(lambda: 104 in late.presences)
        assert 100 not in late.presences


async def test_a_query_is_answered_with_those_who_are_here() -> None:
    """Message 3 is answered at once, to the asker."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        bob.send(wire.presences([wire.Presence(5, 1, b"{}")]))
        await ann.until(lambda: 5 in ann.presences)
        ann.presences.clear()
        ann.send(wire.query_presences())
        await ann.until(lambda: 5 in ann.presences)


async def test_a_query_is_answered_where_nobody_is() -> None:
    """A client without a presence that asks after long silence hears that the room is there."""
    async with opened() as (rooms, _):
        ann = await Guest(rooms).join()
        ann.send(wire.query_presences())
        while (heard := await ann.hear()) != wire.presences([]):
            assert heard is not None


async def test_nobody_speaks_for_another() -> None:
    """A presence repeated, removed or taken over by someone else changes nothing; a person's
    own return on a new socket does."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        bob.send(wire.presences([wire.Presence(5, 3, b'{"n":"bob"}')]))
        await ann.until(lambda: 5 in ann.presences)
        ann.send(wire.presences([wire.Presence(5, 3, b"null")]))
        ann.send(wire.presences([wire.Presence(5, 9, b'{"n":"not bob"}')]))
        back = await Guest(rooms, subject="bob").join()
        back.send(wire.presences([wire.Presence(5, 4, b'{"n":"bob again"}')]))
        await ann.until(lambda: ann.presences[5].clock == 4)
        await bob.leave()
        ann.send(wire.query_presences())
        ann.presences.clear()
        await ann.until(lambda: 5 in ann.presences)
        assert ann.presences[5].state == b'{"n":"bob again"}'


async def test_a_presence_past_its_limit_closes_its_sender() -> None:
    """64 KiB go through, one byte more does not."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        full = b'"' + b"a" * (64 * 1024 - 2) + b'"'
        bob.send(wire.presences([wire.Presence(5, 1, full)]))
        await ann.until(lambda: 5 in ann.presences)
        bob.send(wire.presences([wire.Presence(5, 2, full[:-1] + b'a"')]))
        assert await bob.ended() is CloseReason.MALFORMED


async def test_a_visitor_dropped_before_it_is_inside_stays_outside() -> None:
    """Who lost access while the document was being loaded hears so, and nothing of the document."""
    async with opened() as (rooms, store):
        channel = MemoryChannel()
        visitor = rooms.visitor(channel, access=Access.WRITE, subject="bob")
        visiting = asyncio.create_task(rooms.receive(BRIEF, visitor))
        visitor.drop(CloseReason.REVOKED)
        await asyncio.wait_for(visiting, 5)
        assert channel.closed is CloseReason.REVOKED
        assert await channel.client_receive() is None
        assert store.loads == 1


async def test_a_quiet_room_settles_and_an_empty_one_closes() -> None:
    """At rest the projection is told once; when the last has left the log becomes a snapshot."""
    settled: list[Projection] = []
    async with opened(settled=settled) as (rooms, store):
        ann = await Guest(rooms).join()
        for letter in "abc":
            ann.type(letter)
        await ann.until(lambda: ann.saved == 4)
        await eventually(lambda: settled)
        assert settled == [Projection("Tabc", ())]
        await ann.leave()
        await eventually(lambda: len(rooms) == 0)
        stored = await store.load(BRIEF)
        assert stored is not None
        assert len(stored.updates) == 1
        assert stored.last == 4
        assert settled == [Projection("Tabc", ())]
        assert await rooms.title(BRIEF) == "Tabc"


async def test_a_room_edited_without_pause_is_compacted_all_the_same() -> None:
    """The log stays within a few times the document, however long the editing goes on."""
    async with opened(replace(LIMITS, tail_bytes=1000, quiet_seconds=60)) as (rooms, store):
        ann = await Guest(rooms).join()
        for n in range(300):
            ann.type("x" * 20)
            await ann.until(lambda n=n: ann.saved == n + 2)
            del ann.title[1:20]
        stored = await store.load(BRIEF)
        assert stored is not None
        assert sum(map(len, stored.updates)) < 3 * max(1000, len(stored.updates[0])) + 100


async def test_the_store_stays_within_three_times_the_document() -> None:
    """At each moment of a long run of typing and deleting, what is stored is at most three times a
    snapshot, but for the least that is worth compacting and what one transaction appends."""
    drawn = random.SystemRandom().randrange(2**31)
    print(f"seed {drawn}")
    rng = random.Random(drawn)
    floor, batch = 2_048, 512

    class Measured(GatedStore):
        worst = 0.0

        async def append(self, document: str, updates: Sequence[bytes], *, epoch: str) -> int:
            last = await super().append(document, updates, epoch=epoch)
            stored = await MemoryStore.load(self, document)
            assert stored is not None
            held = sum(map(len, stored.updates))
            whole = len(pycrdt.merge_updates(*stored.updates))
            self.worst = max(self.worst, (held - 2 * floor - batch) / whole)
            return last

    store = Measured()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))
    limits = replace(LIMITS, tail_bytes=floor, batch_bytes=batch, updates_per_second=1e6)
    rooms = Rooms(store, limits=limits)
    ann = await Guest(rooms).join()
    for number in range(4_000):
        if rng.random() < 0.3 and len(ann.title) > 10:
            before = ann.doc.get_state()
            at = rng.randrange(len(ann.title) - 2)
            del ann.title[at : at + 2]
            ann.send(wire.update(ann.doc.get_update(before)))
        else:
            before = ann.doc.get_state()
            ann.title.insert(rng.randrange(len(ann.title) + 1), "words ")
            ann.send(wire.update(ann.doc.get_update(before)))
        if number % 20 == 0:
            await ann.until(lambda number=number: ann.saved >= number)
    await ann.until(lambda: ann.saved == 4_001)
    await rooms.close()
    assert 0 < store.worst <= 3


async def test_a_snapshot_taken_under_edits_loses_none() -> None:
    """Edits that came while a compaction was under way are in the log after it."""

    class SlowCompaction(GatedStore):
        async def compact(self, document: str, snapshot: Snapshot, *, epoch: str) -> None:
            ann.type("during")
            await asyncio.sleep(0.01)
            await super().compact(document, snapshot, epoch=epoch)

    store = SlowCompaction()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))
    rooms = Rooms(store, limits=replace(LIMITS, tail_bytes=10))
    ann = await Guest(rooms).join()
    ann.type("x" * 200)
    await ann.until(lambda: ann.saved >= 3)
    await rooms.close()
    again = Rooms(store, limits=LIMITS)
    assert "during" in await again.title(BRIEF)
    await again.close()


async def test_deleting_sends_everyone_out_and_keeps_nothing() -> None:
    """After evict nobody is inside, and what was typed in between is not stored."""
    async with opened() as (rooms, store):
        ann = await Guest(rooms).join()
        await ann.until(lambda: ann.saved == 1)
        await store.delete(BRIEF)
        await rooms.evict(BRIEF)
        assert await ann.ended() is CloseReason.GONE
        with pytest.raises(UnknownDocument):
            await rooms.blocks(BRIEF)


async def test_a_document_deleted_under_a_living_room() -> None:
    """When the store no longer has it, editing ends with GONE rather than with pretence."""
    async with opened() as (rooms, store):
        ann = await Guest(rooms).join()
        await store.delete(BRIEF)
        ann.type("to nowhere")
        assert await ann.ended() is CloseReason.GONE


async def test_closing_stores_what_was_taken() -> None:
    """On shutdown all that was received is stored before the rooms end; later visitors are
    turned away."""
    async with opened() as (rooms, store):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        store.open.clear()
        ann.type("last words")
        await bob.until(lambda: "last words" in str(bob.title))
        closing = asyncio.create_task(rooms.close())
        await asyncio.sleep(0)
        store.open.set()
        await closing
        assert await ann.ended() is CloseReason.GOING_AWAY
        assert await Rooms(store).title(BRIEF) == "Tlast words"
        late = Guest(rooms)
        assert await late.ended() is CloseReason.GOING_AWAY


async def test_a_store_that_hangs_does_not_hold_the_shutdown() -> None:
    """Closing gives up on a dead store when its time is over."""
    async with opened() as (rooms, store):
        ann = await Guest(rooms).join()
        await ann.until(lambda: ann.saved == 1)
        store.open.clear()
        ann.type("stuck")
        await asyncio.wait_for(rooms.close(within=0.1), 5)


async def test_a_backlog_makes_visitors_wait_and_loses_nothing() -> None:
    """Past its limit the room reads no further until the store has caught up."""
    async with opened(replace(LIMITS, backlog_bytes=100)) as (rooms, store):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        store.open.clear()
        for n in range(20):
            ann.type(f"{n:020}")
        await bob.until(lambda: "2" in str(bob.title))
        store.open.set()
        await ann.until(lambda: ann.saved == 21)
        await bob.until(lambda: str(bob.title) == str(ann.title))


async def test_so_many_documents_are_open_at_once() -> None:
    """The limit's last opens, the next is turned away; where one stands empty, it makes way."""
    async with opened(replace(LIMITS, documents=2, linger_seconds=60)) as (rooms, store):
        for name in ("b", "c"):
            await store.create(name, epoch="e1", seed=seed("T", ()))

        def enter(document: str) -> tuple[MemoryChannel, asyncio.Task[None]]:
            channel = MemoryChannel()
            visit = rooms.visit(document, channel, access=Access.WRITE, subject="ann")
            return channel, asyncio.create_task(visit)

        first, _ = enter(BRIEF)
        second, leaving = enter("b")
        for channel in (first, second):
            channel.client_send(wire.query_presences())
            assert await channel.client_receive()
        third, turned_away = enter("c")
        await asyncio.wait_for(turned_away, 5)
        assert third.closed is CloseReason.FULL
        again, _ = enter(BRIEF)  # is open, and more may come
        again.client_send(wire.query_presences())
        assert await again.client_receive()
        second.client_leave()
        await asyncio.wait_for(leaving, 5)
        third, _ = enter("c")
        third.client_send(wire.query_presences())
        assert await third.client_receive()
        assert third.closed is None


async def test_a_flood_of_presence_slows_its_sender_alone() -> None:
    """Past its rate a visitor's messages wait; others come and go meanwhile, and none is lost."""
    limits = replace(LIMITS, presences_per_second=20, burst_seconds=0.5)
    async with opened(limits) as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        for clock in range(1, 21):
            ann.send(wire.presences([wire.Presence(5, clock, b"{}")]))
        ann.type("after the flood")
        bob.type("x")
        await bob.until(lambda: bob.saved == 2)
        assert bob.presences.get(5, wire.Presence(5, 0, b"")).clock < 20
        assert "flood" not in str(bob.title)
        await bob.until(lambda: bob.presences[5].clock == 20 and "flood" in str(bob.title))


async def test_a_flood_of_updates_slows_its_sender_alone() -> None:
    """The same for edits: all are stored, in order, and another's is not behind them."""
    limits = replace(LIMITS, updates_per_second=20, burst_seconds=0.5)
    async with opened(limits) as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        for _ in range(20):
            ann.type("a")
        bob.type("b")
        await bob.until(lambda: bob.saved == 2)
        assert str(bob.title).count("a") < 20
        await bob.until(lambda: str(bob.title).count("a") == 20)
        await ann.until(lambda: ann.saved == 21)


async def test_a_flood_of_syncs_slows_its_sender_alone() -> None:
    """The same for asking what is missing, which may take encoding the whole document."""
    limits = replace(LIMITS, syncs_per_second=20, burst_seconds=0.5)
    async with opened(limits) as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        for _ in range(20):
            ann.send(wire.step_1(ann.doc.get_state()))
        ann.type("after the flood")
        bob.type("x")
        await bob.until(lambda: bob.saved == 2)
        assert "flood" not in str(bob.title)
        await bob.until(lambda: "flood" in str(bob.title))


async def test_a_full_room_turns_the_next_away() -> None:
    """The limit's last visitor enters, the one after it does not."""
    async with opened(replace(LIMITS, visitors=2)) as (rooms, _):
        await Guest(rooms).join()
        await Guest(rooms).join()
        assert await Guest(rooms).ended() is CloseReason.FULL


async def test_a_large_update_is_taken_like_a_small_one() -> None:
    """A paste past the size that is looked through in a thread arrives, in order, and is saved;
    what is typed right behind it builds on it."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        ann.type("x" * 100_000)
        ann.type("after")
        bob.type("beside")
        await ann.until(lambda: ann.saved == 3)
        await bob.until(lambda: len(str(bob.title)) == 1 + 100_000 + 5 + 6)
        await ann.until(lambda: str(ann.title) == str(bob.title))
        again = await Guest(rooms, subject="cyd").join()
        assert str(again.title) == str(ann.title)


async def test_a_large_malformed_update_closes_only_its_sender() -> None:
    """One that turns out broken after a hundred kilobytes is its sender's end alone."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        doc: pycrdt.Doc[Any] = pycrdt.Doc()
        doc.get("t", type=pycrdt.Text).insert(0, "y" * 100_000)
        bob.send(wire.update(doc.get_update() + b"\x00"))
        assert await bob.ended() is CloseReason.MALFORMED
        ann.type("fine")
        await ann.until(lambda: ann.saved == 2)


KINDS = (
    bytes((wire.SYNC, wire.STEP_1)),
    bytes((wire.SYNC, wire.STEP_2)),
    bytes((wire.SYNC, wire.UPDATE)),
    bytes((wire.AWARENESS,)),
    wire.integer(wire.HELLO),
    b"",
)


async def test_random_frames_harm_nobody_else() -> None:
    """10,000 frames of chance: bytes, true messages with bytes changed, cut off or doubled. Each is
    taken or closes its sender as malformed, and the one beside it types on to the end. All others
    have the same text by what they heard, late or from the start, and the room has it too."""
    drawn = random.SystemRandom().randrange(2**31)
    print(f"seed {drawn}")
    rng = random.Random(drawn)
    async with opened(replace(LIMITS, presences_per_second=1e6)) as (rooms, _):
        good = await Guest(rooms).join()
        good.type("good")
        # In a name of its own: what writes in another's cannot be told from the other.
        hers: pycrdt.Doc[Any] = pycrdt.Doc(client_id=7)
        hers.get("title", type=pycrdt.Text).insert(0, "bad")
        true = [
            wire.update(hers.get_update()),
            wire.step_1(good.doc.get_state()),
            wire.presences([wire.Presence(5, 1, b'{"user":{"name":"A"}}')]),
            wire.hello("e1"),
        ]

        def frame() -> bytes:
            if rng.random() < 0.4:
                return rng.choice(KINDS) + rng.randbytes(rng.randrange(40))
            made = bytearray(rng.choice(true))
            for _ in range(rng.randrange(1, 4)):
                made[rng.randrange(len(made))] = rng.randrange(256)
            at = rng.randrange(len(made))
            return bytes(rng.choice((made, made, made[:at], made + made[at:])))

        bad, ends = None, 0
        for number in range(10_000):
            if bad is None:
                channel = MemoryChannel()
                bad = asyncio.create_task(
                    rooms.visit(BRIEF, channel, access=Access.WRITE, subject="mallory")
                )
            channel.client_send(frame())
            channel.client_send(wire.query_presences())
            answer: bytes | None = b"?"
            while answer is not None and answer[0] != wire.AWARENESS:
                answer = await asyncio.wait_for(channel.client_receive(), 10)
            if answer is None:
                await bad
                assert channel.closed in (CloseReason.MALFORMED, CloseReason.REVOKED)
                bad, ends = None, ends + 1
            if number % 1000 == 0:
                good.type("!")
        assert 1_000 < ends < 10_000
        good.type(" end")
        await good.until(lambda: good.saved == 1 + 1 + 10 + 1)
        assert good.channel.closed is None
        newcomer = await Guest(rooms).join()
        assert str(newcomer.title).endswith("!" * 10 + " end")
        newcomer.send(wire.query_presences())
        while (message := await newcomer.hear()) is not None and message[0] != wire.AWARENESS:
            pass  # behind the document comes what waits for something
        both = [[update.hex() for update in guest.heard] for guest in (good, newcomer)]
        title = (await rooms.projection(BRIEF)).title
        assert await ask_node("heard.mjs", given=both) == [title, title]
