"""Evidence as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from backend.evidence.model import EvidenceRecord
from backend.store.engine import Store
from backend.store.tables import evidence, sources
from retrieval.model import Scope


class StoredEvidence:
    """Satisfies ``backend.evidence.service.EvidenceStore``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, records: Sequence[EvidenceRecord]) -> None:
        if not records:
            return
        await self._store.write((insert(evidence), [_values(record) for record in records]))

    async def get(self, ids: Sequence[str], *, scope: Scope) -> Sequence[EvidenceRecord]:
        if not ids or not scope.spaces:
            return []
        rows = await self._store.rows(
            select(evidence).where(
                evidence.c.id.in_(ids),
                evidence.c.tenant == scope.tenant,
                evidence.c.space.in_(scope.spaces),
            )
        )
        return [_record(row) for row in rows]

    async def spaces_of(self, ids: Sequence[str], *, tenant: str) -> Sequence[str]:
        """The spaces that these records lie in, for asking who may see them."""
        rows = await self._store.rows(
            select(evidence.c.space)
            .where(evidence.c.id.in_(ids), evidence.c.tenant == tenant)
            .distinct()
        )
        return [row.space for row in rows]

    async def space_of_source(self, source: str, *, tenant: str) -> str | None:
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(sources.c.space).where(sources.c.id == source, sources.c.tenant == tenant)
            )
            space: str | None = found.scalar_one_or_none()
            return space


def _values(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "tenant": record.tenant,
        "space": record.space,
        "source": record.source,
        "source_title": record.source_title,
        "version": record.version,
        "version_number": record.version_number,
        "page": record.page,
        "start": record.start,
        "end": record.end,
        "quote": record.quote,
        "quote_hash": record.quote_hash,
        "created_at": record.created_at,
        "created_by": record.created_by,
        "answer": record.answer,
    }


def _record(row: Row[Any]) -> EvidenceRecord:
    return EvidenceRecord(**{name: getattr(row, name) for name in _FIELDS})


_FIELDS = tuple(EvidenceRecord.__dataclass_fields__)
