"""A connection's calls: signed with a token that is good, at a pace that all processes share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from backend.connections.budgets import SharedBudget
from backend.connections.kinds import PROBES, root, shared_paces, signed
from backend.connections.model import NAMES, Connection, Credentials, Kind, State
from backend.connections.tokens import Tokens
from backend.settings import Settings
from backend.store.connections import Held
from backend.store.paces import Limits, StoredPaces
from exporters.errors import NotConnected, RemoteRefused
from exporters.ports import Api, Budget, Clock, Pace, Response
from exporters.records import Request


class Sign(Protocol):
    """The headers of a call; ``renew`` after the last ones were turned down."""

    async def __call__(self, *, renew: bool) -> Mapping[str, str]: ...


class Calls(Protocol):
    async def __call__(self, root: str, sign: Sign, budget: Budget, *, window: timedelta) -> Api:
        """What calls below an address. ``window``: how long a refusal holds that says no time."""
        ...


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
        self._budgets: WeakValueDictionary[Limits, SharedBudget] = WeakValueDictionary()

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
        paces = self._paces(connection.kind)
        limits = Limits(connection.id, paces, shared_paces(connection.kind, held.credentials))
        budget = self._budgets.get(limits)
        if budget is None:
            budget = self._budgets[limits] = SharedBudget(limits, self._rows, self._clock)

        async def speak(sign: Sign) -> Api:
            return await self._calls(
                root(connection, self._settings), sign, budget, window=_shortest(paces)
            )

        return ConnectedApi(held, self._tokens, speak)

    async def once(self, connection: Connection, credentials: Credentials) -> Api:
        """For credentials that are not kept yet: to ask whose they are."""

        async def sign(*, renew: bool) -> Mapping[str, str]:
            return _unless_renewing(connection, credentials, renew)

        return await self._calls(
            root(connection, self._settings), sign, _Unpaced(), window=timedelta(0)
        )


class ConnectedApi:
    """``exporters.ports.Api`` that renews its token when it must, once, and else says who can."""

    def __init__(self, held: Held, tokens: Tokens, speak: Callable[[Sign], Awaitable[Api]]) -> None:
        self._held = held
        self._tokens = tokens
        self._speak = speak

    async def read(self, request: Request) -> Response:
        signing = self._signing()
        api = await self._speak(signing)
        try:
            return await api.read(request)
        except NotConnected as error:
            await self._explain(signing, error)
            return Response(403, {"message": str(error)})

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        signing = self._signing()
        api = await self._speak(signing)
        try:
            return await api.write(request, not_after=not_after)
        except NotConnected as error:
            await self._explain(signing, error)
            raise RemoteRefused(str(error), status=403, code="not_allowed") from error

    def _signing(self) -> _Signing:
        return _Signing(self._held, self._tokens, self._keep)

    def _keep(self, held: Held) -> None:
        if held.generation > self._held.generation:
            self._held = held

    async def _explain(self, signing: _Signing, error: NotConnected) -> None:
        """Returns where it was not for the token, but for this one call: some say both with the
        same status. Raises NotConnected where a person has to connect again, which is kept."""
        mine = signing.held
        connection = mine.connection
        now = await self._tokens.held(connection.tenant, connection.id)
        if now.connection.state is State.RECONNECT or now.generation != mine.generation:
            raise error

        async def sign(*, renew: bool) -> Mapping[str, str]:
            return _unless_renewing(connection, mine.credentials, renew)

        api = await self._speak(sign)
        try:
            await api.read(PROBES[connection.kind])
        except NotConnected:
            trouble = f"{NAMES[connection.kind]} no longer takes our token."
            await self._tokens.give_up(mine, trouble)
            raise NotConnected(trouble, status=error.status, code=error.code) from None


class _Signing:
    """What signs one call: which token was turned down is its own, whatever others have by now."""

    def __init__(self, held: Held, tokens: Tokens, keep: Callable[[Held], None]) -> None:
        self.held = held
        self._tokens = tokens
        self._keep = keep

    async def __call__(self, *, renew: bool) -> Mapping[str, str]:
        wanted = self._tokens.renew if renew else self._tokens.good
        self.held = await wanted(self.held)
        self._keep(self.held)
        return signed(self.held.connection, self.held.credentials)


class _Unpaced:
    async def take(self, calls: int = 1) -> None: ...

    async def pause(self, wait: timedelta) -> None: ...


def _unless_renewing(
    connection: Connection, credentials: Credentials, renew: bool
) -> Mapping[str, str]:
    if renew:
        raise NotConnected(f"{NAMES[connection.kind]} does not take this token.", status=401)
    return signed(connection, credentials)


def _shortest(paces: Sequence[Pace]) -> timedelta:
    return min((pace.per for pace in paces), default=timedelta(seconds=1))
