"""Calls into an ASGI application with nothing between: for thousands of exports in a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import httpx
from starlette.types import ASGIApp, Message

ROOT = "http://remote.example"


@dataclass(frozen=True, slots=True)
class Answer:
    status_code: int
    headers: Mapping[str, str]
    content: bytes

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        yield self.content


class _Direct:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str],
        timeout: float,
        follow_redirects: bool,
    ) -> AsyncIterator[Answer]:
        path, _, query = url.removeprefix(ROOT).partition("?")
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content or b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": httpx.URL(path).path if "%" in path else path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), said.encode()) for name, said in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("remote.example", 80),
        }
        await self._app(scope, receive, send)
        named = {name.decode().lower(): said.decode() for name, said in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        yield Answer(sent[0]["status"], named, body)


def direct_client(app: ASGIApp) -> httpx.AsyncClient:
    """Stands in for a client with an ``ASGITransport``, as far as ``HttpApi`` calls it: below ROOT.
    Most of the time of a small call goes into httpx."""
    return cast(httpx.AsyncClient, _Direct(app))
