"""The web application: routers, headers, errors and the front end's files."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from backend.errors import STATUS, ErrorBody, describe
from backend.wiring import Services


def create_app(services: Services) -> FastAPI:
    """The application over services that are already open."""
    app = FastAPI(title="StratMaster", docs_url="/api/docs", openapi_url="/api/openapi.json")
    app.state.services = services
    for kind in STATUS:
        app.add_exception_handler(kind, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    body = describe(error)
    return JSONResponse(body.json(), status_code=body.status)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    body = ErrorBody(422, "invalid", f"{where}: {first['msg']}", "Correct it and send it again.")
    return JSONResponse(body.json(), status_code=body.status)
