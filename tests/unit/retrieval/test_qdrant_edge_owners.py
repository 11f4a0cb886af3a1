"""The embedded vector index leaves its scope filter out only where it holds for every point."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
