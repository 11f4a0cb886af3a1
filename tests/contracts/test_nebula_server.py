"""What a NebulaGraph adds to the graph's contract: a language, a network, late schemas, no
transactions. All of it against the stand-in of ``tests/nebula``, whatever the environment names."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, astuple
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nebula3.common.ttypes import ErrorCode  # type: ignore[import-untyped]

from backend.settings import Settings
from backend.wiring import erase_served, open_services
from retrieval.errors import EngineUnavailable, IndexMismatch, RetrievalError
from retrieval.graph.memory import MemoryGraph
from retrieval.graph.model import Facts, Kind, Mention, Relation, Subgraph
from retrieval.model import Scope
from retrieval.stores import nebula
from retrieval.stores.nebula import BYTES, LONGEST, ROWS, Nebula
from retrieval.stores.nebula_client import TRIES, quoted
from retrieval.stores.nebula_generations import NebulaGenerations
from tests.nebula import ngql
from tests.nebula.engine import Refused, Space
from tests.nebula.serve import Gone, StandIn, graph_at, stand_in

SCOPE = Scope("acme", frozenset({"spc_1"}))
HOSTILE = (
    '"',
    "'",
    "`",
    "\\",
    '\\"',
    '"; DROP SPACE test; "',
    '\\"; DROP SPACE test; \\"',
    "a\nb",
    "\n",
    "\r\n\t\b\f",
    "\0",
    "a\0b",
    "\\n\\0\\101\\u0041",
    "$-.x $$.passage.id $^ $p",
    "/* */ -- # //",
    "* OR true == true",
    "☃ \U0001f600 é ́",
    " ﻿",
    "x" * 4_097,
)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as standing:
        yield standing


@pytest.fixture
def graph(server: StandIn) -> Iterator[Nebula]:
    with graph_at(server.address) as opened:
        yield opened


def says(passage: str, *entities: str, source: str = "src_a", space: str = "spc_1") -> Facts:
    mentions = tuple(Mention(entity, entity.upper()) for entity in sorted(entities))
    pairs = tuple(
        Relation(a, kind, b)
        for a, b in zip(sorted(entities), sorted(entities)[1:], strict=False)
        for kind in (Kind.CO_OCCURS, Kind.ALIAS)
    )
    return Facts(passage, "acme", space, source, "v1", mentions, pairs)


async def around(
    graph: Nebula | MemoryGraph, *seeds: str, passages: tuple[str, ...] = ()
) -> Subgraph:
    return await graph.around(
        seeds, scope=SCOPE, hops=2, limit=1_000, passages=passages, relations=True
    )


async def dumped(*facts: Facts) -> str:
    twin = MemoryGraph()
    await twin.merge(facts)
    return await twin.dump()


# The language.


@settings(max_examples=300)
@given(st.text() | st.text(alphabet="\"'\\`\n\r\0unt0168xX;|$ ", max_size=30))
def test_a_literal_means_its_text(text: str) -> None:
    """Whatever a text holds, the server's scanner reads one string of it, and that text."""
    tokens = ngql.scanned(quoted(text).encode())
    assert [(token.kind, token.value) for token in tokens] == [("text", text), ("end", None)]


def test_what_is_no_text_is_refused() -> None:
    """Half a surrogate pair has no bytes that the server could be sent."""
    with pytest.raises(RetrievalError, match="no Unicode"):
        quoted("\ud800")


@pytest.mark.parametrize(
    "said",
    [
        'YIELD "a\nb" AS x',
        'YIELD "a\0b" AS x',
        'YIELD "\\101" AS x',
        'YIELD "open AS x',
        "GO FROM $p OVER e YIELD e.x AS x",
        'GO FROM "a" OVER e WHERE e.x == "b" OR YIELD e.x AS x',
        'GO FROM "a" OVER edge YIELD e.x AS x',
        'GO FROM "a" OVER e WHERE e.x = "b" YIELD e.x AS x',
        'INSERT VERTEX t(a) VALUES "a":("b" "c")',
        'INSERT EDGE e(a) VALUES "a" -> "b" @ 007:("c")',
        'INSERT EDGE e(a) VALUES "a" -> "b" @ 9223372036854775808:("c")',
        'DELETE VERTEX "a"',
        "MATCH (v) RETURN v",
        "DROP TAG passage",
    ],
)
def test_the_stand_in_takes_nothing_that_a_server_might_not(said: str) -> None:
    """Its grammar refuses what the real one refuses, and what this store should never say."""
    with pytest.raises(ngql.SyntaxRefused):
        ngql.parsed(said.encode())


@pytest.mark.parametrize("text", HOSTILE)
async def test_text_is_data_wherever_it_stands(server: StandIn, graph: Nebula, text: str) -> None:
    """Hostile names, ids, kinds and scopes come back as they are; no sentence is smuggled in."""
    other = Facts("p2", "acme", "spc_1", "src_b", "v1", (Mention("ada", "Ada"),))
    facts = Facts(
        text,
        text,
        text,
        text,
        text,
        tuple(sorted((Mention(text, text), Mention("ada", "Ada")), key=lambda one: one.entity)),
        tuple(
            sorted((Relation(text, text, "ada"), Relation(text, Kind.ALIAS, "ada")), key=astuple)
        ),
    )
    await graph.merge([facts, other])
    assert await graph.dump() == await dumped(facts, other)
    twin = MemoryGraph()
    await twin.merge([facts, other])
    scope = Scope(text, frozenset({text}), frozenset({text}))
    for held in (graph, twin):
        seen = await held.around(
            ["ada", text], scope=scope, hops=2, limit=9, passages=[text, "p2"], relations=True
        )
        assert seen.passages == (text,)
        assert {one.key for one in seen.entities} == {"ada", text}
        assert len(seen.edges) == 2
    await graph.drop(text, keep="kept " + text)
    assert await graph.dump() == await dumped(other)
    assert all(len(ngql.parsed(said)) == 1 for said in server.engine.said)
    assert "test" in server.engine.spaces


async def test_a_name_at_the_limit_is_kept_and_one_past_it_refused(graph: Nebula) -> None:
    """A megabyte, too, is refused by name before anything is written; asking for one is empty."""
    longest = "é" * (LONGEST // 2)
    await graph.merge([says("p1", longest)])
    assert (await around(graph, longest)).passages == ("p1",)
    for name in (longest + "e", "x" * 1_000_000):
        with pytest.raises(RetrievalError, match=r"passage p2 .* shorten"):
            await graph.merge([says("p0", "bob"), says("p2", name)])
        assert (await around(graph, name, "bob")).passages == ()
    assert await graph.count() == 1


async def test_statements_stay_within_their_limits(server: StandIn, graph: Nebula) -> None:
    """At most so many rows and bytes each, and none is lost between two."""
    long = [Mention(f"{at:02} " + "x" * 30_000, f'"{at}') for at in range(70)]
    many = [says(f"p{at:04}", "ada") for at in range(ROWS + 1)]
    facts = [*many, Facts("q", "acme", "spc_1", "src_a", "v1", tuple(long))]
    await graph.merge(facts)
    assert await graph.dump() == await dumped(*facts)
    await graph.drop("src_a")
    assert await graph.dump() == ""
    written = [said for said in server.engine.said if said.startswith(b"INSERT EDGE")]
    assert max(map(len, written)) <= BYTES + 1_000
    assert max(map(len, written)) > BYTES - 70_000  # and they are filled
    for said in server.engine.said:
        for sentence in ngql.parsed(said):
            rows = getattr(sentence.parts[0], "rows", getattr(sentence.parts[0], "vids", []))
            assert len(rows) <= max(ROWS, nebula.NAMED)


@pytest.mark.parametrize(("rows", "batches"), [(ROWS, 1), (ROWS + 1, 2)])
def test_batches_are_cut_by_rows_and_by_bytes(rows: int, batches: int) -> None:
    """At the limit of either there is one, one past it two."""
    assert len(list(nebula._batches(["x"] * rows))) == batches
    half = "x" * (BYTES // 2 - 2)
    assert len(list(nebula._batches([half, half]))) == 1
    assert len(list(nebula._batches([half, half + "x"]))) == 2


async def test_every_question_carries_its_scope(server: StandIn, graph: Nebula) -> None:
    """On each hop and for each part of an answer, inside the statement, before the pipe."""
    await graph.merge([says("p1", "ada", "bob"), says("p2", "bob", "cy")])
    del server.engine.said[:]
    scope = Scope("acme", frozenset({"spc_1"}), frozenset({"src_a"}))
    seen = await graph.around(
        ["ada"], scope=scope, hops=2, limit=9, passages=["p1"], relations=True
    )
    assert seen.passages == ("p1", "p2")
    assert len(server.engine.said) >= 7
    for said in server.engine.said:
        for condition in (b'.tenant == "acme"', b'.space IN ["spc_1"]', b'.source IN ["src_a"]'):
            assert condition in said


# Schemas that take effect late.


async def test_nothing_is_written_before_the_schema_is_everywhere() -> None:
    """Servers learn of a space, its tags and its index at different times; none is lost."""
    with stand_in(lag=7) as server, graph_at(server.address) as graph:
        facts = [says(f"p{at}", "ada") for at in range(40)]
        await graph.merge(facts)
        assert await graph.count() == 40
        await graph.drop("src_a")
        held = server.engine.spaces["test"]
        assert (held.out, held.back, held.indexes["passage_by_origin"].held) == ({}, {}, {})


async def test_opening_twice_changes_nothing(server: StandIn, graph: Nebula) -> None:
    """The schema is made once; a second opener only asks who made it."""
    await graph.merge([says("p1", "ada")])
    del server.engine.said[:]
    with graph_at(server.address) as again:
        assert await again.dump() == await graph.dump()
    assert not [said for said in server.engine.said if said.startswith((b"CREATE", b"INSERT"))]


async def test_a_schema_that_never_takes_effect_is_named() -> None:
    """The wait ends, with what was missing and where to look; nothing was written."""
    with (
        stand_in(lag=1_000_000) as server,
        graph_at(server.address, settle=0.05) as graph,
    ):
        with pytest.raises(EngineUnavailable, match=r"not ready after 0\.05 s .*SHOW HOSTS"):
            await graph.count()
        assert not server.engine.spaces["test"].vertices


async def test_another_extraction_is_refused_until_it_is_erased(
    server: StandIn, graph: Nebula
) -> None:
    """The refusal names the way out, and that way leads out."""
    await graph.merge([says("p1", "ada")])
    with pytest.raises(IndexMismatch, match="test:1, this is test:2; run `stratmaster reindex`"):
        Nebula.open(server.address, "test", fingerprint="test:2")
    NebulaGenerations(server.address, "test").erase()
    with graph_at(server.address, fingerprint="test:2") as other:
        assert (await other.count(), await other.dump()) == (0, "")
    NebulaGenerations(server.address, "never_made").erase()


async def test_a_generation_that_died_before_its_first_mark_is_found_and_removed() -> None:
    """It is known by its space's comment, which is there at once; someone else's space stays."""
    with stand_in(lag=1_000_000) as server:
        with graph_at(server.address, generation="g1", settle=0.01):
            pass  # as a process leaves it that dies while it waits
        server.engine.spaces |= {"test_g2": Space(10, 1, 32, 0), "test_old": Space(10, 1, 32, 0)}
        server.engine.lag = 0
        held = NebulaGenerations(server.address, "test")
        assert await held.held() == ["g1"]
        await held.remove("g2")
        assert set(server.engine.spaces) == {"test_g1", "test_g2", "test_old"}
        await held.remove("g1")
        assert set(server.engine.spaces) == {"test_g2", "test_old"}


@pytest.mark.parametrize("name", ["", "1st", "a b", "a;DROP SPACE b", "a`b", "x" * 65, "é"])
def test_a_space_of_no_plain_name_is_refused(server: StandIn, name: str) -> None:
    """It is part of statements, so it may hold nothing that means something there."""
    with pytest.raises(RetrievalError, match="is no name"):
        Nebula.open(server.address, name, fingerprint="f")
    assert server.engine.said == []


# The network, and what fails.


async def test_a_broken_connection_is_replaced(server: StandIn, graph: Nebula) -> None:
    """Between two calls connections may go, and sessions be forgotten, unnoticed."""
    await graph.merge([says("p1", "ada")])
    for breaking in (server.disconnect, server.forget_sessions):
        breaking()
        assert (await around(graph, "ada")).passages == ("p1",)
        breaking()
        await graph.merge([says("p1", "ada")])


async def test_connections_are_few_and_given_back(server: StandIn) -> None:
    """Many calls at once share as many connections as there are threads, signed out at the end."""
    with graph_at(server.address) as graph:
        await graph.merge([says("p1", "ada")])
        await asyncio.gather(*(around(graph, "ada") for _ in range(40)))
        assert server.opened <= nebula.THREADS + 4  # those that looked for the space and made it
    server.close()
    assert server.sessions == 0


async def test_a_server_that_stalls_holds_up_nobody_else(server: StandIn) -> None:
    """The call ends with a time-out that names the server; the event loop goes on meanwhile."""
    release = threading.Event()
    with graph_at(server.address, timeout=1.0) as graph:
        await graph.merge([says("p1", "ada")])
        server.on_statement = lambda said: release.wait(30) and None
        asked = asyncio.create_task(around(graph, "ada"))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not asked.done()
        try:
            with pytest.raises(
                EngineUnavailable, match=r"NebulaGraph at 127\.0\.0\.1:\d+ (broke|does)"
            ):
                await asked
        finally:
            release.set()
        server.on_statement = lambda said: None
        assert (await around(graph, "ada")).passages == ("p1",)


def refusing(code: int, times: int) -> tuple[Callable[[bytes], None], list[bytes]]:
    refused: list[bytes] = []

    def answer(said: bytes) -> None:
        if not said.startswith(b"USE") and len(refused) < times:
            refused.append(said)
            raise Refused(code, "so it is")

    return answer, refused


@pytest.mark.parametrize(
    "code",
    [ErrorCode.E_EXECUTION_ERROR, ErrorCode.E_SESSION_INVALID, ErrorCode.E_PARTIAL_SUCCEEDED],
)
async def test_a_passing_error_is_tried_again(server: StandIn, graph: Nebula, code: int) -> None:
    """As often as the limit says; one more and it is told, with its code and reason."""
    server.on_statement, refused = refusing(code, TRIES - 1)
    assert await graph.count() == 0
    assert len(refused) == TRIES - 1
    server.on_statement, refused = refusing(code, TRIES)
    with pytest.raises(EngineUnavailable, match=f"answered {code}: so it is"):
        await graph.count()
    assert len(refused) == TRIES


async def test_a_lasting_error_is_told_at_once(server: StandIn, graph: Nebula) -> None:
    """A statement that the server will never take is not said again."""
    server.on_statement, refused = refusing(ErrorCode.E_SEMANTIC_ERROR, 9)
    with pytest.raises(RetrievalError, match="-1009: so it is") as caught:
        await graph.count()
    assert not isinstance(caught.value, EngineUnavailable)
    assert len(refused) == 1


def failing_after(server: StandIn, writes: int, *, lasting: bool) -> Callable[[], bool]:
    """Break every connection at that write; for good, or for once. Says whether it came to it."""
    left = [writes]

    def write() -> None:
        left[0] -= 1
        if left[0] < 0 and (lasting or left[0] == -1):
            raise Gone

    server.engine.before_write = write
    return lambda: left[0] < 0


BEFORE = (says("p1", "ada", "bob"), says("p2", "bob"))
AFTER = (says("p1", "bob", "cy"), says("p3", "cy", "dee"))


@pytest.fixture
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """These open many graphs, whose schemas are in effect at once."""
    monkeypatch.setattr(nebula, "PROBES", 1)


@pytest.mark.usefixtures("few_probes")
async def test_a_server_that_dies_within_a_batch_and_returns_has_lost_nothing() -> None:
    """At whichever write it dies: the same call is said again, and its end is exact."""
    for writes in count():
        with stand_in() as server, graph_at(server.address) as graph:
            await graph.merge(BEFORE)
            died = failing_after(server, writes, lasting=False)
            await graph.merge(AFTER)
            assert await graph.dump() == await dumped(*BEFORE, *AFTER)
            if not died():
                break
            await graph.drop("src_a")
            assert (await graph.dump(), (await around(graph, "ada", "bob")).passages) == ("", ())
    assert writes > 15


@pytest.mark.usefixtures("few_probes")
async def test_what_a_death_leaves_is_whole_and_mended_by_the_next_try() -> None:
    """Dead for good within a merge: each passage says all of one reading; a later merge is exact,
    and a later drop leaves nothing that could be followed."""
    readings = {
        json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) for one in (*BEFORE, *AFTER)
    }
    for writes in count():
        with stand_in() as server:
            with graph_at(server.address) as graph:
                await graph.merge(BEFORE)
                died = failing_after(server, writes, lasting=True)
                with suppress(EngineUnavailable):
                    await graph.merge(AFTER)
            server.engine.before_write = lambda: None
            with graph_at(server.address) as graph:
                told = (await graph.dump()).removesuffix("\n").split("\n")
                assert set(told) <= readings
                assert {"p1", "p2"} <= {json.loads(line)["passage"] for line in told}
                seen = await around(graph, passages=("p1",))
                assert {"ada", "cy"} - {entity.key for entity in seen.entities}
                await graph.merge(AFTER)
                assert await graph.dump() == await dumped(*BEFORE, *AFTER)
                await graph.drop("src_a")
                held = server.engine.spaces["test"]
                assert (held.out, len(held.vertices)) == ({}, 1)
                assert await around(graph, "ada", "bob", "cy", "dee") == Subgraph()
        if not died():
            break
    assert writes > 15


@pytest.mark.usefixtures("few_probes")
async def test_a_drop_finds_what_an_unfinished_merge_began() -> None:
    """A source whose first merge died and was never tried again leaves nothing when dropped."""
    for writes in (3, 6, 9):
        with stand_in() as server:
            with graph_at(server.address) as graph:
                await graph.count()
                died = failing_after(server, writes, lasting=True)
                with pytest.raises(EngineUnavailable):
                    await graph.merge(AFTER)
            assert died()
            server.engine.before_write = lambda: None
            with graph_at(server.address) as graph:
                assert (await graph.count(), await graph.dump()) == (0, "")
                await graph.drop("src_a")
            held = server.engine.spaces["test"]
            assert (held.out, held.back, len(held.vertices)) == ({}, {}, 1)


@pytest.mark.usefixtures("few_probes")
async def test_a_drop_cut_short_is_ended_by_the_next() -> None:
    """At whichever key it stops, dropping again ends it; what half a key leaves is seen by none."""
    other = says("q1", "bob", source="src_b")
    alone = MemoryGraph()
    await alone.merge([other])
    for writes in count():
        with stand_in() as server:
            with graph_at(server.address) as graph:
                await graph.merge([*BEFORE, other])
                died = failing_after(server, writes, lasting=True)
                with suppress(EngineUnavailable):
                    await graph.drop("src_a")
            server.engine.before_write = lambda: None
            with graph_at(server.address) as graph:
                told = set((await graph.dump()).splitlines())
                assert told <= set(
                    (await dumped(*BEFORE, other)).splitlines()
                )  # each of them whole
                await graph.drop("src_a")
                assert await graph.dump() == await alone.dump()
                for seeds in (("ada", "bob"), ("ada",)):
                    assert await around(graph, *seeds) == await around(alone, *seeds)
        if not died():
            break
    assert writes > 10


async def test_another_process_sees_each_passage_of_one_reading(server: StandIn) -> None:
    """While one writes a passage over and over, who reads beside it never mixes two readings."""
    readings = [("ada", "bob"), ("cy", "dee")]
    with graph_at(server.address) as writer, graph_at(server.address) as reader:

        async def write() -> None:
            for at in range(30):
                await writer.merge([says("p1", *readings[at % 2])])

        writing = asyncio.create_task(write())
        seen = set()
        while not writing.done():
            shown = await around(reader, passages=("p1",))
            seen.add(frozenset(entity.key for entity in shown.entities))
        await writing
        assert all(keys <= set(readings[0]) or keys <= set(readings[1]) for keys in seen)
        held = server.engine.spaces["test"]
        assert {key[0] for key in held.out} == {key[0] for key in held.back}
        assert (
            len(held.out) == 6
        )  # of one reading: two mentions, two relations, one alias from both ends


async def test_a_refused_user_is_told_so(server: StandIn) -> None:
    """With the name that was tried and where to set another, and never the password."""
    with pytest.raises(RetrievalError, match=r"refused the user 'eve' .*nebula://user") as caught:
        Nebula.open(server.address, "test", user="eve", password="s3cret", fingerprint="f")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b""])
async def test_what_is_no_nebulagraph_is_named(answer: bytes) -> None:
    """A port that speaks something else, or nothing, is an error that says where."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer, suppress(OSError):
                    peer.recv(1_024)
                    peer.sendall(answer)

        speaking = threading.Thread(target=speak, daemon=True)
        speaking.start()
        port = listening.getsockname()[1]
        with (
            graph_at(f"127.0.0.1:{port}", timeout=1.0) as graph,
            pytest.raises(EngineUnavailable, match=f"127.0.0.1:{port} does not answer"),
        ):
            await graph.count()
        listening.shutdown(socket.SHUT_RDWR)
    speaking.join(10)


async def test_a_server_that_comes_later_is_found(server: StandIn) -> None:
    """Away when we open, there when we ask."""
    away = True

    def answer(said: bytes) -> None:
        if away:
            raise Gone

    server.on_statement = answer
    with graph_at(server.address) as graph:
        with pytest.raises(EngineUnavailable):
            await graph.count()
        away = False
        assert await graph.count() == 0


# The product over it.


async def test_the_settings_name_it_and_health_counts_it(server: StandIn, tmp_path: Path) -> None:
    """Opened, filled, told of without its password, and made anew by reindex."""
    served = Settings(
        _env_file=None,
        data_dir=tmp_path,
        dense_url="off:",
        sparse_url="off:",
        graph_url=f"nebula://root:nebula@{server.address}/wired",
        sample=False,
    )
    for _ in range(2):
        async with open_services(served) as services:
            (port,) = (port for port in services.ports if port.setting == "GRAPH_URL")
            assert port.implementation == "nebula"
            assert ":nebula@" not in port.url
            assert await port.check() == "0 passages"
            (leg,) = (leg.leg for leg in services.legs if leg.setting == "GRAPH_URL")
            assert leg.name == "graph"
        await erase_served(served)
        assert "wired" not in server.engine.spaces
