"""Indexes on a real Qdrant, and on a NebulaGraph's stand-in, built anew beside those that serve."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from backend import rebuilding
from backend.app import create_app
from backend.settings import Settings
from backend.wiring import Services, erase_served, open_services
from retrieval.encoders.hashing import HashingEncoder
from retrieval.graph import leg as graph_leg
from retrieval.model import Side
from retrieval.rebuild import Standing
from tests.nebula.engine import Space
from tests.nebula.serve import stand_in

ROOT = Path(__file__).parents[2]
Before = Callable[[Sequence[str]], Awaitable[None]]


def encoder_of(
    dimensions: int, monkeypatch: pytest.MonkeyPatch, before: Before | None = None
) -> None:
    """From here on the settings name this encoder; ``before`` it reads passages."""
    begin, encode = HashingEncoder.__init__, HashingEncoder.encode

    async def encoded(
        self: HashingEncoder, texts: Sequence[str], *, side: Side
    ) -> NDArray[np.float32]:
        if before is not None and side is Side.PASSAGE and self.dimensions == dimensions:
            await before(texts)
        return await encode(self, texts, side=side)

    monkeypatch.setattr(
        HashingEncoder, "__init__", lambda self, given=dimensions: begin(self, given)
    )
    monkeypatch.setattr(HashingEncoder, "encode", encoded)
    monkeypatch.setattr(rebuilding, "BATCH", 2)


class Gate:
    """Lets so many passages be read, and no more until it is opened."""

    def __init__(self, passages: int) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self.read: list[str] = []
        self._most = passages

    async def __call__(self, texts: Sequence[str]) -> None:
        self.read.extend(texts)
        if len(self.read) >= self._most:
            self.reached.set()
            await self.opened.wait()


@pytest.fixture
async def settings(
    tmp_path: Path, qdrant_address: str, models_dir: Path
) -> AsyncIterator[Settings]:
    """Both vector legs in one collection of its own on the server; no graph."""
    made = Settings(
        _env_file=None,
        data_dir=tmp_path / "var",
        models_dir=models_dir,
        dense_url="hashing:",
        sparse_url="inference-free:granite-embedding-30m-english",
        vectors_url=f"qdrant://{qdrant_address}/wired-{secrets.token_hex(6)}",
        graph_url="off:",
        model_url="extractive:",
        sample=False,
    )
    yield made
    await erase_served(made)


def name_of(settings: Settings) -> str:
    return settings.url("VECTORS_URL").path.strip("/")


def speaking_to(services: Services) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def paste(client: httpx.AsyncClient, space: str, number: int) -> str:
    """A source of one passage about copper."""
    answer = await client.post(
        f"/api/spaces/{space}/sources/paste",
        json={"title": f"Mine {number}", "text": f"Copper of mine {number}.", "format": "text"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def filled(settings: Settings, sources: int) -> tuple[str, list[str]]:
    async with open_services(settings) as services, speaking_to(services) as client:
        space = (await client.post("/api/spaces", json={"name": "Mines"})).json()["id"]
        made = [await paste(client, space, number) for number in range(sources)]
        await services.worker.drain()
        return space, made


async def ended(services: Services) -> None:
    async with asyncio.timeout(60):
        while (await services.rebuilding.told()).running or await services.outbox.waiting():
            await asyncio.sleep(0.02)
    assert (await services.rebuilding.told()).error is None


async def legs_of(client: httpx.AsyncClient, space: str) -> dict[str, tuple[str, int]]:
    answer = await client.get(f"/api/spaces/{space}/search", params={"q": "copper", "limit": 9})
    assert answer.status_code == 200, answer.text
    return {leg["leg"]: (leg["state"], leg["found"]) for leg in answer.json()["trace"]["legs"]}


async def lying(settings: Settings) -> dict[str, list[str]]:
    """The collections of ours, without their common name, each with the aliases that lead to it."""
    name = name_of(settings)
    url = settings.url("VECTORS_URL")
    client = AsyncQdrantClient(url=f"http://{url.host}:{url.port}", check_compatibility=False)
    try:
        aliases = (await client.get_aliases()).aliases
        held = [one.name for one in (await client.get_collections()).collections]
        return {
            one.removeprefix(name): sorted(
                alias.alias_name.removeprefix(name)
                for alias in aliases
                if alias.collection_name == one
            )
            for one in sorted(held)
            if one.startswith(name)
        }
    finally:
        await client.close()


async def test_one_leg_goes_to_a_collection_of_its_own_and_all_legs_go_on_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches find all meanwhile; what comes and goes does so in both; nothing is left over."""
    space, made = await filled(settings, 4)
    assert await lying(settings) == {"": ["-dense", "-sparse"]}
    gate = Gate(2)
    encoder_of(32, monkeypatch, gate)
    async with open_services(settings) as services, speaking_to(services) as client:
        await asyncio.wait_for(gate.reached.wait(), 30)
        found = await legs_of(client, space)
        assert {leg: found[leg] for leg in ("hashing", "sparse")} == {
            "hashing": ("ok", 4),
            "sparse": ("ok", 4),
        }
        assert await lying(settings) == {"": ["-dense", "-sparse"], "-g1": []}
        assert (await client.delete(f"/api/sources/{made[0]}")).status_code == 200
        await paste(client, space, 8)
        await paste(client, space, 9)
        gate.opened.set()
        await ended(services)
        assert await lying(settings) == {"": ["-sparse"], "-g1": ["-dense"]}
        assert {await leg.leg.count() for leg in services.legs} == {5}

        assert (await client.post("/api/rebuild")).status_code == 202
        while (await services.rebuilding.told()).running:
            assert (await legs_of(client, space))["hashing"] == ("ok", 5)
        await ended(services)
        assert await lying(settings) == {"-g2": ["-dense", "-sparse"]}
    async with open_services(settings) as services:
        assert {await leg.leg.count() for leg in services.legs} == {5}


async def test_what_a_leg_left_behind_has_gone_from_the_collection_that_another_still_serves_from(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one dense vector lies there any more, and its every point has a sparse one."""
    await filled(settings, 3)
    encoder_of(32, monkeypatch)
    async with open_services(settings) as services:
        await ended(services)
    url, name = settings.url("VECTORS_URL"), name_of(settings)
    client = AsyncQdrantClient(url=f"http://{url.host}:{url.port}", check_compatibility=False)
    try:
        dense = models.Filter(must=[models.HasVectorCondition(has_vector="dense")])
        async with asyncio.timeout(30):  # the server takes them away in its own time
            while (await client.count(name, count_filter=dense)).count:
                await asyncio.sleep(0.02)
        assert (await client.count(name)).count == 3
        assert "dense" not in ((await client.get_collection(name)).config.metadata or {})
    finally:
        await client.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from backend import rebuilding
from backend.settings import Settings
from backend.wiring import open_services
from retrieval.encoders.hashing import HashingEncoder
from retrieval.model import Side

begin, encode, read = HashingEncoder.__init__, HashingEncoder.encode, []

async def encoded(self, texts, *, side):
    if side is Side.PASSAGE and self.dimensions == 32:
        read.extend(texts)
        if len(read) > 6:
            os.kill(os.getpid(), signal.SIGKILL)
    return await encode(self, texts, side=side)

HashingEncoder.__init__ = lambda self, dimensions=32: begin(self, dimensions)
HashingEncoder.encode = encoded
rebuilding.BATCH = 2

async def main():
    async with open_services(Settings.model_validate_json(sys.stdin.read())):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_rebuild_that_was_killed_goes_on_in_the_collection_it_began(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the batch that was being read is read again."""
    await filled(settings, 10)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED],
        input=settings.model_dump_json().encode(),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert await lying(settings) == {"": ["-dense", "-sparse"], "-g1": []}
    gate = Gate(100)
    encoder_of(32, monkeypatch, gate)
    async with open_services(settings) as services:
        await ended(services)
        assert len(gate.read) == 4
        assert {await leg.leg.count() for leg in services.legs} == {10}
    assert await lying(settings) == {"": ["-sparse"], "-g1": ["-dense"]}


async def test_an_encoder_changed_again_half_way_begins_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both legs' half-built vectors, of other dimensions, go; every passage is read again."""
    space, _ = await filled(settings, 4)
    gate = Gate(2)
    with pytest.MonkeyPatch.context() as patch:
        encoder_of(32, patch, gate)
        async with open_services(settings) as services, speaking_to(services) as client:
            await client.post("/api/rebuild")
            await asyncio.wait_for(gate.reached.wait(), 30)
    last = Gate(100)
    encoder_of(16, monkeypatch, last)
    async with open_services(settings) as services, speaking_to(services) as client:
        await ended(services)
        assert len(last.read) == 4
        assert (await legs_of(client, space))["hashing"] == ("ok", 4)
        assert {await leg.leg.count() for leg in services.legs} == {4}
    assert len(await lying(settings)) <= 2


async def test_a_leg_gets_past_a_half_built_collection_that_it_cannot_have(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sparse vectors of a rebuild that was cut off lie there, and that leg is off now."""
    space, _ = await filled(settings, 4)
    gate = Gate(2)
    with pytest.MonkeyPatch.context() as patch:
        encoder_of(HashingEncoder().dimensions, patch, gate)
        async with open_services(settings) as services, speaking_to(services) as client:
            await client.post("/api/rebuild")
            await asyncio.wait_for(gate.reached.wait(), 30)
    encoder_of(16, monkeypatch)
    alone = settings.model_copy(update={"sparse_url": "off:"})
    async with open_services(alone) as services, speaking_to(services) as client:
        await ended(services)
        assert (await legs_of(client, space))["hashing"] == ("ok", 4)
    assert (await lying(settings))["-g2"] == ["-dense"]


async def test_a_stop_between_two_switches_in_one_collection_is_gone_on_with(
    settings: Settings,
) -> None:
    """One leg serves from the new, the other from the old; the next start ends it."""
    space, _ = await filled(settings, 3)
    switch = Standing.switch

    async def wait_at_sparse(self: Standing) -> object:
        if self.name == "sparse":
            await asyncio.Event().wait()
        return await switch(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Standing, "switch", wait_at_sparse)
        async with open_services(settings) as services, speaking_to(services) as client:
            await client.post("/api/rebuild")
            async with asyncio.timeout(30):
                while await lying(settings) != {"": ["-sparse"], "-g1": ["-dense"]}:
                    await asyncio.sleep(0.02)
            found = await legs_of(client, space)
            assert (found["hashing"], found["sparse"]) == (("ok", 3), ("ok", 3))
    async with open_services(settings) as services, speaking_to(services) as client:
        await paste(client, space, 7)
        await ended(services)
        assert {await leg.leg.count() for leg in services.legs} == {4}
    assert await lying(settings) == {"-g1": ["-dense", "-sparse"]}


async def test_a_leg_that_joins_later_gets_the_collection_it_needs(settings: Settings) -> None:
    """Dense vectors are switched on over a collection that was made for sparse ones alone."""
    without = settings.model_copy(update={"dense_url": "off:"})
    await filled(without, 3)
    assert await lying(settings) == {"": ["-sparse"]}
    async with open_services(settings) as services:
        await ended(services)
        assert {await leg.leg.count() for leg in services.legs} == {3}
    assert await lying(settings) == {"": ["-sparse"], "-g1": ["-dense"]}


async def test_a_graph_of_another_extraction_answers_until_its_successor_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the stand-in: a space beside the old one, as often copied; then the old one goes."""
    with stand_in() as server:
        server.engine.hosts = 3
        server.engine.spaces["ours"] = Space(30, 3, 32, 0)  # as an operator made it
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path,
            dense_url="off:",
            sparse_url="off:",
            model_url="extractive:",
            graph_url=f"nebula://root:nebula@{server.address}/ours",
            sample=False,
        )
        async with open_services(settings) as services, speaking_to(services) as client:
            space = (await client.post("/api/spaces", json={"name": "P"})).json()["id"]
            for title in ("Ada Lovelace", "Charles Babbage"):
                await client.post(
                    f"/api/spaces/{space}/sources/paste",
                    json={"title": title, "text": f"{title} met Mary.", "format": "text"},
                )
            await services.worker.drain()
        half, go_on = asyncio.Event(), asyncio.Event()
        put = graph_leg.GraphLeg.put

        async def held(self: graph_leg.GraphLeg, passages: Sequence[object]) -> None:
            half.set()
            await go_on.wait()
            await put(self, passages)  # type: ignore[arg-type]

        monkeypatch.setattr(graph_leg, "FINGERPRINT", "another")
        monkeypatch.setattr(graph_leg.GraphLeg, "put", held)
        async with open_services(settings) as services, speaking_to(services) as client:
            await asyncio.wait_for(half.wait(), 30)
            assert set(server.engine.spaces) == {"ours", "ours_g1"}
            answer = await client.get(f"/api/spaces/{space}/search", params={"q": "Ada Lovelace"})
            assert {leg["leg"]: leg["state"] for leg in answer.json()["trace"]["legs"]} == {
                "bm25": "ok",
                "graph": "ok",
            }
            go_on.set()
            await ended(services)
            assert {await leg.leg.count() for leg in services.legs} == {2}
        (name, made), *others = server.engine.spaces.items()
        assert (name, made.partitions, made.replicas, others) == ("ours_g1", 30, 3, [])
        async with open_services(settings) as services:
            assert not (await services.rebuilding.told()).running
            assert {await leg.leg.count() for leg in services.legs} == {2}
            await services.rebuilding.ask()
            await ended(services)
        assert set(server.engine.spaces) == {"ours_g2"}
        await erase_served(settings)
        assert not server.engine.spaces
