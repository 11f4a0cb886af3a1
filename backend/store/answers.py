"""Answers as rows: what lists show in columns, the whole run as one document."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import delete, func, insert, select

from backend.answers.runs import AnswerRun
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
            "run": _RUN.dump_python(run, mode="json"),
            "created_at": run.created_at,
            "created_by": run.asked_by,
        }
        async with self._store.writing() as connection:
            await connection.execute(
                delete(answers).where(answers.c.id == run.id, answers.c.tenant == run.tenant)
            )
            await connection.execute(insert(answers).values(values))

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
        async with self._store.reading() as connection:
            counted = await connection.execute(
                select(
                    select(func.count())
                    .select_from(sources)
                    .where(*current, sources.c.version.is_not(None))
                    .scalar_subquery(),
                    select(func.count())
                    .select_from(passages)
                    .join(sources, sources.c.id == passages.c.source)
                    .where(*current, passages.c.version == sources.c.version)
                    .scalar_subquery(),
                )
            )
            row = counted.one()
        return int(row[0]), int(row[1])

    async def space_of(self, id: str, *, tenant: str) -> str | None:
        """The space that an answer lies in, for asking who may see it."""
        async with self._store.reading() as connection:
            found = await connection.execute(
                select(answers.c.space).where(answers.c.id == id, answers.c.tenant == tenant)
            )
            space: str | None = found.scalar_one_or_none()
            return space
