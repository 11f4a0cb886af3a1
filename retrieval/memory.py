"""In-memory twins of the ports: exact, slow, forgetful. For tests, and to check the engines by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from retrieval.model import (
    Passage,
    PassageId,
    Query,
    Ranked,
    Run,
    Scope,
    SourceId,
    VersionHash,
)
from retrieval.spelling import MAX_UNKNOWN, forms, once, written
from retrieval.terms import asked, indexed, phrased, words_of

K1 = 1.2
B = 0.75


class MemoryLexical:
    """BM25 by its formula, as Lucene has it, over ``retrieval.terms``.

    Statistics are of everything held, whatever the scope. ``length`` says how an engine remembers
    a passage's length; engines keep it in one byte.
    """

    name = "bm25"

    def __init__(self, *, length: Callable[[int], int] = lambda terms: terms) -> None:
        self._length = length
        self._held: dict[PassageId, tuple[Passage, Counter[str]]] = {}

    async def put(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            self._held[passage.id] = (passage, Counter(indexed(passage)))

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        def holds(passage: Passage) -> bool:
            terms = indexed(passage)
            return all(
                any(
                    terms[at : at + len(form)] == form
                    for form in phrased(phrase)
                    for at in range(len(terms))
                )
                for phrase in phrases
            )

        found = [
            id
            for id, (passage, _) in sorted(self._held.items())
            if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
            and scope.finds(id)
            and holds(passage)
        ]
        ranked = (await self.search(query, scope=scope, limit=len(self._held))).ranked
        order = {line.passage: at for at, line in enumerate(ranked)}
        return sorted(found, key=lambda id: order.get(id, len(order)))[:limit]

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        found = [
            (written(words_of(passage)), terms)
            for id, (passage, terms) in self._held.items()
            if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
            and scope.finds(id)
        ]
        times = Counter(word for held, _ in found for word in held)
        terms = frozenset(term for _, terms in found for term in terms)
        unknown = [word for word in words if not times[word] and terms.isdisjoint(forms(word))]
        if scope.empty or len(unknown) > MAX_UNKNOWN:
            return {}
        return {
            word: {other: times[other] for other in once(word) if times[other]} for word in unknown
        }

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        self._held = {
            id: (passage, terms)
            for id, (passage, terms) in self._held.items()
            if passage.source != source or passage.version == keep
        }

    async def count(self) -> int:
        return len(self._held)

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        held = list(self._held.values())
        mean = math.fsum(terms.total() for _, terms in held) / len(held) if held else 1.0
        holding = Counter(term for _, terms in held for term in terms)
        found = []
        for passage, terms in held:
            if not scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source):
                continue
            shrink = K1 * (1 - B + B * self._length(terms.total()) / mean) if mean else K1
            parts = [
                times
                * math.log(1 + (len(held) - holding[term] + 0.5) / (holding[term] + 0.5))
                * (K1 + 1)
                * terms[term]
                / (terms[term] + shrink)
                for term, times in asked(query).items()
                if term in terms
            ]
            if parts and scope.finds(passage.id):
                found.append(Ranked(passage.id, math.fsum(parts)))
        found.sort(key=lambda line: (-line.score, line.passage))
        return Run(self.name, tuple(found[:limit]))


class MemoryPassages:
    """Passages kept whole. What is not here any more is not found, whoever still ranks it."""

    def __init__(self, passages: Sequence[Passage] = ()) -> None:
        self._held = {passage.id: passage for passage in passages}

    def put(self, passages: Sequence[Passage]) -> None:
        self._held.update((passage.id, passage) for passage in passages)

    def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        self._held = {
            id: passage
            for id, passage in self._held.items()
            if passage.source != source or passage.version == keep
        }

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        return [
            passage
            for passage in (self._held[id] for id in dict.fromkeys(ids) if id in self._held)
            if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
        ]
