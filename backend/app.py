"""The web application: routers, headers, errors and the front end's files."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from backend import health, rebuilding
from backend.answers import routes as answers
from backend.auth import routes as auth
from backend.briefs import routes as briefs
from backend.claims import routes as claims
from backend.comments import routes as comments
from backend.connections import routes as connections
from backend.documents import routes as documents
from backend.editing import routes as editing
from backend.errors import STATUS, ErrorBody, describe
from backend.evidence import routes as evidence
from backend.exports import routes as exports
from backend.graph import routes as graph
from backend.history import routes as history
from backend.limits import BodyLimit, SafeHeaders, WithoutNul
from backend.members import routes as members
from backend.pages import Pages
from backend.services import Services
from backend.sources import routes as sources
from backend.spaces import routes as spaces
from backend.templates import routes as templates
from backend.version import product_version

log = logging.getLogger(__name__)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    rebuilding.router,
    auth.router,
    spaces.router,
    members.router,
    sources.router,
    evidence.router,
    answers.router,
    graph.router,
    # Before the briefs, whose ids would take its name for one of theirs.
    templates.router,
    briefs.router,
    claims.router,
    history.router,
    comments.router,
    connections.router,
    exports.router,
    documents.router,
    editing.router,
)


def create_app(services: Services) -> FastAPI:
    """The application over services that are already open."""
    app = FastAPI(
        title="StratMaster",
        version=product_version(),
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere, which nothing here does
        redoc_url=None,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, upload=services.settings.max_upload_bytes)
    app.add_middleware(WithoutNul)
    app.add_middleware(SafeHeaders)
    for kind in STATUS:
        app.add_exception_handler(kind, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)
    for router in ROUTERS:
        app.include_router(router)
    pages = Pages(services.settings.frontend_dir)

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str, request: Request) -> Response:
        if path.startswith(("api/", "rooms/")) or path == "api":
            raise HTTPException(404)
        return await asyncio.to_thread(pages.respond, path, request.headers)

    return app


def _answer(body: ErrorBody) -> JSONResponse:
    return JSONResponse(body.json(), status_code=body.status)


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    body = describe(error)
    if body.status >= 500:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(body)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return _answer(describe(error))  # the server logs it


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # an upload was cut off: nobody is there to read this


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _answer(
        ErrorBody(422, "invalid", f"{where}: {first['msg']}.", "Correct it and send it again.")
    )


_HTTP_WORDS = {
    400: ("unreadable", "Send JSON in UTF-8, nested a few levels deep."),
    404: ("not_found", "Check the address against /api/openapi.json."),
    405: ("method_not_allowed", "Check the method against /api/openapi.json."),
    413: ("too_large", "Send less at once."),
}


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, remedy = _HTTP_WORDS.get(error.status_code, ("refused", ""))
    message = error.detail
    if error.status_code in {404, 405}:
        message = f"{request.method} {request.url.path[:200]} is nothing this server does."
    response = _answer(ErrorBody(error.status_code, code, message, remedy))
    response.headers.update(error.headers or {})
    return response
