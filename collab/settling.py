"""When a room is at rest, and telling what its document then says."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from collab.model import Limits
from collab.ports import Settled
from collab.relay import Relay

if TYPE_CHECKING:
    from collab.room import Room

log = logging.getLogger(__name__)


class Settling:
    """Has its room wake up when it is quiet, or was edited without pause for long.

    The process that took an edit sees to what follows from it, and another only where that died.
    """

    def __init__(
        self, room: Room, limits: Limits, relay: Relay, on_settled: Settled | None
    ) -> None:
        self.due = False
        self._room = room
        self._limits = limits
        self._relay = relay
        self._on_settled = on_settled
        self._loop = asyncio.get_running_loop()
        self._untold = False  # whether there is anything to tell
        self._edited_at = self._settled_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._stand_in: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """Whether all that was edited here has been told."""
        return not self._untold and self._telling is not None and self._telling.done()

    def edited(self) -> None:
        """Somebody here has edited."""
        self._untold = True
        self._edited_at = self._loop.time()
        self.soon()

    def soon(self) -> None:
        """Settle once quiet; at once when nobody is left."""
        if self._room.closed:
            return
        if not self._room.visitors:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._settle()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._limits.quiet_seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        quiet_at = self._edited_at + self._limits.quiet_seconds
        restless_at = self._settled_at + self._limits.restless_seconds
        if self._loop.time() >= min(quiet_at, restless_at):
            self._settle()
        elif not self._room.closed:
            self._timer = self._loop.call_at(min(quiet_at, restless_at), self._look)

    def _settle(self) -> None:
        self.due = True
        self._room.wake()

    def tell(self) -> None:
        """Tell what the document now says, beside the writer, so that nobody's "saved" waits."""
        self._settled_at = self._loop.time()
        if self._on_settled is None or not self._untold:
            return
        if self._telling is None or self._telling.done():
            self._untold = False
            self._telling = asyncio.create_task(self._tell(self._on_settled))

    async def _tell(self, told: Settled) -> None:
        room = self._room
        try:
            through = room.through
            await told(room.document, await room.projection())
            self._relay.settled(through)
            if room.through > through:
                # Others may have told more of it already, and this was the last word.
                self._untold = True
        except Exception:
            # Search and claims catch up at the next rest; the document itself is safe.
            log.exception("What follows from the document %s failed", room.document)
        if self._untold:  # edited meanwhile
            self.soon()

    def edited_elsewhere(self) -> None:
        """Another process took an edit, and is given time to see to what follows."""
        if self._stand_in is None and self._on_settled is not None:
            patience = self._limits.restless_seconds + 2 * self._limits.quiet_seconds
            self._stand_in = self._loop.call_later(patience, self._settle_for_another)

    def _settle_for_another(self) -> None:
        self._stand_in = None
        self._untold = True
        self.soon()

    def settled_elsewhere(self) -> None:
        if self._stand_in is not None:
            self._stand_in.cancel()
            self._stand_in = None

    def close(self) -> None:
        """Wait for nothing more, and settle as soon as the room can."""
        if self._timer is not None:
            self._timer.cancel()
        self.due = True

    async def finish(self) -> None:
        """Wait until what there is to tell has been told."""
        while self._telling is not None and not self._telling.done():
            await asyncio.shield(self._telling)
            self.tell()
