"""What can befall a call, and what people do meanwhile, by script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TIME_OUT = 30.0  # seconds that a client waits for an answer


class Fault(StrEnum):
    LOSE_REQUEST = "lose_request"  # it never arrives, and nobody says so
    LOSE_RESPONSE = "lose_response"  # it is done, and the line goes dead
    LATE = "late"  # it is done long after the client gave up
    STALL = "stall"  # it is done, and the answer comes after the client gave up
    CUT = "cut"  # it is done, and half the answer arrives
    TOO_MANY = "429"
    REFUSED = "500_before"  # an error, and nothing was done
    BROKEN = "500_after"  # an error, and yet it was done
    UNAVAILABLE = "503"  # nothing was done
    COLLIDED = "409"  # somebody else wrote at that moment; nothing was done
    UNCONNECTED = "unconnected"  # the connection cannot be made
    KILL_BEFORE = "kill_before"  # the worker dies before it sends
    KILL_AFTER = "kill_after"  # it is done, and the worker dies before it hears of it


class Killed(BaseException):
    """The worker is no more: nothing of it may run after this, ``except Exception`` included."""


class Sleeper(Protocol):
    async def sleep(self, seconds: float) -> None: ...


Edit: TypeAlias = Callable[[], None]
Refusal: TypeAlias = Callable[[int], tuple[Mapping[str, str], bytes]]
"""Headers and body of an error of the server's own, by status."""


def plain_refusal(status: int) -> tuple[Mapping[str, str], bytes]:
    headers = {"content-type": "application/json"}
    if status == 429:
        headers["retry-after"] = "1"
    return headers, b'{"message":"a fault of the test"}'


class Faults:
    """Stands before an application. Calls count from 1; ``faults`` and ``edits`` are by call.

    An edit is done before the call of its number. Faults of the line are raised as httpx would, for
    ``httpx.ASGITransport``; with ``socket`` the connection is cut instead, for uvicorn.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Sleeper,
        *,
        faults: Mapping[int, Fault] | None = None,
        edits: Mapping[int, Edit] | None = None,
        refusal: Refusal = plain_refusal,
        late: float = 90.0,  # seconds; below exporters.records.REQUEST_LIVES
        socket: bool = False,
    ) -> None:
        self._app = app
        self._clock = clock
        self._refusal = refusal
        self._late = late
        self._socket = socket
        self._on_their_way: set[asyncio.Task[None]] = set()
        self.faults = dict(faults or {})
        self.edits = dict(edits or {})
        self.calls = 0
        self.log: list[tuple[str, str]] = []  # method and path of each call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.calls += 1
        self.log.append((scope["method"], scope["path"]))
        if edit := self.edits.pop(self.calls, None):
            edit()
        match self.faults.pop(self.calls, None):
            case None:
                await self._app(scope, receive, send)
            case Fault.UNCONNECTED:
                raise httpx.ConnectError("a fault of the test")
            case Fault.LOSE_REQUEST:
                await self._clock.sleep(TIME_OUT)
                await self._dead_line(send, httpx.ReadTimeout("a fault of the test"))
            case Fault.LOSE_RESPONSE:
                await self._unheard(scope, receive)
                await self._dead_line(send, httpx.ReadError("a fault of the test"))
            case Fault.STALL:
                await self._unheard(scope, receive)
                await self._clock.sleep(TIME_OUT)
                await self._dead_line(send, httpx.ReadTimeout("a fault of the test"))
            case Fault.LATE:
                body = await _body(receive)
                task = asyncio.create_task(self._later(scope, body))
                self._on_their_way.add(task)
                task.add_done_callback(self._on_their_way.discard)
                await self._clock.sleep(TIME_OUT)
                await self._dead_line(send, httpx.ReadTimeout("a fault of the test"))
            case Fault.CUT:
                await self._unheard(scope, receive)
                await self._dead_line(send, httpx.RemoteProtocolError("a fault of the test"))
            case Fault.TOO_MANY:
                await self._error(send, 429)
            case Fault.REFUSED:
                await self._error(send, 500)
            case Fault.UNAVAILABLE:
                await self._error(send, 503)
            case Fault.COLLIDED:
                await self._error(send, 409)
            case Fault.BROKEN:
                await self._unheard(scope, receive)
                await self._error(send, 500)
            case Fault.KILL_BEFORE:
                raise Killed
            case Fault.KILL_AFTER:
                await self._unheard(scope, receive)
                raise Killed

    async def arrived(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._on_their_way:
            await asyncio.gather(*self._on_their_way)

    async def _unheard(self, scope: Scope, receive: Receive) -> None:
        async def nobody(message: Message) -> None:
            pass

        await self._app(scope, receive, nobody)

    async def _later(self, scope: Scope, body: bytes) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._clock.sleep(self._late)
        await self._unheard(scope, receive)

    async def _dead_line(self, send: Send, error: httpx.TransportError) -> None:
        if not self._socket:
            raise error
        # Less than was promised makes uvicorn drop the connection.
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})

    async def _error(self, send: Send, status: int) -> None:
        headers, body = self._refusal(status)
        raw: list[tuple[bytes, Any]] = [(k.encode(), v.encode()) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    whole = b""
    while True:
        message = await receive()
        whole += message.get("body", b"")
        if not message.get("more_body"):
            return whole
