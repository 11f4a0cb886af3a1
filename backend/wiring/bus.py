"""The bus between server processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from backend.bus.remote import RemoteBus
from backend.settings import Settings, UnknownScheme

FIRST = 5.0  # seconds that a start waits for it; it goes on without


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[RemoteBus | None]:
    """None where there is one process. One that does not answer is connected to when it does."""
    url = settings.url("BUS_URL")
    match url.scheme:
        case "none":
            yield None
            return
        case "redis" | "rediss":
            from backend.bus.redis import redis_bus

            bus = redis_bus(url)
        case "postgresql":
            from backend.bus.postgresql import postgresql_bus

            bus = postgresql_bus(url)
        case _:
            raise UnknownScheme("BUS_URL", url, ("none", "redis", "rediss", "postgresql"))
    running = asyncio.create_task(bus.run(), name="bus")
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(bus.tried(), FIRST)
        yield bus
    finally:
        await bus.flush()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
