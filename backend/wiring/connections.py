"""Where exports may go, as the settings say it: the key that seals, the way out, who signs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from backend.clock import SystemClock
from backend.connections.apis import ConnectionApis, Sign
from backend.connections.hooks import Drifts, Hooks
from backend.connections.kinds import provider
from backend.connections.line import Line
from backend.connections.model import Connection, Kind
from backend.connections.oauth import OAuth
from backend.connections.secrets import FILE, Keys, NoKeys
from backend.connections.service import Connections
from backend.connections.sign_in import SignIns
from backend.connections.tokens import Tokens
from backend.connections.watching import Watching
from backend.events import Hub
from backend.settings import Settings
from backend.spaces.service import Spaces
from backend.store.connections import StoredConnections
from backend.store.engine import Store
from backend.store.paces import StoredPaces
from backend.store.sign_ins import StoredSignIns
from backend.store.webhooks import StoredHooks
from exporters.ports import Api, Budget, Pace
from exporters.registry import target


@dataclass(frozen=True, slots=True)
class OpenedConnections:
    connections: Connections
    apis: ConnectionApis
    hooks: Hooks


@asynccontextmanager
async def open_connections(
    settings: Settings, store: Store, spaces: Spaces, hub: Hub, drifts: Drifts
) -> AsyncIterator[OpenedConnections]:
    """A key that cannot be used is an error here: without it nothing sealed would open."""
    keys = await asyncio.to_thread(_keys, settings)
    stored, calling_in = StoredConnections(store, keys), StoredHooks(store, keys)
    await stored.reseal()
    line, clock = Line(), SystemClock()
    oauth = OAuth(line)

    def told(connection: Connection) -> None:
        hub.publish(connection.space, "connections", {"connection": connection.id})

    async def calls(root: str, sign: Sign, budget: Budget, *, window: timedelta) -> Api:
        from exporters.http import HttpApi  # it loads the HTTP client, which a start has no need of

        return HttpApi(await line.client(), root, sign, budget, clock, window=window)

    tokens = Tokens(
        stored, oauth, lambda connection: provider(connection.kind, settings), clock, told
    )
    apis = ConnectionApis(tokens, settings, StoredPaces(store), clock, calls, _paces)
    watching = Watching(stored, calling_in, apis, settings)
    hooks = Hooks(calling_in, drifts, settings)
    connections = Connections(
        stored=stored,
        spaces=spaces,
        apis=apis,
        tokens=tokens,
        sign_ins=SignIns(StoredSignIns(store, keys), oauth, line, settings, clock),
        watching=watching,
        hooks=hooks,
        hub=hub,
        settings=settings,
        guide=target,
    )
    keeping = (
        [asyncio.create_task(watching.run(), name="keep webhooks")] if settings.jobs_workers else []
    )
    try:
        yield OpenedConnections(connections, apis, hooks)
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await tokens.close()
        await line.close()


def _keys(settings: Settings) -> Keys:
    if settings.secret_key is not None:
        return Keys.written(settings.secret_key.get_secret_value())
    if settings.url("DATABASE_URL").scheme != "sqlite":
        return NoKeys()
    return Keys.kept(settings.data_dir / FILE)


def _paces(kind: Kind) -> Sequence[Pace]:
    return target(kind).paces
