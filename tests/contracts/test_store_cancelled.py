"""Whoever leaves in the midst of a transaction leaves nothing behind: no lock, no task, no row."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import TextClause, text

from backend.settings import Url
from backend.store.engine import Store, open_store

NUMBERS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 200000) "
MANY, LATE = text(NUMBERS + "SELECT n FROM t"), text(NUMBERS + "SELECT sum(n) FROM t")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(Url("sqlite:///app.db"), tmp_path, migrate=False) as store:
        async with store.writing() as connection:
            await connection.execute(text("CREATE TABLE t (n INTEGER)"))
        yield store


async def once(work: Callable[[], Awaitable[None]]) -> None:
    """Cancelled as a task is."""
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    """Cancelled as a page's stream is: at each turn of the event loop until it has ended."""
    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await asyncio.sleep(0.005)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("cancelled", [once, again_and_again])
@pytest.mark.parametrize("asked", [MANY, LATE, None])
async def test_a_transaction_that_is_left_is_over(
    store: Store, cancelled: Any, asked: TextClause | None
) -> None:
    """Others write as soon as they want to, nothing of it is kept, and no task is lost sight of."""
    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))

    async def work() -> None:
        async with store.writing() as connection:
            while True:
                await connection.execute(text("INSERT INTO t VALUES (1)"))
                if asked is not None:
                    await connection.execute(asked)

    for _ in range(5):
        await cancelled(work)
        await asyncio.to_thread(write, store.file)
    async with store.writing() as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))
    async with store.reading() as connection:
        found = (await connection.execute(text("SELECT n FROM t ORDER BY n"))).scalars().all()
    assert found == [2] * 6
    gc.collect()
    assert [context["message"] for context in lost] == []


def write(file: Path) -> None:
    """As another process would, which waits for a while."""
    with closing(sqlite3.connect(file, timeout=5)) as connection, connection:
        connection.execute("INSERT INTO t VALUES (2)")


@pytest.mark.parametrize("cancelled", [once, again_and_again])
async def test_a_reading_that_is_left_is_over(store: Store, cancelled: Any) -> None:
    """More often than there are connections, and the next one reads."""
    lost: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))

    async def work() -> None:
        async with store.reading() as connection:
            await connection.execute(MANY)

    for _ in range(10):
        await cancelled(work)
    async with store.reading() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    gc.collect()
    assert [context["message"] for context in lost] == []
