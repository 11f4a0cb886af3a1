"""One brief to each kind of target, from the token to the second press, over a real line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from backend.settings import Settings
from backend.store.tables import connections
from backend.wiring import Services
from tests.flows.people import Ask, shared_space
from tests.flows.test_connections_http import TRELLO, connected, jira
from tests.flows.test_exports_http import ADA, ADMIN, ANN, _say, action, paragraph
from tests.flows.test_history_http import edit
from tests.remotes import elsewhere as outside
from tests.remotes.elsewhere import Elsewhere
from tests.remotes.jira import DOING

NOTION_TOKEN = "ntn_internal-secret"


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    async with outside.opened("http://127.0.0.1:9") as opened:  # nobody signs in
        opened.notion.token = NOTION_TOKEN
        opened.notion.page("Plans")
        opened.trello.board("Plans")
        yield opened


@pytest.fixture
def settings(settings: Settings, elsewhere: Elsewhere) -> Settings:
    told = {**outside.settings_of(elsewhere), "public_url": "https://briefs.example.com"}
    return Settings(_env_file=None, **{**settings.model_dump(), **told})


def given(elsewhere: Elsewhere, kind: str) -> dict[str, Any]:
    match kind:
        case "jira":
            return jira(elsewhere)
        case "notion":
            return {"kind": "notion", "token": NOTION_TOKEN}
        case _:
            return TRELLO


class Ship:
    """One brief on its way to one place; speaks as the analyst."""

    def __init__(self, ask: Ask, brief: str, target: str) -> None:
        self.brief = brief
        self._ask = ask
        self._below = f"/api/briefs/{brief}/targets"
        self._at = f"{self._below}/{target}"

    async def standing(self) -> Any:
        return (await self._ask(ANN, "GET", self._below)).json()[0]

    async def ledger(self) -> dict[str, Any]:
        made = (await self._ask(ANN, "GET", f"{self._at}/ledger")).json()
        return {one["key"]: one for one in made}

    async def export(self) -> Any:
        """The plan that was carried out."""
        answer = await self._ask(ANN, "POST", f"{self._at}/plan")
        assert answer.status_code == 200, answer.text
        plan = answer.json()
        run = await self._ask(ANN, "POST", f"{self._at}/runs", json={"checksum": plan["checksum"]})
        assert run.status_code == 202, run.text
        path = f"{self._at}/runs/{run.json()['id']}"
        async with asyncio.timeout(60):
            while not (found := (await self._ask(ANN, "GET", path)).json())["ended_at"]:
                await asyncio.sleep(0.05)
        assert found["state"] == "done", found
        return plan

    async def look(self) -> Any:
        before = (await self.standing())["looked_at"]
        await self._ask(ANN, "POST", f"{self._at}/look")
        async with asyncio.timeout(60):
            while (found := await self.standing())["looked_at"] == before:
                await asyncio.sleep(0.05)
        assert found["trouble"] is None
        return found


async def placed(ask: Ask, services: Services, elsewhere: Elsewhere, kind: str) -> Ship:
    """Connected, and given the first place that there is."""
    space = await shared_space(ask, services, ADA, (ANN,))
    connection = (await connected(ask, space, given(elsewhere, kind)))["id"]
    places = (await ask(ANN, "GET", f"/api/connections/{connection}/places?q=")).json()
    blocks = [paragraph("block00001", "We enter in spring."), action("block00002", "Hire a lead")]
    brief = (await services.briefs.create(ADMIN, space, "Market entry", blocks=blocks)).id
    body = {"kind": kind, "name": "T", "connection": connection, "where": places[0]["where"]}
    added = await ask(ANN, "POST", f"/api/briefs/{brief}/targets", json=body)
    assert added.status_code == 201, added.text
    return Ship(ask, brief, added.json()["id"])


@pytest.mark.parametrize("kind", ["trello", "jira", "notion"])
async def test_from_a_token_to_the_second_press(
    ask: Ask, services: Services, elsewhere: Elsewhere, kind: str
) -> None:
    """Connected, placed, planned and sent; looked at and pressed again it is nothing; an edit is
    counted before it is sent, and sends no more than what changed."""
    ship = await placed(ask, services, elsewhere, kind)
    first = await ship.export()
    assert first["counts"]["create"] >= 2
    shown = await ship.standing()
    assert shown["url"].startswith("http")
    assert (shown["changes"], shown["drift"]) == (0, {"drift": 0, "conflicts": 0, "astray": 0})
    assert (await ship.export())["steps"] == []
    assert (await ship.look())["drift"]["drift"] == 0

    await edit(services, ship.brief, "Ann", lambda title, body: _say(body, "In autumn."))
    assert (await ship.standing())["changes"] == 1
    again = await ship.export()
    assert 0 < again["counts"]["writes"] < first["counts"]["writes"]
    assert (await ship.standing())["changes"] == 0
    assert (await ship.export())["steps"] == []


def starts_and_renames(elsewhere: Elsewhere, kind: str) -> None:
    """A person over there begins the action, and calls the overview otherwise."""
    if kind == "jira":
        for issue in elsewhere.jira.issues.values():
            if issue.fields["summary"] == "Hire a lead":
                elsewhere.jira.edit(issue, status=DOING)
            else:
                elsewhere.jira.edit(issue, summary="Theirs")
        return
    for card in elsewhere.trello.cards.values():
        if card["name"] == "Hire a lead":
            doing = elsewhere.trello.list_named(card["idBoard"], "Doing")
            elsewhere.trello.edit(card, "idList", doing)
        else:
            elsewhere.trello.edit(card, "name", "Theirs")


@pytest.mark.parametrize("kind", ["trello", "jira"])
async def test_a_status_shows_on_its_action_and_a_text_is_drift(
    ask: Ask, services: Services, elsewhere: Elsewhere, kind: str
) -> None:
    """Both as their change, by what they are called there. Neither gets into the brief, nor is
    written over by the next export."""
    ship = await placed(ask, services, elsewhere, kind)
    await ship.export()
    before = await services.rooms.projection(ship.brief)
    starts_and_renames(elsewhere, kind)
    found = await ship.look()
    assert found["statuses"] == [{"key": "block00002", "status": "doing"}]
    assert (found["changes"], found["drift"]["drift"]) == (0, 2)
    made = await ship.ledger()
    assert (made["block00002"]["status"], made["overview"]["status"]) == ("doing", None)
    (theirs,) = (part["theirs"] for part in made["overview"]["drift"])
    assert theirs == "Theirs"
    assert (await ship.export())["steps"] == []
    assert await services.rooms.projection(ship.brief) == before
    assert (await ship.look())["drift"]["drift"] == 2


async def test_a_place_is_at_the_site_that_its_connection_leads_to(
    ask: Ask, services: Services, elsewhere: Elsewhere
) -> None:
    """Two Jira sites number their issues alike: what was exported to one is not looked for, nor
    written over, in another."""
    space = await shared_space(ask, services, ADA, (ANN,))
    first, second = [(await connected(ask, space, jira(elsewhere)))["id"] for _ in range(2)]
    path = f"/api/connections/{first}/places?q="
    where = (await ask(ANN, "GET", path)).json()[0]["where"]
    brief = (await services.briefs.create(ADMIN, space, "Market entry")).id
    below = f"/api/briefs/{brief}/targets"
    body = {"kind": "jira", "name": "T", "connection": first, "where": where}
    beta = {**where, "site": "https://beta.atlassian.net"}
    refused = await ask(ANN, "POST", below, json={**body, "where": beta})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "another_site")
    target = (await ask(ANN, "POST", below, json=body)).json()["id"]

    async def through(connection: str) -> int:
        change = {"connection": connection}
        return (await ask(ANN, "PATCH", f"{below}/{target}", json=change)).status_code

    assert await through(second) == 200
    async with services.store.writing() as rows:
        account = {"name": "Export", "id": "1", "url": "https://beta.atlassian.net"}
        await rows.execute(
            update(connections).where(connections.c.id == first).values(account=account)
        )
    assert await through(first) == 409
