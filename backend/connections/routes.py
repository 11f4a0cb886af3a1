"""Connections over HTTP: making them, what they reach, and what calls in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from backend.auth.policy import Action
from backend.connections import pages
from backend.connections.kinds import SCOPES, can_sign_in
from backend.connections.model import NAMES, Kind
from backend.connections.schemas import (
    BroughtIn,
    ChoicesIn,
    ConnectIn,
    ConnectionOut,
    ListeningOut,
    MappingChoiceOut,
    PlaceFoundOut,
    RemovedOut,
    SignInIn,
    SignInOut,
    WayOut,
)
from backend.connections.watching import PATH
from backend.errors import BackendError, NotFound, describe
from backend.http import Asking, Wired
from backend.services import Services
from exporters.errors import ExportError
from exporters.records import Json

router = APIRouter(tags=["connections"])


@router.get("/api/spaces/{space}/connections")
async def list_connections(
    space: str, principal: Asking, services: Wired
) -> Sequence[ConnectionOut]:
    """Where the space's briefs may be sent."""
    return [ConnectionOut.of(one) for one in await services.connections.list(principal, space)]


@router.get("/api/spaces/{space}/connections/ways")
async def ways(space: str, principal: Asking, services: Wired) -> Sequence[WayOut]:
    """What may be connected on this server, and how."""
    await services.spaces.open(principal, space, Action.READ)
    return [
        WayOut(kind=kind, sign_in=can_sign_in(kind, services.settings), scopes=SCOPES[kind])
        for kind in Kind
    ]


@router.post("/api/spaces/{space}/connections", status_code=201)
async def connect(space: str, sent: ConnectIn, principal: Asking, services: Wired) -> ConnectionOut:
    """Connect by a token; the other side is asked whose it is before it is kept."""
    made = await services.connections.add(
        principal, space, sent.kind, sent.given(), sent.connection
    )
    return ConnectionOut.of(made)


@router.post("/api/spaces/{space}/connections/sign-in")
async def sign_in(
    space: str, sent: SignInIn, request: Request, principal: Asking, services: Wired
) -> SignInOut:
    """Begin to sign in over there; what comes of it is told by the event ``connections``."""
    url = await services.connections.sign_in(
        principal,
        space,
        sent.kind,
        base=_base(request, services),
        connection=sent.connection,
        site=sent.site,
    )
    return SignInOut(url=url)


@router.post("/api/spaces/{space}/connections/{connection}/check")
async def check(space: str, connection: str, principal: Asking, services: Wired) -> ConnectionOut:
    """Ask over there who the token is."""
    return ConnectionOut.of(await services.connections.check(principal, space, connection))


@router.delete("/api/spaces/{space}/connections/{connection}")
async def disconnect(space: str, connection: str, principal: Asking, services: Wired) -> RemovedOut:
    """Erase a token, and revoke it where it was given by a sign-in."""
    removed = await services.connections.remove(principal, space, connection)
    return RemovedOut(revoked=removed.revoked)


@router.get("/api/connections/{connection}/places")
async def places(
    connection: str,
    principal: Asking,
    services: Wired,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Sequence[PlaceFoundOut]:
    """Where a brief could go; without a query, the likeliest first."""
    found = await services.connections.places(principal, connection, q)
    return [PlaceFoundOut.of(one) for one in found]


@router.post("/api/connections/{connection}/choices")
async def choices(
    connection: str, sent: ChoicesIn, principal: Asking, services: Wired
) -> Sequence[MappingChoiceOut]:
    """What may be chosen about how briefs are shown in a place."""
    found = await services.connections.choices(
        principal,
        connection,
        cast("Mapping[str, Json]", sent.where),  # it was read as JSON
        cast("Mapping[str, Json]", sent.mapping),
    )
    return [MappingChoiceOut.of(one) for one in found]


@router.get("/api/connections/{connection}/hook")
async def listening(connection: str, principal: Asking, services: Wired) -> ListeningOut:
    """How it hears of changes."""
    return ListeningOut.of(await services.connections.listening(principal, connection))


@router.post("/api/connections/{connection}/hook")
async def listen(connection: str, principal: Asking, services: Wired) -> ListeningOut:
    """Begin anew to hear of changes: what a person enters over there, where only they can."""
    return ListeningOut.of(await services.connections.listen(principal, connection))


@router.get("/api/sign-in/{kind}/callback", response_class=HTMLResponse)
async def come_back(
    kind: Kind,
    principal: Asking,
    services: Wired,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4_096)] = "",
    error: Annotated[str, Query(max_length=1_000)] = "",
) -> HTMLResponse:
    """Where people come back to from signing in elsewhere."""
    if kind is Kind.TRELLO:
        return pages.bringing()
    try:
        made = await services.connections.come_back(
            principal, kind, state=state, code=code, error=error
        )
    except (BackendError, ExportError) as refused:
        body = describe(refused)
        return pages.said(
            f"{NAMES[kind]} is not connected", f"{body.message} {body.remedy}", status=body.status
        )
    return pages.said(
        "Connected",
        f"{made.name} is connected as {made.account.name}. You can close this page.",
        back=f"/s/{made.space}",
    )


@router.post("/api/sign-in/trello/token")
async def brought(sent: BroughtIn, principal: Asking, services: Wired) -> ConnectionOut:
    """What Trello gave, as the page of ours brings it."""
    made = await services.connections.come_back(
        principal, Kind.TRELLO, state=sent.state, code=sent.token, error=sent.error
    )
    return ConnectionOut.of(made)


@router.head(PATH + "/{address}", include_in_schema=False)
@router.get(PATH + "/{address}", include_in_schema=False)
async def known(address: str, services: Wired) -> Response:
    """Asked before calls are sent: whether anybody listens here."""
    if not await services.hooks.known(address):
        raise NotFound("webhook", address)
    return Response()


@router.post(PATH + "/{address}", include_in_schema=False)
async def call_in(address: str, request: Request, services: Wired) -> Response:
    """Something changed over there. Signed by whoever says so, or refused."""
    try:
        await services.hooks.hear(address, request.headers, await request.body())
    except NotFound:
        return Response(status_code=410)  # Trello takes such a webhook away by itself
    return Response()


def _base(request: Request, services: Services) -> str:
    """Where people come back to: as the settings say it, else where they ask from."""
    return services.settings.return_url or f"{request.url.scheme}://{request.url.netloc}"
