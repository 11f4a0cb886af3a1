"""One search for all who ask the same of a leg at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.model import Passage, Query, Run, Scope, SourceId, VersionHash

if TYPE_CHECKING:
    from retrieval.ports import Leg


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[Run]
    waiting: int = 0


class Shared:
    """A leg that answers twins once: the graph begins where the legs beside it do.

    Nothing is kept when an answer is given. A search is cancelled when the last who waits for it
    leaves.
    """

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._running: dict[tuple[Query, Scope, int], _Running] = {}

    @property
    def leg(self) -> Leg:
        """What answers."""
        return self._leg

    @property
    def name(self) -> str:
        return self._leg.name

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        asked = (query, scope, limit)
        running = self._running.get(asked)
        if running is None:
            running = _Running(
                asyncio.create_task(self._leg.search(query, scope=scope, limit=limit))
            )
            self._running[asked] = running
        running.waiting += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.waiting -= 1
            # Done, or of no use to anyone: either way the next to ask begins anew.
            if self._running.get(asked) is running and (running.task.done() or not running.waiting):
                del self._running[asked]
            if not running.waiting:
                running.task.cancel()

    async def put(self, passages: Sequence[Passage]) -> None:
        await self._leg.put(passages)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._leg.drop(source, keep=keep)

    async def count(self) -> int:
        return await self._leg.count()
