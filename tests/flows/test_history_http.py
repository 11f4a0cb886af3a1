"""The history of a brief over HTTP: saved by itself and by name, told apart, had again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pycrdt
import pytest
from sqlalchemy import delete, insert, update

from backend import clock
from backend.auth.principal import Principal, Role
from backend.history import service
from backend.history.policy import EVERY
from backend.store.tables import brief_snapshots, brief_updates, brief_versions, briefs, members
from backend.store.updates import SqlUpdates, begin
from backend.wiring import Services
from collab import Access, seed, wire
from collab.blocks import project
from collab.memory import MemoryChannel

Edit = Callable[[pycrdt.Text, pycrdt.XmlFragment], None]


class Time:
    """The clock of history, which stands until it is moved on."""

    def __init__(self) -> None:
        self.at = clock.now()

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, time: timedelta) -> None:
        self.at += time


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(service, "now", time)
    return time


@pytest.fixture
async def brief(client: httpx.AsyncClient, time: Time) -> str:
    space = (await client.post("/api/spaces", json={"name": "Space"})).json()["id"]
    made = await client.post(f"/api/spaces/{space}/briefs", json={"title": "Plan"})
    identity: str = made.json()["id"]
    return identity


async def edit(services: Services, brief: str, name: str, change: Edit) -> None:
    """Visit the brief's room as a person of this name, change it, and leave once it is saved."""
    channel = MemoryChannel()
    visit = asyncio.create_task(
        services.rooms.visit(brief, channel, access=Access.WRITE, subject="local/you")
    )
    stored = await SqlUpdates(services.store).load(brief)
    assert stored is not None
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    for piece in stored.updates:
        doc.apply_update(piece)
    state = doc.get_state()
    with doc.transaction():
        change(doc.get("title", type=pycrdt.Text), doc.get("body", type=pycrdt.XmlFragment))
    said = json.dumps({"user": {"name": name}}).encode()
    channel.client_send(wire.hello(""))
    channel.client_send(wire.step_1(b"\0"))
    channel.client_send(wire.presences([wire.Presence(doc.client_id, 1, said)]))
    channel.client_send(wire.update(doc.get_update(state)))
    while (message := await asyncio.wait_for(channel.client_receive(), 10)) != wire.saved(1):
        assert message is not None, channel.closed
    channel.client_leave()
    await asyncio.wait_for(visit, 10)


async def rested(services: Services, brief: str) -> None:
    """Wait until the room has told what follows from the last edit."""
    room = services.rooms._open_room(brief)
    assert room is not None
    while not room.settling.done:
        await asyncio.sleep(0.01)


def paragraph(identity: str, words: str) -> Edit:
    def change(title: pycrdt.Text, body: pycrdt.XmlFragment) -> None:
        element = body.children.append(pycrdt.XmlElement("paragraph", {"id": identity}))
        element.children.append(pycrdt.XmlText(words))

    return change


def retitle(words: str) -> Edit:
    def change(title: pycrdt.Text, body: pycrdt.XmlFragment) -> None:
        title += words

    return change


async def write(services: Services, brief: str, name: str, change: Edit) -> None:
    await edit(services, brief, name, change)
    await rested(services, brief)


async def versions(client: httpx.AsyncClient, brief: str) -> list[dict[str, Any]]:
    response = await client.get(f"/api/briefs/{brief}/versions")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["versions"]
    return found


async def test_a_brief_begins_with_a_version_and_is_saved_as_it_is_edited(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Its making is the first; an edit after a pause is one at once, with who and what."""
    (first,) = await versions(client, brief)
    assert (first["number"], first["kind"], first["summary"]) == (1, "auto", "")
    assert first["editors"] == [{"subject": "you", "name": "You"}]
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "Prices fell."))
    second, _ = await versions(client, brief)
    assert second["editors"] == [{"subject": "you", "name": "Ann"}]
    assert second["summary"] == "1 paragraph added"


async def test_who_goes_on_waits_and_who_joins_does_not(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Within five minutes the same person makes no version more; another makes one at once."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "One."))
    await write(services, brief, "Ann", paragraph("b2", "Two."))
    assert [one["number"] for one in await versions(client, brief)] == [2, 1]
    await write(services, brief, "Bo", paragraph("b3", "Three."))
    latest = (await versions(client, brief))[0]
    assert [one["name"] for one in latest["editors"]] == ["Ann", "Bo"]
    assert latest["summary"] == "2 paragraphs added"
    time.pass_(EVERY)
    await write(services, brief, "Bo", retitle(" B"))
    assert (await versions(client, brief))[0]["summary"] == "Title changed"


async def test_what_waits_is_saved_when_its_time_comes(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """The last words before a pause are in a version although nobody edits any more."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "One."))
    time.pass_(EVERY - timedelta(milliseconds=50))
    await write(services, brief, "Ann", paragraph("b2", "Two."))
    assert len(await versions(client, brief)) == 2
    time.pass_(timedelta(milliseconds=100))
    while len(found := await versions(client, brief)) == 2:
        await asyncio.sleep(0.02)
    assert found[0]["summary"] == "1 paragraph added"
    assert services.history._waiting == {}


async def test_what_was_edited_before_a_stop_is_saved_after_it(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Edits that wait for their version are known to the store, and taken up at the next start."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "One."))
    await write(services, brief, "Ann", paragraph("b2", "Two."))
    await services.history.close()
    services.history._waiting.clear()
    await services.history.resume()
    (waiting,) = services.history._waiting
    assert waiting == brief
    time.pass_(EVERY)
    await services.history._look(brief, "spc")
    latest = (await versions(client, brief))[0]
    assert (latest["number"], latest["summary"]) == (3, "1 paragraph added")


async def test_a_brief_that_is_older_than_histories_gets_one_before_its_next_edit(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """At the start after an update it is saved as it stands, so that no edit can take it away."""
    async with services.store.writing() as connection:
        await connection.execute(delete(brief_versions))
    await services.history.resume()
    while not (found := await versions(client, brief)):
        await asyncio.sleep(0.02)
    assert [(one["number"], one["kind"], one["editors"]) for one in found] == [(1, "auto", [])]
    time.pass_(EVERY)
    await write(services, brief, "Ann", retitle(" B"))
    said = (await client.get(f"/api/briefs/{brief}/versions/1")).json()
    assert said["title"] == "Plan"
    await services.history.resume()
    assert len(await versions(client, brief)) == 2


async def test_typed_and_taken_back_is_no_version(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """What leaves the brief as it was leaves its history as it was."""
    time.pass_(EVERY)

    def back(title: pycrdt.Text, body: pycrdt.XmlFragment) -> None:
        title.insert(0, "x")
        del title[0:1]

    await write(services, brief, "Ann", back)
    assert len(await versions(client, brief)) == 1
    time.pass_(EVERY)
    assert await services.history._rows.editors(brief) == frozenset()


async def test_a_version_is_saved_named_renamed_and_unnamed(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """A name is put on the state there is, on the last version where that is the same."""
    path = f"/api/briefs/{brief}/versions"
    await write(services, brief, "Ann", paragraph("b1", "One."))
    saved = await client.post(path, json={"name": "  For the \n board "})
    assert saved.status_code == 201
    assert saved.json() | {"at": "", "bytes": 0} == {
        "number": 2, "at": "", "kind": "named", "name": "For the board", "restored": None,
        "editors": [{"subject": "you", "name": "Ann"}], "summary": "1 paragraph added",
        "bytes": 0,
    }  # fmt: skip
    again = await client.post(path, json={"name": "Again"})
    assert again.status_code == 409
    assert "For the board" in again.json()["error"]["message"]
    assert (await client.post(path, json={})).json()["number"] == 2
    renamed = await client.put(f"{path}/2/name", json={"name": "Sent"})
    assert renamed.json()["name"] == "Sent"
    unnamed = await client.put(f"{path}/2/name", json={"name": None})
    assert (unnamed.json()["name"], unnamed.json()["kind"]) == (None, "auto")
    assert (await client.post(path, json={"name": "Sent"})).json()["number"] == 2
    assert len(await versions(client, brief)) == 2


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
async def test_a_name_that_cannot_be(client: httpx.AsyncClient, brief: str, name: str) -> None:
    """None, or one past 120 characters: refused with the way out; 120 are taken."""
    path = f"/api/briefs/{brief}/versions"
    for response in (
        await client.post(path, json={"name": name}),
        await client.put(f"{path}/1/name", json={"name": name}),
    ):
        assert response.status_code == 422
        assert response.json()["error"]["remedy"]
    assert (await client.post(path, json={"name": "x" * 120})).status_code == 201


async def test_so_many_names_and_no_more(
    client: httpx.AsyncClient, services: Services, brief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit of named versions one more is refused, however it would get its name; automatic
    ones go on."""
    monkeypatch.setattr(service, "NAMED", 1)
    path = f"/api/briefs/{brief}/versions"
    assert (await client.post(path, json={"name": "One"})).status_code == 201
    refused = await client.post(path, json={"name": "Two"})
    assert refused.status_code == 422
    assert "Take the name" in refused.json()["error"]["remedy"]
    await write(services, brief, "Ann", paragraph("b1", "One."))
    unnamed = (await client.post(path, json={})).json()["number"]
    assert (await client.put(f"{path}/{unnamed}/name", json={"name": "Two"})).status_code == 422
    assert (await client.put(f"{path}/1/name", json={"name": "First"})).status_code == 200
    assert (await client.post(path, json={})).status_code == 201


async def test_versions_are_listed_by_pages_with_what_they_take(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """The latest first, a page at a time, with how many there are and their size in the store."""
    for n in range(4):
        time.pass_(EVERY)
        await write(services, brief, "Ann", paragraph(f"b{n}", f"Words {n}."))
    path = f"/api/briefs/{brief}/versions"
    page = (await client.get(path, params={"limit": 3})).json()
    assert [one["number"] for one in page["versions"]] == [5, 4, 3]
    assert (page["more"], page["total"]) == (True, 5)
    rest = (await client.get(path, params={"limit": 3, "before": 3})).json()
    assert [one["number"] for one in rest["versions"]] == [2, 1]
    assert rest["more"] is False
    assert page["bytes"] == sum(one["bytes"] for one in (*page["versions"], *rest["versions"]))
    assert (await client.get(path, params={"limit": 101})).status_code == 422


async def test_versions_are_told_apart_and_from_now(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Between two, from nothing, and from one to the brief as it reads now."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "Prices fell by 3 %."))

    def correct(title: pycrdt.Text, body: pycrdt.XmlFragment) -> None:
        element = body.children[len(body.children) - 1]
        assert isinstance(element, pycrdt.XmlElement)
        text = element.children[0]
        assert isinstance(text, pycrdt.XmlText)
        at = str(text).index("3")
        del text[at : at + 1]
        text.insert(at, "4")

    await write(services, brief, "Ann", correct)
    path = f"/api/briefs/{brief}/versions/difference"
    found = (await client.get(path, params={"before": 2})).json()
    assert (found["before"], found["after"]) == (2, None)
    assert found["summary"] == "1 paragraph changed"
    row = found["rows"][-1]
    assert (row["block"], row["label"]) == ("b1", "Paragraph changed")
    assert [(run["how"], run["text"]) for run in row["runs"]] == [
        ("same", "Prices fell by "), ("deleted", "3"), ("inserted", "4"), ("same", " %."),
    ]  # fmt: skip
    assert (await client.get(path, params={"before": 1, "after": 2})).json()["summary"] == (
        "1 paragraph added"
    )
    assert (await client.get(path, params={"after": 1})).json()["rows"][0]["change"] == "added"


async def test_a_version_is_had_again_as_it_stood(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Its text and its update are those of then, whatever was edited since."""
    for n in range(3):
        time.pass_(EVERY)
        await write(services, brief, "Ann", paragraph(f"b{n}", f"Words {n}."))
    path = f"/api/briefs/{brief}/versions/3"
    text = (await client.get(path)).json()
    assert text["number"] == 3
    assert [block["id"] for block in text["blocks"]][-2:] == ["b0", "b1"]
    assert text["blocks"][-1]["inline"][0]["text"] == "Words 1."
    update = await client.get(f"{path}/update")
    assert update.headers["content-type"] == "application/octet-stream"
    assert [block.id for block in project([update.content]).blocks][-2:] == ["b0", "b1"]


async def test_a_restored_version_says_so(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """What the page made of an old version is marked, also when it was saved by itself first."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "One."))

    def without(title: pycrdt.Text, body: pycrdt.XmlFragment) -> None:
        del body.children[len(body.children) - 1]

    time.pass_(EVERY)
    await write(services, brief, "Ann", without)
    path = f"/api/briefs/{brief}/versions"
    marked = (await client.post(path, json={"restored": 1})).json()
    assert (marked["number"], marked["kind"], marked["restored"]) == (3, "restore", 1)
    assert (await client.post(path, json={"restored": 9})).status_code == 404
    await write(services, brief, "Ann", paragraph("b2", "Two."))
    fresh = (await client.post(path, json={"restored": 2})).json()
    assert (fresh["number"], fresh["kind"], fresh["summary"]) == (4, "restore", "1 paragraph added")


@pytest.mark.parametrize("path", ["9", "9/update", "difference?before=9", "difference?after=9"])
async def test_a_version_that_is_not_there(
    client: httpx.AsyncClient, brief: str, path: str
) -> None:
    """404 that names it."""
    response = await client.get(f"/api/briefs/{brief}/versions/{path}")
    assert response.status_code == 404
    assert "'9'" in response.json()["error"]["message"]
    assert (await client.get(f"/api/briefs/{brief}/versions/{2**40}")).status_code == 422


async def test_who_may_read_sees_versions_and_who_may_edit_names_them(
    client: httpx.AsyncClient, services: Services, brief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer reads every version and saves none; a stranger finds no brief."""
    reads = ["", "/1", "/1/update", "/difference?after=1"]
    changes = [("POST", "", {"name": "x"}), ("PUT", "/1/name", {"name": "x"})]
    found, _ = await services.briefs.get(
        Principal("you", "local", roles=frozenset({Role.ADMIN})), brief
    )
    async with services.store.writing() as connection:
        await connection.execute(
            insert(members).values(space=found.space, subject="vi", role="viewer")
        )
    for subject, tenant, reading, changing in (
        ("vi", "local", 200, 403),
        ("stranger", "elsewhere", 404, 404),
    ):
        asking = Principal(subject, tenant)

        async def authenticate(asking: Principal = asking, **_: object) -> Principal:
            return asking

        monkeypatch.setattr(services.authenticator, "authenticate", authenticate, raising=False)
        path = f"/api/briefs/{brief}/versions"
        for one in reads:
            assert (await client.get(path + one)).status_code == reading, (subject, one)
        for method, one, body in changes:
            response = await client.request(method, path + one, json=body)
            assert response.status_code == changing, (subject, one)


async def test_old_versions_are_let_go_and_the_rest_stand(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """After two days an hour has one version, which tells of all its edits, and reads as it did."""
    for n in range(14):
        time.pass_(EVERY)
        await write(services, brief, "Ann" if n % 2 else "Bo", paragraph(f"b{n}", f"Words {n}."))
    before = {
        one["number"]: (await client.get(f"/api/briefs/{brief}/versions/{one['number']}")).json()
        for one in await versions(client, brief)
    }
    assert len(before) == 15
    time.pass_(timedelta(days=2))
    await write(services, brief, "Ann", paragraph("last", "Last."))
    kept = await versions(client, brief)
    assert 3 <= len(kept) <= 5
    assert {kept[0]["number"], kept[-1]["number"]} == {16, 1}
    for one in kept[1:]:
        now = (await client.get(f"/api/briefs/{brief}/versions/{one['number']}")).json()
        assert now["blocks"] == before[one["number"]]["blocks"]
    added = sum(int(one["summary"].split()[0]) for one in kept if one["summary"])
    assert added == 15
    assert {e["name"] for one in kept[1:-1] for e in one["editors"]} == {"Ann", "Bo"}


async def test_a_brief_that_was_rebuilt_keeps_the_versions_of_before(
    client: httpx.AsyncClient, services: Services, brief: str, time: Time
) -> None:
    """Under another epoch it is another document: its versions begin a chain of their own."""
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b1", "Of before."))
    await services.rooms.evict(brief)
    async with services.store.writing() as connection:
        await connection.execute(update(briefs).where(briefs.c.id == brief).values(epoch="another"))
        for table in (brief_updates, brief_snapshots):
            await connection.execute(delete(table).where(table.c.brief == brief))
        await begin(connection, brief, seed("Rebuilt", []))
    time.pass_(EVERY)
    await write(services, brief, "Ann", paragraph("b2", "Of after."))
    assert [one["number"] for one in await versions(client, brief)] == [3, 2, 1]
    path = f"/api/briefs/{brief}/versions"
    titles = [(await client.get(f"{path}/{number}")).json()["title"] for number in (1, 2, 3)]
    assert titles == ["Plan", "Plan", "Rebuilt"]
    assert (await services.history._rows.whole(brief)) == {1, 3}


async def test_versions_saved_at_once_are_saved_one_by_one(
    client: httpx.AsyncClient, services: Services, brief: str
) -> None:
    """Ten who save the same state at once: one version of it, and nobody is refused."""
    await write(services, brief, "Ann", paragraph("b1", "One."))
    saved = await asyncio.gather(
        *(client.post(f"/api/briefs/{brief}/versions", json={}) for _ in range(10))
    )
    assert {one.status_code for one in saved} == {201}
    assert {one.json()["number"] for one in saved} == {2}


async def test_a_deleted_brief_takes_its_history_along(
    client: httpx.AsyncClient, services: Services, brief: str
) -> None:
    """Nothing of it is left in the store."""
    await write(services, brief, "Ann", paragraph("b1", "One."))
    assert (await client.delete(f"/api/briefs/{brief}")).status_code == 204
    assert (await client.get(f"/api/briefs/{brief}/versions")).status_code == 404
    assert (await services.history._rows.size(brief)).versions == 0
    assert await services.history._rows.pending() == []
