"""Large messages leave few at a time, small ones at once, and nobody waits for a slow reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from collab import CloseReason, Limits, wire
from collab.visitor import Ferry

LARGE = Limits().large_bytes


class SlowChannel:
    """A socket with flow control: it takes one message, the next once the other side has read."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.read = asyncio.Event()

    async def send(self, message: bytes) -> None:
        if self.taken:
            await self.read.wait()
        self.taken.append(message)

    async def close(self, reason: CloseReason) -> None:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_as_many_large_messages_as_there_are_places_are_under_way() -> None:
    """The third of two places goes when the first has been read, and not before."""
    ferry = Ferry(Limits(large_at_once=2, large_seconds=60))
    channels = [SlowChannel() for _ in range(3)]
    async with asyncio.TaskGroup() as group:
        for channel in channels:
            group.create_task(ferry.carry(channel, bytes(LARGE)))
        await turns()
        assert [len(channel.taken) for channel in channels] == [1, 1, 0]
        channels[0].read.set()
        await turns()
        assert [len(channel.taken) for channel in channels] == [2, 1, 1]
        for channel in channels:
            channel.read.set()


async def test_a_message_below_the_limit_passes_the_large_ones() -> None:
    """One byte below what counts as large waits for no place and is sent alone."""
    ferry = Ferry(Limits(large_at_once=1, large_seconds=60))
    slow, small = SlowChannel(), SlowChannel()
    async with asyncio.TaskGroup() as group:
        group.create_task(ferry.carry(slow, bytes(LARGE)))
        await turns()
        await ferry.carry(small, bytes(LARGE - 1))
        assert [len(message) for message in small.taken] == [LARGE - 1]
        slow.read.set()


async def test_who_has_waited_long_goes_without_a_place() -> None:
    """A reader that never reads holds its place, and the next one is served all the same."""
    ferry = Ferry(Limits(large_at_once=1, large_seconds=0.01))
    deaf, other = SlowChannel(), SlowChannel()
    stuck = asyncio.create_task(ferry.carry(deaf, bytes(LARGE)))
    await turns()
    other.read.set()
    await ferry.carry(other, bytes(LARGE))
    assert other.taken == [bytes(LARGE), wire.presences(())]
    stuck.cancel()


async def test_a_broken_socket_gives_its_place_back() -> None:
    """What cannot be sent leaves no place taken."""

    class Broken(SlowChannel):
        async def send(self, message: bytes) -> None:
            raise OSError("gone")

    ferry = Ferry(Limits(large_at_once=1, large_seconds=60))
    for _ in range(3):
        result = await asyncio.gather(ferry.carry(Broken(), bytes(LARGE)), return_exceptions=True)
        assert isinstance(result[0], OSError)
    fine = SlowChannel()
    fine.read.set()
    await asyncio.wait_for(ferry.carry(fine, bytes(LARGE)), 5)
    assert len(fine.taken) == 2
