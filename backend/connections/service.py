"""Connections of a space: who may make them, whose they are, and where they lead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.clock import new_id, now
from backend.connections.apis import ConnectionApis
from backend.connections.hooks import Hooks, Listening
from backend.connections.kinds import email_given, jira_site, token_given
from backend.connections.model import NAMES, Connection, Credentials, Kind, Method, State
from backend.connections.sign_in import Granted, SignIns
from backend.connections.tokens import Tokens
from backend.connections.watching import Watching
from backend.errors import Conflict, Invalid, NotFound, Unavailable
from backend.events import Hub
from backend.settings import Settings
from backend.spaces.service import Space, Spaces
from backend.store.connections import Full, Gone, StoredConnections
from exporters.choices import Account, Guide, MappingChoice, PlaceFound
from exporters.errors import NotConnected
from exporters.records import Json, Place

IN_A_SPACE: Final = 50
NAME: Final = 200  # characters
QUERY: Final = 200
PATIENCE: Final = 40.0  # seconds


@dataclass(frozen=True, slots=True)
class Given:
    """What a person copied over there. Jira wants a site and an e-mail address, Trello a key; the
    secret of Trello's application, where it is given, lets it call in."""

    token: str = field(repr=False)
    email: str = ""
    site: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the token over there: revoked by us, or left for its owner to revoke."""

    revoked: bool


class Connections:
    def __init__(
        self,
        stored: StoredConnections,
        spaces: Spaces,
        apis: ConnectionApis,
        tokens: Tokens,
        sign_ins: SignIns,
        watching: Watching,
        hooks: Hooks,
        hub: Hub,
        settings: Settings,
        guide: Callable[[Kind], Guide],
    ) -> None:
        self._stored = stored
        self._spaces = spaces
        self._apis = apis
        self._tokens = tokens
        self._sign_ins = sign_ins
        self._watching = watching
        self._hooks = hooks
        self._hub = hub
        self._settings = settings
        self._guide = guide

    async def list(self, principal: Principal, space: str) -> Sequence[Connection]:
        """Those of a space, for whoever may export from it."""
        opened = await self._spaces.open(principal, space, Action.EXPORT)
        return await self._stored.of_space(opened.tenant, opened.id)

    async def open(self, principal: Principal, connection: str, action: Action) -> Connection:
        """One by its id, for someone who may do this in its space; else NotFound or Forbidden."""
        try:
            found = await self._stored.one(principal.tenant, connection)
            await self._spaces.open(principal, found.space, action)
        except (Gone, NotFound):  # of the space, whose id the asker did not name
            raise NotFound("connection", connection) from None
        return found

    async def add(
        self,
        principal: Principal,
        space: str,
        kind: Kind,
        given: Given,
        connection: str | None = None,
    ) -> Connection:
        """Connect by what a person copied, once the other side takes it; or connect again."""
        opened = await self._spaces.open(principal, space, Action.CONNECT)
        return await self._keep(principal, opened, kind, self._granted(kind, given), connection)

    async def check(self, principal: Principal, space: str, connection: str) -> Connection:
        """Ask the other side who the token is; what it says is kept."""
        found = await self._of(principal, space, connection, Action.EXPORT)
        held = await self._tokens.held(found.tenant, found.id)
        async with _patience(found.kind):
            account = await self._guide(found.kind).check(self._apis.over(held))
        await self._stored.mend(held, account)
        self._tell(found)
        return await self._of(principal, space, connection, Action.EXPORT)

    async def remove(self, principal: Principal, space: str, connection: str) -> Removed:
        """Erase the token, and have the other side forget it where it can. What was exported stays
        as it is over there."""
        found = await self._of(principal, space, connection, Action.CONNECT)
        revoked = False
        try:
            held = await self._tokens.held(found.tenant, found.id)
            await self._watching.stop(held.connection)
            revoked = await self._sign_ins.revoke(held)
        except NotConnected:
            pass  # it is worth nothing already, or cannot be opened: there is only a row to remove
        await self._stored.remove(found.tenant, found.id)
        self._tell(found)
        return Removed(revoked)

    async def sign_in(
        self,
        principal: Principal,
        space: str,
        kind: Kind,
        *,
        base: str,
        connection: str | None = None,
        site: str = "",
    ) -> str:
        """Where the person goes to say yes; they come back to ``base``."""
        opened = await self._spaces.open(principal, space, Action.CONNECT)
        if connection is not None:
            await self._of(principal, opened.id, connection, Action.CONNECT)
        return await self._sign_ins.begin(
            principal, opened, kind, base=base, connection=connection, site=site
        )

    async def come_back(
        self, principal: Principal, kind: Kind, *, state: str, code: str, error: str
    ) -> Connection:
        """The person came back, with a code (of Trello: the token itself) or with an error."""
        pending = await self._sign_ins.pending(principal, kind, state)
        opened = await self._spaces.open(principal, pending.space, Action.CONNECT)
        granted = await self._sign_ins.granted(pending, code=code, error=error)
        return await self._keep(principal, opened, kind, granted, pending.connection)

    async def places(
        self, principal: Principal, connection: str, query: str
    ) -> Sequence[PlaceFound]:
        found = await self.open(principal, connection, Action.EXPORT)
        api = await self._apis.open(found.id, found.tenant)
        async with _patience(found.kind):
            return await self._guide(found.kind).places(api, " ".join(query.split())[:QUERY])

    async def choices(
        self,
        principal: Principal,
        connection: str,
        where: Mapping[str, Json],
        mapping: Mapping[str, Json],
    ) -> Sequence[MappingChoice]:
        """What may be chosen about how briefs are shown there."""
        found = await self.open(principal, connection, Action.EXPORT)
        api = await self._apis.open(found.id, found.tenant)
        place = Place(found.kind.value, "", where, mapping)
        async with _patience(found.kind):
            return await self._guide(found.kind).choices(api, place)

    async def watch(self, connection: Connection, where: Mapping[str, Json]) -> bool:
        """Have the other side call in about a place; False where changes are found by looking."""
        return await self._watching.watch(connection.tenant, connection.id, where)

    async def unwatch(self, tenant: str, connection: str, where: Mapping[str, Json]) -> None:
        """Have it call in no more about a place that no target is at."""
        await self._watching.unwatch(tenant, connection, where)

    async def listening(self, principal: Principal, connection: str) -> Listening:
        """How it hears of changes; for whoever may set that up over there."""
        return await self._hooks.listening(await self.open(principal, connection, Action.CONNECT))

    async def listen(self, principal: Principal, connection: str) -> Listening:
        """Begin anew to hear of changes, by what a person sets up over there."""
        return await self._hooks.expect(await self.open(principal, connection, Action.CONNECT))

    async def _of(
        self, principal: Principal, space: str, connection: str, action: Action
    ) -> Connection:
        """By both ids: one of another space is not there."""
        opened = await self._spaces.open(principal, space, action)
        try:
            found = await self._stored.one(opened.tenant, connection)
        except Gone:
            raise NotFound("connection", connection) from None
        if found.space != opened.id:
            raise NotFound("connection", connection)
        return found

    async def _keep(
        self,
        principal: Principal,
        space: Space,
        kind: Kind,
        granted: Granted,
        again: str | None,
    ) -> Connection:
        """Ask who the token is, and keep it sealed."""
        connection = Connection(
            id=new_id("con"),
            tenant=space.tenant,
            space=space.id,
            kind=kind,
            method=granted.method,
            name=granted.name,
            account=Account(""),
            site=granted.site,
            scopes=granted.scopes,
            state=State.OK,
            trouble="",
            hook=None,
            created_at=now(),
            created_by=principal.subject,
        )
        try:
            api = await self._apis.once(connection, granted.credentials)
            async with _patience(kind):
                account = await self._guide(kind).check(api)
        except NotConnected:
            raise Invalid(
                f"{NAMES[kind]} does not take this token.",
                "Look whether it is whole, belongs to this site, and has not expired.",
                code="token_refused",
            ) from None
        name = (granted.name or account.name or NAMES[kind])[:NAME]
        connection = replace(connection, account=account, name=name)
        if again is None:
            await self._add(connection, granted.credentials, space)
        else:
            connection = await self._replace(principal, again, connection, granted.credentials)
        if granted.signs:
            await self._hooks.agree(connection, granted.signs)
        if again is not None:
            await self._watching.again(connection)
        self._tell(connection)
        return connection

    async def _add(self, connection: Connection, credentials: Credentials, space: Space) -> None:
        try:
            await self._stored.add(connection, credentials, limit=IN_A_SPACE)
        except Full:
            raise Invalid(
                f"{space.name!r} has {IN_A_SPACE} connections, which is all it may have.",
                "Remove one that nobody uses.",
            ) from None
        except Gone:
            raise NotFound("space", space.id) from None

    async def _replace(
        self, principal: Principal, again: str, new: Connection, credentials: Credentials
    ) -> Connection:
        """The same connection with another token: its targets stay what they are."""
        old = await self._of(principal, new.space, again, Action.CONNECT)
        if not _lead_to_the_same(old, new):
            raise Conflict(
                f"That token is of {_whose(new)}, and this connection is of {_whose(old)}: what "
                "was exported through it could not be found again.",
                "Make a connection of its own for it, and choose that one where briefs are to go "
                "there.",
                code="another_account",
            )
        connection = replace(
            new, id=old.id, hook=old.hook, created_at=old.created_at, created_by=old.created_by
        )
        try:
            await self._stored.replace(connection, credentials)
        except Gone:
            raise NotFound("connection", again) from None
        return connection

    def _granted(self, kind: Kind, given: Given) -> Granted:
        """What a person copied; raises Invalid."""
        token = token_given("token", given.token)
        match kind:
            case Kind.NOTION:
                return Granted(Method.TOKEN, Credentials(token))
            case Kind.JIRA:
                site = jira_site(given.site, self._settings.jira_sites)
                return Granted(
                    Method.TOKEN,
                    Credentials(token, email_given(given.email)),
                    site=site,
                    name=site.partition("://")[2],
                )
            case Kind.TRELLO:
                return Granted(
                    Method.TOKEN,
                    Credentials(token, token_given("key", given.key)),
                    signs=token_given("secret", given.secret) if given.secret else "",
                )

    def _tell(self, connection: Connection) -> None:
        self._hub.publish(connection.space, "connections", {"connection": connection.id})


def _lead_to_the_same(one: Connection, other: Connection) -> bool:
    """Whether both reach the same things: anybody's token of a Jira site or, by a sign-in, of a
    Notion workspace; else a token of the same account."""
    if one.kind is not other.kind:
        return False
    if one.kind is Kind.JIRA:
        return one.name == other.name
    if one.site and other.site:
        return one.site == other.site
    return not one.account.id or one.account.id == other.account.id


def _whose(connection: Connection) -> str:
    names = dict.fromkeys((connection.account.name, connection.name))
    said = " in ".join(repr(name) for name in names if name)
    return f"{said} ({NAMES[connection.kind]})"


@asynccontextmanager
async def _patience(kind: Kind) -> AsyncIterator[None]:
    """A person waits for this: what an export would try for minutes is told after a while."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise Unavailable(
            f"{NAMES[kind]} did not answer within {PATIENCE:.0f} seconds.",
            "Look whether it can be reached, and try again.",
        ) from None
