"""Frames as we make them, read by a client of another make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from backend.sockets import OFFER, SHARED_BYTES, Socket
from tests.ports import free_port

SIZES = (0, 1, 125, 126, 127, 65_535, SHARED_BYTES, SHARED_BYTES + 1, 200_000)


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Says everything twice: once at once, where it can, and once in turn."""
    offer = scope["extensions"][OFFER]["send"]
    assert not offer(b"before the handshake")
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        for size in SIZES:
            message = b"x" * size
            if not offer(message):
                await send({"type": "websocket.send", "bytes": message})
            await send({"type": "websocket.send", "bytes": message})
        await send({"type": "websocket.send", "text": "in words"})
        await send({"type": "websocket.close", "code": 1000})
        assert not offer(b"after the end")


@pytest.fixture
async def address() -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            echo,
            port=port,
            ws=Socket,
            lifespan="off",
            log_level="warning",
            ws_per_message_deflate=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def test_messages_of_every_length_arrive_whole_and_in_order(address: str) -> None:
    """At each length where a frame's head changes, and one past it."""
    async with connect(address, max_size=None) as client:
        await client.send(b"go")
        received = [message async for message in client]
    assert received == [b"x" * size for size in SIZES for _ in range(2)] + ["in words"]
    assert client.close_code == 1000
