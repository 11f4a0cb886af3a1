"""The budget of a connection, shared by everyone who uses it in whatever process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.store.paces import Gone, StoredPaces
from exporters.errors import NotConnected
from exporters.ports import Clock, Pace

AHEAD: Final = timedelta(seconds=0.25)
"""How far ahead a process reserves for itself, and how late it may still use what it reserved: a
pause that another process was told of is heard that much later."""


class SharedBudget:
    """``exporters.ports.Budget`` over the store: one write for each call while calls are rare, and
    for each quarter of a second while they are many."""

    def __init__(
        self, paces: Sequence[Pace], rows: StoredPaces, connection: str, clock: Clock
    ) -> None:
        self._paces = paces
        self._rows = rows
        self._connection = connection
        self._clock = clock
        self._reserved: deque[datetime] = deque()
        self._most = 1
        self._one = asyncio.Lock()

    async def take(self, calls: int = 1) -> None:
        for _ in range(calls):
            async with self._one:
                at = await self._next()
            await self._clock.sleep((at - self._clock.now()).total_seconds())

    async def pause(self, wait: timedelta) -> None:
        async with self._one:
            self._reserved.clear()
            try:
                await self._rows.pause(self._connection, self._paces, self._clock.now() + wait)
            except Gone:
                raise _removed() from None

    async def _next(self) -> datetime:
        """When the next call may leave."""
        moment = self._clock.now()
        if self._reserved and self._reserved[0] + AHEAD < moment:
            # Used late, they would crowd together with what others reserved for this moment.
            self._reserved.clear()
            self._most = 1
        if not self._reserved:
            try:
                self._reserved.extend(
                    await self._rows.reserve(
                        self._connection, self._paces, moment, most=self._most, ahead=AHEAD
                    )
                )
            except Gone:
                raise _removed() from None
            self._most = 2 * len(self._reserved)
        return self._reserved.popleft()


def _removed() -> NotConnected:
    return NotConnected("This connection was removed; connect again, and choose it for the target.")
