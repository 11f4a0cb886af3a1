"""What is known of sources beside their passages: titles, paths, and when they came."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from backend.store.engine import Store
from backend.store.tables import sources, versions
from retrieval.model import Scope, SourceId
from retrieval.query import Filters


class StoredCatalogue:
    """Satisfies ``retrieval.ports.Catalogue``.

    A source's date is that of its current version: when the file came, or came anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def matching(self, filters: Filters, *, scope: Scope) -> frozenset[SourceId]:
        if scope.empty:
            return frozenset()
        rows = await self._store.rows(
            select(sources.c.id, sources.c.title, sources.c.path, versions.c.created_at)
            .join(
                versions,
                (versions.c.source == sources.c.id) & (versions.c.hash == sources.c.version),
            )
            .where(sources.c.tenant == scope.tenant, sources.c.space.in_(scope.spaces))
        )

        def fitting() -> frozenset[SourceId]:
            return frozenset(
                row.id
                for row in rows
                if (scope.sources is None or row.id in scope.sources)
                and filters.fits(title=row.title, path=row.path, came=row.created_at)
            )

        # Titles are analysed in a thread: a space may have thousands.
        return await asyncio.to_thread(fitting)
