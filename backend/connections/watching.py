"""Asking the other side to call in when something changes, where its API lets us."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from backend.clock import now
from backend.connections.apis import ConnectionApis
from backend.connections.model import Connection, Hook, Kind, Method
from backend.settings import Settings, is_loopback
from backend.store.connections import Gone, StoredConnections
from backend.store.webhooks import StoredHooks
from exporters.errors import ExportError, RemoteRefused
from exporters.ports import Api
from exporters.records import Json, Request

log = logging.getLogger(__name__)

PATH: Final = "/api/hooks"
OF_APP: Final = "atlassian"
"""What an application registers at Atlassian calls in at one address for all its connections: it
may have no more."""

LASTS: Final = timedelta(days=30)  # what Jira registers for us
EARLY: Final = timedelta(days=10)  # before its end it is asked for again
EVERY: Final = timedelta(hours=1)
LOOK: Final = 300.0  # seconds between looks at whose hour has come
LONGEST: Final = 60.0  # seconds that one connection may take
PARTING: Final = 10.0  # and one that is being removed
PATIENCE: Final = timedelta(seconds=30)  # until a call that registers may be sent

_JIRA: Final = "/rest/api/3/webhook"
_EVENTS: Final[list[Json]] = ["jira:issue_updated", "jira:issue_deleted"]
_PAGE: Final = 100
_MOST: Final = 10_000  # that are listed
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{0,254}")
_BOARD = re.compile(r"[0-9a-f]{24}")


def callback_url(connection: Connection, settings: Settings) -> str:
    """Where the other side calls in; empty where it cannot reach this server."""
    base = urlsplit(settings.public_url.rstrip("/"))
    if base.scheme != "https" or is_loopback(base.hostname or ""):
        return ""
    last = OF_APP if by_application(connection) else connection.id
    return f"{base.geturl()}{PATH}/{last}"


def by_application(connection: Connection) -> bool:
    return connection.kind is Kind.JIRA and connection.method is Method.SIGN_IN


def by_hand(connection: Connection) -> bool:
    """Whether only a person can have the other side call in."""
    match connection.kind:
        case Kind.NOTION:
            return True
        case Kind.JIRA:
            return connection.method is Method.TOKEN
        case Kind.TRELLO:
            return False


class Watching:
    def __init__(
        self,
        connections: StoredConnections,
        stored: StoredHooks,
        apis: ConnectionApis,
        settings: Settings,
    ) -> None:
        self._connections = connections
        self._stored = stored
        self._apis = apis
        self._settings = settings

    async def watch(self, tenant: str, connection: str, where: Mapping[str, Json]) -> bool:
        """Have the other side call in about a place; whether it does.

        Where it cannot, changes are found by looking: nothing is raised, and it is tried again.
        """
        try:
            found = await self._connections.one(tenant, connection)
            place = _place(found, where)
            url = self._called_at(found)
            if not place or not url:
                return False
            if found.hook is not None and place in found.hook.registered:
                return True
            api = await self._apis.open(found.id, found.tenant)
            return await self._register(api, found, url, place)
        except (ExportError, Gone) as error:
            log.info("%s does not call in about changes: %s", connection, type(error).__name__)
            return False

    async def unwatch(self, tenant: str, connection: str, where: Mapping[str, Json]) -> None:
        """Have it call in no more about a place that no target is at; nothing is raised."""
        try:
            found = await self._connections.one(tenant, connection)
            place = _place(found, where)
            held = found.hook.registered if found.hook else {}
            if place in held and place not in await self._wanted(found):
                api = await self._apis.open(found.id, found.tenant)
                await self._unregister(api, found, {place: held[place]})
        except (ExportError, Gone) as error:
            log.info("%s still calls in about a place: %s", connection, type(error).__name__)

    async def again(self, connection: Connection) -> None:
        """Ask anew after another token came: what was registered belongs to the one before it."""
        hook, url = connection.hook, self._called_at(connection)
        if hook is None or not hook.registered or not url:
            return
        await self.stop(connection)
        try:
            async with asyncio.timeout(LONGEST):
                api = await self._apis.open(connection.id, connection.tenant)
                for place in hook.registered:
                    await self._register(api, connection, url, place)
        except (ExportError, Gone, TimeoutError) as error:
            log.info("%s does not call in any more: %s", connection.id, type(error).__name__)

    async def stop(self, connection: Connection) -> None:
        """Have the other side call in no more, as far as it lets us. What stays there is answered
        as gone."""
        if connection.hook is None or not connection.hook.registered:
            return
        try:
            async with asyncio.timeout(PARTING):
                api = await self._apis.open(connection.id, connection.tenant)
                await self._unregister(api, connection, connection.hook.registered)
        except (ExportError, Gone, TimeoutError) as error:
            log.info("a webhook of %s stays over there: %s", connection.id, type(error).__name__)

    async def run(self) -> None:
        """Keep what calls in as it should be, for as long as this runs."""
        while True:
            try:
                await self.tend_all()
            except Exception:
                log.exception("webhooks could not be looked after; they are tried again")
            await asyncio.sleep(LOOK)

    async def tend_all(self, every: timedelta = EVERY) -> None:
        """See to each connection that nobody, in any process, has seen to for so long."""
        for connection in await self._stored.called():
            if not self._called_at(connection):
                continue
            try:
                if await self._stored.claim(connection, before=now() - every):
                    async with asyncio.timeout(LONGEST):
                        await self._tend(connection)
            except (ExportError, Gone, TimeoutError) as error:
                log.warning(
                    "the webhooks of %s were not seen to: %s", connection.id, type(error).__name__
                )

    async def _tend(self, connection: Connection) -> None:
        """Register what is wanted and not there: it failed before, has ended, or was lost. Take
        away what is there and no target wants; keep alive what ends."""
        url = self._called_at(connection)
        hook = connection.hook or Hook()
        wanted = await self._wanted(connection)
        if not wanted and not hook.registered:
            return
        api = await self._apis.open(connection.id, connection.tenant)
        alive = await _alive(api, connection.kind, url, hook.registered)
        await self._unregister(
            api,
            connection,
            {
                place: one
                for place, one in hook.registered.items()
                if place not in wanted or place not in alive
            },
        )
        kept = [one for place, one in alive.items() if place in wanted]
        if kept and hook.expires_at is not None and hook.expires_at < now() + EARLY:
            await _write(api, Request("PUT", f"{_JIRA}/refresh", {"webhookIds": _numbers(kept)}))
            await self._stored.hook(
                connection, lambda hook: hook and replace(hook, expires_at=now() + LASTS)
            )
        for place in sorted(wanted - alive.keys()):
            try:
                await self._register(api, connection, url, place)
            except RemoteRefused as refused:  # of this place: the others may be let
                log.info("%s does not call in about a place: %s", connection.id, refused)

    async def _wanted(self, connection: Connection) -> frozenset[str]:
        """The places that targets are at."""
        wheres = await self._stored.places(connection.id)
        return frozenset(place for where in wheres if (place := _place(connection, where)))

    def _called_at(self, connection: Connection) -> str:
        """Where it calls in by our own doing; empty where it does not."""
        if by_hand(connection):
            return ""
        if connection.kind is Kind.TRELLO and connection.hook is None:
            return ""  # without its application's secret nobody could say who calls
        return callback_url(connection, self._settings)

    async def _register(self, api: Api, connection: Connection, url: str, place: str) -> bool:
        made = await _register(api, connection.kind, url, place)
        if not made:
            return False
        ends = now() + LASTS if connection.kind is Kind.JIRA else None

        def added(hook: Hook | None) -> Hook:
            hook = hook or Hook()
            first = hook.expires_at if hook.registered else None  # all are renewed with it
            return replace(
                hook, registered={**hook.registered, place: made}, expires_at=first or ends
            )

        await self._stored.hook(connection, added)
        return True

    async def _unregister(
        self, api: Api, connection: Connection, registered: Mapping[str, str]
    ) -> None:
        if not registered:
            return
        await _unregister(api, connection.kind, list(registered.values()))

        def without(hook: Hook | None) -> Hook | None:
            left = {} if hook is None else dict(hook.registered.items() - registered.items())
            return hook and replace(hook, registered=left)

        await self._stored.hook(connection, without)


def _place(connection: Connection, where: Mapping[str, Json]) -> str:
    """The place as the other side registers it; empty where it cannot be."""
    name, shape = ("board", _BOARD) if connection.kind is Kind.TRELLO else ("key", _PROJECT)
    said = where.get(name)
    return said if isinstance(said, str) and shape.fullmatch(said) else ""


async def _register(api: Api, kind: Kind, url: str, place: str) -> str:
    """The id of what was registered; empty where it was refused."""
    if kind is Kind.TRELLO:
        asked = urlencode({"callbackURL": url, "idModel": place})
        made = await _write(api, Request("POST", f"/webhooks/?{asked}"))
        return str(made.get("id") or "") if isinstance(made, dict) else ""
    hook: Json = {"events": _EVENTS, "jqlFilter": f'project = "{place}"'}
    made = await _write(api, Request("POST", _JIRA, {"url": url, "webhooks": [hook]}))
    results = made.get("webhookRegistrationResult") if isinstance(made, dict) else None
    for one in results if isinstance(results, list) else []:
        if isinstance(one, dict) and one.get("createdWebhookId") is not None:
            return str(one["createdWebhookId"])
    return ""


async def _unregister(api: Api, kind: Kind, ids: Collection[str]) -> None:
    if kind is Kind.JIRA:  # it passes over those that are not there
        await _write(api, Request("DELETE", _JIRA, {"webhookIds": _numbers(ids)}))
        return
    for one in ids:
        try:
            await _write(api, Request("DELETE", f"/webhooks/{one}"))
        except RemoteRefused as refused:  # it is not there, or is another token's
            log.info("a webhook of Trello's was not taken away: %s", refused)


async def _alive(
    api: Api, kind: Kind, url: str, registered: Mapping[str, str]
) -> Mapping[str, str]:
    """Those that are there and call in."""
    if kind is Kind.JIRA:
        there = await _listed(api) if registered else frozenset()
        return {place: one for place, one in registered.items() if one in there}
    alive = {}
    for place, one in registered.items():
        try:
            said = (await api.read(Request("GET", f"/webhooks/{one}"))).body
        except RemoteRefused:
            continue
        told = said if isinstance(said, dict) else {}
        ours = (told.get("callbackURL"), told.get("idModel")) == (url, place)
        if ours and told.get("active") is not False:
            alive[place] = one
    return alive


async def _listed(api: Api) -> frozenset[str]:
    """The ids of all that our application has registered for this account."""
    found: set[str] = set()
    for start in range(0, _MOST, _PAGE):
        path = f"{_JIRA}?startAt={start}&maxResults={_PAGE}"
        said = (await api.read(Request("GET", path))).body
        values = said.get("values") if isinstance(said, dict) else None
        page = values if isinstance(values, list) else []
        found |= {str(one["id"]) for one in page if isinstance(one, dict) and "id" in one}
        if len(page) < _PAGE:
            break
    return frozenset(found)


async def _write(api: Api, request: Request) -> Json:
    return (await api.write(request, not_after=now() + PATIENCE)).body


def _numbers(ids: Collection[str]) -> list[Json]:
    return [int(one) for one in ids]
