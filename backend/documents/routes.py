"""Downloads over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from backend.documents.downloads import Format, disposition
from backend.http import Asking, Wired

router = APIRouter(prefix="/api/briefs", tags=["briefs"])


@router.get("/{brief}/download")
async def download(
    brief: str, principal: Asking, services: Wired, format: Format = Format.MARKDOWN
) -> Response:
    """The brief as it reads now, with its references."""
    found, space = await services.briefs.get(principal, brief)
    made = await services.downloads.render(
        found.id, space.id, format, scope=principal.scope([space.id]), principal=principal
    )
    return Response(
        made.content,
        media_type=made.media_type,
        headers={
            "Content-Disposition": disposition(made.name),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
