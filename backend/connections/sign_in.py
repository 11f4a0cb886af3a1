"""Signing in elsewhere, from the page and back to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from backend.auth.principal import Principal
from backend.connections import oauth
from backend.connections.kinds import SCOPES, WEBHOOK_SCOPE, provider, token_given, trello_url
from backend.connections.line import Line
from backend.connections.model import NAMES, Credentials, Kind, Method, Pending
from backend.connections.oauth import Grant, NoAnswer, OAuth, Refused
from backend.connections.sites import Site, jira_sites
from backend.connections.tokens import renewed
from backend.errors import Invalid, Unavailable
from backend.settings import Settings
from backend.spaces.service import Space
from backend.store.connections import Gone, Held
from backend.store.sign_ins import StoredSignIns
from exporters.ports import Clock

log = logging.getLogger(__name__)

REVOKE: Final = "/tokens/"  # of Trello: the token itself ends the path
NEEDED: Final = frozenset(SCOPES[Kind.JIRA]) - {WEBHOOK_SCOPE, "offline_access"}


@dataclass(frozen=True, slots=True)
class Granted:
    """What the other side, or a person, gave us."""

    method: Method
    credentials: Credentials = field(repr=False)
    site: str = ""
    name: str = ""
    scopes: tuple[str, ...] = ()
    signs: str = field(default="", repr=False)  # the secret that signs what calls in from there


class SignIns:
    def __init__(
        self,
        stored: StoredSignIns,
        oauth: OAuth,
        line: Line,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._stored = stored
        self._oauth = oauth
        self._line = line
        self._settings = settings
        self._clock = clock

    async def begin(
        self,
        principal: Principal,
        space: Space,
        kind: Kind,
        *,
        base: str,
        connection: str | None,
        site: str,
    ) -> str:
        """Where to send the person. They come back to ``base``, within ten minutes."""
        state, verifier = oauth.new_state(), oauth.new_verifier()
        redirect = f"{base}/api/sign-in/{kind}/callback"
        url = self._url(kind, state, verifier, redirect)
        if url is None:
            raise Invalid(
                f"This server has no application at {NAMES[kind]} to sign in with.",
                "Connect with a token, or ask whoever set up this server to name one in its "
                "settings.",
                code="no_sign_in",
            )
        await self._stored.begin(
            state,
            Pending(
                tenant=space.tenant,
                space=space.id,
                subject=principal.subject,
                kind=kind,
                redirect=redirect,
                verifier=verifier,
                connection=connection,
                site=site.strip().lower(),
            ),
        )
        return url

    async def pending(self, principal: Principal, kind: Kind, state: str) -> Pending:
        """The sign-in that this person began and comes back from; used up by this."""
        try:
            return await self._stored.come_back(
                state, kind=kind, tenant=principal.tenant, subject=principal.subject
            )
        except Gone:
            raise Invalid(
                "This sign-in was begun by somebody else or too long ago, or it is done already.",
                "Begin it again from the space's connections.",
                code="sign_in_over",
            ) from None

    async def granted(self, pending: Pending, *, code: str, error: str) -> Granted:
        """What the person brought back; raises Invalid and Unavailable."""
        name = NAMES[pending.kind]
        if error or not code:
            raise Invalid(
                f"{name} was not allowed to let us in.",
                "Begin again, and say yes over there.",
                code="sign_in_denied",
            )
        if pending.kind is Kind.TRELLO:
            return self._of_trello(code)
        asked = provider(pending.kind, self._settings)
        if asked is None:  # taken out of the settings meanwhile
            raise Unavailable(f"This server no longer signs in to {name}.", "Use a token.")
        try:
            grant = await self._oauth.exchange(
                asked, code=code, verifier=pending.verifier, redirect=pending.redirect
            )
            if pending.kind is Kind.JIRA:
                sites = await jira_sites(self._line, self._settings.atlassian_api_url, grant.token)
                return self._of_jira(grant, sites, pending.site)
        except Refused as refused:
            raise Invalid(str(refused), "Begin the sign-in again.", code="sign_in_failed") from None
        except NoAnswer as failed:
            raise Unavailable(str(failed), "Begin the sign-in again in a moment.") from None
        return Granted(
            Method.SIGN_IN,
            renewed(Credentials(""), grant, self._clock),
            site=grant.workspace_id,
            name=grant.workspace,
            scopes=grant.scopes,
        )

    async def revoke(self, held: Held) -> bool:
        """Whether the other side has forgotten a token that it gave us.

        One that a person made and copied is theirs: they may use it elsewhere.
        """
        if held.connection.method is not Method.SIGN_IN:
            return False
        kind, credentials = held.connection.kind, held.credentials
        if kind is Kind.TRELLO:
            return await self._revoke_trello(credentials)
        asked = provider(kind, self._settings)
        return asked is not None and await self._oauth.revoke(asked, credentials.token)

    def _url(self, kind: Kind, state: str, verifier: str, redirect: str) -> str | None:
        if kind is Kind.TRELLO:  # it brings back what its return address says
            return trello_url(self._settings, f"{redirect}?{urlencode({'state': state})}")
        asked = provider(kind, self._settings)
        if asked is None:
            return None
        return oauth.authorize_url(asked, state=state, verifier=verifier, redirect=redirect)

    def _of_trello(self, token: str) -> Granted:
        secret = self._settings.trello_secret
        return Granted(
            Method.SIGN_IN,
            Credentials(token_given("token", token), self._settings.trello_key),
            scopes=SCOPES[Kind.TRELLO],
            signs=secret.get_secret_value() if secret else "",
        )

    def _of_jira(self, grant: Grant, sites: Sequence[Site], wanted: str) -> Granted:
        """The one site that is meant; whoever has several names it."""
        found = [site for site in sites if not wanted or site.host == wanted]
        if not found:
            raise Invalid(
                "You have no Jira site there that we may use"
                + (f" by the name of {wanted[:100]!r}." if wanted else "."),
                "Sign in as somebody who has, or ask its admin to let this application in.",
                code="no_site",
            )
        if len(found) > 1:
            raise Invalid(
                "You let us into several Jira sites: "
                + ", ".join(sorted(site.host for site in found)[:20])
                + ".",
                "Sign in again and name the one that is meant, or choose only one over there.",
                code="several_sites",
            )
        (site,) = found
        missing = NEEDED - site.scopes
        if missing or not grant.refresh:
            raise Invalid(
                "Jira was allowed less than an export needs: "
                + ", ".join(sorted(missing) or ["offline_access"])
                + " is missing.",
                "Add these scopes to the application at Atlassian, and sign in again.",
                code="scopes_missing",
            )
        return Granted(
            Method.SIGN_IN,
            renewed(Credentials(""), grant, self._clock),
            site=site.id,
            name=site.host,
            scopes=tuple(sorted(site.scopes)),
        )

    async def _revoke_trello(self, credentials: Credentials) -> bool:
        import httpx

        client = await self._line.client()
        path = f"{self._settings.trello_api_url}/1{REVOKE}{quote(credentials.token, safe='')}"
        said = f'oauth_consumer_key="{credentials.user}", oauth_token="{credentials.token}"'
        try:
            answer = await client.delete(path, headers={"authorization": f"OAuth {said}"})
        except httpx.HTTPError:
            log.warning("Trello did not answer as a token was to be revoked")
            return False
        return answer.is_success
