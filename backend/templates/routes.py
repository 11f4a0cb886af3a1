"""Templates over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from backend.http import Asking, Wired
from backend.templates.builtin import TEMPLATES
from backend.templates.schemas import NamedTemplate, OwnTemplateOut, TemplateOut

router = APIRouter(prefix="/api", tags=["templates"])


@router.get("/briefs/templates")
async def templates() -> Sequence[TemplateOut]:
    return [TemplateOut.of(one) for one in TEMPLATES.values()]


@router.get("/spaces/{space}/templates")
async def own_templates(space: str, services: Wired, principal: Asking) -> Sequence[OwnTemplateOut]:
    """What was saved as a template in this space."""
    return [OwnTemplateOut.of(one) for one in await services.templates.list(principal, space)]


@router.post("/briefs/{brief}/template", status_code=201)
async def save_template(
    brief: str, new: NamedTemplate, services: Wired, principal: Asking
) -> OwnTemplateOut:
    """Keep what a brief says as a template of its space."""
    return OwnTemplateOut.of(await services.templates.save(principal, brief, new.name))


@router.patch("/templates/{template}")
async def rename_template(
    template: str, new: NamedTemplate, services: Wired, principal: Asking
) -> OwnTemplateOut:
    return OwnTemplateOut.of(await services.templates.rename(principal, template, new.name))


@router.delete("/templates/{template}", status_code=204)
async def delete_template(template: str, services: Wired, principal: Asking) -> None:
    await services.templates.delete(principal, template)
