"""The Jira of these tests beside a server that knows nothing but the published document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from exporters.model import Item, Span
from tests.remotes.faults import Fault
from tests.remotes.jira_spec import document
from tests.remotes.jira_world import LINK, World, action, brief
from tests.remotes.prism import Call, Listener, bare, differing, invents_wrongly
from tests.servers import serve

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Of the document only what is called here: the whole takes half a minute to start."""
    whole = document()
    called = ("issue", "search/jql", "project", "user/assignable", "myself", "serverInfo")
    paths = {
        path: said
        for path, said in whole["paths"].items()
        if path.removeprefix("/rest/api/3/").startswith(called)
    }
    with serve.prism(bare({**whole, "paths": paths}), "/rest/api/3/serverInfo") as address:
        yield address


async def calls_of_an_export(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Everything that is said in an export, an edit, a removal, and a look for what was lost."""
    world = World()
    world.server.seed()
    listener = Listener(world.server)
    monkeypatch.setattr(world.faults, "_app", listener)
    await world.adapter.check(world.line)
    await world.adapter.places(world.line, "plan")
    await world.adapter.choices(world.line, world.place)
    linking = Item("a1", "action", (Span("x", href=f"{LINK}?sel=block:a2"),), owner="Bob")
    await world.export(brief(linking, action("a2", status="doing"), Item("p", "paragraph")))
    planned = await world.plan(brief(action("a1", status="done"), action("a3")))
    world.strike(dict.fromkeys(range(1, 9), Fault.LOSE_RESPONSE))
    await world.run(planned)
    await world.export(brief())
    return listener.heard


async def test_a_server_of_the_document_alone_takes_every_call(
    prism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is refused by it, and the status that ours gives is one that it can give."""
    heard = await calls_of_an_export(monkeypatch)
    assert {call.method for call in heard} == {"GET", "POST", "PUT", "DELETE"}
    async with httpx.AsyncClient(base_url=prism, auth=("mara", "token")) as client:
        assert not await differing(client, heard)
    assert len(heard) > 30


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("POST", "/issueLink", {}, {"type": {"name": "Relates"}}),
        ("POST", "/issue/bulkfetch", {}, {"fields": ["summary"]}),
        ("POST", "/issue/bulkfetch", {}, {"issueIdsOrKeys": "10000"}),
        ("POST", "/search/jql", {}, {"jql": 7}),
        ("POST", "/search/jql", {}, {"jql": "project = 1", "startAt": 50}),
        ("GET", "/project/search", {"orderBy": "colour"}, None),
        ("GET", "/project/search", {"startAt": "first"}, None),
    ],
)
async def test_what_it_refuses_ours_complains_of(
    prism: str, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    """Neither lets a request pass that the document does not allow."""
    async with httpx.AsyncClient(base_url=prism, auth=("mara", "token")) as client:
        address = f"/rest/api/3{path}?{urlencode(query)}"
        refused = await client.request(method, address, json=body)
    assert refused.status_code >= 400
    assert not invents_wrongly(refused)
    assert World().server.complaints(method, path, query, body) != []
