"""The Notion of these tests beside a server that knows nothing but the amended document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from exporters.records import OVERVIEW, Decisions, Standing, Way
from tests.remotes import notion, notion_spec
from tests.remotes.faults import Fault
from tests.remotes.notion_world import brief, paragraph, with_rows
from tests.remotes.prism import Call, Listener, ask, bare, differing, invents_wrongly
from tests.remotes.test_notion import whole
from tests.servers import serve

pytestmark = pytest.mark.services

ID = "00000000-0000-4000-8000-000000000000"
CALLED = {
    ("GET", "/v1/users/me"),
    ("GET", "/v1/users"),
    ("POST", "/v1/search"),
    ("GET", "/v1/data_sources/{data_source_id}"),
    ("POST", "/v1/data_sources/{data_source_id}/query"),
    ("POST", "/v1/pages"),
    ("GET", "/v1/pages/{page_id}"),
    ("PATCH", "/v1/pages/{page_id}"),
    ("POST", "/v1/pages/{page_id}/move"),
    ("GET", "/v1/blocks/{block_id}"),
    ("PATCH", "/v1/blocks/{block_id}"),
    ("GET", "/v1/blocks/{block_id}/children"),
    ("PATCH", "/v1/blocks/{block_id}/children"),
}


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Of the document only what is called here, and one level of blocks within blocks: it writes
    out each level in full within the one above, and would take half a minute."""
    known = notion_spec.document()
    paths: dict[str, Any] = {}
    for method, path in CALLED:
        paths.setdefault(path, {})[method.lower()] = known["paths"][path][method.lower()]
    schemas = dict(known["components"]["schemas"])
    schemas["blockObjectRequest"] = schemas.pop("block_1")
    del schemas["block_2"]
    components = {**known["components"], "schemas": schemas}
    document = bare({**known, "paths": paths, "components": components})
    with serve.prism(document, "/v1/users/me") as address:
        yield address


@pytest.fixture
async def client(prism: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {notion.TOKEN}", "notion-version": notion.VERSION}
    async with httpx.AsyncClient(base_url=prism, headers=headers, timeout=30) as made:
        yield made


async def calls_of_an_export(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """All that is said in an export, an edit, a removal, and looks for what was lost in them."""
    world = with_rows()
    listener = Listener(world.server)
    monkeypatch.setattr(world.faults, "_app", listener)
    await world.adapter.check(world.line)
    await world.adapter.places(world.line, "plan")
    await world.adapter.choices(world.line, world.place)
    # Most writes follow a read, and a read is sent again at once where its own answer is lost.
    every_other = dict.fromkeys(range(2, 40, 2), Fault.LOSE_RESPONSE)
    planned = await world.plan(whole())
    world.strike(every_other)
    await world.run(planned)
    world.strike({})
    await world.export(whole())
    planned = await world.plan(brief(paragraph("p1", "Sales fell"), paragraph("p2", "And so on")))
    world.strike(every_other)
    await world.run(planned)
    world.strike({})
    await world.export(brief())
    world.server.move(world.ref(), "page_id", world.server.page("Archive"))
    await world.export(brief(), Decisions(ways={OVERVIEW: (Way.RESTORE, Standing.MOVED)}))
    return listener.heard


async def test_a_server_of_the_document_alone_takes_every_call(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is refused by it, and the status that ours gives is one that it can give."""
    heard = await calls_of_an_export(monkeypatch)
    assert {template(call.method, call.path) for call in heard} == CALLED
    assert not await differing(client, heard)


def template(method: str, path: str) -> tuple[str, str]:
    known = notion_spec.operation(method, path)
    assert known is not None
    return method, known[0].template


TEXT = {"rich_text": [{"text": {"content": "x"}}]}
PAGE: dict[str, Any] = {"parent": {"page_id": ID}, "properties": {}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/search", {"query": 7}),
        ("POST", f"/v1/data_sources/{ID}/query", {"page_size": "all"}),
        ("POST", "/v1/pages", {**PAGE, "parent": {"page_id": "home"}}),
        ("POST", "/v1/pages", {**PAGE, "children": [{"poem": TEXT}]}),
        ("PATCH", f"/v1/pages/{ID}", {"archived": True}),
        ("PATCH", f"/v1/pages/{ID}", {"properties": {"Sum": {"number": "7"}}}),
        ("POST", f"/v1/pages/{ID}/move", {}),
        ("PATCH", f"/v1/blocks/{ID}", {}),
        ("PATCH", f"/v1/blocks/{ID}", {"to_do": {"checked": "yes"}}),
        ("PATCH", f"/v1/blocks/{ID}/children", {"children": [{"paragraph": {}}]}),
        ("PATCH", f"/v1/blocks/{ID}/children", {"children": [{"paragraph": TEXT}], "after": ID}),
        ("PATCH", f"/v1/blocks/{ID}/children", {"children": [{"paragraph": TEXT}] * 101}),
    ],
)
async def test_what_it_refuses_ours_complains_of(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
) -> None:
    """Neither lets a request pass that the document does not allow."""
    refused = await ask(client, Call(method, path, "", body, 200))
    assert refused.status_code in (400, 422)
    assert not invents_wrongly(refused)
    known = notion_spec.operation(method, path)
    assert known is not None
    assert known[0].complaint(set(), body) is not None
