"""The durable home of briefs' edits: ``collab.UpdateStore`` on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Integer, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.store.engine import Store
from backend.store.tables import brief_snapshots, brief_updates, briefs
from collab.errors import OtherEpoch, UnknownDocument
from collab.model import DocumentId, Head, Snapshot, Stored, Update

ASKED_AT_ONCE: Final = 500  # documents in one query; SQLite takes some thousand parameters


async def begin(connection: AsyncConnection, document: DocumentId, seed: Update) -> None:
    """Store a new brief's first update, in the transaction that makes its row."""
    await connection.execute(
        insert(brief_updates).values(brief=document, seq=1, update=seed, created_at=now())
    )


class SqlUpdates:
    """Numbers updates from 1 within a brief. What a method did is durable when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, document: DocumentId) -> Stored | None:
        return await self.since(document, 0)

    async def since(self, document: DocumentId, number: int) -> Stored | None:
        async with self._store.reading() as connection:
            epoch = await connection.scalar(select(briefs.c.epoch).where(briefs.c.id == document))
            if epoch is None:
                return None
            tail = (
                await connection.execute(
                    select(brief_updates.c.seq, brief_updates.c.update)
                    .where(brief_updates.c.brief == document, brief_updates.c.seq > number)
                    .order_by(brief_updates.c.seq)
                )
            ).all()
            snapshot = (
                await connection.execute(
                    select(brief_snapshots.c.through, brief_snapshots.c.update).where(
                        brief_snapshots.c.brief == document, brief_snapshots.c.through > number
                    )
                )
            ).one_or_none()
        through = snapshot.through if snapshot else number
        first = (bytes(snapshot.update),) if snapshot else ()
        rest = tuple(bytes(row.update) for row in tail if row.seq > through)
        return Stored(epoch, (*first, *rest), max([through, *(row.seq for row in tail)]))

    async def heads(self, documents: Sequence[DocumentId]) -> Mapping[DocumentId, Head]:
        found: dict[DocumentId, Head] = {}
        for at in range(0, len(documents), ASKED_AT_ONCE):
            some = documents[at : at + ASKED_AT_ONCE]
            rows = await self._store.rows(
                select(briefs.c.id, briefs.c.epoch, _last(briefs.c.id).label("last")).where(
                    briefs.c.id.in_(some)
                )
            )
            found |= {row.id: Head(row.epoch, row.last) for row in rows}
        return found

    async def append(self, document: DocumentId, updates: Sequence[Update], *, epoch: str) -> int:
        async with self._store.writing() as connection:
            await _hold(connection, document, epoch)
            last = await connection.scalar(select(_last(document))) or 0
            moment = now()
            if updates:
                await connection.execute(
                    insert(brief_updates),
                    [
                        {"brief": document, "seq": seq, "update": piece, "created_at": moment}
                        for seq, piece in enumerate(updates, last + 1)
                    ],
                )
        return last + len(updates)

    async def compact(self, document: DocumentId, snapshot: Snapshot, *, epoch: str) -> None:
        async with self._store.writing() as connection:
            await _hold(connection, document, epoch)
            held = await connection.scalar(
                select(brief_snapshots.c.through).where(brief_snapshots.c.brief == document)
            )
            if held is not None and held >= snapshot.through:
                return
            values = {
                "through": snapshot.through,
                "update": snapshot.update,
                "created_at": now(),
            }
            if held is None:
                await connection.execute(insert(brief_snapshots).values(brief=document, **values))
            else:
                await connection.execute(
                    update(brief_snapshots)
                    .where(brief_snapshots.c.brief == document)
                    .values(**values)
                )
            await connection.execute(
                delete(brief_updates).where(
                    brief_updates.c.brief == document, brief_updates.c.seq <= snapshot.through
                )
            )


async def _hold(connection: AsyncConnection, document: DocumentId, epoch: str) -> None:
    """Lock the brief's row, so that numbers are given one transaction at a time."""
    held = await connection.scalar(
        select(briefs.c.epoch).where(briefs.c.id == document).with_for_update()
    )
    if held is None:
        raise UnknownDocument(f"There is no brief {document!r}; it may have been deleted.")
    if held != epoch:
        raise OtherEpoch(f"The brief {document!r} was rebuilt: its epoch is {held}, not {epoch}.")


def _last(document: DocumentId | ColumnElement[str]) -> ColumnElement[int]:
    """The last number given: of the tail, or the snapshot's where the tail is empty."""
    tail = (
        select(func.max(brief_updates.c.seq))
        .where(brief_updates.c.brief == document)
        .scalar_subquery()
    )
    through = (
        select(brief_snapshots.c.through)
        .where(brief_snapshots.c.brief == document)
        .scalar_subquery()
    )
    return func.coalesce(tail, through, 0, type_=Integer)
