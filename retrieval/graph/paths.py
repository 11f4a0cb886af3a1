"""Why the graph found a passage: the ways that lead to it, as a reader can follow them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from retrieval.counted import counted
from retrieval.graph.model import EntityKey, Kind, Subgraph
from retrieval.model import PassageId

MOST: Final = 5  # ways told of one passage, the surest first

ASKED: Final = "asked for"
MENTIONS: Final = "names"
ABOUT: Final = "is about"


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow. ``passages`` in the reader's scope support it."""

    begin: str
    kind: str
    end: str
    passages: int

    def __str__(self) -> str:
        return f"{self.begin} — {self.kind} → {self.end}, {counted(self.passages, 'passage')}"


@dataclass(frozen=True, slots=True)
class Way:
    """From the question or a passage it found, to an entity this passage names.

    ``begins`` is the passage the way sets out from, or None where it is the question itself;
    ``entity`` is what the passages share. ``about`` says that this passage is about it.
    """

    begins: PassageId | None
    entity: EntityKey
    about: bool
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "; ".join(str(step) for step in self.steps)


def explain(
    graph: Subgraph,
    passage: PassageId,
    *,
    starts: Sequence[PassageId] = (),
    asked: Sequence[EntityKey] = (),
    most: int = MOST,
) -> tuple[Way, ...]:
    """The ways a walk begun at these could reach a passage, rarest shared name first.

    Empty where it names nothing that the others do. Relations are told where the subgraph was
    asked for with them.
    """
    named = {entity.key: entity for entity in graph.entities}
    here = {link.entity: link for link in graph.links if link.passage == passage}
    order = {id: at for at, id in enumerate(starts)}
    whence: dict[EntityKey, list[PassageId]] = {}
    for link in graph.links:
        if link.passage in order and link.passage != passage:
            whence.setdefault(link.entity, []).append(link.passage)

    def last(key: EntityKey) -> Step:
        kind = ABOUT if here[key].subject else MENTIONS
        return Step("this passage", kind, named[key].name, named[key].passages)

    ways = []
    for key, link in here.items():
        if key in asked:
            step = Step("the question", ASKED, named[key].name, named[key].passages)
            ways.append(Way(None, key, link.subject, (step, last(key))))
        ways += [
            Way(
                begins,
                key,
                link.subject,
                (
                    Step("a passage found", MENTIONS, named[key].name, named[key].passages),
                    last(key),
                ),
            )
            for begins in sorted(whence.get(key, ()), key=order.__getitem__)
        ]
    for edge in graph.edges:
        # Over one sentence, or a short form, from what was asked to what this passage names.
        for one, other in ((edge.subject, edge.object), (edge.object, edge.subject)):
            if one in asked and other in here and other not in asked:
                first, second = named[edge.subject].name, named[edge.object].name
                step = Step(first, edge.kind, second, edge.passages)
                if edge.kind == Kind.CO_OCCURS and one != edge.subject:
                    step = Step(second, edge.kind, first, edge.passages)
                ways.append(Way(None, other, here[other].subject, (step, last(other))))
    ways.sort(
        key=lambda way: (
            not way.about,
            named[way.entity].passages,
            way.begins is not None,
            order.get(way.begins, -1) if way.begins is not None else -1,
            way.entity,
            str(way),
        )
    )
    return tuple(ways[:most])
