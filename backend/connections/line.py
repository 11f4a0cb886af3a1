"""The way out to other servers: one client for all, opened with the first call."""

from __future__ import annotations

import logging
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

WAIT: Final = 30.0  # seconds for each of connecting, sending and receiving


class Line:
    """Follows no redirect: whoever answers with one sends our token nowhere. Keeps no cookie: one
    of a session would make the next connection's calls in the name of the one before."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def client(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            # It writes whole addresses, and there are some with a token in them.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._client = httpx.AsyncClient(
                timeout=WAIT,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                transport=self._transport,
            )
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
