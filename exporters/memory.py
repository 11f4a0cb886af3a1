"""In-memory twins of the ports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from exporters.errors import LostLease
from exporters.pace import after_pause, reserve
from exporters.ports import Clock, Pace
from exporters.records import Entry, Intent, Step


class Books:
    """What outlives a worker: the ledger of one place for one brief, and who may write in it."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.intents: dict[str, Intent] = {}
        self.done: set[str] = set()
        self.holder: MemoryLedger | None = None


class MemoryLedger:
    """A worker's hold on the books. Whoever opens them last holds them alone."""

    def __init__(self, books: Books | None = None) -> None:
        self._books = Books() if books is None else books
        self._books.holder = self

    async def entries(self) -> Mapping[str, Entry]:
        return dict(self._books.entries)

    async def open_intents(self) -> Sequence[Intent]:
        return sorted(self._books.intents.values(), key=lambda intent: intent.since)

    async def done(self, steps: Sequence[str]) -> frozenset[str]:
        return frozenset(self._books.done.intersection(steps))

    async def intend(self, step: Step, *, actor: str, now: datetime) -> Intent:
        self._hold()
        intent = Intent(step, now, actor)
        self._books.intents[step.id] = intent
        return intent

    async def looked(self, intent: Intent) -> Intent:
        self._hold()
        intent = replace(intent, looks=intent.looks + 1)
        self._books.intents[intent.step.id] = intent
        return intent

    async def record(
        self, intent: Intent, entries: Sequence[Entry], forget: Sequence[str] = ()
    ) -> None:
        self._hold()
        self._books.intents.pop(intent.step.id, None)
        self._books.done.add(intent.step.id)
        self._take_note(entries, forget)

    async def withdraw(self, intent: Intent) -> None:
        self._hold()
        self._books.intents.pop(intent.step.id, None)

    async def settle(self, entries: Sequence[Entry], forget: Sequence[str] = ()) -> None:
        self._hold()
        self._take_note(entries, forget)

    def _hold(self) -> None:
        if self._books.holder is not self:
            raise LostLease("Another worker carries out this export now.")

    def _take_note(self, entries: Sequence[Entry], forget: Sequence[str]) -> None:
        """Forgetting comes first: an object made anew has the key of the one that it replaces."""
        for key in forget:
            self._books.entries.pop(key, None)
        self._books.entries.update((entry.key, entry) for entry in entries)


class MemoryBudget:
    """A connection's pace within one process."""

    def __init__(self, paces: Sequence[Pace], clock: Clock) -> None:
        self._paces = paces
        self._clock = clock
        self._tats: tuple[datetime | None, ...] = (None,) * len(paces)
        self._paused_until: datetime | None = None
        self._turn = asyncio.Lock()

    async def take(self, calls: int = 1) -> None:
        """First come, first served; who waited into a pause asks again after it."""
        async with self._turn:
            while True:
                now = self._clock.now()
                if self._paused_until is not None and self._paused_until > now:
                    await self._clock.sleep((self._paused_until - now).total_seconds())
                    continue
                at, tats = reserve(self._paces, self._tats, now, calls)
                if at <= now:
                    self._tats = tats
                    return
                await self._clock.sleep((at - now).total_seconds())

    async def pause(self, wait: timedelta) -> None:
        until = self._clock.now() + wait
        if self._paused_until is None or until > self._paused_until:
            self._paused_until = until
            self._tats = after_pause(self._paces, self._tats, until)
