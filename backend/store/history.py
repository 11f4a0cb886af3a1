"""Versions of briefs as rows, and who has edited since the last, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.history.model import FIRST, Fresh, Full, Linked, Pending, Relinked, Size, Version
from backend.store.engine import Store
from backend.store.tables import brief_editors, brief_versions, briefs
from collab.editors import Editor
from collab.history import Link

_TOLD = [
    brief_versions.c[name]
    for name in ("number", "created_at", "name", "restored", "editors", "summary", "bytes")
]
_FRESH_EDITORS = 100  # of one brief between two versions; more are not told


async def begin(connection: AsyncConnection, brief: str, fresh: Fresh) -> None:
    """Store a new brief's first version, in the transaction that makes its row."""
    await connection.execute(insert(brief_versions).values(_values(brief, FIRST, fresh)))


class StoredHistory:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, brief: str, *, before: int | None, limit: int) -> Sequence[Version]:
        """The versions below a number, or all, the latest first."""
        wanted = select(*_TOLD).where(brief_versions.c.brief == brief)
        if before is not None:
            wanted = wanted.where(brief_versions.c.number < before)
        async with self._store.reading() as connection:
            rows = await connection.execute(
                wanted.order_by(brief_versions.c.number.desc()).limit(limit)
            )
            return [_version(row) for row in rows]

    async def size(self, brief: str) -> Size:
        async with self._store.reading() as connection:
            row = (
                await connection.execute(
                    select(
                        func.count(),
                        func.count(brief_versions.c.name),
                        func.coalesce(func.sum(brief_versions.c.bytes), 0),
                    ).where(brief_versions.c.brief == brief)
                )
            ).one()
            return Size(row[0], row[1], int(row[2]))

    async def linked(self, brief: str, number: int | None = None) -> Linked | None:
        """A version with its chain, the last one where no number is given; None where there is
        none."""
        of = brief_versions.c.brief == brief
        if number is not None:
            of &= brief_versions.c.number <= number
        begins = (
            select(func.max(brief_versions.c.number))
            .where(of, brief_versions.c.whole)
            .scalar_subquery()
        )
        async with self._store.reading() as connection:
            rows = (
                await connection.execute(
                    select(brief_versions)
                    .where(of, brief_versions.c.number >= begins)
                    .order_by(brief_versions.c.number)
                )
            ).all()
        if not rows or (number is not None and rows[-1].number != number):
            return None
        chain = [Link(bytes(row.update), row.whole) for row in rows]
        return Linked(_version(rows[-1]), rows[-1].epoch, chain)

    async def whole(self, brief: str) -> frozenset[int]:
        """The numbers of the versions that a chain begins with."""
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(brief_versions.c.number).where(
                    brief_versions.c.brief == brief, brief_versions.c.whole
                )
            )
            return frozenset(row.number for row in rows)

    async def add(self, brief: str, fresh: Fresh, *, after: int | None) -> Version | None:
        """Store a version behind this one; None where another has come or the brief is gone.

        Whoever had edited is part of it, and pending no more.
        """
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return None
            last = await connection.scalar(
                select(func.max(brief_versions.c.number)).where(brief_versions.c.brief == brief)
            )
            if last != after:
                return None
            values = _values(brief, FIRST if last is None else last + 1, fresh)
            row = (
                await connection.execute(insert(brief_versions).values(values).returning(*_TOLD))
            ).one()
            await _settle(connection, brief, fresh.editors)
            return _version(row)

    async def name(
        self,
        brief: str,
        number: int,
        name: str | None,
        *,
        limit: int,
        restored: int | None = None,
    ) -> Version | None:
        """Give a version a name, or take it away, or say what it restored; None without one.

        Full where ``limit`` others have a name.
        """
        values: dict[str, Any] = {"name": name}
        if restored is not None:
            values["restored"] = restored
        async with self._store.writing() as connection:
            if not await _held(connection, brief):  # and so not let go at the same moment
                return None
            if name is not None:
                others = await connection.scalar(
                    select(func.count(brief_versions.c.name)).where(
                        brief_versions.c.brief == brief, brief_versions.c.number != number
                    )
                )
                if (others or 0) >= limit:
                    raise Full
            row = (
                await connection.execute(
                    update(brief_versions)
                    .where(brief_versions.c.brief == brief, brief_versions.c.number == number)
                    .values(values)
                    .returning(*_TOLD)
                )
            ).one_or_none()
            return None if row is None else _version(row)

    async def edited(self, brief: str, editors: Iterable[Editor], at: datetime) -> None:
        """Keep that these have edited since the last version."""
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return
            known = await _pending(connection, brief)
            rows = [
                {"brief": brief, "subject": one.subject, "name": one.name, "edited_at": at}
                for one in set(editors).difference(known)
            ][: max(0, _FRESH_EDITORS - len(known))]
            if rows:
                await connection.execute(insert(brief_editors), rows)

    async def settle(self, brief: str, editors: Collection[Editor]) -> None:
        """Forget that these have edited, where nothing came of it."""
        async with self._store.writing() as connection:
            await _settle(connection, brief, editors)

    async def editors(self, brief: str) -> frozenset[Editor]:
        """Who has edited since the last version."""
        async with self._store.reading() as connection:
            return await _pending(connection, brief)

    async def pending(self) -> Sequence[Pending]:
        """All briefs that were edited since their last version."""
        found: dict[tuple[str, str], list[Editor]] = {}
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(brief_editors, briefs.c.space).join(
                    briefs, briefs.c.id == brief_editors.c.brief
                )
            )
            for row in rows:
                found.setdefault((row.brief, row.space), []).append(Editor(row.subject, row.name))
        return [Pending(brief, space, editors) for (brief, space), editors in found.items()]

    async def without(self) -> Sequence[str]:
        """The briefs that have no version at all."""
        some = select(brief_versions.c.number).where(brief_versions.c.brief == briefs.c.id)
        rows = await self._store.rows(select(briefs.c.id).where(~some.exists()))
        return [row.id for row in rows]

    async def thin(
        self,
        brief: str,
        chain: Sequence[int],
        gone: Collection[int],
        relinked: Mapping[int, Relinked],
    ) -> bool:
        """Let versions of a chain go, and put others in the place that this leaves them.

        False where the chain is not these any more, or one that is to go was given a name: then
        nothing is done, since what is left would not fit together.
        """
        of = brief_versions.c.brief == brief
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return False
            rows = (
                await connection.execute(
                    select(
                        brief_versions.c.number, brief_versions.c.name, brief_versions.c.restored
                    ).where(of, brief_versions.c.number.between(chain[0], chain[-1]))
                )
            ).all()
            if {row.number for row in rows} != set(chain) or any(
                row.number in gone and (row.name is not None or row.restored is not None)
                for row in rows
            ):
                return False
            for number, one in relinked.items():
                await connection.execute(
                    update(brief_versions)
                    .where(of, brief_versions.c.number == number)
                    .values(
                        editors=_json(one.editors),
                        summary=one.summary,
                        whole=one.link.whole,
                        update=one.link.packed,
                        bytes=len(one.link.packed),
                    )
                )
            await connection.execute(
                delete(brief_versions).where(of, brief_versions.c.number.in_(gone))
            )
            return True


async def _held(connection: AsyncConnection, brief: str) -> bool:
    """Whether the brief is still there; holds it, so that its versions are written one by one."""
    found = await connection.execute(
        select(briefs.c.id).where(briefs.c.id == brief).with_for_update(key_share=True)
    )
    return found.scalar_one_or_none() is not None


async def _pending(connection: AsyncConnection, brief: str) -> frozenset[Editor]:
    rows = await connection.execute(
        select(brief_editors.c.subject, brief_editors.c.name).where(brief_editors.c.brief == brief)
    )
    return frozenset(Editor(row.subject, row.name) for row in rows)


async def _settle(connection: AsyncConnection, brief: str, editors: Collection[Editor]) -> None:
    for one in editors:
        await connection.execute(
            delete(brief_editors).where(
                brief_editors.c.brief == brief,
                brief_editors.c.subject == one.subject,
                brief_editors.c.name == one.name,
            )
        )


def _values(brief: str, number: int, fresh: Fresh) -> dict[str, Any]:
    return {
        "brief": brief,
        "number": number,
        "created_at": fresh.at,
        "name": fresh.name,
        "restored": fresh.restored,
        "editors": _json(fresh.editors),
        "summary": fresh.summary,
        "epoch": fresh.epoch,
        "whole": fresh.link.whole,
        "update": fresh.link.packed,
        "bytes": len(fresh.link.packed),
    }


def _json(editors: Iterable[Editor]) -> list[dict[str, str]]:
    return [{"subject": one.subject, "name": one.name} for one in editors]


def _version(row: Row[Any]) -> Version:
    return Version(
        row.number,
        row.created_at,
        row.name,
        row.restored,
        [Editor(one["subject"], one["name"]) for one in row.editors],
        row.summary,
        row.bytes,
    )
