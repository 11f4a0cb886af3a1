"""The people of a space over HTTP, and what changes for them at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import pytest

from backend.app import create_app
from backend.auth.principal import Principal, Role
from backend.members import service
from backend.wiring import Services


@pytest.fixture
async def space(client: httpx.AsyncClient) -> str:
    return str((await client.post("/api/spaces", json={"name": "Papers"})).json()["id"])


class As:
    """Whoever the test says, in the tenant of the person at this machine."""

    name = "as"

    def __init__(self) -> None:
        self.who = Principal("you", "local", "You", frozenset({Role.ADMIN}))

    async def authenticate(self, **asking: object) -> Principal:
        return self.who


@pytest.fixture
async def asking(services: Services) -> AsyncIterator[tuple[As, httpx.AsyncClient]]:
    sign_in = As()
    app = create_app(services)
    object.__setattr__(services, "authenticator", sign_in)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as opened:
        yield sign_in, opened


async def test_a_space_begins_with_who_made_it(client: httpx.AsyncClient, space: str) -> None:
    """Its only member is an admin, and known as oneself."""
    answer = await client.get(f"/api/spaces/{space}/members")
    assert answer.json() == [{"subject": "you", "role": "admin", "you": True}]


async def test_people_come_change_and_go(client: httpx.AsyncClient, space: str) -> None:
    """Listed by name with their role; a name may hold what names of a sign-in hold."""
    at = f"/api/spaces/{space}/members"
    for subject in ("vera", "oidc|a/b@example.org", "Зоя"):
        sent = await client.put(f"{at}/{subject}", json={"role": "viewer"})
        assert sent.json() == {"subject": subject, "role": "viewer", "you": False}, sent.text
    await client.put(f"{at}/vera", json={"role": "commenter"})
    assert (await client.delete(f"{at}/oidc|a/b@example.org")).status_code == 204
    listed = (await client.get(at)).json()
    assert [(one["subject"], one["role"]) for one in listed] == [
        ("vera", "commenter"),
        ("you", "admin"),
        ("Зоя", "viewer"),
    ]
    gone = await client.delete(f"{at}/nobody")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")


async def test_a_space_keeps_an_admin(client: httpx.AsyncClient, space: str) -> None:
    """The last one can be neither removed nor lowered; with another one, both can."""
    at = f"/api/spaces/{space}/members"
    for refused in (
        await client.delete(f"{at}/you"),
        await client.put(f"{at}/you", json={"role": "analyst"}),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "last_admin")
    assert (await client.put(f"{at}/you", json={"role": "admin"})).status_code == 200
    await client.put(f"{at}/ann", json={"role": "admin"})
    assert (await client.put(f"{at}/you", json={"role": "analyst"})).status_code == 200
    assert (await client.delete(f"{at}/ann")).status_code == 409


@pytest.mark.parametrize(
    ("subject", "status"), [("a" * 200, 200), ("a" * 201, 422), ("%20", 422), ("a%E2%80%8Bb", 422)]
)
async def test_names_have_limits(
    client: httpx.AsyncClient, space: str, subject: str, status: int
) -> None:
    """200 characters and no more, not nothing, and none that cannot be seen."""
    sent = await client.put(f"/api/spaces/{space}/members/{subject}", json={"role": "viewer"})
    assert sent.status_code == status, sent.text


async def test_no_such_role(client: httpx.AsyncClient, space: str) -> None:
    sent = await client.put(f"/api/spaces/{space}/members/ann", json={"role": "owner"})
    assert sent.status_code == 422


async def test_a_space_is_full_at_its_limit(
    client: httpx.AsyncClient, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last that fits comes in, the next does not; who is in may change."""
    monkeypatch.setattr(service, "MEMBERS", 2)
    at = f"/api/spaces/{space}/members"
    assert (await client.put(f"{at}/ann", json={"role": "viewer"})).status_code == 200
    assert (await client.put(f"{at}/bob", json={"role": "viewer"})).status_code == 422
    assert (await client.put(f"{at}/ann", json={"role": "analyst"})).status_code == 200


async def test_who_may_see_and_who_may_change(
    asking: tuple[As, httpx.AsyncClient], space: str
) -> None:
    """Members see each other, only admins of the space change anything, strangers see nothing."""
    sign_in, client = asking
    at = f"/api/spaces/{space}/members"
    for role in ("viewer", "commenter", "analyst", "admin"):
        await client.put(f"{at}/{role}", json={"role": role})
    for role in ("viewer", "commenter", "analyst", "admin"):
        sign_in.who = Principal(role, "local")
        assert len((await client.get(at)).json()) == 5
        changed = [
            (await client.put(f"{at}/new", json={"role": "viewer"})).status_code,
            (await client.delete(f"{at}/new")).status_code,
        ]
        assert changed == ([200, 204] if role == "admin" else [403, 403])
    for stranger in (Principal("eve", "local"), Principal("admin", "another")):
        sign_in.who = stranger
        assert (await client.get(at)).status_code == 404
        assert (await client.put(f"{at}/eve", json={"role": "admin"})).status_code == 404
        assert (await client.delete(f"{at}/viewer")).status_code == 404


async def test_who_is_removed_hears_nothing_more(
    services: Services, client: httpx.AsyncClient, space: str
) -> None:
    """Their stream of the space's events ends; those of others go on."""
    at = f"/api/spaces/{space}/members"
    await client.put(f"{at}/vera", json={"role": "viewer"})
    you = Principal("you", "local", roles=frozenset({Role.ADMIN}))
    with (
        services.hub.listening(space) as hers,
        services.hub.listening(space) as yours,
        services.watch.listening(Principal("vera", "local"), space, hers.end),
        services.watch.listening(you, space, yours.end),
    ):
        await client.delete(f"{at}/vera")
        async with asyncio.timeout(5):
            event = await yours.next()
            assert event is not None
            assert event.name == "members"
            while await hers.next() is not None:
                pass
        assert (await client.put(f"{at}/bob", json={"role": "viewer"})).status_code == 200
        assert await asyncio.wait_for(yours.next(), 5) is not None


async def test_who_is_removed_reads_no_answer_to_its_end(
    services: Services, client: httpx.AsyncClient, space: str
) -> None:
    """Of what is being written to somebody, nothing leaves once they are out; what makes it ends
    too."""
    at = f"/api/spaces/{space}/members"
    await client.put(f"{at}/vera", json={"role": "viewer"})
    ended = False

    async def pieces() -> AsyncGenerator[bytes, None]:
        nonlocal ended
        try:
            yield b"One."
            await client.delete(f"{at}/vera")
            await services.watch.look()
            yield b"Two."
        finally:
            ended = True

    vera = Principal("vera", "local")
    read = [piece async for piece in services.watch.streaming(vera, space, pieces())]
    assert read == [b"One."]
    assert ended
