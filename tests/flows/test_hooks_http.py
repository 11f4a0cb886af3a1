"""What calls in from Jira, Notion and Trello: heard where it is signed, and once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from backend.app import create_app
from backend.clock import now
from backend.connections.hooks import Hooks
from backend.connections.model import Hook
from backend.connections.secrets import FILE, Keys
from backend.connections.watching import LASTS, OF_APP, Watching
from backend.errors import NotFound
from backend.limits import SMALL
from backend.settings import Settings
from backend.store.connections import StoredConnections
from backend.store.webhooks import StoredHooks
from backend.wiring import Services
from tests.flows.people import Ask, shared_space
from tests.flows.signing_in import elsewhere, oidc
from tests.flows.signing_in import settings as signing_in
from tests.flows.test_connections_http import (
    ADA,
    ANN,
    TRELLO,
    connected,
    jira,
    listed,
    signed_in,
)
from tests.flows.test_exports_http import ADMIN, action
from tests.remotes.elsewhere import PUBLIC, SECRETS, Elsewhere

__all__ = ["elsewhere", "oidc", "signing_in"]  # fixtures, by name

BOARD = "5f" * 12
TRELLO_SECRET = "trello-power-up-secret"


class Drifts:
    """Writes down what it is told; fails by order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.failures = 0

    async def changed(self, connection: str, refs: Sequence[str]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the database went away")
        self.told.append((connection, tuple(refs)))


@pytest.fixture
def settings(signing_in: Settings) -> Settings:
    """A server that can be reached from elsewhere."""
    return signing_in.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
def drifts() -> Drifts:
    return Drifts()


@pytest.fixture
def stored(services: Services) -> StoredConnections:
    return StoredConnections(services.store, Keys.kept(services.settings.data_dir / FILE))


@pytest.fixture
def kept(services: Services) -> StoredHooks:
    return StoredHooks(services.store, Keys.kept(services.settings.data_dir / FILE))


@pytest.fixture
async def calling(
    services: Services, drifts: Drifts, kept: StoredHooks
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls in from outside: nobody is signed in, and the server goes by another name there."""
    hooks = Hooks(kept, drifts, services.settings)
    transport = httpx.ASGITransport(
        app=create_app(replace(services, hooks=hooks)),
        client=("203.0.113.9", 1),
        raise_app_exceptions=False,
    )
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
        yield client


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    return await shared_space(ask, services, ADA, (ANN,))


def websub(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def trello_signature(secret: str, url: str, body: bytes) -> str:
    digest = hmac.new(secret.encode(), body + url.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def bearer(secret: str, head: dict[str, Any] | None = None, **claims: Any) -> str:
    def part(said: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()

    signed = f"{part(head or {'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"Bearer {signed}." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def issue_event(issue: str = "10001", **more: Any) -> bytes:
    event = {"webhookEvent": "jira:issue_updated", "issue": {"id": issue, "key": "PLAN-1"}}
    return json.dumps({**event, **more}).encode()


def card_event(card: str, action: str = "a1") -> bytes:
    data = {"card": {"id": card}, "board": {"id": BOARD}}
    return json.dumps({"action": {"id": action, "type": "updateCard", "data": data}}).encode()


def page_event(page: str, delivery: str = "e1") -> bytes:
    entity = {"id": page, "type": "page"}
    return json.dumps({"id": delivery, "type": "page.content_updated", "entity": entity}).encode()


async def listening(ask: Ask, connection: str, method: str = "GET") -> dict[str, Any]:
    response = await ask(ADA, method, f"/api/connections/{connection}/hook")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


async def test_jira_by_hand(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient, drifts: Drifts
) -> None:
    """An admin enters our address and secret in Jira. What it signs is heard, each once; the secret
    is told no longer once it was used."""
    made = (await connected(ask, space, jira(elsewhere)))["id"]
    path = f"/api/hooks/{made}"
    assert (await calling.post(path, content=issue_event())).status_code == 410
    begun = await listening(ask, made, "POST")
    assert (begun["url"], begun["by_hand"], begun["heard"]) == (f"{PUBLIC}{path}", True, False)
    secret = begun["secret"]
    assert (await listening(ask, made))["secret"] == secret

    body = issue_event()
    signature = websub(secret, body)
    for headers, content in (
        ({}, body),
        ({"x-hub-signature": "sha256="}, body),
        ({"x-hub-signature": websub("another", body)}, body),
        ({"x-hub-signature": websub("", body)}, body),
        ({"x-hub-signature": signature.replace("sha256", "sha1")}, body),
        ({"x-hub-signature": signature}, body + b" "),
        ({"x-hub-signature": signature[:-1]}, body),
        ({"x-hub-signature": "sha256=\u00e9"}, body),
    ):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        refused = await calling.post(path, content=content, headers=raw)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_signed")
        assert secret not in refused.text
    assert drifts.told == []

    for name in ("d1", "d1", "d2"):
        headers = {"x-hub-signature": signature, "x-atlassian-webhook-identifier": name}
        assert (await calling.post(path, content=body, headers=headers)).status_code == 200
    assert drifts.told == [(made, ("10001",))] * 2
    heard = await listening(ask, made)
    assert (heard["heard"], heard["secret"]) == (True, "")


async def test_notion_by_hand(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient, drifts: Drifts
) -> None:
    """The first message brings what signs the others; nobody can bring another one later."""
    elsewhere.notion.token = "ntn_secret"
    made = (await connected(ask, space, {"kind": "notion", "token": "ntn_secret"}))["id"]
    path = f"/api/hooks/{made}"
    shake = json.dumps({"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"})
    assert (await calling.post(path, content=shake)).status_code == 410
    assert (await listening(ask, made, "POST"))["secret"] == ""
    body = page_event("page-1")
    unshaken = await calling.post(
        path, content=body, headers={"x-notion-signature": websub("", body)}
    )
    assert unshaken.status_code == 403
    assert (await calling.post(path, content=shake)).status_code == 200
    token = (await listening(ask, made))["secret"]
    assert token == json.loads(shake)["verification_token"]
    other = json.dumps({"verification_token": "secret_of-somebody-else"})
    assert (await calling.post(path, content=other)).status_code == 403
    signed = {"x-notion-signature": websub(token, body)}
    for _ in range(2):
        assert (await calling.post(path, content=body, headers=signed)).status_code == 200
    assert drifts.told == [(made, ("page-1",))]
    assert (await listening(ask, made))["secret"] == ""


async def test_a_secret_that_cannot_be_opened_is_not_agreed_on_anew(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    calling: httpx.AsyncClient,
    drifts: Drifts,
    services: Services,
    stored: StoredConnections,
) -> None:
    """With another key nothing is heard until the right one is back; nobody can bring a token of
    theirs meanwhile."""
    elsewhere.notion.token = "ntn_secret"
    made = (await connected(ask, space, {"kind": "notion", "token": "ntn_secret"}))["id"]
    path = f"/api/hooks/{made}"
    await listening(ask, made, "POST")
    for token, status in (("secret_first", 200), ("secret_second", 403)):
        shake = json.dumps({"verification_token": token})
        assert (await calling.post(path, content=shake)).status_code == status
    other = StoredHooks(services.store, Keys([bytes(32)]))
    await other.hook(await stored.one("local", made), lambda hook: hook, "sealed with another key")
    for body in (shake, page_event("p1")):
        answer = await calling.post(
            path, content=body, headers={"x-notion-signature": websub("", page_event("p1"))}
        )
        assert answer.status_code == 503
    assert (await ask(ADA, "GET", f"/api/connections/{made}/hook")).status_code == 503
    assert drifts.told == []
    assert (await listening(ask, made, "POST"))["secret"] == ""


async def test_trello_signs_its_address_too(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient, drifts: Drifts
) -> None:
    """It asks the address first; a call that was signed for another address is none."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    path = f"/api/hooks/{made}"
    for method in ("HEAD", "GET"):
        assert (await calling.request(method, path)).status_code == 200
        assert (await calling.request(method, "/api/hooks/con_0")).status_code == 404
    body = card_event("c1")
    for url in (f"{PUBLIC}/api/hooks/con_0", "", PUBLIC):
        headers = {"x-trello-webhook": trello_signature(TRELLO_SECRET, url, body)}
        assert (await calling.post(path, content=body, headers=headers)).status_code == 403
    right = {"x-trello-webhook": trello_signature(TRELLO_SECRET, PUBLIC + path, body)}
    for _ in range(2):
        assert (await calling.post(path, content=body, headers=right)).status_code == 200
    assert drifts.told == [(made, ("c1",))]
    assert (await listening(ask, made))["secret"] == ""  # it is Trello's, and not ours to tell


async def test_what_its_application_registered_at_jira(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    calling: httpx.AsyncClient,
    drifts: Drifts,
    services: Services,
    stored: StoredConnections,
) -> None:
    """One address for all; the token that comes along was made with the application's secret, and
    the ids tell whose it is."""
    made = [(await signed_in(ask, space, elsewhere, "jira"))["id"] for _ in range(2)]
    for one, key in zip(made, ("PLAN", "OPS"), strict=True):
        elsewhere.jira.tokens |= {(await stored.held("local", one)).credentials.token}
        assert await services.connections.watch(await stored.one("local", one), {"key": key})
    first, second = elsewhere.jira_hooks
    path, secret = f"/api/hooks/{OF_APP}", SECRETS["atlassian_client_secret"]
    assert {one["url"] for one in elsewhere.jira_hooks.values()} == {f"{PUBLIC}{path}"}
    assert elsewhere.jira_hooks[first]["jqlFilter"] == 'project = "PLAN"'
    body = issue_event(matchedWebhookIds=[second])
    past = (now() - timedelta(minutes=10)).timestamp()
    for forged in (
        "",
        "Bearer x",
        bearer("another-secret"),
        bearer(""),
        bearer(secret, {"alg": "none"}).rpartition(".")[0] + ".",
        bearer(secret, {"alg": "none"}),
        bearer(secret, {"alg": "RS256"}),
        bearer(secret, exp=past),
        bearer(secret, exp="soon"),
        bearer(secret).replace("Bearer", "Basic"),
        "Bearer " + base64.urlsafe_b64encode(b"[" * 20_001).decode() + ".e30.e30",
    ):
        refused = await calling.post(path, content=body, headers={"authorization": forged})
        assert refused.status_code == 403, forged
    good = bearer(secret, exp=(now() + timedelta(minutes=3)).timestamp())
    for _ in range(2):
        answer = await calling.post(
            path,
            content=body,
            headers={"authorization": good, "x-atlassian-webhook-identifier": "d1"},
        )
        assert answer.status_code == 200
    assert drifts.told == [(made[1], ("10001",))]
    both = issue_event(matchedWebhookIds=[first, second, 99])
    await calling.post(path, content=both, headers={"authorization": good})
    assert {one for one, _ in drifts.told[1:]} == set(made)


async def test_a_call_that_was_cut_off_here_comes_again(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient, drifts: Drifts
) -> None:
    """It is noted only once it was told: a failure of ours loses nothing."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    body = card_event("c1")
    signature = trello_signature(TRELLO_SECRET, f"{PUBLIC}/api/hooks/{made}", body)
    drifts.failures = 1
    answers = [
        await calling.post(
            f"/api/hooks/{made}", content=body, headers={"x-trello-webhook": signature}
        )
        for _ in range(3)
    ]
    assert [one.status_code for one in answers] == [500, 200, 200]
    assert drifts.told == [(made, ("c1",))]


async def test_calls_that_cannot_be_read(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient, drifts: Drifts
) -> None:
    """Signed or not: too much, no JSON, or JSON of another shape; a body at the limit is taken."""
    made = (await connected(ask, space, jira(elsewhere)))["id"]
    secret = (await listening(ask, made, "POST"))["secret"]

    async def call(body: bytes) -> int:
        headers = {"x-hub-signature": websub(secret, body)}
        return (await calling.post(f"/api/hooks/{made}", content=body, headers=headers)).status_code

    for body in (b"", b"nonsense", b"[1, 2]", b'"text"', b"\xff\xfe", b"[" * 100_000):
        assert await call(body) == 422
    whole = issue_event("7", padding="x")
    at_limit = whole.replace(b'"x"', b'"' + b"x" * (SMALL - len(whole) + 1) + b'"')
    assert len(at_limit) == SMALL
    assert await call(at_limit) == 200
    assert await call(at_limit + b" ") == 413
    assert drifts.told == [(made, ("7",))]
    for odd in ({"issue": "x"}, {"issue": {"id": {}}}, {"issues": 3}, {}):
        assert await call(json.dumps(odd).encode()) == 200
    assert {refs for _, refs in drifts.told[1:]} == {()}


async def test_trello_is_asked_to_call_in_about_each_board_once(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services, stored: StoredConnections
) -> None:
    """And no more once it is disconnected. Without its application's secret nobody could tell who
    calls, so it is not asked."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    for where in ({"board": BOARD}, {"board": BOARD}, {"board": "7a" * 12}, {"board": "../x"}, {}):
        connection = await stored.one("local", made)
        watched = await services.connections.watch(connection, where)
        assert watched is (where.get("board") in (BOARD, "7a" * 12))
    asked = list(elsewhere.trello_hooks.values())
    assert [one["idModel"] for one in asked] == [BOARD, "7a" * 12]
    assert {one["callbackURL"] for one in asked} == {f"{PUBLIC}/api/hooks/{made}"}
    assert (await listening(ask, made))["watching"] == [BOARD, "7a" * 12]
    plain = (await connected(ask, space, TRELLO))["id"]
    assert not await services.connections.watch(await stored.one("local", plain), {"board": BOARD})
    await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{made}")
    assert elsewhere.trello_hooks == {}


async def test_another_token_is_called_about_the_same_boards(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services, stored: StoredConnections
) -> None:
    """What was registered belongs to the token before it, and may be gone with it."""
    given = {**TRELLO, "secret": TRELLO_SECRET}
    made = (await connected(ask, space, given))["id"]
    assert await services.connections.watch(await stored.one("local", made), {"board": BOARD})
    elsewhere.trello_hooks.clear()
    elsewhere.trello.tokens = {"another-token"}
    await connected(ask, space, {**given, "token": "another-token", "connection": made})
    assert [one["idModel"] for one in elsewhere.trello_hooks.values()] == [BOARD]
    hook = (await stored.one("local", made)).hook
    assert hook is not None
    assert list(hook.registered.values()) == list(elsewhere.trello_hooks)


async def a_target(
    ask: Ask, services: Services, space: str, kind: str, connection: str, where: dict[str, Any]
) -> str:
    """Of a brief of its own; the path of it."""
    brief = (await services.briefs.create(ADMIN, space, "Market entry")).id
    below = f"/api/briefs/{brief}/targets"
    body = {"kind": kind, "name": "T", "connection": connection, "where": where}
    added = await ask(ANN, "POST", below, json=body)
    assert added.status_code == 201, added.text
    return f"{below}/{added.json()['id']}"


@pytest.fixture
def watching(services: Services, stored: StoredConnections, kept: StoredHooks) -> Watching:
    return Watching(stored, kept, services.apis, services.settings)


NOW = timedelta(0)


async def test_what_jira_registers_is_kept_alive(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    stored: StoredConnections,
    kept: StoredHooks,
    watching: Watching,
) -> None:
    """It ends after thirty days: ten days before it is asked for again, or anew where it ended."""
    made = (await signed_in(ask, space, elsewhere, "jira"))["id"]
    await a_target(ask, services, space, "jira", made, {"project": "10000", "key": "PLAN"})
    connection = await stored.one("local", made)
    (number,) = elsewhere.jira_hooks

    async def ends_in(left: timedelta) -> Hook:
        def ending(hook: Hook | None) -> Hook | None:
            return hook and replace(hook, expires_at=now() + left)

        await kept.hook(connection, ending)
        await watching.tend_all(NOW)
        hook = (await stored.one("local", connection.id)).hook
        assert hook is not None
        assert hook.expires_at is not None
        return hook

    assert (await ends_in(timedelta(days=11))).expires_at < now() + timedelta(days=12)
    assert elsewhere.refreshed_hooks == []
    renewed = await ends_in(timedelta(days=9))
    assert elsewhere.refreshed_hooks == [number]
    assert renewed.expires_at > now() + LASTS - timedelta(hours=1)
    elsewhere.jira_hooks.clear()
    anew = await ends_in(timedelta(days=-1))
    assert anew.registered == {"PLAN": str(next(iter(elsewhere.jira_hooks)))}
    assert anew.expires_at > now() + LASTS - timedelta(hours=1)
    await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{connection.id}")
    assert elsewhere.jira_hooks == {}


async def test_what_is_lost_over_there_is_registered_anew(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    stored: StoredConnections,
    watching: Watching,
) -> None:
    """Taken away there, switched off, or refused at first: of each board that a target is at there
    is one in the end, and what is well is left alone."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    boards = [BOARD, "7a" * 12, "8b" * 12]
    for number, board in enumerate(boards):
        elsewhere.hooks_refused = int(number == 2)
        await a_target(ask, services, space, "trello", made, {"board": board})
    asked = {one["idModel"]: id for id, one in elsewhere.trello_hooks.items()}
    assert sorted(asked) == sorted(boards[:2])
    elsewhere.trello_hooks[asked[BOARD]]["active"] = False  # type: ignore[assignment]  # as JSON
    await watching.tend_all(NOW)
    again = {one["idModel"]: id for id, one in elsewhere.trello_hooks.items()}
    assert (sorted(again), len(elsewhere.trello_hooks)) == (sorted(boards), 3)
    assert again[boards[1]] == asked[boards[1]]
    assert again[BOARD] != asked[BOARD]
    del elsewhere.trello_hooks[again[BOARD]]
    await watching.tend_all(NOW)
    hook = (await stored.one("local", made)).hook
    assert hook is not None
    there = {one["idModel"]: id for id, one in elsewhere.trello_hooks.items()}
    assert there == dict(hook.registered)
    assert sorted(there) == sorted(boards)
    elsewhere.trello_hooks.clear()
    await watching.tend_all()  # somebody has seen to it within the hour
    assert elsewhere.trello_hooks == {}


async def test_nothing_calls_in_about_where_no_target_is(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    watching: Watching,
) -> None:
    """The last target of a board that is removed, or goes through another connection, takes the
    webhook along; where Trello is away then, it goes later."""
    given = {**TRELLO, "secret": TRELLO_SECRET}
    first, second = [(await connected(ask, space, given))["id"] for _ in range(2)]
    at = [await a_target(ask, services, space, "trello", first, {"board": BOARD}) for _ in range(2)]

    def called() -> list[str]:
        return [one["callbackURL"].rpartition("/")[2] for one in elsewhere.trello_hooks.values()]

    assert called() == [first]
    await ask(ANN, "DELETE", at[0])
    assert called() == [first]
    await ask(ANN, "PATCH", at[1], json={"connection": second})
    alone = await a_target(ask, services, space, "trello", first, {"board": "7a" * 12})
    assert called() == [second, first]
    await ask(ANN, "DELETE", alone)
    assert called() == [second]
    elsewhere.hooks_away = True
    await ask(ANN, "DELETE", at[1])
    assert called() == [second]
    elsewhere.hooks_away = False
    await watching.tend_all(NOW)
    assert called() == []


async def test_a_webhook_that_was_left_behind_is_told_to_go(
    ask: Ask, space: str, elsewhere: Elsewhere, calling: httpx.AsyncClient
) -> None:
    """It calls for a connection that is removed: gone for good, which has Trello take it away."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{made}")
    for method, status in (("HEAD", 404), ("POST", 410)):
        answer = await calling.request(method, f"/api/hooks/{made}", content=card_event("c1"))
        assert answer.status_code == status


async def test_a_server_that_nobody_can_reach_is_called_by_nobody(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    stored: StoredConnections,
    kept: StoredHooks,
) -> None:
    """Without a public address nothing is registered, and who asks is told why."""
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    by_hand = (await connected(ask, space, jira(elsewhere)))["id"]
    connection = await stored.one("local", made)
    for address in ("", "http://briefs.example.com", "https://127.0.0.1:8000", "https://localhost"):
        settings = services.settings.model_copy(update={"public_url": address})
        watching = Watching(stored, kept, services.apis, settings)
        assert not await watching.watch("local", connection.id, {"board": BOARD})
        hooks = Hooks(kept, Drifts(), settings)
        assert (await hooks.listening(connection)).url == ""
        with pytest.raises(Exception, match="no public address"):
            await hooks.expect(await stored.one("local", by_hand))
    assert elsewhere.trello_hooks == {}


async def test_a_sign_in_of_this_machine_comes_back_to_it(
    client: httpx.AsyncClient, elsewhere: Elsewhere
) -> None:
    """Development sign-in answers nobody at the public address: people come back to where they
    began, and doctor says which address is to be registered over there."""
    space = (await client.post("/api/spaces", json={"name": "Plans"})).json()["id"]
    path = f"/api/spaces/{space}/connections"
    url = (await client.post(f"{path}/sign-in", json={"kind": "jira"})).json()["url"]
    asked = parse_qs(urlsplit(url).query)
    assert asked["redirect_uri"] == ["http://127.0.0.1/api/sign-in/jira/callback"]
    page = await client.get(await elsewhere.say_yes(url))
    assert (page.status_code, "is connected as Export" in page.text) == (200, True)
    assert len((await client.get(path)).json()) == 1
    ports = (await client.get("/api/health")).json()["ports"]
    (said,) = (one["detail"] for one in ports if one["port"] == "sign-in")
    assert f"such as http://127.0.0.1:8000, and not to {PUBLIC}" in said


async def test_a_connection_that_is_gone_hears_nothing(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    stored: StoredConnections,
    kept: StoredHooks,
) -> None:
    """Removed while a webhook is set up for it, or while its first call is heard."""
    by_hand = (await connected(ask, space, jira(elsewhere)))["id"]
    connection = await stored.one("local", by_hand)
    hooks = Hooks(kept, Drifts(), services.settings)
    await stored.remove("local", by_hand)
    with pytest.raises(NotFound, match=by_hand):
        await hooks.expect(connection)
    with pytest.raises(NotFound, match=by_hand):
        await hooks.agree(connection, "secret")


async def test_what_is_set_up_by_itself_is_not_by_hand(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    refused = await ask(ADA, "POST", f"/api/connections/{made}/hook")
    assert refused.status_code == 422
    assert len(await listed(ask, space)) == 1


async def test_a_card_that_somebody_moved_shows_in_the_brief(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """From a call that Trello signs to a status of theirs: nothing asks for it but the call. Before
    it, twice, and about a card of somebody else's it changes nothing."""
    board = elsewhere.trello.board("Plans")
    made = (await connected(ask, space, {**TRELLO, "secret": TRELLO_SECRET}))["id"]
    blocks = [action("block00001", "Hire a lead")]
    brief = (await services.briefs.create(ADMIN, space, "Market entry", blocks=blocks)).id
    below = f"/api/briefs/{brief}/targets"
    body = {"kind": "trello", "name": "T", "connection": made, "where": {"board": board}}
    target = (await ask(ANN, "POST", below, json=body)).json()["id"]
    (hook,) = elsewhere.trello_hooks.values()
    assert hook == {"callbackURL": f"{PUBLIC}/api/hooks/{made}", "idModel": board}
    at = f"{below}/{target}"
    plan = (await ask(ANN, "POST", f"{at}/plan")).json()
    await ask(ANN, "POST", f"{at}/runs", json={"checksum": plan["checksum"]})

    async def standing() -> Any:
        return (await ask(ANN, "GET", below)).json()[0]

    async with asyncio.timeout(60):
        while (await standing())["changes"] != 0 or not elsewhere.trello.cards:
            await asyncio.sleep(0.05)
    (card,) = [one for one in elsewhere.trello.cards.values() if "Hire" in one["name"]]
    card["idList"] = elsewhere.trello.list_named(board, "Doing")

    transport = httpx.ASGITransport(app=create_app(services), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as trello:
        for event in (card_event("7a" * 12, "a0"), *[card_event(card["id"])] * 2):
            signature = trello_signature(TRELLO_SECRET, hook["callbackURL"], event)
            answer = await trello.post(
                f"/api/hooks/{made}", content=event, headers={"x-trello-webhook": signature}
            )
            assert answer.status_code == 200
    async with asyncio.timeout(60):
        while (await standing())["drift"]["drift"] != 1:
            await asyncio.sleep(0.05)
    assert card["idList"] == elsewhere.trello.list_named(board, "Doing")
