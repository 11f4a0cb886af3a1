"""What the graph shows: who stands to whom, the passages that say so, and what keeps company."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retrieval.graph import Step
from retrieval.graph.model import Entity, Statement
from retrieval.model import PassageId, SourceId, VersionHash


class About(StrEnum):
    """What a view was asked for."""

    ANSWER = "answer"
    QUESTION = "question"
    ENTITY = "entity"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words of a passage as they stand at a place of a stored version; what evidence is made of."""

    passage: PassageId
    source: SourceId
    source_title: str
    version: VersionHash
    page: int | None
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Node:
    """An entity; ``asked`` says that the question, or whoever looked it up, named it."""

    entity: Entity
    asked: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A statement in words, with the first passages that support it."""

    statement: Statement
    text: str
    directed: bool
    support: tuple[Quoted, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the question to a passage; ``begins`` is the passage it set out from, if any."""

    text: str
    about: bool
    steps: tuple[Step, ...]
    leads_to: Quoted
    begins: Quoted | None


@dataclass(frozen=True, slots=True)
class View:
    """Part of the graph. ``whole`` is False where a limit left something out."""

    about: About
    text: str
    entities: tuple[Node, ...] = ()
    relations: tuple[Relation, ...] = ()
    paths: tuple[Path, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Company:
    """Entities that keep company, with the sentences that tell of most of them."""

    id: str
    entities: tuple[Entity, ...]
    passages: int
    quotes: tuple[Quoted, ...]


@dataclass(frozen=True, slots=True)
class Companies:
    """A page of them, the largest first. They were found in ``read`` of ``of`` passages."""

    total: int
    offset: int
    page: tuple[Company, ...]
    read: int
    of: int
