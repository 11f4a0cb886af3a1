"""What is known of sources beside their passages: titles, paths, and when they came."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from backend.store.engine import Store
from backend.store.tables import sources, versions
from retrieval.model import PassageId, Scope, SourceId
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

    async def fate(self, passage: PassageId, *, scope: Scope) -> str:
        """Why a passage cannot be found in a scope, in words; of others' it says nothing."""
        unknown = f"There is no passage {passage} here: there never was, or its source was deleted."
        source, _, rest = passage.partition(".")
        version, _, ordinal = rest.partition(".")
        if scope.empty:
            return unknown
        rows = await self._store.rows(
            select(sources.c.title, sources.c.state, sources.c.version, versions.c.hash)
            .outerjoin(versions, versions.c.source == sources.c.id)
            .where(
                sources.c.id == source,
                sources.c.tenant == scope.tenant,
                sources.c.space.in_(scope.spaces),
            )
        )
        if not rows:
            return unknown
        current, title = rows[0].version, rows[0].title
        if current is None:
            return f"Its source {title} cannot be searched yet: it is {rows[0].state}."
        if version and not current.startswith(version):
            if any(row.hash is not None and row.hash.startswith(version) for row in rows):
                return f"It is of a version of {title} that a newer one has replaced."
            return unknown
        if not ordinal:  # asked of a place
            return f"No passage of {title} stands at this place; a heading is none of its own."
        return f"The current version of {title} has no such passage."
