"""The budget of a connection, shared by everyone who uses it in whatever process."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from backend.store.paces import Gone, Limits, StoredPaces, TooFar
from exporters.errors import NotConnected, Throttled
from exporters.ports import Clock

AHEAD: Final = timedelta(seconds=0.25)
"""How far ahead a process reserves for itself, and how late it may still use what it reserved: a
pause that another process was told of is heard that much later."""


LONGEST: Final = timedelta(minutes=1)  # that a call waits for its turn


class SharedBudget:
    """``exporters.ports.Budget`` over the store: one write for each call while calls are rare, and
    for each quarter of a second while they are many."""

    def __init__(self, limits: Limits, rows: StoredPaces, clock: Clock) -> None:
        self._limits = limits
        self._rows = rows
        self._clock = clock
        self._reserved: deque[datetime] = deque()
        self._most = 1
        self._pauses = 0
        self._turn = asyncio.Lock()

    async def take(self, calls: int = 1) -> None:
        """First come, first served; who waited into a pause asks again.

        Raises Throttled where nobody may call for longer than a call may wait.
        """
        for _ in range(calls):
            async with self._turn:
                heard = -1
                while heard != self._pauses:
                    heard = self._pauses
                    at = await self._next()
                    await self._clock.sleep((at - self._clock.now()).total_seconds())

    async def pause(self, wait: timedelta) -> None:
        try:
            await self._rows.pause(self._limits, self._clock.now() + wait)
        except Gone:
            raise _removed() from None
        self._reserved.clear()
        self._pauses += 1

    async def _next(self) -> datetime:
        """When the next call may leave."""
        moment = self._clock.now()
        if self._reserved and self._reserved[0] + AHEAD < moment:
            # Used late, they would crowd together with what others reserved for this moment.
            self._reserved.clear()
            self._most = 1
        if not self._reserved:
            try:
                taken = await self._rows.reserve(
                    self._limits,
                    moment,
                    most=self._most,
                    ahead=AHEAD,
                    within=LONGEST,
                )
            except Gone:
                raise _removed() from None
            except TooFar as far:
                raise Throttled(
                    "It was asked of this connection to send nothing for a while.",
                    wait=far.at - moment,
                ) from None
            self._reserved.extend(taken)
            self._most = 2 * len(taken)
        return self._reserved.popleft()


def _removed() -> NotConnected:
    return NotConnected("This connection was removed; connect again, and choose it for the target.")
