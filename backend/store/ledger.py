"""What an export made in one place for one brief: ``exporters.ports.Ledger`` on the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.store.approved import entry_of, entry_text, pack_step, unpack_step
from backend.store.engine import Store
from backend.store.outbox import LeaseLost
from backend.store.tables import (
    export_drift,
    export_entries,
    export_intents,
    export_outcomes,
    export_runs,
)
from exporters.errors import LostLease
from exporters.records import Entry, Intent, Step

DONE = "done"

Hold: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""Makes a transaction stand only while the job is ours; else LeaseLost."""


class Stopped(LostLease):
    """A person called the run off: nothing more is begun."""


async def entries_of(store: Store, target: str, brief: str) -> dict[str, Entry]:
    """What was made, by key, in the order it lies there."""
    rows = await store.rows(
        select(export_entries)
        .where(of(export_entries, target, brief))
        .order_by(export_entries.c.position, export_entries.c.key)
    )
    # Decoded in a thread: a brief of a thousand blocks is a thousand entries.
    return await asyncio.to_thread(
        lambda: {row.key: entry_of(json.loads(row.content)) for row in rows}
    )


async def intents_of(store: Store, target: str, brief: str) -> list[Intent]:
    """What was begun and has no receipt, the first begun first."""
    rows = await store.rows(
        select(export_intents)
        .where(of(export_intents, target, brief))
        .order_by(export_intents.c.since, export_intents.c.step)
    )
    return await asyncio.to_thread(lambda: [_intent(row) for row in rows])


def of(table: Table, target: str, brief: str) -> ColumnElement[bool]:
    """The rows about one brief in one target."""
    return (table.c.target == target) & (table.c.brief == brief)


class StoredLedger:
    """One run's hold on the ledger; what it writes stands only while its job is held.

    A step is done within a run: the same step may be right again in a later one, where a text went
    back to what it was.
    """

    def __init__(self, store: Store, *, target: str, brief: str, run: str, hold: Hold) -> None:
        self._store = store
        self._target = target
        self._brief = brief
        self._run = run
        self._hold = hold

    async def entries(self) -> Mapping[str, Entry]:
        return await entries_of(self._store, self._target, self._brief)

    async def open_intents(self) -> Sequence[Intent]:
        return await intents_of(self._store, self._target, self._brief)

    async def done(self, steps: Sequence[str]) -> frozenset[str]:
        rows = await self._store.rows(
            select(export_outcomes.c.step).where(
                export_outcomes.c.run == self._run, export_outcomes.c.outcome == DONE
            )
        )
        return frozenset(row.step for row in rows).intersection(steps)

    async def intend(self, step: Step, *, actor: str, now: datetime) -> Intent:
        content = await asyncio.to_thread(pack_step, step)
        async with self._writing() as connection:
            stop = await connection.scalar(
                select(export_runs.c.stop).where(export_runs.c.id == self._run)
            )
            if stop is None:
                raise LostLease("The brief or its target was deleted meanwhile.")
            if stop:
                raise Stopped("The export was called off.")
            await connection.execute(delete(export_intents).where(self._begun(step.id)))
            await connection.execute(
                insert(export_intents).values(
                    target=self._target,
                    brief=self._brief,
                    step=step.id,
                    content=content,
                    since=now,
                    actor=actor,
                    looks=0,
                )
            )
        return Intent(step, now, actor)

    async def looked(self, intent: Intent) -> Intent:
        looked = replace(intent, looks=intent.looks + 1)
        async with self._writing() as connection:
            await connection.execute(
                update(export_intents).where(self._begun(intent.step.id)).values(looks=looked.looks)
            )
        return looked

    async def record(
        self, intent: Intent, entries: Sequence[Entry], forget: Sequence[str] = ()
    ) -> None:
        async with self._writing() as connection:
            over = await connection.execute(
                delete(export_intents).where(self._begun(intent.step.id))
            )
            if over.rowcount == 0:  # another knows more of it by now
                raise LostLease("The outcome of this call was found out by another.")
            await self._take_note(connection, self._rows(entries), forget)
            url = next((entry.url for entry in entries if entry.url), "")
            await connection.execute(
                update(export_outcomes)
                .where(export_outcomes.c.run == self._run, export_outcomes.c.step == intent.step.id)
                .values(outcome=DONE, message="", retry_at=None, url=url)
            )

    async def withdraw(self, intent: Intent) -> None:
        async with self._writing() as connection:
            await connection.execute(delete(export_intents).where(self._begun(intent.step.id)))

    async def settle(self, entries: Sequence[Entry], forget: Sequence[str] = ()) -> None:
        rows = await asyncio.to_thread(self._rows, entries)  # it may be all of a long brief
        async with self._writing() as connection:
            await self._take_note(connection, rows, forget)

    async def _take_note(
        self, connection: AsyncConnection, rows: Sequence[dict[str, Any]], forget: Sequence[str]
    ) -> None:
        gone = {*forget, *(row["key"] for row in rows)}
        if gone:
            await connection.execute(
                delete(export_entries).where(
                    of(export_entries, self._target, self._brief), export_entries.c.key.in_(gone)
                )
            )
            # What the last look found of these is not how they stand any more.
            await connection.execute(
                delete(export_drift).where(
                    of(export_drift, self._target, self._brief), export_drift.c.key.in_(gone)
                )
            )
        if rows:
            await connection.execute(insert(export_entries), rows)

    def _rows(self, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        latest = {entry.key: entry for entry in entries}
        return [
            {
                "target": self._target,
                "brief": self._brief,
                "key": entry.key,
                "ref": entry.ref,
                "position": entry.order,
                "content": entry_text(entry),
            }
            for entry in latest.values()
        ]

    def _begun(self, step: str) -> ColumnElement[bool]:
        return of(export_intents, self._target, self._brief) & (export_intents.c.step == step)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._store.writing() as connection:
                await self._hold(connection)
                yield connection
        except LeaseLost as error:
            raise LostLease("Another worker carries out this export now.") from error
        except IntegrityError as error:
            raise LostLease("The brief or its target was deleted meanwhile.") from error


def _intent(row: Row[Any]) -> Intent:
    return Intent(unpack_step(row.content), row.since, row.actor, row.looks)
