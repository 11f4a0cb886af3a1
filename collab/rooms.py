"""All rooms of this process: opened by the first visitor, closed some time after the last."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from collab.blocks import project
from collab.errors import UnknownDocument
from collab.model import (
    Access,
    Block,
    CloseReason,
    DocumentId,
    Limits,
    Projection,
)
from collab.ports import Channel, Settled, UpdateStore
from collab.room import Room, Visitor

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()


class Rooms:
    """Where visitors are received. A document is open at most once."""

    def __init__(
        self,
        store: UpdateStore,
        *,
        limits: Limits = DEFAULT_LIMITS,
        on_settled: Settled | None = None,
    ) -> None:
        self.limits = limits
        self._store = store
        self._on_settled = on_settled
        self._rooms: dict[DocumentId, asyncio.Task[Room]] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._rooms)

    async def visit(
        self, document: DocumentId, channel: Channel, *, access: Access, subject: str
    ) -> None:
        """Receive a visitor and attend to it until it leaves.

        ``subject`` is who it is, for ``revoke``. ``UnknownDocument`` if there is none.
        """
        if self._closing:
            await channel.close(CloseReason.GOING_AWAY)
            return
        room = await self._enter(document)
        await room.serve(Visitor(channel, access=access, subject=subject, limits=self.limits))

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

    def revoke(self, subject: str, document: DocumentId | None = None) -> int:
        """Close this person's sockets, in one document or in all; how many there were."""
        count = 0
        for room in self._open_rooms():
            if document is None or room.document == document:
                for visitor in list(room.visitors):
                    if visitor.subject == subject:
                        visitor.drop(CloseReason.REVOKED)
                        count += 1
        return count

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
                document, self._store, limits=self.limits, on_settled=self._on_settled
            )
        except BaseException:
            del self._rooms[document]
            raise
        keeper = asyncio.create_task(self._keep(room))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        return room

    async def _keep(self, room: Room) -> None:
        """Close the room when it has stood empty for a while."""
        opening = self._rooms[room.document]
        empty = 0.0
        step = self.limits.linger_seconds / 3
        while empty < self.limits.linger_seconds and not room.closed:
            try:
                await asyncio.wait_for(room.ended.wait(), step)
            except TimeoutError:
                empty = 0.0 if room.visitors else empty + step
        if not room.closed:
            await room.close(CloseReason.GOING_AWAY)
        await room.ended.wait()
        if self._rooms.get(room.document) is opening:
            del self._rooms[room.document]

    def _open_rooms(self) -> list[Room]:
        return [
            room
            for opening in self._rooms.values()
            if opening.done() and not opening.cancelled() and opening.exception() is None
            if not (room := opening.result()).closed
        ]

    def _open_room(self, document: DocumentId) -> Room | None:
        return next((room for room in self._open_rooms() if room.document == document), None)
