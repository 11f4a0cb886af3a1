"""Which entities keep company, and what is said of them in the passages' own words. Pure.

Communities are found by modularity (Blondel et al.: "Fast unfolding of communities in large
networks", 2008, known as Louvain), with ties broken by name so that the same graph gives the same
ones. They are made of a subgraph, so of one reader's scope alone: a summary holds nothing that
its reader may not see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from retrieval.graph.cooccurrence import keys_in
from retrieval.graph.model import EntityKey, Subgraph
from retrieval.model import Passage, PassageId
from retrieval.sentences import sentences

FEWEST: Final = 3  # entities; two that keep company are a relation
QUOTES: Final = 3  # sentences of a summary, from as many passages
LONGEST: Final = 400  # code points of a quoted sentence
ROUNDS: Final = 20  # of moving in one level; real graphs settle in a handful


@dataclass(frozen=True, slots=True)
class Community:
    """Entities by how much they are named, and the passages that name two or more of them."""

    entities: tuple[EntityKey, ...]
    names: tuple[str, ...]
    passages: tuple[PassageId, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence as it stands: ``passage.text[start:end] == text``."""

    passage: PassageId
    start: int
    end: int
    text: str


def communities(graph: Subgraph) -> tuple[Community, ...]:
    """The communities of a subgraph that was asked for with its relations; the largest first."""
    named = {entity.key: entity for entity in graph.entities}
    weights: dict[EntityKey, dict[EntityKey, float]] = {key: {} for key in sorted(named)}
    for edge in graph.edges:
        if edge.subject != edge.object:
            for one, other in ((edge.subject, edge.object), (edge.object, edge.subject)):
                weights[one][other] = weights[one].get(other, 0.0) + edge.passages
    held: dict[PassageId, set[EntityKey]] = defaultdict(set)
    for link in graph.links:
        held[link.passage].add(link.entity)
    found = []
    for members in _louvain(weights):
        if len(members) < FEWEST:
            continue
        ordered = sorted(members, key=lambda key: (-named[key].passages, key))
        shared = {id: len(keys & members) for id, keys in held.items()}
        found.append(
            Community(
                tuple(ordered),
                tuple(named[key].name for key in ordered),
                tuple(sorted((id for id in shared if shared[id] > 1),
                             key=lambda id: (-shared[id], id))),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-len(one.entities), one.entities)))


def summary(
    community: Community, passages: Mapping[PassageId, Passage], *, limit: int = QUOTES
) -> tuple[Quote, ...]:
    """Sentences that name most of a community, each time adding names not yet told of.

    Every one is a quotation with its place. Passages that are not given are passed over; no two
    sentences are of one passage.
    """
    members = frozenset(community.entities)
    candidates: list[tuple[frozenset[EntityKey], Quote]] = []
    for id in community.passages:
        if id not in passages:
            continue
        text = passages[id].text
        for start, end in sentences(text):
            if end - start <= LONGEST:
                told = keys_in(text[start:end]) & members
                if told:
                    candidates.append((told, Quote(id, start, end, text[start:end])))
    quotes: list[Quote] = []
    told_of: set[EntityKey] = set()
    while candidates and len(quotes) < limit:
        told, best = max(
            candidates,
            key=lambda one: (
                len(one[0] - told_of),
                len(one[0]),
                -community.passages.index(one[1].passage),
                -one[1].start,
            ),
        )
        if not told - told_of:
            break
        quotes.append(best)
        told_of |= told
        candidates = [one for one in candidates if one[1].passage != best.passage]
    return tuple(quotes)


def _louvain(weights: Mapping[EntityKey, Mapping[EntityKey, float]]) -> Sequence[set[EntityKey]]:
    groups: list[set[EntityKey]] = [{key} for key in weights]
    place = {key: at for at, key in enumerate(weights)}
    level: list[dict[int, float]] = [
        {place[other]: weight for other, weight in near.items()} for near in weights.values()
    ]
    while True:
        homes = _moved(level)
        numbers = {home: at for at, home in enumerate(dict.fromkeys(homes))}
        if len(numbers) == len(level):
            return groups
        merged: list[set[EntityKey]] = [set() for _ in numbers]
        above: list[dict[int, float]] = [defaultdict(float) for _ in numbers]
        for node, home in enumerate(homes):
            to = numbers[home]
            merged[to] |= groups[node]
            for other, weight in level[node].items():
                # A loop holds both directions of what lies within.
                above[to][numbers[homes[other]]] += weight
        groups, level = merged, above


def _moved(level: Sequence[Mapping[int, float]]) -> list[int]:
    """Each node's home, after moving nodes to where modularity gains most until none gains."""
    degrees = [sum(near.values()) for near in level]
    total = sum(degrees)
    homes = list(range(len(level)))
    if not total:
        return homes
    inside = list(degrees)  # of a home: the degrees of all who live there
    for _ in range(ROUNDS):
        still = True
        for node, near in enumerate(level):
            ties: dict[int, float] = defaultdict(float)
            for other, weight in near.items():
                if other != node:
                    ties[homes[other]] += weight
            inside[homes[node]] -= degrees[node]

            def gain(
                home: int, ties: Mapping[int, float] = ties, degree: float = degrees[node]
            ) -> float:
                return ties.get(home, 0.0) - inside[home] * degree / total

            here = homes[node]
            best = max(sorted(ties), key=gain, default=here)
            if gain(best) > gain(here) + 1e-9:
                homes[node] = best
                still = False
            inside[homes[node]] += degrees[node]
        if still:
            break
    return homes
