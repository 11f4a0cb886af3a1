"""What calls in to connections, as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import iso, now
from backend.connections.model import Connection, Hook, Kind, Method, State
from backend.connections.secrets import Keys
from backend.store.connections import TOLD, Gone, connection_of, hook_of
from backend.store.engine import Store
from backend.store.tables import connections, export_targets, webhook_ids, webhook_seen
from exporters.records import Json

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
        theirs = select(webhook_ids.c.connection).where(webhook_ids.c.ref.in_(ids))
        rows = await self._store.rows(
            select(*TOLD)
            .where(
                connections.c.kind == kind.value,
                connections.c.method == Method.SIGN_IN.value,
                connections.c.id.in_(theirs),
            )
            .order_by(connections.c.id)
        )
        return [connection_of(row) for row in rows]

    async def called(self) -> Sequence[Connection]:
        """Those whose calls we may set up ourselves, and whose token is good."""
        rows = await self._store.rows(
            select(*TOLD).where(
                connections.c.state == State.OK.value,
                or_(
                    connections.c.kind == Kind.TRELLO.value,
                    connections.c.method == Method.SIGN_IN.value,
                ),
            )
        )
        return [connection_of(row) for row in rows]

    async def places(self, connection: str) -> Sequence[Mapping[str, Json]]:
        """Where the targets are that are reached through a connection."""
        rows = await self._store.rows(
            select(export_targets.c.where).where(
                export_targets.c.connection == connection, export_targets.c.removed_at.is_(None)
            )
        )
        return [row.where for row in rows]

    async def claim(self, connection: Connection, *, before: datetime) -> bool:
        """Whether the caller is to see to its calls: nobody has begun to since then."""
        mine = False

        def claimed(hook: Hook | None) -> Hook:
            nonlocal mine
            hook = hook or Hook()
            mine = hook.tended_at is None or hook.tended_at <= before
            return replace(hook, tended_at=now()) if mine else hook

        await self.hook(connection, claimed)
        return mine

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
            await _list_ids(rows, connection.id, hook)
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
        "ids": list(hook.registered.values()),
        "watching": list(hook.registered),
        "expires_at": None if hook.expires_at is None else iso(hook.expires_at),
        "tended_at": None if hook.tended_at is None else iso(hook.tended_at),
        "heard_at": None if hook.heard_at is None else iso(hook.heard_at),
    }


async def _list_ids(rows: AsyncConnection, connection: str, hook: Hook | None) -> None:
    """By key, for the calls that name no more than these."""
    await rows.execute(delete(webhook_ids).where(webhook_ids.c.connection == connection))
    if hook is not None and hook.registered:
        ids = set(hook.registered.values())
        await rows.execute(
            insert(webhook_ids), [{"connection": connection, "ref": one} for one in sorted(ids)]
        )


def _hash(delivery: str) -> str:
    """However long the other side's name for it is."""
    return hashlib.sha256(delivery.encode()).hexdigest()
