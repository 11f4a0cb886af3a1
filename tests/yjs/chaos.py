"""A network that treats its users badly, by a plan drawn from a seed.

A proxy between clients and servers that works on whole messages. What it may do is a ``Weather``:
``LINE`` is what a real connection does (it is slow, stands still, swallows all and then breaks);
``WILD`` drops, doubles and reorders messages besides, which no WebSocket does. A CRDT bears that:
a doubled update is applied once, one that came early waits, and what was dropped is sent again at
the next sync. A count of acknowledged messages does not, so clients that are told what is saved
are given ``LINE``.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

OPEN = {"compression": None, "max_size": None, "ping_interval": None}


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances for each message, and seconds."""

    late: float = 0.0  # seconds at most that a message travels
    stall: float = 0.0  # nothing passes for up to a tenth of a second
    cut: float = 0.0  # the connection breaks, without a word
    hole: float = 0.0  # nothing more arrives, and then the connection breaks
    drop: float = 0.0
    double: float = 0.0
    overtaken: float = 0.0  # by those behind it


CALM = Weather()
LINE = Weather(late=0.01, stall=0.002, cut=0.0006, hole=0.0003)
WILD = Weather(
    late=0.01, stall=0.002, cut=0.0006, hole=0.0003, drop=0.01, double=0.02, overtaken=0.02
)


class Chaos:
    """Each connection goes to one of the servers that answer, chosen by chance."""

    def __init__(self, servers: Sequence[str], seed: int) -> None:
        self.weather = CALM
        self.did: Counter[str] = Counter()
        self.url = ""
        self._servers = servers
        self._seed = seed
        self._opened = 0
        self._open: set[_Connection] = set()

    def calm(self) -> None:
        """Be a good network from now on. Everybody has to connect anew, which heals all."""
        self.weather = CALM
        self.cut()

    def cut(self) -> None:
        for connection in list(self._open):
            connection.cut()

    async def receive(self, client: ServerConnection) -> None:
        assert client.request is not None
        self._opened += 1
        dice = random.Random(f"{self._seed}/{self._opened}")
        headers = {
            name: value for name, value in client.request.headers.raw_items() if name == "x-visitor"
        }
        for server in dice.sample(self._servers, len(self._servers)):
            with suppress(OSError, InvalidHandshake, ConnectionClosed, TimeoutError):
                async with connect(
                    server + client.request.path, additional_headers=headers, **OPEN
                ) as upstream:
                    connection = _Connection(self, client, upstream, dice)
                    self._open.add(connection)
                    try:
                        await connection.carry()
                    finally:
                        self._open.discard(connection)
                    return
        client.transport.abort()


class _Connection:
    def __init__(self, chaos: Chaos, client: Any, server: Any, dice: random.Random) -> None:
        self._chaos = chaos
        self._ends = (client, server)
        self._dice = dice

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def carry(self) -> None:
        client, server = self._ends
        ways = [
            asyncio.create_task(self._way(source, sink, random.Random(self._dice.random())))
            for source, sink in ((client, server), (server, client))
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        # One side's farewell is passed on to the other.
        for end, other in ((client, server), (server, client)):
            code, reason = end.close_code, end.close_reason
            if code in (None, 1005, 1006):
                other.transport.abort()
            else:
                await other.close(code, reason or "")

    async def _way(self, source: Any, sink: Any, dice: random.Random) -> None:
        due: list[tuple[float, int, bytes]] = []
        work = asyncio.Event()
        sending = asyncio.create_task(_send(due, work, sink))
        loop = asyncio.get_running_loop()
        last = 0.0
        count = 0
        try:
            async for message in source:
                weather, now = self._chaos.weather, loop.time()
                happened = _happens(weather, dice)
                if happened:
                    self._chaos.did[happened] += 1
                if happened == "cut":
                    self.cut()
                    return
                if happened == "hole":
                    await asyncio.sleep(dice.uniform(0, 0.3))
                    self.cut()
                    return
                if happened == "stall":
                    await asyncio.sleep(dice.uniform(0, 0.1))
                if happened == "drop":
                    continue
                arrives = last = max(last, now + dice.uniform(0, weather.late))
                if happened == "overtaken":
                    arrives += dice.uniform(0, 5 * weather.late)
                for again in range(1 + (happened == "double")):
                    count += 1
                    later = again * dice.uniform(0, 5 * weather.late)
                    heapq.heappush(due, (arrives + later, count, message))
                work.set()
            while due:  # what was on its way arrives, before the farewell
                await asyncio.sleep(0.001)
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def _happens(weather: Weather, dice: random.Random) -> str | None:
    at = dice.random()
    for name in ("cut", "hole", "stall", "drop", "double", "overtaken"):
        at -= getattr(weather, name)
        if at < 0:
            return name
    return None


async def _send(due: list[tuple[float, int, bytes]], work: asyncio.Event, sink: Any) -> None:
    loop = asyncio.get_running_loop()
    while True:
        while due:
            wait = due[0][0] - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            entry = due[0]
            await sink.send(entry[2])
            due.remove(entry)  # only now: while there is one, the way is not at its end
            heapq.heapify(due)
        work.clear()
        await work.wait()


@asynccontextmanager
async def network(servers: Sequence[str], seed: int) -> AsyncIterator[Chaos]:
    """A proxy to these servers (``ws://host:port``), listening at its ``url``. Its
    ``weather`` is good until it is set."""
    chaos = Chaos(servers, seed)
    async with serve(chaos.receive, "127.0.0.1", 0, **OPEN) as server:
        port = server.sockets[0].getsockname()[1]
        chaos.url = f"ws://127.0.0.1:{port}"
        try:
            yield chaos
        finally:
            chaos.cut()
