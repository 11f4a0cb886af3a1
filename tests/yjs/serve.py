"""A server of rooms alone, in a process of its own so that it can be killed.

    python tests/yjs/serve.py FOLDER PORT

Serves every brief in FOLDER's database; a visitor named in the query (`?as=NAME`) is who it says,
and `?read` makes it a reader.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from fastapi import FastAPI
from starlette.requests import HTTPConnection

sys.path.insert(0, str(Path(__file__).parents[2]))

from backend.auth.principal import Principal, Role
from backend.briefs.service import Briefs, BriefSettled
from backend.editing.routes import Door, router
from backend.events import Hub
from backend.settings import Url
from backend.spaces.service import Spaces
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from collab import Rooms


class ByQuery:
    """Whoever the query says; for tests only."""

    name = "query"

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        return Principal("you", "local", "You", frozenset({Role.ADMIN}))


@asynccontextmanager
async def rooms_app(folder: Path) -> AsyncIterator[FastAPI]:
    """The door over a database in this folder, with no sign-in."""
    async with open_store(Url("sqlite:///app.db"), folder) as store:
        hub = Hub()
        rooms = Rooms(SqlUpdates(store), on_settled=BriefSettled(store, hub))
        spaces = Spaces(store)
        app = FastAPI()
        app.state.services = SimpleNamespace(
            rooms=rooms,
            briefs=Briefs(store, spaces, rooms, hub),
            spaces=spaces,
            door=Door(),
            hub=hub,
            store=store,
            authenticator=ByQuery(),
        )
        app.include_router(router)
        try:
            yield app
        finally:
            await rooms.close()


async def main(folder: Path, port: int) -> None:
    async with rooms_app(folder) as app:
        config = uvicorn.Config(
            app,
            port=port,
            log_level="warning",
            ws_max_size=16 * 1024 * 1024 + 1024,
            ws_per_message_deflate=False,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
