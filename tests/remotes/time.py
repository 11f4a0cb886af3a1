"""Time that passes without waiting."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class VirtualClock:
    """A sleep ends when nobody else has anything to do; then the next one's time has come.

    Tasks side by side sleep as long, relative to each other, as they would in earnest. What works
    in a thread or behind a real socket counts as having nothing to do.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._watching: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return self._passed

    def jump(self, seconds: float) -> None:
        """The time goes on at once, for all."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        awake: asyncio.Future[None] = loop.create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._passed + seconds, self._count, awake))
        if self._watching is not loop:
            self._watching = loop
            loop.call_soon(self._watch, loop)
        await awake

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the next sleeper once the loop has run out of work; come back until none is left."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            self._watching = None
            return
        if not loop._ready:  # type: ignore[attr-defined]  # nothing public says that a loop is idle
            due, _, awake = heapq.heappop(self._sleepers)
            self._passed = max(self._passed, due)
            awake.set_result(None)
        loop.call_soon(self._watch, loop)
