"""What every request and response passes through: limits on bodies, headers against misuse."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 1024 * 1024  # bytes of a body that carries no file
IMAGE = 32 * 1024 * 1024
FORM_OVERHEAD = 64 * 1024  # bytes of a multipart body that are not the file

# Whole addresses: an id may be called like one of these, and anybody may send to a webhook's.
_UPLOADED: Final = re.compile(r"/api/spaces/[^/]+/(sources|sources/paste|images)")

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class SafeHeaders:
    """Adds the headers that a response does not set more strictly itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, sending)


class WithoutNul:
    """Puts U+FFFD for NUL in addresses: PostgreSQL takes none.

    An id that had one is then an unknown id, and not a fault of the database.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "\0" in scope.get("path", "") or b"%00" in scope.get("query_string", b""):
            scope = dict(scope)
            scope["path"] = scope["path"].replace("\0", "\ufffd")
            scope["query_string"] = scope["query_string"].replace(b"%00", b"%EF%BF%BD")
        await self._app(scope, receive, send)


class BodyLimit:
    """Stops reading a body at its limit, whatever length it declared."""

    def __init__(self, app: ASGIApp, *, upload: int) -> None:
        self._app = app
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope)
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message: MutableMapping[str, Any] = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"The request's body is larger than {limit:,} bytes.")
            return message

        await self._app(scope, receiving, send)

    def _limit(self, scope: Scope) -> int:
        match = _UPLOADED.fullmatch(scope["path"])
        match match[1] if match else "":
            case "sources":
                return self._upload + FORM_OVERHEAD
            case "sources/paste":
                return self._upload + SMALL
            case "images":
                return IMAGE + FORM_OVERHEAD
        return SMALL
