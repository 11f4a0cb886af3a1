"""A connection's calls: signed with a token that is good, at a pace that all processes share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from weakref import WeakValueDictionary

from backend.connections.budgets import SharedBudget
from backend.connections.kinds import PROBES, root, signed
from backend.connections.model import NAMES, Kind, State
from backend.connections.tokens import Tokens
from backend.settings import Settings
from backend.store.connections import Held
from backend.store.paces import StoredPaces
from exporters.errors import NotConnected, RemoteRefused
from exporters.ports import Api, Budget, Clock, Pace, Response
from exporters.records import Request

Calls: TypeAlias = Callable[[str, Mapping[str, str], Budget], Awaitable[Api]]
"""Makes calls below an address, with these headers, within a budget."""


class ConnectionApis:
    def __init__(
        self,
        tokens: Tokens,
        settings: Settings,
        rows: StoredPaces,
        clock: Clock,
        calls: Calls,
        paces: Callable[[Kind], Sequence[Pace]],
    ) -> None:
        self._tokens = tokens
        self._settings = settings
        self._rows = rows
        self._clock = clock
        self._calls = calls
        self._paces = paces
        self._budgets: WeakValueDictionary[str, SharedBudget] = WeakValueDictionary()

    async def open(self, connection: str, tenant: str) -> Api:
        """What an adapter calls through. Raises NotConnected where a person has to connect again;
        so does each call, once its token is no longer good."""
        held = await self._tokens.held(tenant, connection)
        if held.connection.state is State.RECONNECT:
            raise NotConnected(held.connection.trouble)
        return self.over(held)

    def over(self, held: Held) -> Api:
        """The same for what is held already, in whatever state it is."""
        connection = held.connection
        budget = self._budgets.get(connection.id)
        if budget is None:
            budget = SharedBudget(
                self._paces(connection.kind), self._rows, connection.id, self._clock
            )
            self._budgets[connection.id] = budget

        async def speak(held: Held) -> Api:
            headers = signed(connection, held.credentials)
            return await self._calls(root(connection, self._settings), headers, budget)

        return ConnectedApi(held, self._tokens, speak)


class ConnectedApi:
    """``exporters.ports.Api`` that renews its token when it must, once, and else says who can."""

    def __init__(self, held: Held, tokens: Tokens, speak: Callable[[Held], Awaitable[Api]]) -> None:
        self._held = held
        self._tokens = tokens
        self._speak = speak

    async def read(self, request: Request) -> Response:
        try:
            return await self._signed(lambda api: api.read(request))
        except _NotAllowed as error:
            return Response(403, {"message": str(error)})

    async def write(self, request: Request) -> Response:
        try:
            return await self._signed(lambda api: api.write(request))
        except _NotAllowed as error:
            raise RemoteRefused(str(error), status=403, code="not_allowed") from error

    async def _signed(self, call: Callable[[Api], Awaitable[Response]]) -> Response:
        self._held = await self._tokens.good(self._held)
        try:
            return await call(await self._speak(self._held))
        except NotConnected as error:
            if not self._held.credentials.refresh:
                return await self._unsigned(error)
        # A 401 is given before anything is done: even what changes something may be sent again.
        self._held = await self._tokens.renew(self._held)
        try:
            return await call(await self._speak(self._held))
        except NotConnected as error:
            return await self._unsigned(error)

    async def _unsigned(self, error: NotConnected) -> Response:
        """Not let in: for the token, or, as Trello says it with the same status, for this one call.

        Always raises.
        """
        connection = self._held.connection
        api = await self._speak(self._held)
        try:
            await api.read(PROBES[connection.kind])
        except NotConnected:
            newer = await self._tokens.held(connection.tenant, connection.id)
            if newer.generation != self._held.generation:  # connected again in this very moment
                raise
            trouble = f"{NAMES[connection.kind]} no longer takes our token. Connect again."
            await self._tokens.give_up(self._held, trouble)
            raise NotConnected(trouble, status=error.status, code=error.code) from None
        raise _NotAllowed(str(error))


class _NotAllowed(Exception):
    """The token is good; what was asked is not for whoever it belongs to."""
