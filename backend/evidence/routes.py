"""Evidence over HTTP: read by ids, made from a place of a stored version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from backend.auth.policy import Action
from backend.errors import Forbidden, NotFound
from backend.evidence.schemas import EvidenceIn, EvidenceList, EvidenceOut, evidence_out
from backend.evidence.service import MOST_IDS, BadQuote
from backend.http import Asking, Wired

router = APIRouter(prefix="/api/evidence", tags=["evidence"])


@router.get("")
async def read(
    principal: Asking, services: Wired, ids: Annotated[str, Query(description="a,b,c")] = ""
) -> EvidenceList:
    """The evidence of these ids, with its state now. What may not be seen is missing."""
    wanted = [one for one in dict.fromkeys(ids.split(",")) if one]
    if len(wanted) > MOST_IDS:
        raise BadQuote(
            f"{len(wanted)} ids were asked for at once.",
            f"Ask for {MOST_IDS} at a time.",
            code="too_many",
        )
    visible = []
    for space in await services.evidence.spaces_of(wanted, tenant=principal.tenant):
        try:
            visible.append((await services.spaces.open(principal, space, Action.READ)).id)
        except (NotFound, Forbidden):
            continue
    found = await services.evidence.get(wanted, scope=principal.scope(visible))
    return EvidenceList(
        evidence={id: evidence_out(one) for id, one in found.items()},
        missing=[id for id in wanted if id not in found],
    )


@router.post("", status_code=201)
async def create(body: EvidenceIn, principal: Asking, services: Wired) -> EvidenceOut:
    """Cite a place of a stored version; the quote is what stands there.

    With a `text`, the quote is those of its sentences that carry the text best, where any do.
    """
    space = await services.evidence.space_of_source(body.source, tenant=principal.tenant)
    if space is None:
        raise NotFound("source", body.source)
    try:
        opened = await services.spaces.open(principal, space, Action.EDIT)
    except NotFound:
        raise NotFound("source", body.source) from None
    if body.answer is not None:
        told = await services.answers.space_of(body.answer, tenant=principal.tenant)
        if told != opened.id:
            raise NotFound("answer", body.answer)
    made = await services.evidence.verify_and_create(
        body.source,
        body.version,
        body.start,
        body.end,
        scope=principal.scope([opened.id]),
        actor=principal.subject,
        answer=body.answer,
        claim=body.text,
    )
    return evidence_out(made)
