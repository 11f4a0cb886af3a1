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


@pytest.mark.parametrize("kind", ["trello", "jira", "notion"])
async def test_from_a_token_to_the_second_press(
    ask: Ask, services: Services, elsewhere: Elsewhere, kind: str
) -> None:
    """Connected, placed, planned and sent; looked at and pressed again it is nothing, in whatever
    order the names of blocks stand; an edit is counted before it is sent, and sends no more than
    what changed."""
    space = await shared_space(ask, services, ADA, (ANN,))
    connection = (await connected(ask, space, given(elsewhere, kind)))["id"]
    places = (await ask(ANN, "GET", f"/api/connections/{connection}/places?q=")).json()
    keys = ("block00009", "block00005", "block00007")
    blocks = [paragraph(key, "We enter in spring.") for key in keys]
    blocks.append(action("block00002", "Hire a lead"))
    brief = (await services.briefs.create(ADMIN, space, "Market entry", blocks=blocks)).id
    below = f"/api/briefs/{brief}/targets"
    body = {"kind": kind, "name": "T", "connection": connection, "where": places[0]["where"]}
    added = await ask(ANN, "POST", below, json=body)
    assert added.status_code == 201, added.text
    at = f"{below}/{added.json()['id']}"

    async def standing() -> Any:
        return (await ask(ANN, "GET", below)).json()[0]

    async def export() -> Any:
        answer = await ask(ANN, "POST", f"{at}/plan")
        assert answer.status_code == 200, answer.text
        plan = answer.json()
        run = await ask(ANN, "POST", f"{at}/runs", json={"checksum": plan["checksum"]})
        assert run.status_code == 202, run.text
        async with asyncio.timeout(60):
            while not (found := (await ask(ANN, "GET", f"{at}/runs/{run.json()['id']}")).json())[
                "ended_at"
            ]:
                await asyncio.sleep(0.05)
        assert found["state"] == "done", found
        return plan

    first = await export()
    assert first["counts"]["create"] >= 2
    shown = await standing()
    assert shown["url"].startswith("http")
    assert (shown["changes"], shown["drift"]) == (0, {"drift": 0, "conflicts": 0, "astray": 0})
    assert (await export())["steps"] == []
    await ask(ANN, "POST", f"{at}/look")
    async with asyncio.timeout(60):
        while (found := await standing())["looked_at"] == shown["looked_at"]:
            await asyncio.sleep(0.05)
    assert (found["drift"]["drift"], found["trouble"]) == (0, None)

    await edit(services, brief, "Ann", lambda title, body: _say(body, "In autumn."))
    assert (await standing())["changes"] == 1
    again = await export()
    assert 0 < again["counts"]["writes"] < first["counts"]["writes"]
    assert (await standing())["changes"] == 0
    assert (await export())["steps"] == []


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
