"""Evidence on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.evidence.model import Evidence
from backend.sent import Sent

LONGEST_CLAIM = 2_000  # code points


class EvidenceOut(BaseModel):
    """A quote, where it stands, and whether its source still says it."""

    id: str
    source: str
    source_title: str
    version: str
    version_number: int
    page: int | None
    start: int
    end: int
    quote: str
    quote_hash: str
    state: str
    created_at: str
    answer: str | None


class EvidenceIn(Sent):
    """A place of a version. The quote is read from the stored text, never sent."""

    source: str
    version: str
    start: int
    end: int
    answer: str | None = None
    text: str | None = Field(
        default=None,
        max_length=LONGEST_CLAIM,
        description="What is to be shown: the sentences of the place that carry it best are cited.",
    )


class EvidenceList(BaseModel):
    evidence: dict[str, EvidenceOut]
    missing: list[str]


def evidence_out(evidence: Evidence) -> EvidenceOut:
    record = evidence.record
    return EvidenceOut(
        id=record.id,
        source=record.source,
        source_title=record.source_title,
        version=record.version,
        version_number=record.version_number,
        page=record.page,
        start=record.start,
        end=record.end,
        quote=record.quote,
        quote_hash=record.quote_hash,
        state=evidence.state.value,
        created_at=iso(record.created_at),
        answer=record.answer,
    )
