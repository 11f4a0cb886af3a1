"""How each kind of target is reached, signed for and signed in to."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from backend.connections.model import NAMES, Connection, Credentials, Kind, Method
from backend.connections.oauth import Provider
from backend.errors import Invalid
from backend.settings import Settings
from exporters.ports import Pace
from exporters.records import Request

NOTION_VERSION: Final = "2026-03-11"
WEBHOOK_SCOPE: Final = "manage:jira-webhook"
SCOPES: Final[Mapping[Kind, tuple[str, ...]]] = {
    # Notion has none: its owner chooses the capabilities of the connection and the pages it sees.
    Kind.NOTION: (),
    Kind.JIRA: (
        "read:jira-work",  # issues, and what may be chosen for them
        "write:jira-work",
        "read:jira-user",  # whom an action is assigned to
        WEBHOOK_SCOPE,
        "offline_access",  # so that an export goes on when the person has left
    ),
    Kind.TRELLO: ("read", "write"),
}

# Of no consequence but for the token: it tells a bad token from a right that is missing.
PROBES: Final[Mapping[Kind, Request]] = {
    Kind.NOTION: Request("GET", "/v1/users/me"),
    Kind.JIRA: Request("GET", "/rest/api/3/myself"),
    Kind.TRELLO: Request("GET", "/members/me?fields=id"),
}

# Beside a connection's own: https://developer.atlassian.com/cloud/trello/guides/rest-api/rate-limits
_TRELLO_KEY: Final = Pace(300, timedelta(seconds=10))
_TRELLO_TOKEN: Final = Pace(100, timedelta(seconds=10))

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_OURS = ".atlassian.net"
_TOKEN = re.compile(r"[!#-\[\]-~]{1,4096}")  # printable ASCII that needs no quoting
_EMAIL = re.compile(r"[!-9;-~]{1,200}@[!-9;-~]{1,200}")  # without a colon, which ends a name


def jira_site(said: str, allowed: str) -> str:
    """The origin of a Jira site that a person named: under ``atlassian.net``, or as settings allow.

    Only its host is taken from what was said, so that no two readings of an address can differ.
    Raises Invalid.
    """
    said = said.strip()
    permitted = {one.strip().rstrip("/").lower() for one in allowed.split(",") if one.strip()}
    scheme, _, rest = said.rpartition("://")
    host = rest.partition("/")[0].rstrip(".").lower()
    if f"{scheme.lower()}://{host}" in permitted:  # the setting names scheme and port, too
        return f"{scheme.lower()}://{host}"
    known = host.endswith(_OURS) or host in permitted
    if known and scheme.lower() in {"", "https"} and _HOST.fullmatch(host):
        return f"https://{host}"
    raise Invalid(
        f"{said[:200]!r} is no Jira site that this server may connect to.",
        "Give its address as https://NAME.atlassian.net. Another one must be named in "
        "STRATMASTER_JIRA_SITES by whoever set up this server.",
    )


def token_given(name: str, said: str) -> str:
    """A token or key as a person copied it; raises Invalid, without showing it."""
    said = said.strip()
    if not _TOKEN.fullmatch(said):
        raise Invalid(
            f"The {name} has signs in it that no {name} has, or none at all.",
            "Copy it again, without spaces and quotes.",
        )
    return said


def email_given(said: str) -> str:
    said = said.strip()
    if not _EMAIL.fullmatch(said):
        raise Invalid(
            "That is no e-mail address that Jira would take.",
            "Give the one you sign in to Jira with.",
        )
    return said


def root(connection: Connection, settings: Settings) -> str:
    """The address that an adapter's paths lie below."""
    match connection.kind:
        case Kind.NOTION:
            return settings.notion_api_url
        case Kind.TRELLO:
            return f"{settings.trello_api_url}/1"
        case Kind.JIRA:
            if connection.method is Method.SIGN_IN:
                return f"{settings.atlassian_api_url}/ex/jira/{connection.site}"
            return connection.site


def signed(connection: Connection, credentials: Credentials) -> Mapping[str, str]:
    """The headers of a call."""
    bearer = {"authorization": f"Bearer {credentials.token}"}
    match connection.kind:
        case Kind.NOTION:
            return {**bearer, "notion-version": NOTION_VERSION}
        case Kind.TRELLO:
            said = f'oauth_consumer_key="{credentials.user}", oauth_token="{credentials.token}"'
            return {"authorization": f"OAuth {said}"}
        case Kind.JIRA:
            if connection.method is Method.SIGN_IN:
                return bearer
            pair = f"{credentials.user}:{credentials.token}".encode()
            return {"authorization": "Basic " + base64.b64encode(pair).decode()}


def shared_paces(kind: Kind, credentials: Credentials) -> Sequence[tuple[str, Pace]]:
    """What is counted over there by what several connections may have, by a name that tells nothing
    of it. By name."""
    if kind is not Kind.TRELLO:
        return ()
    key, token = (
        hashlib.sha256(f"{name}\0{said}".encode()).hexdigest()
        for name, said in (("key", credentials.user), ("token", credentials.token))
    )
    return ((f"trello key {key}", _TRELLO_KEY), (f"trello token {token}", _TRELLO_TOKEN))


def provider(kind: Kind, settings: Settings) -> Provider | None:
    """Who signs people in by OAuth 2.0; None where this server has no application there."""
    match kind:
        case Kind.NOTION:
            secret = settings.notion_client_secret
            if not settings.notion_client_id or secret is None:
                return None
            return Provider(
                name=NAMES[kind],
                authorize_url=f"{settings.notion_api_url}/v1/oauth/authorize",
                token_url=f"{settings.notion_api_url}/v1/oauth/token",
                revoke_url=f"{settings.notion_api_url}/v1/oauth/revoke",
                client_id=settings.notion_client_id,
                client_secret=secret.get_secret_value(),
                asked={"owner": "user"},
                basic=True,
            )
        case Kind.JIRA:
            secret = settings.atlassian_client_secret
            if not settings.atlassian_client_id or secret is None:
                return None
            return Provider(
                name="Atlassian",
                authorize_url=f"{settings.atlassian_auth_url}/authorize",
                token_url=f"{settings.atlassian_auth_url}/oauth/token",
                client_id=settings.atlassian_client_id,
                client_secret=secret.get_secret_value(),
                scopes=SCOPES[kind],
                asked={
                    "audience": urlsplit(settings.atlassian_api_url).netloc,
                    "prompt": "consent",
                },
                pkce=True,
            )
        case Kind.TRELLO:
            return None  # its way is older: see trello_url


def trello_url(settings: Settings, redirect: str) -> str | None:
    """Where a person gives us a token of theirs, which comes back behind a ``#``."""
    if not settings.trello_key:
        return None
    asked = {
        "callback_method": "fragment",
        "expiration": "never",
        "key": settings.trello_key,
        "name": "StratMaster",
        "response_type": "token",
        "return_url": redirect,
        "scope": ",".join(SCOPES[Kind.TRELLO]),
    }
    return f"{settings.trello_url}/1/authorize?{urlencode(asked)}"


def can_sign_in(kind: Kind, settings: Settings) -> bool:
    if kind is Kind.TRELLO:
        return bool(settings.trello_key)
    return provider(kind, settings) is not None
