"""How commands reach the product: the server that runs, or one in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from backend.settings import Settings, is_loopback

LISTED = 20  # briefs named in an error

ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class Refused(Exception):
    """The product said no, in its own words."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def address(settings: Settings) -> str:
    host = ANY.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{settings.port}"


@asynccontextmanager
async def product(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API of the server on the settings' port; without one, of the product opened here."""
    running = await serving(settings)
    if running is not None:
        async with httpx.AsyncClient(base_url=running, timeout=None, trust_env=False) as client:
            yield client
        return
    from backend.app import create_app
    from backend.wiring import open_services

    at_work = settings.model_copy(update={"jobs_workers": max(1, settings.jobs_workers)})
    async with open_services(at_work) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 0))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", timeout=None
        ) as client:
            yield client


async def serving(settings: Settings) -> str | None:
    """The address of our server on the settings' port, if it is ours and uses our data folder."""
    if not is_loopback(settings.host) and settings.host not in ANY:
        return None
    try:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            answer = await client.get(f"{address(settings)}/api/openapi.json")
            title = answer.json()["info"]["title"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
    return address(settings) if title == "StratMaster" else None


async def told(response: httpx.Response) -> Any:
    """The JSON of an answer; Refused where it is an error."""
    if response.is_success:
        return response.json() if response.content else None
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        raise Refused(f"The server answered {response.status_code}.") from None
    raise Refused(error["message"], error["remedy"])


async def find_space(client: httpx.AsyncClient, wanted: str, *, make: bool = False) -> str:
    """A space's id by its name or id; the first one where none is named."""
    spaces = await told(await client.get("/api/spaces"))
    for space in spaces:
        if not wanted or wanted in (space["id"], space["name"]):
            return str(space["id"])
    if make:
        new = await told(await client.post("/api/spaces", json={"name": wanted or "My space"}))
        return str(new["id"])
    names = ", ".join(space["name"] for space in spaces) or "none yet"
    raise Refused(
        f"There is no space {wanted!r}." if wanted else "There is no space yet.",
        f"Spaces here: {names}. `stratmaster ingest PATH` makes one.",
    )


async def find_brief(client: httpx.AsyncClient, wanted: str, space: str = "") -> dict[str, Any]:
    """A brief by its id, or by its title where only one has it, in one space or in all."""
    within = await find_space(client, space) if space else None
    found: list[dict[str, Any]] = []
    for one in await told(await client.get("/api/spaces")):
        if within in (None, one["id"]):
            found += await told(await client.get(f"/api/spaces/{one['id']}/briefs"))
    named = [one for one in found if one["id"] == wanted] or [
        one for one in found if one["title"] == wanted
    ]
    if len(named) != 1:
        known = ", ".join(f"{one['id']} ({one['title']})" for one in (named or found)[:LISTED])
        raise Refused(
            f"{len(named)} briefs are called {wanted!r}.",
            f"Name one by its id: {known or 'there is no brief yet'}.",
        )
    return named[0]
