"""The pace of a connection as rows, so that all processes keep it together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.store.engine import Store
from backend.store.tables import connection_paces, shared_paces
from exporters import pace as gcra
from exporters.ports import Pace


class Gone(Exception):
    """The connection was removed."""


class TooFar(Exception):
    """The next call may leave only ``at``: nothing was reserved."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


@dataclass(slots=True)
class _Reserved:
    """The theoretical arrival times, one for each pace; None where nobody has called yet."""

    tats: Sequence[datetime | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection's calls keep to: paces of its own, and those that it shares with every
    other that is counted by the same name over there. ``shared`` goes by name: whoever holds one
    waits for none that another holds."""

    connection: str
    own: Sequence[Pace]
    shared: Sequence[tuple[str, Pace]] = ()

    @property
    def all(self) -> Sequence[Pace]:
        return (*self.own, *(pace for _, pace in self.shared))


class StoredPaces:
    """Of one connection at a time. Raises Gone where it was removed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def reserve(
        self, limits: Limits, now: datetime, *, most: int, ahead: timedelta, within: timedelta
    ) -> Sequence[datetime]:
        """When the next calls may leave: the first, and of ``most`` those due within ``ahead``.
        TooFar where the first is not due ``within`` so long."""
        taken: list[datetime] = []
        async with self._changing(limits) as reserved:
            while len(taken) < max(1, most):
                at, after = gcra.reserve(limits.all, reserved.tats, now)
                if at > now + within:
                    raise TooFar(at)
                if taken and at > now + ahead:
                    break
                taken.append(at)
                reserved.tats = after
        return taken

    async def pause(self, limits: Limits, until: datetime) -> None:
        """Whoever has not reserved yet for this connection may not call before then."""
        own = replace(limits, shared=())
        async with self._changing(own) as reserved:
            reserved.tats = gcra.after_pause(own.own, reserved.tats, until)

    @asynccontextmanager
    async def _changing(self, limits: Limits) -> AsyncIterator[_Reserved]:
        """What is reserved, held until it was written down again."""
        own = connection_paces.c.connection == limits.connection
        rows = [
            (connection_paces, {"connection": limits.connection, "pace": _name(pace)}, own)
            for pace in limits.own
        ] + [
            (shared_paces, {"counted": name, "pace": _name(pace)}, shared_paces.c.counted == name)
            for name, pace in limits.shared
        ]
        async with self._store.writing() as writing:
            until = [await self._hold(writing, *row) for row in rows]
            reserved = _Reserved([datetime.fromtimestamp(at, UTC) if at else None for at in until])
            yield reserved
            for (table, key, mine), tat in zip(rows, reserved.tats, strict=True):
                if tat is not None:
                    await writing.execute(
                        update(table)
                        .where(mine, table.c.pace == key["pace"])
                        .values(until=tat.timestamp())
                    )

    async def _hold(
        self,
        writing: AsyncConnection,
        table: Table,
        key: Mapping[str, str],
        mine: ColumnElement[bool],
    ) -> float:
        """Until when it is reserved, which nobody else changes before this transaction ends."""
        dialect = postgresql if self._store.dialect == "postgresql" else sqlite
        try:
            await writing.execute(
                dialect.insert(table).values(**key, until=0.0).on_conflict_do_nothing()
            )
        except IntegrityError:
            raise Gone from None
        held = select(table.c.until).where(mine, table.c.pace == key["pace"]).with_for_update()
        return float(await writing.scalar(held) or 0.0)


def _name(pace: Pace) -> str:
    return f"{pace.calls}/{pace.per.total_seconds():g}s"
