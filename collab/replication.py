"""Rooms of one document in several processes: each takes in what the others have stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from collab import messages
from collab.awareness import Awareness
from collab.contents import Contents, read
from collab.errors import Malformed
from collab.journal import Journal
from collab.model import CloseReason, Head, Limits, Update
from collab.relay import Relay
from collab.replica import LARGE
from collab.settling import Settling

if TYPE_CHECKING:
    from collab.room import Room

log = logging.getLogger(__name__)

AT_ONCE = 32  # updates of another process taken in before others have their turn


class Replication:
    """What a room hears on the bus, and what it loads where the bus did not say it."""

    def __init__(
        self,
        room: Room,
        journal: Journal,
        awareness: Awareness,
        settling: Settling,
        *,
        limits: Limits,
        relay: Relay,
    ) -> None:
        self.due = False  # whether the store has more, or may have
        self._room = room
        self._journal = journal
        self._rows = journal.rows
        self._awareness = awareness
        self._settling = settling
        self._limits = limits
        self._relay = relay
        self._gap: asyncio.TimerHandle | None = None

    def hear(self, message: bytes | None) -> None:
        """What a room of this document in another process says; None where something was missed."""
        if self._room.closed:
            return
        if message is None:
            self._look()
            self._relay.ask()
            # What was stored here meanwhile the others have not been told of.
            self._relay.rows(self._journal.epoch, self._rows.latest + 1, ())
            return
        try:
            told = messages.decode(message)
        except Malformed as error:
            log.warning(
                "Another process says of %s what is not understood: %s", self._room.document, error
            )
            return
        match told:
            case messages.Rows():
                self._hear_rows(told)
            case messages.Moved(origin=origin, entries=entries):
                self._awareness.hear(origin, entries)
            case messages.Asked():
                self._awareness.tell_elsewhere()
            case messages.SettledElsewhere(through=through):
                if through >= self._rows.through:
                    self._settling.settled_elsewhere()

    def learn(self, head: Head | None, *, before: int) -> None:
        """Go by how far the store is; ``before`` is how far the room was when it was asked."""
        if head is None:
            self._room.evict(CloseReason.GONE)
        elif head.epoch != self._journal.epoch or head.last < before:
            self._room.evict(CloseReason.CHANGED)
        else:
            self._rows.know_of(head.last)
            if self._rows.behind:
                self._look()

    def await_gap(self) -> None:
        """Where another process has stored something: it may still be on its way here."""
        if self._rows.behind and self._gap is None and not self._room.closed:
            loop = asyncio.get_running_loop()
            self._gap = loop.call_later(self._limits.gap_seconds, self._close_gap)

    async def catch_up(self) -> None:
        """Load what the store has and this room has not."""
        self.due = False
        stored = await self._journal.lacking()
        contents = await asyncio.to_thread(_read_all, stored.updates)
        for at, (update, brought) in enumerate(zip(stored.updates, contents, strict=True)):
            if at % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            # Where the document broke or must be remade, it is loaded again as a whole.
            try:
                if not await self._room.adopt(update, brought):
                    return
            except Malformed as error:
                self._fails(error)
                return
        self._rows.reach(stored.last)

    def close(self) -> None:
        if self._gap is not None:
            self._gap.cancel()

    def _look(self) -> None:
        self.due = True
        self._room.wake()

    def _hear_rows(self, told: messages.Rows) -> None:
        if told.epoch != self._journal.epoch:
            return
        self._rows.know_of(told.last)
        if told.updates and sum(map(len, told.updates)) < LARGE and self._room.guard.free:
            try:
                for number, update in enumerate(told.updates, told.first):
                    if not self._rows.has(number) and not self._room.adopt_now(
                        update, read(update)
                    ):
                        break
                    self._rows.take(number, number)
            except Malformed as error:
                self._fails(error)
            self.await_gap()
        elif self._rows.behind:
            self._look()

    def _close_gap(self) -> None:
        self._gap = None
        if self._rows.behind:
            self._look()

    def _fails(self, error: Malformed) -> None:
        log.warning("What another process stored of %s fails here: %s", self._room.document, error)


def _read_all(updates: Sequence[Update]) -> list[Contents]:
    return [read(update) for update in updates]
