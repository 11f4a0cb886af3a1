"""One connection to a room: what it is told, what it says, and how fast it may."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from collab import wire
from collab.errors import Malformed, Refused
from collab.model import Access, CloseReason, Limits
from collab.ports import Channel

if TYPE_CHECKING:
    from collab.room import Room

log = logging.getLogger(__name__)


class Pace:
    """So many messages a second, and what a few seconds of them make up at once."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._step = 1 / per_second
        self._burst = burst
        self._due = 0.0

    def wait(self, now: float, weight: float = 1.0) -> float:
        """Seconds the message that came now has to wait; negative where it need not.

        ``weight`` is as how many it counts.
        """
        earliest = now - self._burst
        self._due = (self._due if self._due > earliest else earliest) + self._step * weight
        return self._due - now


class Patience:
    """So long may one message take to leave, and longer the more bytes it and the one before have.

    One timer for however many messages: it looks now and then at the one that is under way.
    """

    def __init__(self, limits: Limits, late: Callable[[], None]) -> None:
        self._limits = limits
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None  # of the message that is under way
        self._before = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, size: int) -> None:
        """A message sets out. What was sent before may still fill the line."""
        seconds = self._limits.send_seconds
        seconds += (self._before + size) / self._limits.send_bytes_per_second
        self._before = size
        self._due = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def end(self) -> None:
        """It has left."""
        self._due = None

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._late()


class Ferry:
    """Carries large messages, a few at a time: each is kept once more until its socket has it, and
    many who join a large document at once would otherwise keep as many copies."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.large_at_once)

    async def carry(self, channel: Channel, message: bytes) -> None:
        if len(message) < self._limits.large_bytes:
            await channel.send(message)
            return
        boarded = await self._board()
        try:
            await channel.send(message)
            # Nobody's news, but it is taken only once what was sent before has left.
            await channel.send(wire.presences(()))
        finally:
            if boarded:
                self._places.release()

    async def _board(self) -> bool:
        """Whether a place was had; after a while one goes without, past whoever reads slowly."""
        try:
            async with asyncio.timeout(self._limits.large_seconds):
                return await self._places.acquire()
        except TimeoutError:
            return False


class Visitor:
    """One connection to a room, with the queue of what it is still to be sent."""

    def __init__(
        self,
        channel: Channel,
        *,
        access: Access,
        subject: str,
        limits: Limits,
        ferry: Ferry | None = None,
    ) -> None:
        self.access = access
        self.subject = subject
        self.greeted = False  # said hello, so it understands our own messages
        self.estranged = False  # its copy is of another epoch
        self.synced = False  # asked for the document
        self.received = 0  # update-bearing messages so far
        self.presences: set[int] = set()  # the clients it speaks for
        self.presence_pace = Pace(limits.presences_per_second, limits.burst_seconds)
        self.sync_pace = Pace(limits.syncs_per_second, limits.burst_seconds)
        self.update_pace = Pace(limits.updates_per_second, limits.burst_seconds)
        self._asked_at = float("-inf")
        self._channel = channel
        self._limits = limits
        self._ferry = ferry or Ferry(limits)
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._sending = False  # what it was told before is on its way
        self._waiting = asyncio.Event()
        self._ending: asyncio.Future[CloseReason | None] = (
            asyncio.get_running_loop().create_future()
        )

    @property
    def gone(self) -> bool:
        return self._ending.done()

    def tell(self, message: bytes, *, now: bool = False) -> None:
        """Queue a message; a visitor whose queue is full is dropped.

        ``now`` sends it without its turn on the event loop, where nothing waits before it: for
        what goes to few, since whoever tells many would hold up the loop.
        """
        if self.gone:
            return
        if now and not self._outbox and not self._sending and self._channel.offer(message):
            return
        # A lone message may be larger than the outbox: a large document on joining.
        if self._outbox and (
            len(self._outbox) >= self._limits.outbox_messages
            or self._outbox_bytes + len(message) > self._limits.outbox_bytes
        ):
            self.drop(CloseReason.TOO_SLOW)
            return
        self._outbox.append(message)
        self._outbox_bytes += len(message)
        self._waiting.set()

    def may_be_asked(self) -> bool:
        """Whether it was not asked for all it has a moment ago."""
        now = asyncio.get_running_loop().time()
        if now < self._asked_at + self._limits.ask_seconds:
            return False
        self._asked_at = now
        return True

    def drop(self, reason: CloseReason | None) -> None:
        """End the visit: ``None`` when it was the visitor who left."""
        if not self._ending.done():
            self._ending.set_result(reason)

    async def turn_away(self, reason: CloseReason) -> None:
        self.drop(reason)
        await self._channel.close(reason)

    async def attend(self, room: Room) -> None:
        """Carry messages both ways until either side ends it."""
        reading = asyncio.create_task(self._read(room))
        sending = asyncio.create_task(self._send())
        try:
            reason = await self._ending
        finally:
            reading.cancel()
            sending.cancel()
            await asyncio.gather(reading, sending, return_exceptions=True)
        if reason is not None:
            await self._channel.close(reason)

    async def _read(self, room: Room) -> None:
        try:
            async for message in self._channel:
                await room.ready()
                if self.gone:
                    return
                await room.reception.receive(self, message)
            self.drop(None)
        except Malformed as error:
            log.info("A visitor of %s sent what cannot be read: %s", room.document, error)
            self.drop(CloseReason.MALFORMED)
        except Refused as error:
            log.info("A visitor of %s was refused: %s", room.document, error)
            self.drop(CloseReason.REVOKED)
        except Exception:
            # A broken socket ends its own visit, whatever it raises, and nobody else's.
            log.debug("A visitor of %s is lost", room.document, exc_info=True)
            self.drop(None)

    async def _send(self) -> None:
        patience = Patience(self._limits, lambda: self.drop(CloseReason.TOO_SLOW))
        try:
            while True:
                while self._outbox:
                    message = self._outbox.popleft()
                    self._outbox_bytes -= len(message)
                    self._sending = True
                    patience.begin(len(message))
                    await self._ferry.carry(self._channel, message)
                    patience.end()
                    self._sending = False
                self._waiting.clear()
                await self._waiting.wait()
        except Exception:
            log.debug("A visitor cannot be sent to", exc_info=True)
            self.drop(None)
        finally:
            patience.stop()
