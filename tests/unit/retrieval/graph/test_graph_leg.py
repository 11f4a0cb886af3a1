"""The graph as a leg of the search."""

from __future__ import annotations

import asyncio

import pytest

from retrieval.errors import AllLegsFailed
from retrieval.graph.leg import GraphLeg, linked
from retrieval.graph.memory import MemoryGraph
from retrieval.graph.model import Entity, Subgraph
from retrieval.memory import MemoryLexical, MemoryPassages
from retrieval.model import LegState, Passage, Query, Ranked, Run, Scope
from retrieval.search import Searcher
from retrieval.shared import Shared

SCOPE = Scope("acme", frozenset({"spc_1"}))


def passage(
    ordinal: int, text: str, *, title: str = "", source: str = "src_a", space: str = "spc_1"
) -> Passage:
    return Passage(
        f"{source}.v.{ordinal:05d}", "acme", space, source, "v", ordinal, text, 0, len(text), title
    )


GREEN = passage(1, "Green is an album by the guitarist Steve Hillage.", title="Green (album)")
HILLAGE = passage(
    2, "The musician has long been together with Miquette Giraudy.", title="Steve Hillage"
)
TEA = passage(3, "Green tea is a drink.", title="Tea")
SECRET = passage(4, "The file on Steve Hillage.", title="Steve Hillage", space="spc_2")
QUESTION = Query("Whose album was Green?")


class Down:
    name = "dense"

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        raise OSError("engine is down")


async def held(*passages: Passage) -> tuple[GraphLeg, MemoryLexical]:
    lexical = MemoryLexical()
    leg = GraphLeg(MemoryGraph(), [lexical])
    await lexical.put(passages)
    await leg.put(passages)
    return leg, lexical


async def test_a_passage_without_the_questions_words_is_found_over_a_name() -> None:
    """The question finds the album, the album names the man, the man's page is found."""
    leg, lexical = await held(GREEN, HILLAGE, TEA)
    alone = await lexical.search(QUESTION, scope=SCOPE, limit=10)
    assert HILLAGE.id not in [line.passage for line in alone.ranked]
    run = await leg.search(QUESTION, scope=SCOPE, limit=10)
    assert run.leg == "graph"
    assert [line.passage for line in run.ranked].index(HILLAGE.id) < 3
    assert [line.score for line in run.ranked] == sorted(
        (line.score for line in run.ranked), reverse=True
    )


async def test_nothing_outside_the_scope_is_found_or_leads_on() -> None:
    """A space one cannot see, a scope of no space and a limit of none give nothing of it."""
    leg, _ = await held(GREEN, HILLAGE, SECRET)
    found = [line.passage for line in (await leg.search(QUESTION, scope=SCOPE, limit=9)).ranked]
    assert SECRET.id not in found
    narrow = Scope("acme", frozenset({"spc_1", "spc_2"}), frozenset())
    assert (await leg.search(QUESTION, scope=narrow, limit=9)).ranked == ()
    assert (await leg.search(QUESTION, scope=SCOPE, limit=0)).ranked == ()
    assert len((await leg.search(QUESTION, scope=SCOPE, limit=1)).ranked) == 1


async def test_a_seeding_leg_that_fails_is_left_out_and_all_are_an_error() -> None:
    """With words alone the graph still answers; with nothing to begin at it says why."""
    leg, lexical = await held(GREEN, HILLAGE)
    store = MemoryGraph()
    half = GraphLeg(store, [lexical, Down()])
    await half.put([GREEN, HILLAGE])
    assert (await half.search(QUESTION, scope=SCOPE, limit=9)) == (
        await leg.search(QUESTION, scope=SCOPE, limit=9)
    )
    with pytest.raises(AllLegsFailed, match="engine is down"):
        await GraphLeg(store, [Down()]).search(QUESTION, scope=SCOPE, limit=9)


class Stuck:
    name = "dense"

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


async def test_a_seeding_leg_that_stalls_is_left_out_as_one_that_fails() -> None:
    """Once its time is up, which comes before the search's; that all of them stalled is told."""
    leg, lexical = await held(GREEN, HILLAGE)
    half = GraphLeg(leg.store, [lexical, Stuck()], seeding_s=0.02)
    result = await Searcher([lexical, half], MemoryPassages([GREEN, HILLAGE])).search(
        QUESTION, scope=SCOPE
    )
    assert not result.trace.degraded
    assert (await half.search(QUESTION, scope=SCOPE, limit=9)) == (
        await leg.search(QUESTION, scope=SCOPE, limit=9)
    )
    with pytest.raises(AllLegsFailed, match=r"dense gave no answer within 0\.02 s"):
        await GraphLeg(leg.store, [Stuck()], seeding_s=0.02).search(QUESTION, scope=SCOPE, limit=9)


async def test_dropped_passages_are_reached_no_more() -> None:
    """A source taken away is out of the walk, and the count says so."""
    other = passage(1, "Notes.", title="Steve Hillage", source="src_b")
    leg, _ = await held(GREEN, HILLAGE, other)
    assert await leg.count() == 3
    await leg.drop("src_b")
    assert await leg.count() == 2
    found = [line.passage for line in (await leg.search(QUESTION, scope=SCOPE, limit=9)).ranked]
    assert HILLAGE.id in found
    assert other.id not in found


async def test_the_searcher_fuses_it_as_one_more_run() -> None:
    """Its part in a hit stands beside the others', and its failure takes nothing from them."""
    lexical = MemoryLexical()
    words = Shared(lexical)
    leg = GraphLeg(MemoryGraph(), [words])
    for index in (lexical, leg):
        await index.put([GREEN, HILLAGE, TEA])
    kept = MemoryPassages([GREEN, HILLAGE, TEA])
    result = await Searcher([words, leg], kept).search(QUESTION, scope=SCOPE)
    by_graph = {part.leg for hit in result.hits for part in hit.contributions}
    assert by_graph == {"bm25", "graph"}
    assert HILLAGE.id in [hit.passage.id for hit in result.hits]

    broken = GraphLeg(MemoryGraph(), [Down()])
    degraded = await Searcher([lexical, broken], kept).search(QUESTION, scope=SCOPE)
    assert [(leg.leg, leg.state) for leg in degraded.trace.degraded] == [("graph", LegState.FAILED)]
    assert degraded.hits


def test_the_longest_known_names_are_meant() -> None:
    """ "warsaw pact" takes "warsaw" with it, and not "war"."""
    graph = Subgraph(
        entities=tuple(Entity(key, key, 1) for key in ("pact", "war", "warsaw", "warsaw pact"))
    )
    keys = ["the warsaw pact", "warsaw pact", "warsaw", "pact", "war", "unknown"]
    assert linked(keys, graph) == ("warsaw pact", "war")


async def test_ties_stand_in_order_of_passage() -> None:
    """Equal scores are ordered by id, so the same question gives the same run."""

    class Even:
        name = "bm25"

        async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
            return Run("bm25", (Ranked(TEA.id, 1.0), Ranked(GREEN.id, 1.0)))

    run = await GraphLeg(MemoryGraph(), [Even()]).search(QUESTION, scope=SCOPE, limit=9)
    assert [line.passage for line in run.ranked] == [GREEN.id, TEA.id]
