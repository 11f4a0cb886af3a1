"""Blobs that no row refers to, as a death between the two leaves them: found and removed."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import Column, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.jobs import Lease
from backend.ports import BlobStore
from backend.store.engine import Store
from backend.store.outbox import Job, JobState, Outbox
from backend.store.tables import images, jobs, versions

log = logging.getLogger(__name__)

SWEEP: Final = "sweep_blobs"
EVERY: Final = timedelta(days=1)
ROUND: Final = 3_600.0  # seconds between two looks at whether that long has passed
AGE: Final = timedelta(days=1)  # a blob comes before its row; no upload takes as long
BATCH: Final = 200  # keys that are looked up, and removed, in one transaction

_NAME = "([A-Za-z0-9_][A-Za-z0-9_-]*)"
# What a key says, and the columns that say the same of what is still referred to.
_REFERRED: Final[Sequence[tuple[re.Pattern[str], Sequence[Column[Any]]]]] = (
    (re.compile(f"images/{_NAME}/([0-9a-f]{{64}})"), (images.c.tenant, images.c.digest)),
    (re.compile(f"{_NAME}/originals/{_NAME}"), (versions.c.tenant, versions.c.hash)),
    (
        re.compile(rf"{_NAME}/(?:texts|readings)/{_NAME}/{_NAME}\.(?:txt|json)"),
        (versions.c.tenant, versions.c.source, versions.c.hash),
    ),
)


async def ask(store: Store, outbox: Outbox) -> bool:
    """Have the blobs swept, unless it was done of late; whether a job was made."""
    async with store.writing() as connection:
        if await connection.scalar(
            select(jobs.c.id)
            .where(jobs.c.kind == SWEEP, jobs.c.created_at > now() - EVERY)
            .limit(1)
        ):
            return False
        await outbox.add(connection, SWEEP, subject="blobs", tenant="local")
    return True


async def run(store: Store, outbox: Outbox, wake: Callable[[], None]) -> None:
    """Ask for it until cancelled: a server may run for months."""
    while True:
        await asyncio.sleep(ROUND)
        try:
            if await ask(store, outbox):
                wake()
        except Exception:
            log.exception("blobs that nothing refers to stay for now; trying again")


class SweepBlobs:
    """The job. What it cannot place by its name is not ours, and stays."""

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        self._store = store
        self._blobs = blobs

    async def run(self, lease: Lease) -> None:
        removed = 0
        batch: list[str] = []
        async for key in self._blobs.stored_before(now() - AGE):
            batch.append(key)
            if len(batch) == BATCH:
                removed += await self._sweep(batch)
                batch = []
        removed += await self._sweep(batch)
        if removed:
            log.info("removed %d blobs that nothing refers to", removed)
        async with self._store.writing() as connection:
            await lease.finish(connection)

    async def stopped(self, job: Job) -> None:
        """Nothing is left half done."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        log.warning("blobs that nothing refers to may stay: %s", error)
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)

    async def _sweep(self, keys: Sequence[str]) -> int:
        if not keys:
            return 0
        # Within the writers' lock, so that nobody takes up the same bytes between look and delete.
        async with self._store.writing() as connection:
            if self._store.dialect == "postgresql":
                await connection.execute(text("LOCK TABLE versions, images IN SHARE MODE"))
            unused = await _unused(connection, keys)
            if unused:
                await self._blobs.delete(unused)
        return len(unused)


async def _unused(connection: AsyncConnection, keys: Sequence[str]) -> list[str]:
    """Of the keys that are ours, those that no row refers to."""
    ours: set[str] = set()
    referred: set[str] = set()
    for shape, columns in _REFERRED:
        named: dict[tuple[str, ...], list[str]] = defaultdict(list)  # a text has two blobs
        for key in keys:
            if (found := shape.fullmatch(key)) is not None:
                named[found.groups()].append(key)
        if named:
            ours.update(chain.from_iterable(named.values()))
            rows = await connection.execute(
                select(*columns).where(tuple_(*columns).in_(list(named)))
            )
            for row in rows:
                referred.update(named[tuple(row)])
    unused = ours - referred
    return [key for key in keys if key in unused]
