"""The claims of a brief over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from backend.auth.policy import Action
from backend.claims.schemas import ClaimOut, ClaimsOut, MarkIn, claim_out, claims_out
from backend.http import Asking, Wired

router = APIRouter(prefix="/api/briefs/{brief}/claims", tags=["claims"])


@router.get("")
async def check(brief: str, principal: Asking, services: Wired) -> ClaimsOut:
    """Every claim as the brief says it now, with its verdict."""
    found, space = await services.briefs.get(principal, brief)
    return claims_out(await services.claims.check(found.id, scope=principal.scope([space.id])))


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
