"""A room's end of the bus: what it says there, and what comes before it can listen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from collab import messages, wire
from collab.model import DocumentId, Update
from collab.ports import Bus, Hears
from collab.replica import LARGE


class Relay:
    """One document's topic. Without a bus it says nothing and hears nothing."""

    def __init__(self, document: DocumentId, bus: Bus | None = None, origin: bytes = b"") -> None:
        self._topic = f"brief:{document}"
        self._bus = bus
        self._origin = origin
        self._hears: Hears | None = None
        self._early: list[bytes | None] = []
        self._end: Callable[[], Awaitable[None]] | None = None

    async def open(self) -> None:
        """What is heard from here on is kept until there is somebody to hand it to."""
        if self._bus is not None:
            self._end = await self._bus.subscribe(self._topic, self._hear)

    def hand_to(self, hears: Hears) -> None:
        self._hears = hears
        for message in self._early:
            hears(message)
        self._early.clear()

    async def close(self) -> None:
        if self._end is not None:
            end, self._end = self._end, None
            await end()

    def rows(self, epoch: str, first: int, updates: Sequence[Update]) -> None:
        if self._bus is not None:
            limit = min(self._bus.payload_bytes, LARGE)  # larger ones are loaded, in a thread
            self._bus.publish(self._topic, messages.rows(epoch, first, updates, limit=limit))

    def moved(self, entries: Iterable[wire.Presence]) -> None:
        if self._bus is not None:
            limit = self._bus.payload_bytes
            for message in messages.moved(self._origin, entries, limit=limit):
                self._bus.publish(self._topic, message)

    def ask(self) -> None:
        """Who is in the rooms of other processes."""
        if self._bus is not None:
            self._bus.publish(self._topic, messages.asked())

    def settled(self, through: int) -> None:
        if self._bus is not None:
            self._bus.publish(self._topic, messages.settled(through))

    def _hear(self, message: bytes | None) -> None:
        if self._hears is None:
            self._early.append(message)
        else:
            self._hears(message)
