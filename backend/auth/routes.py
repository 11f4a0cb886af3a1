"""Who the server takes you for."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from backend.http import Asking, Wired

router = APIRouter(tags=["auth"])


class Me(BaseModel):
    subject: str
    name: str
    tenant: str
    roles: list[str]
    auth: str


@router.get("/api/me")
async def me(principal: Asking, services: Wired) -> Me:
    return Me(
        subject=principal.subject,
        name=principal.name,
        tenant=principal.tenant,
        roles=sorted(principal.roles),
        auth=services.authenticator.name,
    )
