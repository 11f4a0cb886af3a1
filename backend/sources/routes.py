"""Sources over HTTP."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from backend.auth.policy import Action
from backend.http import Asking, Wired
from backend.limits import FORM_OVERHEAD
from backend.services import Services
from backend.sources.schemas import (
    Box,
    Deleted,
    PageOut,
    Paste,
    ReaderOut,
    SourceOut,
    UseOut,
    VersionListed,
    VersionOut,
)
from backend.sources.service import Added
from backend.sources.texts import original_key
from backend.sources.upload import received, too_large

router = APIRouter(tags=["sources"])


@router.get("/api/spaces/{space_id}/sources")
async def list_sources(space_id: str, principal: Asking, services: Wired) -> list[SourceOut]:
    return [services.sources.out(row) for row in await services.sources.list(principal, space_id)]


@router.post(
    "/api/spaces/{space_id}/sources",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "path": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def upload_source(
    space_id: str, request: Request, response: Response, principal: Asking, services: Wired
) -> SourceOut:
    """Add a file: 202 where it will be read, 200 where these bytes are there already."""
    await services.spaces.open(principal, space_id, Action.ADD_SOURCE)
    limit = services.sources.limit
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit + FORM_OVERHEAD:
        raise too_large("The file", limit)
    async with received(
        request.headers.get("content-type", ""),
        request.stream(),
        folder=services.sources.uploads,
        limit=limit,
    ) as upload:
        added = await services.sources.add(
            principal, space_id, upload, upload.fields.get("path", "")
        )
    return _added(added, response, services)


@router.post("/api/spaces/{space_id}/sources/paste", status_code=202)
async def paste_source(
    space_id: str, paste: Paste, response: Response, principal: Asking, services: Wired
) -> SourceOut:
    added = await services.sources.paste(
        principal, space_id, title=paste.title, text=paste.text, format=paste.format
    )
    return _added(added, response, services)


def _added(added: Added, response: Response, services: Services) -> SourceOut:
    response.status_code = 202 if added.new else 200
    return services.sources.out(added.source)


@router.get("/api/sources/{source_id}")
async def get_source(source_id: str, principal: Asking, services: Wired) -> SourceOut:
    return services.sources.out(await services.sources.get(principal, source_id))


@router.delete("/api/sources/{source_id}")
async def delete_source(source_id: str, principal: Asking, services: Wired) -> Deleted:
    return Deleted(cited_in=UseOut.all(await services.sources.delete(principal, source_id)))


@router.get("/api/sources/{source_id}/uses")
async def source_uses(source_id: str, principal: Asking, services: Wired) -> list[UseOut]:
    return UseOut.all(await services.sources.uses(principal, source_id))


@router.post("/api/sources/{source_id}/cancel")
async def cancel_source(source_id: str, principal: Asking, services: Wired) -> SourceOut:
    return services.sources.out(await services.sources.cancel(principal, source_id))


@router.post("/api/sources/{source_id}/retry", status_code=202)
async def retry_source(source_id: str, principal: Asking, services: Wired) -> SourceOut:
    return services.sources.out(await services.sources.retry(principal, source_id))


@router.get("/api/sources/{source_id}/versions")
async def source_versions(
    source_id: str, principal: Asking, services: Wired
) -> list[VersionListed]:
    source, versions = await services.sources.versions(principal, source_id)
    return [
        VersionListed(**VersionOut.of(row).model_dump(), current=row.hash == source.version)
        for row in versions
    ]


@router.get("/api/sources/{source_id}/versions/{hash}/reader")
async def read_version(
    source_id: str,
    hash: str,
    principal: Asking,
    services: Wired,
    start: int = 0,
    end: int = 0,
) -> ReaderOut:
    """The stored text around a place; no ``end`` means just the text from ``start`` on."""
    return await services.reader.around(principal, source_id, hash, start, end)


@router.get("/api/sources/{source_id}/versions/{hash}/file")
async def download_version(
    source_id: str, hash: str, principal: Asking, services: Wired
) -> StreamingResponse:
    """The bytes as they came, always as a download: they are somebody else's and may be hostile."""
    source, version = await services.sources.version(principal, source_id, hash)
    return StreamingResponse(
        services.blobs.open(original_key(source.tenant, version.hash)),
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(version.name, safe='')}",
            "content-length": str(version.bytes),
            "content-security-policy": "sandbox; default-src 'none'",
            "cache-control": "private, max-age=31536000, immutable",
        },
    )


@router.get("/api/sources/{source_id}/versions/{hash}/pages/{page}.png")
async def page_picture(
    source_id: str,
    hash: str,
    page: int,
    principal: Asking,
    services: Wired,
    scale: Annotated[float, Query(ge=0.25, le=4)] = 1.5,
) -> Response:
    picture = await services.reader.picture(principal, source_id, hash, page, scale)
    return Response(
        picture,
        media_type="image/png",
        headers={"cache-control": "private, max-age=31536000, immutable"},
    )


@router.get("/api/sources/{source_id}/versions/{hash}/pages/{page}")
async def page_boxes(
    source_id: str,
    hash: str,
    page: int,
    principal: Asking,
    services: Wired,
    start: int = 0,
    end: int = 0,
) -> PageOut:
    """A page's size and where on it a stretch of the stored text stands."""
    found = await services.reader.boxes(principal, source_id, hash, page, start, end)
    return PageOut(
        width=found.width,
        height=found.height,
        boxes=[Box(x=box.x, y=box.y, w=box.w, h=box.h) for box in found.boxes],
    )
