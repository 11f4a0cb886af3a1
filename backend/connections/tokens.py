"""Tokens that stay good: renewed in time, by one of many, and never lost on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from backend.connections.model import NAMES, Connection, Credentials
from backend.connections.oauth import Grant, NoAnswer, OAuth, Provider, Refused
from backend.connections.secrets import Unsealable
from backend.store.connections import Claim, Gone, Held, StoredConnections
from exporters.errors import NotConnected, Unreachable
from exporters.ports import Clock

log = logging.getLogger(__name__)

EARLY: Final = timedelta(minutes=2)  # before its end a token is renewed
LEASE: Final = timedelta(seconds=75)  # longer than asking twice may take; then the asker is dead
LOOK: Final = 0.2  # seconds between looks at whether another process has renewed it


class Tokens:
    """``told`` hears of a connection that only a person can help."""

    def __init__(
        self,
        stored: StoredConnections,
        oauth: OAuth,
        providers: Callable[[Connection], Provider | None],
        clock: Clock,
        told: Callable[[Connection], None],
    ) -> None:
        self._stored = stored
        self._oauth = oauth
        self._providers = providers
        self._clock = clock
        self._told = told
        self._renewing: dict[tuple[str, int], asyncio.Task[Held]] = {}

    async def held(self, tenant: str, connection: str) -> Held:
        """What signs a connection's calls; raises NotConnected where nothing does any more."""
        try:
            return await self._stored.held(tenant, connection)
        except Gone:
            raise _removed() from None
        except Unsealable:
            raise NotConnected(
                "What was stored of this connection cannot be opened with this server's key. "
                "Bring back the key, or connect again."
            ) from None

    async def good(self, held: Held) -> Held:
        """The same, or newer where it is about to expire."""
        until = held.credentials.expires_at
        if until is None or until - EARLY > self._clock.now():
            return held
        return await self.renew(held)

    async def renew(self, held: Held) -> Held:
        """Newer than what is held.

        Raises NotConnected where only a person can bring another token, and Unreachable where the
        other side does not answer now.
        """
        if not held.credentials.refresh:
            return await self._newer(
                held, f"{NAMES[held.connection.kind]} does not take our token."
            )
        # Whoever waits may go: what was asked for must be written down when it comes.
        key = (held.connection.id, held.generation)
        task = self._renewing.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(held), name="renew a token")
            self._renewing[key] = task
            task.add_done_callback(lambda _: self._renewing.pop(key, None))
            task.add_done_callback(_looked_at)
        return await asyncio.shield(task)

    async def give_up(self, held: Held, trouble: str) -> None:
        """Say that only a person can help now, unless there is a newer token meanwhile."""
        if await self._stored.give_up(held, trouble):
            log.warning("the connection %s needs a person: %s", held.connection.id, trouble)
            self._told(held.connection)

    async def close(self) -> None:
        """Wait for what is on its way."""
        if self._renewing:
            await asyncio.wait(list(self._renewing.values()))

    async def _renew(self, held: Held) -> Held:
        connection = held.connection
        while True:
            claim = await self._stored.claim(held, until=self._clock.now() + LEASE)
            if claim in (Claim.TAKEN, Claim.TAKEN_OVER):
                break
            if claim is Claim.NEWER:
                return await self._newer(held, "")
            await self._clock.sleep(LOOK)
        provider = self._providers(connection)
        if provider is None:
            await self._stored.let_go(held)
            raise NotConnected(
                f"This server's application at {NAMES[connection.kind]} was taken out of its "
                "settings, and without it the token cannot be renewed."
            )
        return await self._ask(held, provider, lost=claim is Claim.TAKEN_OVER)

    async def _ask(self, held: Held, provider: Provider, *, lost: bool) -> Held:
        """Twice at most: an answer that was lost may have had the token that renews the next time.

        The old one is tried once more, for some take it a little longer. Where it is refused, the
        lost one was the last.
        """
        said = ""
        for _ in range(2):
            try:
                grant = await self._oauth.refresh(provider, held.credentials.refresh)
            except Refused:
                why = (
                    "the answer to our last renewal never arrived, and it held the next token"
                    if lost
                    else "it was revoked there, or was not used for too long"
                )
                return await self._lost(held, f"{provider.name} does not renew our token: {why}.")
            except NoAnswer as error:
                said, lost = str(error), lost or error.sent
                if not error.sent:
                    break
            else:
                return await self._keep(held, grant)
        await self._stored.let_go(held, lost=lost)
        raise Unreachable(f"{said} The token could not be renewed; it is tried again.")

    async def _keep(self, held: Held, grant: Grant) -> Held:
        """Written down before it is used: the old one is worth nothing from here on."""
        newer = renewed(held.credentials, grant, self._clock)
        await self._stored.renewed(held, newer)
        return await self.held(held.connection.tenant, held.connection.id)

    async def _lost(self, held: Held, trouble: str) -> Held:
        await self.give_up(held, trouble)
        return await self._newer(held, trouble)

    async def _newer(self, held: Held, trouble: str) -> Held:
        """What another, or a person, brought meanwhile; NotConnected where nobody did."""
        newer = await self.held(held.connection.tenant, held.connection.id)
        if newer.generation == held.generation:
            raise NotConnected(newer.connection.trouble or trouble)
        return newer


def renewed(old: Credentials, grant: Grant, clock: Clock) -> Credentials:
    """What a grant makes of credentials: not every one brings another token that renews."""
    return Credentials(
        token=grant.token,
        user=old.user,
        refresh=grant.refresh or old.refresh,
        expires_at=None if grant.lasts is None else clock.now() + grant.lasts,
    )


def _looked_at(task: asyncio.Task[Held]) -> None:
    """Whoever asked may be gone: an error that nobody waits for is no news."""
    if not task.cancelled():
        task.exception()


def _removed() -> NotConnected:
    return NotConnected("This connection was removed; connect again, and choose it for the target.")
