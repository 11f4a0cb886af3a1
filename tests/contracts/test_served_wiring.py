"""The application over real servers: what the settings name is what a question goes through."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from backend.commands.reindexing import reindex
from backend.settings import Misconfigured, Settings
from backend.wiring import erase_served, open_services
from retrieval.model import Passage, Query, Scope
from retrieval.stores.qdrant import Qdrant

ALL = Scope("local", frozenset({"s"}))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None, data_dir=tmp_path, dense_url="hashing:", sparse_url="off:", sample=False
    )


def passage(text: str) -> Passage:
    return Passage("src_1.v.00000", "local", "s", "src_1", "v", 0, text, 0, len(text))


async def test_vectors_on_a_qdrant_server(settings: Settings, qdrant_address: str) -> None:
    """Opened, fed, searched, named by health, refused to another encoder, and made anew."""
    url = f"qdrant://{qdrant_address}/wired-{secrets.token_hex(6)}"
    served = settings.model_copy(update={"vectors_url": url})
    try:
        async with open_services(served) as services:
            (dense,) = (leg.leg for leg in services.legs if leg.setting == "DENSE_URL")
            await dense.put([passage("copper tariffs")])
            (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
            assert await port.check() == "1 passages"
        async with open_services(served) as services:
            (dense,) = (leg.leg for leg in services.legs if leg.setting == "DENSE_URL")
            run = await dense.search(Query("copper"), scope=ALL, limit=3)
            assert [line.passage for line in run.ranked] == ["src_1.v.00000"]
        assert await reindex(served, lambda line: None) == 0  # the database holds no passage
        async with open_services(served) as services:
            (dense,) = (leg.leg for leg in services.legs if leg.setting == "DENSE_URL")
            assert await dense.count() == 0
    finally:
        await erase_served(served)


async def test_reindex_takes_a_collection_over_from_another_encoder(
    settings: Settings, qdrant_address: str
) -> None:
    """The mismatch names reindex, and reindex is indeed the way out."""
    name = f"wired-{secrets.token_hex(6)}"
    other = await Qdrant.open_dense(qdrant_address, name, fingerprint="old", dimensions=8)
    await other.close()
    served = settings.model_copy(update={"vectors_url": f"qdrant://{qdrant_address}/{name}"})
    try:
        async with open_services(served) as services:
            (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
            with pytest.raises(Exception, match="stratmaster reindex"):
                await port.check()
        await reindex(served, lambda line: None)
        async with open_services(served) as services:
            (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
            assert await port.check() == "0 passages"
    finally:
        await erase_served(served)


async def test_a_scheme_nobody_serves_is_told_what_there_is(settings: Settings) -> None:
    wrong = settings.model_copy(update={"vectors_url": "milvus://here"})
    with pytest.raises(Misconfigured, match=r"VECTORS_URL=milvus.*qdrant-edge:, qdrant:"):
        async with open_services(wrong):
            pass
