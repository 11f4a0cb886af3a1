"""An edit in the midst of a character, one that is two units long to Yjs, leaves a document that
Yjs can read and that says what Yjs says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pycrdt
import pytest

from collab import wire
from collab.blocks import load, project
from collab.contents import mend, read
from collab.memory import MemoryChannel, MemoryStore
from collab.model import Access, Limits
from collab.rooms import Rooms
from tests.yjs.peers import ask_node

BRIEF = "brf_1"
SEEDS = list(range(1, 21))
VISITS = [*range(1, 21), 128, 214]  # at the last two, unmended, the library panics


async def documents(how: str = "made") -> list[tuple[list[bytes], str]]:
    """The updates of many documents, each in the order made, and the title Yjs ends with."""
    given: dict[str, list[int]] = {"make": [], "visit": [], "read": [], "format": []}
    given |= {"visit": VISITS} if how == "visited" else {"make": SEEDS}
    made = (await ask_node("halves.mjs", given=given))[how]
    return [([bytes.fromhex(one) for one in each["updates"]], each["title"]) for each in made]


async def as_yjs_reads(updates: Sequence[bytes]) -> list[str | None]:
    given = {"make": [], "visit": [], "read": [one.hex() for one in updates], "format": []}
    answer: list[str | None] = (await ask_node("halves.mjs", given=given))["read"]
    return answer


async def whole(rooms: Rooms, updates: Sequence[bytes]) -> bytes:
    """The document as a newcomer is told it, once one visitor's updates are saved."""
    channel = MemoryChannel()
    visit = asyncio.create_task(rooms.visit(BRIEF, channel, access=Access.WRITE, subject="ann"))
    channel.client_send(wire.hello(""))
    for update in updates:
        channel.client_send(wire.update(update))
    told = None
    saved = not updates
    if saved:
        channel.client_send(wire.step_1(b"\x00"))
    while told is None:
        message = await asyncio.wait_for(channel.client_receive(), 10)
        assert message is not None, f"closed: {channel.closed}"
        if message == wire.saved(len(updates)) and not saved:
            saved = True
            channel.client_send(wire.step_1(b"\x00"))
        elif message.startswith(bytes((wire.SYNC, wire.STEP_2))):
            told = wire.Reader(message[2:]).chunk()
    channel.client_leave()
    await asyncio.wait_for(visit, 10)
    return told


def interleaved(updates: Sequence[bytes], rng: random.Random) -> list[bytes]:
    """Each client's updates in its order, but clients ahead of what they build on."""
    queues: dict[int, list[bytes]] = {}
    last = 0
    for update in updates:
        last = next(iter(read(update).structs), last)  # a deletion goes with what came before
        queues.setdefault(last, []).append(update)
    order: list[bytes] = []
    while queues:
        client = rng.choice(sorted(queues))
        order.append(queues[client].pop(0))
        if not queues[client]:
            del queues[client]
    return order


@pytest.mark.parametrize("order", ["as made", "interleaved", "visited"])
async def test_a_room_says_what_yjs_says(order: str) -> None:
    """Even when edits come before those they build on, the room, the store, and a room opened
    again say what Yjs says, and what they say Yjs can read."""
    rng = random.Random(7)
    made = await documents("visited" if order == "visited" else "made")
    told: list[bytes] = []
    for updates, title in made:
        first, *rest = updates
        if order == "interleaved":
            rest = interleaved(rest, rng)
        store = MemoryStore()
        await store.create(BRIEF, epoch="e1", seed=first)
        # Small batches, and a tail that is compacted again and again on the way.
        rooms = Rooms(store, limits=Limits(batch_updates=3, tail_bytes=64))
        told.append(await whole(rooms, rest))
        assert (await rooms.projection(BRIEF)).title == title
        await rooms.close()
        stored = await store.load(BRIEF)
        assert stored is not None
        assert project(stored.updates).title == title
        again = Rooms(store)
        told.append(await whole(again, ()))
        await again.close()
    assert await as_yjs_reads(told) == [title for _, title in made for _ in range(2)]


async def test_mended_updates_are_those_yjs_would_make() -> None:
    """Mended, the updates of a document make the title Yjs makes; unmended, they do not."""
    made = await documents()
    for updates, title in made:
        mended = mend(updates)
        assert [read(one).structs for one in mended] == [read(one).structs for one in updates]
        assert str(load(mended).get("title", type=pycrdt.Text)) == title
    assert any(
        str(load(updates).get("title", type=pycrdt.Text)) != title for updates, title in made
    )


def test_only_what_is_cut_is_mended() -> None:
    """A character that no edit falls into stays itself, and its update the same bytes."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=7)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("title", type=pycrdt.Text)
    text += "a😀b😀"
    text.insert(5, "between")  # bytes: after the first 😀
    assert mend(updates) is updates
    # The second 😀 is at clocks 4 and 5: its latter half is deleted.
    cutting = b"\x00" + b"\x01\x07\x01\x05\x01"
    halved = mend([*updates, cutting])
    assert halved[1:] == [updates[1], cutting]
    whole_title = str(load(halved[:2]).get("title", type=pycrdt.Text))
    assert whole_title == "a😀betweenb\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert str(load(halved).get("title", type=pycrdt.Text)) == whole_title[:-1]


async def test_yjs_alone_falls_apart_where_half_a_character_is_formatted() -> None:
    """Why the torture formats no halves, and the editor must not: Yjs parts a character at the edge
    of what is formatted, and where the format is there already, it tells nobody of that edge."""
    given = {"make": [], "visit": [], "read": [], "format": [[3, 1], [0, 3], [0, 4]]}
    nothing_told, edge_untold, to_end = (await ask_node("halves.mjs", given=given))["formatted"]
    parted = "ab\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert nothing_told == edge_untold == [parted, "ab😀"]
    assert to_end == ["ab😀", "ab😀"]
