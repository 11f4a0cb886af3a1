"""Thousands of questions in as many scopes, asked at the same time: nothing outside ever shows.

STRATMASTER_TEST_PAIRS sets how many (20,000), STRATMASTER_TEST_SEED which ones. A failure names
its seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from retrieval.dense import DenseLeg
from retrieval.encoders.hashing import HashingEncoder
from retrieval.graph.leg import FINGERPRINT, GraphLeg
from retrieval.graph.memory import MemoryGraph
from retrieval.memory import MemoryLexical
from retrieval.model import Passage, PassageId, Query, Run, Scope, Side, SparseVector
from retrieval.ports import GraphStore, Leg
from retrieval.search import Searcher
from retrieval.shared import Shared
from retrieval.sparse import SparseLeg
from retrieval.stores.exact import ExactVectors
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.sqlite_graph import SqliteGraph
from retrieval.stores.tantivy import Tantivy
from retrieval.why import Reason

PAIRS = int(os.environ.get("STRATMASTER_TEST_PAIRS", "20000"))
SEED = int(os.environ.get("STRATMASTER_TEST_SEED", "0")) or random.randrange(1, 10**9)
AT_ONCE = 50  # pairs
LIMIT = 100  # more than there are

ENCODER = HashingEncoder(16)
TENANTS = ["acme", "bolt"]
SPACES = ["s1", "s2"]  # of either tenant: the names are no secret, what lies in them is
TOPICS = ["freight", "copper", "tariffs", "harbour"]


class Counting:
    """Weighted terms without a model: each word has its place."""

    fingerprint = "counting"

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        return [
            SparseVector(tuple(found), (1.0,) * len(found))
            for text in texts
            for found in [sorted({TOPICS.index(word) for word in TOPICS if word in text.lower()})]
        ]


def corpus() -> list[Passage]:
    """The same sentences for every owner, so that what is asked by one is said by all.

    Each names its owner in capitals, and its source, so that a path can give itself away.
    """
    made = []
    for tenant in TENANTS:
        for space in SPACES:
            for number in range(3):
                source = f"src_{tenant}{space}{number}"
                for ordinal, topic in enumerate(TOPICS):
                    text = (
                        f"The Port of Rotterdam Group handled {topic} in the year, and the price "
                        f"of {topic} rose with that of {TOPICS[ordinal - 1]} as before. "
                        f"Holder {tenant.title()}{space.title()}x{number} said so."
                        if ordinal % 2
                        else f"Of {topic} the Port of Rotterdam Group says the same everywhere."
                    )
                    id = f"{source}.000000000000.{ordinal:05d}"
                    made.append(
                        Passage(
                            id, tenant, space, source, "v1", ordinal, text, 0, len(text), "Ports"
                        )
                    )
    return made


HELD = {passage.id: passage for passage in corpus()}
SOURCES = sorted({passage.source for passage in HELD.values()})
OWNERS = [source.removeprefix("src_") for source in SOURCES]  # as their texts name them


class Credulous:
    """Gives whatever it is asked for, so that only the searcher stands between it and a reader."""

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        return [HELD[id] for id in ids if id in HELD]


def visible(scope: Scope) -> set[PassageId]:
    return {
        passage.id
        for passage in HELD.values()
        if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
        and scope.finds(passage.id)
    }


def some(rng: random.Random, of: Sequence[str]) -> frozenset[str]:
    return frozenset(rng.sample(of, rng.randrange(len(of) + 1)))


def scopes(rng: random.Random) -> Iterator[Scope]:
    while True:
        yield Scope(
            rng.choice([*TENANTS, *TENANTS, "nobody", "s1", "*", ""]),
            some(rng, [*SPACES, "acme", "s3"]),
            None if rng.random() < 0.5 else some(rng, SOURCES),
            None if rng.random() < 0.7 else some(rng, sorted(HELD)),
        )


@dataclass(frozen=True)
class Engines:
    legs: Sequence[Leg]
    graph: GraphLeg
    searcher: Searcher


def joined(words: Leg, dense: DenseLeg, sparse: SparseLeg, graph: GraphStore) -> Engines:
    shared = [Shared(words), Shared(dense)]
    walking = GraphLeg(graph, shared, seeding_s=60)
    legs: list[Leg] = [*shared, sparse, walking]
    return Engines(legs, walking, Searcher(legs, Credulous(), deadline_s=60))


@asynccontextmanager
async def opened(engine: str, folder: Path) -> AsyncIterator[Engines]:
    if engine == "memory":
        dense, sparse = DenseLeg(ENCODER, ExactVectors()), SparseLeg(Counting(), ExactVectors())
        yield joined(MemoryLexical(), dense, sparse, MemoryGraph())
        return
    words = Tantivy.open(folder / "lexical")
    vectors = QdrantEdge.open_dense(folder / "dense", fingerprint="f", dimensions=16)
    weights = QdrantEdge.open_sparse(folder / "sparse", fingerprint="f")
    graph = SqliteGraph.open(folder / "graph.db", fingerprint=FINGERPRINT)
    try:
        dense, sparse = DenseLeg(ENCODER, vectors), SparseLeg(Counting(), weights)
        yield joined(words, dense, sparse, graph)
    finally:
        for held in (words, vectors, weights, graph):
            held.close()


@contextmanager
def named(seed: int) -> Iterator[None]:
    """A failure says which seed makes it again."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"STRATMASTER_TEST_SEED={seed}")
        raise


@pytest.mark.timeout(max(120, PAIRS // 50))
@pytest.mark.parametrize(("engine", "pairs"), [("memory", PAIRS // 20), ("embedded", PAIRS)])
async def test_nothing_outside_a_scope_is_ever_shown(
    engine: str, pairs: int, tmp_path: Path
) -> None:
    """By no leg, hit, twin's place, path, or reason why not; while owners come and go."""
    rng = random.Random(SEED)
    drawn = scopes(rng)
    with named(SEED):
        async with opened(engine, tmp_path) as engines:
            for leg in engines.legs:
                await leg.put(list(HELD.values()))
            for number in range(0, pairs, AT_ONCE):
                asked = [next(drawn) for _ in range(AT_ONCE - AT_ONCE // 5)]
                asked += rng.sample(asked, AT_ONCE // 5)  # some ask the very same, and share
                text = " ".join(rng.sample(TOPICS, rng.choice([1, 1, 2])))
                if rng.random() < 0.3:
                    text = f"What did the Port of Rotterdam Group say of {text}?"  # whom all name
                words, dense, sparse, _ = engines.legs
                work = [one(leg, text, scope) for leg in (words, dense, sparse) for scope in asked]
                work += [walked(engines.graph, text, scope) for scope in asked[:5]]
                work += [searched(engines.searcher, rng, text, scope) for scope in asked[-5:]]
                if number % 2_000 == 0:
                    work.append(moving(engines.legs, rng.choice(SOURCES)))
                await asyncio.gather(*work)


async def one(leg: Leg, text: str, scope: Scope) -> None:
    run = await leg.search(Query(text), scope=scope, limit=LIMIT)
    within(run, scope)


def within(run: Run, scope: Scope) -> None:
    found = {line.passage for line in run.ranked}
    assert found <= visible(scope), (run.leg, scope, found - visible(scope))


async def walked(graph: GraphLeg, text: str, scope: Scope) -> None:
    """The subgraph behind the run, too: its names and passages are all of the scope.

    It may lead by way of passages that are not to be found, never by those not to be seen.
    """
    found = await graph.find(Query(text), scope=scope, limit=LIMIT, relations=True)
    within(found.run, scope)
    seen = visible(replace(scope, passages=None))
    assert set(found.graph.passages) <= seen
    own = " ".join(f"{HELD[id].title} {HELD[id].text}" for id in seen)
    for entity in found.graph.entities:
        assert entity.name in own, (entity, scope)
        assert entity.passages <= len(seen), (entity, scope)


async def searched(searcher: Searcher, rng: random.Random, text: str, scope: Scope) -> None:
    may, seen = visible(scope), visible(replace(scope, passages=None))
    found = await searcher.search(Query(text), scope=scope)
    assert not found.trace.degraded, found.trace
    own = {HELD[id].source.removeprefix("src_") for id in seen}
    for hit in found.hits:
        assert hit.passage.id in may, (hit, scope)
        assert {place.passage for place in hit.elsewhere} <= may, (hit, scope)
        for path in hit.paths:
            for holder in OWNERS:
                told = holder in path.lower().replace("x", "")
                assert not told or holder in own, (path, scope)
    if found.hits or rng.random() < 0.2:
        id = rng.choice(sorted(HELD))
        why = await searcher.why_not(Query(text), id, scope=scope)
        assert (why.reason is Reason.NOT_INDEXED) == (id not in may), (id, scope, why)
        if id not in may:
            assert not why.legs, why
            assert (why.rank, why.score, why.within, why.language) == (None,) * 4


async def moving(legs: Sequence[Leg], source: str) -> None:
    """One source goes and comes again while all the others are asked for."""
    for leg in legs:
        await leg.drop(source)
        await leg.put([passage for passage in HELD.values() if passage.source == source])
