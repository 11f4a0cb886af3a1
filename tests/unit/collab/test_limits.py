"""What one visitor may send, at each limit and one past it; and that no frame does worse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab import wire
from collab.errors import Malformed
from collab.hocuspocus import HocuspocusChannel
from collab.memory import MemoryChannel
from collab.model import Access, CloseReason
from collab.reception import PRESENCES_AS_ONE
from collab.visitor import Pace
from tests.unit.collab.test_room import BRIEF, LIMITS, Guest, opened


def test_an_epoch_at_its_limit() -> None:
    """64 characters are an epoch, 65 are not."""
    assert wire.decode(wire.hello("e" * wire.MAX_EPOCH)) == wire.Hello(1, "e" * wire.MAX_EPOCH)
    with pytest.raises(Malformed):
        wire.decode(wire.hello("e" * (wire.MAX_EPOCH + 1)))


def test_presences_in_one_frame_at_their_limit() -> None:
    """So many are read, one more is not."""
    entries = [wire.Presence(client, 1, b"{}") for client in range(wire.MAX_PRESENCES + 1)]
    decoded = wire.decode(wire.presences(entries[:-1]))
    assert isinstance(decoded, wire.Presences)
    assert len(decoded.entries) == wire.MAX_PRESENCES
    with pytest.raises(Malformed):
        wire.decode(wire.presences(entries))


async def test_clients_that_one_visitor_speaks_for() -> None:
    """The last that is allowed is seen by others, the one after it is not, and nobody goes."""
    async with opened(replace(LIMITS, presences=2)) as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        for client in (1, 2, 3):
            bob.send(wire.presences([wire.Presence(client, 1, b"{}")]))
        bob.send(wire.presences([wire.Presence(1, 2, b'"last"')]))
        await ann.until(lambda: 1 in ann.presences and ann.presences[1].clock == 2)
        assert set(ann.presences) == {1, 2}


def test_a_pace_at_its_limit() -> None:
    """What a burst holds need not wait, the next does; a heavy message counts as several."""
    pace = Pace(per_second=10, burst=1)
    assert [pace.wait(100.0) > 0 for _ in range(11)] == [False] * 10 + [True]
    pace = Pace(per_second=10, burst=1)
    assert [pace.wait(100.0, 5) > 0 for _ in range(3)] == [False, False, True]


async def test_many_presences_in_a_frame_count_as_many() -> None:
    """Whoever repeats hundreds at once is read slower, as if they came one after the other."""
    limits = replace(LIMITS, presences_per_second=20, burst_seconds=0.5)
    async with opened(limits) as (rooms, _):
        ann, bob = await Guest(rooms).join(), await Guest(rooms, subject="bob").join()
        many = [wire.Presence(0, 1, b"null")] * (10 * PRESENCES_AS_ONE)
        ann.send(wire.presences(many))
        ann.type("behind")
        bob.type("before")
        await bob.until(lambda: bob.saved == 2)
        assert "behind" not in str(bob.title)
        await bob.until(lambda: "behind" in str(bob.title))


async def test_a_reader_past_its_bytes_is_dropped() -> None:
    """What piles up for a visitor is kept up to the limit, and not one byte more."""
    async with opened(replace(LIMITS, outbox_bytes=1000)) as (rooms, _):
        visitor = rooms.visitor(MemoryChannel(), access=Access.WRITE, subject="ann")
        visitor.tell(bytes(500))
        visitor.tell(bytes(500))
        assert not visitor.gone
        visitor.tell(b"x")
        assert visitor.gone


NUMBERS = st.one_of(st.integers(0, 5), st.sampled_from([2**31 - 1, 2**31, 2**32, 2**53 - 1])).map(
    wire.integer
)
PIECES = st.one_of(NUMBERS, st.binary(max_size=6).map(wire.chunk), st.binary(max_size=3))
BODIES = st.lists(PIECES, max_size=12).map(b"".join)
STATES = st.one_of(
    st.binary(max_size=8), st.sampled_from([b"null", b"{}", b"[[[", b'{"user":{"name":1}}'])
)
PRESENCES = st.lists(
    st.builds(wire.Presence, st.integers(0, 3), st.integers(0, 4), STATES), max_size=4
).map(wire.presences)
FRAMES = st.one_of(
    BODIES,
    PRESENCES,
    st.sampled_from(list(Access)).map(lambda access: wire.welcome("e1", access)),
    st.text(max_size=70).map(wire.hello),
    BODIES.map(wire.step_1),
    BODIES.map(wire.step_2),
    BODIES.map(wire.update),
    BODIES.map(lambda body: bytes((wire.AWARENESS,)) + wire.chunk(body)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(FRAMES, max_size=8), st.sampled_from(list(Access)))
def test_no_frames_end_more_than_their_sender(frames: list[bytes], access: Access) -> None:
    """Whatever is sent, near to the protocol or far from it: who sends it is heard to the end or
    sent out for it, never lost by an error of ours, and the one beside it types on."""

    async def sent() -> None:
        async with opened() as (rooms, _):
            channel = MemoryChannel()
            visiting = asyncio.create_task(
                rooms.visit(BRIEF, channel, access=access, subject="mallory")
            )
            for frame in frames:
                channel.client_send(frame)
            end = wire.Presence(77, 1, b'"heard to the end"')
            channel.client_send(wire.presences([end]))
            ann = await Guest(rooms).join()
            room = rooms._open_room(BRIEF)
            assert room is not None
            while not visiting.done() and end not in room.awareness.here():
                await asyncio.sleep(0.001)
            if visiting.done():
                assert channel.closed in (CloseReason.MALFORMED, CloseReason.REVOKED)
            ann.type("!")
            await ann.until(lambda: ann.saved == 2)

    asyncio.run(asyncio.wait_for(sent(), 20))


NAMES = st.sampled_from([b"brf_1", b"brf_1\0session", b"another", b"\xff"]).map(wire.chunk)


@given(st.lists(st.one_of(st.binary(max_size=20), st.builds(bytes.__add__, NAMES, FRAMES))))
def test_any_frames_of_a_hocuspocus_client_are_messages_or_malformed(frames: list[bytes]) -> None:
    """Its framing fails in no other way."""

    class Line(MemoryChannel):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for frame in frames:
                yield frame

    async def heard() -> None:
        try:
            async for message in HocuspocusChannel(Line(), BRIEF):
                wire.decode(message)
        except Malformed:
            return

    asyncio.run(heard())
