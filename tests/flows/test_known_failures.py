"""What other systems' users lost text to; each test is named after the failure and holds us to not
having it."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pycrdt
import pytest
from sqlalchemy import delete, insert, text, update
from websockets.asyncio.client import ClientConnection, connect

from backend.auth.principal import Role
from backend.clock import now
from backend.settings import Url
from backend.store.engine import Store, open_store
from backend.store.tables import brief_snapshots, brief_updates, briefs
from backend.store.updates import SqlUpdates
from collab import Limits, Rooms, Stored, blocks, wire
from tests.flows.test_rooms_door import YOU, Place, closed, greet, place, serving, sync
from tests.flows.test_rooms_with_yjs import make_brief
from tests.yjs.peers import Server, line, node
from tests.yjs.serve import rooms_app

__all__ = ["place"]  # a fixture, found by its name


class Page:
    """A page with the brief open: the product's own session, in Node."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def do(self, *what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        state: dict[str, Any] = await line(self._process)
        return state

    async def until(self, test: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        state = await self.do("state")
        async with asyncio.timeout(60):
            while not test(state):
                await asyncio.sleep(0.02)
                state = await self.do("state")
        return state

    async def saved(self) -> dict[str, Any]:
        return await self.until(lambda s: s["connection"] == "live" and s["unsynced"] == 0)


@asynccontextmanager
async def page(server: Server, brief: str) -> AsyncIterator[Page]:
    async with node("away.mjs", server.url.removesuffix("/rooms"), brief) as process:
        yield Page(process)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Server, str]]:
    brief = await make_brief(folder)
    server = Server(folder)
    await server.start()
    try:
        yield server, brief
    finally:
        await server.kill()


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[Store]:
    async with open_store(Url("sqlite:///app.db"), folder) as store:
        yield store


async def title(folder: Path, brief: str) -> str:
    async with stored(folder) as store:
        return await Rooms(SqlUpdates(store)).title(brief)


async def test_text_doubled_when_a_store_was_rebuilt(tmp_path: Path) -> None:
    """The server's document was made anew with the same words: a page that comes back is told that
    it is another, nothing is merged or doubled, and what was typed offline stays with the page."""
    async with served(tmp_path) as (server, brief), page(server, brief) as ann:
        await ann.saved()
        await ann.do("type", " saved")
        await ann.saved()
        await server.kill()
        await ann.until(lambda s: s["connection"] == "offline")
        await ann.do("type", " mine")
        async with stored(tmp_path) as store, store.writing() as connection:
            for table in (brief_updates, brief_snapshots):
                await connection.execute(delete(table).where(table.c.brief == brief))
            await connection.execute(
                insert(brief_updates).values(
                    brief=brief, seq=1, update=blocks.seed("T saved", ()), created_at=now()
                )
            )
            await connection.execute(
                update(briefs).where(briefs.c.id == brief).values(epoch=secrets.token_hex(8))
            )
        await server.start()
        state = await ann.until(lambda s: s["connection"] == "diverged")
        assert state["unsynced"] == 1
        assert "T saved mine" in state["copy"]
        state = await ann.do("reload")
        await ann.until(lambda s: s["connection"] == "diverged")
        assert state["title"] == "T saved mine"
    assert await title(tmp_path, brief) == "T saved"


@pytest.mark.timeout(300)  # a server is started fourteen times
async def test_thirteen_reconnects_out_of_sync(tmp_path: Path) -> None:
    """Thirteen times in a row two pages edit apart, the server dies, and they come back: each word
    is there once, for both and in the store."""
    async with (
        served(tmp_path) as (server, brief),
        page(server, brief) as ann,
        page(server, brief) as ben,
    ):
        words = set()
        for n in range(13):
            await ann.saved()
            await ben.saved()
            await (ann if n % 2 else ben).do("leave", 50)
            for who, name in ((ann, "a"), (ben, "b")):
                words.add(f" {name}{n}.")
                await who.do("type", f" {name}{n}.")
            await server.kill()
            for who, name in ((ann, "A"), (ben, "B")):
                words.add(f" {name}{n}.")
                await who.do("type", f" {name}{n}.")
            if n % 3 == 0:
                await ann.do("reload")
            await server.start()
        await ann.saved()
        end = await ben.saved()
        await ann.until(lambda s: bool(s["title"] == end["title"]))
    assert {word: end["title"].count(word) for word in words} == dict.fromkeys(words, 1)
    assert len(end["title"]) == 1 + sum(map(len, words))
    assert await title(tmp_path, brief) == end["title"]


async def test_a_store_deleted_under_a_live_room(tmp_path: Path) -> None:
    """All that was stored of a brief is deleted while it is edited: nobody is told "saved" for what
    is not, the pages come back by themselves and bring the text, once."""
    async with served(tmp_path) as (server, brief), page(server, brief) as ann:
        await ann.saved()
        await ann.do("type", " before")
        await ann.saved()
        async with stored(tmp_path) as store, store.writing() as connection:
            for table in (brief_updates, brief_snapshots):
                await connection.execute(delete(table).where(table.c.brief == brief))
        await ann.do("type", " after")
        await ann.saved()
        await server.kill()
        assert await title(tmp_path, brief) == "T before after"


async def test_a_brief_deleted_under_a_live_room(tmp_path: Path) -> None:
    """The page of a brief whose row is gone is told so, keeps its copy and types on."""
    async with served(tmp_path) as (server, brief), page(server, brief) as ann:
        await ann.saved()
        await ann.do("type", " kept")
        await ann.saved()
        async with stored(tmp_path) as store, store.writing() as connection:
            await connection.execute(text("PRAGMA foreign_keys = ON"))
            await connection.execute(delete(briefs).where(briefs.c.id == brief))
        state = await ann.until(lambda s: s["connection"] == "missing")
        assert "T kept" in state["copy"]
        assert (await ann.do("type", " more"))["title"] == "T kept more"


async def test_an_older_backup_restored_while_pages_are_away(tmp_path: Path) -> None:
    """The server is replaced by one with a backup from before the last edits: pages bring back what
    it lacks, what was never saved included, and nothing is doubled."""
    async with served(tmp_path) as (server, brief):
        async with page(server, brief) as ann, page(server, brief) as ben:
            await ann.saved()
            await ann.do("type", " one")
            await ann.saved()
            await server.stop()
            backup = tmp_path / "backup"
            backup.mkdir()
            for file in tmp_path.glob("app.db*"):
                shutil.copy(file, backup)
            await server.start()
            await ann.do("type", " two")
            await ann.saved()
            await ben.until(lambda s: s["title"] == "T one two")
            await server.stop()
            await ann.do("type", " three")
            for file in tmp_path.glob("app.db*"):
                file.unlink()
            for file in backup.iterdir():
                shutil.copy(file, tmp_path)
            assert await title(tmp_path, brief) == "T one"
            await server.start()
            for who in (ann, ben):
                await who.until(lambda s: s["title"] == "T one two three")
                await who.saved()
        await server.kill()
        assert await title(tmp_path, brief) == "T one two three"


async def test_a_server_that_writes_over_live_history(tmp_path: Path) -> None:
    """A brief opened, read, settled, compacted and closed a hundred times is byte for byte what it
    was: the server adds nothing of its own."""
    brief = await make_brief(tmp_path, template="decision-memo")
    limits = Limits(quiet_seconds=0.001, linger_seconds=0.003, tail_bytes=0)
    async with stored(tmp_path) as store:
        updates = SqlUpdates(store)

        async def all_of_it() -> Stored:
            found = await updates.load(brief)
            assert found is not None
            return found

        first = blocks.load((await all_of_it()).updates)
        for _ in range(100):
            async with rooms_app(tmp_path, limits=limits) as app, serving(app) as port:
                url = f"ws://127.0.0.1:{port}/rooms/{brief}"
                async with connect(url) as socket:
                    await greet(socket)
                    assert await joined(socket) == first.get_update()
                    await app.state.services.rooms.projection(brief)
            found = await all_of_it()
            assert found.last == 1
            assert blocks.load(found.updates).get_update() == first.get_update()
            assert len(found.updates) == 1


async def test_a_thousand_messages_before_sign_in(place: Place) -> None:
    """A stranger who sends 1,001 messages without waiting to be let in is turned away: none is
    looked at, no room is opened, and the one who is inside types on."""
    host, port = place.url.removeprefix("ws://").split("/")[0].split(":")
    frame = wire.update(b"\0\0")
    masked = bytes((0x82, 0x80 | len(frame), 0, 0, 0, 0)) + frame
    before = len(place.services.rooms)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /rooms/{place.brief} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-visitor: stranger\r\n\r\n".encode()
        + 1001 * masked
    )
    async with asyncio.timeout(10):
        with suppress(asyncio.IncompleteReadError):  # or cut off, without a word
            await reader.readuntil((4401).to_bytes(2, "big"))
    writer.close()
    assert len(place.services.rooms) == before
    async with place.enter() as you:
        await greet(you)
        await typed(you, await sync(you), "x")
    assert await place.services.rooms.title(place.brief) == "xT"


async def test_a_suspended_member_types_on(place: Place) -> None:
    """Whoever is taken out of a space while typing is out within seconds; nothing sent after that
    is in the brief, and what was called saved before is."""
    space = await place.space()
    await place.services.members.put(YOU, space, "ann", Role.ANALYST)
    async with place.enter("viewer:ann") as ann:
        await greet(ann)
        doc = await sync(ann)
        await typed(ann, doc, "a")
        await place.services.members.remove(YOU, space, "ann")
        async with asyncio.timeout(2):
            assert await closed(ann) == 4403
    async with place.enter("viewer:ann") as again:
        assert await closed(again) == 4404
    assert await place.services.rooms.title(place.brief) == "aT"


async def joined(socket: ClientConnection) -> bytes:
    """All of the document, as one is told it."""
    await socket.send(wire.step_1(b"\0"))
    reader = wire.Reader(bytes(await socket.recv()))  # type: ignore[arg-type]  # binary only
    assert (reader.integer(), reader.integer()) == (wire.SYNC, wire.STEP_2)
    return reader.chunk()


async def typed(socket: ClientConnection, doc: pycrdt.Doc[Any], words: str) -> None:
    """Type at the beginning, and wait until it is saved."""
    before = doc.get_state()
    doc.get("title", type=pycrdt.Text).insert(0, words)
    await socket.send(wire.update(doc.get_update(before)))
    while bytes(await socket.recv())[:1] != wire.saved(1)[:1]:  # type: ignore[arg-type]  # binary
        pass


@pytest.mark.timeout(300)
async def test_a_log_that_outgrows_its_document(tmp_path: Path) -> None:
    """10,000 keystrokes, each an update of its own, a tenth of them deletions: what is stored stays
    within three times a snapshot, but for the little that is not worth compacting."""
    async with served(tmp_path) as (server, brief), stored(tmp_path) as store:
        async with connect(f"{server.url}/{brief}") as socket:
            await greet(socket)
            doc = await sync(socket)
            typing = doc.get("title", type=pycrdt.Text)
            sent: list[bytes] = []
            doc.observe(lambda event: sent.append(event.update))
            most = 0.0
            for n in range(10_000):
                if n % 10 == 9:
                    del typing[len(typing) - 3 : len(typing) - 2]
                else:
                    typing += "strategy "[n % 9]
                await socket.send(wire.update(sent.pop()))
                if n % 500 == 499:
                    want = wire.saved(n + 1)
                    while bytes(await socket.recv()) != want:  # type: ignore[arg-type]  # binary
                        pass
                    held = await SqlUpdates(store).load(brief)
                    assert held is not None
                    most = max(most, _over(sum(map(len, held.updates)), len(doc.get_update())))
        assert most <= 3
    assert len(await title(tmp_path, brief)) == 1 + 8_000


def _over(stored_bytes: int, snapshot: int) -> float:
    return (stored_bytes - 2 * Limits().tail_bytes - Limits().batch_updates * 40) / snapshot
