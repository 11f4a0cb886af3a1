"""A line to an application in this process, for exports by the thousand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import httpx
from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class _Answer:
    status_code: int
    headers: Mapping[str, str]
    content: bytes

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        yield self.content


class _Line:
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
        **_: Any,
    ) -> AsyncIterator[_Answer]:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), said.encode()) for name, said in headers.items()],
            "server": (parts.hostname, 443),
            "client": ("127.0.0.1", 1),
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content or b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        named = {name.decode().lower(): said.decode() for name, said in sent[0].get("headers", ())}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        yield _Answer(sent[0]["status"], named, body)


def line(app: ASGIApp) -> httpx.AsyncClient:
    """Stands in for a client over ``httpx.ASGITransport``, as far as ``HttpApi`` calls it: most of
    the time of a small call goes into httpx. Raises what the application does."""
    return cast(httpx.AsyncClient, _Line(app))
