"""The in-memory twin of the graph stores: dictionaries and plain loops. For tests and evals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from retrieval.graph.model import (
    READ,
    Edge,
    Entity,
    EntityKey,
    Facts,
    Kind,
    Link,
    Mention,
    Subgraph,
    Surroundings,
    surrounding,
    written,
)
from retrieval.model import PassageId, Scope, SourceId, VersionHash


class MemoryGraph:
    """Forgets everything when the process ends."""

    def __init__(self) -> None:
        self._held: dict[PassageId, Facts] = {}

    async def merge(self, facts: Sequence[Facts]) -> None:
        self._held.update((one.passage, one) for one in facts)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        self._held = {
            id: facts
            for id, facts in self._held.items()
            if facts.source != source or facts.version == keep
        }

    async def count(self) -> int:
        return len(self._held)

    async def dump(self) -> str:
        return written(self._held.values())

    async def around(
        self,
        seeds: Sequence[EntityKey],
        *,
        scope: Scope,
        hops: int,
        limit: int,
        passages: Sequence[PassageId] = (),
        relations: bool = False,
    ) -> Subgraph:
        seen = {
            id: facts
            for id, facts in self._held.items()
            if scope.admits(tenant=facts.tenant, space=facts.space, source=facts.source)
        }
        naming: dict[EntityKey, dict[PassageId, Mention]] = defaultdict(dict)
        partners: dict[EntityKey, set[EntityKey]] = defaultdict(set)
        for id, facts in seen.items():
            for mention in facts.mentions:
                naming[mention.entity][id] = mention
            for relation in facts.relations:
                if relation.kind == Kind.ALIAS:
                    partners[relation.subject].add(relation.object)
                    partners[relation.object].add(relation.subject)
        given = list(dict.fromkeys(id for id in passages if id in seen))
        chosen = set(given[:limit])
        whole = len(given) <= limit
        reached: set[EntityKey] = set()
        tried: set[EntityKey] = set()
        frontier = {key for key in seeds if key in naming}
        fresh = set(chosen)
        for _ in range(hops):
            frontier |= {mention.entity for id in fresh for mention in seen[id].mentions}
            frontier |= {other for key in frontier for other in partners[key]}
            before = set(chosen)
            for key in sorted(frontier - tried, key=lambda key: (len(naming[key]), key)):
                tried.add(key)
                if len(chosen | naming[key].keys()) > limit:
                    whole = False
                    continue
                reached.add(key)
                chosen |= naming[key].keys()
            fresh, frontier = chosen - before, set()
        links = [
            Link(id, key, mention.times, mention.subject)
            for key in reached
            for id, mention in naming[key].items()
        ]
        edges: Counter[tuple[str, str, str]] = Counter()
        if relations:
            edges.update(
                (relation.subject, relation.kind, relation.object)
                for id in chosen
                for relation in seen[id].relations
                if relation.subject in reached and relation.object in reached
            )
        return Subgraph(
            entities=tuple(
                Entity(key, _commonest(naming[key].values()), len(naming[key]))
                for key in sorted(reached)
            ),
            passages=tuple(sorted(chosen)),
            links=tuple(sorted(links, key=lambda link: (link.passage, link.entity))),
            edges=tuple(Edge(*edge, times) for edge, times in sorted(edges.items())),
            whole=whole,
        )

    async def stated(
        self, entities: Sequence[EntityKey], *, scope: Scope, limit: int, among: bool = False
    ) -> Surroundings:
        seen = {
            id: facts
            for id, facts in sorted(self._held.items())
            if scope.admits(tenant=facts.tenant, space=facts.space, source=facts.source)
        }
        asked = set(entities)
        wanted = all if among else any
        naming = [id for id, facts in seen.items() if asked & {m.entity for m in facts.mentions}]
        found: dict[tuple[str, str, str], set[PassageId]] = defaultdict(set)
        for id in naming[:READ]:
            for relation in seen[id].relations:
                if wanted(end in asked for end in (relation.subject, relation.object)):
                    found[relation.subject, relation.kind, relation.object].add(id)
        statements = surrounding(found, limit)
        shown = asked | {end for one in statements for end in (one.subject, one.object)}
        named: dict[EntityKey, list[Mention]] = defaultdict(list)
        for facts in seen.values():
            for mention in facts.mentions:
                if mention.entity in shown:
                    named[mention.entity].append(mention)
        return Surroundings(
            tuple(
                Entity(key, _commonest(mentions), len(mentions))
                for key, mentions in sorted(named.items())
            ),
            statements,
            whole=len(naming) <= READ and len(found) <= limit,
        )


def _commonest(mentions: Iterable[Mention]) -> str:
    counted = Counter(mention.name for mention in mentions)
    return min(counted, key=lambda name: (-counted[name], name))
