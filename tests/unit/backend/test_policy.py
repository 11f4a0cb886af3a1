"""Who may do what."""

import pytest

from backend.auth.dev import YOU, DevAuthenticator
from backend.auth.policy import Action, Resource, can
from backend.auth.principal import Principal, Role
from backend.errors import Forbidden

ADA = Principal(subject="ada", tenant="t")
BOSS = Principal(subject="boss", tenant="t", roles=frozenset({Role.ADMIN}))


@pytest.mark.parametrize("action", Action)
def test_nothing_crosses_a_tenant(action: Action) -> None:
    """Not even for an admin, whatever role the foreign space would give."""
    for role in (None, *Role):
        assert not can(BOSS, action, Resource("other", role))


@pytest.mark.parametrize("action", Action)
def test_a_stranger_to_a_space_may_do_nothing_in_it(action: Action) -> None:
    assert not can(ADA, action, Resource("t"))


def test_each_role_may_all_that_the_one_below_it_may() -> None:
    """Viewer, commenter, analyst, admin: what is added is never taken away."""
    allowed = [
        {action for action in Action if can(ADA, action, Resource("t", role))}
        for role in (Role.VIEWER, Role.COMMENTER, Role.ANALYST, Role.ADMIN)
    ]
    assert allowed[0] < allowed[1] < allowed[2] < allowed[3]
    assert allowed[0] == {Action.READ}
    assert allowed[1] == {Action.READ, Action.COMMENT}
    assert allowed[3] == set(Action)


def test_who_may_export_may_not_hand_over_tokens() -> None:
    """An analyst sends briefs where an admin has connected the space to."""
    analyst = Resource("t", Role.ANALYST)
    assert can(ADA, Action.EXPORT, analyst)
    assert not can(ADA, Action.CONNECT, analyst)
    assert not can(ADA, Action.EXPORT, Resource("t", Role.COMMENTER))


def test_a_tenant_s_admin_is_one_in_every_space() -> None:
    assert can(BOSS, Action.MANAGE_SPACE, Resource("t"))


def test_a_role_in_the_tenant_other_than_admin_opens_no_space() -> None:
    """Being an analyst somewhere is not being one here."""
    analyst = Principal(subject="a", tenant="t", roles=frozenset({Role.ANALYST}))
    assert not can(analyst, Action.READ, Resource("t"))


HOME = {"host": "127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", HOME),
        ("GET", {"host": "localhost:8000"}),
        ("GET", {"host": "[::1]:8000"}),
        ("POST", HOME),  # a program, which has no browser's cookies to be tricked out of
        ("POST", {**HOME, "origin": "http://127.0.0.1:8000"}),
        ("POST", {**HOME, "sec-fetch-site": "same-origin"}),
        ("WEBSOCKET", {**HOME, "origin": "http://127.0.0.1:8000"}),
    ],
)
async def test_the_machine_s_own_requests_are_let_in(method: str, headers: dict[str, str]) -> None:
    found = await DevAuthenticator().authenticate(
        method=method, headers=headers, client="127.0.0.1"
    )
    assert found == YOU


@pytest.mark.parametrize(
    ("method", "headers", "client"),
    [
        ("GET", {"host": "evil.example"}, "127.0.0.1"),  # a name rebound to this machine
        ("GET", {"host": "127.0.0.1.evil.example:8000"}, "127.0.0.1"),
        ("GET", {}, "127.0.0.1"),
        ("GET", HOME, "192.168.1.9"),
        ("POST", {**HOME, "origin": "http://evil.example"}, "127.0.0.1"),
        ("POST", {**HOME, "origin": "null"}, "127.0.0.1"),
        ("POST", {**HOME, "origin": "http://127.0.0.1:9999"}, "127.0.0.1"),
        ("POST", {**HOME, "sec-fetch-site": "cross-site"}, "127.0.0.1"),
        ("GET", {**HOME, "origin": "http://evil.example"}, "127.0.0.1"),
        ("WEBSOCKET", {**HOME, "origin": "http://evil.example"}, "127.0.0.1"),
    ],
)
async def test_other_pages_and_other_machines_are_kept_out(
    method: str, headers: dict[str, str], client: str
) -> None:
    """DNS rebinding, foreign pages, foreign sockets."""
    with pytest.raises(Forbidden):
        await DevAuthenticator().authenticate(method=method, headers=headers, client=client)
