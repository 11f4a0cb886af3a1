"""The application over real servers: what the settings name is what a question goes through."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import httpx
import pytest
from opensearchpy import OpenSearch as Client

from backend.app import create_app
from backend.commands.reindexing import reindex
from backend.errors import Unavailable
from backend.settings import Misconfigured, Settings
from backend.sources.texts import original_key
from backend.wiring import erase_served, open_services
from retrieval.errors import WeightsError
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


async def test_a_collection_of_an_encoder_that_is_gone_is_taken_over_by_the_next_start(
    settings: Settings, qdrant_address: str
) -> None:
    """Health says that it is being rebuilt until it is; nobody has to ask for it."""
    name = f"wired-{secrets.token_hex(6)}"
    other = await Qdrant.open_dense(qdrant_address, name, fingerprint="old", dimensions=8)
    await other.close()
    served = settings.model_copy(update={"vectors_url": f"qdrant://{qdrant_address}/{name}"})
    try:
        async with open_services(served) as services:
            (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
            with pytest.raises(Unavailable, match="rebuilding 0 of 0"):
                await port.check()
            async with asyncio.timeout(30):
                while (await services.rebuilding.told()).running:
                    await asyncio.sleep(0.02)
            assert await port.check() == "0 passages"
    finally:
        await erase_served(served)


async def test_words_and_sparse_vectors_on_an_opensearch_server(
    settings: Settings, opensearch_address: str, models_dir: Path
) -> None:
    """Both legs on one server, each an index of its own; and made anew by reindex."""
    url = f"opensearch://{opensearch_address}/wired-{secrets.token_hex(6)}"
    served = settings.model_copy(
        update={
            "lexical_url": url,
            "sparse_url": "inference-free:granite-embedding-30m-english",
            "sparse_vectors_url": url,
            "models_dir": models_dir,
        }
    )
    try:
        for _ in range(2):
            async with open_services(served) as services:
                legs = {leg.setting: leg.leg for leg in services.legs}
                for setting in ("LEXICAL_URL", "SPARSE_URL"):
                    assert await legs[setting].count() == 0
                    await legs[setting].put([passage("copper tariffs")])
                    run = await legs[setting].search(Query("copper"), scope=ALL, limit=3)
                    assert [line.passage for line in run.ranked] == ["src_1.v.00000"]
                assert "opensearch" in {port.implementation for port in services.ports}
            assert await reindex(served, lambda line: None) == 0
    finally:
        await erase_served(served)


async def test_opensearch_is_not_offered_for_dense_vectors(settings: Settings) -> None:
    wrong = settings.model_copy(update={"vectors_url": "opensearch://here/passages"})
    with pytest.raises(Misconfigured, match=r"VECTORS_URL=opensearch.*qdrant-edge:, qdrant:$"):
        async with open_services(wrong):
            pass


async def test_files_in_an_s3_bucket(settings: Settings, s3_url: str) -> None:
    """A source goes in and is read; its bytes come back from the bucket, and go with it."""
    url = s3_url.format(bucket=f"wired-{secrets.token_hex(6)}")
    async with open_services(settings.model_copy(update={"blobs_url": url})) as services:
        transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
            added = await client.post(
                f"/api/spaces/{space}/sources",
                files={"file": ("market.md", b"# Market\n\nIt grew 12.1 % in 2025.\n")},
            )
            source = f"/api/sources/{added.json()['id']}"
            await services.worker.drain()
            ready = (await client.get(source)).json()
            assert ready["state"] == "ready", ready["error"]
            version = f"{source}/versions/{ready['version']['hash']}"
            assert (await client.get(f"{version}/file")).content.endswith(b"2025.\n")
            read = (await client.get(f"{version}/reader", params={"start": 0, "end": 8})).json()
            assert any("12.1" in segment["text"] for segment in read["segments"])
            (port,) = (port for port in services.ports if port.setting == "BLOBS_URL")
            assert await port.check() == "answers"
            assert (settings.data_dir / "blobs").exists() is False
            key = original_key("local", ready["version"]["hash"])
            assert await services.blobs.exists(key)
            await client.delete(source)
            await services.worker.drain()
            assert not await services.blobs.exists(key)


async def test_a_bucket_without_keys_is_told_how_to_write_them(settings: Settings) -> None:
    wrong = settings.model_copy(update={"blobs_url": "s3://bucket?endpoint=here:9000"})
    with pytest.raises(Misconfigured, match="s3://KEY:SECRET@BUCKET"):
        async with open_services(wrong):
            pass


async def test_a_splade_folder_without_weights_leaves_its_leg_out(settings: Settings) -> None:
    """Named by health with the folder, and the other legs serve."""
    wrong = settings.model_copy(update={"sparse_url": f"splade:{settings.data_dir}/none"})
    async with open_services(wrong) as services:
        (port,) = (port for port in services.ports if port.setting == "SPARSE_URL")
        with pytest.raises(WeightsError, match=r"^none holds no weights"):
            await port.check()


async def test_a_scheme_nobody_serves_is_told_what_there_is(settings: Settings) -> None:
    wrong = settings.model_copy(update={"vectors_url": "milvus://here"})
    with pytest.raises(Misconfigured, match=r"VECTORS_URL=milvus.*qdrant-edge:, qdrant:"):
        async with open_services(wrong):
            pass


async def test_words_on_opensearch_are_built_beside_what_serves_and_switched(
    settings: Settings, opensearch_address: str
) -> None:
    """Searches find all of them before, during and after; one index is left behind the name."""
    name = f"wired-{secrets.token_hex(6)}"
    url = f"opensearch://{opensearch_address}/{name}"
    served = settings.model_copy(update={"lexical_url": url})
    host, _, port = opensearch_address.partition(":")
    try:
        async with open_services(served) as services:
            transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                space = (await client.post("/api/spaces", json={"name": "P"})).json()["id"]
                for number in range(3):
                    await client.post(
                        f"/api/spaces/{space}/sources/paste",
                        json={
                            "title": f"Mine {number}",
                            "text": f"Copper of mine {number}.",
                            "format": "text",
                        },
                    )
                await services.worker.drain()
                words = services.legs[0].leg
                scope = Scope("local", frozenset({space}))

                async def found() -> int:
                    return len((await words.search(Query("copper"), scope=scope, limit=9)).ranked)

                for _ in range(2):
                    assert (await client.post("/api/rebuild")).status_code == 202
                    while (await client.get("/api/rebuild")).json()["running"]:
                        assert await found() == 3
                    assert (await client.get("/api/rebuild")).json()["error"] is None
                    assert await found() == 3
        with Client(hosts=[{"host": host, "port": int(port)}]) as server:
            (index,) = server.indices.get(index=f"{name}*")
            assert index.startswith(f"{name}-g2-")
            assert set(server.indices.get_alias(index=index)[index]["aliases"]) == {
                name,
                f"{name}-g2",
            }
        async with open_services(served) as services:
            assert await services.legs[0].leg.count() == 3
    finally:
        await erase_served(served)
