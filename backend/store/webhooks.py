"""What calls in to connections, as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from backend.clock import iso, now
from backend.connections.model import Connection, Hook, Kind, Method, State
from backend.connections.secrets import Keys
from backend.store.connections import TOLD, Gone, connection_of, hook_of
from backend.store.engine import Store
from backend.store.tables import connections, webhook_seen

SEEN: Final = timedelta(days=7)  # longer than any of them repeats a call


class StoredHooks:
    """A connection that is not there any more raises Gone; a secret that cannot be opened raises
    Unsealable."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def listening(self, connection: str) -> tuple[Connection, str | None]:
        """A connection by its id alone, for a call from there, and what signs such calls."""
        rows = await self._store.rows(select(connections).where(connections.c.id == connection))
        if not rows:
            raise Gone
        return self._heard(rows[0])

    async def registered(self, kind: Kind, ids: Sequence[str]) -> Sequence[Connection]:
        """The connections that registered any of these over there."""
        rows = await self._store.rows(
            select(*TOLD)
            .where(
                connections.c.kind == kind.value,
                connections.c.method == Method.SIGN_IN.value,
                connections.c.hook.is_not(None),
            )
            .order_by(connections.c.id)
        )
        found = [connection_of(row) for row in rows]
        return [one for one in found if one.hook and set(one.hook.ids) & set(ids)]

    async def expiring(self, before: datetime) -> Sequence[Connection]:
        """Those whose registration over there ends by then."""
        rows = await self._store.rows(
            select(*TOLD).where(
                connections.c.hook.is_not(None), connections.c.state == State.OK.value
            )
        )
        found = [connection_of(row) for row in rows]
        return [
            one
            for one in found
            if one.hook and one.hook.expires_at is not None and one.hook.expires_at < before
        ]

    async def hook(
        self,
        connection: Connection,
        change: Callable[[Hook | None], Hook | None],
        secret: str | None = None,
        *,
        first: bool = False,
    ) -> Hook | None:
        """Change what is known of the calls from there; a secret that is not given stays, and one
        that is there stays where a ``first`` is brought."""
        async with self._store.writing() as rows:
            row = (
                await rows.execute(
                    select(connections.c.hook, connections.c.hook_sealed)
                    .where(connections.c.id == connection.id)
                    .with_for_update()
                )
            ).one_or_none()
            if row is None:
                raise Gone
            hook = change(hook_of(row.hook))
            values: dict[str, Any] = {"hook": None if hook is None else _json(hook)}
            if hook is None:
                values["hook_sealed"] = None
            elif secret is not None and not (first and row.hook_sealed is not None):
                values["hook_sealed"] = self._keys.seal(secret.encode(), f"{connection.about} hook")
            await rows.execute(
                update(connections).where(connections.c.id == connection.id).values(**values)
            )
        return hook

    async def seen(self, connection: str, delivery: str) -> bool:
        """Whether this call was heard before."""
        return bool(
            await self._store.rows(
                select(webhook_seen.c.delivery).where(
                    webhook_seen.c.connection == connection,
                    webhook_seen.c.delivery == _hash(delivery),
                )
            )
        )

    async def heard(self, connection: str, delivery: str) -> None:
        """Take note of a call, and forget those that are too old to come again."""
        moment = now()
        with suppress(IntegrityError):  # the connection was removed meanwhile
            await self._take_note(connection, delivery, moment)

    async def _take_note(self, connection: str, delivery: str, moment: datetime) -> None:
        async with self._store.writing() as rows:
            await rows.execute(delete(webhook_seen).where(webhook_seen.c.seen_at < moment - SEEN))
            dialect = postgresql if self._store.dialect == "postgresql" else sqlite
            await rows.execute(
                dialect.insert(webhook_seen)
                .values(connection=connection, delivery=_hash(delivery), seen_at=moment)
                .on_conflict_do_nothing()
            )

    def _heard(self, row: Row[Any]) -> tuple[Connection, str | None]:
        found = connection_of(row)
        if row.hook_sealed is None:
            return found, None
        return found, self._keys.unseal(row.hook_sealed, f"{found.about} hook").decode()


def _json(hook: Hook) -> dict[str, Any]:
    return {
        "ids": list(hook.ids),
        "watching": list(hook.watching),
        "expires_at": None if hook.expires_at is None else iso(hook.expires_at),
        "heard_at": None if hook.heard_at is None else iso(hook.heard_at),
    }


def _hash(delivery: str) -> str:
    """However long the other side's name for it is."""
    return hashlib.sha256(delivery.encode()).hexdigest()
