"""The product with a sign-in for tests: ``python -m tests.e2e.people serve``.

A visitor is who their ``who`` cookie says (``ann``), an admin where a role stands before it
(``admin.ann``), and nobody without one. Everything else is the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import SimpleCookie

import backend.wiring
from backend.auth.principal import Principal, Role
from backend.cli import app
from backend.errors import NotSignedIn
from backend.settings import Settings


class ByCookie:
    """Whoever the cookie says; for tests only."""

    name = "cookie"

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        cookie = SimpleCookie(headers.get("cookie", "")).get("who")
        if cookie is None:
            raise NotSignedIn("Nobody is signed in.", "Sign in.")
        role, _, name = cookie.value.rpartition(".")
        roles = frozenset({Role(role)}) if role else frozenset[Role]()
        return Principal(name, "local", name.capitalize(), roles)


def open_authenticator(settings: Settings) -> ByCookie:
    return ByCookie()


if __name__ == "__main__":
    vars(backend.wiring)["open_authenticator"] = open_authenticator
    app()
