"""The Trello of these tests beside a server that knows nothing but the published document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from tests.remotes import trello
from tests.remotes.faults import Fault
from tests.remotes.prism import Call, Listener, ask, bare, differing, invents_wrongly
from tests.remotes.trello_world import DOCUMENT, SIMPLE, World, action, brief, paragraph
from tests.servers import serve

pytestmark = pytest.mark.services

ID = "0" * 24
SECRETS = {"key": trello.KEY, "token": trello.TOKEN}


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Of the document only what is called here: it is checked whole before the first answer."""
    if not DOCUMENT.exists():
        pytest.skip(f"no {DOCUMENT}; name its folder in STRATMASTER_TEST_SPECS")
    whole = json.loads(DOCUMENT.read_text())
    known = {template for _, (_, template), _ in trello.routes()}
    paths = {path: said for path, said in whole["paths"].items() if path.rstrip("/") in known}
    for call in (paths["/cards"]["post"], paths["/cards/{id}"]["put"]):
        for parameter in call["parameters"]:
            if parameter["name"] == "due":
                del parameter["schema"]["format"]  # a date, where its own examples show times
    document = bare({**whole, "paths": paths})
    with serve.prism(document, f"/checklists/{ID}?{urlencode(SECRETS)}") as address:
        yield address


@pytest.fixture
async def client(prism: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=prism, timeout=30) as made:
        yield made


def published(call: Call) -> Call:
    """The document has in the query what we say in a body, and the secrets of the header too."""
    said = {**dict(parse_qsl(call.query)), **(call.body or {}), **SECRETS}
    plain = {name: _plain(value) for name, value in said.items()}
    return call._replace(
        path=call.path.removeprefix("/1"), query=urlencode(plain), body=None, said=None
    )


def _plain(value: Any) -> str:
    """Short enough for an address, where it has to stand here."""
    return value[:1_000] if isinstance(value, str) else json.dumps(value)


def opened(calls: Iterable[Call]) -> Iterator[Call]:
    """With what a batch asks for beside it: to the document that is one text."""
    for call in calls:
        yield call
        if call.path == "/1/batch":
            urls = dict(parse_qsl(call.query))["urls"].split(",")
            for url, answer in zip(urls, call.said, strict=True):
                path, _, query = url.partition("?")
                status = 200 if "200" in answer else answer["statusCode"]
                yield Call("GET", path, query, None, status)


def route(method: str, path: str) -> tuple[tuple[str, str], dict[str, str]]:
    """The template of a call, and what its path holds."""
    for pattern, template, _ in trello.routes():
        if template[0] == method and (found := pattern.fullmatch(path.removeprefix("/1"))):
            return template, found.groupdict()
    raise AssertionError(f"{method} {path} is not served")


async def calls_of_an_export(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """All that is said in an export, an edit, a removal, and looks for what was lost in them."""
    world = World()
    listener = Listener(world.server)
    monkeypatch.setattr(world.faults, "_app", listener)
    await world.adapter.check(world.line)
    await world.adapter.places(world.line, "plan")
    await world.adapter.choices(world.line, world.place)
    planned = await world.plan(SIMPLE)
    world.strike({5: Fault.LOSE_RESPONSE})  # after four cards, the checklist
    await world.run(planned)
    world.mapping["label"] = world.server.label(world.board, "Plan")
    moved = action("a1", "Call them", owner="Alice Adams", due=date(2026, 5, 1), status="done")
    long = paragraph("p2", "longer " * 2_600)
    planned = await world.plan(brief(long, moved, action("a4", "Ask"), title="Plan"))
    # Most writes follow a read, and a read is sent again at once where its own answer is lost.
    world.strike(dict.fromkeys(range(2, 30, 2), Fault.LOSE_RESPONSE))
    await world.run(planned)
    world.strike({})
    world.mapping["label"] = ""
    await world.export(brief(paragraph("p2", "shorter " * 2_500), moved))
    await world.export(brief())
    return listener.heard


async def test_a_server_of_the_document_alone_takes_every_call(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is refused by it, and the status that ours gives is one that it can give."""
    heard = list(opened(await calls_of_an_export(monkeypatch)))
    made = {route(call.method, call.path)[0] for call in heard}
    assert made == {template for _, template, _ in trello.routes()}
    # Its words allow here a user name and several fields, its schemas neither.
    left_out = ("GET", "/members/{id}/boards")
    sent = [call for call in heard if route(call.method, call.path)[0] != left_out]
    assert not await differing(client, map(published, sent))


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/batch", {}),
        ("POST", "/cards", {"name": "Call the bank"}),
        ("POST", "/cards", {"idList": ID, "pos": "middle"}),
        ("POST", "/cards", {"idList": ID, "dueComplete": "perhaps"}),
        ("PUT", f"/cards/{ID}", {"closed": "perhaps"}),
        ("PUT", f"/cards/{ID}", {"pos": "middle"}),
        ("PUT", "/cards/first", {"closed": True}),
        ("POST", f"/cards/{ID}/actions/comments", {}),
        ("PUT", f"/cards/{ID}/checkItem/{ID}", {"state": "perhaps"}),
        ("POST", f"/checklists/{ID}/checkItems", {"checked": True}),
        ("PUT", f"/checklists/{ID}", {"pos": "middle"}),
        ("POST", "/checklists", {"name": "Actions"}),
        ("PUT", f"/actions/{ID}", {}),
    ],
)
async def test_what_it_refuses_ours_complains_of(
    client: httpx.AsyncClient, method: str, path: str, said: dict[str, Any]
) -> None:
    """Neither lets a request pass that the document does not allow."""
    refused = await ask(client, published(Call(method, path, "", said, 200)))
    assert refused.status_code == 422
    assert not invents_wrongly(refused)
    template, where = route(method, path)
    assert list(trello.document(DOCUMENT).asked(*template, where, said)) != []
