"""The WebSocket door: who may enter which room, and the socket as the room's channel."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from backend.errors import BackendError, Forbidden, NotFound, NotSignedIn
from backend.http import principal_of, services_of
from collab import CloseReason
from collab.errors import CollabError, UnknownDocument

log = logging.getLogger(__name__)

router = APIRouter()

SEND_SECONDS: Final = 20.0  # for one message; a visitor who takes longer is dropped
CLOSE_SECONDS: Final = 2.0
SOCKETS: Final = 2_000  # open at once in this process
SOCKETS_EACH: Final = 500  # of one person; in development everyone is the same one

CODES: Final[Mapping[CloseReason, int]] = {
    CloseReason.MALFORMED: 4400,
    CloseReason.REVOKED: 4403,
    CloseReason.GONE: 4404,
    # In the 45xx range, since Yjs clients take 44xx for final and these ask to come back.
    CloseReason.CHANGED: 4503,
    CloseReason.TOO_SLOW: 4508,
    CloseReason.FULL: 4508,
    CloseReason.TOO_LARGE: 4413,
    CloseReason.STORE_FAILED: 4500,
    CloseReason.GOING_AWAY: 1001,
}
NOT_SIGNED_IN: Final = 4401
REFUSED: Final = 4403
NO_SUCH_BRIEF: Final = 4404


class Door:
    """Counts who is inside."""

    def __init__(self, *, sockets: int = SOCKETS, each: int = SOCKETS_EACH) -> None:
        self._sockets = sockets
        self._each = each
        self._inside: Counter[str] = Counter()

    @contextmanager
    def enter(self, subject: str) -> Iterator[bool]:
        """Whether there is room for one more; counted in until leaving."""
        if self._inside.total() >= self._sockets or self._inside[subject] >= self._each:
            yield False
            return
        self._inside[subject] += 1
        try:
            yield True
        finally:
            self._inside[subject] -= 1
            if not self._inside[subject]:
                del self._inside[subject]


class SocketChannel:
    """A WebSocket as ``collab`` sees it: whole binary messages, with a time-out on sending."""

    def __init__(self, socket: WebSocket, *, message_bytes: int) -> None:
        self._socket = socket
        self._message_bytes = message_bytes

    async def send(self, message: bytes) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._socket.send_bytes(message)

    async def close(self, reason: CloseReason) -> None:
        await _close(self._socket, CODES[reason], reason.value)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            message = received.get("bytes")
            if message is None:
                await self.close(CloseReason.MALFORMED)
                return
            if len(message) > self._message_bytes:
                await self.close(CloseReason.TOO_LARGE)
                return
            yield message


@router.websocket("/rooms/{brief}")
async def visit(socket: WebSocket, brief: str) -> None:
    """Edit a brief together. Binary frames of the y-protocols; see collab/wire.py."""
    services = services_of(socket)
    try:
        principal = await principal_of(socket)
        _, access = await services.briefs.access(principal, brief)
    except NotSignedIn:
        await _turn_away(socket, NOT_SIGNED_IN, "not signed in")
        return
    except Forbidden as error:
        await _turn_away(socket, REFUSED, error.code)
        return
    except NotFound:
        await _turn_away(socket, NO_SUCH_BRIEF, "no such brief")
        return
    except BackendError:
        log.exception("The door to %s failed", brief)
        await _turn_away(socket, CODES[CloseReason.STORE_FAILED], "failed")
        return
    subject = visitor_subject(principal.tenant, principal.subject)
    with services.door.enter(subject) as admitted:
        if not admitted:
            await _turn_away(socket, CODES[CloseReason.FULL], "too many connections")
            return
        await socket.accept()
        channel = SocketChannel(socket, message_bytes=services.rooms.limits.message_bytes)
        try:
            await services.rooms.visit(brief, channel, access=access, subject=subject)
        except UnknownDocument:
            await channel.close(CloseReason.GONE)
        except CollabError:
            log.exception("The room of %s failed", brief)
            await channel.close(CloseReason.STORE_FAILED)
        except Exception:
            log.exception("The room of %s could not be opened", brief)
            await channel.close(CloseReason.STORE_FAILED)


def visitor_subject(tenant: str, subject: str) -> str:
    """How a person is named in a room, for ``Rooms.revoke``: unique across tenants."""
    return f"{tenant}/{subject}"


async def _turn_away(socket: WebSocket, code: int, reason: str) -> None:
    """Accepted only to be closed: a refused handshake tells a browser no code."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.accept()
    await _close(socket, code, reason)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state):
        return
    # A peer that is gone or deaf is not waited for.
    with suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code, reason)
