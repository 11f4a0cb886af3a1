"""The pace of a connection as rows, so that all processes keep it together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from backend.store.engine import Store
from backend.store.tables import connection_paces
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


class StoredPaces:
    """Of one connection at a time. Raises Gone where it was removed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def reserve(
        self,
        connection: str,
        paces: Sequence[Pace],
        now: datetime,
        *,
        most: int,
        ahead: timedelta,
        within: timedelta,
    ) -> Sequence[datetime]:
        """When the next calls may leave: the first, and of ``most`` those due within ``ahead``.
        TooFar where the first is not due ``within`` so long."""
        taken: list[datetime] = []
        async with self._changing(connection, paces) as reserved:
            while len(taken) < max(1, most):
                at, after = gcra.reserve(paces, reserved.tats, now)
                if at > now + within:
                    raise TooFar(at)
                if taken and at > now + ahead:
                    break
                taken.append(at)
                reserved.tats = after
        return taken

    async def pause(self, connection: str, paces: Sequence[Pace], until: datetime) -> None:
        """Whoever has not reserved yet may not call before then."""
        async with self._changing(connection, paces) as reserved:
            reserved.tats = gcra.after_pause(paces, reserved.tats, until)

    @asynccontextmanager
    async def _changing(self, connection: str, paces: Sequence[Pace]) -> AsyncIterator[_Reserved]:
        """What is reserved, held until it was written down again."""
        named = [f"{pace.calls}/{pace.per.total_seconds():g}s" for pace in paces]
        dialect = postgresql if self._store.dialect == "postgresql" else sqlite
        async with self._store.writing() as rows:
            try:
                for name in named:
                    await rows.execute(
                        dialect.insert(connection_paces)
                        .values(connection=connection, pace=name, until=0.0)
                        .on_conflict_do_nothing()
                    )
            except IntegrityError:
                raise Gone from None
            held = await rows.execute(
                select(connection_paces.c.pace, connection_paces.c.until)
                .where(connection_paces.c.connection == connection)
                .order_by(connection_paces.c.pace)
                .with_for_update()
            )
            until = {row.pace: row.until for row in held}
            reserved = _Reserved(
                [
                    datetime.fromtimestamp(until[name], UTC) if until[name] else None
                    for name in named
                ]
            )
            yield reserved
            for name, tat in zip(named, reserved.tats, strict=True):
                if tat is not None:
                    await rows.execute(
                        update(connection_paces)
                        .where(
                            connection_paces.c.connection == connection,
                            connection_paces.c.pace == name,
                        )
                        .values(until=tat.timestamp())
                    )
