"""What is large is worked on in a thread, by one at a time, and to its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

import pycrdt
import pytest

from collab import wire
from collab.contents import Contents
from collab.model import Access, CloseReason
from collab.replica import ENCODED_APART, LARGE, Replica
from tests.unit.collab.test_room import BRIEF, LIMITS, Guest, opened
from tests.unit.collab.test_rooms_apart import processes

EMPTY = b"\0\0"  # the update of whoever has nothing to bring


class Spied:
    """The bytes that the library was given, or gave back, on the event loop and in threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: dict[bool, list[int]] = {True: [], False: []}  # by whether on the loop
        self.encoded: dict[bool, list[int]] = {True: [], False: []}
        loop = threading.get_ident()
        integrate, encode = Replica._integrate, Replica._encode

        def integrated(replica: Replica, updates: Iterable[bytes]) -> None:
            updates = list(updates)
            sizes = [len(update) for update in updates if update != EMPTY]
            self.taken[threading.get_ident() == loop] += sizes
            integrate(replica, updates)

        def encoded(replica: Replica, state: bytes) -> bytes:
            update = encode(replica, state)
            self.encoded[threading.get_ident() == loop].append(len(update))
            return update

        monkeypatch.setattr(Replica, "_integrate", integrated)
        monkeypatch.setattr(Replica, "_encode", encoded)


def of_size(size: int, title: pycrdt.Text, doc: pycrdt.Doc[object]) -> bytes:
    """An edit at the end of the title whose update has so many bytes."""
    before = doc.get_state()
    with doc.transaction():
        title += "x" * (size - 64)
    padding = size - len(doc.get_update(before))
    with doc.transaction():
        title += "x" * padding
    update = doc.get_update(before)
    assert len(update) == size
    return update


@pytest.mark.parametrize(("size", "on_the_loop"), [(LARGE - 1, True), (LARGE, False)])
async def test_a_large_update_is_taken_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, size: int, on_the_loop: bool
) -> None:
    """One below the limit where it comes, at the limit in a thread; both reach the others."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        spied = Spied(monkeypatch)
        ann.send(wire.update(of_size(size, ann.title, ann.doc)))
        await bob.until(lambda: len(str(bob.title)) > size - 64)
        await ann.until(lambda: ann.saved == 2)
        assert spied.taken == {on_the_loop: [size], not on_the_loop: []}


async def test_what_was_kept_back_is_placed_in_a_thread_where_it_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A letter that lets a long text be placed is not placed on the event loop with it; one that
    has nothing to do with it is."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await ann.until(lambda: ann.saved == 1)
        await bob.until(lambda: bob.saved == 1)
        ann.silent = True
        state = ann.doc.get_state()
        ann.title += "first "
        first = ann.doc.get_update(state)
        spied = Spied(monkeypatch)
        ann.send(wire.update(of_size(LARGE, ann.title, ann.doc)))
        await ann.until(lambda: ann.saved == 2)
        bob.type("beside")
        await bob.until(lambda: bob.saved == 2)
        assert [len(spied.taken[where]) for where in (True, False)] == [1, 0]
        ann.send(wire.update(first))
        await bob.until(lambda: len(str(bob.title)) > LARGE - 64)
        assert len(spied.taken[True]) == 1
        assert max(spied.taken[False]) == LARGE


async def test_a_large_document_is_encoded_in_a_thread_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For all who join, for the store and for whoever is told what it says; a small one where it
    is."""
    async with opened(replace(LIMITS, quiet_seconds=60)) as (rooms, _):
        spied = Spied(monkeypatch)
        ann = await Guest(rooms).join()
        assert len(spied.encoded[True]) == 1
        ann.type("x" * ENCODED_APART)
        await ann.until(lambda: ann.saved == 2)
        spied.encoded[True].clear()
        for number in range(3):
            guest = await Guest(rooms, subject=f"s{number}").join()
            assert len(str(guest.title)) == ENCODED_APART + 1
        await rooms.title(BRIEF)
        assert [len(spied.encoded[where]) for where in (True, False)] == [0, 1]


async def test_a_large_update_of_another_process_is_taken_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told by its number and loaded from the store, it is not placed on the event loop either."""
    async with processes() as made:
        ann, bob = [await Guest(rooms).join() for rooms in made.rooms]
        await ann.until(lambda: ann.saved == 1)
        spied = Spied(monkeypatch)
        ann.send(wire.update(of_size(LARGE, ann.title, ann.doc)))
        await bob.until(lambda: len(str(bob.title)) > LARGE - 64)
        assert spied.taken == {True: [], False: [LARGE, LARGE]}


class Held:
    """Keeps large updates in their thread until it is told to let them go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        take = Replica.take

        def held(replica: Replica, update: bytes, contents: Contents) -> object:
            if len(update) >= LARGE:
                self.begun.set()
                assert self.go_on.wait(10)
            return take(replica, update, contents)

        monkeypatch.setattr(Replica, "take", held)


async def until(test: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not test():
            await asyncio.sleep(0.001)


async def test_nobody_touches_the_document_while_a_thread_is_at_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A letter typed and a visitor joining meanwhile wait for it, and see it when they go on."""
    async with opened() as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        await bob.until(lambda: bob.saved == 1)
        held = Held(monkeypatch)
        ann.send(wire.update(of_size(LARGE, ann.title, ann.doc)))
        await until(held.begun.is_set)
        bob.type("b")
        joining = asyncio.create_task(Guest(rooms, subject="cyd").join())
        asked = asyncio.create_task(rooms.title(BRIEF))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not joining.done()
        assert not asked.done()
        assert bob.channel._outbox.empty()
        held.go_on.set()
        assert len((await joining).title) > LARGE - 64
        assert len(await asked) > LARGE - 64
        await bob.until(lambda: bob.saved == 2)


@pytest.mark.parametrize("reason", [None, CloseReason.REVOKED])
async def test_what_a_thread_has_begun_is_told_and_stored_although_its_sender_is_gone(
    monkeypatch: pytest.MonkeyPatch, reason: CloseReason | None
) -> None:
    """Whoever pasted a page and left, or was sent out, before it was placed: it is not there for
    some and missing for others."""
    async with opened() as (rooms, _):
        bob = await Guest(rooms, subject="bob").join()
        ann = Guest(rooms)
        ann.task.cancel()
        visitor = rooms.visitor(ann.channel, access=Access.WRITE, subject="ann")
        ann.task = asyncio.create_task(rooms.receive(BRIEF, visitor))
        await ann.join()
        held = Held(monkeypatch)
        ann.send(wire.update(of_size(LARGE, ann.title, ann.doc)))
        await until(held.begun.is_set)
        visitor.drop(reason)
        await asyncio.wait_for(ann.task, 5)
        held.go_on.set()
        await bob.until(lambda: len(str(bob.title)) > LARGE - 64)
        await rooms.close()
        again = type(rooms)(rooms._store)
        assert len(await again.title(BRIEF)) > LARGE - 64
        await again.close()
