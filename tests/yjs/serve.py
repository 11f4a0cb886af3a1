"""A server of rooms alone, in a process of its own so that it can be killed.

    python tests/yjs/serve.py FOLDER PORT [DATABASE_URL [BUS_URL]]

Serves every brief in FOLDER's database, or in the one that is named. A visitor is who its
`x-visitor` header says (`viewer:ann`, a role and a name), the admin without one, and nobody at all
with `stranger`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
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
from backend.members.service import Members
from backend.members.watch import Watch
from backend.settings import Settings, Url
from backend.sockets import Socket
from backend.spaces.service import Spaces
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from backend.wiring.bus import open_bus
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
async def rooms_app(
    folder: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    database: str = "sqlite:///app.db",
    bus_url: str = "none:",
) -> AsyncIterator[FastAPI]:
    """The door over a database, where a header says who one is."""
    async with (
        open_store(Url(database), folder) as store,
        open_bus(Settings(_env_file=None, bus_url=bus_url)) as bus,
    ):
        hub = Hub()
        if bus is not None:
            await hub.join(bus)
        rooms = Rooms(
            SqlUpdates(store), limits=limits, bus=bus, on_settled=BriefSettled(store, hub)
        )
        spaces = Spaces(store)
        watch = Watch(store, bus)
        watching = asyncio.create_task(watch.run())
        app = FastAPI()
        app.state.services = SimpleNamespace(
            rooms=rooms,
            briefs=Briefs(store, spaces, rooms, hub),
            spaces=spaces,
            members=Members(store, spaces, hub, watch.changed),
            watch=watch,
            door=Door(),
            hub=hub,
            store=store,
            authenticator=ByHeader(),
        )
        app.include_router(router)
        try:
            yield app
        finally:
            watching.cancel()
            await rooms.close()


class Announced(uvicorn.Server):
    """Says on stdout when it listens, and lets the rooms be closed once it was asked to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The original raises the signal again when it has stopped, which ends the process there.
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.handle_exit, signal.SIGTERM, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


async def main(folder: Path, port: int, *urls: str) -> None:
    named = dict(zip(("database", "bus_url"), urls, strict=False))
    async with rooms_app(folder, **named) as app:
        config = uvicorn.Config(
            app,
            port=port,
            log_level="warning",
            ws=Socket,
            ws_max_size=16 * 1024 * 1024 + 1024,
            ws_per_message_deflate=False,
        )
        await Announced(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
