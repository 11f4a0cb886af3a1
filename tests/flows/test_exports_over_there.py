"""Exports through a connection, over a real line: status changes, long waits, lost answers, and a
server that is killed in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from backend.clock import now
from backend.connections.model import Connection
from backend.exports import drifts
from backend.settings import Settings
from backend.store.tables import export_intents
from backend.wiring import Services
from tests.flows.people import Ask, shared_space
from tests.flows.test_exports_http import ADA, ADMIN, ANN, action, paragraph
from tests.remotes import board as boards
from tests.remotes.board import Board
from tests.remotes.faults import Fault

ACTIONS = 5


@pytest.fixture
async def board() -> AsyncIterator[Board]:
    async with boards.opened() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, board: Board) -> Settings:
    return Settings(_env_file=None, **{**settings.model_dump(), **board.settings})


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    return await shared_space(ask, services, ADA, (ANN,))


class Target:
    """A brief of five actions on its way to a board; speaks as the analyst."""

    def __init__(self, ask: Ask, below: str, id: str) -> None:
        self._ask = ask
        self.below = below
        self.id = id

    async def __call__(self, method: str, path: str = "", **rest: Any) -> Any:
        answer = await self._ask(ANN, method, f"{self.below}/{self.id}{path}", **rest)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def standing(self) -> Any:
        (found,) = (await self._ask(ANN, "GET", self.below)).json()
        return found

    async def begin(self) -> str:
        plan = await self("POST", "/plan")
        run = await self("POST", "/runs", json={"checksum": plan["checksum"]})
        return str(run["id"])

    async def until(self, run: str, *states: str) -> Any:
        async with asyncio.timeout(90):
            while (found := await self("GET", f"/runs/{run}"))["state"] not in states:
                await asyncio.sleep(0.05)
        return found

    async def export(self) -> Any:
        return await self.until(await self.begin(), "done", "failed")


@pytest.fixture
async def target(ask: Ask, services: Services, space: str, board: Board) -> Target:
    connected = await ask(ADA, "POST", f"/api/spaces/{space}/connections", json=boards.CONNECTION)
    assert connected.status_code == 201, connected.text
    blocks = [paragraph("block00000", "We enter in spring.")]
    blocks += [action(f"block0000{n}", f"Step {n}", status="open") for n in range(1, ACTIONS + 1)]
    made = await services.briefs.create(ADMIN, space, "Market entry", blocks=blocks)
    below = f"/api/briefs/{made.id}/targets"
    body = {
        "kind": "trello", "name": "Plans", "connection": connected.json()["id"],
        "where": board.where,
    }  # fmt: skip
    added = await ask(ANN, "POST", below, json=body)
    assert added.status_code == 201, added.text
    board.faults.calls = 0
    return Target(ask, below, added.json()["id"])


def names(board: Board) -> list[str]:
    return sorted(card["name"] for card in board.cards)


WHOLE = sorted(["Market entry", *(f"Step {n}" for n in range(1, ACTIONS + 1))])


async def test_a_status_that_changed_over_there_is_theirs(
    target: Target, board: Board, services: Services
) -> None:
    """A card that somebody moved shows on its action, as a change over there that stays; it is
    found by polling. Nothing is written unless something changed here."""
    assert (await target.export())["state"] == "done"
    assert names(board) == WHOLE
    (card,) = [one for one in board.cards if one["name"] == "Step 2"]
    board.trello.edit(card, "idList", board.trello.list_named(board.board, "Done"))
    before = (await target.standing())["looked_at"]
    polling = asyncio.create_task(services.drifts.run(timedelta(0)))
    async with asyncio.timeout(60):
        while (found := await target.standing())["looked_at"] == before:
            await asyncio.sleep(0.05)
    polling.cancel()
    assert found["statuses"] == [{"key": "block00002", "status": "done"}]
    (item,) = [one for one in await target("GET", "/ledger") if one["key"] == "block00002"]
    assert (item["status"], item["standing"]) == ("done", "live")
    writes = len(board.trello.writes)
    assert (await target.export())["total"] == 0
    assert len(board.trello.writes) == writes


async def test_who_asks_for_a_look_is_told_that_it_was_had(
    target: Target, services: Services, space: str
) -> None:
    """Also where it found nothing: a page would wait for ever."""
    assert (await target.export())["state"] == "done"
    for _ in range(2):
        with services.hub.listening(space) as told:
            await target("POST", "/look")
            async with asyncio.timeout(60):
                while (event := await told.next()) is None or event.name != "export":
                    pass
        assert event.data["target"] == target.id


async def test_a_webhook_is_a_reason_to_look(
    target: Target, board: Board, services: Services
) -> None:
    """Of an object that we made, or of nobody knows what; not of what is none of ours. Those of one
    moment are one look."""
    await target.export()
    connection = (await target.standing())["connection"]
    (card,) = [one for one in board.cards if one["name"] == "Step 1"]
    await services.drifts.changed(connection, ["nobody's"])
    await services.drifts.changed("another", [card["id"]])
    assert await services.outbox.waiting() == 0
    await services.drifts.changed(connection, [card["id"]])
    await services.drifts.changed(connection, [])
    assert await services.outbox.waiting() == 1


async def test_a_connection_that_stalls_holds_up_no_other(
    target: Target,
    board: Board,
    services: Services,
    ask: Ask,
    space: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of its looks waits, and those through another connection are had meanwhile. When it was
    silent for too long, that is said, and it is left alone, until a person asks."""
    monkeypatch.setattr(drifts, "SILENCE", 1.0)
    board.trello.tokens.add("another")
    given = {**boards.CONNECTION, "token": "another"}
    path = f"/api/spaces/{space}/connections"
    other = (await ask(ADA, "POST", path, json=given)).json()["id"]
    stalled = [target, await another(ask, services, space, board, target)]
    well = await another(ask, services, space, board, target, connection=other)
    for one in (*stalled, well):
        assert (await one.export())["state"] == "done"
    board.silent.add(boards.TOKEN)
    before = [(await one.standing())["looked_at"] for one in (*stalled, well)]
    await services.drifts.poll(timedelta(0))
    services.worker.wake()
    most = 0
    async with asyncio.timeout(60):
        while (await well.standing())["looked_at"] == before[2]:
            most = max(most, board.waiting)
            await asyncio.sleep(0.02)
        while not (troubles := [t for one in stalled if (t := (await one.standing())["trouble"])]):
            most = max(most, board.waiting)
            await asyncio.sleep(0.02)
    assert most == board.left_waiting == 1
    assert [one["code"] for one in troubles] == ["unreachable"]
    assert await services.outbox.claim("w/1/1/1") is None  # the other one rests
    assert await services.outbox.waiting() == 1
    board.silent.clear()
    for one, at in zip(stalled, before[:2], strict=True):
        await one("POST", "/look")
        async with asyncio.timeout(60):
            while (await one.standing())["looked_at"] == at:
                await asyncio.sleep(0.02)


async def another(
    ask: Ask,
    services: Services,
    space: str,
    board: Board,
    target: Target,
    connection: str | None = None,
) -> Target:
    """A brief of its own on its way to the same board; through this connection, if one is given."""
    blocks = [action("block00001", "Hire a lead")]
    made = await services.briefs.create(ADMIN, space, "Another", blocks=blocks)
    below = f"/api/briefs/{made.id}/targets"
    through = connection or (await target.standing())["connection"]
    body = {"kind": "trello", "name": "P", "connection": through, "where": board.where}
    added = await ask(ANN, "POST", below, json=body)
    assert added.status_code == 201, added.text
    return Target(ask, below, added.json()["id"])


async def test_another_connection_is_asked_to_call_in(
    target: Target, services: Services, ask: Ask, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the one before registered over there may end with its token."""
    asked: list[str] = []

    async def watch(connection: Connection, where: object) -> bool:
        asked.append(connection.id)
        return True

    monkeypatch.setattr(services.connections, "watch", watch)
    path = f"/api/spaces/{space}/connections"
    other = (await ask(ADA, "POST", path, json=boards.CONNECTION)).json()["id"]
    await target("PATCH", json={"connection": other})
    await target("PATCH", json={"name": "Ours"})
    assert asked == [other]


async def test_a_long_wait_gives_the_worker_back(
    target: Target, board: Board, services: Services
) -> None:
    """Told to wait for a quarter of an hour, a run says until when and holds no worker; called off,
    it ends at once."""
    plan = await target("POST", "/plan")
    board.faults.calls = 0
    board.faults.faults = dict.fromkeys(range(8, 40), Fault.TOO_MANY)
    run = (await target("POST", "/runs", json={"checksum": plan["checksum"]}))["id"]
    found = await target.until(run, "waiting", "done", "failed")
    assert found["state"] == "waiting"
    assert 0 < found["done"] < found["total"]
    assert timedelta(minutes=13) < datetime.fromisoformat(found["wait_until"]) - now()
    assert "throttled" in [one["outcome"] for one in found["outcomes"]]
    shown = (await target.standing())["run"]
    assert [one["outcome"] for one in shown["outcomes"]] == ["throttled"]
    titles = {title for one in found["outcomes"] for title in one["titles"]}
    assert set(WHOLE) <= titles
    assert "" not in titles
    assert await services.outbox.claim("w/1/1/1") is None  # nobody has it, and nobody may yet
    for method, path in (("POST", "/plan"), ("DELETE", "")):
        with pytest.raises(AssertionError, match="export_runs"):
            await target(method, path)
    await target("POST", f"/runs/{run}/cancel")
    found = await target.until(run, "cancelled")
    assert found["wait_until"] is None
    assert "pending" in [one["outcome"] for one in found["outcomes"]]


async def test_a_token_that_is_revoked_midway_is_mended_and_the_run_goes_on(
    target: Target, board: Board, ask: Ask, space: str
) -> None:
    """It stops and says so; connected again, it goes on where it was, and each card is there
    once."""
    plan = await target("POST", "/plan")
    board.faults.calls = 0
    board.faults.edits = {10: board.trello.tokens.clear}
    run = (await target("POST", "/runs", json={"checksum": plan["checksum"]}))["id"]
    found = await target.until(run, "failed", "done")
    assert (found["state"], found["trouble"]["code"]) == ("failed", "not_connected")
    assert 0 < found["done"] < found["total"]
    standing = await target.standing()
    assert standing["reconnect"] is True
    board.trello.tokens.add(boards.TOKEN)
    path = f"/api/spaces/{space}/connections"
    again = {**boards.CONNECTION, "connection": standing["connection"]}
    answer = await ask(ADA, "POST", path, json=again)
    assert answer.is_success, answer.text
    await target("POST", f"/runs/{run}/resume")
    found = await target.until(run, "done", "failed")
    assert found["state"] == "done"
    assert names(board) == WHOLE
    assert board.trello.wrong == []


@pytest.mark.parametrize("fault", [Fault.LOSE_RESPONSE, Fault.BROKEN, Fault.CUT])
async def test_a_lost_answer_makes_nothing_twice(
    target: Target, board: Board, fault: Fault
) -> None:
    """Done over there and never heard of: it is found by its marker, and the rest follows."""
    plan = await target("POST", "/plan")
    board.faults.calls = 0
    board.faults.faults = dict.fromkeys((5, 9, 14), fault)
    run = (await target("POST", "/runs", json={"checksum": plan["checksum"]}))["id"]
    assert (await target.until(run, "done", "failed"))["state"] == "done"
    assert board.faults.faults == {}  # each befell a call
    assert names(board) == WHOLE
    assert (await target("POST", "/plan"))["steps"] == []


async def test_nothing_is_made_before_it_is_known_what_was(
    target: Target, board: Board, services: Services
) -> None:
    """An error that may have come after the deed: the run says that it looks, and gives its worker
    back; called off, a new plan looks first, too, and is made once the call cannot arrive."""
    plan = await target("POST", "/plan")
    board.faults.calls = 0
    board.faults.faults = {6: Fault.REFUSED}
    run = (await target("POST", "/runs", json={"checksum": plan["checksum"]}))["id"]
    found = await target.until(run, "reconciling", "done", "failed")
    assert found["state"] == "reconciling"
    assert "reconciling" in [one["outcome"] for one in found["outcomes"]]
    made = names(board)
    await target("POST", f"/runs/{run}/cancel")
    await target.until(run, "cancelled")
    with pytest.raises(AssertionError, match='"code":"reconciling"'):
        await target("POST", "/plan")
    assert names(board) == made
    async with services.store.writing() as connection:  # as if the time had passed
        since = now() - timedelta(minutes=5)
        await connection.execute(update(export_intents).values(since=since))
    assert (await target.export())["state"] == "done"
    assert names(board) == WHOLE


async def test_a_connection_is_used_in_its_own_space(target: Target, ask: Ask) -> None:
    """Also by an admin of both, and also to give a target that stands another one."""
    other = (await ask(ADA, "POST", "/api/spaces", json={"name": "Other"})).json()["id"]
    path = f"/api/spaces/{other}/connections"
    foreign = (await ask(ADA, "POST", path, json=boards.CONNECTION)).json()["id"]
    body = {"kind": "trello", "name": "P", "connection": foreign, "where": {"board": "b"}}
    for method, at in (("POST", target.below), ("PATCH", f"{target.below}/{target.id}")):
        answer = await ask(ADA, method, at, json=body)
        assert (answer.status_code, foreign in answer.text) == (404, True)
    own = (await target.standing())["connection"]
    wrong = {"kind": "jira", "name": "P", "connection": own, "where": {"project": "1"}}
    assert (await ask(ANN, "POST", target.below, json=wrong)).status_code == 409


async def test_only_the_latest_run_that_stopped_can_go_on(target: Target) -> None:
    """One that is done has nothing left; an older one was approved for what is no more."""
    run = await target.begin()
    await target.until(run, "done")
    with pytest.raises(AssertionError, match="not_resumable"):
        await target("POST", f"/runs/{run}/resume")
