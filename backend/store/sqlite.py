"""SQLite's connections, which bear that whoever waits for them is cancelled.

A page that is left cancels what it asked for, in the midst of a transaction perhaps. aiosqlite then
stops waiting for its thread, and a connection closed with a cursor open keeps its lock until the
cursor is collected: nobody could write for as long as they wait for it, 20 seconds.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")


class Connection(aiosqlite.Connection):
    """Ends what it has begun before a cancellation goes on, and its transaction before itself."""

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(fn, *args, **kwargs)))
        return await _through(done)

    async def close(self) -> None:
        if self._connection is not None and (stopped := self.stop()) is not None:
            await _through(stopped)

    def stop(self) -> asyncio.Future[Any] | None:
        if self._connection is not None:
            self._tx.put_nowait((None, self._connection.rollback))
        return super().stop()


def connect(file: str, **options: Any) -> Connection:
    """For SQLAlchemy, as its ``async_creator_fn``."""
    connection = Connection(lambda: sqlite3.connect(file, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does, so that a process can end
    return connection


async def _through(future: asyncio.Future[T]) -> T:
    """Its result, once there is one, whoever is cancelled meanwhile."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        future.exception()  # nobody else asks for it
        raise
