"""Rooms with real peers: unmodified Yjs clients in Node against the served door."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path
from typing import Any

import pycrdt
import pytest
from sqlalchemy import insert
from websockets.asyncio.client import connect

from backend.auth.principal import Principal, Role
from backend.clock import now
from backend.settings import Url
from backend.store.engine import open_store
from backend.store.tables import tenants
from backend.store.updates import SqlUpdates
from backend.templates.builtin import TEMPLATES
from collab import Projection, Rooms
from tests.yjs.peers import Server, line, node
from tests.yjs.serve import rooms_app

YOU = Principal("you", "local", "You", frozenset({Role.ADMIN}))


async def make_brief(folder: Path, title: str = "T", template: str | None = None) -> str:
    """A brief in a database in this folder."""
    async with rooms_app(folder) as app:
        services = app.state.services
        async with services.store.writing() as connection:
            await connection.execute(
                insert(tenants).values(id="local", name="local", created_at=now())
            )
        space = await services.spaces.create(YOU, "Space")
        blocks = TEMPLATES[template or "blank"].blocks(now().date())
        return (await services.briefs.create(YOU, space.id, title, blocks=blocks)).id


async def stored(folder: Path, brief: str) -> Projection:
    """What the database alone says the brief is."""
    async with open_store(Url("sqlite:///app.db"), folder) as store:
        return await Rooms(SqlUpdates(store)).projection(brief)


async def test_two_unmodified_clients_converge(tmp_path: Path) -> None:
    """Two y-websocket clients type at once and see each other, in text and presence."""
    brief = await make_brief(tmp_path, template="decision-memo")
    server = Server(tmp_path)
    await server.start()
    try:
        async with node("converge.mjs", server.url, brief) as peers:
            said = await line(peers)
        assert said["title"] == "b" * 50 + "T" + "a" * 50
    finally:
        assert await server.stop() in (0, -15)
    assert (await stored(tmp_path, brief)).title == said["title"]


@pytest.mark.timeout(120)
async def test_random_edits_through_lost_sockets_and_killed_servers(tmp_path: Path) -> None:
    """2,000 edits by five clients that come and go, the server killed thrice: all end equal, the
    store with them; no paragraph is lost or doubled, nor its citation."""
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    rng = random.Random(seed)
    kills = sorted(rng.sample(range(1, 10), 3))
    brief = await make_brief(tmp_path)
    server = Server(tmp_path)
    await server.start()
    try:
        async with node("torture.mjs", server.url, brief, str(seed), "5", "2000") as peers:
            assert await line(peers) == {"ready": True}
            while "clients" not in (said := await line(peers)):
                if said["done"] // 200 in kills:
                    await server.kill()
                    await server.start()
                if said["done"] == 2000:  # the time to agree runs from when the server is there
                    assert peers.stdin is not None
                    peers.stdin.write(b"settle\n")
    finally:
        await server.kill()
    clients = said["clients"]
    assert len({client["title"] for client in clients}) == 1
    assert len({client["body"] for client in clients}) == 1
    ids = clients[0]["ids"]
    # Not the block that was there at first, whose id is any ten letters and digits.
    made = [word for word in ids if re.fullmatch(r"c\d+-\d+", word)]
    assert sorted(made) == sorted(word for client in clients for word in client["mine"])
    projection = await stored(tmp_path, brief)
    assert projection.title == clients[0]["title"]
    assert [block.id for block in projection.blocks] == ids
    cites = [
        part.attrs["cite"]
        for block in projection.blocks
        for part in block.inline
        if part.type == "citation"
    ]
    assert sorted(map(str, cites)) == sorted("cit_" + word for word in made)


async def test_what_was_called_saved_survives_the_kill(tmp_path: Path) -> None:
    """The server is killed at random moments and its writers never return: each word that was
    acknowledged is in the store, once."""
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    rng = random.Random(seed)
    brief = await make_brief(tmp_path)
    saved: list[str] = []
    for round_ in range(3):
        server = Server(tmp_path)
        await server.start()
        async with node("scribe.mjs", server.url, brief, f"w{round_}") as scribe:
            assert (await line(scribe))["access"] == "write"
            words: list[str] = []
            for _ in range(rng.randrange(2, 30)):
                words = (await line(scribe))["saved"]
            await server.kill()
            while "closed" not in (said := await line(scribe)):
                words = said["saved"]
        assert words
        saved += words
        ids = [block.id for block in (await stored(tmp_path, brief)).blocks]
        assert set(saved) <= set(ids)
        assert len(ids) == len(set(ids))


async def test_pycrdts_own_client_joins_yjs(tmp_path: Path) -> None:
    """pycrdt's Provider, unmodified, converges with an unmodified Yjs client."""
    brief = await make_brief(tmp_path)
    server = Server(tmp_path)
    await server.start()
    try:
        async with connect(f"{server.url}/{brief}") as socket:
            doc: pycrdt.Doc[Any] = pycrdt.Doc()
            title = doc.get("title", type=pycrdt.Text)
            heard = asyncio.Event()
            async with pycrdt.Provider(doc, _Wire(socket, brief)):
                title.observe(lambda event: heard.set())
                async with node("converge.mjs", server.url, brief) as peers:
                    said = await line(peers)
                while str(title) != said["title"]:
                    heard.clear()
                    await asyncio.wait_for(heard.wait(), 10)
                title += "!"
                async with connect(f"{server.url}/{brief}") as other:
                    copy: pycrdt.Doc[Any] = pycrdt.Doc()
                    seen = copy.get("title", type=pycrdt.Text)
                    async with pycrdt.Provider(copy, _Wire(other, brief)):
                        changed = asyncio.Event()
                        seen.observe(lambda event: changed.set())
                        while str(seen) != said["title"] + "!":
                            changed.clear()
                            await asyncio.wait_for(changed.wait(), 10)
    finally:
        await server.kill()


class _Wire:
    """A websockets connection in the shape pycrdt's provider asks for."""

    def __init__(self, socket: Any, path: str) -> None:
        self._socket = socket
        self.path = path

    def __aiter__(self) -> _Wire:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.recv()
        except Exception:
            raise StopAsyncIteration from None

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)

    async def recv(self) -> bytes:
        return bytes(await self._socket.recv())


async def test_asked_to_stop_the_server_stops_with_visitors_inside(tmp_path: Path) -> None:
    """A stop is not held up by open sockets, and all that was saved is there."""
    brief = await make_brief(tmp_path)
    server = Server(tmp_path)
    await server.start()
    async with node("scribe.mjs", server.url, brief, "w") as scribe:
        await line(scribe)
        words: list[str] = (await line(scribe))["saved"] or (await line(scribe))["saved"]
        async with asyncio.timeout(15):
            await server.stop()
    ids = {block.id for block in (await stored(tmp_path, brief)).blocks}
    assert set(words) <= ids
