"""Exports over HTTP: to a folder, which needs no account, from the dry run to the second press."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pycrdt
import pytest
from PIL import Image
from sqlalchemy import insert

from backend.auth.principal import Principal, Role
from backend.clock import now
from backend.exports import compared, targets
from backend.settings import Settings
from backend.store.tables import evidence
from backend.wiring import Services
from collab import Block
from collab.model import Inline
from exporters.folder import Folder
from tests.flows.people import Ask, shared_space
from tests.flows.test_history_http import edit

ADA, ANN, CAL, VERA = "admin:ada", "analyst:ann", "commenter:cal", "viewer:vera"
ADMIN = Principal("ada", "local", "ada", frozenset({Role.ADMIN}))
STRANGER, ELSEWHERE = "analyst:sid", "elsewhere:eve"


def paragraph(id: str, text: str) -> Block:
    return Block(id, "paragraph", inline=(Inline("text", text=text),))


def action(id: str, text: str, **attrs: str) -> Block:
    return Block(id, "action", attrs=attrs, inline=(Inline("text", text=text),))


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    return await shared_space(ask, services, ADA, (ANN, CAL, VERA))


@pytest.fixture
async def brief(services: Services, space: str) -> str:
    made = await services.briefs.create(
        ADMIN,
        space,
        "Market entry",
        blocks=[
            paragraph("block00001", "We enter in spring."),
            action("block00002", "Hire a lead", status="open", owner="Ann"),
        ],
    )
    return made.id


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.exports / "Briefs"


Press = Callable[..., Awaitable[Any]]


@pytest.fixture
def at(ask: Ask, brief: str) -> Press:
    """Asks below the brief's targets as the analyst: ``await at("POST", "/tgt/plan")``."""

    async def send(
        method: str, path: str = "", *, who: str = ANN, status: int | None = None, **rest: Any
    ) -> Any:
        answer = await ask(who, method, f"/api/briefs/{brief}/targets{path}", **rest)
        if status is None:
            assert answer.is_success, answer.text
        else:
            assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    return send


async def add(at: Press, **rest: Any) -> str:
    body = {"kind": "folder", "name": "Reports", "where": {"folder": "Briefs"}, **rest}
    return str((await at("POST", json=body))["id"])


async def over(at: Press, target: str, run: str) -> Any:
    """The run, once it has come to its end."""
    async with asyncio.timeout(60):
        while (found := await at("GET", f"/{target}/runs/{run}"))["ended_at"] is None:
            await asyncio.sleep(0.02)
    return found


async def export(at: Press, target: str) -> tuple[Any, Any]:
    """Plan, approve, and wait: the plan and the run."""
    plan = await at("POST", f"/{target}/plan")
    run = await at("POST", f"/{target}/runs", json={"checksum": plan["checksum"]})
    return plan, await over(at, target, run["id"])


def files(folder: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in folder.glob("*.md")} if folder.exists() else {}


async def test_the_second_press_does_nothing(
    at: Press, folder: Path, services: Services, brief: str
) -> None:
    """A dry run sends nothing, an export what it showed, another nothing; an edit goes after."""
    target = await add(at)
    plan = await at("POST", f"/{target}/plan")
    assert plan["counts"]["create"] == 1
    assert files(folder) == {}
    plan, run = await export(at, target)
    assert (run["state"], run["done"], run["total"], run["actor"]) == ("done", 1, 1, "ann")
    assert [(one["outcome"], one["titles"]) for one in run["outcomes"]] == [
        ("done", ["Market entry"])
    ]
    ((name, text),) = files(folder).items()
    assert "We enter in spring." in text
    written = (folder / name).stat().st_mtime_ns

    plan, run = await export(at, target)
    assert (plan["steps"], plan["counts"]["writes"], run["total"]) == ([], 0, 0)
    assert (folder / name).stat().st_mtime_ns == written

    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn, rather."))
    (listed,) = await at("GET")
    assert (listed["changes"], listed["exported_by"]) == (1, "ann")
    plan, run = await export(at, target)
    assert plan["counts"]["update"] == 1
    assert "In autumn, rather." in files(folder)[name]
    (listed,) = await at("GET")
    assert (listed["changes"], listed["drift"]) == (0, {"drift": 0, "conflicts": 0, "astray": 0})


async def test_what_did_not_change_is_not_rendered_anew(
    at: Press, services: Services, brief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page asks how a brief stands each time it hears of something; only what was edited here, or
    found over there, is rendered for it."""
    rendered = 0
    render = Folder.render

    def counted(self: Folder, *given: Any) -> Any:
        nonlocal rendered
        rendered += 1
        return render(self, *given)

    target = await add(at)
    await export(at, target)
    monkeypatch.setattr(Folder, "render", counted)
    for _ in range(3):
        assert [one["changes"] for one in await at("GET")] == [0]
    assert rendered <= 1
    before = rendered
    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn."))
    for _ in range(3):
        assert [one["changes"] for one in await at("GET")] == [1]
    assert rendered == before + 1
    monkeypatch.setattr(compared, "KEPT", 0)
    for _ in range(2):
        await at("GET")
    assert rendered == before + 2


def _say(body: pycrdt.XmlFragment, words: str) -> None:
    block = body.children[0]
    assert isinstance(block, pycrdt.XmlElement)
    text = block.children[0]
    assert isinstance(text, pycrdt.XmlText)
    del text[0 : len(str(text))]
    text.insert(0, words)


def rewrite(folder: Path, old: str, new: str) -> None:
    """As a person edits the file over there."""
    ((name, text),) = files(folder).items()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


async def looked(at: Press, target: str, since: str | None) -> Any:
    """The target, once it was looked at again."""
    await at("POST", f"/{target}/look")
    async with asyncio.timeout(60):
        while (found := (await at("GET"))[0])["looked_at"] == since:
            await asyncio.sleep(0.02)
    return found


async def test_what_changed_over_there_is_shown_and_stays(at: Press, folder: Path) -> None:
    """A look finds it, nothing is sent over it, and the ledger says what it became."""
    target = await add(at)
    await export(at, target)
    rewrite(folder, "in spring", "in May")
    (before,) = await at("GET")
    found = await looked(at, target, before["looked_at"])
    assert found["drift"] == {"drift": 1, "conflicts": 0, "astray": 0}
    assert found["changes"] == 0
    (item,) = await at("GET", f"/{target}/ledger")
    ((part),) = item["drift"]
    assert (part["label"], "in May" in part["theirs"]) == ("Text", True)
    plan, run = await export(at, target)
    assert (plan["counts"]["drift"], plan["steps"], run["state"]) == (1, [], "done")
    ((_, text),) = files(folder).items()
    assert "in May" in text


@pytest.mark.parametrize(("choice", "stays"), [("ours", "In autumn."), ("theirs", "in May")])
async def test_a_conflict_is_decided_once(
    at: Press, folder: Path, services: Services, brief: str, choice: str, stays: str
) -> None:
    """Changed on both sides: nothing is sent until somebody says whose words stand; after that
    another press makes no call, and theirs never takes away ours."""
    target = await add(at)
    await export(at, target)
    rewrite(folder, "in spring", "in May")
    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn."))
    plan = await at("POST", f"/{target}/plan")
    assert (plan["counts"]["conflict"], plan["steps"]) == (1, [])
    (part,) = [one for item in plan["items"] for one in item["parts"]]
    assert ("in spring" in part["base"], "In autumn" in part["ours"]) == (True, True)
    decision = {
        "key": "overview", "part": part["part"], "choice": choice, "theirs": part["theirs_value"],
    }  # fmt: skip
    await at("POST", f"/{target}/decisions", json={"parts": [decision]})
    _, run = await export(at, target)
    assert run["state"] == "done"
    ((_, text),) = files(folder).items()
    assert stays in text
    again = await at("POST", f"/{target}/plan")
    assert (again["counts"]["conflict"], again["counts"]["drift"], again["steps"]) == (0, 0, [])
    (listed,) = await at("GET")
    assert (listed["changes"], listed["drift"]["drift"]) == (0, 0)
    assert (await services.rooms.projection(brief)).blocks[0].inline[0].text == "In autumn."


async def test_what_asks_for_no_call_is_settled_once_it_is_decided(
    at: Press, folder: Path, services: Services, brief: str
) -> None:
    """Theirs is kept without an export, for good: it is asked again only once one side changes."""
    target = await add(at)
    _, run = await export(at, target)
    rewrite(folder, "in spring", "in May")
    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn."))
    plan = await at("POST", f"/{target}/plan")
    (part,) = [one for item in plan["items"] for one in item["parts"]]
    decision = {
        "key": "overview", "part": "text", "choice": "theirs", "theirs": part["theirs_value"],
    }  # fmt: skip
    await at("POST", f"/{target}/decisions", json={"parts": [decision]})
    plan = await at("POST", f"/{target}/plan")
    assert (plan["counts"]["conflict"], plan["counts"]["keep"], plan["steps"]) == (0, 1, [])
    (listed,) = await at("GET")
    assert (listed["run"]["id"], listed["changes"]) == (run["id"], 0)
    rewrite(folder, "in May", "in June")
    plan = await at("POST", f"/{target}/plan")
    assert plan["counts"]["drift"] == 1


async def test_a_decision_stands_for_what_was_seen(at: Press, folder: Path) -> None:
    """Where they write on after it was taken, it is asked again, and nothing of theirs is lost."""
    target = await add(at)
    await export(at, target)
    rewrite(folder, "in spring", "in May")
    plan = await at("POST", f"/{target}/plan")
    (part,) = [one for item in plan["items"] for one in item["parts"]]
    decision = {
        "key": "overview", "part": "text", "choice": "ours", "theirs": part["theirs_value"],
    }  # fmt: skip
    await at("POST", f"/{target}/decisions", json={"parts": [decision]})
    rewrite(folder, "in May", "in June")
    plan, _ = await export(at, target)
    assert (plan["counts"]["drift"], plan["steps"]) == (1, [])
    ((_, text),) = files(folder).items()
    assert "in June" in text


async def test_only_what_was_approved_is_sent(
    at: Press, folder: Path, services: Services, brief: str
) -> None:
    """Edited here or over there after the dry run: refused with what it would now come to."""
    target = await add(at)
    plan = await at("POST", f"/{target}/plan")
    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn."))
    body = {"checksum": plan["checksum"]}
    refused = await at("POST", f"/{target}/runs", json=body, status=409)
    assert refused["error"]["code"] == "plan_changed"
    assert "1 create" in refused["error"]["message"]
    assert files(folder) == {}
    await export(at, target)
    await edit(services, brief, "Ann", lambda title, body: _say(body, "At once."))
    plan = await at("POST", f"/{target}/plan")
    assert plan["counts"]["update"] == 1
    rewrite(folder, "In autumn", "In winter")
    body = {"checksum": plan["checksum"]}
    refused = await at("POST", f"/{target}/runs", json=body, status=409)
    assert "1 conflict" in refused["error"]["message"]
    ((_, text),) = files(folder).items()
    assert "In winter" in text


async def test_who_may_export(at: Press, ask: Ask, brief: str) -> None:
    """Readers see where it went; only analysts plan, send and decide. Others see nothing."""
    target = await add(at)
    _, run = await export(at, target)
    for who in (CAL, VERA):
        assert (await at("GET", who=who))[0]["id"] == target
        await at("GET", f"/{target}/ledger", who=who)
        await at("GET", f"/{target}/runs", who=who)
    runs = f"/{target}/runs"
    for method, path, body in (
        ("POST", "", {"kind": "folder", "name": "F", "where": {"folder": "F"}}),
        ("PATCH", f"/{target}", {"name": "F"}),
        ("DELETE", f"/{target}", None),
        ("POST", f"/{target}/plan", None),
        ("POST", f"/{target}/look", None),
        ("POST", f"/{target}/decisions", {}),
        ("POST", runs, {"checksum": "x"}),
        ("POST", f"{runs}/{run['id']}/cancel", None),
        ("POST", f"{runs}/{run['id']}/resume", None),
    ):
        for who, status in ((CAL, 403), (VERA, 403), (STRANGER, 404), (ELSEWHERE, 404)):
            await at(method, path, json=body, who=who, status=status)
    for path in ("", f"/{target}/ledger", runs, f"{runs}/{run['id']}"):
        for who in (STRANGER, ELSEWHERE):
            await at("GET", path, who=who, status=404)


async def test_a_target_is_reached_through_its_own_brief(
    at: Press, ask: Ask, services: Services, space: str, brief: str
) -> None:
    """By both ids: through another brief it is not there, unless the space remembers it."""
    target = await add(at)
    _, run = await export(at, target)
    other = (await ask(ADA, "POST", f"/api/spaces/{space}/briefs", json={"title": "B"})).json()
    below = f"/api/briefs/{other['id']}/targets"
    for method, path in (
        ("GET", f"{target}/ledger"), ("GET", f"{target}/runs/{run['id']}"),
        ("POST", f"{target}/plan"), ("DELETE", target),
    ):  # fmt: skip
        assert (await ask(ANN, method, f"{below}/{path}")).status_code == 404
    assert (await ask(ANN, "GET", below)).json() == []
    await at("PATCH", f"/{target}", json={"remember": "space"})
    (shared,) = (await ask(ANN, "GET", below)).json()
    assert (shared["id"], shared["remember"], shared["run"]) == (target, "space", None)
    # Its runs are each brief's own.
    assert (await ask(ANN, "GET", f"{below}/{target}/runs/{run['id']}")).status_code == 404


async def test_what_was_made_stays_when_its_target_goes(at: Press, folder: Path) -> None:
    """Nothing over there is touched, and it says how much stays; added again, nothing is made
    twice."""
    target = await add(at)
    await export(at, target)
    before = files(folder)
    assert await at("DELETE", f"/{target}") == {"left": 1}
    assert files(folder) == before
    assert await at("GET") == []
    await at("POST", f"/{target}/plan", status=404)
    assert await add(at, name="Again") == target
    plan = await at("POST", f"/{target}/plan")
    assert (plan["counts"]["keep"], plan["steps"]) == (1, [])


async def test_what_was_made_stays_when_its_brief_goes(
    at: Press, ask: Ask, folder: Path, brief: str
) -> None:
    await export(at, await add(at))
    before = files(folder)
    assert (await ask(ANN, "DELETE", f"/api/briefs/{brief}")).status_code == 204
    assert files(folder) == before


async def test_one_place_is_one_target(at: Press) -> None:
    """Added twice, by two at once or for the space as well, it stays one: two would make all
    twice."""
    one = {"kind": "folder", "name": "F", "where": {"folder": "Briefs"}}
    first, second = await asyncio.gather(
        *(at("POST", json=one, status=None) for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(end, AssertionError) for end in (first, second)) == 1
    refused = await at("POST", json={**one, "remember": "space"}, status=409)
    assert refused["error"]["code"] == "target_doubled"
    other = await add(at, where={"folder": "Other"})
    assert len(await at("GET")) == 2
    assert other in [found["id"] for found in await at("GET")]


async def test_targets_have_limits(at: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each limit it is kept, and refused one past it, by name."""
    await add(at, name="n" * targets.NAME)
    for name in ("", " ", "n" * (targets.NAME + 1)):
        body = {"kind": "folder", "name": name, "where": {"folder": "X"}}
        await at("POST", json=body, status=422)
    room = targets.CHOICES - len('{"folder":"Y","x":""}')
    body = {"kind": "folder", "name": "Y", "where": {"folder": "Y", "x": "x" * (room + 1)}}
    await at("POST", json=body, status=422)
    await add(at, where={"folder": "Y", "x": "x" * room})
    monkeypatch.setattr(targets, "TARGETS", 3)
    await add(at, where={"folder": "Z"})
    body = {"kind": "folder", "name": "Ä", "where": {"folder": "Ä"}}
    refused = await at("POST", json=body, status=422)
    assert "3 targets" in refused["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"kind": "gopher"}, 422, "gopher"),
        ({"kind": "folder", "connection": "con_1"}, 422, "without a connection"),
        ({"kind": "trello"}, 422, "needs a connection"),
        ({"kind": "trello", "connection": "con_1"}, 404, "con_1"),
        ({"kind": "folder", "where": {}}, 422, "names its folder"),
        ({"kind": "folder", "where": {"folder": ""}}, 422, "names its folder"),
    ],
)
async def test_a_target_that_leads_nowhere_is_refused(
    at: Press, body: dict[str, object], status: int, said: str
) -> None:
    refused = await at("POST", json={"name": "F", "where": {"folder": "F"}, **body}, status=status)
    assert said in refused["error"]["message"]


@pytest.mark.parametrize("folder", ["..", "../x", "/etc", "a/b", ".git", "a\\b"])
async def test_a_folder_lies_below_its_root(at: Press, settings: Settings, folder: str) -> None:
    """Whatever it is called, nothing is written outside."""
    target = await add(at, where={"folder": folder})
    answer = await at("POST", f"/{target}/plan", status=422)
    assert answer["error"]["code"] == "bad_mapping"
    assert not settings.exports.exists()


async def test_more_archives_than_the_limit_need_a_second_yes(
    at: Press, client: httpx.AsyncClient, services: Services, space: str, brief: str, folder: Path
) -> None:
    """Eleven pictures go out and are taken out of the brief: only a yes to that archives them."""
    picture = io.BytesIO()
    Image.new("RGB", (2, 2)).save(picture, "PNG")
    file = ("p.png", picture.getvalue())
    answer = await client.post(f"/api/spaces/{space}/images", files={"file": file})
    source = answer.json()["src"]
    await edit(services, brief, "Ann", lambda title, body: _pictures(body, source, 11))
    target = await add(at)
    plan, _ = await export(at, target)
    assert plan["counts"]["create"] == 12
    await edit(services, brief, "Ann", lambda title, body: _without_pictures(body, 11))
    plan = await at("POST", f"/{target}/plan")
    assert (plan["counts"]["archive"], plan["needs_yes"], plan["archives_limit"]) == (11, True, 10)
    approval = {"checksum": plan["checksum"]}
    refused = await at("POST", f"/{target}/runs", json=approval, status=409)
    assert refused["error"]["code"] == "unsafe_plan"
    assert "11" in refused["error"]["message"]
    run = await at("POST", f"/{target}/runs", json={**approval, "archives": True})
    assert (await over(at, target, run["id"]))["state"] == "done"
    assert len(list((folder / "Archive").iterdir())) == 11


async def test_a_picture_of_another_space_stays_there(
    at: Press, ask: Ask, services: Services, space: str, brief: str, folder: Path
) -> None:
    """Whoever exports may see it; those who see this space's targets may not."""
    other = await shared_space(ask, services, ADA, (ANN,))
    shown = []
    for of, size in ((other, (2, 2)), (space, (3, 3))):
        picture = io.BytesIO()
        Image.new("RGB", size).save(picture, "PNG")
        file = ("p.png", picture.getvalue())
        shown.append(await ask(ADA, "POST", f"/api/spaces/{of}/images", files={"file": file}))
    foreign, own = (one.json()["src"] for one in shown)
    assert (await ask(ANN, "GET", foreign)).status_code == 200
    target = await add(at)
    await edit(services, brief, "Ann", lambda title, body: _pictures(body, foreign, 1))
    plan = await at("POST", f"/{target}/plan")
    assert [one["kind"] for one in plan["items"]] == ["file"]
    await edit(services, brief, "Ann", lambda title, body: _pictures(body, own, 1))
    plan = await at("POST", f"/{target}/plan")
    assert [one["kind"] for one in plan["items"]] == ["file", "picture/png"]


def _pictures(body: pycrdt.XmlFragment, source: str, many: int) -> None:
    for number in range(many):
        attributes = {"id": f"picture{number:03}", "src": source, "alt": "P"}
        body.children.append(pycrdt.XmlElement("image", attributes))


def _without_pictures(body: pycrdt.XmlFragment, many: int) -> None:
    for _ in range(many):
        del body.children[len(body.children) - 1]


async def test_evidence_goes_out_as_the_asker_may_see_it(
    at: Press, ask: Ask, services: Services, space: str, folder: Path
) -> None:
    """What a citation of another space rests on stays there; what is stale here is announced."""
    other = await shared_space(ask, services, ADA, ())
    async with services.store.writing() as connection:
        for id, of, quote in (("cit_here", space, "Sales grew."), ("cit_there", other, "Secret!")):
            await connection.execute(
                insert(evidence).values(
                    id=id, tenant="local", space=of, source="src_gone", source_title="Study",
                    version="v", version_number=1, start=0, end=1, quote=quote, quote_hash="h",
                    created_at=now(), created_by="ada",
                )
            )  # fmt: skip
    cited = [Inline("citation", attrs={"cite": id}) for id in ("cit_here", "cit_there")]
    made = await services.briefs.create(
        ADMIN, space, "Cited", blocks=[Block("block00001", "paragraph", inline=tuple(cited))]
    )
    below = f"/api/briefs/{made.id}/targets"
    body = {"kind": "folder", "name": "F", "where": {"folder": "Briefs"}}
    target = (await ask(ANN, "POST", below, json=body)).json()["id"]
    plan = (await ask(ANN, "POST", f"{below}/{target}/plan")).text
    assert "Sales grew." in plan
    assert "Secret!" not in plan
    assert [loss["what"] for loss in json.loads(plan)["losses"]][:2] == [
        "Reference 2 goes out only as a number: you may not see the evidence, or it is not known "
        "here any more.",
        "Reference 1 goes out although the source was deleted.",
    ]
    approval = {"checksum": json.loads(plan)["checksum"]}
    run = (await ask(ANN, "POST", f"{below}/{target}/runs", json=approval)).json()["id"]
    async with asyncio.timeout(60):
        while not files(folder):
            await asyncio.sleep(0.02)
    ((_, text),) = files(folder).items()
    assert "Sales grew." in text
    assert "Secret!" not in text
    async with asyncio.timeout(60):
        while (await ask(ANN, "GET", f"{below}/{target}/runs/{run}")).json()["ended_at"] is None:
            await asyncio.sleep(0.02)
    (item,) = (await ask(ANN, "GET", f"{below}/{target}/ledger")).json()
    assert item["stale"] is True
    assert (await at("GET")) == []
