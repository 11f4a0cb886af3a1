"""An answer on the wire, and as a stored run. One form for each thing, everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from backend.answers.answer import Estimate, Replay
from backend.answers.events import (
    AnswerEvent,
    Cited,
    Declined,
    Failed,
    Finished,
    Notice,
    Retrieved,
    Sentence,
    Started,
    Token,
)
from backend.answers.grounds import matched
from backend.answers.runs import AnswerRun
from backend.clock import iso
from backend.evidence.schemas import EvidenceOut, evidence_out
from backend.ports import Usage
from backend.sent import Sent
from retrieval.model import Hit, Passage, RerankTrace, Trace, Understood


class PassageOut(BaseModel):
    id: str
    source: str
    source_title: str
    version: str
    page: int | None
    start: int
    end: int
    text: str
    headings: list[str]


class ContributionOut(BaseModel):
    leg: str
    rank: int
    score: float
    amount: float
    part: int = Field(description="0 for the whole question, else which of its parts, from 1.")


class ElsewhereOut(BaseModel):
    passage: str
    source: str
    source_title: str
    version: str
    page: int | None
    start: int
    end: int


class RerankedOut(BaseModel):
    score: float
    before: int = Field(description="Its rank, from 1, before the reranker.")


class HitOut(BaseModel):
    passage: PassageOut
    score: float
    contributions: list[ContributionOut]
    matched: list[str]
    paths: list[str] = Field(description="How the graph came to it, in words.")
    elsewhere: list[ElsewhereOut] = Field(
        description="Where else this wording stands, or nearly this one."
    )
    reranked: RerankedOut | None = Field(
        description="What the reranker made of it, where it had the last word."
    )


class LegOut(BaseModel):
    leg: str
    state: str
    milliseconds: float
    found: int
    error: str | None


class CorrectionOut(BaseModel):
    """A word that no passage in reach holds, and the one searched for beside it."""

    written: str
    searched: str


class UnderstoodOut(BaseModel):
    """How the question was read."""

    text: str = Field(description="What was searched for.")
    phrases: list[str] = Field(description="Quoted words, which every passage found holds.")
    preferred: list[str] = Field(
        description="Quoted words, which lift the passages that hold them."
    )
    filters: list[str] = Field(description="Fields that narrowed the sources, as written.")
    parts: list[str] = Field(description="Questions in it, each asked by itself beside the whole.")
    note: str = Field(
        description="Why nothing could be found, where that is certain; what no passage holds."
    )
    corrections: list[CorrectionOut]
    unchecked: str = Field(description="Why spelling was not looked at; empty where it was.")


class RerankOut(BaseModel):
    """What a second look at the best passages cost, or why it was not taken."""

    state: str
    margin: float = Field(description="How far the best was ahead, as a share of its score.")
    threshold: float
    passages: int
    milliseconds: float
    error: str | None


class TraceOut(BaseModel):
    legs: list[LegOut]
    fusion: str
    stages: dict[str, float]
    understood: UnderstoodOut | None
    rerank: RerankOut | None


class UsageOut(BaseModel):
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class AskIn(Sent):
    """A question; ``sources`` narrows it to those, ``brief`` says where it was asked."""

    question: str
    sources: list[str] | None = Field(None, max_length=10_000)
    brief: str | None = None


class AnswerLine(BaseModel):
    id: str
    question: str
    state: str
    created_at: str
    sentences: int


class RankedOut(BaseModel):
    passage: str
    rank: int
    score: float


class SentenceOut(BaseModel):
    text: str
    evidence: list[str]
    passages: list[str]


class NoticeOut(BaseModel):
    code: str
    message: str
    sentences: list[int]


class RunOut(BaseModel):
    """Everything an answer was made from, and what came of it."""

    id: str
    space: str
    question: str
    sources: list[str] | None
    brief: str | None
    asked_by: str
    kind: str
    model: str
    state: str
    created_at: str
    lists: dict[str, list[RankedOut]]
    hits: list[HitOut]
    trace: TraceOut | None
    versions: dict[str, str]
    prompt_hash: str | None
    sentences: list[SentenceOut]
    uncited: list[int]
    notices: list[NoticeOut]
    usage: UsageOut | None
    timings: dict[str, float]
    reason: str | None
    error: dict[str, str] | None
    replay_of: str | None


class DifferenceOut(BaseModel):
    what: str
    before: str
    after: str


class ReplayOut(BaseModel):
    answer: RunOut
    identical: bool
    differences: list[DifferenceOut]


class EstimateOut(BaseModel):
    model: str
    kind: str
    sources: int
    passages: int
    seconds: float | None
    cost_usd: float | None
    budget_usd: float | None


class CostOut(BaseModel):
    """What a space's answers, and readings for its graph, took since a moment.

    ``unpriced`` of all replies cost what nobody knows.
    """

    since: str
    kind: str
    model: str
    answers: int
    passages_read: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int


class CitedOut(BaseModel):
    index: int
    evidence: EvidenceOut
    passage: str


def passage_out(passage: Passage) -> PassageOut:
    return PassageOut(
        id=passage.id,
        source=passage.source,
        source_title=passage.title,
        version=passage.version,
        page=passage.page,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        headings=list(passage.headings),
    )


def hits_out(
    hits: Sequence[Hit], question: str, found: Mapping[str, Sequence[str]] | None = None
) -> list[HitOut]:
    """Hits with the words of the question that each holds."""
    words = matched(question, hits) if found is None else found
    return [
        HitOut(
            passage=passage_out(hit.passage),
            score=hit.score,
            contributions=[
                ContributionOut(
                    leg=one.leg, rank=one.rank, score=one.score, amount=one.amount, part=one.part
                )
                for one in hit.contributions
            ],
            matched=list(words.get(hit.passage.id, ())),
            paths=list(hit.paths),
            elsewhere=[
                ElsewhereOut(
                    passage=place.passage,
                    source=place.source,
                    source_title=place.title,
                    version=place.version,
                    page=place.page,
                    start=place.start,
                    end=place.end,
                )
                for place in hit.elsewhere
            ],
            reranked=RerankedOut(score=hit.reranked.score, before=hit.reranked.before)
            if hit.reranked
            else None,
        )
        for hit in hits
    ]


def searched(question: str, trace: Trace | None) -> str:
    """A question without its filters: the words that hits are marked by."""
    return trace.understood.text if trace is not None and trace.understood else question


def trace_out(trace: Trace) -> TraceOut:
    return TraceOut(
        legs=[
            LegOut(
                leg=leg.leg,
                state=leg.state.value,
                milliseconds=leg.milliseconds,
                found=leg.found,
                error=leg.error,
            )
            for leg in trace.legs
        ],
        fusion=trace.fusion,
        stages=dict(trace.stages),
        understood=understood_out(trace.understood),
        rerank=rerank_out(trace.rerank),
    )


def rerank_out(rerank: RerankTrace | None) -> RerankOut | None:
    if rerank is None:
        return None
    return RerankOut(
        state=rerank.state.value,
        margin=rerank.margin,
        threshold=rerank.threshold,
        passages=rerank.passages,
        milliseconds=rerank.milliseconds,
        error=rerank.error,
    )


def understood_out(understood: Understood | None) -> UnderstoodOut | None:
    if understood is None:  # a run kept before questions were read
        return None
    return UnderstoodOut(
        text=understood.text,
        phrases=list(understood.phrases),
        preferred=list(understood.preferred),
        filters=list(understood.filters),
        parts=list(understood.parts),
        note=understood.note,
        corrections=[
            CorrectionOut(written=one.written, searched=one.searched)
            for one in understood.corrections
        ],
        unchecked=understood.unchecked,
    )


def usage_out(usage: Usage | None) -> UsageOut | None:
    if usage is None:
        return None
    return UsageOut(
        model=usage.model,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost_usd=usage.cost_usd,
    )


def line_out(run: AnswerRun) -> AnswerLine:
    return AnswerLine(
        id=run.id,
        question=run.question,
        state=run.state.value,
        created_at=iso(run.created_at),
        sentences=len(run.sentences),
    )


def run_out(run: AnswerRun) -> RunOut:
    return RunOut(
        id=run.id,
        space=run.space,
        question=run.question,
        sources=None if run.sources is None else list(run.sources),
        brief=run.brief,
        asked_by=run.asked_by,
        kind=run.kind,
        model=run.model,
        state=run.state.value,
        created_at=iso(run.created_at),
        lists={
            leg: [RankedOut(passage=one.passage, rank=one.rank, score=one.score) for one in lines]
            for leg, lines in run.lists.items()
        },
        hits=hits_out(run.hits, searched(run.question, run.trace)),
        trace=trace_out(run.trace) if run.trace is not None else None,
        versions=dict(run.versions),
        prompt_hash=run.prompt_hash,
        sentences=[
            SentenceOut(text=line.text, evidence=list(line.evidence), passages=list(line.passages))
            for line in run.sentences
        ],
        uncited=list(run.uncited),
        notices=[
            NoticeOut(code=one.code, message=one.message, sentences=list(one.sentences))
            for one in run.notices
        ],
        usage=usage_out(run.usage),
        timings=dict(run.timings),
        reason=run.reason,
        error=dict(run.error) if run.error is not None else None,
        replay_of=run.replay_of,
    )


def replay_out(replay: Replay) -> ReplayOut:
    return ReplayOut(
        answer=run_out(replay.answer),
        identical=replay.identical,
        differences=[
            DifferenceOut(what=one.what, before=one.before, after=one.after)
            for one in replay.differences
        ],
    )


def estimate_out(estimate: Estimate) -> EstimateOut:
    return EstimateOut(
        model=estimate.model,
        kind=estimate.kind.value,
        sources=estimate.sources,
        passages=estimate.passages,
        seconds=estimate.seconds,
        cost_usd=estimate.cost_usd,
        budget_usd=None,
    )


def event_out(event: AnswerEvent, question: str) -> tuple[str, dict[str, Any]]:
    """An event's name and data as the stream carries them."""
    match event:
        case Started():
            return "started", {
                "answer": event.answer,
                "question": event.question,
                "model": event.model,
                "kind": event.kind.value,
                "scope": {"sources": event.sources, "passages": event.passages},
            }
        case Retrieved():
            return "retrieved", {
                "hits": [hit.model_dump() for hit in hits_out(event.hits, question, event.matched)],
                "trace": trace_out(event.trace).model_dump(),
            }
        case Notice():
            return "notice", {
                "code": event.code,
                "message": event.message,
                "sentences": list(event.sentences),
            }
        case Token():
            return "token", {"text": event.text}
        case Sentence():
            return "sentence", {"index": event.index, "text": event.text}
        case Cited():
            cited = CitedOut(
                index=event.index, evidence=evidence_out(event.evidence), passage=event.passage
            )
            return "cited", cited.model_dump()
        case Finished():
            usage = usage_out(event.usage)
            return "finished", {
                "answer": event.answer,
                "state": "finished",
                "uncited": list(event.uncited),
                "usage": usage.model_dump() if usage is not None else None,
                "timings": dict(event.timings),
            }
        case Declined():
            return "declined", {
                "answer": event.answer,
                "reason": event.reason,
                "searched": {
                    "legs": list(event.legs),
                    "sources": event.sources,
                    "passages": event.passages,
                },
                "nearest": [hit.model_dump() for hit in hits_out(event.nearest, question)],
            }
        case Failed():
            return "failed", {
                "answer": event.answer,
                "error": {
                    "code": event.code,
                    "message": event.message,
                    "remedy": event.remedy,
                },
            }
