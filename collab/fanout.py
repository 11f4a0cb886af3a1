"""The visitors of a room, and how one message reaches all of them."""

from __future__ import annotations

from collections.abc import Iterable

from collab import wire
from collab.model import Update
from collab.replica import LARGE
from collab.visitor import Visitor

TOLD_AT_ONCE = 128  # visitors; each takes some 20 microseconds of the event loop


class Fanout:
    """Tells those who have synced."""

    def __init__(self) -> None:
        self.visitors: set[Visitor] = set()

    def update(self, update: Update, *, but: Visitor | None = None) -> None:
        message = wire.update(update)
        now = self._few(message)
        for visitor in self.visitors:
            if visitor is not but and visitor.synced:
                visitor.tell(message, now=now)

    def presences(self, entries: Iterable[wire.Presence]) -> None:
        """Told to whoever does not speak for all of them."""
        listed = list(entries)
        message = wire.presences(listed)
        clients = {entry.client for entry in listed}
        now = self._few(message)
        for visitor in self.visitors:
            if visitor.synced and not clients <= visitor.presences:
                visitor.tell(message, now=now)

    def _few(self, message: bytes) -> bool:
        """Whether all can be told at once without holding up the event loop."""
        return len(self.visitors) <= TOLD_AT_ONCE and len(message) <= LARGE
