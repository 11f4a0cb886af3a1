"""Answers as rows: what lists show in columns, the whole run as one document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import delete, func, insert, select

from backend.answers.runs import AnswerRun, RunState, Spent
from backend.store.engine import Store
from backend.store.tables import answers, passages, sources
from retrieval.model import Scope

_RUN: TypeAdapter[AnswerRun] = TypeAdapter(AnswerRun)


class StoredRuns:
    """Satisfies ``backend.answers.runs.Runs`` and ``backend.answers.answer.Corpus``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, run: AnswerRun) -> None:
        values = {
            "id": run.id,
            "tenant": run.tenant,
            "space": run.space,
            "question": run.question,
            "state": run.state.value,
            "kind": run.kind,
            "model": run.model,
            "prompt_hash": run.prompt_hash,
            "sentences": len(run.sentences),
            "prompt_tokens": run.usage and run.usage.prompt_tokens,
            "completion_tokens": run.usage and run.usage.completion_tokens,
            "cost_usd": run.usage and run.usage.cost_usd,
            "run": _RUN.dump_python(run, mode="json"),
            "created_at": run.created_at,
            "created_by": run.asked_by,
        }
        await self._store.write(
            (delete(answers).where(answers.c.id == run.id, answers.c.tenant == run.tenant), None),
            (insert(answers).values(values), None),
        )

    async def get(self, id: str, *, scope: Scope) -> AnswerRun | None:
        if not scope.spaces:
            return None
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(answers.c.run).where(
                    answers.c.id == id,
                    answers.c.tenant == scope.tenant,
                    answers.c.space.in_(scope.spaces),
                )
            )
            run = found.scalar_one_or_none()
        return _RUN.validate_python(run) if run is not None else None

    async def recent(self, space: str, *, scope: Scope, limit: int) -> Sequence[AnswerRun]:
        if space not in scope.spaces:
            return []
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(answers.c.run)
                .where(answers.c.space == space, answers.c.tenant == scope.tenant)
                .order_by(answers.c.created_at.desc(), answers.c.id)
                .limit(limit)
            )
            return [_RUN.validate_python(row.run) for row in rows]

    async def searched(self, *, scope: Scope) -> tuple[int, int]:
        """How many sources and passages a scope holds that search can find now."""
        if scope.empty:
            return 0, 0
        current = [sources.c.tenant == scope.tenant, sources.c.space.in_(scope.spaces)]
        if scope.sources is not None:
            current.append(sources.c.id.in_(scope.sources))
        (row,) = await self._store.rows(
            select(
                select(func.count())
                .select_from(sources)
                .where(*current, sources.c.version.is_not(None))
                .scalar_subquery()
                .label("sources"),
                select(func.count())
                .select_from(passages)
                .join(sources, sources.c.id == passages.c.source)
                .where(*current, passages.c.version == sources.c.version)
                .scalar_subquery()
                .label("passages"),
            )
        )
        return int(row.sources), int(row.passages)

    async def spent(self, since: datetime, *, scope: Scope) -> Spent:
        """What the answers begun since then took, in the scope's spaces."""
        found = await self._store.rows(
            select(
                func.count(),
                func.coalesce(func.sum(answers.c.prompt_tokens), 0),
                func.coalesce(func.sum(answers.c.completion_tokens), 0),
                func.coalesce(func.sum(answers.c.cost_usd), 0.0),
                func.count().filter(
                    answers.c.prompt_hash.is_not(None),
                    answers.c.cost_usd.is_(None),
                    answers.c.state != RunState.RUNNING.value,
                ),
            ).where(
                answers.c.space.in_(scope.spaces),
                answers.c.created_at >= since,
                answers.c.tenant == scope.tenant,
            )
        )
        count, prompt, completion, cost, unpriced = tuple(found[0])
        return Spent(count, prompt, completion, round(cost, 6), unpriced)

    async def space_of(self, id: str, *, tenant: str) -> str | None:
        """The space that an answer lies in, for asking who may see it."""
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(answers.c.space).where(answers.c.id == id, answers.c.tenant == tenant)
            )
            space: str | None = found.scalar_one_or_none()
            return space
