"""Templates over HTTP: those that come with us, and a space's own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import httpx
import pytest

from backend.auth.principal import Principal, Role
from backend.clock import now
from backend.templates import service
from backend.templates.builtin import TEMPLATES
from backend.wiring import Services
from collab import Block, Inline, Mark
from tests.flows.people import Ask, shared_space

ADA, ANN, BEN, VERA = "admin:ada", "analyst:ann", "analyst:ben", "viewer:vera"


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    """Ada's, with two analysts and a viewer."""
    return await shared_space(ask, services, ADA, (ANN, BEN, VERA))


def text(kind: str, words: str, **attrs: str | int | bool | None) -> Block:
    return Block("aaaaaaaaaa", kind, attrs, (Inline("text", words),))


async def brief_of(services: Services, space: str, blocks: Iterable[Block]) -> str:
    ada = Principal("ada", "local", "Ada", frozenset({Role.ADMIN}))
    return (await services.briefs.create(ada, space, "Q3", blocks=tuple(blocks))).id


async def save(ask: Ask, brief: str, name: str, who: str = ANN) -> httpx.Response:
    return await ask(who, "POST", f"/api/briefs/{brief}/template", json={"name": name})


def every(blocks: Iterable[Block]) -> list[Block]:
    return [one for block in blocks for one in (block, *every(block.children))]


async def test_ours_are_shown_before_they_are_used(ask: Ask) -> None:
    """Each tells its title and first lines; the blank one has none to tell."""
    offered = (await ask(VERA, "GET", "/api/briefs/templates")).json()
    assert [one["name"] for one in offered] == list(TEMPLATES)
    assert offered[0]["preview"] == []
    for one in offered[1:]:
        kinds = {line["kind"] for line in one["preview"]}
        assert kinds >= {"heading", "prompt", "table"}
        assert all(line["text"] for line in one["preview"])


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "blank"])
async def test_ours_fill_a_brief(ask: Ask, services: Services, space: str, name: str) -> None:
    """A brief begun with one has headings, tables of even rows, actions with an owner and a due
    day to come, and prompts that are no text of it; and all its ids are its own."""
    made = await ask(
        ANN, "POST", f"/api/spaces/{space}/briefs", json={"title": "T", "template": name}
    )
    blocks = await services.rooms.blocks(made.json()["id"])
    found = every(blocks)
    ids = [block.id for block in found]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 10 for one in ids)
    tables = [block for block in found if block.type == "table"]
    assert tables
    for one in tables:
        assert len({len(row.children) for row in one.children}) == 1
        assert {cell.type for cell in one.children[0].children} == {"tableHeader"}
    actions = [block for block in found if block.type == "action"]
    assert len(actions) >= 3
    today = now().date()
    for one in actions:
        due = date.fromisoformat(str(one.attrs["due"]))
        assert today - timedelta(days=1) <= due <= today + timedelta(days=60)
        assert one.attrs["owner"]
    prompts = [block for block in found if block.attrs.get("prompt")]
    assert len(prompts) > 5
    assert not any(block.text for block in prompts)
    assert all(block.attrs.get("origin") == "imported" for block in found if block.text)
    brief = made.json()["id"]
    report = (await ask(ANN, "GET", f"/api/briefs/{brief}/claims")).json()
    assert report["claims"] == [], "what a template says itself is no claim to be proven"


async def test_a_brief_becomes_a_template(ask: Ask, services: Services, space: str) -> None:
    """What it says is kept with its form; citations, suggestions, dates and ids are not."""
    bold = Mark("bold")
    cited = Block(
        "bbbbbbbbbb",
        "paragraph",
        {"origin": "ai"},
        (
            Inline("text", "Sales "),
            Inline("text", "grew ", (bold,)),
            Inline("citation", "", (), {"cite": "evd_1"}),
            Inline("text", "."),
            Inline("text", " Perhaps.", (Mark("insertion", {"author": "ai"}),)),
        ),
    )
    done = text("action", "Call", owner="Ann", due="2026-01-05", status="done")
    prompt = Block("cccccccccc", "paragraph", {"prompt": "Say why."})
    cell = Block("dddddddddd", "tableCell", {"colspan": 2}, (), (text("paragraph", "x"),))
    row = Block("eeeeeeeeee", "tableRow", {}, (), (cell,))
    table = Block("ffffffffff", "table", {}, (), (row,))
    brief = await brief_of(
        services, space, [text("heading", "Why", level=3), cited, done, prompt, table]
    )
    saved = await save(ask, brief, "  Our \n memo ")
    assert saved.status_code == 201
    template = saved.json()
    assert template["name"] == "Our memo"
    assert [(line["kind"], line["text"]) for line in template["preview"]] == [
        ("heading", "Why"),
        ("text", "Sales grew."),
        ("action", "Call · Ann"),
        ("prompt", "Say why."),
        ("table", "x"),
    ]
    listed = await ask(VERA, "GET", f"/api/spaces/{space}/templates")
    assert listed.json() == [template | {"changeable": False}]
    made = await ask(
        BEN, "POST", f"/api/spaces/{space}/briefs", json={"title": "T", "template": template["id"]}
    )
    assert made.status_code == 201
    why, said, call, asked, grid = await services.rooms.blocks(made.json()["id"])
    assert (why.text, why.attrs) == ("Why", {"level": 3, "origin": "imported"})
    assert [(part.type, part.text, len(part.marks)) for part in said.inline] == [
        ("text", "Sales ", 0),
        ("text", "grew", 1),
        ("text", ".", 0),
    ]
    assert said.attrs == {"origin": "imported"}
    assert call.attrs == {"owner": "Ann", "due": "", "status": "open", "origin": "imported"}
    assert asked.attrs == {"prompt": "Say why."}
    assert grid.children[0].children[0].attrs == {"colspan": 2}
    assert not {block.id for block in every([why, said, call, asked, grid])} & {
        block.id for block in every([cited, done, prompt, table])
    }


async def test_who_may(ask: Ask, services: Services, space: str) -> None:
    """Who edits saves; the maker and an admin rename and delete; a stranger learns nothing."""
    brief = await brief_of(services, space, [text("paragraph", "Words")])
    assert (await save(ask, brief, "Memo", VERA)).status_code == 403
    template = (await save(ask, brief, "Memo")).json()
    at = f"/api/templates/{template['id']}"
    for who, status in ((VERA, 403), (BEN, 403), ("analyst:nobody", 404), ("elsewhere:ada", 404)):
        assert (await ask(who, "PATCH", at, json={"name": "Mine"})).status_code == status
        assert (await ask(who, "DELETE", at)).status_code == status
    for who in ("analyst:nobody", "elsewhere:ada"):
        assert (await save(ask, brief, "Theirs", who)).status_code == 404
        listed = await ask(who, "GET", f"/api/spaces/{space}/templates")
        assert listed.status_code == 404
    (seen,) = (await ask(BEN, "GET", f"/api/spaces/{space}/templates")).json()
    assert (seen["name"], seen["changeable"]) == ("Memo", False)
    renamed = await ask(ADA, "PATCH", at, json={"name": "Memo 2"})
    assert renamed.json()["name"] == "Memo 2"
    assert (await ask(ANN, "DELETE", at)).status_code == 204
    assert (await ask(ANN, "DELETE", at)).status_code == 404
    assert (await ask(ANN, "GET", f"/api/spaces/{space}/templates")).json() == []


async def test_a_template_stays_in_its_space(ask: Ask, services: Services, space: str) -> None:
    """Another space of the same people cannot begin a brief with it, and goes without it."""
    brief = await brief_of(services, space, [text("paragraph", "Words")])
    template = (await save(ask, brief, "Memo")).json()["id"]
    other = (await ask(ADA, "POST", "/api/spaces", json={"name": "Other"})).json()["id"]
    refused = await ask(
        ADA, "POST", f"/api/spaces/{other}/briefs", json={"title": "T", "template": template}
    )
    assert refused.status_code == 422
    assert "market-entry" in refused.json()["error"]["remedy"]
    assert (await ask(ADA, "GET", f"/api/spaces/{other}/templates")).json() == []


async def test_names(ask: Ask, services: Services, space: str) -> None:
    """1 to 120 characters, once in a space; a name that is taken is told by name."""
    brief = await brief_of(services, space, [text("paragraph", "Words")])
    assert (await save(ask, brief, "x" * service.NAME)).status_code == 201
    for name in ("", " \n ", "x" * (service.NAME + 1)):
        assert (await save(ask, brief, name)).status_code == 422
    twice = await save(ask, brief, "x" * service.NAME)
    assert twice.status_code == 409
    second = (await save(ask, brief, "Second")).json()["id"]
    taken = await ask(ANN, "PATCH", f"/api/templates/{second}", json={"name": "x" * service.NAME})
    assert taken.status_code == 409
    same = await ask(ANN, "PATCH", f"/api/templates/{second}", json={"name": "Second"})
    assert same.status_code == 200


async def test_limits(
    ask: Ask, services: Services, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many blocks, bytes and templates as are allowed are kept, and one more is refused."""
    brief = await brief_of(services, space, [text("paragraph", "Words")] * 3)
    monkeypatch.setattr(service, "BLOCKS", 3)
    assert (await save(ask, brief, "One")).status_code == 201
    monkeypatch.setattr(service, "BLOCKS", 2)
    many = await save(ask, brief, "Two")
    assert many.status_code == 413
    assert "3 blocks" in many.json()["error"]["message"]
    monkeypatch.setattr(service, "BLOCKS", 3)
    monkeypatch.setattr(service, "BYTES", 50)
    assert (await save(ask, brief, "Two")).status_code == 413
    monkeypatch.setattr(service, "BYTES", 1_000)
    monkeypatch.setattr(service, "TEMPLATES_IN_A_SPACE", 2)
    assert (await save(ask, brief, "Two")).status_code == 201
    full = await save(ask, brief, "Three")
    assert full.status_code == 422
    assert "2 templates" in full.json()["error"]["message"]


async def test_an_empty_brief_is_a_template_too(ask: Ask, services: Services, space: str) -> None:
    """What begins with it has a block to write in."""
    brief = await brief_of(services, space, [Block("", "paragraph")])
    template = (await save(ask, brief, "Empty")).json()
    assert template["preview"] == []
    made = await ask(
        ANN, "POST", f"/api/spaces/{space}/briefs", json={"title": "T", "template": template["id"]}
    )
    blocks = await services.rooms.blocks(made.json()["id"])
    assert [block.type for block in blocks] == ["paragraph"]
