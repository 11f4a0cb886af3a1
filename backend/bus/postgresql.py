"""The bus over PostgreSQL: LISTEN and NOTIFY, on two connections of its own."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # has no types

from backend.bus.remote import ORIGIN, Deliver, RemoteBus
from backend.settings import Url

NOTIFICATION: Final = 7_999  # bytes that one may hold; ours are base64, of which 4 say 3
PAYLOAD: Final = NOTIFICATION // 4 * 3 - ORIGIN
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
            [PREFIX + topic for topic, _ in messages],
            [b64encode(message).decode() for _, message in messages],
        )

    async def broken(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._ended.wait(), SILENCE)
                return
            except TimeoutError:
                await self._listening.execute("SELECT 1")

    def _hear(self, connection: Any, process: int, channel: str, payload: object) -> None:
        self._deliver(channel.removeprefix(PREFIX), b64decode(str(payload)))
