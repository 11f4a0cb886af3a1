"""In-memory twin of where runs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.answers.runs import AnswerRun, RunState, Spent
from retrieval.model import Scope


class MemoryRuns:
    def __init__(self, *, sources: int = 0, passages: int = 0) -> None:
        self._runs: dict[str, AnswerRun] = {}
        self._counts = sources, passages

    async def put(self, run: AnswerRun) -> None:
        self._runs[run.id] = run

    async def get(self, id: str, *, scope: Scope) -> AnswerRun | None:
        run = self._runs.get(id)
        if run is None or run.tenant != scope.tenant or run.space not in scope.spaces:
            return None
        return run

    async def recent(self, space: str, *, scope: Scope, limit: int) -> Sequence[AnswerRun]:
        found = [
            run
            for run in self._runs.values()
            if run.space == space and run.tenant == scope.tenant and space in scope.spaces
        ]
        return sorted(found, key=lambda run: run.created_at, reverse=True)[:limit]

    async def spent(self, since: datetime, *, scope: Scope) -> Spent:
        begun = [
            run
            for run in self._runs.values()
            if run.tenant == scope.tenant and run.space in scope.spaces and run.created_at >= since
        ]
        usages = [run.usage for run in begun if run.usage is not None]
        return Spent(
            len(begun),
            sum(usage.prompt_tokens for usage in usages),
            sum(usage.completion_tokens for usage in usages),
            round(sum(usage.cost_usd or 0.0 for usage in usages), 6),
            sum(
                run.prompt_hash is not None
                and run.state is not RunState.RUNNING
                and (run.usage is None or run.usage.cost_usd is None)
                for run in begun
            ),
        )

    async def space_of(self, id: str, *, tenant: str) -> str | None:
        run = self._runs.get(id)
        return run.space if run is not None and run.tenant == tenant else None

    async def searched(self, *, scope: Scope) -> tuple[int, int]:
        return self._counts
