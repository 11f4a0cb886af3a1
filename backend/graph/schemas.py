"""The graph on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.graph.extraction import NO_MODEL, SET_A_MODEL, Budget, Standing
from backend.graph.views import Companies, Company, Quoted, View
from backend.sent import Sent
from backend.sources.schemas import Problem
from backend.store.extractions import ExtractionRow, Tally
from retrieval.graph.model import Entity

NAMED = 12  # entities told of a community; the others are counted


class QuotedOut(BaseModel):
    """Words at a place of a stored version: what `POST /api/evidence` makes evidence of."""

    passage: str
    source: str
    source_title: str
    version: str
    page: int | None
    start: int
    end: int
    quote: str

    @classmethod
    def of(cls, one: Quoted) -> QuotedOut:
        return cls(
            passage=one.passage,
            source=one.source,
            source_title=one.source_title,
            version=one.version,
            page=one.page,
            start=one.start,
            end=one.end,
            quote=one.quote,
        )


class EntityOut(BaseModel):
    key: str
    name: str
    passages: int = Field(description="That name it, of those the reader may see.")
    asked: bool = Field(description="The question, or whoever looked it up, named it.")


class RelationOut(BaseModel):
    subject: str = Field(description="An entity's key.")
    predicate: str
    object: str = Field(description="An entity's key.")
    directed: bool = Field(description="False where the two are merely named together.")
    passages: int = Field(description="That state it, of those the reader may see.")
    text: str
    support: list[QuotedOut] = Field(description="The first of the passages, by their words.")


class StepOut(BaseModel):
    begin: str
    predicate: str
    end: str
    passages: int


class PathOut(BaseModel):
    text: str
    about: bool = Field(description="The passage is about the entity, not merely naming it.")
    steps: list[StepOut]
    begins: QuotedOut | None = Field(description="The passage it sets out from; null: the question")
    leads_to: QuotedOut


class GraphOut(BaseModel):
    """A part of the graph: as text first, and as what is needed to draw it."""

    about: str
    text: str
    entities: list[EntityOut]
    relations: list[RelationOut]
    paths: list[PathOut]
    whole: bool = Field(description="False where a limit left something out.")

    @classmethod
    def of(cls, view: View) -> GraphOut:
        return cls(
            about=view.about.value,
            text=view.text,
            entities=[
                EntityOut(
                    key=node.entity.key,
                    name=node.entity.name,
                    passages=node.entity.passages,
                    asked=node.asked,
                )
                for node in view.entities
            ],
            relations=[
                RelationOut(
                    subject=one.statement.subject,
                    predicate=one.statement.kind,
                    object=one.statement.object,
                    directed=one.directed,
                    passages=one.statement.count,
                    text=one.text,
                    support=_quoted(one.support),
                )
                for one in view.relations
            ],
            paths=[
                PathOut(
                    text=path.text,
                    about=path.about,
                    steps=[
                        StepOut(
                            begin=step.begin,
                            predicate=step.kind,
                            end=step.end,
                            passages=step.passages,
                        )
                        for step in path.steps
                    ],
                    begins=None if path.begins is None else QuotedOut.of(path.begins),
                    leads_to=QuotedOut.of(path.leads_to),
                )
                for path in view.paths
            ],
            whole=view.whole,
        )


class MemberOut(BaseModel):
    key: str
    name: str
    passages: int

    @classmethod
    def of(cls, entity: Entity) -> MemberOut:
        return cls(key=entity.key, name=entity.name, passages=entity.passages)


class CommunityOut(BaseModel):
    id: str
    entities: list[MemberOut] = Field(description="The most named of them.")
    size: int = Field(description="How many entities it has.")
    passages: int
    quotes: list[QuotedOut]

    @classmethod
    def of(cls, one: Company) -> CommunityOut:
        return cls(
            id=one.id,
            entities=[MemberOut.of(entity) for entity in one.entities[:NAMED]],
            size=len(one.entities),
            passages=one.passages,
            quotes=_quoted(one.quotes),
        )


class CommunitiesOut(BaseModel):
    """A page of communities, and how much of the space they were found in."""

    communities: list[CommunityOut]
    total: int
    offset: int
    read: int = Field(description="Passages that were read for them.")
    of: int = Field(description="Passages there are.")

    @classmethod
    def of_page(cls, page: Companies) -> CommunitiesOut:
        return cls(
            communities=[CommunityOut.of(one) for one in page.page],
            total=page.total,
            offset=page.offset,
            read=page.read,
            of=page.of,
        )


class BudgetIn(Sent):
    """What a reading may take in all, tries included; null is no limit of that kind."""

    budget_usd: float | None = Field(None, allow_inf_nan=False)
    budget_tokens: int | None = None

    def budget(self) -> Budget:
        return Budget(self.budget_usd, self.budget_tokens)


class ExtractionEstimateOut(BaseModel):
    """What reading the rest would take; null is not known."""

    passages: int
    kept: int = Field(description="Passages that this model has read.")
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    minutes: float | None


class ExtractionRunOut(BaseModel):
    """A reading by a model: how far it is, and what it took."""

    id: str
    model: str
    state: str
    reason: Problem | None = Field(description="Why it paused, where nobody paused it.")
    budget_usd: float | None
    budget_tokens: int | None
    created_at: str
    updated_at: str
    passages: int
    failed: int = Field(description="Passages that yielded nothing, though they were asked about.")
    facts: int
    dropped: int = Field(description="Facts that the passages do not say.")
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int = Field(description="Replies whose cost is not known.")


class ExtractionOut(BaseModel):
    """Where a space's reading by a model is. Without a model, how to have one."""

    model: str | None
    message: str
    remedy: str
    estimate: ExtractionEstimateOut | None
    run: ExtractionRunOut | None

    @classmethod
    def of(cls, standing: Standing) -> ExtractionOut:
        estimate, row, tally = standing.estimate, standing.extraction, standing.tally
        return cls(
            model=standing.model,
            message="" if standing.model else NO_MODEL,
            remedy="" if standing.model else SET_A_MODEL,
            estimate=None if estimate is None else ExtractionEstimateOut(**asdict(estimate)),
            run=None if row is None or tally is None else _run(row, tally),
        )


def _run(row: ExtractionRow, tally: Tally) -> ExtractionRunOut:
    return ExtractionRunOut(
        id=row.id,
        model=row.model,
        state=row.state.value,
        reason=None if row.reason is None else Problem(**row.reason),
        budget_usd=row.budget_usd,
        budget_tokens=row.budget_tokens,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
        passages=tally.passages,
        failed=tally.failed,
        facts=tally.facts,
        dropped=tally.dropped,
        prompt_tokens=tally.prompt_tokens,
        completion_tokens=tally.completion_tokens,
        cost_usd=tally.cost_usd,
        unpriced=tally.unpriced,
    )


def _quoted(found: Iterable[Quoted]) -> list[QuotedOut]:
    return [QuotedOut.of(one) for one in found]
