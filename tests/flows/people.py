"""Several people who ask over HTTP, each named "role:subject"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import httpx
from sqlalchemy import insert

from backend.store.tables import members
from backend.wiring import Services

Ask: TypeAlias = Callable[..., Awaitable[httpx.Response]]


async def shared_space(ask: Ask, services: Services, owner: str, people: Iterable[str]) -> str:
    """A space of the owner's, with these as its members; its id."""
    made = (await ask(owner, "POST", "/api/spaces", json={"name": "Space"})).json()["id"]
    async with services.store.writing() as connection:
        for who in people:
            role, _, name = who.partition(":")
            await connection.execute(insert(members).values(space=made, subject=name, role=role))
    return str(made)
