"""The embedded vector index leaves its scope filter out only where it holds for every point."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge

from retrieval.model import Passage, Scope
from retrieval.stores.qdrant_edge import QdrantEdge

OURS = Scope("acme", frozenset({"spc_1"}))
VECTOR = np.array([1.0, 0.0, 0.0, 0.0], np.float32)


def passage(id: str, *, tenant: str = "acme", space: str = "spc_1") -> Passage:
    return Passage(
        id=id,
        tenant=tenant,
        space=space,
        source=id,
        version="v1",
        ordinal=0,
        text="",
        start=0,
        end=0,
    )


def opened(folder: Path) -> QdrantEdge:
    return QdrantEdge.open_dense(folder, fingerprint="none", dimensions=4)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[QdrantEdge]:
    held = opened(tmp_path / "dense")
    yield held
    held.close()


class Shard:
    """The real shard, with something that happens once, just before it is searched."""

    def __init__(self, shard: Any, first: Callable[[], object]) -> None:
        self._shard = shard
        self._first: Callable[[], object] | None = first
        self.filters: list[bool] = []

    def query(self, request: Any) -> Any:
        self.filters.append(request.filter is not None)
        first, self._first = self._first, None
        if first is not None:
            first()
        return self._shard.query(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shard, name)


async def found(index: QdrantEdge, scope: Scope = OURS) -> list[str]:
    return [line.passage for line in await index.search(VECTOR, scope=scope, limit=10)]


async def test_a_shard_of_one_reader_is_searched_without_a_filter(index: QdrantEdge) -> None:
    await index.put([passage("src_a")], [VECTOR])
    shard = Shard(index._shard, lambda: None)
    index._shard = shard  # type: ignore[assignment]
    assert await found(index) == ["src_a"]
    assert shard.filters == [False]
    await index.put([passage("src_b", space="spc_2")], [VECTOR])
    assert await found(index) == ["src_a"]
    assert shard.filters == [False, True]
    await index.drop("src_b")
    assert await found(index) == ["src_a"]
    assert shard.filters == [False, True, False]


@pytest.mark.parametrize("foreign", [{"space": "spc_2"}, {"tenant": "globex"}])
async def test_a_foreign_passage_that_comes_during_a_search_is_not_seen(
    index: QdrantEdge, foreign: dict[str, str]
) -> None:
    """Put between the look at who is here and the search, and even gone again after it."""
    await index.put([passage("src_a")], [VECTOR])
    loop = asyncio.get_running_loop()

    def wait_for(work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(30)

    came = passage("src_b", **foreign)
    shard = Shard(index._shard, lambda: wait_for(index.put([came], [VECTOR])))
    index._shard = shard  # type: ignore[assignment]
    assert await found(index) == ["src_a"]
    assert shard.filters == [False, True]

    await index.drop("src_b")
    real = shard._shard

    class Gone(Shard):
        def query(self, request: Any) -> Any:
            points = super().query(request)
            if len(self.filters) == 1:
                wait_for(index.drop("src_b"))
            return points

    index._shard = Gone(real, lambda: wait_for(index.put([came], [VECTOR])))  # type: ignore[assignment]
    assert await found(index) == ["src_a"]


async def test_a_foreign_passage_is_not_seen_at_the_moment_it_comes(index: QdrantEdge) -> None:
    """A search between a change of the points and its end knows of their owners already."""
    await index.put([passage("src_a")], [VECTOR])
    meanwhile: list[list[str]] = []

    class Changed(Shard):
        def update(self, operation: Any) -> None:
            self._shard.update(operation)
            meanwhile.append([line.passage for line in index._search(VECTOR, OURS, 10)])

    index._shard = Changed(index._shard, lambda: None)  # type: ignore[assignment]
    await index.put([passage("src_b", space="spc_2")], [VECTOR])
    await index.drop("src_b")
    assert meanwhile == [["src_a"], ["src_a"]]


async def test_who_is_here_is_known_again_after_a_restart(tmp_path: Path) -> None:
    index = opened(tmp_path / "dense")
    await index.put([passage("src_a"), passage("src_b", tenant="globex")], [VECTOR, VECTOR])
    index.close()
    index = opened(tmp_path / "dense")
    try:
        assert await found(index) == ["src_a"]
        assert await found(index, Scope("globex", frozenset({"spc_1"}))) == ["src_b"]
    finally:
        index.close()


OWNERS = [(tenant, space) for tenant in ("acme", "globex") for space in ("spc_1", "spc_2", "spc_3")]


def owned(number: int, owner: int) -> Passage:
    """A passage whose id tells whose it is; three to a source."""
    tenant, space = OWNERS[owner]
    made = passage(f"{tenant}/{space}/{number}", tenant=tenant, space=space)
    return replace(made, source=f"{tenant}/{space}/src_{number % 3}")


async def seen(index: QdrantEdge, scope: Scope) -> set[str]:
    found = await index.search(VECTOR, scope=scope, limit=1_000)
    return {line.passage for line in found}


def inside(id: str, scope: Scope) -> bool:
    tenant, space, number = id.split("/")
    source = f"{tenant}/{space}/src_{int(number) % 3}"
    return scope.admits(tenant=tenant, space=space, source=source)


async def test_nothing_outside_a_scope_is_seen_however_puts_and_drops_fall(
    index: QdrantEdge,
) -> None:
    """Owners come, share the shard, move a passage to another space and go, beside searches."""
    chance = random.Random(5)
    scopes = [
        Scope(tenant, frozenset(spaces), sources)
        for tenant in ("acme", "globex", "nobody")
        for spaces in (("spc_1",), ("spc_2",), ("spc_1", "spc_2", "spc_3"))
        for sources in (None, frozenset({"acme/spc_1/src_0", "globex/spc_2/src_1"}))
    ]
    changing = True

    async def search() -> int:
        made = 0
        while changing or made < 50:
            scope = chance.choice(scopes)
            found = await seen(index, scope)
            assert all(inside(id, scope) for id in found), (scope, found)
            made += 1
        return made

    async def change() -> None:
        nonlocal changing
        try:
            for _ in range(30):
                # Few owners at a time, so that the shard is often one reader's alone.
                first = owned(chance.randrange(9), chance.randrange(len(OWNERS)))
                await index.put([first], [VECTOR])
                for _ in range(chance.randrange(3)):
                    tenant, space = chance.choice(OWNERS)
                    await index.drop(f"{tenant}/{space}/src_{chance.randrange(3)}")
                if chance.random() < 0.7:
                    await index.drop(first.source)
        finally:
            changing = False

    await asyncio.gather(change(), search(), search(), search())


async def test_a_passage_put_again_under_another_owner_is_seen_by_that_one_alone(
    index: QdrantEdge,
) -> None:
    await index.put([passage("src_a")], [VECTOR])
    await index.put([passage("src_a", tenant="globex", space="spc_2")], [VECTOR])
    assert await found(index) == []
    assert await found(index, Scope("globex", frozenset({"spc_2"}))) == ["src_a"]
    assert await found(index, Scope("globex", frozenset({"spc_1"}))) == []


async def test_sources_narrow_a_scope_that_needs_no_filter(index: QdrantEdge) -> None:
    await index.put([passage("src_a"), passage("src_b")], [VECTOR, VECTOR])
    assert await found(index, replace(OURS, sources=frozenset({"src_b"}))) == ["src_b"]
    assert await found(index, replace(OURS, passages=frozenset({"src_a"}))) == ["src_a"]
    both = replace(OURS, sources=frozenset({"src_b"}), passages=frozenset({"src_a"}))
    assert await found(index, both) == []


async def test_only_the_condition_that_holds_for_all_is_left_out(index: QdrantEdge) -> None:
    """One tenant with two spaces asks by space, two tenants in one space ask by tenant."""
    await index.put([passage("src_a"), passage("src_b", space="spc_2")], [VECTOR, VECTOR])
    assert await found(index) == ["src_a"]
    assert await found(index, Scope("globex", frozenset({"spc_1"}))) == []
    await index.drop("src_b")
    await index.put([passage("src_c", tenant="globex")], [VECTOR])
    assert await found(index) == ["src_a"]
    assert await found(index, Scope("globex", frozenset({"spc_1"}))) == ["src_c"]


STEPS = """
def steps(chance):
    for number in range(10_000):
        tenant, space = chance.choice(["acme", "globex"]), f"spc_{chance.randrange(3)}"
        source = f"{tenant}/{space}/src_{number % 3}"
        yield f"{source}/{number}", tenant, space, source, chance.random() < 0.3
"""

KILLED = (
    STEPS
    + """
import asyncio, random, sys
from pathlib import Path
import numpy as np
from retrieval.model import Passage
from retrieval.stores import qdrant_edge
qdrant_edge.UNWRITTEN = int(sys.argv[2])
index = qdrant_edge.QdrantEdge.open_dense(Path(sys.argv[1]), fingerprint="none", dimensions=4)
vector = np.array([1.0, 0.0, 0.0, 0.0], np.float32)
async def go():
    for id, tenant, space, source, drops in steps(random.Random(3)):
        await index.put([Passage(id, tenant, space, source, "v1", 0, "", 0, 0)], [vector])
        if drops:
            await index.drop(source)
        print(id, flush=True)
asyncio.run(go())
"""
)


@pytest.mark.parametrize("unwritten", [1_000, 4])
async def test_a_killed_process_loses_nothing_and_leaves_nothing_to_others(
    tmp_path: Path, unwritten: int
) -> None:
    """From the journal alone or from the engine's files too: all that was put and not dropped is
    there, its owners are known, and each sees their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path / "dense"), str(unwritten),
        cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(17):
        await process.stdout.readline()
    process.kill()
    done = 17 + len((await process.stdout.read()).split())
    assert await process.wait() == -9

    known: dict[str, Any] = {}
    exec(STEPS, known)
    wanted: set[str] = set()
    possible: list[set[str]] = []  # the last step may have been cut short
    for number, (id, _, _, source, drops) in enumerate(known["steps"](random.Random(3))):
        if number >= done:
            possible.append(set(wanted))
        if number > done:
            break
        wanted.add(id)
        if number == done:
            possible.append(set(wanted))
        if drops:
            wanted = {one for one in wanted if not one.startswith(f"{source}/")}

    index = opened(tmp_path / "dense")
    try:
        records, _ = index._shard.scroll(
            edge.ScrollRequest(limit=1_000, with_payload=True, with_vector=False)
        )
        held = {str(record.payload["passage"]) for record in records if record.payload}
        assert held in possible
        assert index._owners.tenants >= {id.split("/")[0] for id in held}
        assert index._owners.spaces >= {id.split("/")[1] for id in held}
        for tenant in ("acme", "globex"):
            for space in ("spc_0", "spc_1", "spc_2"):
                own = {id for id in held if id.startswith(f"{tenant}/{space}/")}
                assert await seen(index, Scope(tenant, frozenset({space}))) == own
    finally:
        index.close()


async def test_the_engine_rebuilds_nothing_while_it_serves(tmp_path: Path) -> None:
    """It would keep Python's lock: what was deleted is swept out at the next opening."""
    index = opened(tmp_path / "dense")

    class Serving(Shard):
        def optimize(self) -> bool:
            raise AssertionError("searches would wait")

    index._shard = Serving(index._shard, lambda: None)  # type: ignore[assignment]
    many = [replace(passage(f"a{number}"), source="src_a") for number in range(1_200)]
    await index.put(many, [VECTOR] * len(many))
    await index.put([passage("src_b")], [VECTOR])
    await index.drop("src_a")
    assert await found(index) == ["src_b"]
    index.close()
    for _ in range(2):
        index = opened(tmp_path / "dense")
        try:
            assert await index.count() == 1
            assert await found(index) == ["src_b"]
        finally:
            index.close()
