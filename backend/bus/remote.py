"""A bus over a server's connection: says and hears while it stands, makes it anew when it falls.

What is published while it is down is lost; who listens is told that something may have been.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, Protocol, TypeAlias

from collab.ports import Hears

log = logging.getLogger(__name__)

ORIGIN: Final = 8  # bytes before each message that say which process it is of
QUEUE: Final = 8 * 1024 * 1024  # bytes waiting to be sent; past it the oldest are lost
TOGETHER: Final = 128  # messages sent at once
FIRST_PAUSE, LAST_PAUSE = 0.1, 3.0  # seconds between attempts to connect
LAST_WORDS: Final = 0.5  # seconds that a process which stops gives what it still has to say
PATIENCE: Final = 3.0  # seconds a server has to take one request


class Line(Protocol):
    """One connection. Any error of any method means that it is broken."""

    async def listen(self, topics: Sequence[str]) -> None:
        """From the return on, what is sent to these is delivered."""
        ...

    async def unlisten(self, topic: str) -> None: ...

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None: ...

    async def broken(self) -> None:
        """Returns, or raises, once it is."""
        ...


Deliver: TypeAlias = Callable[[str, bytes], None]
Dial: TypeAlias = Callable[[Deliver], AbstractAsyncContextManager[Line]]


class RemoteBus:
    """``collab.Bus`` for as long as ``run`` does."""

    def __init__(self, dial: Dial, *, name: str, payload_bytes: int) -> None:
        self.name = name
        self.payload_bytes = payload_bytes
        self._dial = dial
        self._origin = secrets.token_bytes(ORIGIN)
        self._hears: dict[str, list[Hears]] = defaultdict(list)
        self._line: Line | None = None
        self._listening: set[str] = set()
        self._changing = asyncio.Lock()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued = 0
        self._waiting = asyncio.Event()
        self._said = asyncio.Event()  # all that was published
        self._said.set()
        self._tried = asyncio.Event()
        self.why = "not connected yet"

    @property
    def away(self) -> bool:
        return self._line is None

    def publish(self, topic: str, message: bytes) -> None:
        if len(message) > self.payload_bytes:
            raise ValueError(f"A message of {len(message)} bytes is past {self.payload_bytes}.")
        if self._line is None:
            return
        self._queue.append((topic, self._origin + message))
        self._queued += len(message)
        while self._queued > QUEUE:
            self._queued -= len(self._queue.popleft()[1]) - ORIGIN
        self._said.clear()
        self._waiting.set()

    async def subscribe(self, topic: str, hears: Hears) -> Callable[[], Awaitable[None]]:
        self._hears[topic].append(hears)
        await self._follow(topic)

        async def end() -> None:
            self._hears[topic].remove(hears)
            if not self._hears[topic]:
                del self._hears[topic]
                await self._follow(topic)

        return end

    async def tried(self) -> None:
        """Wait for the first attempt to connect, however it ended."""
        await self._tried.wait()

    async def flush(self) -> None:
        """Wait until what was published is sent, as far as that can be done soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._said.wait(), LAST_WORDS)

    async def run(self) -> None:
        """Keep a connection, until cancelled."""
        pause = FIRST_PAUSE
        stood = True
        while True:
            try:
                async with self._dial(self._deliver) as line:
                    await self._use(line)
                self.why = "the connection was closed"
            except Exception as error:
                self.why = str(error) or type(error).__name__
            finally:
                stood, self._line = stood or self._line is not None, None
                self._tried.set()
            if stood:
                log.warning("The bus (%s) is away: %s", self.name, self.why)
                pause = FIRST_PAUSE
            stood = False
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE, pause * 2)

    async def _use(self, line: Line) -> None:
        again = self._tried.is_set()
        async with self._changing:
            self._listening.clear()
            async with asyncio.timeout(PATIENCE):
                await line.listen(topics := list(self._hears))
            self._listening.update(topics)
            self._queue.clear()
            self._queued = 0
            self._said.set()
            self._line = line
            self._tried.set()
        if again:
            log.warning("The bus (%s) is back", self.name)
        for hears in [hears for some in self._hears.values() for hears in some]:
            hears(None)
        ends = {asyncio.create_task(line.broken()), asyncio.create_task(self._send(line))}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _send(self, line: Line) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._queue:
                some = [self._queue.popleft() for _ in range(min(TOGETHER, len(self._queue)))]
                self._queued -= sum(len(message) - ORIGIN for _, message in some)
                async with asyncio.timeout(PATIENCE):
                    await line.send(some)
            self._said.set()

    async def _follow(self, topic: str) -> None:
        """Listen on the line to what is listened to here."""
        async with self._changing:
            line, wanted = self._line, topic in self._hears
            if line is None or wanted == (topic in self._listening):
                return
            # Whatever goes wrong with the line ends it, and the next one begins with all topics.
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    if wanted:
                        await line.listen([topic])
                        self._listening.add(topic)
                    else:
                        self._listening.discard(topic)
                        await line.unlisten(topic)

    def _deliver(self, topic: str, payload: bytes) -> None:
        if payload[:ORIGIN] == self._origin:
            return
        for hears in tuple(self._hears.get(topic, ())):
            hears(payload[ORIGIN:])
