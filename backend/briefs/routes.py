"""Briefs and their images over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, UploadFile
from fastapi.responses import StreamingResponse

from backend.briefs.schemas import BriefOut, ImageOut, NewBrief, OpenedBrief
from backend.http import Asking, Wired

router = APIRouter(prefix="/api", tags=["briefs"])


@router.get("/spaces/{space}/briefs")
async def list_briefs(space: str, services: Wired, principal: Asking) -> Sequence[BriefOut]:
    return [BriefOut.of(brief) for brief in await services.briefs.list(principal, space)]


@router.post("/spaces/{space}/briefs", status_code=201)
async def create_brief(space: str, new: NewBrief, services: Wired, principal: Asking) -> BriefOut:
    template = new.template or "blank"
    blocks = await services.templates.blocks(principal, space, template)
    brief = await services.briefs.create(principal, space, new.title, blocks=blocks)
    return BriefOut.of(brief)


@router.get("/briefs/{brief}")
async def get_brief(brief: str, services: Wired, principal: Asking) -> OpenedBrief:
    found, access = await services.briefs.access(principal, brief)
    return OpenedBrief(**found.json(), access=access)


@router.delete("/briefs/{brief}", status_code=204)
async def delete_brief(brief: str, services: Wired, principal: Asking) -> None:
    await services.briefs.delete(principal, brief)
    services.watch.changed()


@router.post("/spaces/{space}/images", status_code=201)
async def add_image(space: str, file: UploadFile, services: Wired, principal: Asking) -> ImageOut:
    image = await services.images.add(principal, space, file)
    return ImageOut(src=f"/api/images/{image.digest}", width=image.width, height=image.height)


@router.get("/images/{digest}")
async def get_image(digest: str, services: Wired, principal: Asking) -> StreamingResponse:
    image = await services.images.get(principal, digest)
    return StreamingResponse(
        services.images.open(image),
        media_type=image.media_type,
        headers={
            # The address is the content's own digest, so it never changes; but it is one
            # reader's to see, so only their browser keeps it.
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Length": str(image.bytes),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
