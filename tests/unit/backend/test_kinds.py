"""Where calls go and what signs them: nothing that a person types leads elsewhere."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from backend.connections.kinds import (
    SCOPES,
    can_sign_in,
    email_given,
    jira_site,
    provider,
    root,
    signed,
    token_given,
    trello_url,
)
from backend.connections.model import Connection, Credentials, Kind, Method
from backend.errors import Invalid
from backend.settings import Settings
from tests.contracts.test_connections_store import a_connection

ALLOWED = " jira.example.com, http://127.0.0.1:4000 ,"


def settings(**named: Any) -> Settings:
    return Settings(_env_file=None, **named)


@pytest.mark.parametrize(
    ("said", "site"),
    [
        ("https://acme.atlassian.net", "https://acme.atlassian.net"),
        (" https://ACME.atlassian.net./jira/your-work?x#y ", "https://acme.atlassian.net"),
        ("acme.atlassian.net", "https://acme.atlassian.net"),
        ("acme.atlassian.net/browse/KEY-1", "https://acme.atlassian.net"),
        ("https://jira.example.com", "https://jira.example.com"),
        ("http://127.0.0.1:4000/", "http://127.0.0.1:4000"),
    ],
)
def test_a_jira_site_as_people_write_it(said: str, site: str) -> None:
    assert jira_site(said, ALLOWED) == site


@pytest.mark.parametrize(
    "said",
    [
        "http://acme.atlassian.net",
        "https://acme.atlassian.net:8443",
        "https://acme.atlassian.net@169.254.169.254",
        "https://ada:pw@acme.atlassian.net",
        "https://169.254.169.254/#.atlassian.net",
        "https://169.254.169.254\\.atlassian.net",
        "https://127.0.0.1#@acme.atlassian.net",
        "https://acme.atlassian.net.example.com",
        "https://evil-atlassian.net",
        "https://atlassian.net",
        "https://.atlassian.net",
        "https://-x.atlassian.net",
        "https://a..atlassian.net",
        "https://acme.atlassian.net%2f@x",
        "https://acme\r\nhost: x.atlassian.net",
        "https://acme.atlassian.net\r\nx: y",
        "https://x\tx.atlassian.net",
        "https://аcme.atlassian.net",
        "https://127.0.0.1",
        "https://127.0.0.1:4000",
        "http://127.0.0.1:4001",
        "http://127.0.0.1:4000@acme.test",
        "http://jira.example.com",
        "https://[::1]",
        "https://localhost",
        "https://2130706433",
        "//acme.example",
        "file:///etc/passwd",
        "gopher://acme.atlassian.net",
        "javascript:alert(1)//.atlassian.net",
        "",
    ],
)
def test_what_is_no_site_of_ours(said: str) -> None:
    """Another port, another scheme, a name before an @, a host behind a #, a letter that only looks
    like one: none of it is taken."""
    with pytest.raises(Invalid, match="no Jira site"):
        jira_site(said, ALLOWED)


@pytest.mark.parametrize("said", ["", " ", "a b", "a\nb", 'a"b', "a\\b", "é", "x" * 4_097])
def test_a_token_that_would_not_fit_a_header_is_none(said: str) -> None:
    with pytest.raises(Invalid) as refused:
        token_given("token", said)
    assert len(said) < 3 or said not in str(refused.value)


def test_a_token_at_its_longest() -> None:
    assert token_given("token", f"  {'x' * 4_096}\n") == "x" * 4_096


@pytest.mark.parametrize("said", ["", "ada", "a:b@c.test", "a\nb@c", "a b@c", "@c", "a@"])
def test_an_address_that_would_end_early_is_none(said: str) -> None:
    """A colon ends the name in a Basic header."""
    with pytest.raises(Invalid):
        email_given(said)


def of(kind: Kind, method: Method, site: str = "") -> Connection:
    return replace(a_connection(kind=kind), method=method, site=site)


def test_each_call_goes_where_its_connection_leads_and_is_signed_for_it() -> None:
    told = settings()
    credentials = Credentials("token", "ada@acme.test")
    by_token = of(Kind.JIRA, Method.TOKEN, "https://acme.atlassian.net")
    assert root(by_token, told) == "https://acme.atlassian.net"
    pair = base64.b64encode(b"ada@acme.test:token").decode()
    assert signed(by_token, credentials) == {"authorization": f"Basic {pair}"}
    by_sign_in = of(Kind.JIRA, Method.SIGN_IN, "cloud-1")
    assert root(by_sign_in, told) == "https://api.atlassian.com/ex/jira/cloud-1"
    assert signed(by_sign_in, credentials) == {"authorization": "Bearer token"}
    notion = of(Kind.NOTION, Method.TOKEN)
    assert root(notion, told) == "https://api.notion.com"
    assert signed(notion, credentials)["notion-version"] == "2026-03-11"
    trello = of(Kind.TRELLO, Method.TOKEN)
    assert root(trello, told) == "https://api.trello.com/1"
    assert signed(trello, Credentials("t", "k")) == {
        "authorization": 'OAuth oauth_consumer_key="k", oauth_token="t"'
    }


def test_signing_in_needs_an_application() -> None:
    """Half of one is none."""
    for told in (settings(), settings(atlassian_client_id="a", notion_client_id="n")):
        assert [can_sign_in(kind, told) for kind in Kind] == [False] * 3
        assert trello_url(told, "https://us") is None
    whole = settings(
        atlassian_client_id="a", atlassian_client_secret="s", notion_client_id="n",
        notion_client_secret="s", trello_key="k",
    )  # fmt: skip
    assert [can_sign_in(kind, whole) for kind in Kind] == [True] * 3
    atlassian = provider(Kind.JIRA, whole)
    assert atlassian is not None
    assert (atlassian.scopes, atlassian.pkce) == (SCOPES[Kind.JIRA], True)
    assert "s" not in repr(atlassian).split("'")


def test_no_more_is_asked_for_than_is_needed() -> None:
    """An administrator's scopes are none of ours."""
    assert SCOPES == {
        Kind.NOTION: (),
        Kind.JIRA: (
            "read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook",
            "offline_access",
        ),
        Kind.TRELLO: ("read", "write"),
    }  # fmt: skip
