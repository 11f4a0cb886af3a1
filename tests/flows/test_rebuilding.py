"""Indexes built anew while the product serves: nothing is missed, nothing done twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from backend import rebuilding
from backend.app import create_app
from backend.commands.reindexing import reindex
from backend.rebuilding import Rebuilding
from backend.settings import Settings
from backend.store.outbox import JobState
from backend.store.tables import jobs
from backend.wiring import Services, open_services
from retrieval.encoders.hashing import HashingEncoder
from retrieval.errors import EngineUnavailable
from retrieval.model import Passage, Side
from retrieval.rebuild import StandingGraph
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.tantivy import Tantivy
from retrieval.weights import Manifest

ROOT = Path(__file__).parents[2]
Encode = Callable[[HashingEncoder, Sequence[str]], Awaitable[None]]


def another_encoder(monkeypatch: pytest.MonkeyPatch, before: Encode | None = None) -> None:
    """From here on the settings name an encoder of 32 dimensions; ``before`` it reads passages."""
    begin, encode = HashingEncoder.__init__, HashingEncoder.encode

    async def encoded(
        self: HashingEncoder, texts: Sequence[str], *, side: Side
    ) -> NDArray[np.float32]:
        if before is not None and side is Side.PASSAGE and self.dimensions == 32:
            await before(self, texts)
        return await encode(self, texts, side=side)

    monkeypatch.setattr(
        HashingEncoder, "__init__", lambda self, dimensions=32: begin(self, dimensions)
    )
    monkeypatch.setattr(HashingEncoder, "encode", encoded)
    monkeypatch.setattr(rebuilding, "BATCH", 2)


def speaking_to(services: Services) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def paste(client: httpx.AsyncClient, space: str, number: int) -> str:
    """A source of two passages about copper."""
    text = f"# First {number}\n\nCopper of mine {number}.\n\n# Then {number}\n\nIts copper fell.\n"
    answer = await client.post(
        f"/api/spaces/{space}/sources/paste",
        json={"title": f"Mine {number}", "text": text, "format": "markdown"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def filled(settings: Settings, sources: int) -> tuple[str, list[str]]:
    """A space with so many sources, each known to every leg."""
    async with open_services(settings) as services, speaking_to(services) as client:
        space = (await client.post("/api/spaces", json={"name": "Mines"})).json()["id"]
        made = [await paste(client, space, number) for number in range(sources)]
        await services.worker.drain()
        return space, made


async def ended(services: Services) -> None:
    async with asyncio.timeout(60):
        while (await services.rebuilding.told()).running or await services.outbox.waiting():
            await asyncio.sleep(0.02)


async def legs_of(client: httpx.AsyncClient, space: str) -> dict[str, dict[str, object]]:
    """Each leg's part in one search."""
    answer = await client.get(f"/api/spaces/{space}/search", params={"q": "copper", "limit": 8})
    assert answer.status_code == 200, answer.text
    return {leg["leg"]: leg for leg in answer.json()["trace"]["legs"]}


def made_by(settings: Settings) -> list[str]:
    """What made the dense generations that lie there."""
    folder = settings.data_dir / "vectors"
    return sorted(
        json.loads(path.read_text())["encoder"] for path in folder.glob("dense*/manifest.json")
    )


async def test_another_encoder_takes_over_while_searches_run_and_sources_come_and_go(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No leg fails or finds less meanwhile; what was added is in the new index, the rest is not."""
    space, made = await filled(settings, 4)
    half, go_on = asyncio.Event(), asyncio.Event()
    read: list[str] = []

    async def before(encoder: HashingEncoder, texts: Sequence[str]) -> None:
        read.extend(texts)
        if len(read) >= 4:
            half.set()
            await go_on.wait()

    another_encoder(monkeypatch, before)
    async with open_services(settings) as services, speaking_to(services) as client:
        await asyncio.wait_for(half.wait(), 30)
        assert made_by(settings) == ["hashing:32", "hashing:64"]
        found = await legs_of(client, space)
        assert [(leg["state"], leg["found"]) for leg in found.values()] == [("ok", 8)] * 3
        (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
        assert await port.check() == "8 passages; rebuilding 2 of 8"

        over = asyncio.Event()

        async def search() -> int:
            searches = 0
            while not over.is_set():
                for leg in (await legs_of(client, space)).values():
                    assert leg["state"] == "ok", leg
                    assert isinstance(leg["found"], int)
                    assert leg["found"] >= 6, leg  # without the source that is deleted
                searches += 1
            return searches

        searching = asyncio.create_task(search())
        assert (await client.delete(f"/api/sources/{made[0]}")).status_code == 200
        added = await paste(client, space, 9)
        go_on.set()
        await ended(services)
        over.set()
        assert await searching > 0
        after = await services.rebuilding.told()
        assert (after.running, after.legs, after.error) == (False, ["hashing"], None)
        assert {await leg.leg.count() for leg in services.legs} == {8}
        state = (await client.get(f"/api/sources/{added}")).json()["state"]
        assert state == "ready"
        assert made_by(settings) == ["hashing:32"]
    async with open_services(settings) as services:
        assert {await leg.leg.count() for leg in services.legs} == {8}
        assert not await services.store.rows(
            select(jobs).where(jobs.c.kind == rebuilding.REBUILD, jobs.c.state != JobState.DONE)
        )


async def test_where_what_made_an_index_is_gone_the_other_legs_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trace says how far the one is that is being built."""
    space, _ = await filled(settings, 4)
    described = settings.data_dir / "vectors" / "dense" / "manifest.json"
    content = json.loads(described.read_text())
    described.write_text(json.dumps({**content, "encoder": "lost:1"}))
    half, go_on = asyncio.Event(), asyncio.Event()
    read: list[str] = []

    async def before(encoder: HashingEncoder, texts: Sequence[str]) -> None:
        read.extend(texts)
        if len(read) >= 4:
            half.set()
            await go_on.wait()

    another_encoder(monkeypatch, before)
    async with open_services(settings) as services, speaking_to(services) as client:
        await asyncio.wait_for(half.wait(), 30)
        found = await legs_of(client, space)
        assert found["hashing"]["state"] == "failed"
        assert found["hashing"]["error"] == "being rebuilt, 25 %"
        assert found["bm25"]["found"] == 8
        (port,) = (port for port in services.ports if port.setting == "DENSE_URL")
        with pytest.raises(Exception, match="rebuilding 2 of 8"):
            await port.check()
        go_on.set()
        await ended(services)
        assert (await legs_of(client, space))["hashing"]["found"] == 8


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
        if len(read) > 12:
            os.kill(os.getpid(), signal.SIGKILL)
    return await encode(self, texts, side=side)

HashingEncoder.__init__ = lambda self, dimensions=32: begin(self, dimensions)
HashingEncoder.encode = encoded
rebuilding.BATCH = 2

async def main():
    settings = Settings(_env_file=None, data_dir=Path(sys.argv[1]), dense_url="hashing:",
        sparse_url="off:", model_url="extractive:", sample=False)
    async with open_services(settings):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start reads at most one batch over again, of what the dead one had read."""
    await filled(settings, 10)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, str(settings.data_dir)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    read: list[str] = []

    async def before(encoder: HashingEncoder, texts: Sequence[str]) -> None:
        read.extend(texts)

    another_encoder(monkeypatch, before)
    async with open_services(settings) as services:
        assert (await services.rebuilding.told()).notes == ["taken up at 12 of 20 passages"]
        await ended(services)
        assert await services.legs[1].leg.count() == 20
    assert len(read) == 8
    assert made_by(settings) == ["hashing:32"]


async def test_an_index_that_cannot_say_what_it_holds_is_let_go_and_opened_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start goes on without it, and the job ends what was cut off."""
    await filled(settings, 4)
    half = asyncio.Event()

    async def held(encoder: HashingEncoder, texts: Sequence[str]) -> None:
        if half.is_set():
            await asyncio.Event().wait()
        half.set()

    with pytest.MonkeyPatch.context() as patch:
        another_encoder(patch, held)
        async with open_services(settings) as services:
            async with asyncio.timeout(30):
                while (await services.rebuilding.told()).done < 2:
                    await asyncio.sleep(0.01)
    another_encoder(monkeypatch)
    count, close = QdrantEdge.count, QdrantEdge.close
    failed: list[QdrantEdge] = []
    closed: list[QdrantEdge] = []

    def closing(index: QdrantEdge) -> None:
        closed.append(index)
        close(index)

    async def fails_once(index: QdrantEdge) -> int:
        if not failed:
            failed.append(index)
            raise EngineUnavailable("not now")
        return await count(index)

    monkeypatch.setattr(QdrantEdge, "count", fails_once)
    monkeypatch.setattr(QdrantEdge, "close", closing)
    async with open_services(settings) as services:
        assert failed
        assert closed == failed
        await ended(services)
        assert {await leg.leg.count() for leg in services.legs} == {8}


async def test_a_start_goes_on_where_nobody_says_what_serves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leg of another encoder stays as it is, all answer, and the next start rebuilds it."""
    space, _ = await filled(settings, 2)
    another_encoder(monkeypatch)
    with pytest.MonkeyPatch.context() as patch:
        fails = AsyncMock(side_effect=EngineUnavailable("not now"))
        patch.setattr(Rebuilding, "_next", fails)
        async with open_services(settings) as services, speaking_to(services) as client:
            assert fails.await_count == 1
            assert not (await services.rebuilding.told()).running
            assert {leg["state"] for leg in (await legs_of(client, space)).values()} == {"ok"}
    async with open_services(settings) as services:
        await ended(services)
        assert services.rebuilding.fed == 4


async def test_a_server_is_asked_and_tells_how_it_goes(
    settings: Settings,
) -> None:
    """All legs, over HTTP; whoever listens in a space hears of it; two calls are one rebuild."""
    space, _ = await filled(settings, 2)
    async with open_services(settings) as services, speaking_to(services) as client:
        with services.hub.listening(space) as heard:
            first = await client.post("/api/rebuild")
            assert first.status_code == 202, first.text
            assert first.json()["running"]
            await client.post("/api/rebuild")
            await ended(services)
            event = await asyncio.wait_for(heard.next(), 5)
        assert event is not None
        assert event.name == "rebuild"
        told = (await client.get("/api/rebuild")).json()
        assert (told["running"], told["done"], told["total"]) == (False, 4, 4)
        assert told["legs"] == ["bm25", "hashing", "graph"]
        assert len(await services.store.rows(select(jobs).where(jobs.c.kind == "rebuild"))) == 1
        assert {await leg.leg.count() for leg in services.legs} == {4}


async def test_a_restored_store_takes_nothing_from_what_was_begun_with_another(
    settings: Settings,
) -> None:
    """What is begun anew feeds every passage, though a half of them was said to be fed."""
    await filled(settings, 3)
    quiet = settings.model_copy(update={"jobs_workers": 0})
    async with open_services(quiet) as services:
        await services.rebuilding.ask()
        state = await services.rebuilding._read()
        assert state is not None
        async with services.store.writing() as connection:
            await services.rebuilding._write(
                connection, type(state)(state.generations, False, "src_9", 4, 6)
            )
    assert await reindex(settings, lambda line: None, anew=True) == 6
    async with open_services(quiet) as services:
        assert {await leg.leg.count() for leg in services.legs} == {6}


async def test_weights_by_another_name_rebuild_nothing(settings: Settings) -> None:
    """Nor does an index that names them as it was done before: it is opened as it is."""
    weights = Manifest(
        name="first", model="m", revision="1", licence="l", package="p", pack_sha256="0",
        conversion=1, dimensions=8, pooling="cls", normalised=True, max_length=64,
        query_prefix="", passage_prefix="", files={"model.onnx": "1" * 64},
    )  # fmt: skip
    earlier = sha256(json.dumps(asdict(weights), sort_keys=True).encode()).hexdigest()[:16]
    models = settings.data_dir.with_name("models")
    for written in (weights.fingerprint, f"first:{earlier}"):
        data = settings.data_dir.with_name(written.replace(":", "-"))
        index = await asyncio.to_thread(
            lambda data=data, written=written: QdrantEdge.open_dense(
                data / "vectors" / "dense", fingerprint=written, dimensions=8
            )
        )
        passage = Passage("src_1.v.00000", "local", "s", "src_1", "v", 0, "copper", 0, 6)
        await index.put([passage], [np.full(8, 8**-0.5, np.float32)])
        await asyncio.to_thread(index.close)
        folder = models / "alias"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps({**asdict(weights), "name": "alias"}))
        named = settings.model_copy(
            update={"data_dir": data, "models_dir": models, "dense_url": "onnx:alias"}
        )
        async with open_services(named) as services:
            (dense,) = (leg for leg in services.legs if leg.setting == "DENSE_URL")
            assert await dense.leg.count() == 1
            assert not dense.standing.outdated
            assert not (await services.rebuilding.told()).running
        assert not list((data / "vectors").glob("dense.*"))


async def test_a_stop_between_two_switches_leaves_both_answering_and_ends_with_the_next_start(
    settings: Settings,
) -> None:
    """The leg that was switched is not built again; what comes meanwhile is in every index."""
    space, _ = await filled(settings, 3)
    switched = settings.data_dir / "lexical.current"

    async def wait(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StandingGraph, "switch", wait)
        async with open_services(settings) as services, speaking_to(services) as client:
            await client.post("/api/rebuild")
            async with asyncio.timeout(30):
                while not switched.exists():
                    await asyncio.sleep(0.02)
            assert {leg["state"] for leg in (await legs_of(client, space)).values()} == {"ok"}
    async with open_services(settings) as services, speaking_to(services) as client:
        await paste(client, space, 7)
        await ended(services)
        assert {await leg.leg.count() for leg in services.legs} == {8}
    assert switched.read_text() == "g1\n"
    assert (settings.data_dir / "graph.db.current").read_text() == "g1\n"


async def test_words_kept_before_spelling_answer_until_they_are_kept_for_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of the format before is opened, answers, says what it lacks, and is built anew."""
    opened = Tantivy.open
    with monkeypatch.context() as before:
        before.setattr(Tantivy, "open", lambda folder, **_: opened(folder, spells=False))
        space, _ = await filled(settings, 2)
    go_on = asyncio.Event()
    put = Tantivy.put

    async def waiting(self: Tantivy, passages: Sequence[Passage]) -> None:
        await go_on.wait()
        await put(self, passages)

    monkeypatch.setattr(Tantivy, "put", waiting)
    async with open_services(settings) as services, speaking_to(services) as client:

        async def searched() -> tuple[Mapping[str, object], object]:
            answer = await client.get(f"/api/spaces/{space}/search", params={"q": "coppre mine"})
            trace = answer.json()["trace"]
            (words,) = (leg for leg in trace["legs"] if leg["leg"] == "bm25")
            return trace["understood"], words["state"]

        understood, state = await searched()
        assert state == "ok"
        assert understood["corrections"] == []
        assert understood["unchecked"] == "the index of words is being rebuilt for it"
        go_on.set()
        await ended(services)
        understood, state = await searched()
        assert state == "ok"
        assert understood["unchecked"] == ""
        assert understood["corrections"] == [{"written": "coppre", "searched": "copper"}]
