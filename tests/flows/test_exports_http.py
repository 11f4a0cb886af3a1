"""Exports over HTTP: to a folder, which needs no account, from the dry run to the second press."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pycrdt
import pytest

from backend.auth.principal import Principal, Role
from backend.settings import Settings
from backend.wiring import Services
from collab import Block
from collab.model import Inline
from tests.flows.people import Ask, shared_space
from tests.flows.test_history_http import edit

ADA, ANN, CAL, VERA = "admin:ada", "analyst:ann", "commenter:cal", "viewer:vera"
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
    ada = Principal("ada", "local", "ada", frozenset({Role.ADMIN}))
    made = await services.briefs.create(
        ada,
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
    assert [one["outcome"] for one in run["outcomes"]] == ["done"]
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


def _say(body: pycrdt.XmlFragment, words: str) -> None:
    block = body.children[0]
    assert isinstance(block, pycrdt.XmlElement)
    text = block.children[0]
    assert isinstance(text, pycrdt.XmlText)
    del text[0 : len(str(text))]
    text.insert(0, words)
