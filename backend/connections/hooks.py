"""What calls in from there: heard only where its signature is right, and each once.

A call is no more than a sign that something changed: what it says is never taken over, so that one
that comes twice, too early or in another order does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from backend.clock import now
from backend.connections.bearer import signed_bearer
from backend.connections.model import Connection, Hook, Kind
from backend.connections.secrets import Unsealable
from backend.connections.watching import OF_APP, by_hand, callback_url
from backend.errors import Forbidden, Invalid, NotFound, Unavailable
from backend.settings import Settings
from backend.store.connections import Gone
from backend.store.webhooks import StoredHooks


class Drifts(Protocol):
    async def changed(self, connection: str, refs: Sequence[str]) -> None:
        """Something changed over there; without refs, anything may have. Safe to be told twice."""
        ...


@dataclass(frozen=True, slots=True)
class Listening:
    """How a connection hears of changes. ``secret`` is to be entered over there by hand, and is
    told until the first call came that it signed."""

    url: str
    by_hand: bool
    heard: bool
    watching: Sequence[str]
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a signed call says: its own name, and which objects it may be about."""

    delivery: str
    refs: Sequence[str]


class Hooks:
    def __init__(self, stored: StoredHooks, drifts: Drifts, settings: Settings) -> None:
        self._stored = stored
        self._drifts = drifts
        self._settings = settings

    async def listening(self, connection: Connection) -> Listening:
        found, secret = await self._opened(connection.id)
        heard = found.hook is not None and found.hook.heard_at is not None
        told = secret if by_hand(found) and not heard else None
        return Listening(
            url=callback_url(found, self._settings) if found.hook or not by_hand(found) else "",
            by_hand=by_hand(found),
            heard=heard,
            watching=tuple(found.hook.registered) if found.hook else (),
            secret=told or "",
        )

    async def expect(self, connection: Connection) -> Listening:
        """Begin to listen, to what a person is about to set up over there.

        Jira signs with a secret of ours, that is entered there; Notion sends one of its own, which
        is entered there again. Either way what was heard before is no longer.
        """
        if not by_hand(connection):
            raise Invalid(
                "What calls in from there is set up by this server itself.",
                "Choose a place for a brief: its changes are asked for with it.",
            )
        if not callback_url(connection, self._settings):
            raise Invalid(
                "Nobody can call in here: this server has no public address with https.",
                "Set STRATMASTER_PUBLIC_URL to one. Until then changes are found by looking.",
                code="not_public",
            )
        await self._change(connection, lambda _: None)
        secret = secrets.token_urlsafe(32) if connection.kind is Kind.JIRA else None
        await self._change(connection, lambda _: Hook(), secret)
        return await self.listening(connection)

    async def agree(self, connection: Connection, secret: str) -> None:
        """Its calls are signed with this from now on."""
        await self._change(connection, lambda hook: hook or Hook(), secret)

    async def known(self, address: str) -> bool:
        """Whether anything is heard at an address: asked before calls are sent there."""
        if address == OF_APP:
            return bool(self._application_secret)
        try:
            found, _ = await self._opened(address)
        except NotFound:
            return False
        return found.hook is not None

    async def hear(self, address: str, headers: Mapping[str, str], body: bytes) -> None:
        """A call. Raises NotFound where nobody listens, Forbidden where it is not signed, and
        Invalid where it cannot be read. ``headers`` by names in small letters."""
        if address == OF_APP:
            for connection in await self._of_application(headers, body):
                await self._tell(
                    connection, await asyncio.to_thread(_read, Kind.JIRA, headers, body)
                )
            return
        connection, secret = await self._opened(address)
        if connection.hook is None:
            raise NotFound("webhook", address)
        if secret is None:
            await self._shake_hands(connection, body)
            return
        url = callback_url(connection, self._settings)
        if not await asyncio.to_thread(_verified, connection.kind, secret, url, headers, body):
            raise _unsigned()
        said = await asyncio.to_thread(_read, connection.kind, headers, body)
        await self._tell(connection, said)

    async def _change(
        self,
        connection: Connection,
        change: Callable[[Hook | None], Hook | None],
        secret: str | None = None,
        *,
        first: bool = False,
    ) -> None:
        try:
            await self._stored.hook(connection, change, secret, first=first)
        except Gone:
            raise NotFound("connection", connection.id) from None

    async def _opened(self, address: str) -> tuple[Connection, str | None]:
        """A connection and what signs calls to it; None where nothing was agreed yet."""
        try:
            return await self._stored.listening(address)
        except Gone:
            raise NotFound("webhook", address) from None
        except Unsealable:  # not as if there were none: then anybody could agree on one
            raise Unavailable(
                "What signs calls to this connection cannot be opened with this server's key.",
                "Bring back the key, or set the webhook up again.",
            ) from None

    async def _tell(self, connection: Connection, said: _Said) -> None:
        if await self._stored.seen(connection.id, said.delivery):
            return
        if connection.hook is not None and connection.hook.heard_at is None:
            await self._change(connection, lambda hook: hook and replace(hook, heard_at=now()))
        # Noted when it is told, not before: one that is cut off here comes again.
        await self._drifts.changed(connection.id, said.refs)
        await self._stored.heard(connection.id, said.delivery)

    async def _shake_hands(self, connection: Connection, body: bytes) -> None:
        """Notion's first message brings what signs the ones to come."""
        from exporters.notion import hooks

        token = None
        if connection.kind is Kind.NOTION:
            token = hooks.handshake(await asyncio.to_thread(_json, body))
        if token is None:
            raise _unsigned()
        await self._change(connection, lambda hook: hook, token, first=True)

    async def _of_application(
        self, headers: Mapping[str, str], body: bytes
    ) -> Sequence[Connection]:
        if not signed_bearer(headers.get("authorization", ""), self._application_secret, now()):
            raise _unsigned()
        ids = (await asyncio.to_thread(_json, body)).get("matchedWebhookIds")
        named = [str(one) for one in ids] if isinstance(ids, list) else []
        return await self._stored.registered(Kind.JIRA, named)

    @property
    def _application_secret(self) -> str:
        secret = self._settings.atlassian_client_secret
        return secret.get_secret_value() if secret else ""


def _verified(kind: Kind, secret: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    match kind:
        case Kind.NOTION:
            from exporters.notion import hooks as notion

            return notion.verified(secret, body, headers.get("x-notion-signature", ""))
        case Kind.JIRA:
            from exporters.jira import hooks as jira

            return jira.verified(secret, headers, body)
        case Kind.TRELLO:
            from exporters.trello import hooks as trello

            return trello.verified(secret, url, body, headers.get(trello.SIGNATURE, ""))


def _read(kind: Kind, headers: Mapping[str, str], body: bytes) -> _Said:
    event = _json(body)
    delivery, refs = _told(kind, headers, event)
    return _Said(delivery or hashlib.sha256(body).hexdigest(), refs)


def _told(
    kind: Kind, headers: Mapping[str, str], event: dict[str, Any]
) -> tuple[str, Sequence[str]]:
    match kind:
        case Kind.NOTION:
            from exporters.notion import hooks as notion

            return notion.delivery(event), notion.changed(event)
        case Kind.JIRA:
            from exporters.jira import hooks as jira

            return jira.delivery(headers), jira.changed(event)
        case Kind.TRELLO:
            from exporters.trello import hooks as trello

            return trello.delivery(event), trello.changed(event)


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Invalid("The call's body is no JSON object.", "Send what the API documents.")
    return said


def _unsigned() -> Forbidden:
    return Forbidden(
        "This call is not signed by whoever it should come from.",
        "Set the webhook up again from the connection's page.",
        code="not_signed",
    )
