"""All rooms of this process: opened by the first visitor, closed some time after the last.

With a bus, other processes have rooms of the same documents, and each is told what is stored in
another. Because a bus may lose messages, the store is asked now and then whether it has more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress

from collab.blocks import project
from collab.editors import Editor
from collab.errors import UnknownDocument
from collab.messages import ORIGIN
from collab.model import (
    Access,
    Block,
    CloseReason,
    DocumentId,
    Limits,
    Projection,
)
from collab.ports import Bus, Channel, Settled, UpdateStore
from collab.relay import Relay
from collab.room import Room
from collab.visitor import Ferry, Visitor

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()


class Rooms:
    """Where visitors are received. A document is open at most once."""

    def __init__(
        self,
        store: UpdateStore,
        *,
        limits: Limits = DEFAULT_LIMITS,
        bus: Bus | None = None,
        on_settled: Settled | None = None,
    ) -> None:
        self.limits = limits
        self._ferry = Ferry(limits)
        self._bus = bus
        self._origin = secrets.token_bytes(ORIGIN)
        self._looking: asyncio.Task[None] | None = None
        self._store = store
        self._on_settled = on_settled
        self._rooms: dict[DocumentId, asyncio.Task[Room]] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._rooms)

    def visitor(self, channel: Channel, *, access: Access, subject: str) -> Visitor:
        """Somebody who wants in. ``subject`` is who it is: nobody else may speak for its clients.

        ``drop`` ends its visit, also one that has not begun.
        """
        return Visitor(
            channel, access=access, subject=subject, limits=self.limits, ferry=self._ferry
        )

    async def visit(
        self, document: DocumentId, channel: Channel, *, access: Access, subject: str
    ) -> None:
        """Receive somebody and attend to them until they leave."""
        await self.receive(document, self.visitor(channel, access=access, subject=subject))

    async def receive(self, document: DocumentId, visitor: Visitor) -> None:
        """Attend to a visitor until it leaves. ``UnknownDocument`` if there is none."""
        if self._closing:
            await visitor.turn_away(CloseReason.GOING_AWAY)
        elif not self._fits(document):
            await visitor.turn_away(CloseReason.FULL)
        else:
            room = await self._enter(document)
            await room.serve(visitor)

    async def projection(self, document: DocumentId) -> Projection:
        """Title and blocks of a document, open or not. ``UnknownDocument`` if there is none."""
        room = self._open_room(document)
        if room is not None:
            return await room.projection()
        stored = await self._store.load(document)
        if stored is None:
            raise UnknownDocument(f"There is no document {document!r}; it may have been deleted.")
        return await asyncio.to_thread(project, stored.updates)

    async def blocks(self, document: DocumentId) -> tuple[Block, ...]:
        return (await self.projection(document)).blocks

    async def title(self, document: DocumentId) -> str:
        return (await self.projection(document)).title

    def editors(self, document: DocumentId) -> frozenset[Editor]:
        """Who has edited a document here since this was last asked, also if it is closing now."""
        opening = self._rooms.get(document)
        if opening is None or not opening.done() or opening.cancelled() or opening.exception():
            return frozenset()
        return opening.result().awareness.editors.take()

    async def evict(self, document: DocumentId) -> None:
        """Close a document that has been deleted; nothing more of it is stored."""
        room = self._open_room(document)
        if room is not None:
            room.evict(CloseReason.GONE)
            with suppress(TimeoutError):  # a store that hangs keeps nobody waiting
                await asyncio.wait_for(room.ended.wait(), 2.0)

    async def close(self, *, within: float = 2.0) -> None:
        """Close every room, storing what was taken; afterwards nobody is received."""
        self._closing = True
        if self._looking is not None:
            self._looking.cancel()
        for opening in self._rooms.values():
            if not opening.done():
                opening.cancel()
        closings = [
            asyncio.create_task(room.close(CloseReason.GOING_AWAY)) for room in self._open_rooms()
        ]
        if closings:
            _, late = await asyncio.wait(closings, timeout=within)
            for task in late:
                task.cancel()
            if late:
                log.error("%d rooms were not stored within %.1f s", len(late), within)
        for keeper in list(self._keepers):
            keeper.cancel()
        await asyncio.gather(*closings, *self._keepers, return_exceptions=True)

    async def _enter(self, document: DocumentId) -> Room:
        while True:
            opening = self._rooms.get(document)
            if opening is None:
                # All who come meanwhile wait for this one; it outlives the first one's patience.
                opening = asyncio.create_task(self._open(document))
                self._rooms[document] = opening
            room = await asyncio.shield(opening)
            if not room.closed:
                return room
            await room.ended.wait()
            if self._rooms.get(document) is opening:
                del self._rooms[document]

    async def _open(self, document: DocumentId) -> Room:
        try:
            room = await Room.open(
                document,
                self._store,
                limits=self.limits,
                relay=Relay(document, self._bus, self._origin),
                on_settled=self._on_settled,
            )
        except BaseException:
            del self._rooms[document]
            raise
        if self._bus is not None and self._looking is None:
            self._looking = asyncio.create_task(self._look(self._bus), name="looks at the store")
        keeper = asyncio.create_task(self._keep(room))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        return room

    async def _keep(self, room: Room) -> None:
        """Close the room when it has stood empty for a while."""
        opening = self._rooms[room.document]
        loop = asyncio.get_running_loop()
        while not room.closed:
            await room.vacant.wait()
            rest = room.left_at + self.limits.linger_seconds - loop.time()
            if rest <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(room.ended.wait(), rest)
        if not room.closed:
            await room.close(CloseReason.GOING_AWAY)
        await room.ended.wait()
        if self._rooms.get(room.document) is opening:
            del self._rooms[room.document]
        await room.leave_the_bus()

    async def _look(self, bus: Bus) -> None:
        """See to it that no room stays behind the store, whatever the bus has lost."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(self.limits.away_seconds)
            if not bus.away and loop.time() - looked < self.limits.look_seconds:
                continue
            looked = loop.time()
            rooms = [(room, room.through) for room in self._open_rooms()]
            try:
                heads = await self._store.heads([room.document for room, _ in rooms])
            except Exception:
                log.exception("The store did not say how far %d documents are", len(rooms))
                continue
            for room, before in rooms:
                room.awareness.look_for_the_lost()
                room.replication.learn(heads.get(room.document), before=before)

    def _fits(self, document: DocumentId) -> bool:
        """Whether a document is open or may be opened; an empty room makes way for it."""
        if document in self._rooms or len(self._rooms) < self.limits.documents:
            return True
        empty = next((room for room in self._open_rooms() if not room.visitors), None)
        if empty is None:
            return False
        closing = asyncio.create_task(empty.close(CloseReason.GOING_AWAY))
        self._keepers.add(closing)
        closing.add_done_callback(self._keepers.discard)
        return True

    def _open_rooms(self) -> list[Room]:
        return [room for document in self._rooms if (room := self._open_room(document))]

    def _open_room(self, document: DocumentId) -> Room | None:
        opening = self._rooms.get(document)
        if opening is None or not opening.done() or opening.cancelled() or opening.exception():
            return None
        room = opening.result()
        return None if room.closed else room
