"""What the graph's views ask of the database: whose passages to read, and where pages begin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, select

from backend.evidence.model import VersionKey
from backend.store.engine import Store
from backend.store.tables import passages, sources, versions
from retrieval.model import PassageId, Scope, SourceId


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whole sources of a scope, oldest first, and their passages, in order of their ids.

    ``of`` counts the passages of the whole scope.
    """

    sources: tuple[SourceId, ...]
    passages: tuple[PassageId, ...]
    of: int


class GraphRows:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def chosen(self, *, scope: Scope, most: int) -> Chosen:
        """As many of a scope's sources as have no more than so many passages together.

        Where the oldest alone has more, its first ones.
        """
        if scope.empty:
            return Chosen((), (), 0)
        within = [sources.c.tenant == scope.tenant, sources.c.space.in_(scope.spaces)]
        if scope.sources is not None:
            within.append(sources.c.id.in_(scope.sources))
        current = and_(passages.c.source == sources.c.id, passages.c.version == sources.c.version)
        counted = await self._store.rows(
            select(sources.c.id, func.count().label("passages"))
            .join(passages, current)
            .where(*within)
            .group_by(sources.c.id, sources.c.created_at)
            .order_by(sources.c.created_at, sources.c.id)
        )
        taken: list[SourceId] = []
        room = most
        for row in counted:
            if row.passages <= room or not taken:
                taken.append(row.id)
                room -= row.passages
        found = await self._store.rows(
            select(passages.c.id)
            .join(sources, current)
            .where(sources.c.id.in_(taken))
            .order_by(passages.c.id)
            .limit(most)
        )
        return Chosen(
            tuple(taken), tuple(row.id for row in found), sum(row.passages for row in counted)
        )

    async def page_starts(
        self, wanted: Collection[VersionKey], *, scope: Scope
    ) -> Mapping[VersionKey, tuple[int, ...]]:
        """The offset at which each page of these versions begins; without those of no pages."""
        if not wanted:
            return {}
        rows = await self._store.rows(
            select(versions.c.source, versions.c.hash, versions.c.page_starts).where(
                versions.c.source.in_({source for source, _ in wanted}),
                versions.c.hash.in_({hash for _, hash in wanted}),
                versions.c.tenant == scope.tenant,
            )
        )
        return {(row.source, row.hash): tuple(row.page_starts) for row in rows if row.page_starts}
