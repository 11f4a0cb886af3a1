"""A pycrdt document that is kept in step with a room by the y-protocols, over a line that breaks.

What comes is given to the library in the order it can be placed (``collab.order``), since pycrdt
0.14 mistakes clocks where it has to wait for a part; what is missing is asked for by a new sync
step 1, as y-websocket does it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pycrdt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from collab import wire
from collab.contents import Contents, clocks, read
from collab.model import Update
from collab.order import placeable
from tests.yjs.chaos import OPEN

RESYNC = 1.0  # seconds between two looks for what a line has lost


class Client:
    """One document of a room, edited through ``doc``. ``greets`` is whether it says hello, and so
    is told what is saved: by count of its messages, which only a line that loses none can bear."""

    def __init__(self, url: str, *, greets: bool, on_change: Callable[[], None]) -> None:
        self.doc: pycrdt.Doc[Any] = pycrdt.Doc()
        self.changes = 0  # made here
        self.saved = 0  # the first of them, that are durable
        self.synced = False
        self._url = url
        self._greets = greets
        self._on_change = on_change
        self._epoch = ""
        self._early: dict[Update, Contents] = {}
        self._bears: list[int] = []  # how many changes this connection's messages up to each bear
        self._told_all = False
        self._hearing = False
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._back = asyncio.Event()
        self._back.set()
        self._socket: ClientConnection | None = None
        self.doc.observe(self._changed)

    @property
    def settled(self) -> bool:
        """Whether it is connected and nothing is known to be missing here, or unsaved there."""
        waits = self._greets and self.saved < self.changes
        return self.synced and not self._early and not waits

    async def run(self) -> None:
        dice = random.Random(self._url)
        while True:
            await self._back.wait()
            with suppress(OSError, InvalidHandshake, ConnectionClosed, TimeoutError):
                async with connect(self._url, **OPEN) as self._socket:
                    await self._visit(self._socket)
            self.synced = False
            await asyncio.sleep(dice.uniform(0.01, 0.2))

    def leave(self, seconds: float) -> None:
        """Go offline for a while."""
        self._back.clear()
        asyncio.get_running_loop().call_later(seconds, self._back.set)
        if self._socket is not None:
            self._socket.transport.abort()

    async def _visit(self, socket: ClientConnection) -> None:
        self._outgoing = asyncio.Queue()
        self._bears, self._told_all = [], False
        if self._greets:
            self._outgoing.put_nowait(wire.hello(self._epoch))
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(self._send(socket)), tasks.create_task(self._ask())]
            with suppress(ConnectionClosed):
                async for message in socket:
                    assert isinstance(message, bytes)
                    self._hear(message)
            for task in sending:
                task.cancel()

    async def _send(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.send(await self._outgoing.get())

    async def _ask(self) -> None:
        while True:
            self._outgoing.put_nowait(pycrdt.create_sync_message(self.doc))
            await asyncio.sleep(RESYNC)
            while self._greets and not self._early:  # its line loses nothing
                await asyncio.sleep(RESYNC)

    def _hear(self, message: bytes) -> None:
        reader = wire.Reader(message)
        match reader.integer():
            case wire.SYNC if (step := reader.integer()) == wire.STEP_1:
                reply = pycrdt.handle_sync_message(message[1:], self.doc)
                assert reply is not None
                self._told_all = True
                self._bring(reply)
            case wire.SYNC:
                self._take(reader.chunk())
                self.synced = self.synced or step == wire.STEP_2
            case wire.HELLO:
                reader.integer()
                self._epoch = reader.text()
            case wire.SAVED:
                self.saved = max(self.saved, self._bears[reader.integer() - 1])

    def _take(self, update: Update) -> None:
        known = clocks(self.doc.get_state())
        self._early[update] = read(update)
        self._hearing = True
        with self.doc.transaction():
            for part in placeable(self._early.items(), known):
                self.doc.apply_update(part)
        self._hearing = False
        known = clocks(self.doc.get_state())
        self._early = {one: of for one, of in self._early.items() if not of.within(known)}

    def _changed(self, event: pycrdt.TransactionEvent) -> None:
        if self._hearing:
            return
        self.changes += 1
        self._on_change()
        self._bring(pycrdt.create_update_message(event.update))

    def _bring(self, message: bytes) -> None:
        # What is told before the room has heard of all the rest says nothing of that.
        self._bears.append(self.changes if self._told_all else 0)
        self._outgoing.put_nowait(message)
