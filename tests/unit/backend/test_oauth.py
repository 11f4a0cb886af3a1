"""What comes of asking for a token, whatever the other side answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from backend.connections import oauth
from backend.connections.line import Line
from backend.connections.oauth import ANSWER, NoAnswer, OAuth, Provider, Refused
from backend.connections.sites import jira_sites

TOKEN, SECRET = "refresh-token-of-ada", "application-secret"
PROVIDER = Provider(
    "Acme", "https://acme.test/authorize", "https://acme.test/token", "app", SECRET,
    scopes=("read", "write"), pkce=True, revoke_url="https://acme.test/revoke",
)  # fmt: skip
GOOD = {"access_token": "access", "token_type": "Bearer", "refresh_token": "next"}


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> OAuth:
    return OAuth(Line(httpx.MockTransport(answer)))


def always(status: int, content: str) -> OAuth:
    return answering(lambda _: httpx.Response(status, content=content))


def test_the_address_where_a_person_says_yes() -> None:
    """Everything in it once; the verifier is only in it as what can be told from it."""
    verifier = oauth.new_verifier()
    url = oauth.authorize_url(PROVIDER, state="s", verifier=verifier, redirect="https://us/back")
    asked = parse_qs(urlsplit(url).query)
    assert asked == {
        "client_id": ["app"],
        "redirect_uri": ["https://us/back"],
        "response_type": ["code"],
        "state": ["s"],
        "scope": ["read write"],
        "code_challenge": [oauth.challenge(verifier)],
        "code_challenge_method": ["S256"],
    }
    assert verifier not in url
    assert SECRET not in url


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    assert (
        oauth.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_states_and_verifiers_are_long_and_never_the_same() -> None:
    made = [oauth.new_state() for _ in range(100)] + [oauth.new_verifier() for _ in range(100)]
    assert len(set(made)) == 200
    assert all(43 <= len(one) <= 128 for one in made)  # what RFC 7636 asks of a verifier


async def test_the_secret_goes_in_the_body_or_in_a_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=GOOD)

    asking = answering(answer)
    grant = await asking.refresh(PROVIDER, TOKEN)
    assert (grant.token, grant.refresh, grant.lasts) == ("access", "next", None)
    basic = Provider("Acme", "", "https://acme.test/token", "app", SECRET, basic=True)
    await asking.exchange(basic, code="c", verifier="v", redirect="https://us/back")
    assert json.loads(seen[0].content) == {
        "grant_type": "refresh_token",
        "refresh_token": TOKEN,
        "client_id": "app",
        "client_secret": SECRET,
    }
    assert "authorization" not in seen[0].headers
    assert json.loads(seen[1].content) == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "https://us/back",
    }
    pair = base64.b64decode(seen[1].headers["authorization"].removeprefix("Basic "))
    assert pair.decode() == f"app:{SECRET}"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, '{"error": "invalid_grant"}'),
        (403, '{"error": "invalid_grant", "error_description": "Unknown or invalid"}'),
        (401, '{"error": "invalid_grant"}'),
        (400, '{"error": "unauthorized_client", "error_description": "refresh-token-of-ada"}'),
        (400, '{"object": "error", "status": 400, "code": "invalid_grant"}'),
    ],
)
async def test_a_refusal_says_so_and_repeats_nothing(status: int, content: str) -> None:
    with pytest.raises(Refused) as refused:
        await always(status, content).refresh(PROVIDER, TOKEN)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, "nonsense"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"access_token": ""}'),
        (200, '{"access_token": 7, "token_type": "Bearer"}'),
        (200, '{"access_token": "a", "token_type": "mac"}'),
        (200, "{" + " " * ANSWER + "}"),
        (500, '{"error": "server_error"}'),
        (400, '{"error": "temporarily_unavailable"}'),
        (500, '{"error": "invalid_grant"}'),
        (429, '{"error": "invalid_grant"}'),
        (503, ""),
        (403, "<html>This proxy lets nobody out. refresh-token-of-ada</html>"),
        (400, '{"error": "<b>refresh-token-of-ada</b>"}'),
        (404, "[]"),
        (302, ""),
    ],
)
async def test_an_answer_that_does_not_tell_is_no_verdict(status: int, content: str) -> None:
    """The token may have been used up, or not. No redirect is followed: what signs us in would go
    along with it."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, content=content, headers={"location": "https://evil.test/"})

    with pytest.raises(NoAnswer) as failed:
        await answering(answer).refresh(PROVIDER, TOKEN)
    assert failed.value.sent
    assert TOKEN not in str(failed.value)
    assert asked == ["acme.test"]


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.ReadError("reset"), True),
        (httpx.RemoteProtocolError("cut"), True),
    ],
)
async def test_a_line_that_broke(error: httpx.TransportError, sent: bool) -> None:
    """Before anything was sent nothing was used up; after it, nobody knows."""

    def broken(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(NoAnswer) as failed:
        await answering(broken).refresh(PROVIDER, TOKEN)
    assert failed.value.sent is sent
    assert TOKEN not in repr(failed.value)
    assert failed.value.__suppress_context__


@pytest.mark.parametrize("status", [400, 401])
async def test_an_application_that_is_set_up_wrong_costs_nobody_a_connection(status: int) -> None:
    """It is the server's secret that is bad, and not the person's token."""
    with pytest.raises(NoAnswer, match="id and secret of our application") as failed:
        await always(status, '{"error": "invalid_client"}').refresh(PROVIDER, TOKEN)
    assert not failed.value.sent


async def test_revoking_says_whether_it_was_done() -> None:
    assert await always(200, "").revoke(PROVIDER, TOKEN)
    assert not await always(500, "").revoke(PROVIDER, TOKEN)
    unable = Provider("Acme", "", "https://acme.test/token", "app", SECRET)
    assert not await always(200, "").revoke(unable, TOKEN)

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    assert not await answering(broken).revoke(PROVIDER, TOKEN)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (
            '[{"id": "c-1", "url": "https://a.atlassian.net", "scopes": ["read:jira-work"]}]',
            ["c-1"],
        ),
        (
            '[{"id": "c-1", "url": "https://a.atlassian.net", "scopes": ["read:issue:jira"]}]',
            ["c-1"],
        ),
        ('[{"id": "c-1", "url": "https://a.atlassian.net", "scopes": ["read:me"]}]', []),
        ('[{"id": "../../x", "url": "https://a.atlassian.net", "scopes": ["a:jira-work"]}]', []),
        ('[{"id": "c-1/rest"}, {"id": 7}, 3, null, {"scopes": ["a:jira"]}]', []),
        ("[]", []),
    ],
)
async def test_only_sites_that_can_be_addressed_are_taken(content: str, found: list[str]) -> None:
    """A site's id becomes a part of every address: it may lead nowhere else."""
    line = Line(httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    assert [site.id for site in await jira_sites(line, "https://api.test", "token")] == found


@pytest.mark.parametrize(("status", "content"), [(200, "{}"), (200, "x"), (401, "[]"), (302, "")])
async def test_a_listing_of_sites_that_is_none(status: int, content: str) -> None:
    line = Line(httpx.MockTransport(lambda _: httpx.Response(status, content=content)))
    with pytest.raises(Refused):
        await jira_sites(line, "https://api.test", "token")
