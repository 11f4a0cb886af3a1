"""Who has edited: told by the room, with the name they say, until it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

import pycrdt
import pytest

from collab import Access, Rooms, seed, wire
from collab.editors import NAME, Editor, name_in
from collab.memory import MemoryChannel, MemoryStore

BRIEF = "brf_1"


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    store = MemoryStore()
    await store.create(BRIEF, epoch="e1", seed=seed("T", []))
    rooms = Rooms(store)
    yield rooms
    await rooms.close()


async def visit(
    rooms: Rooms, subject: str, state: object, *, writes: bool, access: Access = Access.WRITE
) -> None:
    """Come in, say a state of awareness, write or only look, and leave."""
    channel = MemoryChannel()
    visiting = asyncio.create_task(rooms.visit(BRIEF, channel, access=access, subject=subject))
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    channel.client_send(wire.hello(""))
    channel.client_send(
        wire.presences([wire.Presence(doc.client_id, 1, json.dumps(state).encode())])
    )
    if writes:
        doc.get("title", type=pycrdt.Text).insert(0, "x")
        channel.client_send(wire.update(doc.get_update()))
    channel.client_send(wire.step_1(b"\0"))
    told = b""
    while not told.startswith(bytes((wire.SYNC, wire.STEP_2))):
        told = await asyncio.wait_for(channel.client_receive(), 10) or b""
    channel.client_leave()
    await asyncio.wait_for(visiting, 10)


async def test_who_wrote_is_told_once_and_who_only_read_is_not(rooms: Rooms) -> None:
    """Each with the name that they said in the room, also after they left it."""
    await visit(rooms, "ann", {"user": {"name": " Ann \n Lee "}}, writes=True)
    await visit(rooms, "bo", {"user": {"name": "Bo"}}, writes=False)
    await visit(rooms, "cy", {"cursor": 1}, writes=True)
    assert rooms.editors(BRIEF) == {Editor("ann", "Ann Lee"), Editor("cy", "")}
    assert rooms.editors(BRIEF) == frozenset()
    assert rooms.editors("brf_2") == frozenset()


async def test_a_name_that_is_never_said_is_not_looked_for_at_each_edit(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once at the first edit and once for each thing a client says of itself; said late, it is
    told all the same."""
    looks = 0

    def counted(presences: Iterable[wire.Presence]) -> str:
        nonlocal looks
        looks += 1
        return name_in(presences)

    monkeypatch.setattr("collab.editors.name_in", counted)
    channel = MemoryChannel()
    visiting = asyncio.create_task(rooms.visit(BRIEF, channel, access=Access.WRITE, subject="ann"))
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    title = doc.get("title", type=pycrdt.Text)
    channel.client_send(wire.hello(""))
    channel.client_send(wire.presences([wire.Presence(doc.client_id, 1, b'{"cursor": 1}')]))
    for n in range(20):
        before = doc.get_state()
        title.insert(n, "x")
        channel.client_send(wire.update(doc.get_update(before)))
    while await asyncio.wait_for(channel.client_receive(), 10) != wire.saved(20):
        pass
    assert looks == 1
    said = json.dumps({"user": {"name": "Ann"}}).encode()
    channel.client_send(wire.presences([wire.Presence(doc.client_id, 2, said)]))
    channel.client_leave()
    await asyncio.wait_for(visiting, 10)
    assert rooms.editors(BRIEF) == {Editor("ann", "Ann")}


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (b'{"user": {"name": "Ann"}}', "Ann"),
        (b'{"user": {"name": "A\\u0000nn"}}', "Ann"),
        (b'{"user": {"name": "A\\ud83d"}}', "A?"),  # half of an emoji, which no store takes
        (b'{"user": {"name": 7}}', ""),
        (b'{"user": {"name": "  "}}', ""),
        (b'{"user": "Ann"}', ""),
        (b'["user"]', ""),
        (b"7", ""),
        (b"null", ""),
        (b"{", ""),
        (b"\xff", ""),
    ],
)
def test_a_name_is_what_a_client_says_in_its_awareness(state: bytes, name: str) -> None:
    """Whatever else a client says there, it names nobody and breaks nothing."""
    assert name_in([wire.Presence(1, 1, state)]) == name


def test_a_long_name_is_cut() -> None:
    """At its limit it is whole; past it, the rest is left out."""
    for length in (NAME, NAME + 1):
        state = json.dumps({"user": {"name": "x" * length}}).encode()
        assert name_in([wire.Presence(1, 1, state)]) == "x" * NAME
