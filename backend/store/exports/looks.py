"""When places were last looked at, and what was found to differ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.exports.model import Astray, Findings, Look, Target, Trouble
from backend.store.approved import text
from backend.store.engine import Store
from backend.store.exports.runs import subject
from backend.store.ledger import of
from backend.store.outbox import Outbox
from backend.store.tables import (
    briefs,
    export_drift,
    export_entries,
    export_looks,
    export_runs,
    export_targets,
)
from exporters.records import Json, Standing

LOOK: Final = "export-look"
LOOKS: Final = 100  # asked for at once


class StoredLooks:
    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def of_brief(self, brief: str) -> Mapping[str, Look]:
        """By target."""
        rows = await self._store.rows(select(export_looks).where(export_looks.c.brief == brief))
        return {row.target: _look(row) for row in rows}

    async def findings(self, target: str, brief: str) -> Findings:
        """What the last look found."""
        rows = await self._store.rows(select(export_drift).where(of(export_drift, target, brief)))
        parts: dict[str, dict[str, Json]] = {}
        astray: dict[str, Astray] = {}
        for row in rows:
            said = json.loads(row.theirs)
            if row.part:
                parts.setdefault(row.key, {})[row.part] = said
            else:
                astray[row.key] = Astray(Standing(said), row.place)
        return Findings(parts, astray)

    async def found(
        self, target: str, brief: str, findings: Findings, known: Mapping[str, Json] | None
    ) -> bool:
        """Keep what a look found in place of what the one before did; whether it is news.

        ``known`` is what it learnt of the target; None where it did not ask. A brief that was
        deleted meanwhile has no news.
        """
        before = await self.findings(target, brief)
        # Written in a thread: of a long brief it is a lot.
        rows, learnt = await asyncio.to_thread(
            lambda: (_rows(target, brief, findings), text(dict(known or {})))
        )
        async with self._store.writing() as connection:
            told = {} if known is None else {"known": learnt}
            there = await _looked(connection, target, brief, at=now(), error=None, **told)
            if not there or before == findings:
                return False
            await connection.execute(delete(export_drift).where(of(export_drift, target, brief)))
            if rows:
                await connection.execute(insert(export_drift), rows)
        return True

    async def unseen(self, target: str, brief: str, trouble: Trouble) -> None:
        """Say why a look could not be had; what the last found stays."""
        async with self._store.writing() as connection:
            await _looked(connection, target, brief, error=trouble.json())

    async def ask(self, target: Target, brief: str) -> None:
        """Ask for a look at what a brief became there, now. Somebody waits for it, and is told when
        it was had, whatever it found."""
        payload = {"target": target.id, "brief": brief, "awaited": True}
        async with self._store.writing() as connection:
            if not await self._outbox.hasten(connection, LOOK, subject(target.id, brief), payload):
                await self._ask(
                    connection, target.tenant, target.id, target.connection, brief, awaited=True
                )

    async def put_off(self, connection: str, until: datetime) -> None:
        """Let no other look through a connection begin before then, but what a person asks for."""
        async with self._store.writing() as writing:
            await self._outbox.put_off(writing, LOOK, connection, until)

    async def ask_all(
        self,
        *,
        before: datetime | None = None,
        since: datetime | None = None,
        connection: str | None = None,
        refs: Collection[str] = (),
        after: timedelta = timedelta(0),
    ) -> int:
        """Ask for looks at what was exported; of how many briefs in how many places.

        Where none was asked for since ``before``; what was exported after ``since``; through a
        connection; where one of the objects with these ``refs`` was made. Nobody begins them before
        ``after`` has passed.
        """
        wanted = (
            select(
                export_targets.c.tenant,
                export_entries.c.target,
                export_targets.c.connection,
                export_entries.c.brief,
            )
            .join(export_targets, export_targets.c.id == export_entries.c.target)
            .where(export_targets.c.removed_at.is_(None))
            .distinct()
            .limit(LOOKS)
        )
        if connection is not None:
            wanted = wanted.where(export_targets.c.connection == connection)
        if refs:
            wanted = wanted.where(export_entries.c.ref.in_(refs))
        if before is not None:
            recent = exists().where(
                export_looks.c.target == export_entries.c.target,
                export_looks.c.brief == export_entries.c.brief,
                export_looks.c.asked_at >= before,
            )
            wanted = wanted.where(~recent)
        if since is not None:
            fresh = exists().where(
                export_runs.c.target == export_entries.c.target,
                export_runs.c.brief == export_entries.c.brief,
                export_runs.c.created_at >= since,
            )
            wanted = wanted.where(fresh)
        if not await self._store.rows(wanted.limit(1)):
            return 0
        async with self._store.writing() as writing:
            found = (await writing.execute(wanted)).all()
            for row in found:
                await self._ask(writing, row.tenant, row.target, row.connection, row.brief, after)
        return len(found)

    async def _ask(
        self,
        connection: AsyncConnection,
        tenant: str,
        target: str,
        through: str | None,
        brief: str,
        after: timedelta = timedelta(0),
        *,
        awaited: bool = False,
    ) -> None:
        await _looked(connection, target, brief, asked_at=now())
        await self._outbox.add_once(
            connection,
            LOOK,
            subject=subject(target, brief),
            tenant=tenant,
            payload={"target": target, "brief": brief, "awaited": awaited},
            after=after,
            lane=through,
        )


def _rows(target: str, brief: str, findings: Findings) -> list[dict[str, Any]]:
    common = {"target": target, "brief": brief, "found_at": now()}
    parts = [
        {"key": key, "part": part, "theirs": text(theirs), "place": "", **common}
        for key, changed in findings.parts.items()
        for part, theirs in changed.items()
    ]
    astray = [
        {"key": key, "part": "", "theirs": text(one.standing.value), "place": one.where, **common}
        for key, one in findings.astray.items()
    ]
    return parts + astray


async def _looked(connection: AsyncConnection, target: str, brief: str, **values: Any) -> bool:
    """Whether the brief is there; if so, it stays until this transaction ends."""
    held = (
        select(briefs.c.id).where(briefs.c.id == brief).with_for_update(read=True, key_share=True)
    )
    if await connection.scalar(held) is None:
        return False
    changed = await connection.execute(
        update(export_looks).where(of(export_looks, target, brief)).values(values)
    )
    if changed.rowcount == 0:
        await connection.execute(
            insert(export_looks).values(target=target, brief=brief, **{"asked_at": now(), **values})
        )
    return True


def _look(row: Row[Any]) -> Look:
    return Look(
        row.at,
        None if row.known is None else json.loads(row.known),
        None if row.error is None else Trouble(**row.error),
    )
