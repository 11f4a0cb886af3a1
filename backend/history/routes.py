"""The history of a brief over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from backend.auth.policy import Action
from backend.history.schemas import (
    BriefDifferenceOut,
    BriefVersionOut,
    SaveIn,
    VersionNameIn,
    VersionsOut,
    VersionTextOut,
    difference_out,
    version_out,
    version_text_out,
    versions_out,
)
from backend.history.service import PAGE
from backend.http import Asking, Wired
from collab.editors import Editor

LARGEST = 2**31 - 1  # that a number can be, in every store
Number: TypeAlias = Annotated[int, Path(ge=1, le=LARGEST)]

router = APIRouter(prefix="/api/briefs/{brief}/versions", tags=["history"])


@router.get("")
async def list_versions(
    brief: str,
    principal: Asking,
    services: Wired,
    before: Annotated[
        int | None, Query(ge=1, le=LARGEST, description="Only versions below this number.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
) -> VersionsOut:
    """The versions of a brief, the latest first."""
    found, _ = await services.briefs.get(principal, brief)
    versions, size = await services.history.list(found.id, before=before, limit=limit + 1)
    return versions_out(versions[:limit], size, more=len(versions) > limit)


@router.post("", status_code=201)
async def save_version(
    brief: str, body: SaveIn, principal: Asking, services: Wired
) -> BriefVersionOut:
    """Save the brief as it stands, as what the server has of it.

    Where nothing changed since the last version, that one is given the name, or said to be what
    was restored.
    """
    found, _ = await services.briefs.get(principal, brief, Action.EDIT)
    actor = Editor(principal.subject, principal.name or principal.subject)
    return version_out(
        await services.history.save(found, name=body.name, restored=body.restored, actor=actor)
    )


@router.get("/difference", response_model=BriefDifferenceOut)
async def difference(
    brief: str,
    principal: Asking,
    services: Wired,
    before: Annotated[
        int | None, Query(ge=1, le=LARGEST, description="A version; none is an empty brief.")
    ] = None,
    after: Annotated[
        int | None, Query(ge=1, le=LARGEST, description="A version; none is the brief now.")
    ] = None,
) -> Response:
    """What differs between two versions, or between one and now, block by block."""
    found, _ = await services.briefs.get(principal, brief)
    told = await services.history.difference(found.id, before=before, after=after)
    # Written in a thread: of a long brief it is a megabyte.
    return await asyncio.to_thread(lambda: _json(difference_out(told, before=before, after=after)))


@router.get("/{number}", response_model=VersionTextOut)
async def get_version(brief: str, number: Number, principal: Asking, services: Wired) -> Response:
    """A version, and what the brief said then."""
    found, _ = await services.briefs.get(principal, brief)
    version, said = await services.history.projection(found.id, number)
    return await asyncio.to_thread(lambda: _json(version_text_out(version, said)))


@router.get(
    "/{number}/update",
    responses={200: {"content": {"application/octet-stream": {}}}},
    response_class=Response,
)
async def get_update(brief: str, number: Number, principal: Asking, services: Wired) -> Response:
    """A version as one Yjs update, for a document of its own: never to be merged into the brief."""
    found, _ = await services.briefs.get(principal, brief)
    return Response(
        await services.history.update(found.id, number),
        media_type="application/octet-stream",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


@router.put("/{number}/name")
async def name_version(
    brief: str, number: Number, body: VersionNameIn, principal: Asking, services: Wired
) -> BriefVersionOut:
    """Give a version another name, or take it away: then it may be let go in time."""
    found, _ = await services.briefs.get(principal, brief, Action.EDIT)
    return version_out(await services.history.rename(found, number, body.name))


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
