"""Who is told of what, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.principal import Principal, Role
from backend.clock import new_id, now
from backend.comments.model import Notification, Person, Place, Why
from backend.store.engine import Store
from backend.store.tables import briefs, comment_threads, comments, members, notifications

KEPT = 200  # of one person; an older one goes when another comes


class StoredNotifications:
    """Shows a person only what is of spaces they may read now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, principal: Principal, *, limit: int) -> Sequence[Notification]:
        """The latest first."""
        asked = (
            _of(principal, select(
                notifications,
                briefs.c.title,
                comment_threads.c.quote,
                comments.c.body,
            ))
            .join(comment_threads, comment_threads.c.id == notifications.c.thread)
            .outerjoin(comments, comments.c.id == notifications.c.comment)
            .order_by(notifications.c.created_at.desc(), notifications.c.id)
            .limit(limit)
        )  # fmt: skip
        async with self._store.reading() as connection:
            return [
                Notification(
                    row.id,
                    Why(row.kind),
                    row.by_name,
                    row.space,
                    row.brief,
                    row.title,
                    row.thread,
                    row.body or row.quote,
                    row.created_at,
                    row.read_at is not None,
                )
                for row in await connection.execute(asked)
            ]

    async def unread(self, principal: Principal) -> int:
        asked = _of(principal, select(func.count()).select_from(notifications))
        async with self._store.reading() as connection:
            return await connection.scalar(asked.where(notifications.c.read_at.is_(None))) or 0

    async def read(self, principal: Principal, *, thread: str | None = None) -> None:
        """Mark as read what is of a thread, or all of it."""
        async with self._store.writing() as connection:
            await connection.execute(
                update(notifications)
                .where(
                    *_to(principal),
                    notifications.c.read_at.is_(None),
                    *([] if thread is None else [notifications.c.thread == thread]),
                )
                .values(read_at=now())
            )


async def notify(
    connection: AsyncConnection,
    place: Place,
    thread: str,
    by: Person,
    tell: Mapping[str, Why],
    *,
    comment: str | None = None,
) -> None:
    """Tell these people, in the transaction of what they are told."""
    moment = now()
    for subject, kind in sorted(tell.items()):  # in one order, so that none waits for each other
        await connection.execute(
            insert(notifications).values(
                id=new_id("ntf"),
                tenant=place.tenant,
                subject=subject,
                space=place.space,
                brief=place.brief,
                thread=thread,
                comment=comment,
                kind=kind.value,
                by_name=by.name,
                created_at=moment,
            )
        )
        old = (
            select(notifications.c.id)
            .where(notifications.c.tenant == place.tenant, notifications.c.subject == subject)
            .order_by(notifications.c.created_at.desc(), notifications.c.id)
            .offset(KEPT)
        )
        await connection.execute(delete(notifications).where(notifications.c.id.in_(old)))


def _to(principal: Principal) -> tuple[ColumnElement[bool], ...]:
    return (
        notifications.c.tenant == principal.tenant,
        notifications.c.subject == principal.subject,
    )


def _of(principal: Principal, asked: Select[Any]) -> Select[Any]:
    """What is theirs and, where they are not everywhere's admin, of spaces they are still in."""
    asked = asked.join(briefs, briefs.c.id == notifications.c.brief).where(*_to(principal))
    if Role.ADMIN in principal.roles:
        return asked
    return asked.join(
        members,
        (members.c.space == notifications.c.space) & (members.c.subject == principal.subject),
    )
