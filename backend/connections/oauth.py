"""Signing in elsewhere: OAuth 2.0's code grant with PKCE, and tokens that are renewed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from backend.connections.line import Line

PATIENCE: Final = 30.0  # seconds for an answer
ANSWER: Final = 64 * 1024  # bytes; what hands out tokens says little

_APPLICATION = frozenset({"invalid_client", "unauthorized"})
_LATER = frozenset({"temporarily_unavailable", "server_error", "rate_limited", "slow_down"})
_CODE = re.compile(r"[a-z_]{1,40}")


class SignInFailed(Exception):
    """The other side did not give a token. The message is for people and holds no secret."""


class Refused(SignInFailed):
    """It said that the code or the token is no good: asking again would not help."""


class NoAnswer(SignInFailed):
    """Nothing that tells came back. ``sent`` where it may have been done all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Provider:
    """Who hands out tokens, and as what application we ask."""

    name: str  # for people
    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)  # fixed parameters of the first address
    pkce: bool = False
    basic: bool = False  # the secret goes in a header and not in the body
    revoke_url: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    token: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    lasts: timedelta | None = None
    scopes: tuple[str, ...] = ()
    workspace: str = ""  # where the token itself says what it is for
    workspace_id: str = ""


def new_state() -> str:
    return secrets.token_urlsafe(32)


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_url(provider: Provider, *, state: str, verifier: str, redirect: str) -> str:
    """Where the person goes to say yes."""
    asked = {
        **provider.asked,
        "client_id": provider.client_id,
        "redirect_uri": redirect,
        "response_type": "code",
        "state": state,
    }
    if provider.scopes:
        asked["scope"] = " ".join(provider.scopes)
    if provider.pkce:
        asked |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    return f"{provider.authorize_url}?{urlencode(asked)}"


class OAuth:
    """Asks for tokens. Nothing that it raises or logs holds one."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def exchange(
        self, provider: Provider, *, code: str, verifier: str, redirect: str
    ) -> Grant:
        """A code that a person came back with. Raises Refused or NoAnswer."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        if provider.pkce:
            asked["code_verifier"] = verifier
        return await self._grant(provider, asked)

    async def refresh(self, provider: Provider, token: str) -> Grant:
        """Another token for the one that renews. Raises Refused or NoAnswer."""
        return await self._grant(provider, {"grant_type": "refresh_token", "refresh_token": token})

    async def revoke(self, provider: Provider, token: str) -> bool:
        """Whether the other side says that the token is worth nothing now."""
        if not provider.revoke_url:
            return False
        try:
            status, _ = await self._post(provider, provider.revoke_url, {"token": token})
        except NoAnswer:
            return False
        return 200 <= status < 300

    async def _grant(self, provider: Provider, asked: Mapping[str, str]) -> Grant:
        status, said = await self._post(provider, provider.token_url, asked)
        if not 200 <= status < 300:
            raise _failure(provider, status, said)
        return _read(provider, said)

    async def _post(
        self, provider: Provider, url: str, asked: Mapping[str, str]
    ) -> tuple[int, Mapping[str, Any]]:
        import httpx

        body = dict(asked)
        headers = {"accept": "application/json", **_headers(provider)}
        if not provider.basic:
            body |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        client = await self._line.client()
        try:
            async with asyncio.timeout(PATIENCE):
                async with client.stream("POST", url, json=body, headers=headers) as answer:
                    content = b""
                    async for piece in answer.aiter_bytes():
                        content += piece
                        if len(content) > ANSWER:
                            raise NoAnswer(
                                f"{provider.name} answered with more than {ANSWER:,} bytes, which "
                                "is no token.",
                                sent=True,
                            )
                    return answer.status_code, _object(content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NoAnswer(f"{provider.name} could not be reached.", sent=False) from None
        except (httpx.HTTPError, TimeoutError):
            raise NoAnswer(f"{provider.name} did not answer.", sent=True) from None


def _headers(provider: Provider) -> Mapping[str, str]:
    if not provider.basic:
        return {}
    pair = f"{provider.client_id}:{provider.client_secret}".encode()
    return {"authorization": "Basic " + base64.b64encode(pair).decode()}


def _failure(provider: Provider, status: int, said: Mapping[str, Any]) -> SignInFailed:
    """A refusal only where it says so in the words of RFC 6749: a proxy's page, or an error of the
    server's own, is no verdict on a token."""
    error = said.get("error") or said.get("code")  # Notion has its errors' names there
    code = error if isinstance(error, str) and _CODE.fullmatch(error) else ""
    if code in _APPLICATION:
        return NoAnswer(
            f"{provider.name} does not take the id and secret of our application ({code}). Ask "
            "whoever set up this server to check them.",
            sent=False,
        )
    if not code or code in _LATER or status >= 500 or status == 429:
        return NoAnswer(
            f"{provider.name} could not say just now (it answered {status}).", sent=True
        )
    return Refused(f"{provider.name} refused the sign-in ({code}).")


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _read(provider: Provider, said: Mapping[str, Any]) -> Grant:
    token, kind = said.get("access_token"), said.get("token_type")
    if not isinstance(token, str) or not token or str(kind).lower() != "bearer":
        # A token may have been used up for this: whoever renews must not count on the old one.
        raise NoAnswer(f"{provider.name} answered without a token.", sent=True)
    seconds, scope = said.get("expires_in"), said.get("scope")
    return Grant(
        token=token,
        refresh=_text(said, "refresh_token"),
        lasts=timedelta(seconds=seconds) if isinstance(seconds, int | float) else None,
        scopes=tuple(scope.split()) if isinstance(scope, str) else (),
        workspace=_text(said, "workspace_name"),
        workspace_id=_text(said, "workspace_id"),
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
