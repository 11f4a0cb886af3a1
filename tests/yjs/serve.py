"""A server of rooms alone, in a process of its own so that it can be killed.

    python tests/yjs/serve.py FOLDER PORT

Serves every brief in FOLDER's database. A visitor is who its `x-visitor` header says (`viewer:ann`,
a role and a name), the admin without one, and nobody at all with `stranger`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parents[2]))

from backend.auth.principal import Principal, Role
from backend.briefs.service import Briefs, BriefSettled
from backend.editing.routes import Door, router
from backend.errors import Forbidden, NotSignedIn
from backend.events import Hub
from backend.settings import Url
from backend.spaces.service import Spaces
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from collab import Limits, Rooms
from collab.rooms import DEFAULT_LIMITS


class ByHeader:
    """Whoever the ``x-visitor`` header says; for tests only."""

    name = "header"

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        role, _, name = headers.get("x-visitor", "admin:you").partition(":")
        if role == "stranger":
            raise NotSignedIn("Nobody is signed in.", "Sign in.")
        if role == "foreign":
            raise Forbidden("A page of elsewhere.", "Open the product itself.")
        if role == "elsewhere":
            return Principal(name, "another", name, frozenset({Role.ADMIN}))
        return Principal(name, "local", name, frozenset({Role(role)}))


@asynccontextmanager
async def rooms_app(folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[FastAPI]:
    """The door over a database in this folder, where a header says who one is."""
    async with open_store(Url("sqlite:///app.db"), folder) as store:
        hub = Hub()
        rooms = Rooms(SqlUpdates(store), limits=limits, on_settled=BriefSettled(store, hub))
        spaces = Spaces(store)
        app = FastAPI()
        app.state.services = SimpleNamespace(
            rooms=rooms,
            briefs=Briefs(store, spaces, rooms, hub),
            spaces=spaces,
            door=Door(),
            hub=hub,
            store=store,
            authenticator=ByHeader(),
        )
        app.include_router(router)
        try:
            yield app
        finally:
            await rooms.close()


class Announced(uvicorn.Server):
    """Says on stdout when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


async def main(folder: Path, port: int) -> None:
    async with rooms_app(folder) as app:
        config = uvicorn.Config(
            app,
            port=port,
            log_level="warning",
            ws_max_size=16 * 1024 * 1024 + 1024,
            ws_per_message_deflate=False,
        )
        await Announced(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
