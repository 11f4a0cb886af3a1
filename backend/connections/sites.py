"""Which Jira sites a token of Atlassian's opens."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from backend.connections.line import Line
from backend.connections.oauth import PATIENCE, NoAnswer, Refused

LISTED: Final = "/oauth/token/accessible-resources"

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # it becomes a part of every address


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    host: str  # as people know it: acme.atlassian.net
    scopes: frozenset[str]


async def jira_sites(line: Line, api: str, token: str) -> Sequence[Site]:
    """Those with Jira, in no order. Raises Refused and NoAnswer."""
    import httpx

    client = await line.client()
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await client.get(
                api + LISTED,
                headers={"accept": "application/json", "authorization": f"Bearer {token}"},
            )
    except (httpx.HTTPError, TimeoutError):
        raise NoAnswer("Atlassian did not say which sites you have.", sent=True) from None
    if answer.status_code != 200:
        raise Refused(f"Atlassian does not say which sites you have ({answer.status_code}).")
    try:
        listed = json.loads(answer.content)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise Refused("Atlassian does not say which sites you have.")
    return [site for one in listed if isinstance(one, dict) and (site := _site(one)) is not None]


def _site(said: Mapping[str, Any]) -> Site | None:
    name, url, scopes = said.get("id"), said.get("url"), said.get("scopes")
    if not isinstance(name, str) or not _ID.fullmatch(name) or not isinstance(scopes, list):
        return None
    held = frozenset(one for one in scopes if isinstance(one, str))
    if not any(one.endswith((":jira-work", ":jira")) for one in held):
        return None  # of Confluence or another product
    return Site(name, urlsplit(str(url)).hostname or "", held)
