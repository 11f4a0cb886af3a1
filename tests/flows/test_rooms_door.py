"""The WebSocket door: who is let in, as what, and with which code one is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET
from types import SimpleNamespace
from typing import Any

import pycrdt
import pytest
import uvicorn
from sqlalchemy import delete, insert
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.auth.principal import Principal, Role
from backend.clock import now
from backend.editing.routes import Door
from backend.members.watch import LOOK
from backend.serving import configured
from backend.sockets import CLOSE_SECONDS
from backend.store.tables import briefs, members, tenants
from collab import Limits, wire
from tests.yjs.serve import ByHeader, rooms_app

YOU = Principal("you", "local", "You", frozenset({Role.ADMIN}))
LIMITS = Limits(message_bytes=4096, quiet_seconds=0.02)


@dataclass
class Place:
    services: SimpleNamespace
    url: str
    brief: str
    connections: set[Any]  # of the server: its protocols

    async def space(self) -> str:
        found, _ = await self.services.briefs.access(YOU, self.brief)
        return str(found.space)

    def enter(self, who: str = "admin:you", brief: str | None = None) -> Any:
        return connect(f"{self.url}/{brief or self.brief}", additional_headers={"x-visitor": who})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A served door with a brief in it, and a viewer who may only read."""
    async with rooms_app(tmp_path, limits=LIMITS) as app:
        services = app.state.services
        async with services.store.writing() as connection:
            await connection.execute(
                insert(tenants).values(id="local", name="local", created_at=now())
            )
        space = await services.spaces.create(YOU, "Space")
        brief = await services.briefs.create(YOU, space.id, "T")
        async with services.store.writing() as connection:
            await connection.execute(
                insert(members).values(space=space.id, subject="vera", role=Role.VIEWER.value)
            )
        async with serving(app) as port:
            yield Place(services, f"ws://127.0.0.1:{port}/rooms", brief.id, app.state.connections)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Serve an app as the product does, on a port of its own."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    config = configured(app)
    config.port = 0

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set_result(self.servers[0].sockets[0].getsockname()[1])

    server = Server(config)
    app.state.connections = server.server_state.connections
    task = asyncio.create_task(server.serve())
    try:
        yield await started
    finally:
        server.should_exit = True
        await task


async def closed(socket: ClientConnection) -> int | None:
    """The code the server closes with, whatever it says before."""
    async with asyncio.timeout(5):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


async def greet(socket: ClientConnection) -> tuple[str, str]:
    await socket.send(wire.hello(""))
    reader = wire.Reader(bytes(await socket.recv()))  # type: ignore[arg-type]  # binary only
    assert (reader.integer(), reader.integer()) == (wire.HELLO, wire.VERSION)
    return reader.text(), reader.text()


async def sync(socket: ClientConnection) -> pycrdt.Doc[Any]:
    """Ask for the document and take it in."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    await socket.send(wire.step_1(doc.get_state()))
    doc.apply_update(bytes(await socket.recv())[3:])  # type: ignore[arg-type]  # binary only
    return doc


@pytest.mark.parametrize(
    ("who", "code"),
    [("stranger", 4401), ("foreign", 4403), ("elsewhere:ann", 4404), ("analyst:nobody", 4404)],
)
async def test_turns_away(place: Place, who: str, code: int) -> None:
    """Strangers, foreign pages, other tenants and non-members each learn why, and no more."""
    async with place.enter(who) as socket:
        assert await closed(socket) == code


async def test_a_brief_that_is_not_there(place: Place) -> None:
    """4404, as for one that belongs to someone else."""
    async with place.enter(brief="brf_0000000000000000") as socket:
        assert await closed(socket) == 4404


async def test_says_the_epoch_and_the_access(place: Place) -> None:
    """An admin may write, a viewer may read, and both hear the brief's epoch."""
    brief, _ = await place.services.briefs.access(YOU, place.brief)
    async with place.enter() as admin, place.enter("viewer:vera") as viewer:
        assert await greet(admin) == (brief.epoch, "write")
        assert await greet(viewer) == (brief.epoch, "read")


async def test_a_viewers_edit_is_refused(place: Place) -> None:
    """4403, and the brief is as it was."""
    async with place.enter("viewer:vera") as viewer:
        doc = await sync(viewer)
        assert str(doc.get("title", type=pycrdt.Text)) == "T"
        doc.get("title", type=pycrdt.Text).insert(0, "mine")
        await viewer.send(wire.update(doc.get_update()))
        assert await closed(viewer) == 4403
    assert await place.services.rooms.title(place.brief) == "T"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("text", 4400),
        (b"\x09", 4400),
        (b"", 4400),
        (wire.update(b"\x00\x00")[:-1], 4400),  # cut off
        (b"\x00\x00\xff", 4400),  # a length that does not end
        (b"\x00\x02\xff\xff\xff\xff\x0f", 4400),  # 4 GiB announced
        (b"\x63", 4400),  # a type of no protocol
        (b"\x64\x01\x02\xff\xfe", 4400),  # an epoch that is no UTF-8
        (wire.presences([wire.Presence(5, 1, b"\xff")]), 4400),
        (wire.presences([wire.Presence(5, 1, b"{")]), 4400),
        (wire.update(b"\x01\x02\x03"), 4400),
        (b"\x00\x02\x80\x80\x80\x80\x04", 4400),
        (bytes(4097), 4413),
    ],
)
async def test_a_bad_message_closes_only_its_sender(
    place: Place, message: str | bytes, code: int
) -> None:
    """Each has its code, and the one beside it types on."""
    async with place.enter() as good, place.enter() as bad:
        await greet(good)
        doc = await sync(good)
        await bad.send(message)
        assert await closed(bad) == code
        doc.get("title", type=pycrdt.Text).insert(0, "x")
        await good.send(wire.update(doc.get_update()))
        while bytes(await good.recv()) != wire.saved(1):  # type: ignore[arg-type]  # binary only
            pass


def typed(doc: pycrdt.Doc[Any], characters: int) -> bytes:
    """The message of typing so much into a copy of the document."""
    copy: pycrdt.Doc[Any] = pycrdt.Doc(client_id=77)
    copy.apply_update(doc.get_update())
    copy.get("title", type=pycrdt.Text).insert(0, "y" * characters)
    return wire.update(copy.get_update(doc.get_state()))


async def test_a_message_of_exactly_the_limit_is_read(place: Place) -> None:
    """At the limit it is judged by its content."""
    async with place.enter() as socket:
        await greet(socket)
        doc = await sync(socket)
        overhead = len(typed(doc, 3000)) - 3000
        message = typed(doc, 4096 - overhead)
        assert len(message) == 4096
        await socket.send(message)
        while bytes(await socket.recv()) != wire.saved(1):  # type: ignore[arg-type]  # binary only
            pass


async def test_little_is_kept_of_what_a_room_has_not_taken(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends megabytes while nobody listens is read no further than one message and what
    came with it."""
    nobody = asyncio.Event()

    async def receive(document: str, visitor: object) -> None:
        await nobody.wait()

    monkeypatch.setattr(place.services.rooms, "receive", receive)
    async with place.enter() as socket:

        async def flood() -> None:
            for _ in range(500):
                await socket.send(bytes(64 * 1024))

        flooding = asyncio.create_task(flood())
        (server,) = place.connections
        async with asyncio.timeout(10):
            while not server.read_paused:
                await asyncio.sleep(0.005)
        for _ in range(20):
            await asyncio.sleep(0.005)
        kept = sum(len(event.get("bytes", b"")) for event in server.queue._queue)
        assert 0 < kept <= 512 * 1024
        flooding.cancel()
        nobody.set()


async def test_removed_while_inside(place: Place) -> None:
    """Who is taken out of the space is sent out with 4403; the others notice nothing."""
    space = await place.space()
    async with place.enter("viewer:vera") as vera, place.enter() as you:
        await greet(vera)
        await greet(you)
        await place.services.members.remove(YOU, space, "vera")
        assert await closed(vera) == 4403
        await you.send(wire.query_presences())
        assert await you.ping()
    async with place.enter("viewer:vera") as again:
        assert await closed(again) == 4404


async def test_removed_while_reading_nothing(place: Place) -> None:
    """Whoever is taken out of the space and does not read, with all buffers full, is cut off: what
    was not sent yet never is, and nothing they send is heard."""
    async with place.enter("viewer:vera") as vera:
        await greet(vera)
        (server,) = place.connections
        server.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        vera.transport.pause_reading()
        while server.offer(bytes(64 * 1024)):
            pass
        await place.services.members.remove(YOU, await place.space(), "vera")
        async with asyncio.timeout(5):
            while place.connections:
                await asyncio.sleep(0.01)
        assert server.transport.get_write_buffer_size() == 0


def test_who_loses_access_is_out_within_two_seconds() -> None:
    """However it was lost, and whatever they do: by the look, and by the time for leaving."""
    assert LOOK + CLOSE_SECONDS < 2


async def test_lowered_while_inside(place: Place) -> None:
    """Who may only read from now on is asked to come back, and does so as a reader; what they had
    typed and not been told was saved is not taken."""
    space = await place.space()
    await place.services.members.put(YOU, space, "ann", Role.ANALYST)
    async with place.enter("viewer:ann") as ann:
        assert (await greet(ann))[1] == "write"
        doc = await sync(ann)
        await place.services.members.put(YOU, space, "ann", Role.COMMENTER)
        assert await closed(ann) == 4503
    async with place.enter("viewer:ann") as ann:
        assert (await greet(ann))[1] == "read"
        doc.get("title", type=pycrdt.Text).insert(0, "mine")
        await ann.send(wire.update(doc.get_update()))
        assert await closed(ann) == 4403
    await place.services.members.put(YOU, space, "ann", Role.ADMIN)
    async with place.enter("viewer:ann") as ann:
        assert (await greet(ann))[1] == "write"
    assert await place.services.rooms.title(place.brief) == "T"


async def test_a_change_nobody_told_of_is_noticed(place: Place) -> None:
    """Membership that another process changed in the database, brief or space that it deleted:
    whoever is inside is sent out all the same."""
    async with place.enter("viewer:vera") as vera, place.enter() as you:
        await greet(vera)
        await greet(you)
        async with place.services.store.writing() as connection:
            await connection.execute(delete(members).where(members.c.subject == "vera"))
        assert await closed(vera) == 4403
        async with place.services.store.writing() as connection:
            await connection.execute(delete(briefs).where(briefs.c.id == place.brief))
        assert await closed(you) == 4404


async def test_two_sign_ins_of_one_person_are_judged_apart(place: Place) -> None:
    """Somebody's visit as a tenant's admin is not ended because another of theirs may only read."""
    async with place.enter("admin:vera") as admin, place.enter("viewer:vera") as viewer:
        assert (await greet(admin))[1] == "write"
        assert (await greet(viewer))[1] == "read"
        await place.services.watch.look()
        await place.services.members.remove(YOU, await place.space(), "vera")
        assert await closed(viewer) == 4403
        await admin.send(wire.query_presences())
        assert await admin.recv()


async def test_deleted_while_inside(place: Place) -> None:
    """Whoever has a brief open when it is deleted is told 4404, and does not get in again."""
    async with place.enter() as socket:
        await greet(socket)
        await place.services.briefs.delete(YOU, place.brief)
        assert await closed(socket) == 4404
    async with place.enter() as again:
        assert await closed(again) == 4404


async def test_the_title_follows_the_document(place: Place) -> None:
    """When editing rests, the brief's row and the space's listeners have the new title."""
    brief, _ = await place.services.briefs.access(YOU, place.brief)
    with place.services.hub.listening(brief.space) as events:
        async with place.enter() as socket:
            doc = await sync(socket)
            doc.get("title", type=pycrdt.Text).insert(0, "New ")
            await socket.send(wire.update(doc.get_update()))
            async with asyncio.timeout(5):
                event = await events.next()
    assert event is not None
    assert (event.name, event.data["title"]) == ("brief", "New T")
    found, _ = await place.services.briefs.access(YOU, place.brief)
    assert found.title == "New T"
    assert found.updated_at > brief.updated_at


async def test_no_more_than_fit(place: Place) -> None:
    """The last allowed connection enters; the next is told to come back, and may once one left."""
    place.services.door = Door(sockets=3, each=2)
    async with place.enter() as first:
        await greet(first)
        async with place.enter() as second:
            await greet(second)
            async with place.enter() as third:
                assert await closed(third) == 4508
            async with place.enter("viewer:vera") as other:
                await greet(other)
        async with place.enter() as again:
            assert await greet(again)


async def test_only_so_many_knock_at_once(place: Place) -> None:
    """Of one address, past the limit, sockets are refused before anybody asks who they are; when
    those before have been looked at, the next comes in."""
    place.services.door = Door(knocking_each=2)
    place.services.authenticator = slow = Slow()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(knocked(place)) for _ in range(2)]
        async with asyncio.timeout(5):
            while slow.asked < 2:
                await asyncio.sleep(0.005)
        with pytest.raises(InvalidStatus):
            await knocked(place)
        assert slow.asked == 2
        slow.go_on.set()
    assert [task.result() for task in waiting] == ["write", "write"]
    assert await knocked(place) == "write"


async def knocked(place: Place) -> str:
    async with place.enter() as socket:
        return (await greet(socket))[1]


class Slow(ByHeader):
    """Says who it is only when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.go_on = asyncio.Event()

    async def authenticate(self, **asking: Any) -> Principal:
        self.asked += 1
        await self.go_on.wait()
        return await super().authenticate(**asking)


async def test_a_brief_rebuilt_on_the_server_is_not_merged(place: Place) -> None:
    """A client that brings a copy of another epoch is refused before a byte of it is taken."""
    async with place.enter() as socket:
        await socket.send(wire.hello("0123456789abcdef"))
        await socket.recv()
        stale: pycrdt.Doc[Any] = pycrdt.Doc()
        stale.get("title", type=pycrdt.Text).insert(0, "doubled")
        await socket.send(wire.step_2(stale.get_update()))
        assert await closed(socket) == 4403
    assert await place.services.rooms.title(place.brief) == "T"
