"""Stands between us and a real server, and does to its answers what networks and servers do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

STALL = "stall"  # takes the request and says nothing
CUT = "cut"  # hangs up before it answers; the server never heard
LATE = "late"  # waits for ``go_on`` and then does as it should
HALF_HEARD = "half heard"  # the server gets half of what was sent
UNHEARD = "unheard"  # the server does it, and its answer is lost
HALF_SAID = "half said"  # the answer breaks off
GARBAGE = "garbage"  # bytes that are no HTTP
ANSWERS = {
    "html": (200, "text/html", "<html><body>Sign in to continue</body></html>"),
    "no json": (200, "application/json", '{"hits": ['),
    "other json": (200, "application/json", '{"result": {"points": 7}, "hits": null, "items": 1}'),
    "500": (500, "application/json", '{"error": "unexpected", "status": {"error": "panic"}}'),
    "429": (429, "application/json", '{"error": "busy", "status": {"error": "busy"}}'),
    "503": (503, "text/plain", "upstream unavailable"),
}
FAULTS = (STALL, CUT, UNHEARD, HALF_SAID, GARBAGE, *ANSWERS)


class Faults:
    """``now`` is what befalls every request to a path that ``at`` matches, ``left`` times."""

    def __init__(self, upstream: str) -> None:
        self._host, _, port = upstream.rpartition(":")
        self._port = int(port)
        self._held: set[asyncio.StreamWriter] = set()
        self.address = ""
        self.now = ""
        self.at = ""
        self.left = 0
        self.befell = 0
        self.go_on = asyncio.Event()
        self.passed = asyncio.Event()  # one that was late has been answered

    def befall(self, fault: str, *, at: str = "", times: int = 1_000_000) -> None:
        self.now, self.at, self.left, self.befell = fault, at, times, 0

    def heal(self) -> None:
        """All is well from here on; who still waits for an answer is hung up on."""
        self.befall("")
        for writer in list(self._held):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._one(reader, writer)
        finally:
            self._held.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        path = head.split(b" ")[1].decode()
        fault = ""
        if self.now and self.left and re.search(self.at, path):
            fault = self.now
            self.left -= 1
            self.befell += 1
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
        head = head[:-4] + b"\r\nconnection: close\r\n\r\n"
        match fault:
            case "stall":
                await reader.read()
            case "cut":
                return
            case "garbage":
                writer.write(b"\x00\xff\x16\x03\x01 not a word of HTTP\r\n\r\n" * 20)
            case "half heard":
                await self._upstream(head + body[: len(body) // 2], ends=True)
            case "unheard":
                await self._upstream(head + body)
            case "half said":
                answer = await self._upstream(head + body)
                writer.write(answer[: max(len(answer) - 20, len(answer) // 2)])
            case "late":
                await self.go_on.wait()
                writer.write(await self._upstream(head + body))
                self.passed.set()
            case "":
                writer.write(await self._upstream(head + body))
            case _:
                status, kind, text = ANSWERS[fault]
                writer.write(
                    f"HTTP/1.1 {status} said\r\ncontent-type: {kind}\r\nconnection: close\r\n"
                    f"content-length: {len(text)}\r\n\r\n{text}".encode()
                )
        await writer.drain()

    async def _upstream(self, request: bytes, *, ends: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            await writer.drain()
            if ends:
                return b""
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def faulty(upstream: str) -> AsyncIterator[Faults]:
    """A proxy to the server at ``host:port``, which does nothing amiss until told to."""
    made = Faults(upstream)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        made.heal()
        server.close()
        await server.wait_closed()
