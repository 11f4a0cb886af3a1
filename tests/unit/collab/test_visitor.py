"""What a visitor is told at once never overtakes what it was told before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from collab import Access, CloseReason, Limits
from collab.visitor import Visitor


class Line:
    """A socket that takes messages while it is open, at once or in turn."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: bytes) -> None:
        await self.open.wait()
        self.sent.append(message)

    def offer(self, message: bytes) -> bool:
        if self.open.is_set():
            self.sent.append(message)
        return self.open.is_set()

    async def close(self, reason: CloseReason) -> None:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_message_for_now_goes_without_a_turn_of_the_loop() -> None:
    """It is sent when ``tell`` returns; without ``now`` it waits for the visitor's turn."""
    line = Line()
    visitor = Visitor(line, access=Access.WRITE, subject="one", limits=Limits())
    visitor.tell(b"now", now=True)
    visitor.tell(b"in turn")
    assert line.sent == [b"now"]


async def test_order_is_kept_whatever_may_go_at_once() -> None:
    """Behind a queue, and behind a message that is on its way, one for now waits as others do."""
    line = Line()
    visitor = Visitor(line, access=Access.WRITE, subject="one", limits=Limits())
    sending = asyncio.create_task(visitor._send())
    visitor.tell(b"1")
    visitor.tell(b"2", now=True)
    await turns()
    line.open.clear()
    visitor.tell(b"3")
    await turns()  # 3 is on its way, and nothing waits behind it
    line.open.set()
    visitor.tell(b"4", now=True)
    await turns()
    visitor.tell(b"5", now=True)
    assert line.sent == [b"1", b"2", b"3", b"4", b"5"]
    sending.cancel()


async def test_a_line_that_cannot_take_more_is_waited_for() -> None:
    """What it refused at once is sent when it takes messages again."""
    line = Line()
    visitor = Visitor(line, access=Access.WRITE, subject="one", limits=Limits())
    sending = asyncio.create_task(visitor._send())
    line.open.clear()
    visitor.tell(b"1", now=True)
    visitor.tell(b"2", now=True)
    assert line.sent == []
    line.open.set()
    await turns()
    assert line.sent == [b"1", b"2"]
    sending.cancel()
