"""Connecting a space to where its briefs go, by token and by signing in, over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select, update

from backend.clock import now
from backend.connections.secrets import FILE, Keys
from backend.events import Hub
from backend.settings import Settings
from backend.store.connections import Held, StoredConnections
from backend.store.tables import connections, members, metadata, sign_ins
from backend.wiring import Services
from backend.wiring.connections import open_connections
from exporters.choices import Account
from exporters.errors import NotConnected, RemoteRefused, Unreachable
from exporters.records import Request
from tests.flows.people import Ask, shared_space
from tests.flows.signing_in import elsewhere, oidc, settings
from tests.remotes import elsewhere as outside
from tests.remotes import trello as trellos
from tests.remotes.elsewhere import CLOUD, Elsewhere, Fault, brought_back, site

__all__ = ["elsewhere", "oidc", "settings"]  # fixtures, by name

ADA, ANN, CAL, EVE = "admin:ada", "analyst:ann", "commenter:cal", "elsewhere:eve"
WHOAMI = Request("GET", "/rest/api/3/myself")


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    """Ada's, with an analyst and a commenter."""
    return await shared_space(ask, services, ADA, (ANN, CAL))


def jira(elsewhere: Elsewhere, **other: Any) -> dict[str, Any]:
    elsewhere.jira.tokens.add("ada's token")  # what the site makes of the pair below
    given = {"site": elsewhere.address, "email": outside.EMAIL, "token": outside.API_TOKEN}
    return {"kind": "jira", **given, **other}


TRELLO = {"kind": "trello", "key": trellos.KEY, "token": trellos.TOKEN}


async def connect(ask: Ask, space: str, given: dict[str, Any], who: str = ADA) -> httpx.Response:
    return await ask(who, "POST", f"/api/spaces/{space}/connections", json=given)


async def connected(ask: Ask, space: str, given: dict[str, Any]) -> dict[str, Any]:
    response = await connect(ask, space, given)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def begin(ask: Ask, space: str, kind: str, who: str = ADA, **other: Any) -> str:
    path = f"/api/spaces/{space}/connections/sign-in"
    response = await ask(who, "POST", path, json={"kind": kind, **other})
    assert response.status_code == 200, response.text
    return str(response.json()["url"])


async def signed_in(
    ask: Ask, space: str, elsewhere: Elsewhere, kind: str, **other: Any
) -> dict[str, Any]:
    """Ada signs in, and is connected."""
    back = await elsewhere.say_yes(await begin(ask, space, kind, **other))
    page = await ask(ADA, "GET", back)
    assert page.status_code == 200, page.text
    return (await listed(ask, space))[-1]


async def signed_in_to_trello(ask: Ask, space: str, elsewhere: Elsewhere) -> dict[str, Any]:
    elsewhere.trello.tokens.add(outside.TRELLO_SIGNED_IN)
    state = parse_qs(urlsplit(brought_back(await begin(ask, space, "trello"))).query)["state"][0]
    brought = {"state": state, "token": outside.TRELLO_SIGNED_IN}
    made = await ask(ADA, "POST", "/api/sign-in/trello/token", json=brought)
    assert made.status_code == 200, made.text
    connection: dict[str, Any] = made.json()
    return connection


async def listed(ask: Ask, space: str, who: str = ADA) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ask(who, "GET", f"/api/spaces/{space}/connections")).json()
    return found


def stored(services: Services) -> StoredConnections:
    return StoredConnections(services.store, Keys.kept(services.settings.data_dir / FILE))


async def everything_kept(services: Services) -> str:
    async with services.store.reading() as rows:
        return repr([(await rows.execute(select(one))).all() for one in metadata.sorted_tables])


# By token.


async def test_each_kind_is_connected_by_a_token(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    """Whoever it belongs to is asked over there; the answer shows nothing of it."""
    elsewhere.notion.token = "ntn_internal-secret"
    made = [
        await connected(ask, space, jira(elsewhere)),
        await connected(ask, space, TRELLO),
        await connected(ask, space, {"kind": "notion", "token": "ntn_internal-secret"}),
    ]
    assert [(one["kind"], one["account"], one["state"]) for one in made] == [
        ("jira", "Export", "ok"),
        ("trello", "Alice Adams", "ok"),
        ("notion", "StratMaster", "ok"),
    ]
    assert made[0]["name"] == urlsplit(elsewhere.address).netloc
    assert await listed(ask, space) == made
    assert await listed(ask, space, ANN) == made
    told = json.dumps(made)
    for secret in (outside.API_TOKEN, trellos.TOKEN, "ntn_internal-secret"):
        assert secret not in told


async def test_a_token_that_is_none_is_not_kept(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """Refused over there, or never one: it is said without being repeated."""
    for given in (
        jira(elsewhere, token="wrong-token-of-ada"),
        {**TRELLO, "token": "wrong-token-of-ada"},
        {**TRELLO, "token": "two\nlines wrong-token-of-ada"},
        {**TRELLO, "token": 'wrong-token-of-ada", oauth_token="x'},
        {**TRELLO, "key": ""},
        jira(elsewhere, email="no address wrong-token-of-ada"),
        jira(elsewhere, email="a:b@c"),
        {"kind": "notion", "token": "x" * 4_097},
    ):
        response = await connect(ask, space, given)
        assert response.status_code == 422, response.text
        assert "wrong-token-of-ada" not in response.text
    assert await listed(ask, space) == []
    assert "wrong-token-of-ada" not in await everything_kept(services)


async def test_a_site_leads_to_no_other_server(ask: Ask, space: str, elsewhere: Elsewhere) -> None:
    """Nothing is sent to one that is neither under atlassian.net nor named in the settings."""
    for other in ("https://169.254.169.254", elsewhere.address.replace("127.0.0.1", "localhost")):
        response = await connect(ask, space, jira(elsewhere, site=other))
        assert response.status_code == 422
        assert "no Jira site" in response.json()["error"]["message"]
    assert elsewhere.jira.points == 0


async def test_a_server_that_stalls_keeps_nobody_waiting(
    ask: Ask, space: str, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an export would try again for minutes is told to a person after a while."""
    monkeypatch.setattr("backend.connections.service.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("backend.connections.service.jira_site", lambda *_: address)
        response = await connect(ask, space, jira(elsewhere))
    assert response.status_code == 503
    assert "did not answer" in response.json()["error"]["message"]


async def test_who_may_connect_and_who_may_use(ask: Ask, space: str, elsewhere: Elsewhere) -> None:
    """Admins bring tokens, analysts use them, others learn nothing; ids are of their space only."""
    made = await connected(ask, space, TRELLO)
    one = f"/api/spaces/{space}/connections/{made['id']}"
    for who, status in ((ANN, 403), (CAL, 403), (EVE, 404)):
        assert (await connect(ask, space, TRELLO, who)).status_code == status
        assert (await ask(who, "DELETE", one)).status_code == status
        hook = await ask(who, "POST", f"/api/connections/{made['id']}/hook")
        assert hook.status_code == status
        begun = await ask(
            who, "POST", f"/api/spaces/{space}/connections/sign-in", json={"kind": "jira"}
        )
        assert begun.status_code == status
    for who, status in ((ANN, 200), (CAL, 403), (EVE, 404)):
        assert (await ask(who, "POST", f"{one}/check")).status_code == status
        places = await ask(who, "GET", f"/api/connections/{made['id']}/places")
        assert places.status_code == status
        found = await ask(who, "GET", f"/api/spaces/{space}/connections")
        assert found.status_code == status
    other = (await ask(ADA, "POST", "/api/spaces", json={"name": "Other"})).json()["id"]
    for method, path in (("DELETE", ""), ("POST", "/check")):
        mixed = f"/api/spaces/{other}/connections/{made['id']}{path}"
        assert (await ask(ADA, method, mixed)).status_code == 404
    assert len(await listed(ask, space)) == 1


async def test_where_a_brief_could_go(ask: Ask, space: str, elsewhere: Elsewhere) -> None:
    """Boards by name, and what may be chosen about one; a board that went away is said."""
    board = elsewhere.trello.board("Roadmap")
    elsewhere.trello.board("Marketing")
    made = await connected(ask, space, TRELLO)
    path = f"/api/connections/{made['id']}"
    found = (await ask(ANN, "GET", f"{path}/places?q=road")).json()
    assert [(one["name"], one["where"]) for one in found] == [("Roadmap", {"board": board})]
    assert len((await ask(ANN, "GET", f"{path}/places")).json()) == 2
    chosen = await ask(ANN, "POST", f"{path}/choices", json={"where": {"board": board}})
    assert {"overview", "open", "doing", "done"} <= {one["key"] for one in chosen.json()}
    gone = await ask(ANN, "POST", f"{path}/choices", json={"where": {"board": "0" * 24}})
    assert gone.status_code == 422
    assert gone.json()["error"]["message"]


async def test_a_full_space_takes_no_other(
    ask: Ask, space: str, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.connections.service.IN_A_SPACE", 1)
    await connected(ask, space, TRELLO)
    response = await connect(ask, space, TRELLO)
    assert response.status_code == 422
    assert "1 connections" in response.json()["error"]["message"]


async def test_a_token_that_was_revoked_over_there(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """The first call says so, the connection says who can help, and nothing is tried again and
    again; another token brings the same connection back."""
    made = await connected(ask, space, TRELLO)
    api = await services.apis.open(made["id"], "local")
    elsewhere.trello.tokens.clear()
    with services.hub.listening(space) as events:
        with pytest.raises(NotConnected, match="no longer takes our token"):
            await api.read(Request("GET", "/members/me"))
        told = await events.next()
    assert told is not None
    assert (told.name, told.data) == ("connections", {"connection": made["id"]})
    (now_is,) = await listed(ask, space)
    assert (now_is["state"], now_is["trouble"]) == (
        "reconnect",
        "Trello no longer takes our token.",
    )
    with pytest.raises(NotConnected):
        await services.apis.open(made["id"], "local")
    places = await ask(ANN, "GET", f"/api/connections/{made['id']}/places")
    assert (places.status_code, places.json()["error"]["code"]) == (409, "not_connected")
    elsewhere.trello.tokens = {"another-token"}
    again = {**TRELLO, "token": "another-token", "connection": made["id"]}
    assert (await connected(ask, space, again))["id"] == made["id"]
    assert (await api.read(Request("GET", "/members/me"))).status == 200
    assert [one["state"] for one in await listed(ask, space)] == ["ok"]


async def test_a_board_that_may_not_be_seen_is_no_bad_token(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """Trello says both with 401. Here reading finds nothing, writing is refused, no more."""
    board = elsewhere.trello.board("Secret")
    made = await connected(ask, space, TRELLO)
    api = await services.apis.open(made["id"], "local")
    elsewhere.trello.hidden.add(board)
    assert (await api.read(Request("GET", f"/boards/{board}"))).status == 403
    card = elsewhere.trello.list_named(board, "To do")
    with pytest.raises(RemoteRefused):
        await api.write(
            Request("POST", "/cards", {"idList": card, "name": "X"}),
            not_after=now() + timedelta(seconds=30),
        )
    assert [one["state"] for one in await listed(ask, space)] == ["ok"]


async def test_check_brings_back_what_works_again(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    made = await connected(ask, space, TRELLO)
    tokens, elsewhere.trello.tokens = elsewhere.trello.tokens, set()
    path = f"/api/spaces/{space}/connections/{made['id']}/check"
    assert (await ask(ANN, "POST", path)).status_code == 409
    assert (await listed(ask, space))[0]["state"] == "reconnect"
    elsewhere.trello.tokens = tokens
    checked = await ask(ANN, "POST", path)
    assert (checked.status_code, checked.json()["state"]) == (200, "ok")


async def test_what_is_disconnected_meanwhile_is_not_there(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is asked over there who a token is: that is no fault of ours."""
    made = (await connected(ask, space, TRELLO))["id"]
    remove = StoredConnections.remove
    mend = StoredConnections.mend

    async def removed_meanwhile(self: StoredConnections, held: Held, account: Account) -> None:
        await mend(self, held, account)
        await remove(self, "local", made)

    monkeypatch.setattr(StoredConnections, "mend", removed_meanwhile)
    answer = await ask(ANN, "POST", f"/api/spaces/{space}/connections/{made}/check")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_disconnecting_leaves_a_person_s_own_token_alone(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """It is erased here; over there it may serve others, and is theirs to revoke."""
    made = await connected(ask, space, TRELLO)
    removed = await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{made['id']}")
    assert removed.json() == {"revoked": False}
    assert trellos.TOKEN in elsewhere.trello.tokens
    assert await listed(ask, space) == []
    with pytest.raises(NotConnected, match="removed"):
        await services.apis.open(made["id"], "local")


# By signing in.


async def test_signing_in_to_jira(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """Code, PKCE and state; then calls go to the site that was let in, through Atlassian's gate."""
    url = await begin(ask, space, "jira")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["scope"].split() == [
        "read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook",
        "offline_access",
    ]  # fmt: skip
    assert asked["redirect_uri"] == "http://127.0.0.1/api/sign-in/jira/callback"
    assert asked["code_challenge_method"] == "S256"
    assert (asked["prompt"], asked["response_type"]) == ("consent", "code")
    page = await ask(ADA, "GET", await elsewhere.say_yes(url))
    assert "acme.atlassian.net is connected as Export" in page.text
    (made,) = await listed(ask, space)
    assert (made["name"], made["method"]) == ("acme.atlassian.net", "sign_in")
    assert "read:jira-work" in made["scopes"]
    api = await services.apis.open(made["id"], "local")
    assert (await api.read(WHOAMI)).status == 200


async def test_signing_in_to_notion(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    made = await signed_in(ask, space, elsewhere, "notion")
    assert (made["name"], made["account"], made["scopes"]) == ("Acme", "StratMaster", [])
    api = await services.apis.open(made["id"], "local")
    assert (await api.read(Request("GET", "/v1/users/me"))).status == 200


async def test_signing_in_to_trello(ask: Ask, space: str, elsewhere: Elsewhere) -> None:
    """The token comes behind a #: a page of ours, without a stranger's script, brings it."""
    elsewhere.trello.tokens = {outside.TRELLO_SIGNED_IN}
    back = brought_back(await begin(ask, space, "trello"))
    assert back.startswith("http://127.0.0.1/api/sign-in/trello/callback?state=")
    page = await ask(ADA, "GET", back)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    state = parse_qs(urlsplit(back).query)["state"][0]
    brought = {"state": state, "token": outside.TRELLO_SIGNED_IN}
    made = await ask(ADA, "POST", "/api/sign-in/trello/token", json=brought)
    assert (made.status_code, made.json()["method"]) == (200, "sign_in")
    again = await ask(ADA, "POST", "/api/sign-in/trello/token", json=brought)
    assert again.json()["error"]["code"] == "sign_in_over"
    denied = parse_qs(urlsplit(brought_back(await begin(ask, space, "trello"))).query)["state"][0]
    refused = await ask(
        ADA,
        "POST",
        "/api/sign-in/trello/token",
        json={"state": denied, "error": "Token request rejected"},
    )
    assert refused.json()["error"]["code"] == "sign_in_denied"


async def test_a_sign_in_is_for_who_began_it_and_once(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """Brought by another person, by another kind, twice, late or made up: nothing is connected."""
    stolen = await elsewhere.say_yes(await begin(ask, space, "jira"))
    for who in ("admin:mallory", "elsewhere:eve"):
        assert (await ask(who, "GET", stolen)).status_code == 422
    assert (await ask(ADA, "GET", stolen)).status_code == 422  # used up by whoever brought it
    mixed = (await elsewhere.say_yes(await begin(ask, space, "jira"))).replace("/jira/", "/notion/")
    assert (await ask(ADA, "GET", mixed)).status_code == 422
    late = await elsewhere.say_yes(await begin(ask, space, "jira"))
    async with services.store.writing() as rows:
        await rows.execute(update(sign_ins).values(expires_at=now()))
    assert (await ask(ADA, "GET", late)).status_code == 422
    for made_up in ("", "?code=x", "?code=x&state=y", "?state=%00&code=%00"):
        page = await ask(ADA, "GET", f"/api/sign-in/jira/callback{made_up}")
        assert page.status_code == 422
        assert page.headers["content-type"].startswith("text/html")
    assert elsewhere.granted == 0
    twice = await elsewhere.say_yes(await begin(ask, space, "jira"))
    answers = await asyncio.gather(*(ask(ADA, "GET", twice) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 422, 422, 422]
    assert len(await listed(ask, space)) == 1


async def test_saying_no_over_there(ask: Ask, space: str, elsewhere: Elsewhere) -> None:
    """What the other side says is not put into the page as it is."""
    state = parse_qs(urlsplit(await begin(ask, space, "jira")).query)["state"][0]
    page = await ask(
        ADA, "GET", f"/api/sign-in/jira/callback?state={state}&error=<script>alert(1)</script>"
    )
    assert page.status_code == 422
    assert "was not allowed to let us in" in page.text
    assert "<script>" not in page.text


async def test_a_code_of_another_sign_in_is_refused(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    """PKCE: a code that was taken from one sign-in is worth nothing in another."""
    one = await elsewhere.say_yes(await begin(ask, space, "jira"))
    other = parse_qs(urlsplit(await begin(ask, space, "jira")).query)["state"][0]
    code = parse_qs(urlsplit(one).query)["code"][0]
    page = await ask(ADA, "GET", f"/api/sign-in/jira/callback?code={code}&state={other}")
    assert page.status_code == 422
    assert "invalid_grant" in page.text
    assert await listed(ask, space) == []


async def test_whoever_is_no_admin_any_more_connects_nothing(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """The right is asked for again as they come back."""
    back = await elsewhere.say_yes(await begin(ask, space, "jira"))
    async with services.store.writing() as rows:
        await rows.execute(update(members).where(members.c.subject == "ada").values(role="analyst"))
    assert (await ask("analyst:ada", "GET", back)).status_code == 403
    assert elsewhere.granted == 0


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ([], "no Jira site"),
        (
            [site("c", "https://wiki.atlassian.net", ["read:confluence-content.all"])],
            "no Jira site",
        ),
        (
            [site("c", "https://acme.atlassian.net", ["read:jira-work"])],
            "write:jira-work is missing",
        ),
        ([site("../x", "https://acme.atlassian.net")], "no Jira site"),
        ("nonsense", "does not say which sites"),
    ],
)
async def test_sites_that_cannot_be_used(
    ask: Ask, space: str, elsewhere: Elsewhere, sites: Any, said: str
) -> None:
    elsewhere.sites = sites
    page = await ask(ADA, "GET", await elsewhere.say_yes(await begin(ask, space, "jira")))
    assert page.status_code == 422
    assert said in page.text.replace("&#x27;", "'")
    assert await listed(ask, space) == []


async def test_whoever_has_several_sites_names_one(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    elsewhere.sites.append(site("other-cloud", "https://beta.atlassian.net"))
    page = await ask(ADA, "GET", await elsewhere.say_yes(await begin(ask, space, "jira")))
    assert "acme.atlassian.net, beta.atlassian.net" in page.text
    made = await signed_in(ask, space, elsewhere, "jira", site="acme.atlassian.net")
    assert made["name"] == "acme.atlassian.net"


async def test_another_account_is_no_connection_of_before(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """What was exported through it would be looked for where it is not. Both are named, with the
    way out, and the token of before stays."""
    elsewhere.notion.token = "ntn_first"
    trello = await connected(ask, space, TRELLO)
    notion = await connected(ask, space, {"kind": "notion", "token": "ntn_first"})
    held = [await stored(services).held("local", one["id"]) for one in (trello, notion)]

    elsewhere.trello.me = elsewhere.trello.member("Bob Brown", "bob")
    other = {**elsewhere.notion.users[-1], "id": elsewhere.notion.new_id(), "name": "Other"}
    elsewhere.notion.users.append(other)
    elsewhere.trello.tokens, elsewhere.notion.token = {"bob's"}, "ntn_other"
    for given, names in (
        ({**TRELLO, "token": "bob's", "connection": trello["id"]}, ("Bob Brown", "Alice Adams")),
        (
            {"kind": "notion", "token": "ntn_other", "connection": notion["id"]},
            ("Other", "StratMaster"),
        ),
    ):
        refused = await connect(ask, space, given)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "another_account")
        assert all(repr(name) in refused.json()["error"]["message"] for name in names)
        assert "connection of its own" in refused.json()["error"]["remedy"]
        assert "bob's" not in refused.text
    assert [await stored(services).held("local", one["id"]) for one in (trello, notion)] == held


async def test_a_workspace_is_the_same_whoever_lets_us_in(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    """A colleague's sign-in to the same workspace of Notion mends a connection; one to another
    workspace does not, whoever it is."""
    made = await signed_in(ask, space, elsewhere, "notion")
    colleague = {**elsewhere.notion.users[-1], "id": elsewhere.notion.new_id()}
    elsewhere.notion.users.append(colleague)
    again = await signed_in(ask, space, elsewhere, "notion", connection=made["id"])
    assert again["id"] == made["id"]
    elsewhere.workspace = ("Beta", "w-2")
    url = await begin(ask, space, "notion", connection=made["id"])
    page = await ask(ADA, "GET", await elsewhere.say_yes(url))
    assert page.status_code == 409
    assert "Beta" in page.text
    assert "Acme" in page.text
    assert [one["name"] for one in await listed(ask, space)] == ["Acme"]


async def test_connecting_again_keeps_the_connection(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    """The same site with another token is the same connection; another site is not."""
    made = await signed_in(ask, space, elsewhere, "jira")
    again = await signed_in(ask, space, elsewhere, "jira", connection=made["id"])
    assert again["id"] == made["id"]
    elsewhere.sites = [site(CLOUD, "https://beta.atlassian.net")]
    url = await begin(ask, space, "jira", connection=made["id"])
    page = await ask(ADA, "GET", await elsewhere.say_yes(url))
    assert page.status_code == 409
    assert len(await listed(ask, space)) == 1
    nowhere = await ask(
        ADA,
        "POST",
        f"/api/spaces/{space}/connections/sign-in",
        json={"kind": "jira", "connection": "con_0"},
    )
    assert nowhere.status_code == 404


async def test_ways_say_what_this_server_can_do(ask: Ask, space: str, services: Services) -> None:
    path = f"/api/spaces/{space}/connections/ways"
    found = (await ask(CAL, "GET", path)).json()
    assert {one["kind"]: one["sign_in"] for one in found} == {
        "notion": True, "jira": True, "trello": True
    }  # fmt: skip
    assert (await ask(EVE, "GET", path)).status_code == 404


# Tokens that are renewed.


async def expire(services: Services, elsewhere: Elsewhere) -> None:
    """The access token is taken no longer, as after an hour."""
    elsewhere.jira.tokens = set()


async def test_a_token_that_expired_is_renewed_once_by_many(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """However many calls are on their way in however many places, one asks for another, which is
    kept before it is used."""
    made = await signed_in(ask, space, elsewhere, "jira")
    apis = [await services.apis.open(made["id"], "local") for _ in range(4)]
    before = elsewhere.granted
    await expire(services, elsewhere)
    answers = await asyncio.gather(*(api.read(WHOAMI) for api in apis for _ in range(3)))
    assert {one.status for one in answers} == {200}
    assert elsewhere.granted == before + 1
    await expire(services, elsewhere)
    assert (await apis[0].read(WHOAMI)).status == 200
    assert elsewhere.granted == before + 2


async def test_of_several_processes_one_renews(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """Each with services of its own over one database: the others wait, and take what it got."""
    made = await signed_in(ask, space, elsewhere, "jira")
    before = elsewhere.granted
    async with AsyncExitStack() as stack:
        apis = []
        for _ in range(3):
            opened = await stack.enter_async_context(
                open_connections(
                    services.settings, services.store, services.spaces, Hub(), services.drifts
                )
            )
            apis.append(await opened.apis.open(made["id"], "local"))
        await expire(services, elsewhere)
        answers = await asyncio.gather(*(api.read(WHOAMI) for api in apis))
    assert [one.status for one in answers] == [200] * 3
    assert elsewhere.granted == before + 1


async def test_a_token_is_renewed_before_it_ends(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """No call has to fail for it."""
    made = await signed_in(ask, space, elsewhere, "jira")
    before = elsewhere.granted
    held = await stored(services).held("local", made["id"])
    nearly = replace(held.credentials, expires_at=now() + timedelta(seconds=60))
    await stored(services).renewed(held, nearly)
    api = await services.apis.open(made["id"], "local")
    assert (await api.read(WHOAMI)).status == 200
    assert elsewhere.granted == before + 1
    assert (await api.read(WHOAMI)).status == 200
    assert elsewhere.granted == before + 1


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.CUT, Fault.BROKEN])
async def test_a_renewal_whose_answer_was_lost_asks_for_a_person(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services, fault: Fault
) -> None:
    """The next token was in it, and the last one is not taken twice: that is said, and not tried
    for ever."""
    made = await signed_in(ask, space, elsewhere, "jira")
    api = await services.apis.open(made["id"], "local")
    await expire(services, elsewhere)
    elsewhere.faults.append(fault)
    asked = len(elsewhere.asked)
    with pytest.raises(NotConnected, match="the answer to our last renewal never arrived"):
        await api.read(WHOAMI)
    (now_is,) = await listed(ask, space)
    assert now_is["state"] == "reconnect"
    assert "never arrived" in now_is["trouble"]
    for _ in range(3):
        with pytest.raises(NotConnected, match="never arrived"):
            await api.read(WHOAMI)
    assert len(elsewhere.asked) == asked + 2
    again = await signed_in(ask, space, elsewhere, "jira", connection=made["id"])
    assert again["state"] == "ok"
    assert (await api.read(WHOAMI)).status == 200


async def test_whoever_died_with_the_answer_is_not_forgotten(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """A process got the next token and was killed before it wrote it down: the one that follows
    finds the old one used up, and says why."""
    made = await signed_in(ask, space, elsewhere, "jira")
    held = await stored(services).held("local", made["id"])
    await stored(services).claim(held, until=now() - timedelta(seconds=1))
    asked = {"grant_type": "refresh_token", "refresh_token": held.credentials.refresh}
    application = {
        name: outside.SECRETS[f"atlassian_{name}"] for name in ("client_id", "client_secret")
    }
    async with httpx.AsyncClient(trust_env=False) as dead:
        got = await dead.post(f"{elsewhere.address}/oauth/token", json={**asked, **application})
        assert got.status_code == 200
    await expire(services, elsewhere)
    api = await services.apis.open(made["id"], "local")
    with pytest.raises(NotConnected, match="never arrived"):
        await api.read(WHOAMI)


async def test_a_provider_that_is_down_breaks_nothing(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """While nobody hands out tokens a call fails for now; afterwards the next one works."""
    made = await signed_in(ask, space, elsewhere, "jira")
    api = await services.apis.open(made["id"], "local")
    await expire(services, elsewhere)
    elsewhere.faults.extend([Fault.BEFORE] * 2)
    with pytest.raises(Unreachable, match="tried again"):
        await api.read(WHOAMI)
    assert [one["state"] for one in await listed(ask, space)] == ["ok"]
    assert (await api.read(WHOAMI)).status == 200


async def test_a_grant_that_was_taken_back_over_there(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """A person removed the application: the refresh token is refused, and that is said."""
    made = await signed_in(ask, space, elsewhere, "jira")
    held = await stored(services).held("local", made["id"])
    used_up = replace(held.credentials, refresh="used-up-refresh-token")
    await stored(services).renewed(held, used_up)
    await expire(services, elsewhere)
    api = await services.apis.open(made["id"], "local")
    with pytest.raises(NotConnected, match="revoked there"):
        await api.read(WHOAMI)
    (now_is,) = await listed(ask, space)
    assert (now_is["state"], "revoked there" in now_is["trouble"]) == ("reconnect", True)


async def test_who_waits_may_go_and_the_new_token_is_kept(
    ask: Ask, space: str, elsewhere: Elsewhere, services: Services
) -> None:
    """A call that is cancelled while its token is renewed does not lose the one that comes."""
    made = await signed_in(ask, space, elsewhere, "jira")
    api = await services.apis.open(made["id"], "local")
    await expire(services, elsewhere)
    before = elsewhere.granted
    asked = len(elsewhere.asked)
    call = asyncio.create_task(api.read(WHOAMI))
    while len(elsewhere.asked) == asked:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await api.read(WHOAMI)).status == 200
    assert elsewhere.granted == before + 1


async def test_disconnecting_takes_back_what_was_given(
    ask: Ask, space: str, elsewhere: Elsewhere
) -> None:
    """Notion and Trello revoke what a sign-in gave; Atlassian has no way to, and that is said."""
    elsewhere.trello.tokens.clear()
    trello = await signed_in_to_trello(ask, space, elsewhere)
    notion = await signed_in(ask, space, elsewhere, "notion")
    jira = await signed_in(ask, space, elsewhere, "jira")
    for made, revoked in ((trello, True), (notion, True), (jira, False)):
        removed = await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{made['id']}")
        assert removed.json() == {"revoked": revoked}, made["kind"]
    assert elsewhere.notion.token == ""
    assert elsewhere.trello.tokens == set()
    assert await listed(ask, space) == []


async def test_nothing_that_is_kept_said_or_logged_holds_a_secret(
    ask: Ask,
    space: str,
    elsewhere: Elsewhere,
    services: Services,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through connecting, using, renewing, failing and removing: not in the database, the answers,
    the events, the errors, nor the log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    # It writes every statement four times; what it writes is looked at in the database.
    monkeypatch.setattr(logging.getLogger("aiosqlite"), "disabled", True)
    said: list[str] = []
    with services.hub.listening(space) as events:
        made = [
            await connected(ask, space, jira(elsewhere)),
            await connected(ask, space, TRELLO),
            await signed_in_to_trello(ask, space, elsewhere),
            await signed_in(ask, space, elsewhere, "notion"),
        ]
        secrets = {*elsewhere.secrets}
        signed = await signed_in(ask, space, elsewhere, "jira")
        secrets |= {*elsewhere.secrets}
        api = await services.apis.open(signed["id"], "local")
        await expire(services, elsewhere)
        await api.read(WHOAMI)
        secrets |= {*elsewhere.secrets}
        said.append(await everything_kept(services))
        await expire(services, elsewhere)
        elsewhere.faults.append(Fault.CUT)
        with pytest.raises(NotConnected) as failed:
            await api.read(WHOAMI)
        elsewhere.trello.tokens.remove(trellos.TOKEN)
        broken = await services.apis.open(made[1]["id"], "local")
        with pytest.raises(NotConnected) as refused:
            await broken.read(Request("GET", "/members/me"))
        said += [repr(failed.value), str(failed.value), repr(refused.value)]
        said.append(repr(await stored(services).held("local", made[0]["id"])))
        said.append(json.dumps(await listed(ask, space)))
        for one in (*made, signed):
            removed = await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{one['id']}")
            said.append(removed.text)
        services.hub.close()
        async for event in events:
            said.append(repr(event))
    said.append(await everything_kept(services))
    said.append(caplog.text)
    assert len(secrets) >= 10
    for place in said:
        for one in filter(None, secrets):
            at = place.find(one)
            assert at < 0, place[max(0, at - 200) : at]


async def test_connections_of_the_key_before_are_opened_with_the_one_after(
    settings: Settings, elsewhere: Elsewhere, services: Services, ask: Ask, space: str
) -> None:
    """A server that lost its key says what to do, and does not fall over."""
    made = await connected(ask, space, TRELLO)
    async with services.store.writing() as rows:
        sealed = await rows.scalar(select(connections.c.sealed))
        assert sealed is not None
        spoiled = sealed[:-1] + bytes([sealed[-1] ^ 1])
        await rows.execute(update(connections).values(sealed=spoiled))
    with pytest.raises(NotConnected, match="cannot be opened with this server's key"):
        await services.apis.open(made["id"], "local")
    places = await ask(ANN, "GET", f"/api/connections/{made['id']}/places")
    assert places.status_code == 409
    removed = await ask(ADA, "DELETE", f"/api/spaces/{space}/connections/{made['id']}")
    assert removed.status_code == 200
