"""Sources and their versions as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.store.tables import brief_evidence, briefs, evidence, sources, versions


class SourceState(StrEnum):
    QUEUED = "queued"
    READING = "reading"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def busy(self) -> bool:
        return self in {SourceState.QUEUED, SourceState.READING, SourceState.INDEXING}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One immutable version; ``hash`` is the SHA-256 of its bytes."""

    source: str
    hash: str
    number: int
    bytes: int
    name: str
    media_type: str
    read: bool
    pages: int | None
    characters: int | None
    page_starts: tuple[int, ...]
    receipt: Mapping[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as stored. ``version`` is the current one, ``pending`` the hash being read."""

    id: str
    tenant: str
    space: str
    path: str
    title: str
    media_type: str
    state: SourceState
    searchable: bool
    progress: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    version: str | None
    pending: str | None
    created_at: datetime
    updated_at: datetime
    latest: VersionRow | None
    """The current version, or the newest where none is current yet."""
    versions: int
    used_in_claims: int


@dataclass(frozen=True, slots=True)
class Use:
    """A brief that rests on a source, and on how many of its evidence records."""

    brief: str
    title: str
    claims: int


async def find(connection: AsyncConnection, *where: ColumnElement[bool]) -> Sequence[SourceRow]:
    """Sources that match, by path, with their counts; a handful of queries for any number."""
    rows = (await connection.execute(select(sources).where(*where).order_by(sources.c.path))).all()
    if not rows:
        return []
    ids = select(sources.c.id).where(*where).scalar_subquery()
    newest = (
        select(
            versions.c.source, func.max(versions.c.number).label("number"), func.count().label("n")
        )
        .where(versions.c.source.in_(ids))
        .group_by(versions.c.source)
        .subquery()
    )
    counted = {row.source: row.n for row in (await connection.execute(select(newest))).all()}
    shown = {
        row.source: version_row(row)
        for row in (
            await connection.execute(
                select(versions)
                .join(sources, sources.c.id == versions.c.source)
                .join(newest, newest.c.source == versions.c.source)
                .where(
                    func.coalesce(
                        versions.c.hash == sources.c.version,
                        versions.c.number == newest.c.number,
                    )
                )
            )
        ).all()
    }
    used = {
        row.source: row.n
        for row in (
            await connection.execute(
                select(evidence.c.source, func.count().label("n"))
                .join(brief_evidence, brief_evidence.c.evidence == evidence.c.id)
                .where(evidence.c.source.in_(ids))
                .group_by(evidence.c.source)
            )
        ).all()
    }
    return [
        _source(row, shown.get(row.id), counted.get(row.id, 0), used.get(row.id, 0)) for row in rows
    ]


async def one(connection: AsyncConnection, tenant: str, source: str) -> SourceRow | None:
    found = await find(connection, sources.c.tenant == tenant, sources.c.id == source)
    return found[0] if found else None


async def version(
    connection: AsyncConnection, tenant: str, source: str, hash: str
) -> VersionRow | None:
    row = (
        await connection.execute(
            select(versions).where(
                versions.c.tenant == tenant, versions.c.source == source, versions.c.hash == hash
            )
        )
    ).one_or_none()
    return version_row(row) if row is not None else None


async def versions_of(
    connection: AsyncConnection, tenant: str, source: str
) -> Sequence[VersionRow]:
    """Every version, newest first."""
    rows = await connection.execute(
        select(versions)
        .where(versions.c.tenant == tenant, versions.c.source == source)
        .order_by(versions.c.number.desc())
    )
    return [version_row(row) for row in rows]


async def uses(connection: AsyncConnection, tenant: str, source: str) -> Sequence[Use]:
    """The briefs that cite a source, those that lean on it most first."""
    rows = await connection.execute(
        select(briefs.c.id, briefs.c.title, func.count().label("n"))
        .join(brief_evidence, brief_evidence.c.brief == briefs.c.id)
        .join(
            evidence,
            and_(evidence.c.id == brief_evidence.c.evidence, evidence.c.tenant == tenant),
        )
        .where(briefs.c.tenant == tenant, evidence.c.source == source)
        .group_by(briefs.c.id, briefs.c.title)
        .order_by(func.count().desc(), briefs.c.id)
    )
    return [Use(row.id, row.title, row.n) for row in rows]


async def change(
    connection: AsyncConnection, source: str, *where: ColumnElement[bool], **values: object
) -> bool:
    """Set columns of a source that still is as the condition says; whether it was."""
    changed = await connection.execute(
        update(sources).where(sources.c.id == source, *where).values(updated_at=now(), **values)
    )
    return changed.rowcount == 1


def version_row(row: Row[Any]) -> VersionRow:
    return VersionRow(
        source=row.source,
        hash=row.hash,
        number=row.number,
        bytes=row.bytes,
        name=row.name,
        media_type=row.media_type,
        read=row.read,
        pages=row.pages,
        characters=row.characters,
        page_starts=tuple(row.page_starts or ()),
        receipt=row.receipt,
        created_at=row.created_at,
    )


def _source(row: Row[Any], latest: VersionRow | None, count: int, used: int) -> SourceRow:
    return SourceRow(
        id=row.id,
        tenant=row.tenant,
        space=row.space,
        path=row.path,
        title=row.title,
        media_type=row.media_type,
        state=SourceState(row.state),
        searchable=row.searchable,
        progress=row.progress,
        error=row.error,
        version=row.version,
        pending=row.pending,
        created_at=row.created_at,
        updated_at=row.updated_at,
        latest=latest,
        versions=count,
        used_in_claims=used,
    )
