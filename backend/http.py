"""What routes ask for: the services, and who is asking."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from backend.auth.principal import Principal
from backend.services import Services


def services_of(connection: HTTPConnection) -> Services:
    """The services the application was made with; for requests and WebSockets alike."""
    return cast(Services, connection.app.state.services)


async def principal_of(connection: HTTPConnection) -> Principal:
    """Who is asking; raises NotSignedIn or Forbidden. For requests and WebSockets alike."""
    return await services_of(connection).authenticator.authenticate(
        method=connection.scope.get("method", "WEBSOCKET"),
        headers=connection.headers,
        client=connection.client.host if connection.client else None,
    )


def frame(name: str, data: str) -> bytes:
    """One server-sent event; ``data`` is JSON, which has no bare newlines: one line holds it."""
    return f"event: {name}\ndata: {data}\n\n".encode()


Wired = Annotated[Services, Depends(services_of)]
"""Annotate a route's parameter with this to be handed the services."""

Asking = Annotated[Principal, Depends(principal_of)]
"""Annotate a route's parameter with this to be handed who is asking."""
