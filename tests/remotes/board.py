"""A Trello in miniature behind a real socket, with faults on its line: for whole servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from backend.clock import SystemClock
from tests.ports import free_port
from tests.remotes.faults import Faults
from tests.remotes.trello import KEY, TOKEN, Trello

CONNECTION = {"kind": "trello", "key": KEY, "token": TOKEN}


class Board:
    """One board, ``where`` a target leads to. ``faults`` befall calls by their number from the last
    ``strike`` on; a call of ``hold`` is carried out and never answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.trello = Trello(SystemClock())
        self.board = self.trello.board("Plans")
        self.faults = Faults(self.trello, SystemClock(), refusal=_refusal, socket=True)
        self.hold: str | None = None  # the first part of a body of a call that is never answered
        self.held = asyncio.Event()
        self.silent: set[str] = set()  # tokens whose calls are never answered
        self.waiting = 0  # of those calls, how many wait now
        self.left_waiting = 0  # and how many ever did

    @property
    def where(self) -> dict[str, str]:
        return {"board": self.board}

    @property
    def settings(self) -> dict[str, Any]:
        return {"trello_api_url": self.address, "trello_url": self.address}

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [card for card in self.trello.cards.values() if not card["closed"]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_silent(scope):
            await self._wait(receive)
            return
        if scope["type"] != "http" or not self._holds(scope):
            await self.faults(scope, receive, send)
            return
        self.hold = None
        await self.faults(scope, receive, _nobody)
        self.held.set()
        await asyncio.Event().wait()

    def _is_silent(self, scope: Scope) -> bool:
        said = dict(scope["headers"]).get(b"authorization", b"").decode()
        return any(f'oauth_token="{token}"' in said for token in self.silent)

    async def _wait(self, receive: Receive) -> None:
        """Until whoever asks goes away."""
        self.waiting += 1
        self.left_waiting += 1
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self.waiting -= 1

    def _holds(self, scope: Scope) -> bool:
        return self.hold is not None and f"{scope['method']} {scope['path']}" == self.hold


async def _nobody(message: Message) -> None:
    pass


def _refusal(status: int) -> tuple[dict[str, str], bytes]:
    """A wait that is longer than any worker has patience for."""
    headers = {"content-type": "application/json"}
    if status == 429:
        headers["retry-after"] = "900"
    return headers, b'{"message":"a fault of the test"}'


@asynccontextmanager
async def opened() -> AsyncIterator[Board]:
    """Served on a free port of this machine."""
    port = free_port()
    board = Board(f"http://127.0.0.1:{port}")
    config = uvicorn.Config(
        board, port=port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield board
    finally:
        server.should_exit = True
        await serving
