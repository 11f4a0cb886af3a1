"""Threads of comments as rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import new_id, now
from backend.comments.model import (
    Anchor,
    Comment,
    Full,
    Gone,
    Moved,
    Person,
    Place,
    Resolved,
    Thread,
    Why,
)
from backend.store.engine import Store
from backend.store.notifications import notify
from backend.store.tables import briefs, comment_threads, comments, members


class StoredComments:
    """Whether a person may is judged before. ``tell`` says who hears of a change and why; it is
    written with the change. What is not there any more raises Gone.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def standing(self, brief: str) -> Sequence[Thread]:
        """The open threads, oldest first."""
        return await self._threads(
            select(comment_threads)
            .where(comment_threads.c.brief == brief, comment_threads.c.resolved_at.is_(None))
            .order_by(comment_threads.c.created_at, comment_threads.c.id)
        )

    async def resolved(self, brief: str, *, limit: int, before: str | None) -> Sequence[Thread]:
        """The resolved threads, the latest first; those that come after the thread ``before``."""
        asked = (
            select(comment_threads)
            .where(comment_threads.c.brief == brief, comment_threads.c.resolved_at.is_not(None))
            .order_by(comment_threads.c.resolved_at.desc(), comment_threads.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            at = (
                select(comment_threads.c.resolved_at)
                .where(comment_threads.c.brief == brief, comment_threads.c.id == before)
                .scalar_subquery()
            )
            asked = asked.where(
                or_(
                    comment_threads.c.resolved_at < at,
                    and_(comment_threads.c.resolved_at == at, comment_threads.c.id < before),
                )
            )
        return await self._threads(asked)

    async def thread(self, brief: str, thread: str) -> Thread:
        found = await self._threads(
            select(comment_threads).where(
                comment_threads.c.brief == brief, comment_threads.c.id == thread
            )
        )
        if not found:
            raise Gone
        return found[0]

    async def people(self, place: Place) -> Sequence[Person]:
        """The space's members and whoever wrote in this brief, by the name they last had there."""
        async with self._store.reading() as connection:
            subjects = await connection.execute(
                select(members.c.subject).where(members.c.space == place.space)
            )
            names = {subject: subject for subject in subjects.scalars()}
            named = await connection.execute(
                select(comments.c.author, comments.c.author_name)
                .join(comment_threads, comment_threads.c.id == comments.c.thread)
                .where(comment_threads.c.brief == place.brief)
                .group_by(comments.c.author, comments.c.author_name)
                .order_by(func.max(comments.c.created_at))
            )
            names |= {row.author: row.author_name for row in named}
        return [Person(subject, names[subject]) for subject in sorted(names)]

    async def begin(
        self,
        place: Place,
        anchor: Anchor,
        comment: Comment,
        *,
        draft: str | None,
        limit: int,
        tell: Mapping[str, Why],
    ) -> str:
        """Open a thread; its id, or that of the one this draft opened before.

        Full where ``limit`` threads are open.
        """
        thread = new_id("thr")
        async with self._store.writing() as connection:
            await _hold_brief(connection, place.brief)
            known = await _written(connection, place.brief, comment.author, draft)
            if known is not None:
                return known
            await _fits(connection, place.brief, limit)
            await connection.execute(
                insert(comment_threads).values(
                    id=thread,
                    tenant=place.tenant,
                    brief=place.brief,
                    anchor=asdict(anchor),
                    revision=1,
                    quote=anchor.text,
                    created_at=comment.created_at,
                    created_by=comment.author.subject,
                )
            )
            await _add(connection, thread, comment, 1, draft)
            await notify(connection, place, thread, comment.author, tell, comment=comment.id)
        return thread

    async def reply(
        self,
        place: Place,
        thread: str,
        comment: Comment,
        *,
        draft: str | None,
        limit: int,
        tell: Mapping[str, Why],
    ) -> None:
        """Full where the thread has ``limit`` replies. The same draft is written once."""
        async with self._store.writing() as connection:
            await _hold(connection, place.brief, thread)
            if await _written(connection, place.brief, comment.author, draft) is not None:
                return
            held, last = (
                await connection.execute(
                    select(func.count(), func.max(comments.c.number)).where(
                        comments.c.thread == thread
                    )
                )
            ).one()
            if held > limit:  # the first is no reply
                raise Full
            await _add(connection, thread, comment, last + 1, draft)
            await notify(connection, place, thread, comment.author, tell, comment=comment.id)

    async def edit(
        self, place: Place, thread: str, comment: Comment, *, tell: Mapping[str, Why]
    ) -> None:
        """Give a comment the words it has now."""
        async with self._store.writing() as connection:
            await _hold(connection, place.brief, thread)
            changed = await connection.execute(
                update(comments)
                .where(
                    comments.c.thread == thread,
                    comments.c.id == comment.id,
                    comments.c.deleted_at.is_(None),
                )
                .values(
                    body=comment.body,
                    mentions=[asdict(person) for person in comment.mentions],
                    edited_at=now(),
                )
            )
            if changed.rowcount == 0:
                raise Gone
            await notify(connection, place, thread, comment.author, tell, comment=comment.id)

    async def resolve(
        self, place: Place, thread: str, by: Person, *, tell: Mapping[str, Why]
    ) -> None:
        """A thread that is resolved already stays whose it was."""
        async with self._store.writing() as connection:
            await _hold(connection, place.brief, thread)
            changed = await connection.execute(
                update(comment_threads)
                .where(comment_threads.c.id == thread, comment_threads.c.resolved_at.is_(None))
                .values(resolved_at=now(), resolved_by=by.subject, resolved_name=by.name)
            )
            if changed.rowcount:
                await notify(connection, place, thread, by, tell)

    async def reopen(self, brief: str, thread: str, *, limit: int) -> None:
        """Full where ``limit`` threads are open."""
        async with self._store.writing() as connection:
            await _hold_brief(connection, brief)
            await _hold(connection, brief, thread)
            await _fits(connection, brief, limit)
            await connection.execute(
                update(comment_threads)
                .where(comment_threads.c.id == thread)
                .values(resolved_at=None, resolved_by=None, resolved_name=None)
            )

    async def hang(self, brief: str, thread: str, anchor: Anchor, *, revision: int | None) -> None:
        """Anchor a thread elsewhere.

        With ``revision`` these are the same words in another place, and Moved is raised where the
        anchor is of another revision by now; without, the thread is about these words from now on.
        """
        values: dict[str, Any] = {
            "anchor": asdict(anchor),
            "revision": comment_threads.c.revision + 1,
        }
        if revision is None:
            values["quote"] = anchor.text
        async with self._store.writing() as connection:
            await _hold(connection, brief, thread)
            changed = await connection.execute(
                update(comment_threads)
                .where(
                    comment_threads.c.id == thread,
                    *([] if revision is None else [comment_threads.c.revision == revision]),
                )
                .values(values)
            )
            if changed.rowcount == 0:
                raise Moved

    async def remove(self, brief: str, thread: str, comment: str) -> None:
        """Delete a comment. The first takes its thread along, unless others answered: then only
        its words go."""
        async with self._store.writing() as connection:
            await _hold(connection, brief, thread)
            rows = (
                await connection.execute(
                    select(comments)
                    .where(comments.c.thread == thread, comments.c.deleted_at.is_(None))
                    .order_by(comments.c.number)
                )
            ).all()
            gone = next((row for row in rows if row.id == comment), None)
            if gone is None:
                raise Gone
            left = [row for row in rows if row is not gone]
            first = gone.number == 1
            if not left or (first and all(row.author == gone.author for row in left)):
                await connection.execute(
                    delete(comment_threads).where(comment_threads.c.id == thread)
                )
            elif first:
                await connection.execute(
                    update(comments)
                    .where(comments.c.id == comment)
                    .values(body="", mentions=[], deleted_at=now())
                )
            else:
                await connection.execute(delete(comments).where(comments.c.id == comment))

    async def _threads(self, asked: Select[Any]) -> Sequence[Thread]:
        async with self._store.reading() as connection:
            rows = (await connection.execute(asked)).all()
            said: dict[str, list[Comment]] = defaultdict(list)
            for row in await connection.execute(
                select(comments)
                .where(comments.c.thread.in_([row.id for row in rows]))
                .order_by(comments.c.thread, comments.c.number)
            ):
                said[row.thread].append(_comment(row))
        return [_thread(row, said[row.id]) for row in rows]


async def _hold_brief(connection: AsyncConnection, brief: str) -> None:
    """Lets nobody else open a thread until this is done: two could both be the last that fits."""
    held = await connection.execute(
        select(briefs.c.id).where(briefs.c.id == brief).with_for_update(key_share=True)
    )
    if held.first() is None:
        raise Gone


async def _hold(connection: AsyncConnection, brief: str, thread: str) -> None:
    """Lets nobody else write of the thread until this is done."""
    held = await connection.execute(
        select(comment_threads.c.id)
        .where(comment_threads.c.brief == brief, comment_threads.c.id == thread)
        .with_for_update()
    )
    if held.first() is None:
        raise Gone


async def _fits(connection: AsyncConnection, brief: str, limit: int) -> None:
    held = await connection.scalar(
        select(func.count())
        .select_from(comment_threads)
        .where(comment_threads.c.brief == brief, comment_threads.c.resolved_at.is_(None))
    )
    if (held or 0) >= limit:
        raise Full


async def _written(
    connection: AsyncConnection, brief: str, author: Person, draft: str | None
) -> str | None:
    """The thread this draft went into before: a page sends again what it heard no answer to."""
    if draft is None:
        return None
    found: str | None = await connection.scalar(
        select(comments.c.thread)
        .join(comment_threads, comment_threads.c.id == comments.c.thread)
        .where(
            comment_threads.c.brief == brief,
            comments.c.author == author.subject,
            comments.c.draft == draft,
        )
    )
    return found


async def _add(
    connection: AsyncConnection, thread: str, comment: Comment, number: int, draft: str | None
) -> None:
    await connection.execute(
        insert(comments).values(
            id=comment.id,
            thread=thread,
            number=number,
            body=comment.body,
            mentions=[asdict(person) for person in comment.mentions],
            author=comment.author.subject,
            author_name=comment.author.name,
            draft=draft,
            created_at=comment.created_at,
        )
    )


def _comment(row: Row[Any]) -> Comment:
    return Comment(
        row.id,
        Person(row.author, row.author_name),
        row.body,
        [Person(**person) for person in row.mentions],
        row.created_at,
        row.edited_at,
        row.deleted_at is not None,
    )


def _thread(row: Row[Any], said: Sequence[Comment]) -> Thread:
    return Thread(
        row.id,
        Anchor(**row.anchor),
        row.revision,
        row.quote,
        None
        if row.resolved_at is None
        else Resolved(row.resolved_at, Person(row.resolved_by, row.resolved_name)),
        row.created_at,
        row.created_by,
        said,
    )
