"""Served engines that stall, hang up, answer nonsense or die in the middle of a change."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from opensearchpy import AsyncOpenSearch
from qdrant_client import AsyncQdrantClient
from sqlalchemy import select

from backend.app import create_app
from backend.settings import Settings
from backend.store import outbox
from backend.store.tables import passages
from backend.wiring import Services, open_services
from backend.wiring.served import erase_served
from retrieval.model import Passage
from retrieval.stores import opensearch
from tests.servers.faults import (
    CUT,
    FAULTS,
    HALF_HEARD,
    HALF_SAID,
    LATE,
    STALL,
    UNHEARD,
    Faults,
    faulty,
)

TEXT = "\n\n".join(
    f"# Port {n}\n\nFreight to Port {n} rose {n} %. " + "Acme Freight shipped more. " * 30
    for n in range(40)
)


def passage(text: str) -> Passage:
    return Passage("src_1.v.00000", "local", "s", "src_1", "v", 0, text, 0, len(text))


@dataclass(frozen=True)
class Product:
    """The application over engines that lie behind proxies."""

    services: Services
    client: httpx.AsyncClient
    space: str
    name: str
    words: Faults
    vectors: Faults
    addresses: tuple[str, str]

    async def search(self, q: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/spaces/{self.space}/search", params={"q": q})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def add(self, text: str, name: str = "Freight.md") -> str:
        sent = await self.client.post(
            f"/api/spaces/{self.space}/sources", files={"file": (name, text.encode())}
        )
        assert sent.is_success, sent.text
        return str(sent.json()["id"])

    async def idle(self) -> None:
        async with asyncio.timeout(90):
            while await self.services.outbox.waiting():
                await asyncio.sleep(0.05)

    async def held(self) -> tuple[set[str], set[str], set[str]]:
        """The passages in the database, in OpenSearch and in Qdrant, seen past the proxies."""
        rows = await self.services.store.rows(select(passages.c.id))
        stored = {row.id for row in rows}
        words, vectors = self.addresses
        host, _, port = words.rpartition(":")
        async with AsyncOpenSearch(hosts=[{"host": host, "port": int(port)}]) as direct:
            await direct.indices.refresh(index=self.name)
            answer = await direct.search(index=self.name, body={"size": 10_000})
        client = AsyncQdrantClient(url=f"http://{vectors}", check_compatibility=False)
        points, _ = await client.scroll(self.name, limit=10_000, with_vectors=True)
        await client.close()
        whole = {
            str((point.payload or {})["passage"])
            for point in points
            if point.vector and (point.payload or {}).get("holds_dense")
        }
        assert len(whole) == len(points), "a point without its vector"
        return stored, {hit["_id"] for hit in answer["hits"]["hits"]}, whole


@pytest.fixture
async def product(
    tmp_path: Path,
    opensearch_address: str,
    qdrant_address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Product]:
    monkeypatch.setattr(outbox, "BACKOFF", (0.1, 0.2, 0.4, 0.8))
    name = f"faults-{secrets.token_hex(6)}"
    async with AsyncExitStack() as stack:
        words = await stack.enter_async_context(faulty(opensearch_address))
        vectors = await stack.enter_async_context(faulty(qdrant_address))
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path,
            dense_url="hashing:",
            sparse_url="off:",
            sample=False,
            lexical_url=f"opensearch://{words.address}/{name}",
            vectors_url=f"qdrant://{vectors.address}/{name}",
        )
        stack.push_async_callback(erase_served, settings)
        services = await stack.enter_async_context(open_services(settings))
        stack.callback(words.heal)  # before what still waits is waited for
        stack.callback(vectors.heal)
        transport = httpx.ASGITransport(
            create_app(services), client=("127.0.0.1", 1), raise_app_exceptions=False
        )
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        )
        space = str((await client.post("/api/spaces", json={"name": "Ports"})).json()["id"])
        host, _, port = opensearch_address.rpartition(":")
        async with AsyncOpenSearch(hosts=[{"host": host, "port": int(port)}]) as direct:
            often = {"index": {"refresh_interval": "20ms"}}  # so that no put waits for long
            await direct.indices.put_settings(index=name, body=often)
        yield Product(
            services, client, space, name, words, vectors, (opensearch_address, qdrant_address)
        )


async def test_a_search_names_the_leg_whose_engine_is_ill_and_the_others_answer(
    product: Product,
) -> None:
    """Whatever the illness; and with the engine back the next search has all its legs again."""
    await product.add(TEXT)
    await product.idle()
    for ill, leg in ((product.words, "bm25"), (product.vectors, "hashing")):
        for fault in FAULTS:
            ill.befall(fault)
            found = await product.search("freight to Port 7")
            states = {one["leg"]: one for one in found["trace"]["legs"]}
            assert states[leg]["state"] == ("late" if fault == STALL else "failed"), (fault, states)
            assert states[leg]["error"], fault
            well = {"bm25", "hashing", "graph"} - {leg}
            assert all(states[other]["state"] == "ok" for other in well), (fault, states)
            assert found["hits"], fault
            assert ill.befell, fault
            ill.heal()
            found = await product.search("freight to Port 7")
            states = {one["leg"]: one for one in found["trace"]["legs"]}
            assert {one["state"] for one in states.values()} == {"ok"}, (fault, states)


async def test_a_search_without_any_engine_says_so_and_no_more(product: Product) -> None:
    """503, by each leg's own reason; quoted words, which need one engine, blame that one."""
    await product.add(TEXT)
    await product.idle()
    for fault in FAULTS:
        product.words.befall(fault)
        product.vectors.befall(fault)
        for q in ("freight to Port 7", '+"freight to" Port 7'):
            answer = await product.client.get(
                f"/api/spaces/{product.space}/search", params={"q": q}
            )
            assert answer.status_code == 503, (fault, q, answer.text)
            assert answer.json()["error"]["code"] in {"search_failed", "engine_unavailable"}
            assert answer.json()["error"]["remedy"]
        health = (await product.client.get("/api/health")).json()
        down = {port["port"] for port in health["ports"] if not port["ok"]}
        assert health["status"] == "degraded", fault
        assert {"bm25", "hashing"} <= down, fault
        product.words.heal()
        product.vectors.heal()


BULK, DELETE, POINTS = ("words", "_bulk"), ("words", "_delete_by_query"), ("vectors", "batch")
# What befalls a new source, its replacement and its end.
ROUNDS = [
    ((BULK, HALF_HEARD), (POINTS, UNHEARD), (DELETE, UNHEARD)),
    ((POINTS, HALF_HEARD), (BULK, UNHEARD), (POINTS, "500")),
    ((BULK, "429"), (DELETE, "html"), (POINTS, UNHEARD)),
    ((POINTS, "other json"), (BULK, HALF_SAID), (DELETE, "503")),
]


async def test_what_an_engine_broke_off_is_done_again_until_it_is_exactly_right(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that comes, changes and goes, each cut off somewhere: nothing more, no less."""
    monkeypatch.setattr(opensearch, "CHUNK", 16)  # several requests to a put

    def befall(what: tuple[tuple[str, str], str]) -> Faults:
        (engine, path), fault = what
        ill: Faults = getattr(product, engine)
        ill.befall(fault, at=path, times=2)
        return ill

    for number, (first, second, third) in enumerate(ROUNDS):
        ill = befall(first)
        source = await product.add(TEXT + f"\n\nDraft {number}.", f"{number}.md")
        await product.idle()
        stored, words, vectors = await product.held()
        assert words == vectors == stored, first
        assert ill.befell, first
        ill = befall(second)
        await product.add("# Port 1\n\nAll new.\n\n" + TEXT[: 9_000 * number], f"{number}.md")
        await product.idle()
        row = (await product.client.get(f"/api/sources/{source}")).json()
        assert (row["state"], row["versions"]) == ("ready", 2), (second, row["error"])
        stored, words, vectors = await product.held()
        assert words == vectors == stored, second
        assert ill.befell, second
        ill = befall(third)
        await product.client.delete(f"/api/sources/{source}")
        await product.idle()
        assert await product.held() == (set(), set(), set()), third
        assert ill.befell, third


async def test_what_waits_while_an_engine_is_away_is_done_when_it_is_back(
    product: Product,
) -> None:
    """Away for longer than all attempts: the row says so, and a retry finishes it."""
    for ill in (product.words, product.vectors):
        ill.befall(CUT)
        source = await product.add(TEXT)
        await product.idle()
        row = (await product.client.get(f"/api/sources/{source}")).json()
        assert row["state"] == "failed", row
        assert row["error"]["remedy"], row
        assert row["searchable"] is (ill is product.vectors)
        ill.heal()
        assert (await product.client.post(f"/api/sources/{source}/retry")).status_code == 202
        await product.idle()
        row = (await product.client.get(f"/api/sources/{source}")).json()
        assert row["state"] == "ready", row["error"]
        stored, words, vectors = await product.held()
        assert words == vectors == stored
        assert stored
        assert (await product.search("freight to Port 7"))["hits"]
        await product.client.delete(f"/api/sources/{source}")
        await product.idle()


async def test_a_change_that_is_given_up_is_not_overtaken_by_the_next(product: Product) -> None:
    """A put that was cancelled while the server was at it, and the drop after it: nothing stays."""
    leg = next(one.leg for one in product.services.legs if one.leg.name == "bm25")
    product.words.befall(LATE, at="_bulk", times=1)
    putting = asyncio.create_task(leg.put([passage("copper tariffs")]))
    while not product.words.befell:
        await asyncio.sleep(0.01)
    putting.cancel()

    async def drop() -> None:
        await asyncio.wait({putting})
        await leg.drop("src_1")

    dropping = asyncio.create_task(drop())
    await asyncio.wait({dropping}, timeout=0.5)  # time enough to overtake
    product.words.go_on.set()
    await product.words.passed.wait()
    await dropping
    assert putting.cancelled()
    assert await leg.count() == 0
