"""What a dense leg promises, over every engine that holds its vectors."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from retrieval.dense import DenseLeg, VectorIndex
from retrieval.encoders.hashing import HashingEncoder
from retrieval.errors import IndexInUse, IndexMismatch
from retrieval.model import Passage, Query, Scope
from retrieval.stores.exact import ExactVectors
from retrieval.stores.qdrant import Qdrant
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.qdrant_generations import erase

ENCODER = HashingEncoder(32)


def passage(ordinal: int, text: str, **changes: object) -> Passage:
    made = Passage(
        id=f"src_a.000000000000.{ordinal:05d}",
        tenant="acme",
        space="spc_1",
        source="src_a",
        version="v1",
        ordinal=ordinal,
        text=text,
        start=0,
        end=len(text),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # keywords of Passage, in tests only


def scope(*spaces: str, tenant: str = "acme", sources: frozenset[str] | None = None) -> Scope:
    return Scope(tenant, frozenset(spaces), sources)


def opened(folder: Path) -> QdrantEdge:
    return QdrantEdge.open_dense(folder, fingerprint=ENCODER.fingerprint, dimensions=32)


@asynccontextmanager
async def on_server(address: str) -> AsyncIterator[Qdrant]:
    """An index in a collection of its own."""
    collection = f"dense-{secrets.token_hex(6)}"
    held = await Qdrant.open_dense(
        address, collection, fingerprint=ENCODER.fingerprint, dimensions=32
    )
    try:
        yield held
    finally:
        await held.close()
        await erase(address, collection)


@pytest_asyncio.fixture(params=["exact", "qdrant-edge", "qdrant"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    match request.param:
        case "exact":
            yield ExactVectors()
        case "qdrant-edge":
            held = opened(tmp_path / "dense")
            yield held
            held.close()
        case _:
            async with on_server(request.getfixturevalue("qdrant_address")) as served:
                yield served


@pytest.fixture
def leg(index: VectorIndex) -> DenseLeg:
    return DenseLeg(ENCODER, index)


async def ids(leg: DenseLeg, text: str, within: Scope, limit: int = 10) -> list[str]:
    run = await leg.search(Query(text), scope=within, limit=limit)
    assert run.leg == "dense"
    return [ranked.passage for ranked in run.ranked]


async def test_dense_nearest_comes_first(leg: DenseLeg) -> None:
    """The passage that says what was asked stands before those that do not."""
    texts = ["prices rose in March", "the board met on Monday", "tariffs on copper"]
    await leg.put([passage(i, text) for i, text in enumerate(texts)])
    assert (await ids(leg, "the board met on Monday", scope("spc_1")))[0].endswith("00001")


async def test_dense_scope_holds_before_ranking(leg: DenseLeg) -> None:
    """A reader's best passage is found even when many better ones lie outside the scope."""
    elsewhere = [
        passage(i, "copper tariffs", id=f"src_b.0.{i:05d}", space="spc_2", source="src_b")
        for i in range(60)
    ]
    other_tenant = passage(0, "copper tariffs", id="src_c.0.00000", tenant="rival", source="src_c")
    mine = passage(1, "copper prices")
    await leg.put([*elsewhere, other_tenant, mine])
    assert await ids(leg, "copper tariffs", scope("spc_1"), 3) == [mine.id]
    assert await ids(leg, "copper tariffs", scope("spc_1", tenant="rival"), 3) == [other_tenant.id]
    both = scope("spc_1", "spc_2", sources=frozenset({"src_a"}))
    assert await ids(leg, "copper tariffs", both, 3) == [mine.id]


async def test_dense_scope_of_passages_holds_before_ranking(leg: DenseLeg) -> None:
    """The passage that ranks last is found where it alone may be."""
    await leg.put([passage(i, "copper tariffs") for i in range(40)])
    last = passage(40, "prices rose")
    await leg.put([last])
    alone = replace(scope("spc_1"), passages=frozenset({last.id, "unknown"}))
    assert await ids(leg, "copper tariffs", alone, 1) == [last.id]
    nothing = replace(scope("spc_1"), passages=frozenset[str]())
    assert await ids(leg, "copper tariffs", nothing, 1) == []


@pytest.mark.parametrize(
    "nothing", [scope(), scope("spc_1", sources=frozenset()), scope("spc_9"), scope("")]
)
async def test_dense_empty_scope_sees_nothing(leg: DenseLeg, nothing: Scope) -> None:
    """No space, no source or an unknown space finds nothing and is no error."""
    await leg.put([passage(0, "copper")])
    assert await ids(leg, "copper", nothing) == []


async def test_dense_put_replaces(leg: DenseLeg) -> None:
    """The same id again is one passage, found by its new words."""
    await leg.put([passage(0, "zinc"), passage(1, "the board met")])
    await leg.put([passage(0, "copper")])
    assert await leg.count() == 2
    run = await leg.search(Query("copper"), scope=scope("spc_1"), limit=1)
    assert run.ranked[0].passage.endswith("00000")
    assert run.ranked[0].score == pytest.approx(1.0)


async def test_dense_drop_keeps_the_named_version(leg: DenseLeg) -> None:
    """Dropping a source with a version to keep leaves that version and every other source."""
    old, new = passage(0, "old"), passage(1, "new", version="v2")
    other = passage(0, "other", id="src_b.0.00000", source="src_b")
    await leg.put([old, new, other])
    for _ in range(2):  # safe to repeat
        await leg.drop("src_a", keep="v2")
        assert set(await ids(leg, "new", scope("spc_1"))) == {new.id, other.id}
    await leg.drop("src_a")
    assert await ids(leg, "new", scope("spc_1")) == [other.id]


async def test_dense_ties_stand_in_order_of_id(leg: DenseLeg) -> None:
    """Equal passages come by id, also where the limit cuts through a long tie."""
    tied = [passage(i, "copper tariffs") for i in range(120)]
    await leg.put(list(reversed(tied)))
    assert await ids(leg, "copper", scope("spc_1"), 5) == [p.id for p in tied[:5]]


@pytest.mark.parametrize("limit", [0, 1, 3, 4])
async def test_dense_limit(leg: DenseLeg, limit: int) -> None:
    """Never more than asked for, and never more than there are."""
    await leg.put([passage(i, f"copper {i}") for i in range(3)])
    assert len(await ids(leg, "copper", scope("spc_1"), limit)) == min(limit, 3)


async def test_dense_context_is_encoded(leg: DenseLeg) -> None:
    """A passage is found by its title and headings as well as by its text."""
    await leg.put(
        [passage(0, "it rose", title="Copper", headings=("Prices",)), passage(1, "it fell")]
    )
    assert (await ids(leg, "Copper Prices", scope("spc_1")))[0].endswith("00000")


async def test_engines_agree(tmp_path: Path, qdrant_address: str) -> None:
    """Both engines give what comparing every vector gives, ids and order alike."""
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(400, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    passages = [passage(i, str(i), space=f"spc_{i % 3}") for i in range(400)]
    exact, held = ExactVectors(), opened(tmp_path / "dense")
    try:
        async with on_server(qdrant_address) as served:
            for index in (exact, held, served):
                await index.put(passages, list(vectors))
            for query in vectors[:10]:
                within = scope("spc_1", "spc_2")
                expected = await exact.search(query, scope=within, limit=25)
                for engine in (held, served):
                    found = await engine.search(query, scope=within, limit=25)
                    assert [r.passage for r in found] == [r.passage for r in expected]
                    assert [r.score for r in found] == pytest.approx(
                        [r.score for r in expected], abs=2e-6
                    )
    finally:
        held.close()


async def test_reopened_without_encoding_again(tmp_path: Path) -> None:
    """What was put is there after closing and opening."""
    held = opened(tmp_path / "dense")
    await DenseLeg(ENCODER, held).put([passage(0, "copper")])
    held.close()
    again = opened(tmp_path / "dense")
    try:
        assert await ids(DenseLeg(ENCODER, again), "copper", scope("spc_1")) == [passage(0, "").id]
    finally:
        again.close()


async def test_put_survives_a_killed_process(tmp_path: Path) -> None:
    """What put returned for is on disk even when the process dies in the next instant."""
    code = """
import asyncio, os, signal, sys
from pathlib import Path
from retrieval.dense import DenseLeg
from retrieval.encoders.hashing import HashingEncoder
from retrieval.model import Passage
from retrieval.stores.qdrant_edge import QdrantEdge
encoder = HashingEncoder(32)
index = QdrantEdge.open_dense(
    Path(sys.argv[1]), fingerprint=encoder.fingerprint, dimensions=32)
asyncio.run(DenseLeg(encoder, index).put(
    [Passage("p1", "acme", "spc_1", "src_a", "v1", 0, "copper", 0, 6)]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(tmp_path / "dense")]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=root, check=False, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    held = opened(tmp_path / "dense")
    try:
        assert await held.count() == 1
    finally:
        held.close()


async def test_second_process_is_told(tmp_path: Path) -> None:
    """An index that is open elsewhere is refused by name, and stays as it was."""
    held = opened(tmp_path / "dense")
    try:
        with pytest.raises(IndexInUse, match="another process"):
            opened(tmp_path / "dense")
    finally:
        held.close()


async def test_other_encoder_is_told(tmp_path: Path) -> None:
    """Another encoder's vectors are not searched: both encoders and the way out are named."""
    opened(tmp_path / "dense").close()
    with pytest.raises(IndexMismatch, match=r"hashing:32.*hashing:64.*stratmaster reindex"):
        QdrantEdge.open_dense(tmp_path / "dense", fingerprint="hashing:64", dimensions=64)


async def test_index_without_manifest_is_told(tmp_path: Path) -> None:
    """Vectors of an unknown encoder are not guessed at."""
    opened(tmp_path / "dense").close()
    (tmp_path / "dense" / "manifest.json").unlink()
    with pytest.raises(IndexMismatch, match="stratmaster reindex"):
        opened(tmp_path / "dense")


async def test_creation_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    """A folder with a manifest and no shard opens empty; what the dead had begun is gone, and what
    a process that runs has begun is not."""
    folder = tmp_path / "dense"
    opened(folder).close()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (folder / "shard").rename(folder / f".shard-{dead.pid}")
    (folder / f".shard-{os.getppid()}").mkdir()
    held = opened(folder)
    try:
        assert await held.count() == 0
    finally:
        held.close()
    assert [path.name for path in folder.glob(".shard-*")] == [f".shard-{os.getppid()}"]
