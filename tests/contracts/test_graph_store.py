"""What a graph store promises, over every engine that keeps one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import IndexMismatch
from retrieval.graph.memory import MemoryGraph
from retrieval.graph.model import Facts, Kind, Mention, Relation, Subgraph, Surroundings
from retrieval.model import Scope
from retrieval.ports import GraphStore
from retrieval.stores.sqlite_graph import GraphUnavailable, SqliteGraph
from tests.nebula import serve as nebula

SCOPE = Scope("acme", frozenset({"spc_1"}))
FINGERPRINT = "test:1"
ENGINES = ["memory", "sqlite", nebula.ENGINE]


async def within(engine: str, body: Callable[[GraphStore], Awaitable[None]]) -> None:
    if engine == "memory":
        await body(MemoryGraph())
        return
    if engine == nebula.ENGINE:
        async with nebula.empty_graph() as served:
            await body(served)
        return
    with (
        TemporaryDirectory() as folder,
        closing(SqliteGraph.open(Path(folder) / "graph.db", fingerprint=FINGERPRINT)) as graph,
    ):
        await body(graph)


@pytest.fixture(params=ENGINES)
async def graph(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GraphStore]:
    if request.param == "memory":
        yield MemoryGraph()
        return
    if request.param == nebula.ENGINE:
        async with nebula.empty_graph() as served:
            yield served
        return
    held = SqliteGraph.open(tmp_path / "graph.db", fingerprint=FINGERPRINT)
    yield held
    held.close()


def says(
    passage: str,
    *entities: str,
    source: str = "src_a",
    space: str = "spc_1",
    tenant: str = "acme",
    version: str = "v1",
    relations: Sequence[Relation] = (),
) -> Facts:
    """A passage that names these, each in capitals."""
    return Facts(
        passage,
        tenant,
        space,
        source,
        version,
        tuple(Mention(entity, entity.upper()) for entity in sorted(entities)),
        tuple(relations),
    )


async def around(
    graph: GraphStore,
    *seeds: str,
    scope: Scope = SCOPE,
    hops: int = 1,
    limit: int = 100,
    passages: Sequence[str] = (),
) -> Subgraph:
    return await graph.around(
        seeds, scope=scope, hops=hops, limit=limit, passages=passages, relations=True
    )


async def test_a_hop_goes_from_a_passage_over_its_names_to_others(graph: GraphStore) -> None:
    """One hop reaches what shares a name with the seed, two what shares one with that."""
    await graph.merge([says("p1", "ada"), says("p2", "ada", "bob"), says("p3", "bob", "cy")])
    near = await around(graph, passages=["p1"])
    assert near.passages == ("p1", "p2")
    assert [(one.key, one.passages) for one in near.entities] == [("ada", 2)]
    assert near.whole
    far = await around(graph, passages=["p1"], hops=2)
    assert far.passages == ("p1", "p2", "p3")
    assert (await around(graph, "cy")).passages == ("p3",)


async def test_an_entity_in_question_is_a_seed_by_itself(graph: GraphStore) -> None:
    """Seeds nobody names reach nothing; no hops reach no further than the given passages."""
    await graph.merge([says("p1", "ada"), says("p2", "bob")])
    assert (await around(graph, "bob")).passages == ("p2",)
    assert await around(graph, "nobody", "") == Subgraph()
    assert (await around(graph, "bob", hops=0, passages=["p1"])).passages == ("p1",)


async def test_neighbours_stop_at_the_scope(graph: GraphStore) -> None:
    """An edge into a space the reader cannot see is invisible, and so is what lies behind it."""
    bridge = Relation("ada", Kind.CO_OCCURS, "bob")
    await graph.merge(
        [
            says("p1", "ada"),
            says("p2", "ada", "bob", space="spc_2", relations=[bridge]),
            says("p3", "bob"),
            says("p4", "ada", "bob", tenant="other", relations=[bridge]),
        ]
    )
    seen = await around(graph, "ada", hops=5, passages=["p2", "p4"])
    assert seen.passages == ("p1",)
    assert [(one.key, one.passages) for one in seen.entities] == [("ada", 1)]
    assert seen.edges == ()
    both = await around(graph, "ada", hops=5, scope=Scope("acme", frozenset({"spc_1", "spc_2"})))
    assert both.passages == ("p1", "p2", "p3")
    assert [edge.passages for edge in both.edges] == [1]


async def test_a_scope_of_sources_is_as_tight(graph: GraphStore) -> None:
    """What other sources say neither counts nor leads on; an empty scope sees nothing, nor does
    another tenant's of the same name."""
    await graph.merge([says("p1", "ada", source="src_a"), says("p2", "ada", "bob", source="src_b")])
    narrow = Scope("acme", frozenset({"spc_1"}), frozenset({"src_a"}))
    seen = await around(graph, "ada", "bob", hops=3, scope=narrow)
    assert seen.passages == ("p1",)
    assert [(one.key, one.passages) for one in seen.entities] == [("ada", 1)]
    for nothing in (
        Scope("acme", frozenset()),
        Scope("acme", SCOPE.spaces, frozenset()),
        Scope("bolt", SCOPE.spaces),
    ):
        assert await around(graph, "ada", scope=nothing, passages=["p1"]) == Subgraph()


async def test_a_short_form_leads_to_its_long_form_where_the_scope_says_so(
    graph: GraphStore,
) -> None:
    """ "ecb" reaches passages of "european central bank" only by a passage in scope."""
    alias = Relation("ecb", Kind.ALIAS, "european central bank")
    await graph.merge(
        [
            says("p1", "ecb", source="src_a"),
            says("p2", "ecb", "european central bank", source="src_b", relations=[alias]),
            says("p3", "european central bank", source="src_a"),
        ]
    )
    assert (await around(graph, "ecb")).passages == ("p1", "p2", "p3")
    narrow = Scope("acme", SCOPE.spaces, frozenset({"src_a"}))
    assert (await around(graph, "ecb", scope=narrow)).passages == ("p1",)


async def test_a_name_is_shown_as_the_scope_mostly_writes_it(graph: GraphStore) -> None:
    """Names are counted by passage, equal counts go by the alphabet; others' names stay theirs."""

    def named(passage: str, name: str, space: str = "spc_1") -> Facts:
        return Facts(passage, "acme", space, "src_a", "v1", (Mention("ada", name, 2, True),))

    await graph.merge([named("p1", "Ada"), named("p2", "ADA"), named("p3", "Secret", "spc_2")])
    seen = await around(graph, "ada")
    assert [one.name for one in seen.entities] == ["ADA"]
    assert [(link.times, link.subject) for link in seen.links] == [(2, True), (2, True)]


async def test_a_limit_leaves_out_the_commonest_whole(graph: GraphStore) -> None:
    """At the limit all is there, one below the commonest name is gone and the graph says so."""
    await graph.merge([says("p1", "ada", "bob"), says("p2", "bob"), says("p3", "ada", "bob")])
    all_of_it = await around(graph, "ada", "bob", limit=3)
    assert all_of_it.passages == ("p1", "p2", "p3")
    assert all_of_it.whole
    cut = await around(graph, "ada", "bob", limit=2)
    assert cut.passages == ("p1", "p3")
    assert [one.key for one in cut.entities] == ["ada"]
    assert not cut.whole


async def test_the_same_passage_again_replaces_what_it_said(graph: GraphStore) -> None:
    """A second reading counts once, and what the first alone supported is gone."""
    await graph.merge([says("p1", "ada", relations=[])])
    await graph.merge([says("p1", "bob"), says("p1", "cy")])
    assert await graph.count() == 1
    assert (await around(graph, "ada", "bob")).passages == ()
    assert (await around(graph, "cy")).passages == ("p1",)
    fresh = MemoryGraph()
    await fresh.merge([says("p1", "cy")])
    assert await graph.dump() == await fresh.dump()


async def test_a_new_version_takes_the_old_ones_place(graph: GraphStore) -> None:
    """Dropping all but one version leaves that one; dropping twice changes nothing more."""
    await graph.merge([says("p1", "ada", version="v1"), says("p2", "bob", version="v2")])
    await graph.drop("src_a", keep="v2")
    assert (await around(graph, "ada", "bob")).passages == ("p2",)
    await graph.drop("src_a", keep="v2")
    await graph.drop("src_unknown")
    assert await graph.count() == 1
    await graph.drop("src_a")
    assert (await graph.count(), await graph.dump()) == (0, "")


async def test_names_are_data_whatever_they_say(graph: GraphStore) -> None:
    """Quotes, operators, wildcards and emoji are found as they are and do nothing."""
    names = ["'); DROP TABLE mention; --", '"', "%", "\\", "☃ \U0001f600", "null", "[1]"]
    await graph.merge([says(f"p{at}", name) for at, name in enumerate(names)])
    for at, name in enumerate(names):
        assert (await around(graph, name)).passages == (f"p{at}",)


async def test_what_is_asked_while_others_write_is_whole(graph: GraphStore) -> None:
    """A reader sees a batch entirely or not at all."""

    async def write() -> None:
        for _ in range(20):
            await graph.merge([says("p1", "ada"), says("p2", "ada")])
            await graph.drop("src_a")

    writing = asyncio.create_task(write())
    seen = set()
    while not writing.done():
        seen.add(len((await around(graph, "ada")).passages))
        await asyncio.sleep(0)
    await writing
    assert seen <= {0, 2}


ENTITIES = st.sampled_from(["ada", "bob", "cy", "dee", "eve"])


@st.composite
def passages_of(draw: st.DrawFn, source: str) -> list[Facts]:
    """What one source says: up to four passages, in two spaces."""
    facts = []
    for at in range(draw(st.integers(1, 4))):
        named = sorted(draw(st.sets(ENTITIES, max_size=4)))
        pairs = [(a, b) for a in named for b in named if a < b]
        related = sorted(
            draw(
                st.sets(
                    st.builds(
                        lambda pair, kind: (pair[0], kind, pair[1]),
                        st.sampled_from(pairs),
                        st.sampled_from([Kind.CO_OCCURS.value, Kind.ALIAS.value, "acquired"]),
                    )
                )
            )
            if pairs
            else []
        )
        facts.append(
            Facts(
                f"{source}.{at}",
                "acme",
                draw(st.sampled_from(["spc_1", "spc_2"])),
                source,
                draw(st.sampled_from(["v1", "v2"])),
                tuple(
                    Mention(
                        name,
                        draw(st.sampled_from([name, name.title()])),
                        draw(st.integers(1, 3)),
                        draw(st.booleans()),
                    )
                    for name in named
                ),
                tuple(Relation(*one) for one in related),
            )
        )
    return facts


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_source_taken_away_takes_exactly_its_support(engine: str, data: st.DataObject) -> None:
    """Add A and B in any order and batches, delete A: the graph equals B's alone, byte for byte."""
    one, other = data.draw(passages_of("src_a")), data.draw(passages_of("src_b"))
    order = data.draw(st.permutations([*one, *other]))
    cut = data.draw(st.integers(0, len(order)))

    async def check(graph: GraphStore) -> None:
        alone = MemoryGraph()
        await alone.merge(other)
        await graph.merge(order[:cut])
        await graph.merge(order[cut:])
        await graph.drop("src_a")
        assert await graph.dump() == await alone.dump()
        scope = Scope("acme", frozenset({"spc_1", "spc_2"}))
        seeds = ("ada", "bob")
        assert await around(graph, *seeds, scope=scope) == await around(alone, *seeds, scope=scope)

    asyncio.run(within(engine, check))


@pytest.mark.parametrize("engine", ENGINES[1:])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_engines_show_the_same_part_of_the_same_graph(engine: str, data: st.DataObject) -> None:
    """Whatever the seeds, scope, hops and limit: each engine is the twin's equal."""
    facts = [*data.draw(passages_of("src_a")), *data.draw(passages_of("src_b"))]
    seeds = data.draw(st.lists(ENTITIES, max_size=3))
    given_passages = data.draw(st.lists(st.sampled_from([one.passage for one in facts])))
    scope = Scope(
        "acme",
        data.draw(st.frozensets(st.sampled_from(["spc_1", "spc_2"]))),
        data.draw(st.none() | st.frozensets(st.sampled_from(["src_a", "src_b"]))),
    )
    hops, limit = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 8))

    async def check(graph: GraphStore) -> None:
        twin = MemoryGraph()
        for held in (graph, twin):
            await held.merge(facts)
        asked = [
            await around(held, *seeds, scope=scope, hops=hops, limit=limit, passages=given_passages)
            for held in (graph, twin)
        ]
        assert asked[0] == asked[1]
        visible = {
            one.passage
            for one in facts
            if scope.admits(tenant=one.tenant, space=one.space, source=one.source)
        }
        assert set(asked[0].passages) <= visible

    asyncio.run(within(engine, check))


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_one_cannot_see_changes_nothing(engine: str, data: st.DataObject) -> None:
    """A scope's answer is that of a graph holding nothing else: no count, name or path leaks."""
    facts = [*data.draw(passages_of("src_a")), *data.draw(passages_of("src_b"))]
    scope = Scope(
        "acme",
        data.draw(st.frozensets(st.sampled_from(["spc_1", "spc_2"]), min_size=1)),
        data.draw(st.none() | st.frozensets(st.sampled_from(["src_a", "src_b"]), min_size=1)),
    )
    seeds = data.draw(st.lists(ENTITIES, max_size=3))
    hops, limit = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 8))
    given_passages = [one.passage for one in facts]

    async def check(graph: GraphStore) -> None:
        alone = MemoryGraph()
        await alone.merge(
            [
                one
                for one in facts
                if scope.admits(tenant=one.tenant, space=one.space, source=one.source)
            ]
        )
        await graph.merge(facts)
        asked = [
            await around(held, *seeds, scope=scope, hops=hops, limit=limit, passages=given_passages)
            for held in (graph, alone)
        ]
        assert asked[0] == asked[1]

    asyncio.run(within(engine, check))


async def test_a_file_keeps_its_graph_and_who_made_it(tmp_path: Path) -> None:
    """Closed and opened again it is the same; another extraction is refused with the way out."""
    path = tmp_path / "graph.db"
    first = SqliteGraph.open(path, fingerprint=FINGERPRINT)
    await first.merge([says("p1", "ada")])
    held = await first.dump()
    first.close()
    with pytest.raises(GraphUnavailable, match="closed"):
        await first.count()
    with pytest.raises(IndexMismatch, match="reindex"):
        SqliteGraph.open(path, fingerprint="test:2")
    with closing(SqliteGraph.open(path, fingerprint=FINGERPRINT)) as again:
        assert await again.dump() == held


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A damaged file is an error that names the file and the way out, not a traceback of SQL."""
    path = tmp_path / "graph.db"
    path.write_bytes(b"this is no database, and long enough to be read as a header of one" * 9)
    with pytest.raises(GraphUnavailable, match=r"graph\.db .*reindex"):
        SqliteGraph.open(path, fingerprint=FINGERPRINT)


async def test_what_is_stated_of_an_entity_is_told_with_who_states_it(graph: GraphStore) -> None:
    """Most supported first, verbs before company kept; both ends are named and counted."""
    together = Relation("ada", Kind.CO_OCCURS, "bob")
    bought = Relation("ada", "acquired", "cy")
    apart = Relation("bob", Kind.CO_OCCURS, "cy")
    await graph.merge(
        [
            says("p1", "ada", "bob", relations=[together]),
            says("p2", "ada", "bob", "cy", relations=[together, bought, apart]),
            says("p3", "ada"),
            says("p4", "ada", "cy", space="spc_2", relations=[bought]),
        ]
    )
    found = await graph.stated(["ada"], scope=SCOPE, limit=9)
    assert [(one.kind, one.object, one.count, one.passages) for one in found.statements] == [
        (Kind.CO_OCCURS, "bob", 2, ("p1", "p2")),
        ("acquired", "cy", 1, ("p2",)),
    ]
    assert [(one.key, one.name, one.passages) for one in found.entities] == [
        ("ada", "ADA", 3),
        ("bob", "BOB", 2),
        ("cy", "CY", 1),
    ]
    assert found.whole
    cut = await graph.stated(["ada"], scope=SCOPE, limit=1)
    assert ([one.object for one in cut.statements], cut.whole) == (["bob"], False)
    pair = await graph.stated(["bob", "cy"], scope=SCOPE, limit=9, among=True)
    assert [(one.subject, one.object) for one in pair.statements] == [("bob", "cy")]


async def test_what_is_stated_stops_at_the_scope(graph: GraphStore) -> None:
    """Of another space, tenant or source not even a name or a count is told."""
    bought = Relation("ada", "acquired", "bob")
    await graph.merge(
        [
            says("p1", "ada", source="src_a"),
            says("p2", "ada", "bob", source="src_b", relations=[bought]),
            says("p3", "ada", "bob", space="spc_2", relations=[bought]),
            says("p4", "ada", "bob", tenant="other", relations=[bought]),
        ]
    )
    narrow = Scope("acme", SCOPE.spaces, frozenset({"src_a"}))
    found = await graph.stated(["ada", "bob"], scope=narrow, limit=9)
    assert [(one.key, one.passages) for one in found.entities] == [("ada", 1)]
    assert found.statements == ()
    assert await graph.stated(["ada"], scope=Scope("acme", frozenset()), limit=9) == Surroundings()
    assert await graph.stated(["nobody", ""], scope=SCOPE, limit=9) == Surroundings()
    await graph.drop("src_b")
    assert (await graph.stated(["ada"], scope=SCOPE, limit=9)).statements == ()
