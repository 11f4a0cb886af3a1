"""The same room for clients that speak as ``@hocuspocus/provider`` does.

There each message is led by the document's name, a client shows a token before it is answered,
and it is told of each update that it was taken. Here the door has already said who comes in, so
any token will do; and an update is told to be taken when it is durable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import IntEnum
from typing import Final

from collab import wire
from collab.errors import Malformed
from collab.model import Access, CloseReason, DocumentId
from collab.ports import Channel

AUTHENTICATED: Final = 2
SCOPES: Final = {Access.READ: "readonly", Access.WRITE: "read-write"}


class Kind(IntEnum):
    """What Hocuspocus has beside the messages of the y-protocols."""

    AUTH = 2
    STATELESS = 5
    CLOSE = 7
    SYNC_STATUS = 8
    PONG = 10


TAKEN: Final = bytes((Kind.SYNC_STATUS, 1))


class HocuspocusChannel:
    """A channel to such a client, for one document."""

    def __init__(self, channel: Channel, document: DocumentId) -> None:
        self._channel = channel
        self._document = document
        self._name = wire.chunk(document.encode())
        self._taken = 0  # updates that the client was told of

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for frame in self._channel:
            if frame == bytes((Kind.PONG,)):
                continue
            reader = wire.Reader(frame)
            name = reader.text()
            # A session of several on one socket adds what tells it from the others.
            if name.partition("\0")[0] != self._document:
                raise Malformed(f"A message for {name!r} came to {self._document!r}.")
            self._name = frame[: reader.at]
            rest = frame[reader.at :]
            match reader.integer():
                case wire.SYNC | wire.AWARENESS | wire.QUERY_AWARENESS:
                    yield rest
                case Kind.AUTH:
                    yield wire.hello("")
                case Kind.STATELESS:
                    continue
                case Kind.CLOSE:
                    return
                case kind:
                    raise Malformed(f"Message type {kind} is not one of Hocuspocus' clients.")

    async def send(self, message: bytes) -> None:
        reader = wire.Reader(message)
        match reader.integer():
            case wire.HELLO:
                reader.integer()
                reader.text()
                access = Access(reader.text())
                scope = wire.chunk(SCOPES[access].encode())
                await self._say(bytes((Kind.AUTH, AUTHENTICATED)) + scope)
                if access is Access.READ:
                    # It counts its first sync as unsaved until told, and a reader is asked nothing.
                    await self._say(TAKEN)
            case wire.SAVED:
                saved = reader.integer()
                for _ in range(saved - self._taken):
                    await self._say(TAKEN)
                self._taken = saved
            case _:
                await self._say(message)

    async def _say(self, message: bytes) -> None:
        await self._channel.send(self._name + message)

    def offer(self, message: bytes) -> bool:
        return False  # in its turn: ``send`` says in their words what is ours

    async def close(self, reason: CloseReason) -> None:
        await self._channel.close(reason)
