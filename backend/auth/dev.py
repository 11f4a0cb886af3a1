"""Sign-in for one machine: whoever can reach the loopback address is its admin."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from backend.auth.principal import Principal, Role
from backend.errors import Forbidden
from backend.settings import is_loopback

LOCAL_TENANT = "local"  # the only one while everyone signs in as the person at this machine
YOU = Principal(subject="you", tenant=LOCAL_TENANT, name="You", roles=frozenset({Role.ADMIN}))


class DevAuthenticator:
    """Says "You" to everything that was meant for this machine.

    A page elsewhere can make a browser call 127.0.0.1. It cannot forge ``Host`` (so a name that
    was rebound to 127.0.0.1 shows) nor ``Origin`` (so a foreign page shows), and both are checked
    on every request, WebSockets included.
    """

    name = "dev"

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        host = headers.get("host", "")
        if not is_loopback(_parts(f"//{host}").hostname or ""):
            raise Forbidden(
                f"This server answers to 127.0.0.1 and localhost, not to {host[:100]!r}.",
                "Open it under http://127.0.0.1, or set AUTH_URL to a real sign-in.",
                code="foreign_host",
            )
        if client is not None and not is_loopback(client):
            raise Forbidden(
                f"This server serves its own machine only, not {client}.",
                "Set AUTH_URL to a real sign-in to serve others.",
                code="foreign_client",
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        foreign = (
            _parts(origin).netloc != host
            if origin is not None
            else method not in {"GET", "HEAD"} and site not in {"same-origin", "none"}
        )
        if foreign:
            raise Forbidden(
                f"A page of {(origin or site)[:100]!r} may not use this server.",
                "Open the product itself, at the address it printed when it started.",
                code="foreign_origin",
            )
        return YOU


def _parts(address: str) -> SplitResult:
    """An address in its parts; none of them where it cannot be taken apart."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
