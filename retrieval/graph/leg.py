"""The graph as one more leg: what the other legs find first, and where that leads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from retrieval.errors import AllLegsFailed, EngineUnavailable
from retrieval.fusion import min_max_scores
from retrieval.graph.cooccurrence import EXTRACTION, asked, read
from retrieval.graph.extract import Fact, joined
from retrieval.graph.model import EntityKey, Facts, Subgraph
from retrieval.graph.names import NAMES
from retrieval.graph.paths import explain
from retrieval.graph.walk import walk
from retrieval.model import Passage, PassageId, Query, Ranked, Run, Scope, SourceId, VersionHash
from retrieval.search import DEADLINE, POOL

if TYPE_CHECKING:
    from retrieval.ports import GraphStore, Retriever

FINGERPRINT: Final = f"{EXTRACTION} {NAMES}"  # a graph of another is refused and remade
STARTS: Final = 4  # passages the walk begins at; the fifth is more often wrong than useful
HOPS: Final = 1  # of the subgraph; the walk's later steps stay within it
SEEDING: Final = DEADLINE / 2  # seconds for the seeding legs; what is left is for the walk
LIMIT: Final = 500  # passages of a subgraph: what a query costs; 300 ranked no worse on dev
BOOST: Final = 6.0  # of what arrives, beside a nearness from 0 to 1
TOLD: Final = 3  # paths told of one passage
AROUND: Final = 45  # passages beside them that a subgraph for it has: common names explain little
WEIGHTS: Final[Mapping[str, float]] = {"bm25": 0.4}  # in nearness; all others 1


@dataclass(frozen=True, slots=True)
class Found:
    """One walk: its run, the subgraph it went through, and what it began with."""

    run: Run
    graph: Subgraph
    starts: tuple[PassageId, ...]
    asked: tuple[EntityKey, ...]


Said: TypeAlias = Callable[[Sequence[PassageId]], Awaitable[Mapping[PassageId, Sequence[Fact]]]]


class GraphLeg:
    """Ranks by the seeding legs' scores and by what arrives over shared names.

    ``near`` are the legs whose best passages seed the walk, with the entities the question
    names. One that fails, or takes longer than ``seeding_s``, is left out; when all do, this one
    fails, too. Feeding it reads each passage once, without a model.
    """

    name = "graph"

    def __init__(
        self,
        store: GraphStore,
        near: Sequence[Retriever],
        said: Said | None = None,
        *,
        seeding_s: float = SEEDING,
    ) -> None:
        """``said`` tells what a model said of passages; it stands beside what is read of them."""
        self._store = store
        self._near = tuple(near)
        self._said = said
        self._seeding = seeding_s
        self._feeding = asyncio.Lock()

    @property
    def store(self) -> GraphStore:
        """Where it is kept."""
        return self._store

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        return (await self.find(query, scope=scope, limit=limit)).run

    async def find(
        self, query: Query, *, scope: Scope, limit: int, relations: bool = False
    ) -> Found:
        """A search with its subgraph, to explain it by; ``relations`` costs more time."""
        if scope.empty or limit < 1:
            return Found(Run(self.name, ()), Subgraph(), (), ())
        nearness, keys = await asyncio.gather(
            self._nearness(query, scope), asyncio.to_thread(_asked, query.text)
        )
        starts = tuple(nearness)[:STARTS]
        graph = await self._store.around(
            keys, scope=scope, hops=HOPS, limit=LIMIT, passages=starts, relations=relations
        )
        named = linked(keys, graph)

        def rank() -> Run:
            arrived = walk(graph, nearness=nearness, starts=starts, asked=named)
            scores = {
                id: round(nearness.get(id, 0.0) + BOOST * arrived.get(id, 0.0), 6)
                for id in nearness.keys() | arrived.keys()
            }
            best = sorted(filter(scope.finds, scores), key=lambda id: (-scores[id], id))[:limit]
            return Run(self.name, tuple(Ranked(id, scores[id]) for id in best if scores[id] > 0))

        return Found(await asyncio.to_thread(rank), graph, starts, named)

    async def explain(
        self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
    ) -> Mapping[PassageId, Sequence[str]]:
        """The paths to these passages, in words, at most TOLD to each.

        ``runs`` are what the search's legs found: the walk began at the best of them.
        """
        names = {leg.name for leg in self._near}
        near = min_max_scores([run for run in runs if run.leg in names], weights=WEIGHTS)
        starts = tuple(near)[:STARTS]
        ends = list(dict.fromkeys((*starts, *passages)))
        keys = _asked(query.text)  # read by the search; a millisecond where that is long ago
        graph = await self._store.around(
            keys,
            scope=scope,
            hops=HOPS,
            limit=len(ends) + AROUND,
            passages=ends,
            relations=True,
        )
        named = linked(keys, graph)

        return {
            id: tuple(map(str, explain(graph, id, starts=starts, asked=named)[:TOLD]))
            for id in passages
        }

    async def put(self, passages: Sequence[Passage]) -> None:
        async with self._feeding:  # what was said is looked up and merged before it can change
            said = {} if self._said is None else await self._said([one.id for one in passages])

            def facts() -> list[Facts]:
                return [
                    joined(read(one), [fact for fact in said.get(one.id, ()) if fact.holds(one)])
                    for one in passages
                ]

            await self._store.merge(await asyncio.to_thread(facts))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._store.drop(source, keep=keep)

    async def count(self) -> int:
        return await self._store.count()

    async def _nearness(self, query: Query, scope: Scope) -> dict[PassageId, float]:
        """From 0 to 1 for each passage the seeding legs find, best first."""

        async def asked(leg: Retriever) -> Run:
            try:
                async with asyncio.timeout(self._seeding):
                    return await leg.search(query, scope=scope, limit=POOL)
            except TimeoutError as error:
                late = f"{leg.name} gave no answer within {self._seeding:g} s"
                raise EngineUnavailable(late) from error

        answers = await asyncio.gather(*map(asked, self._near), return_exceptions=True)
        runs = [run for run in answers if isinstance(run, Run)]
        if self._near and not runs:
            raise AllLegsFailed(
                "no leg gave the graph a passage to begin at ("
                + "; ".join(str(error) or type(error).__name__ for error in answers)
                + ")"
            )
        return min_max_scores(runs, weights=WEIGHTS)


@lru_cache(maxsize=64)  # what a search found is explained next
def _asked(text: str) -> tuple[EntityKey, ...]:
    return tuple(asked(text))


def linked(keys: Sequence[EntityKey], graph: Subgraph) -> tuple[EntityKey, ...]:
    """The entities a question means, of those it may: the longest that are known.

    "warsaw pact" takes "warsaw" with it. Keys come longest first, as ``asked`` gives them.
    """
    known = {entity.key for entity in graph.entities}
    found: list[EntityKey] = []
    for key in keys:
        if key in known and not any(f" {key} " in f" {longer} " for longer in found):
            found.append(key)
    return tuple(found)
