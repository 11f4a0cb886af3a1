"""The graph over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from backend.answers.answer import check
from backend.auth.policy import Action
from backend.errors import Invalid, NotFound
from backend.graph.schemas import BudgetIn, CommunitiesOut, ExtractionOut, GraphOut
from backend.graph.service import ENTITIES, MOST_COMMUNITIES, MOST_ENTITIES
from backend.http import Asking, Wired
from backend.services import Services
from retrieval.model import Scope

router = APIRouter(prefix="/api/spaces/{space}/graph", tags=["graph"])


@router.get("")
async def graph(
    space: str,
    principal: Asking,
    services: Wired,
    q: Annotated[str | None, Query(description="A question: the ways to what it finds.")] = None,
    answer: Annotated[str | None, Query(description="The ways behind a kept answer.")] = None,
    entity: Annotated[str | None, Query(description="A name: what is stated of it.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=MOST_ENTITIES, description="Entities, or relations of one.")
    ] = ENTITIES,
) -> GraphOut:
    """Part of the graph; where nothing is asked for, what most is stated of in the space."""
    opened = await services.spaces.open(principal, space, Action.READ)
    given = [name for name in (q, answer, entity) if name is not None]
    if len(given) > 1:
        raise Invalid(
            "More than one of q, answer and entity was asked for.", "Ask for one at a time."
        )
    scope = principal.scope([opened.id])
    graphs = services.graphs
    if q is not None:
        check(q)
        view = await graphs.question(q, fusion=opened.fusion, scope=scope, limit=limit)
    elif answer is not None:
        if await services.answers.space_of(answer, tenant=principal.tenant) != opened.id:
            raise NotFound("answer", answer)
        run = await services.answers.get(answer, scope=scope)
        view = await graphs.answer(run, scope=scope, limit=limit)
    elif entity is not None:
        view = await graphs.entity(entity, scope=scope, limit=limit)
    else:
        view = await graphs.overview(scope=scope, limit=limit)
    return GraphOut.of(view)


@router.get("/communities")
async def list_communities(
    space: str,
    principal: Asking,
    services: Wired,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_COMMUNITIES)] = 10,
) -> CommunitiesOut:
    """Who keeps company in the sources, with sentences that say so; the largest first."""
    opened = await services.spaces.open(principal, space, Action.READ)
    page = await services.graphs.communities(
        scope=principal.scope([opened.id]), offset=offset, limit=limit
    )
    return CommunitiesOut.of_page(page)


@router.get("/extraction")
async def extraction(space: str, principal: Asking, services: Wired) -> ExtractionOut:
    """What reading the space by a model would take, and how far the last reading is."""
    opened = await services.spaces.open(principal, space, Action.READ)
    return await _standing(services, opened.id, principal.scope([opened.id]))


@router.post("/extraction", status_code=202)
async def start_extraction(
    space: str, body: BudgetIn, principal: Asking, services: Wired
) -> ExtractionOut:
    """Have the model read what it has not read yet. It may cost money: see the estimate."""
    opened = await services.spaces.open(principal, space, Action.ASK)
    scope = principal.scope([opened.id])
    await services.extractions.start(opened.id, body.budget(), scope=scope, actor=principal.subject)
    return await _standing(services, opened.id, scope)


@router.post("/extraction/pause")
async def pause_extraction(space: str, principal: Asking, services: Wired) -> ExtractionOut:
    """Ask about no further passage; replies on their way are taken in."""
    opened = await services.spaces.open(principal, space, Action.ASK)
    scope = principal.scope([opened.id])
    await services.extractions.pause(opened.id, scope=scope)
    return await _standing(services, opened.id, scope)


@router.post("/extraction/resume")
async def resume_extraction(
    space: str, principal: Asking, services: Wired, body: BudgetIn | None = None
) -> ExtractionOut:
    """Go on where it stopped; a budget that is sent takes the place of the former."""
    opened = await services.spaces.open(principal, space, Action.ASK)
    scope = principal.scope([opened.id])
    budget = None if body is None else body.budget()
    await services.extractions.resume(opened.id, budget, scope=scope)
    return await _standing(services, opened.id, scope)


@router.post("/extraction/cancel")
async def cancel_extraction(space: str, principal: Asking, services: Wired) -> ExtractionOut:
    """Stop for good; what was read stays in the graph."""
    opened = await services.spaces.open(principal, space, Action.ASK)
    scope = principal.scope([opened.id])
    await services.extractions.cancel(opened.id, scope=scope)
    return await _standing(services, opened.id, scope)


async def _standing(services: Services, space: str, scope: Scope) -> ExtractionOut:
    return ExtractionOut.of(await services.extractions.standing(space, scope=scope))
