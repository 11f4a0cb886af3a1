"""Which entities keep company, and the sentences that say so."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.graph.communities import QUOTES, communities, summary
from retrieval.graph.cooccurrence import read
from retrieval.graph.memory import MemoryGraph
from retrieval.graph.model import Edge, Entity, Kind, Link, Subgraph
from retrieval.model import Passage, Scope


def graph_of(*cliques: str, bridges: tuple[str, ...] = ()) -> Subgraph:
    """Letters that all keep company, clique by clique, and pairs that stand between."""
    pairs = {pair for clique in cliques for pair in combinations(sorted(clique), 2)}
    pairs |= {(one, other) for one, other in bridges}
    keys = sorted(set("".join(cliques)) | {key for pair in pairs for key in pair})
    return Subgraph(
        entities=tuple(Entity(key, key.upper(), 1) for key in keys),
        passages=tuple(f"p{at}" for at in range(len(cliques))),
        links=tuple(
            Link(f"p{at}", key, 1, False) for at, clique in enumerate(cliques) for key in clique
        ),
        edges=tuple(Edge(one, Kind.CO_OCCURS, other, 1) for one, other in sorted(pairs)),
    )


def test_those_who_keep_company_are_one_community_and_a_bridge_joins_none() -> None:
    """Two cliques with one tie between them are two, each with its own passage."""
    found = communities(graph_of("abcd", "wxyz", bridges=("dw",)))
    assert [("".join(one.entities), one.passages) for one in found] == [
        ("abcd", ("p0",)),
        ("wxyz", ("p1",)),
    ]
    assert found[0].names == ("A", "B", "C", "D")


def test_a_ring_of_cliques_comes_apart_at_its_ties() -> None:
    """Moving nodes one by one is not enough there; whole groups are weighed, too."""
    cliques = ["abc", "def", "ghi", "jkl", "mno"]
    found = communities(graph_of(*cliques, bridges=("cd", "fg", "ij", "lm", "ao")))
    together = {"".join(sorted(one.entities)) for one in found}
    assert all(any(set(clique) <= set(group) for group in together) for clique in cliques)
    assert len(together) > 1


def test_pairs_strangers_and_nothing_are_no_communities() -> None:
    """Three is the fewest."""
    assert communities(Subgraph()) == ()
    assert communities(graph_of("ab", "c")) == ()
    assert len(communities(graph_of("abc"))) == 1


@settings(max_examples=100, deadline=None)
@given(cliques=st.lists(st.text("abcdefgh", min_size=1, max_size=5), min_size=1, max_size=6))
def test_no_entity_is_in_two_and_the_same_graph_gives_the_same_ones(cliques: list[str]) -> None:
    """A partition, whatever the graph, and always the same."""
    graph = graph_of(*("".join(sorted(set(clique))) for clique in cliques))
    found = communities(graph)
    members = [key for one in found for key in one.entities]
    assert len(members) == len(set(members))
    assert found == communities(graph)


async def test_a_summary_quotes_the_sentences_that_name_most() -> None:
    """Each quotation stands in its passage as told, one of each, and none says nothing new."""
    texts = [
        "It rained. They say Acme bought Bolt from Crane. It was dear.",
        "They say Acme and Bolt are one.",
        "Some say Crane and Dyne met Acme.",
        "Nobody is named here.",
    ]
    held = {
        f"p{at}": Passage(f"p{at}", "acme", "spc_1", "src", "v", at, text, 0, len(text))
        for at, text in enumerate(texts)
    }
    store = MemoryGraph()
    await store.merge([read(passage) for passage in held.values()])
    scope = Scope("acme", frozenset({"spc_1"}))
    graph = await store.around(["acme"], scope=scope, hops=3, limit=99, relations=True)
    (found,) = communities(
        await store.around(
            [], scope=scope, hops=3, limit=99, passages=graph.passages, relations=True
        )
    )
    quotes = summary(found, held)
    assert [quote.text for quote in quotes] == [
        "They say Acme bought Bolt from Crane.",
        "Some say Crane and Dyne met Acme.",
    ]
    assert len(quotes) <= QUOTES
    for quote in quotes:
        assert held[quote.passage].text[quote.start : quote.end] == quote.text
    assert summary(found, {}) == ()
