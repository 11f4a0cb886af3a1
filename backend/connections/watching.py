"""Asking the other side to call in when something changes, where its API lets us."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
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
from exporters.errors import ExportError
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
PATIENCE: Final = timedelta(seconds=30)  # until a call that registers may be sent

_JIRA: Final = "/rest/api/3/webhook"
_EVENTS: Final[list[Json]] = ["jira:issue_updated", "jira:issue_deleted"]
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

        Where it cannot, changes are found by looking: nothing is raised.
        """
        try:
            found = await self._connections.one(tenant, connection)
            place = _place(found, where)
            url = callback_url(found, self._settings)
            if by_hand(found) or not place or not url:
                return False
            if found.kind is Kind.TRELLO and found.hook is None:
                return False  # without its application's secret nobody could say who calls
            if found.hook is not None and place in found.hook.watching:
                return True
            api = await self._apis.open(found.id, found.tenant)
            ids = await _register(api, found.kind, url, [place])
            if ids is None:
                return False
            await self._stored.hook(found, lambda hook: _with(hook, ids, [place], found.kind))
        except (ExportError, Gone) as error:
            log.info("%s does not call in about changes: %s", connection, type(error).__name__)
            return False
        return True

    async def again(self, connection: Connection) -> None:
        """Ask anew after another token came: what was registered belongs to the one before it."""
        hook, url = connection.hook, callback_url(connection, self._settings)
        if hook is None or not hook.watching or by_hand(connection) or not url:
            return
        await self.stop(connection)
        try:
            await self._anew(connection, hook.watching, url)
        except (ExportError, Gone) as error:
            log.info("%s does not call in any more: %s", connection.id, type(error).__name__)

    async def stop(self, connection: Connection) -> None:
        """Have the other side call in no more, as far as it lets us."""
        if connection.hook is None or not connection.hook.ids:
            return
        ids = connection.hook.ids
        try:
            api = await self._apis.open(connection.id, connection.tenant)
            if connection.kind is Kind.TRELLO:
                for one in ids:
                    await _write(api, Request("DELETE", f"/webhooks/{one}"))
            else:
                await _write(api, Request("DELETE", _JIRA, {"webhookIds": _numbers(ids)}))
        except ExportError as error:
            log.info("a webhook of %s stays over there: %s", connection.id, type(error).__name__)

    async def run(self) -> None:
        """Keep what ends alive, for as long as this runs."""
        while True:
            try:
                await self.renew()
            except Exception:
                log.exception("webhooks could not be renewed; they are tried again")
            await asyncio.sleep(EVERY.total_seconds())

    async def renew(self) -> None:
        """Ask again for what is about to end, and anew for what has ended."""
        for connection in await self._stored.expiring(now() + EARLY):
            try:
                await self._renew(connection)
            except (ExportError, Gone) as error:
                log.warning(
                    "the webhooks of %s were not renewed: %s", connection.id, type(error).__name__
                )

    async def _renew(self, connection: Connection) -> None:
        hook, url = connection.hook, callback_url(connection, self._settings)
        if hook is None or hook.expires_at is None:
            return
        if hook.expires_at > now():
            api = await self._apis.open(connection.id, connection.tenant)
            ids = _numbers(hook.ids)
            await _write(api, Request("PUT", f"{_JIRA}/refresh", {"webhookIds": ids}))
            await self._keep(connection, hook.ids)
        elif url:
            await self._anew(connection, hook.watching, url)

    async def _anew(self, connection: Connection, places: Sequence[str], url: str) -> None:
        api = await self._apis.open(connection.id, connection.tenant)
        ids = await _register(api, connection.kind, url, places)
        if ids is not None:
            await self._keep(connection, ids)

    async def _keep(self, connection: Connection, ids: Sequence[str]) -> None:
        until = now() + LASTS if connection.kind is Kind.JIRA else None
        await self._stored.hook(
            connection, lambda hook: hook and replace(hook, ids=tuple(ids), expires_at=until)
        )


def _place(connection: Connection, where: Mapping[str, Json]) -> str:
    """The place as the other side registers it; empty where it cannot be."""
    name, shape = ("board", _BOARD) if connection.kind is Kind.TRELLO else ("key", _PROJECT)
    said = where.get(name)
    return said if isinstance(said, str) and shape.fullmatch(said) else ""


def _with(hook: Hook | None, ids: Sequence[str], places: Sequence[str], kind: Kind) -> Hook:
    hook = hook or Hook()
    until = hook.expires_at
    if kind is Kind.JIRA and until is None:  # the first to end: all are renewed with it
        until = now() + LASTS
    return replace(
        hook,
        ids=tuple(dict.fromkeys((*hook.ids, *ids))),
        watching=tuple(dict.fromkeys((*hook.watching, *places))),
        expires_at=until,
    )


async def _register(api: Api, kind: Kind, url: str, places: Sequence[str]) -> Sequence[str] | None:
    """The ids of what was registered; None where it was refused."""
    if kind is Kind.TRELLO:
        ids = []
        for place in places:
            asked = urlencode({"callbackURL": url, "idModel": place})
            made = await _write(api, Request("POST", f"/webhooks/?{asked}"))
            ids.append(str(made["id"]) if isinstance(made, dict) and "id" in made else "")
        return [one for one in ids if one]
    asked_for: list[Json] = [
        {"events": _EVENTS, "jqlFilter": f'project = "{place}"'} for place in places
    ]
    made = await _write(api, Request("POST", _JIRA, {"url": url, "webhooks": asked_for}))
    results = made.get("webhookRegistrationResult") if isinstance(made, dict) else None
    found = [
        str(one["createdWebhookId"])
        for one in (results if isinstance(results, list) else [])
        if isinstance(one, dict) and one.get("createdWebhookId") is not None
    ]
    return found if len(found) == len(places) else None


async def _write(api: Api, request: Request) -> Json:
    return (await api.write(request, not_after=now() + PATIENCE)).body


def _numbers(ids: Sequence[str]) -> list[Json]:
    return [int(one) for one in ids]
