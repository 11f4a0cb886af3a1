"""The values of the graph: what passages say of which entities, and the part of it a walk reads.

Everything in a graph is supported by passages and counted by passage, so that a passage taken
away takes exactly what it alone supported.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from retrieval.model import Passage, PassageId, SourceId, VersionHash

EntityKey: TypeAlias = str  # an entity's name, folded: see retrieval.graph.names


class Kind(StrEnum):
    """How two entities stand to each other."""

    CO_OCCURS = "co-occurs with"  # named in one sentence; no direction, the smaller key first
    ALIAS = "is short for"  # subject is the short form, object the long


@dataclass(frozen=True, slots=True)
class Mention:
    """One passage's naming of one entity. ``subject`` says that the passage is about it."""

    entity: EntityKey
    name: str
    times: int = 1
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """Two entities of one passage; ``kind`` is a Kind's value, or a verb that a model found."""

    subject: EntityKey
    kind: str
    object: EntityKey


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one passage says. The same passage again replaces what it said before.

    Each entity is mentioned once, each relation stands once, and both ends of a relation are
    mentioned.
    """

    passage: PassageId
    tenant: str
    space: str
    source: SourceId
    version: VersionHash
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()

    def __post_init__(self) -> None:
        named = {mention.entity for mention in self.mentions}
        if len(named) != len(self.mentions) or "" in named:
            raise ValueError(f"passage {self.passage} mentions an entity twice, or one of no name")
        if len(set(self.relations)) != len(self.relations):
            raise ValueError(f"passage {self.passage} states a relation twice")
        for relation in self.relations:
            if not {relation.subject, relation.object} <= named:
                raise ValueError(
                    f"passage {self.passage} relates {relation.subject!r} to {relation.object!r} "
                    "and does not mention both"
                )

    @classmethod
    def of(
        cls,
        passage: Passage,
        *,
        mentions: tuple[Mention, ...] = (),
        relations: tuple[Relation, ...] = (),
    ) -> Facts:
        return cls(
            passage.id,
            passage.tenant,
            passage.space,
            passage.source,
            passage.version,
            mentions,
            relations,
        )


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as a scope shows it: its commonest name there, and how many passages name it."""

    key: EntityKey
    name: str
    passages: int


@dataclass(frozen=True, slots=True)
class Link:
    """A passage of a subgraph and an entity it mentions."""

    passage: PassageId
    entity: EntityKey
    times: int
    subject: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation with the number of passages in scope that state it."""

    subject: EntityKey
    kind: str
    object: EntityKey
    passages: int


@dataclass(frozen=True, slots=True)
class Subgraph:
    """What can be reached from some seeds, all of it in one scope; each part in order of its keys.

    ``whole`` is False where a limit cut something off.
    """

    entities: tuple[Entity, ...] = ()
    passages: tuple[PassageId, ...] = ()
    links: tuple[Link, ...] = ()
    edges: tuple[Edge, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """A relation with the passages in scope that state it: how many, and the first ones by id."""

    subject: EntityKey
    kind: str
    object: EntityKey
    count: int
    passages: tuple[PassageId, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is stated of some entities, most supported first, and who stands in it.

    ``whole`` is False where there are more statements, or more passages than were read for them.
    """

    entities: tuple[Entity, ...] = ()
    statements: tuple[Statement, ...] = ()
    whole: bool = True


READ: Final = 2_000  # passages that statements are looked for in
SUPPORT: Final = 5  # passages named with a statement; the others are counted


def surrounding(
    stated: Mapping[tuple[EntityKey, str, EntityKey], Collection[PassageId]], limit: int
) -> tuple[Statement, ...]:
    """The statements to show: what most passages state first, and verbs before company kept."""
    ordered = sorted(stated, key=lambda one: (-len(stated[one]), one[1] == Kind.CO_OCCURS, one))
    return tuple(
        Statement(*one, len(stated[one]), tuple(sorted(stated[one])[:SUPPORT]))
        for one in ordered[:limit]
    )


def written(facts: Iterable[Facts]) -> str:
    """A graph as text, one JSON line for each passage: the same support, the same bytes."""
    return "".join(
        json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) + "\n"
        for one in sorted(facts, key=lambda one: one.passage)
    )
