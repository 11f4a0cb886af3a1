"""The bus over PostgreSQL: LISTEN and NOTIFY, on two connections of its own.

A notification holds less than 8,000 bytes, so a message is told in parts. They arrive in order and
all or none, being sent in one transaction; only those of several processes come mixed.
"""

from __future__ import annotations

import asyncio
import struct
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # has no types

from backend.bus.remote import Deliver, RemoteBus
from backend.settings import Url

PAYLOAD: Final = 128 * 1024  # bytes; what is larger is loaded from the store
NOTIFICATION: Final = 7_999  # bytes that one may hold; ours are base64, of which 4 say 3
HEAD: Final = struct.Struct("!QHH")  # the message's number, which part this is, and of how many
PART: Final = NOTIFICATION // 4 * 3 - HEAD.size
SILENCE: Final = 5.0  # seconds after which the server is asked for a sign of life
PREFIX: Final = "stratmaster:"


def postgresql_bus(url: Url) -> RemoteBus:
    @asynccontextmanager
    async def dial(deliver: Deliver) -> AsyncIterator[PostgresLine]:
        listening = await asyncpg.connect(url.text, timeout=3, command_timeout=3)
        try:
            sending = await asyncpg.connect(url.text, timeout=3, command_timeout=3)
            try:
                yield PostgresLine(listening, sending, deliver)
            finally:
                sending.terminate()
        finally:
            listening.terminate()

    return RemoteBus(dial, name=str(url), payload_bytes=PAYLOAD)


class PostgresLine:
    def __init__(
        self, listening: asyncpg.Connection, sending: asyncpg.Connection, deliver: Deliver
    ) -> None:
        self._listening = listening
        self._sending = sending
        self._deliver = deliver
        self._numbers = count()
        self._begun: dict[int, list[bytes]] = {}  # what came of a message, by who sends it
        self._ended = asyncio.Event()
        for connection in (listening, sending):
            connection.add_termination_listener(lambda *_: self._ended.set())

    async def listen(self, topics: Sequence[str]) -> None:
        for topic in topics:
            await self._listening.add_listener(PREFIX + topic, self._hear)

    async def unlisten(self, topic: str) -> None:
        await self._listening.remove_listener(PREFIX + topic, self._hear)

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        await self._sending.execute(
            "SELECT pg_notify(topic, said) FROM unnest($1::text[], $2::text[]) AS _(topic, said)",
            [PREFIX + topic for topic, message in messages for _ in range(_parts(message))],
            [b64encode(part).decode() for _, message in messages for part in self._parted(message)],
        )

    async def broken(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._ended.wait(), SILENCE)
                return
            except TimeoutError:
                await self._listening.execute("SELECT 1")

    def _hear(self, connection: Any, process: int, channel: str, payload: object) -> None:
        told = b64decode(str(payload))
        _, part, parts = HEAD.unpack_from(told)
        begun = self._begun.setdefault(process, [])
        if part == 0:
            begun.clear()
        begun.append(told[HEAD.size :])
        if part == parts - 1:
            del self._begun[process]
            self._deliver(channel.removeprefix(PREFIX), b"".join(begun))

    def _parted(self, message: bytes) -> Iterator[bytes]:
        # Numbered, because of equal notifications in one transaction PostgreSQL sends one.
        number, parts = next(self._numbers), _parts(message)
        for part in range(parts):
            yield HEAD.pack(number, part, parts) + message[part * PART : (part + 1) * PART]


def _parts(message: bytes) -> int:
    return max(1, -(-len(message) // PART))
