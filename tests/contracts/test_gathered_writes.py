"""Writes that come at one moment share a transaction, and nothing else."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError

from backend.clock import now
from backend.settings import Url
from backend.store.engine import Store, open_store
from backend.store.gathered import MOST, Statement
from backend.store.tables import tenants


def kept(*names: str) -> Statement:
    return insert(tenants), [{"id": name, "name": name, "created_at": now()} for name in names]


async def ids(store: Store) -> list[str]:
    return sorted(row.id for row in await store.rows(select(tenants.c.id)))


@pytest.mark.parametrize(("writes", "commits"), [(MOST, 1), (MOST + 1, 2)])
async def test_those_of_one_moment_wait_for_one_commit(
    tmp_path: Path, writes: int, commits: int
) -> None:
    """As many as a transaction takes, and one more."""
    names = [f"t{number:02d}" for number in range(writes)]
    async with open_store(Url("sqlite:///app.db"), tmp_path) as store:
        assert store._direct is not None
        seen: list[object] = []
        event.listen(store._direct.writer, "commit", seen.append)
        await asyncio.gather(*(store.write(kept(name)) for name in names))
        assert len(seen) == commits
        assert await ids(store) == names


async def test_a_failure_stays_with_whose_it_is(store: Store) -> None:
    """Of ten at one moment one asks for what is taken: it is told, and nothing of it is kept."""
    await store.write(kept("taken"))
    writes = [store.write(kept(f"t{number}")) for number in range(9)]
    ended = await asyncio.gather(
        *writes[:4],
        store.write(kept("half"), kept("taken")),
        *writes[4:],
        return_exceptions=True,
    )
    assert isinstance(ended.pop(4), IntegrityError)
    assert ended == [None] * 9
    assert await ids(store) == ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "taken"]


async def test_whoever_is_cancelled_takes_nobody_along(store: Store) -> None:
    """Cancelled before it began, it is not written; the others are."""
    writes = [asyncio.create_task(store.write(kept(f"t{number}"))) for number in range(4)]
    await asyncio.sleep(0)
    writes[1].cancel()
    ended = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(ended.pop(1), asyncio.CancelledError)
    assert ended == [None] * 3
    assert set(await ids(store)) >= {"t0", "t2", "t3"}


async def test_they_wait_for_a_longer_transaction(store: Store) -> None:
    """And are written once it is over, on top of what it wrote."""
    async with store.writing() as connection:
        await connection.execute(*kept("first"))
        later = asyncio.create_task(store.write(kept("second")))
        if store.dialect == "sqlite":  # a server has other writers
            await asyncio.sleep(0.05)
            assert not later.done()
    await later
    assert await ids(store) == ["first", "second"]


async def test_closing_waits_for_what_was_begun(tmp_path: Path) -> None:
    """What is being written when the store closes is there at the next opening."""
    async with open_store(Url("sqlite:///app.db"), tmp_path) as store:
        write = asyncio.create_task(store.write(kept("last")))
        await asyncio.sleep(0)
    await write
    async with open_store(Url("sqlite:///app.db"), tmp_path) as store:
        assert await ids(store) == ["last"]
