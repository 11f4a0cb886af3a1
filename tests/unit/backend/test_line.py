"""The way out that all connections share."""

from __future__ import annotations

import httpx

from backend.connections.line import Line


async def test_what_one_connection_is_given_no_other_brings_back() -> None:
    """A cookie that comes with an answer is not sent with the next call: it may be a session's."""
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "JSESSIONID=ada; Path=/"})

    line = Line(httpx.MockTransport(answer))
    client = await line.client()
    for _ in range(2):
        await client.get("https://acme.atlassian.net/rest/api/3/myself")
    await line.close()
    assert sent == [None, None]
