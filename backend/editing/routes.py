"""The WebSocket door: who may enter which room, and the socket as the room's channel."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from backend.auth.principal import Principal
from backend.briefs.service import Brief
from backend.errors import BackendError, Forbidden, NotFound, NotSignedIn
from backend.http import principal_of, services_of
from backend.services import Services
from backend.sockets import CLOSE_SECONDS, OFFER, Offer
from collab import Access, Channel, CloseReason
from collab.errors import CollabError, UnknownDocument
from collab.hocuspocus import HocuspocusChannel

log = logging.getLogger(__name__)

router = APIRouter()

SOCKETS: Final = 2_000  # open at once in this process
SOCKETS_EACH: Final = 500  # of one person; in development everyone is the same one
KNOCKING: Final = 512  # at the door and not yet known to be anybody
KNOCKING_EACH: Final = 256  # from one address; behind a proxy many people share one
KNOCK_SECONDS: Final = 10.0  # to find out who it is and what they may

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
    """Counts who is inside, and who waits to be known."""

    def __init__(
        self,
        *,
        sockets: int = SOCKETS,
        each: int = SOCKETS_EACH,
        knocking: int = KNOCKING,
        knocking_each: int = KNOCKING_EACH,
    ) -> None:
        self._inside = Crowd(sockets, each)
        self._knocking = Crowd(knocking, knocking_each)

    def enter(self, subject: str) -> AbstractContextManager[bool]:
        """Whether there is room for one more of this person; counted in until leaving."""
        return self._inside.one_more(subject)

    def knock(self, address: str) -> AbstractContextManager[bool]:
        """Whether one more of this address may be looked at; counted until it has been."""
        return self._knocking.one_more(address)


class Crowd:
    """So many in all, and so many of each name."""

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._here: Counter[str] = Counter()

    @contextmanager
    def one_more(self, name: str) -> Iterator[bool]:
        if self._here.total() >= self._most or self._here[name] >= self._each:
            yield False
            return
        self._here[name] += 1
        try:
            yield True
        finally:
            self._here[name] -= 1
            if not self._here[name]:
                del self._here[name]


class SocketChannel:
    """A WebSocket as ``collab`` sees it: whole binary messages."""

    def __init__(self, socket: WebSocket, *, message_bytes: int) -> None:
        self._socket = socket
        self._message_bytes = message_bytes
        self._offer: Offer = socket.scope.get("extensions", {}).get(OFFER, {}).get("send", _cannot)

    async def send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)

    def offer(self, message: bytes) -> bool:
        return self._offer(message)

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


def _cannot(message: bytes) -> bool:
    """Behind a server that has no way but to wait."""
    return False


@router.websocket("/rooms/{brief}")
async def visit(socket: WebSocket, brief: str) -> None:
    """Edit a brief together. Binary frames of the y-protocols; see collab/wire.py."""
    await _receive(socket, brief, lambda channel: channel)


@router.websocket("/rooms/{brief}/hocuspocus")
async def visit_as_hocuspocus(socket: WebSocket, brief: str) -> None:
    """The same for ``@hocuspocus/provider``, whose document's name is the brief's id."""
    await _receive(socket, brief, lambda channel: HocuspocusChannel(channel, brief))


async def _receive(
    socket: WebSocket, brief: str, spoken: Callable[[SocketChannel], Channel]
) -> None:
    services = services_of(socket)
    address = socket.client.host if socket.client else ""
    with services.door.knock(address) as heard:
        if not heard:
            await socket.close()  # without a handshake: nothing more is spent on it
            return
        known = await _known(socket, services, brief)
    if known is None:
        return
    principal, found, access = known
    subject = f"{principal.tenant}/{principal.subject}"
    with services.door.enter(subject) as admitted:
        if not admitted:
            await _turn_away(socket, CODES[CloseReason.FULL], "too many connections")
            return
        await socket.accept()
        channel = SocketChannel(socket, message_bytes=services.rooms.limits.message_bytes)
        visitor = services.rooms.visitor(spoken(channel), access=access, subject=subject)
        try:
            with services.watch.visiting(principal, found.space, found.id, visitor):
                await services.rooms.receive(brief, visitor)
        except UnknownDocument:
            await channel.close(CloseReason.GONE)
        except CollabError:
            log.exception("The room of %s failed", brief)
            await channel.close(CloseReason.STORE_FAILED)
        except Exception:
            log.exception("The room of %s could not be opened", brief)
            await channel.close(CloseReason.STORE_FAILED)


async def _known(
    socket: WebSocket, services: Services, brief: str
) -> tuple[Principal, Brief, Access] | None:
    """Who it is, and what they may do in the brief; None once they were turned away."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            principal = await principal_of(socket)
            return principal, *await services.briefs.access(principal, brief)
    except NotSignedIn:
        await _turn_away(socket, NOT_SIGNED_IN, "not signed in")
    except Forbidden as error:
        await _turn_away(socket, REFUSED, error.code)
    except NotFound:
        await _turn_away(socket, NO_SUCH_BRIEF, "no such brief")
    except (BackendError, TimeoutError):
        log.exception("The door to %s failed", brief)
        await _turn_away(socket, CODES[CloseReason.STORE_FAILED], "failed")
    return None


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
