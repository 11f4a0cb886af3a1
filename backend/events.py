"""What just happened in a space, told to whoever listens, in this process or another."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from collab import Bus

TOPIC: Final = "events"  # on the bus
QUEUE = 1024  # events; a listener that falls further behind is told to reload instead


@dataclass(frozen=True, slots=True)
class Event:
    """``data`` is what the API sends, ready for JSON."""

    name: str
    data: Mapping[str, Any]


RELOAD = Event("reload", {})


class Subscription:
    """One listener's share of a space's events, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)

    def offer(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(RELOAD)

    def end(self) -> None:
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event; None when there will be no more."""
        return await self._queue.get()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.next()) is not None:
            yield event


class Hub:
    """Publishes to the listeners of a space. Lives on one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Subscription]] = defaultdict(set)
        self._bus: Bus | None = None
        self._closed = False

    async def join(self, bus: Bus) -> None:
        """From here on, what happens in other processes is told here, and the other way round."""
        self._bus = bus
        await bus.subscribe(TOPIC, self._hear)

    def publish(self, space: str, name: str, data: Mapping[str, Any]) -> None:
        """Tell everyone now listening; never waits for them."""
        self._tell(space, Event(name, data))
        self._pass_on(space, name, data)

    def everywhere(self, name: str, data: Mapping[str, Any]) -> None:
        """Tell everyone who listens, whatever the space."""
        self._tell(None, Event(name, data))
        self._pass_on(None, name, data)

    def _tell(self, space: str | None, event: Event) -> None:
        """To the listeners here: of a space, or all."""
        for one in list(self._listeners) if space is None else [space]:
            for listener in self._listeners.get(one, ()):
                listener.offer(event)

    def _pass_on(self, space: str | None, name: str, data: Mapping[str, Any]) -> None:
        if self._bus is None:
            return
        message = json.dumps([space, name, data]).encode()
        if len(message) > self._bus.payload_bytes:  # the page then asks for what it shows
            message = json.dumps([space, RELOAD.name, RELOAD.data]).encode()
        self._bus.publish(TOPIC, message)

    def _hear(self, message: bytes | None) -> None:
        if message is None:  # some may have been lost
            self._tell(None, RELOAD)
            return
        space, name, data = json.loads(message)
        self._tell(space, Event(name, data))

    @contextmanager
    def listening(self, space: str) -> Iterator[Subscription]:
        """From here on, and until leaving, every event of the space reaches the subscription."""
        listener = Subscription()
        if self._closed:
            listener.end()
        self._listeners[space].add(listener)
        try:
            yield listener
        finally:
            self._listeners[space].discard(listener)
            if not self._listeners[space]:
                del self._listeners[space]

    def close(self) -> None:
        """End every listener, so that their requests finish and the server can stop."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.end()
