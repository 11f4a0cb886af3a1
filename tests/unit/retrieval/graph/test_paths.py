"""Why a passage was found, in words."""

from __future__ import annotations

from retrieval.graph import explain
from retrieval.graph.cooccurrence import read
from retrieval.graph.memory import MemoryGraph
from retrieval.graph.model import Subgraph
from retrieval.graph.paths import MOST
from retrieval.model import Passage, Scope

SCOPE = Scope("acme", frozenset({"spc_1"}))


async def graph_of(*texts: tuple[str, str], seeds: tuple[str, ...], start: str = "p0") -> Subgraph:
    graph = MemoryGraph()
    await graph.merge(
        [
            read(
                Passage(f"p{at}", "acme", "spc_1", "src", "v", at, text, 0, len(text), title=title)
            )
            for at, (title, text) in enumerate(texts)
        ]
    )
    return await graph.around(
        seeds, scope=SCOPE, hops=2, limit=99, passages=[start], relations=True
    )


async def test_a_way_names_what_two_passages_share_and_how_many_say_so() -> None:
    """From a passage found, over the name, to the passage that is about it."""
    graph = await graph_of(
        ("Green", "An album by the guitarist Steve Hillage."),
        ("Steve Hillage", "A musician."),
        seeds=("green",),
    )
    (way,) = explain(graph, "p1", starts=["p0"], asked=["green"])
    assert (way.begins, way.entity, way.about) == ("p0", "steve hillage", True)
    assert str(way) == (
        "a passage found — names → Steve Hillage, 2 passages; "
        "this passage — is about → Steve Hillage, 2 passages"
    )


async def test_a_way_may_begin_at_the_question_and_go_over_a_sentence() -> None:
    """Named in the question itself, or in one sentence with what the question names."""
    graph = await graph_of(
        ("Note", "Last year Acme bought Bolt."),
        ("Bolt", "It makes screws."),
        ("", "They say Acme pays."),
        seeds=("acme",),
    )
    ways = [str(way) for way in explain(graph, "p2", asked=["acme"])]
    assert ways == [
        "the question — asked for → Acme, 2 passages; this passage — names → Acme, 2 passages"
    ]
    ways = [str(way) for way in explain(graph, "p1", asked=["acme"])]
    assert ways == [
        "Acme — co-occurs with → Bolt, 1 passage; this passage — is about → Bolt, 2 passages"
    ]


async def test_what_shares_nothing_has_no_way_and_ways_are_bounded() -> None:
    """No way is made up; at most the surest few are told."""
    names = ", ".join(f"Q{at}x" for at in range(MOST + 1))
    graph = await graph_of(
        ("", f"They met {names}."),
        ("", f"They saw {names}."),
        ("", "They saw nobody."),
        seeds=(),
    )
    assert len(explain(graph, "p1", starts=["p0"])) == MOST
    assert explain(graph, "p2", starts=["p0"]) == ()
    assert explain(graph, "unknown", starts=["p0"]) == ()
