"""What a Qdrant server adds to the legs' contracts: two legs in one collection, int8, a network."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from retrieval.errors import EncodingFailed, EngineUnavailable, IndexMismatch
from retrieval.model import Passage, Ranked, Scope, SparseVector
from retrieval.stores.exact import ExactVectors
from retrieval.stores.qdrant import DEEPEST, PUT, Qdrant
from retrieval.stores.qdrant_generations import erase
from tests.servers import serve

ALL = Scope("acme", frozenset({"spc_1"}))
COPPER, ZINC = SparseVector((3,), (1.0,)), SparseVector((9,), (1.0,))
EAST = np.array([1, 0, 0, 0], np.float32)


def passage(ordinal: int, *, source: str = "src_a", space: str = "spc_1") -> Passage:
    return Passage(
        f"{source}.{ordinal:05d}", "acme", space, source, "v1", ordinal, "text", 0, 4
    )  # fmt: skip


@pytest.fixture
async def collection(qdrant_address: str) -> AsyncIterator[str]:
    name = f"both-{secrets.token_hex(6)}"
    yield name
    await erase(qdrant_address, name)


@asynccontextmanager
async def both(
    address: str, collection: str, *, encoder: str = "dense:1", dimensions: int = 4
) -> AsyncIterator[tuple[Qdrant, Qdrant]]:
    dense = await Qdrant.open_dense(address, collection, fingerprint=encoder, dimensions=dimensions)
    try:
        sparse = await Qdrant.open_sparse(address, collection, fingerprint="sparse:1")
        try:
            yield dense, sparse
        finally:
            await sparse.close()
    finally:
        await dense.close()


async def ids(found: object) -> list[str]:
    assert isinstance(found, list | tuple)
    return [one.passage for one in found if isinstance(one, Ranked)]


async def test_a_leg_neither_replaces_nor_drops_what_the_other_put(
    qdrant_address: str, collection: str
) -> None:
    """Each leg's vector is put anew and dropped alone; the last one takes the point with it."""
    async with both(qdrant_address, collection) as (dense, sparse):
        await dense.put([passage(0)], [EAST])
        await sparse.put([passage(0), passage(1)], [COPPER, COPPER])
        await dense.put([passage(0)], [EAST])
        assert (await dense.count(), await sparse.count()) == (1, 2)
        assert await ids(await dense.search(EAST, scope=ALL, limit=5)) == ["src_a.00000"]
        await sparse.put([passage(0)], [ZINC])
        assert await ids(await sparse.search(COPPER, scope=ALL, limit=5)) == ["src_a.00001"]
        await sparse.drop("src_a")
        assert (await dense.count(), await sparse.count()) == (1, 0)
        assert await ids(await dense.search(EAST, scope=ALL, limit=5)) == ["src_a.00000"]
        await dense.drop("src_a")
        client = AsyncQdrantClient(url=f"http://{qdrant_address}", check_compatibility=False)
        assert (await client.count(collection)).count == 0
        await client.close()


async def test_a_passage_put_anew_lies_in_its_new_space(
    qdrant_address: str, collection: str
) -> None:
    """What is filtered by is replaced with the vector, and the old space sees it no more."""
    async with both(qdrant_address, collection) as (dense, _):
        await dense.put([passage(0)], [EAST])
        await dense.put([passage(0, space="spc_2")], [EAST])
        assert await dense.search(EAST, scope=ALL, limit=5) == []


@pytest.mark.parametrize("count", [PUT, PUT + 1])
async def test_a_put_of_several_requests_is_whole(
    qdrant_address: str, collection: str, count: int
) -> None:
    async with both(qdrant_address, collection) as (dense, _):
        await dense.put([passage(n) for n in range(count)], [EAST] * count)
        assert await dense.count() == count


async def test_int8_finds_and_whole_vectors_rank(qdrant_address: str, collection: str) -> None:
    """Once the server has built HNSW over int8, scores are still those of the whole vectors."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(3_000, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    passages = [passage(n, space=f"spc_{n % 2}") for n in range(len(vectors))]
    exact = ExactVectors()
    await exact.put(passages, list(vectors))
    client = AsyncQdrantClient(url=f"http://{qdrant_address}", check_compatibility=False)
    async with both(qdrant_address, collection, dimensions=64) as (dense, _):
        await client.update_collection(
            collection, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1)
        )
        await dense.put(passages, list(vectors))
        for _ in range(2_000):  # each question is a round trip; the test's own limit ends it
            state = await client.get_collection(collection)
            if state.status == "green" and (state.indexed_vectors_count or 0) >= len(vectors):
                break
        scalar = state.config.params.vectors["dense"].quantization_config.scalar  # type: ignore[index,union-attr]
        assert scalar.type == "int8"
        agreed = 0
        for query in vectors[:20]:
            expected = await exact.search(query, scope=ALL, limit=10)
            found = await dense.search(query, scope=ALL, limit=10)
            agreed += len({one.passage for one in expected} & {one.passage for one in found})
            scores = {
                one.passage: one.score
                for one in await exact.search(query, scope=ALL, limit=len(vectors))
            }
            for one in found:
                assert one.score == pytest.approx(scores[one.passage], abs=2e-6)
    await client.close()
    assert agreed >= 0.98 * 200


async def test_what_is_large_lies_on_disk_and_what_is_filtered_by_is_indexed(
    qdrant_address: str, collection: str
) -> None:
    """In memory are the int8 copies alone; a scope is looked up, the tenant's points together."""
    client = AsyncQdrantClient(url=f"http://{qdrant_address}", check_compatibility=False)
    async with both(qdrant_address, collection):
        described = await client.get_collection(collection)
    await client.close()
    params, fields = described.config.params, described.payload_schema
    assert isinstance(params.vectors, dict)
    dense = params.vectors["dense"]
    assert dense.on_disk
    assert dense.quantization_config.scalar.always_ram  # type: ignore[union-attr]
    assert params.sparse_vectors is not None
    assert params.sparse_vectors["sparse"].index.on_disk  # type: ignore[union-attr]
    assert params.on_disk_payload
    assert {name: field.data_type for name, field in fields.items()} == {
        **dict.fromkeys(("tenant", "space", "source", "version"), "keyword"),
        **dict.fromkeys(("holds_dense", "holds_sparse"), "bool"),
    }
    assert fields["tenant"].params.is_tenant  # type: ignore[union-attr]


async def test_another_encoder_is_told_and_reindex_named(
    qdrant_address: str, collection: str
) -> None:
    """The manifest lives with the vectors, so any process that opens them is told."""
    async with both(qdrant_address, collection):
        pass
    async with both(qdrant_address, collection):
        pass  # the same is no mismatch
    with pytest.raises(IndexMismatch, match=r"dense:1 with 4.*dense:2 with 8.*stratmaster reindex"):
        async with both(qdrant_address, collection, encoder="dense:2", dimensions=8):
            pass
    with pytest.raises(IndexMismatch, match=r"sparse:1.*sparse:2"):
        await Qdrant.open_sparse(qdrant_address, collection, fingerprint="sparse:2")
    await erase(qdrant_address, collection)
    async with both(qdrant_address, collection, encoder="dense:2", dimensions=8) as (dense, _):
        assert await dense.count() == 0


async def test_a_collection_of_someone_elses_is_neither_used_nor_removed(
    qdrant_address: str,
) -> None:
    client = AsyncQdrantClient(url=f"http://{qdrant_address}", check_compatibility=False)
    name = f"theirs-{secrets.token_hex(6)}"
    await client.create_collection(
        name, vectors_config=models.VectorParams(size=4, distance=models.Distance.DOT)
    )
    with pytest.raises(IndexMismatch, match="is not ours"):
        await Qdrant.open_dense(qdrant_address, name, fingerprint="dense:1", dimensions=4)
    with pytest.raises(IndexMismatch, match="it stays"):
        await erase(qdrant_address, name)
    assert await client.collection_exists(name)
    await client.delete_collection(name)
    await client.close()


async def test_dense_vectors_need_a_collection_made_for_them(
    qdrant_address: str, collection: str
) -> None:
    """The server cannot add a vector to a collection, so the way out is named."""
    sparse = await Qdrant.open_sparse(qdrant_address, collection, fingerprint="sparse:1")
    await sparse.close()
    with pytest.raises(IndexMismatch, match=r"without dense vectors.*reindex"):
        await Qdrant.open_dense(qdrant_address, collection, fingerprint="d", dimensions=4)


async def test_a_server_that_is_away_is_named_and_asked_again(
    qdrant_address: str, collection: str, unused_tcp_port: int
) -> None:
    """Opening does not need it, every call says where it should be, nothing hangs."""
    address = f"127.0.0.1:{unused_tcp_port}"
    index = await Qdrant.open_dense(address, collection, fingerprint="dense:1", dimensions=4)
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match=rf"{address} does not answer.*VECTORS_URL"):
            await index.search(EAST, scope=ALL, limit=1)
        with pytest.raises(EngineUnavailable):
            await index.put([passage(0)], [EAST])
    await index.close()


async def test_a_server_killed_during_a_put_loses_nothing_it_took() -> None:
    """The put fails and says why; what it had stored is there after a start."""
    passages = [passage(n) for n in range(60 * PUT)]
    vectors = [EAST] * len(passages)
    with serve.private_folder() as kept, contextlib.ExitStack() as server:
        address = server.enter_context(serve.qdrant(kept))
        async with both(address, "killed") as (dense, sparse):
            await sparse.put(passages[:PUT], [COPPER] * PUT)
            putting = asyncio.create_task(dense.put(passages, vectors))
            while await dense.count() < PUT:
                assert not putting.done()
            server.close()  # by SIGKILL
            with pytest.raises(EngineUnavailable, match=f"{address} does not answer"):
                await putting
        with serve.qdrant(kept) as again:
            async with both(again, "killed") as (dense, sparse):
                assert PUT <= await dense.count() < len(passages)
                assert await sparse.count() == PUT
                await dense.put(passages, vectors)
                assert await dense.count() == len(passages)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
async def test_what_is_no_number_is_refused_by_name(
    qdrant_address: str, collection: str, bad: float
) -> None:
    """Nothing of the put is kept: it is looked at before any of it is sent."""
    async with both(qdrant_address, collection) as (dense, _):
        with pytest.raises(EncodingFailed, match=r"src_a\.00001"):
            await dense.put([passage(0), passage(1)], [EAST, np.array([bad, 0, 0, 0], np.float32)])
        assert await dense.count() == 0


async def test_a_tie_longer_than_is_followed_still_answers(
    qdrant_address: str, collection: str
) -> None:
    """Beyond DEEPEST equals the order is the engine's, and the number asked for comes."""
    async with both(qdrant_address, collection) as (_, sparse):
        passages = [passage(n) for n in range(200)]
        await sparse.put(passages, [COPPER] * len(passages))
        found = await sparse.search(COPPER, scope=ALL, limit=DEEPEST + 1)
        assert await ids(found) == [one.id for one in passages]
