"""Exports by whole processes: one killed in the middle of a call, another that goes on."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.settings import Url
from backend.store.engine import open_store
from tests.flows.test_server_process import ROOT, environment
from tests.remotes import board as boards
from tests.remotes.board import Board

PATIENCE = 120  # seconds; a worker that went silent is waited for for half a minute


@pytest.fixture
async def board() -> AsyncIterator[Board]:
    async with boards.opened() as opened:
        yield opened


@asynccontextmanager
async def process(*arguments: str, env: dict[str, str]) -> AsyncIterator[tuple[Any, str]]:
    """A process of the product and its first line; killed at the end if it still runs."""
    begun = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend", *arguments, cwd=ROOT, env=env,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert begun.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await begun.stdout.readline()).decode().strip()
        assert line.startswith("StratMaster"), line
        yield begun, line
    finally:
        if begun.returncode is None:
            begun.kill()
        await begun.wait()


@asynccontextmanager
async def serving(env: dict[str, str]) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    async with (
        process("serve", "--port", "0", env=env) as (begun, line),
        httpx.AsyncClient(base_url=line.split()[-1], timeout=60, trust_env=False) as client,
    ):
        yield begun, client


def told(folder: Path, board: Board, **more: str) -> dict[str, str]:
    to = {f"STRATMASTER_{name.upper()}": value for name, value in board.settings.items()}
    return environment(folder, **to, **more)


async def asked(client: httpx.AsyncClient, method: str, path: str, **rest: Any) -> Any:
    answer = await client.request(method, path, **rest)
    assert answer.is_success, answer.text
    return answer.json()


async def approved(client: httpx.AsyncClient, board: Board) -> tuple[str, list[str]]:
    """A brief with actions whose export was approved: the path of its run, and what was shown."""
    space = (await asked(client, "POST", "/api/spaces", json={"name": "S"}))["id"]
    body = {"title": "Entry", "template": "decision-memo"}
    brief = (await asked(client, "POST", f"/api/spaces/{space}/briefs", json=body))["id"]
    connections = f"/api/spaces/{space}/connections"
    connection = (await asked(client, "POST", connections, json=boards.CONNECTION))["id"]
    body = {"kind": "trello", "name": "Plans", "connection": connection, "where": board.where}
    targets = f"/api/briefs/{brief}/targets"
    target = (await asked(client, "POST", targets, json=body))["id"]
    plan = await asked(client, "POST", f"{targets}/{target}/plan")
    board.hold = "POST /1/cards"
    approval = {"checksum": plan["checksum"]}
    run = await asked(client, "POST", f"{targets}/{target}/runs", json=approval)
    titles = sorted(item["title"] for item in plan["items"] if item["kind"] == "card")
    return f"{targets}/{target}/runs/{run['id']}", titles


async def over(client: httpx.AsyncClient, run: str) -> Any:
    async with asyncio.timeout(PATIENCE):
        while (found := await asked(client, "GET", run))["ended_at"] is None:
            await asyncio.sleep(0.1)
    return found


def names(board: Board) -> list[str]:
    return sorted(card["name"] for card in board.cards)


async def test_a_server_killed_in_the_middle_of_a_call_goes_on(
    tmp_path: Path, board: Board
) -> None:
    """kill -9 after a card was made and before anybody heard of it: the next start finds it, makes
    the rest, and nothing twice."""
    env = told(tmp_path, board)
    async with serving(env) as (server, client):
        run, titles = await approved(client, board)
        async with asyncio.timeout(PATIENCE):
            await board.held.wait()
        server.kill()
        await server.wait()
    assert 0 < len(board.cards) < len(titles)
    async with serving(env) as (_, client):
        found = await over(client, run)
        assert (found["state"], found["done"]) == ("done", found["total"])
        assert names(board) == titles
        plan = await asked(client, "POST", f"{run.rpartition('/runs')[0]}/plan")
        assert plan["steps"] == []


@pytest.mark.services
async def test_another_worker_goes_on_for_one_that_died(
    tmp_path: Path, board: Board, postgres_url: str
) -> None:
    """Of two workers on one database one dies in the middle of a call; the other makes the rest."""
    async with open_store(Url(postgres_url), tmp_path, migrate=True):
        pass
    shared = {
        "STRATMASTER_DATABASE_URL": postgres_url,
        "STRATMASTER_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    server = told(tmp_path / "server", board, **shared, STRATMASTER_JOBS_WORKERS="0")
    first, second = (told(tmp_path / name, board, **shared) for name in ("one", "two"))
    async with (
        serving(server) as (_, client),
        process("worker", env=first) as (dying, _),
    ):
        run, titles = await approved(client, board)
        async with asyncio.timeout(PATIENCE):
            await board.held.wait()
        async with process("worker", env=second):
            dying.kill()
            await dying.wait()
            found = await over(client, run)
        assert (found["state"], found["done"]) == ("done", found["total"])
    assert names(board) == titles
