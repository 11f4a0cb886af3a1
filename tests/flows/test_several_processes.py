"""One brief in two server processes: on one PostgreSQL, with each bus, and one of them killed."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

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
from collab import Projection, Rooms, wire
from tests.flows.test_rooms_door import closed, greet, sync
from tests.servers.fixtures import redis_url
from tests.yjs.peers import Server, line, node
from tests.yjs.serve import rooms_app

__all__ = ["redis_url"]  # a fixture, found by its name

YOU = Principal("you", "local", "You", frozenset({Role.ADMIN}))
pytestmark = pytest.mark.services


@dataclass
class Place:
    """Two processes that serve one brief; ``database`` and ``bus`` are their URLs."""

    folder: Path
    database: str
    bus: str
    space: str
    brief: str
    servers: list[Server]

    async def stored(self) -> Projection:
        async with open_store(Url(self.database), self.folder) as store:
            return await Rooms(SqlUpdates(store)).projection(self.brief)


@pytest.fixture(params=["redis", "postgresql"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str
) -> AsyncIterator[Place]:
    url = postgres_url
    bus = request.getfixturevalue("redis_url") if request.param == "redis" else url
    async with (
        open_store(Url(url), tmp_path, migrate=True) as store,
        store.writing() as connection,
    ):
        await connection.execute(insert(tenants).values(id="local", name="local", created_at=now()))
    async with rooms_app(tmp_path, database=url) as app:
        services = app.state.services
        space = await services.spaces.create(YOU, "Space")
        brief = await services.briefs.create(YOU, space.id, "T")
    servers = [Server(tmp_path, url, bus) for _ in range(2)]
    for server in servers:
        await server.start()
    try:
        yield Place(tmp_path, url, bus, space.id, brief.id, servers)
    finally:
        for server in servers:
            await server.kill()


async def test_random_edits_in_two_processes_one_killed(place: Place) -> None:
    """1,000 edits by six clients of both, each process killed once and its clients gone over to the
    other: all end equal, the store with them; no paragraph is lost or doubled, nor its citation."""
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    both = ",".join(server.url for server in place.servers)
    async with node("torture.mjs", both, place.brief, str(seed), "6", "1000") as peers:
        assert await line(peers) == {"ready": True}
        while "clients" not in (said := await line(peers)):
            match said["done"]:
                case 300:
                    await place.servers[0].kill()
                case 500:
                    await place.servers[0].start()
                case 700:
                    await place.servers[1].kill()
                case 900:
                    await place.servers[1].start()
                case 1000:
                    assert peers.stdin is not None
                    peers.stdin.write(b"settle\n")
    clients = said["clients"]
    assert len({client["title"] for client in clients}) == 1
    assert len({client["body"] for client in clients}) == 1
    ids = clients[0]["ids"]
    made = [word for word in ids if re.fullmatch(r"c\d+-\d+", word)]
    assert sorted(made) == sorted(word for client in clients for word in client["mine"])
    projection = await place.stored()
    assert projection.title == clients[0]["title"]
    assert [block.id for block in projection.blocks] == ids
    cites = [
        str(part.attrs["cite"])
        for block in projection.blocks
        for part in block.inline
        if part.type == "citation"
    ]
    assert sorted(cites) == sorted("cit_" + word for word in made)


async def test_what_was_called_saved_survives_its_process(place: Place) -> None:
    """A writer's process is killed and the writer never returns: each word that it was told is
    saved is seen by those in the other process, who were there all the while."""
    first, second = place.servers
    async with connect(f"{second.url}/{place.brief}") as reader:
        await greet(reader)
        doc = await sync(reader)
        async with node("scribe.mjs", first.url, place.brief, "w") as scribe:
            assert (await line(scribe))["access"] == "write"
            words: list[str] = []
            for _ in range(40):
                words = (await line(scribe))["saved"]
            await first.kill()
            while "closed" not in (said := await line(scribe)):
                words = said["saved"]
        assert words
        body = doc.get("body", type=pycrdt.XmlFragment)
        async with asyncio.timeout(20):
            while not {f'id="{word}"' for word in words} <= set(
                re.findall(r'id="[^"]*"', str(body))
            ):
                message = wire.Reader(bytes(await reader.recv()))  # type: ignore[arg-type]  # binary
                if (message.integer(), message.integer()) == (wire.SYNC, wire.UPDATE):
                    doc.apply_update(message.chunk())


async def test_access_ends_in_the_other_process(place: Place) -> None:
    """Taken out of the space through one process, a person's socket in the other closes."""
    async with rooms_app(place.folder, database=place.database, bus_url=place.bus) as app:
        services = app.state.services
        await services.members.put(YOU, place.space, "ann", Role.ANALYST)
        for server in place.servers:
            async with connect(
                f"{server.url}/{place.brief}", additional_headers={"x-visitor": "viewer:ann"}
            ) as ann:
                assert (await greet(ann))[1] == "write"
                await services.members.put(YOU, place.space, "ann", Role.COMMENTER)
                assert await closed(ann) == 4503
            await services.members.put(YOU, place.space, "ann", Role.ANALYST)
        async with connect(f"{place.servers[1].url}/{place.brief}") as you:
            await greet(you)
            await services.briefs.delete(YOU, place.brief)
            assert await closed(you) == 4404


async def test_the_events_of_a_space_reach_pages_of_another_process(place: Place) -> None:
    """What one process publishes, the listeners of the other hear; what is too large for the bus
    tells them to ask again."""
    async with (
        rooms_app(place.folder, database=place.database, bus_url=place.bus) as one,
        rooms_app(place.folder, database=place.database, bus_url=place.bus) as two,
    ):
        here, there = one.state.services.hub, two.state.services.hub
        with here.listening(place.space) as near, there.listening(place.space) as far:
            await asyncio.sleep(0)
            here.publish(place.space, "source", {"id": "ü"})
            here.publish("another", "source", {"id": "not ours"})
            here.publish(place.space, "source", {"text": "x" * 300_000})
            here.everywhere("rebuild", {"running": True})
            async with asyncio.timeout(5):
                heard = [await far.next() for _ in range(3)]
                assert [(event.name, dict(event.data)) for event in heard if event] == [
                    ("source", {"id": "ü"}),
                    ("reload", {}),
                    ("rebuild", {"running": True}),
                ]
                assert [event.name for _ in range(3) if (event := await near.next())] == [
                    "source",
                    "source",
                    "rebuild",
                ]
