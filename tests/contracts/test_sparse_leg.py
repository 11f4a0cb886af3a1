"""What a sparse leg promises, over every engine that holds its vectors."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from retrieval.dense import VectorIndex
from retrieval.errors import IndexMismatch
from retrieval.model import Passage, Query, Scope, Side, SparseVector
from retrieval.sparse import SparseLeg
from retrieval.stores import qdrant_generations
from retrieval.stores.exact import ExactVectors
from retrieval.stores.opensearch import OpenSearchSparse, Server
from retrieval.stores.opensearch_generations import OpenSearchGenerations
from retrieval.stores.qdrant import Qdrant
from retrieval.stores.qdrant_edge import QdrantEdge

WORDS = ("copper", "tariff", "board", "price")
SCOPE = Scope("acme", frozenset({"spc_1"}))


class CountingEncoder:
    """Counts four known words."""

    fingerprint = "counting:1"

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        vectors = []
        for text in texts:
            counts = {i: float(text.split().count(word)) for i, word in enumerate(WORDS)}
            held = {i: count for i, count in counts.items() if count}
            vectors.append(SparseVector(tuple(held), tuple(held.values())))
        return vectors


@pytest_asyncio.fixture(params=["exact", "qdrant-edge", "qdrant", "opensearch"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    match request.param:
        case "exact":
            yield ExactVectors()
        case "qdrant-edge":
            held = QdrantEdge.open_sparse(tmp_path / "sparse", fingerprint="counting:1")
            yield held
            held.close()
        case "qdrant":
            address = request.getfixturevalue("qdrant_address")
            collection = f"sparse-{secrets.token_hex(6)}"
            served = await Qdrant.open_sparse(address, collection, fingerprint="counting:1")
            yield served
            await served.close()
            await qdrant_generations.erase(address, collection)
        case _:
            address = request.getfixturevalue("opensearch_address")
            collection = f"sparse-{secrets.token_hex(6)}"
            features = OpenSearchSparse.open(
                Server(address), collection, fingerprint="counting:1", refresh="20ms"
            )
            yield features
            features.close()
            OpenSearchGenerations(Server(address), collection).erase()


@pytest.fixture
def leg(index: VectorIndex) -> SparseLeg:
    return SparseLeg(CountingEncoder(), index)


def passage(ordinal: int, text: str, *, space: str = "spc_1", version: str = "v1") -> Passage:
    return Passage(
        f"src_a.{ordinal:05d}", "acme", space, "src_a", version, ordinal, text, 0, len(text)
    )


async def found(leg: SparseLeg, text: str, limit: int = 10) -> list[tuple[str, float]]:
    run = await leg.search(Query(text), scope=SCOPE, limit=limit)
    assert run.leg == "sparse"
    return [(ranked.passage[-1], ranked.score) for ranked in run.ranked]


async def test_sparse_ranks_by_shared_weight(leg: SparseLeg) -> None:
    """The score is the dot product, and a passage without a shared term is not found."""
    await leg.put(
        [
            passage(0, "copper tariff copper"),
            passage(1, "tariff"),
            passage(2, "board"),
            passage(3, "nothing known"),
            passage(4, "copper tariff", space="spc_2"),
        ]
    )
    assert await leg.count() == 5
    assert await found(leg, "copper tariff") == [("0", 3.0), ("1", 1.0)]


async def test_sparse_unknown_words_find_nothing(leg: SparseLeg) -> None:
    """A question of which no word is known is no error."""
    await leg.put([passage(0, "copper")])
    assert await found(leg, "zinc?") == []
    assert await found(leg, "") == []


async def test_sparse_put_replaces_and_drop_keeps(leg: SparseLeg) -> None:
    """As in every leg: the same id is replaced, and dropping spares the version to keep."""
    await leg.put([passage(0, "copper"), passage(1, "copper", version="v2")])
    await leg.put([passage(0, "board")])
    assert await found(leg, "copper") == [("1", 1.0)]
    await leg.put([passage(0, "nothing known")])
    assert (await found(leg, "board"), await leg.count()) == ([], 2)
    await leg.put([passage(0, "board")])
    await leg.drop("src_a", keep="v2")
    assert await found(leg, "board") == []
    assert await leg.count() == 1
    await leg.drop("src_a")
    assert await leg.count() == 0


async def test_sparse_ties_stand_in_order_of_id(leg: SparseLeg) -> None:
    """Equal weights come by id, wherever the limit cuts."""
    await leg.put([passage(i, "price") for i in reversed(range(9))])
    assert [place for place, _ in await found(leg, "price", 3)] == ["0", "1", "2"]


async def test_sparse_other_encoder_is_told(tmp_path: Path) -> None:
    """Another encoder's terms are not searched."""
    QdrantEdge.open_sparse(tmp_path / "sparse", fingerprint="counting:1").close()
    with pytest.raises(IndexMismatch, match=r"counting:1.*counting:2.*reindex"):
        QdrantEdge.open_sparse(tmp_path / "sparse", fingerprint="counting:2")
