"""The graph over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from backend.answers.answer import check
from backend.auth.policy import Action
from backend.errors import Invalid, NotFound
from backend.graph.schemas import CommunitiesOut, GraphOut
from backend.graph.service import ENTITIES, MOST_COMMUNITIES, MOST_ENTITIES
from backend.http import Asking, Wired

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
