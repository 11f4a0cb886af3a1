"""Passages whole: the legs keep only ids, and what search shows is read here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.store.engine import Store
from backend.store.tables import passages, sources, versions
from retrieval.model import Passage, PassageId, Scope, SourceId, VersionHash

MOST = 2**31 - 1  # rows: as many as there are
AT_ONCE = 500  # ids or rows in one statement


class StoredPassages:
    """Satisfies ``retrieval.ports.Passages``. Only current versions are ever seen."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        if not ids or scope.empty:
            return []
        found: list[Passage] = []
        for begin in range(0, len(ids), AT_ONCE):
            # By ids alone: with the scope in the statement SQLite, which has no statistics here,
            # walks the whole space instead. The scope is applied to every row below.
            rows = await self._store.rows(
                select(passages, sources.c.version.label("current"))
                .join(sources, sources.c.id == passages.c.source)
                .where(passages.c.id.in_(ids[begin : begin + AT_ONCE]))
            )
            found.extend(
                _passage(row)
                for row in rows
                if row.version == row.current
                and scope.admits(tenant=row.tenant, space=row.space, source=row.source)
            )
        return found

    async def at(
        self, source: SourceId, version: VersionHash, start: int, end: int, *, scope: Scope
    ) -> PassageId | None:
        """The passage that holds most of a place in a current version; None where none does."""
        found = [
            passage
            for passage in await self.of(source, version)
            if passage.start < max(end, start + 1)
            and start < passage.end
            and scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
        ]
        best = max(
            found,
            key=lambda one: (min(one.end, end) - max(one.start, start), -one.ordinal),
            default=None,
        )
        if best is None or not await self.get([best.id], scope=scope):
            return None
        return best.id

    async def replace(
        self,
        connection: AsyncConnection,
        source: SourceId,
        version: VersionHash,
        made: Sequence[Passage],
        *,
        chunker: str,
    ) -> None:
        """Keep these as all the passages of one version, unseen until it is current.

        ``chunker`` names what cut them, so that `reindex` can tell those of an older one.
        """
        await connection.execute(
            delete(passages).where(passages.c.source == source, passages.c.version == version)
        )
        for begin in range(0, len(made), AT_ONCE):
            await connection.execute(
                insert(passages),
                [
                    {
                        "id": passage.id,
                        "tenant": passage.tenant,
                        "space": passage.space,
                        "source": passage.source,
                        "version": passage.version,
                        "ordinal": passage.ordinal,
                        "title": passage.title,
                        "headings": list(passage.headings),
                        "text": passage.text,
                        "start": passage.start,
                        "end": passage.end,
                        "page": passage.page,
                        "last_page": passage.last_page,
                        "language": passage.language,
                    }
                    for passage in made[begin : begin + AT_ONCE]
                ],
            )
        await connection.execute(
            update(versions)
            .where(versions.c.source == source, versions.c.hash == version)
            .values(chunker=chunker)
        )

    async def keep_only(
        self, connection: AsyncConnection, source: SourceId, version: VersionHash | None
    ) -> None:
        """Forget a source's passages, all but those of one version."""
        await connection.execute(
            delete(passages).where(
                passages.c.source == source,
                *([passages.c.version != version] if version is not None else []),
            )
        )

    async def of(self, source: SourceId, version: VersionHash) -> Sequence[Passage]:
        """One version's passages in order, current or not: what an index is made from."""
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(passages)
                .where(passages.c.source == source, passages.c.version == version)
                .order_by(passages.c.ordinal)
            )
            return [_passage(row) for row in rows]

    async def following(
        self,
        after: PassageId,
        *,
        limit: int = MOST,
        until: PassageId | None = None,
        without: Collection[SourceId] = (),
    ) -> Sequence[Passage]:
        """Passages of all tenants in order of their ids: for building an index anew.

        Those of current versions and of those being read, which the other legs know already.
        ``without`` leaves out those of some sources; with ``until`` it ends there.
        """
        found: list[Passage] = []
        while True:
            rows = await self._store.rows(
                select(passages)
                .join(sources, sources.c.id == passages.c.source)
                .where(
                    or_(
                        passages.c.version == sources.c.version,
                        passages.c.version == sources.c.pending,
                    ),
                    passages.c.id > after,
                    *([passages.c.id <= until] if until is not None else []),
                )
                .order_by(passages.c.id)
                .limit(limit)
            )
            found += [_passage(row) for row in rows if row.source not in without]
            if len(rows) < limit or len(found) >= limit:
                return found[:limit]
            after = rows[-1].id

    async def many(self) -> Mapping[SourceId, int]:
        """How many passages ``following`` has of each source."""
        rows = await self._store.rows(
            select(passages.c.source, func.count().label("n"))
            .join(sources, sources.c.id == passages.c.source)
            .where(
                or_(
                    passages.c.version == sources.c.version,
                    passages.c.version == sources.c.pending,
                )
            )
            .group_by(passages.c.source)
        )
        return {row.source: row.n for row in rows}


def _passage(row: Row[Any]) -> Passage:
    return Passage(
        id=row.id,
        tenant=row.tenant,
        space=row.space,
        source=row.source,
        version=row.version,
        ordinal=row.ordinal,
        text=row.text,
        start=row.start,
        end=row.end,
        title=row.title,
        headings=tuple(row.headings),
        page=row.page,
        last_page=row.last_page,
        language=row.language,
    )
