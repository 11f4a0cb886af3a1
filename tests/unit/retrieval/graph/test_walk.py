"""How much arrives where, over shared names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.graph.model import Entity, Link, Subgraph
from retrieval.graph.walk import walk


def graph_of(named: Mapping[str, Sequence[str]], subjects: Sequence[str] = ()) -> Subgraph:
    """Passages with the entities they name; "p:e" in subjects says p is about e."""
    keys = sorted({entity for entities in named.values() for entity in entities})
    return Subgraph(
        entities=tuple(
            Entity(key, key, sum(key in entities for entities in named.values())) for key in keys
        ),
        passages=tuple(sorted(named)),
        links=tuple(
            Link(passage, entity, 1, f"{passage}:{entity}" in subjects)
            for passage in sorted(named)
            for entity in sorted(named[passage])
        ),
    )


def test_what_shares_a_name_with_a_start_is_reached_and_the_start_hardly() -> None:
    """A step does not turn back: a start gets only what another sends it a step later."""
    graph = graph_of({"p1": ["ada"], "p2": ["ada"], "p3": ["bob"]})
    arrived = walk(graph, nearness={"p1": 1.0}, starts=["p1"], asked=[])
    assert arrived.keys() == {"p1", "p2"}
    assert arrived["p1"] < arrived["p2"] / 5


def test_two_starts_lift_each_other() -> None:
    """Each gets what the other sends over the name they share."""
    graph = graph_of({"p1": ["ada"], "p2": ["ada"]})
    arrived = walk(graph, nearness={"p1": 1.0, "p2": 1.0}, starts=["p1", "p2"], asked=[])
    assert arrived["p1"] == arrived["p2"] > 0


def test_a_rare_name_leads_further_than_a_common_one() -> None:
    """A name that everyone uses tells little of any."""
    named = {"p0": ["rare", "common"], "p1": ["rare"]} | {f"q{at}": ["common"] for at in range(9)}
    arrived = walk(graph_of(named), nearness={"p0": 1.0}, starts=["p0"], asked=[])
    assert arrived["p1"] > arrived["q0"] * 2


def test_a_name_leads_to_its_own_page_first() -> None:
    """A passage about an entity gets far more than one that mentions it."""
    graph = graph_of({"p0": ["ada"], "p1": ["ada"], "p2": ["ada"]}, subjects=["p2:ada"])
    arrived = walk(graph, nearness={"p0": 1.0}, starts=["p0"], asked=[])
    assert arrived["p2"] > 10 * arrived["p1"]


def test_of_two_that_share_a_name_the_nearer_to_the_question_gets_more() -> None:
    """What the legs think of a passage guides the walk, and does not decide it."""
    graph = graph_of({"p0": ["ada"], "p1": ["ada"], "p2": ["ada"]})
    arrived = walk(graph, nearness={"p0": 1.0, "p1": 0.9}, starts=["p0"], asked=[])
    assert arrived["p1"] > arrived["p2"] > 0


def test_a_question_alone_begins_a_walk_and_unknown_names_do_not() -> None:
    """Entities asked for are seeds; what the graph does not know moves nothing."""
    graph = graph_of({"p1": ["ada"], "p2": ["bob"]})
    assert walk(graph, nearness={}, starts=[], asked=["ada", "nobody"]).keys() == {"p1"}
    assert walk(graph, nearness={"p9": 1.0}, starts=["p9"], asked=["nobody"]) == {}
    assert walk(Subgraph(), nearness={}, starts=["p1"], asked=["ada"]) == {}


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_more_arrives_than_set_out(data: st.DataObject) -> None:
    """In any graph what arrives is finite, above 0, and at most what was sent, step by step."""
    entity = st.sampled_from("abcd")
    named = data.draw(
        st.dictionaries(st.sampled_from(["p1", "p2", "p3", "p4"]), st.sets(entity), min_size=1)
    )
    graph = graph_of({passage: sorted(entities) for passage, entities in named.items()})
    nearness = {id: data.draw(st.floats(0, 1)) for id in named}
    starts = data.draw(st.lists(st.sampled_from(sorted(named)), unique=True))
    asked = data.draw(st.lists(entity, unique=True))
    arrived = walk(graph, nearness=nearness, starts=starts, asked=asked)
    assert all(amount > 0 for amount in arrived.values())
    sent = sum(nearness[id] for id in starts) + (1 if asked else 0)
    assert sum(arrived.values()) <= 1.5 * sent * (1 + 1e-9)
    again = walk(graph, nearness=nearness, starts=starts, asked=asked)
    assert arrived == pytest.approx(again, abs=0)
