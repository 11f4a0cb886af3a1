"""What these servers were asked, put to one that knows nothing but the published document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Call(NamedTuple):
    method: str
    path: str
    query: str
    body: Any
    status: int  # that ours gave
    said: Any = None  # by ours, where it was heard


class Listener:
    """Stands before an application and gathers what is asked of it, and how it answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.heard: list[Call] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, answered, status = b"", b"", 0

        async def hear() -> Message:
            nonlocal asked
            message = await receive()
            asked += message.get("body", b"")
            return message

        async def pass_on(message: Message) -> None:
            nonlocal answered, status
            status = message.get("status", status)
            answered += message.get("body", b"")
            await send(message)

        await self._app(scope, hear, pass_on)
        query = scope["query_string"].decode()
        body, said = (json.loads(raw) if raw else None for raw in (asked, answered))
        self.heard.append(Call(scope["method"], scope["path"], query, body, status, said))


def bare(said: Any) -> Any:
    """Without examples, which do not keep to the document themselves, and with each value of a list
    once: where one stands twice, the server checks nothing of the call, and does not say so."""
    if isinstance(said, list):
        plain = [bare(one) for one in said]
        return [one for at, one in enumerate(plain) if one not in plain[:at]]
    if not isinstance(said, dict):
        return said
    return {name: bare(one) for name, one in said.items() if name not in ("example", "examples")}


def invents_wrongly(said: httpx.Response) -> bool:
    """Whether all that it finds wrong is the answer that it made up itself."""
    wrong = said.json().get("validation", []) if said.content else []
    return bool(wrong) and all(one["location"][0] == "response" for one in wrong)


async def ask(client: httpx.AsyncClient, call: Call) -> httpx.Response:
    """The answer to a call, of the status that ours gave if it can give that."""
    address = f"{call.path}?{call.query}" if call.query else call.path
    prefer = {"prefer": f"code={call.status}"}
    return await client.request(call.method, address, json=call.body, headers=prefer)


async def differing(
    client: httpx.AsyncClient, calls: Iterable[Call]
) -> list[tuple[str, str, str, str, str]]:
    """What it refuses of the calls, or cannot answer as ours did, and its words."""
    found = []
    asked: list[Call] = []
    for call in calls:
        if call in asked:
            continue
        asked.append(call)
        said = await ask(client, call)
        if said.status_code != call.status and not invents_wrongly(said):
            found.append((call.method, call.path, call.query, str(call.body), said.text[:600]))
    return found
