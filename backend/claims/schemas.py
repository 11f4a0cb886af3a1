"""Claims on the wire."""

from __future__ import annotations

from pydantic import BaseModel

from backend.claims.claims import METHOD, Claim, Judgement
from backend.claims.service import Checked
from backend.clock import iso


class ClaimEvidenceOut(BaseModel):
    cite: str
    score: float


class ClaimOut(BaseModel):
    """A sentence of a brief and the verdict on it."""

    hash: str
    block: str
    text: str
    cites: list[str]
    verdict: str
    reason: str
    evidence: list[ClaimEvidenceOut]
    order: int


class CoverageOut(BaseModel):
    claims: int
    cited: int
    supported: int
    partial: int
    unsupported: int
    stale: int
    opinion: int


class ClaimsOut(BaseModel):
    claims: list[ClaimOut]
    coverage: CoverageOut
    checked_at: str
    method: str
    updated: bool
    unchecked: int
    """Claims that have no verdict yet, and so are not listed."""


class MarkIn(BaseModel):
    opinion: bool


def claim_out(claim: Claim, judgement: Judgement) -> ClaimOut:
    return ClaimOut(
        hash=claim.hash,
        block=claim.block,
        text=claim.text,
        cites=list(claim.cites),
        verdict=judgement.verdict.value,
        reason=judgement.reason,
        evidence=[ClaimEvidenceOut(cite=cite, score=score) for cite, score in judgement.scores],
        order=claim.order,
    )


def claims_out(checked: Checked) -> ClaimsOut:
    coverage = checked.coverage
    return ClaimsOut(
        claims=[claim_out(claim, judgement) for claim, judgement in checked.claims],
        coverage=CoverageOut(
            claims=coverage.claims,
            cited=coverage.cited,
            supported=coverage.supported,
            partial=coverage.partial,
            unsupported=coverage.unsupported,
            stale=coverage.stale,
            opinion=coverage.opinion,
        ),
        checked_at=iso(checked.checked_at),
        method=METHOD,
        updated=checked.updated,
        unchecked=checked.unchecked,
    )
