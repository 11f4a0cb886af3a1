"""What every index of vectors makes of vectors that are none, and of the one that is all zero."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from retrieval.dense import VectorIndex
from retrieval.errors import EncodingFailed
from retrieval.model import Passage, Scope, SparseVector
from retrieval.stores import qdrant_generations
from retrieval.stores.exact import ExactVectors
from retrieval.stores.opensearch import OpenSearchSparse, Server
from retrieval.stores.opensearch_generations import OpenSearchGenerations
from retrieval.stores.qdrant import Qdrant
from retrieval.stores.qdrant_edge import QdrantEdge

ALL = Scope("acme", frozenset({"spc_1"}))


def passage(ordinal: int) -> Passage:
    return Passage(f"src_a.{ordinal:05d}", "acme", "spc_1", "src_a", "v1", ordinal, "text", 0, 4)


def array(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


@pytest_asyncio.fixture(params=["exact", "qdrant-edge", "qdrant"])
async def dense(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    match request.param:
        case "exact":
            yield ExactVectors()
        case "qdrant-edge":
            held = QdrantEdge.open_dense(tmp_path / "dense", fingerprint="f", dimensions=4)
            yield held
            held.close()
        case _:
            address = request.getfixturevalue("qdrant_address")
            name = f"bad-{secrets.token_hex(6)}"
            served = await Qdrant.open_dense(address, name, fingerprint="f", dimensions=4)
            yield served
            await served.close()
            await qdrant_generations.erase(address, name)


@pytest_asyncio.fixture(params=["exact", "qdrant-edge", "qdrant", "opensearch"])
async def sparse(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    name = f"bad-{secrets.token_hex(6)}"
    match request.param:
        case "exact":
            yield ExactVectors()
        case "qdrant-edge":
            held = QdrantEdge.open_sparse(tmp_path / "sparse", fingerprint="f")
            yield held
            held.close()
        case "qdrant":
            address = request.getfixturevalue("qdrant_address")
            served = await Qdrant.open_sparse(address, name, fingerprint="f")
            yield served
            await served.close()
            await qdrant_generations.erase(address, name)
        case _:
            address = request.getfixturevalue("opensearch_address")
            features = await asyncio.to_thread(
                lambda: OpenSearchSparse.open(
                    Server(address), name, fingerprint="f", refresh="20ms"
                )
            )
            yield features
            await asyncio.to_thread(features.close)
            await asyncio.to_thread(OpenSearchGenerations(Server(address), name).erase)


Bad = Callable[[], NDArray[np.float32] | SparseVector]
BAD_DENSE: dict[str, Bad] = {
    "no number": lambda: array(np.nan, 0, 0, 0),
    "endless": lambda: array(0, 0, 0, -np.inf),
    "too short": lambda: array(1, 0, 0),
    "too long": lambda: array(1, 0, 0, 0, 0),
    "none": lambda: array(),
    "two": lambda: array(1, 0, 0, 0, 1, 0, 0, 0).reshape(2, 4),
    "sparse": lambda: SparseVector((1,), (1.0,)),
}
BAD_SPARSE: dict[str, Bad] = {
    "no number": lambda: SparseVector((1, 2), (1.0, float("nan"))),
    "endless": lambda: SparseVector((1,), (float("inf"),)),
    "too large to hold": lambda: SparseVector((1,), (1e39,)),
    "not ascending": lambda: SparseVector((2, 1), (1.0, 1.0)),
    "twice": lambda: SparseVector((1, 1), (1.0, 1.0)),
    "below zero": lambda: SparseVector((-1, 1), (1.0, 1.0)),
    "without weights": lambda: SparseVector((1, 2), (1.0,)),
    "dense": lambda: array(1, 0, 0, 0),
}


@pytest.mark.parametrize("bad", BAD_DENSE)
async def test_a_dense_vector_that_is_none_is_refused_by_name(dense: VectorIndex, bad: str) -> None:
    """In a put nothing is kept, what was there stays as it was; in a search nothing is ranked."""
    await dense.put([passage(0)], [array(1, 0, 0, 0)])
    with pytest.raises(EncodingFailed, match=r"src_a\.00001"):
        await dense.put(
            [passage(2), passage(1), passage(0)],
            [array(0, 1, 0, 0), BAD_DENSE[bad](), array(0, 0, 0, 1)],
        )
    with pytest.raises(EncodingFailed, match="question"):
        await dense.search(BAD_DENSE[bad](), scope=ALL, limit=5)
    found = await dense.search(array(1, 0, 0, 0), scope=ALL, limit=5)
    assert [(line.passage, line.score) for line in found] == [("src_a.00000", 1.0)]


@pytest.mark.parametrize("bad", BAD_SPARSE)
async def test_a_sparse_vector_that_is_none_is_refused_by_name(
    sparse: VectorIndex, bad: str
) -> None:
    await sparse.put([passage(0)], [SparseVector((1,), (1.0,))])
    with pytest.raises(EncodingFailed, match=r"src_a\.00001"):
        await sparse.put(
            [passage(2), passage(1), passage(0)],
            [SparseVector((1,), (1.0,)), BAD_SPARSE[bad](), SparseVector((2,), (1.0,))],
        )
    with pytest.raises(EncodingFailed, match="question"):
        await sparse.search(BAD_SPARSE[bad](), scope=ALL, limit=5)
    found = await sparse.search(SparseVector((1,), (1.0,)), scope=ALL, limit=5)
    assert [(line.passage, line.score) for line in found] == [("src_a.00000", 1.0)]


async def test_a_vector_of_zeros_is_near_to_nothing_and_no_error(dense: VectorIndex) -> None:
    """It scores 0 whichever side it stands on; equals stand in order of id."""
    await dense.put([passage(1), passage(0)], [array(1, 0, 0, 0), array(0, 0, 0, 0)])
    found = await dense.search(array(1, 0, 0, 0), scope=ALL, limit=5)
    assert [(line.passage[-1], line.score) for line in found] == [("1", 1.0), ("0", 0.0)]
    found = await dense.search(array(0, 0, 0, 0), scope=ALL, limit=5)
    assert [(line.passage[-1], line.score) for line in found] == [("0", 0.0), ("1", 0.0)]


async def test_a_sparse_vector_of_nothing_finds_nothing_and_is_held(sparse: VectorIndex) -> None:
    """A passage of which the encoder knows no word is in the index, and found by none."""
    nothing = SparseVector((), ())
    await sparse.put([passage(0), passage(1)], [nothing, SparseVector((1,), (1.0,))])
    assert await sparse.count() == 2
    assert list(await sparse.search(nothing, scope=ALL, limit=5)) == []
    found = await sparse.search(SparseVector((1,), (1.0,)), scope=ALL, limit=5)
    assert [line.passage for line in found] == ["src_a.00001"]
