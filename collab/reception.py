"""What a visitor says, taken at its pace and within its access."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from collab import wire
from collab.awareness import Awareness
from collab.contents import Contents, read
from collab.errors import Malformed, Refused
from collab.model import Access, Limits, Update
from collab.replica import LARGE, Broken
from collab.visitor import Pace, Visitor

if TYPE_CHECKING:
    from collab.room import Room

MAX_CLOCK: Final = 2**31 - 1  # the library counts to 2^32, and a browser shifts bits in 32
PRESENCES_AS_ONE: Final = 64  # presences in one frame that count as one more


class Reception:
    """Acts on messages. ``Malformed`` and ``Refused`` are their sender's end."""

    def __init__(self, room: Room, awareness: Awareness, limits: Limits) -> None:
        self._room = room
        self._awareness = awareness
        self._limits = limits

    async def receive(self, visitor: Visitor, frame: bytes) -> None:
        """Act on one message of a visitor, while the room is ``ready``."""
        if len(frame) < LARGE:
            message, contents = self._read(frame)
        else:
            message, contents = await asyncio.to_thread(self._read, frame)
            await self._room.ready()
            if visitor.gone:
                return
        match message:
            case wire.Hello(epoch=epoch):
                visitor.greeted = True
                visitor.estranged = epoch not in ("", self._room.epoch)
                visitor.tell(wire.welcome(self._room.epoch, visitor.access))
            case wire.StateVector(state=state):
                if await self._in_time(visitor, visitor.sync_pace):
                    await self._sync(visitor, state)
            case wire.Change(update=update):
                assert contents is not None
                if await self._in_time(visitor, visitor.update_pace):
                    await self._change(visitor, update, contents)
            case wire.Presences(entries=entries):
                # Each is looked at, also those that Yjs clients repeat of others.
                weight = 1 + len(entries) / PRESENCES_AS_ONE
                if await self._in_time(visitor, visitor.presence_pace, weight):
                    self._awareness.move(visitor, entries)
            case wire.QueryPresences():
                if await self._in_time(visitor, visitor.presence_pace):
                    # Answered where nobody is here too: so a quiet client asks whether the room is.
                    visitor.tell(wire.presences(self._awareness.here()))

    def ask(self, visitor: Visitor) -> None:
        """Ask for what of a visitor's has not come, as over a line that loses messages.

        Yjs clients answer at any time, and bring all that the document lacks.
        """
        if visitor.synced and visitor.access is Access.WRITE and visitor.may_be_asked():
            visitor.tell(wire.step_1(self._room.replica.state))

    def _read(self, frame: bytes) -> tuple[wire.Message, Contents | None]:
        message = wire.decode(frame, max_awareness=self._limits.awareness_bytes)
        return message, read(message.update) if isinstance(message, wire.Change) else None

    async def _in_time(self, visitor: Visitor, pace: Pace, weight: float = 1.0) -> bool:
        """Make a visitor who is too fast wait, and nobody else; whether it is still there."""
        wait = pace.wait(monotonic(), weight)
        if wait <= 0:
            return True
        await asyncio.sleep(wait)
        await self._room.ready()
        return not visitor.gone

    async def _sync(self, visitor: Visitor, state: bytes) -> None:
        if visitor.estranged:
            raise Refused(
                "A copy of another epoch cannot be merged into this document; "
                "say hello with an empty epoch and sync an empty copy."
            )

        def answer(missing: Update) -> None:
            self._answer(visitor, state, missing)

        try:
            await self._room.encode(state, answer)
        except Broken:
            await self._room.ready()
            await self._room.encode(state, answer)

    def _answer(self, visitor: Visitor, state: bytes, missing: Update) -> None:
        if visitor.gone:
            return
        replica = self._room.replica
        visitor.tell(wire.step_2(missing))
        for update in replica.early:
            visitor.tell(wire.update(update))
        if visitor.synced:
            if replica.lacks(state):
                self.ask(visitor)
            return
        visitor.synced = True
        # What a reader has is not asked for, since it could not be taken.
        if visitor.access is Access.WRITE:
            visitor.tell(wire.step_1(replica.state))
        if here := self._awareness.here():
            visitor.tell(wire.presences(here))

    async def _change(self, visitor: Visitor, update: Update, contents: Contents) -> None:
        if visitor.estranged:
            raise Refused("An update from a copy of another epoch is not taken.")
        if visitor.access is Access.READ:
            if contents.empty:
                return
            raise Refused("A visitor with read access sent an edit.")
        if contents.highest > MAX_CLOCK:
            raise Malformed(f"A clock of {contents.highest} is past {MAX_CLOCK}.")
        visitor.received += 1
        await self._room.take(visitor, update, contents)
