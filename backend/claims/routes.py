"""The claims of a brief over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend.auth.policy import Action
from backend.claims.schemas import ClaimOut, ClaimsOut, MarkIn, claim_out, claims_out
from backend.claims.service import Checked, Progress
from backend.http import Asking, Wired, frame

Step: TypeAlias = Progress | Checked

router = APIRouter(prefix="/api/briefs/{brief}/claims", tags=["claims"])


@router.get("")
async def check(
    brief: str, principal: Asking, services: Wired, standing: Annotated[bool, Query()] = False
) -> ClaimsOut:
    """Every claim as the brief says it now, with its verdict.

    With ``standing`` nothing is judged: only the claims whose verdict still holds are listed.
    """
    found, space = await services.briefs.get(principal, brief)
    scope = principal.scope([space.id])
    if standing:
        return claims_out(await services.claims.standing(found.id, scope=scope))
    return claims_out(await services.claims.check(found.id, scope=scope))


@router.get(
    "/check",
    responses={200: {"content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
)
async def checking(brief: str, principal: Asking, services: Wired) -> StreamingResponse:
    """The same check as it goes: ``progress`` events, then ``checked`` with what the other gives.

    Closing the request cancels it; the verdicts told of are kept.
    """
    found, space = await services.briefs.get(principal, brief)
    steps = services.claims.checking(found.id, scope=principal.scope([space.id]))
    first = await anext(steps)  # what fails before the first word has a status of its own
    return StreamingResponse(
        services.watch.streaming(principal, space.id, stream(first, steps)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def stream(first: Step, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[bytes, None]:
    """A check's steps as bytes."""
    async with aclosing(steps):
        yield _event(first)
        async for step in steps:
            yield _event(step)


def _event(step: Step) -> bytes:
    if isinstance(step, Progress):
        return frame("progress", json.dumps({"done": step.done, "total": step.total}))
    return frame("checked", claims_out(step).model_dump_json())


@router.post("/{claim}")
async def mark(
    brief: str, claim: str, body: MarkIn, principal: Asking, services: Wired
) -> ClaimOut:
    """Mark a claim as an opinion, which needs no evidence, or as a claim again."""
    found, space = await services.briefs.get(principal, brief, Action.EDIT)
    return claim_out(
        *await services.claims.mark(
            found.id,
            claim,
            opinion=body.opinion,
            scope=principal.scope([space.id]),
            actor=principal.subject,
        )
    )


@router.post("/{claim}/recheck")
async def recheck(brief: str, claim: str, principal: Asking, services: Wired) -> ClaimOut:
    """Judge a claim again."""
    found, space = await services.briefs.get(principal, brief)
    scope = principal.scope([space.id])
    return claim_out(*await services.claims.recheck(found.id, claim, scope=scope))
