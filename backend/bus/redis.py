"""The bus over Redis, or Valkey: publish and subscribe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from backend.bus.remote import Deliver, RemoteBus
from backend.settings import Url

PAYLOAD: Final = 256 * 1024  # bytes; what is larger is loaded from the store
SILENCE: Final = 5.0  # seconds after which the server is asked for a sign of life
KEEPALIVE: Final = "alive"  # a topic that is always listened to, so that there is something to read


def redis_bus(url: Url) -> RemoteBus:
    # Publishing knows no databases, so the number becomes part of the channel's name.
    prefix = f"stratmaster:{url.path.strip('/') or '0'}:"

    @asynccontextmanager
    async def dial(deliver: Deliver) -> AsyncIterator[RedisLine]:
        # Its own retries would hide that messages were lost.
        client = Redis.from_url(
            url.text, socket_connect_timeout=3, socket_timeout=3, retry=Retry(NoBackoff(), 0)
        )
        pubsub = client.pubsub()
        try:
            line = RedisLine(client, pubsub, prefix, deliver)
            async with line.reading():
                yield line
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # has no types
            await client.aclose()

    return RemoteBus(dial, name=str(url), payload_bytes=PAYLOAD)


class RedisLine:
    def __init__(self, client: Redis, pubsub: PubSub, prefix: str, deliver: Deliver) -> None:
        self._client = client
        self._pubsub = pubsub
        self._prefix = prefix
        self._deliver = deliver
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        await self._pubsub.subscribe(self._prefix + KEEPALIVE)
        self._reader = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def listen(self, topics: Sequence[str]) -> None:
        if not topics:
            return
        loop = asyncio.get_running_loop()
        channels = [self._prefix + topic for topic in topics]
        for channel in channels:
            self._confirmations[channel] = loop.create_future()
        await self._pubsub.subscribe(*channels)
        await asyncio.gather(*(self._confirmations[channel] for channel in channels))
        for channel in channels:
            del self._confirmations[channel]

    async def unlisten(self, topic: str) -> None:
        await self._pubsub.unsubscribe(self._prefix + topic)

    async def send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for topic, message in messages:
                pipeline.publish(self._prefix + topic, message)
            await pipeline.execute()

    async def broken(self) -> None:
        assert self._reader is not None
        await asyncio.shield(self._reader)

    async def _read(self) -> None:
        asked = False
        while True:
            said: dict[str, Any] | None = await self._pubsub.get_message(timeout=SILENCE)
            if said is None:
                if asked:
                    raise ConnectionError(f"Redis has said nothing for {2 * SILENCE:.0f} s")
                asked = True
                await self._pubsub.ping()
                continue
            asked = False
            if said["type"] == "pong":
                continue
            channel = said["channel"].decode()
            if said["type"] == "message":
                self._deliver(channel.removeprefix(self._prefix), said["data"])
            elif said["type"] == "subscribe":
                confirmation = self._confirmations.get(channel)
                if confirmation is not None and not confirmation.done():
                    confirmation.set_result(None)
