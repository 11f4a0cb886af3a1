"""Readings by a model as rows, and what was said of each passage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.store.engine import Store
from backend.store.passages import StoredPassages
from backend.store.tables import extractions, passage_facts, passages, sources
from retrieval.graph.extract import Extracted, Fact
from retrieval.graph.model import EntityKey, Statement
from retrieval.graph.quotes import Span
from retrieval.model import Passage, PassageId, Scope, SourceId, VersionHash


class ExtractionState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ExtractionRow:
    """A reading that was asked for. ``reason`` says why it is paused, where nobody paused it."""

    id: str
    tenant: str
    space: str
    model: str
    fingerprint: str
    state: ExtractionState
    created_at: datetime
    updated_at: datetime
    created_by: str
    reason: Mapping[str, str] | None = None
    budget_usd: float | None = None
    budget_tokens: int | None = None

    @property
    def open(self) -> bool:
        return self.state in (ExtractionState.RUNNING, ExtractionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Tally:
    """What one reading has come to. ``unpriced`` counts replies of unknown cost."""

    passages: int
    failed: int
    facts: int
    dropped: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What readings took since a moment. ``unpriced`` counts replies of unknown cost."""

    passages: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int

    def __add__(self, other: Taken) -> Taken:
        sums = (a + b for a, b in zip(astuple(self), astuple(other), strict=True))
        return Taken(*sums)


@dataclass(frozen=True, slots=True)
class Left:
    """What a space has that a model has not been asked about, and what it has."""

    passages: int
    characters: int
    kept: int


class StoredExtractions:
    def __init__(self, store: Store, passages: StoredPassages) -> None:
        self._store = store
        self._passages = passages

    async def add(self, connection: AsyncConnection, row: ExtractionRow) -> None:
        await connection.execute(
            insert(extractions).values({**asdict(row), "state": row.state.value})
        )

    async def change(self, connection: AsyncConnection, id: str, **values: Any) -> None:
        await connection.execute(
            update(extractions).where(extractions.c.id == id).values(**values, updated_at=now())
        )

    async def get(self, id: str, *, tenant: str) -> ExtractionRow | None:
        rows = await self._store.rows(
            select(extractions).where(extractions.c.id == id, extractions.c.tenant == tenant)
        )
        return _extraction(rows[0]) if rows else None

    async def latest(self, space: str, *, tenant: str) -> ExtractionRow | None:
        rows = await self._store.rows(
            select(extractions)
            .where(extractions.c.space == space, extractions.c.tenant == tenant)
            .order_by(extractions.c.created_at.desc(), extractions.c.id)
            .limit(1)
        )
        return _extraction(rows[0]) if rows else None

    async def left(self, *, scope: Scope, fingerprint: str) -> Left:
        counted = await self._store.rows(
            select(
                func.count().filter(passage_facts.c.passage.is_(None)).label("passages"),
                func.coalesce(
                    func.sum(func.length(passages.c.text)).filter(
                        passage_facts.c.passage.is_(None)
                    ),
                    0,
                ).label("characters"),
                func.count().filter(passage_facts.c.passage.is_not(None)).label("kept"),
            )
            .select_from(_asked(fingerprint))
            .where(*_current(scope))
        )
        return Left(int(counted[0].passages), int(counted[0].characters), int(counted[0].kept))

    async def next(self, *, scope: Scope, fingerprint: str, limit: int) -> Sequence[Passage]:
        """Passages that the model has not been asked about, in order of their ids."""
        rows = await self._store.rows(
            select(passages.c.id)
            .select_from(_asked(fingerprint))
            .where(*_current(scope), passage_facts.c.passage.is_(None))
            .order_by(passages.c.id)
            .limit(limit)
        )
        found = await self._passages.get([row.id for row in rows], scope=scope)
        return sorted(found, key=lambda one: one.id)

    async def keep(
        self, row: ExtractionRow, passage: Passage, said: Extracted, *, seconds: float
    ) -> bool:
        """Count a reply and store it in place of an earlier one; False for a passage gone."""
        came = extractions.c
        async with self._store.writing() as connection:
            await connection.execute(
                update(extractions)
                .where(came.id == row.id)
                .values(
                    passages=came.passages + 1,
                    failed=came.failed + int(said.error is not None),
                    facts=came.facts + len(said.heard.facts),
                    dropped=came.dropped + sum(said.heard.dropped.values()),
                    prompt_tokens=came.prompt_tokens + said.prompt_tokens,
                    completion_tokens=came.completion_tokens + said.completion_tokens,
                    cost_usd=came.cost_usd + (said.cost_usd or 0.0),
                    unpriced=came.unpriced + int(said.cost_usd is None),
                    seconds=came.seconds + seconds,
                )
            )
            there = await connection.scalar(
                select(passages.c.id)
                .join(sources, sources.c.id == passages.c.source)
                .where(passages.c.id == passage.id, passages.c.version == sources.c.version)
                .with_for_update(of=passages, read=True)
            )
            if there is None:
                return False
            await connection.execute(
                delete(passage_facts).where(passage_facts.c.passage == passage.id)
            )
            await connection.execute(
                insert(passage_facts).values(
                    passage=passage.id,
                    tenant=passage.tenant,
                    space=passage.space,
                    extraction=row.id,
                    fingerprint=row.fingerprint,
                    facts=[asdict(fact) for fact in said.heard.facts],
                    dropped=dict(said.heard.dropped),
                    error=said.error,
                    prompt_tokens=said.prompt_tokens,
                    completion_tokens=said.completion_tokens,
                    cost_usd=said.cost_usd,
                    seconds=seconds,
                    created_at=now(),
                )
            )
        return True

    async def tally(self, id: str) -> Tally:
        """What a reading has come to, passages that are gone since included."""
        names = [field.name for field in fields(Tally)]
        rows = await self._store.rows(
            select(*(extractions.c[name] for name in names)).where(extractions.c.id == id)
        )
        came: dict[str, Any] = rows[0]._asdict() if rows else dict.fromkeys(names, 0)
        return Tally(**came)

    async def taken(self, since: datetime, *, scope: Scope) -> Taken:
        """What a model was asked since then, in the scope's spaces.

        Of a reading begun since then it is all, passages that are gone included; of an earlier one
        what is still kept of the replies that came since.
        """
        begun, replies = extractions.c, passage_facts.c
        of_new = select(
            func.coalesce(func.sum(begun.passages), 0),
            func.coalesce(func.sum(begun.prompt_tokens), 0),
            func.coalesce(func.sum(begun.completion_tokens), 0),
            func.coalesce(func.sum(begun.cost_usd), 0.0),
            func.coalesce(func.sum(begun.unpriced), 0),
        ).where(
            begun.tenant == scope.tenant,
            begun.space.in_(scope.spaces),
            begun.created_at >= since,
        )
        of_old = (
            select(
                func.count(),
                func.coalesce(func.sum(replies.prompt_tokens), 0),
                func.coalesce(func.sum(replies.completion_tokens), 0),
                func.coalesce(func.sum(replies.cost_usd), 0.0),
                func.count().filter(replies.cost_usd.is_(None)),
            )
            .select_from(passage_facts.join(extractions, begun.id == replies.extraction))
            .where(
                replies.tenant == scope.tenant,
                replies.space.in_(scope.spaces),
                replies.created_at >= since,
                begun.created_at < since,
            )
        )
        new, old = [list((await self._store.rows(asked))[0]) for asked in (of_new, of_old)]
        return Taken(*new) + Taken(*old)

    async def said(self, ids: Sequence[PassageId]) -> Mapping[PassageId, Sequence[Fact]]:
        """What models said of these passages, where they said anything: for feeding a graph."""
        found: dict[PassageId, Sequence[Fact]] = {}
        for begin in range(0, len(ids), 500):
            rows = await self._store.rows(
                select(passage_facts.c.passage, passage_facts.c.facts).where(
                    passage_facts.c.passage.in_(ids[begin : begin + 500])
                )
            )
            found.update(
                (row.passage, [Fact(**fact) for fact in row.facts]) for row in rows if row.facts
            )
        return found

    async def current(self, source: SourceId) -> VersionHash | None:
        """The version of a source that is searched; None where it is gone."""
        rows = await self._store.rows(select(sources.c.version).where(sources.c.id == source))
        return rows[0].version if rows else None

    async def with_facts(self, extraction: str) -> Sequence[PassageId]:
        rows = await self._store.rows(
            select(passage_facts.c.passage)
            .where(passage_facts.c.extraction == extraction)
            .order_by(passage_facts.c.passage)
        )
        return [row.passage for row in rows]

    async def quotes(
        self, wanted: Iterable[tuple[PassageId, Statement]], *, scope: Scope
    ) -> Mapping[tuple[PassageId, EntityKey, str, EntityKey], Span]:
        """The place of what each statement rests on, where a model named one."""
        ids = list(dict.fromkeys(id for id, _ in wanted))
        return {
            (id, fact.subject, fact.predicate, fact.object): Span(fact.start, fact.end)
            for id, facts in (await self.said(ids)).items()
            for fact in facts
        }

    async def stamp(self, *, scope: Scope) -> str:
        """Changes whenever what a model said of the scope does."""
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(func.count(), func.max(passage_facts.c.created_at))
                .select_from(passage_facts)
                .where(
                    passage_facts.c.tenant == scope.tenant,
                    passage_facts.c.space.in_(scope.spaces),
                )
            )
            replies, last = found.one()
        return f"{replies} {last}"


def _asked(fingerprint: str):  # type: ignore[no-untyped-def]  # a Join of this shape is unwritable
    return passages.join(sources, sources.c.id == passages.c.source).outerjoin(
        passage_facts,
        and_(passage_facts.c.passage == passages.c.id, passage_facts.c.fingerprint == fingerprint),
    )


def _current(scope: Scope) -> list[Any]:
    within = [
        sources.c.tenant == scope.tenant,
        sources.c.space.in_(scope.spaces),
        passages.c.version == sources.c.version,
    ]
    if scope.sources is not None:
        within.append(sources.c.id.in_(scope.sources))
    return within


def _extraction(row: Row[Any]) -> ExtractionRow:
    return ExtractionRow(
        id=row.id,
        tenant=row.tenant,
        space=row.space,
        model=row.model,
        fingerprint=row.fingerprint,
        state=ExtractionState(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
        reason=row.reason,
        budget_usd=row.budget_usd,
        budget_tokens=row.budget_tokens,
    )
