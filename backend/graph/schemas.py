"""The graph on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from backend.graph.views import Companies, Company, Quoted, View
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


def _quoted(found: Iterable[Quoted]) -> list[QuotedOut]:
    return [QuotedOut.of(one) for one in found]
