"""Connections and their secrets, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from backend.clock import now
from backend.connections.model import (
    Connection,
    Credentials,
    Hook,
    Kind,
    Method,
    Pending,
    State,
)
from backend.connections.secrets import Keys, Unsealable
from backend.store.connections import Claim, Full, Gone, Held, StoredConnections
from backend.store.engine import Store
from backend.store.sign_ins import StoredSignIns
from backend.store.tables import connections, metadata, sign_ins, spaces, webhook_seen
from backend.store.webhooks import StoredHooks
from exporters.choices import Account

KEYS = Keys([bytes(range(32))])
TOKEN, REFRESH = "tok-3f9a-secret", "ref-77aa-secret"
CREDENTIALS = Credentials(TOKEN, "ada@example.com", REFRESH, now().replace(microsecond=0))
NEWER = replace(CREDENTIALS, token="tok-newer", refresh="ref-newer")
AT_ONCE = 8


def a_connection(name: str = "con_1", kind: Kind = Kind.JIRA, tenant: str = "t") -> Connection:
    return Connection(
        id=name,
        tenant=tenant,
        space="spc_1",
        kind=kind,
        method=Method.SIGN_IN,
        name="Acme",
        account=Account("Ada", "a-1", "https://acme.atlassian.net"),
        site="cloud-1",
        scopes=("read:jira-work",),
        state=State.OK,
        trouble="",
        hook=None,
        created_at=now().replace(microsecond=0),
        created_by="ada",
    )


def a_sign_in() -> Pending:
    return Pending("t", "spc_1", "ada", Kind.JIRA, "https://x/api", "verifier-secret", None, "")


class Kept(StoredConnections):
    """With what is kept beside connections under the same keys."""

    def __init__(self, store: Store, keys: Keys) -> None:
        super().__init__(store, keys)
        self.hooks = StoredHooks(store, keys)
        self.sign_ins = StoredSignIns(store, keys)


@pytest.fixture
def kept(store_of_a_brief: Store) -> Kept:
    return Kept(store_of_a_brief, KEYS)


async def add(kept: Kept, connection: Connection, limit: int = 50) -> Connection:
    await kept.add(connection, CREDENTIALS, limit=limit)
    return connection


async def everything_written(store: Store) -> str:
    """All that the database holds, in words."""
    async with store.reading() as connection:
        rows = [(await connection.execute(select(table))).all() for table in metadata.sorted_tables]
    return repr(rows)


async def test_a_connection_is_read_as_it_was_written(kept: Kept) -> None:
    """With its secret, and for its own tenant and space alone."""
    one = await add(kept, a_connection())
    assert await kept.of_space("t", "spc_1") == [one]
    assert await kept.of_space("u", "spc_1") == []
    held = await kept.held("t", "con_1")
    assert (held.connection, held.credentials) == (one, CREDENTIALS)
    for ask in (kept.one("u", "con_1"), kept.held("u", "con_1"), kept.one("t", "con_2")):
        with pytest.raises(Gone):
            await ask


async def test_no_secret_lies_open_in_the_database(kept: Kept, store_of_a_brief: Store) -> None:
    """Not the token, not the one that renews it, nor what signs calls, nor a sign-in's proof."""
    one = await add(kept, a_connection())
    await kept.hooks.hook(one, lambda _: Hook(), "hook-secret")
    await kept.sign_ins.begin("state-secret", a_sign_in())
    written = await everything_written(store_of_a_brief)
    for secret in (TOKEN, REFRESH, "hook-secret", "state-secret", "verifier-secret"):
        assert secret not in written
    assert "con_1" in written
    assert TOKEN not in repr(await kept.held("t", "con_1"))


async def test_a_secret_put_into_another_row_does_not_open(
    kept: Kept, store_of_a_brief: Store
) -> None:
    """Whoever may write in the database cannot speak with another's token."""
    await add(kept, a_connection())
    await add(kept, a_connection("con_2"))
    async with store_of_a_brief.writing() as rows:
        other = select(connections.c.sealed).where(connections.c.id == "con_1").scalar_subquery()
        await rows.execute(
            update(connections).where(connections.c.id == "con_2").values(sealed=other)
        )
    with pytest.raises(Unsealable):
        await kept.held("t", "con_2")


async def test_all_is_sealed_anew_where_the_key_was_changed(
    kept: Kept, store_of_a_brief: Store
) -> None:
    """Both secrets of a connection; afterwards the older key is not needed. What nobody opens
    stays, and is opened by whoever brings its key."""
    one = await add(kept, a_connection())
    await kept.hooks.hook(one, lambda _: Hook(), "hook-secret")
    another = Kept(store_of_a_brief, Keys([bytes(32)]))
    await another.add(a_connection("con_2"), NEWER, limit=50)
    new = bytes(range(100, 132))
    both = Kept(store_of_a_brief, Keys([new, bytes(range(32))]))
    assert await both.reseal() == 2
    assert await both.reseal() == 0
    after = Kept(store_of_a_brief, Keys([new]))
    assert (await after.held("t", "con_1")).credentials == CREDENTIALS
    assert (await after.hooks.listening("con_1"))[1] == "hook-secret"
    with pytest.raises(Unsealable):
        await kept.held("t", "con_1")
    assert (await another.held("t", "con_2")).credentials == NEWER


async def test_of_many_at_once_as_many_fit_as_fit(kept: Kept) -> None:
    ends = await asyncio.gather(
        *(add(kept, a_connection(f"con_{number}"), 3) for number in range(AT_ONCE)),
        return_exceptions=True,
    )
    assert sum(isinstance(end, Full) for end in ends) == AT_ONCE - 3
    assert len(await kept.of_space("t", "spc_1")) == 3


async def test_one_of_many_renews_a_token(kept: Kept) -> None:
    """The others are told to wait, and once it is done that there is a newer one."""
    await add(kept, a_connection())
    held = await kept.held("t", "con_1")
    until = now() + timedelta(minutes=1)
    claims = await asyncio.gather(*(kept.claim(held, until=until) for _ in range(AT_ONCE)))
    assert sorted(claims, key=lambda one: one.value) == [Claim.TAKEN, *[Claim.BUSY] * (AT_ONCE - 1)]
    assert await kept.renewed(held, NEWER)
    assert await kept.claim(held, until=until) is Claim.NEWER
    again = await kept.held("t", "con_1")
    assert (again.credentials, again.generation) == (NEWER, held.generation + 1)


async def test_whoever_dies_renewing_is_followed_by_another(kept: Kept) -> None:
    """Once their time is up, or at once where they let go; whoever follows is told whether an
    answer may have been lost."""
    await add(kept, a_connection())
    held = await kept.held("t", "con_1")
    later = now() + timedelta(minutes=1)
    assert await kept.claim(held, until=now() - timedelta(seconds=1)) is Claim.TAKEN
    assert await kept.claim(held, until=later) is Claim.TAKEN_OVER
    assert await kept.claim(held, until=later) is Claim.BUSY
    await kept.let_go(held)
    assert await kept.claim(held, until=later) is Claim.TAKEN
    await kept.let_go(held, lost=True)
    assert await kept.claim(held, until=later) is Claim.TAKEN_OVER


async def test_who_gives_up_late_gives_up_nothing_newer(kept: Kept) -> None:
    """One was slow and another renewed meanwhile: the newer token stays, and is not called bad."""
    await add(kept, a_connection())
    held = await kept.held("t", "con_1")
    assert await kept.renewed(held, NEWER)
    assert not await kept.give_up(held, "No longer good.")
    assert not await kept.renewed(held, replace(NEWER, token="older"))
    assert (await kept.held("t", "con_1")).credentials == NEWER
    assert (await kept.one("t", "con_1")).state is State.OK


async def test_a_token_that_came_after_all_is_kept(kept: Kept) -> None:
    """Given up by one, renewed by another who was slower: then it works, and says so."""
    await add(kept, a_connection())
    held = await kept.held("t", "con_1")
    assert await kept.give_up(held, "No longer good.")
    given_up = await kept.one("t", "con_1")
    assert (given_up.state, given_up.trouble) == (State.RECONNECT, "No longer good.")
    assert await kept.claim(held, until=now() + timedelta(minutes=1)) is Claim.NEWER
    assert await kept.renewed(held, NEWER)
    assert await kept.one("t", "con_1") == a_copy(given_up)


def a_copy(connection: Connection) -> Connection:
    return replace(connection, state=State.OK, trouble="")


async def test_another_token_keeps_what_calls_in(kept: Kept) -> None:
    """Connected again, it is the same connection: its targets and its webhooks stay."""
    one = await add(kept, a_connection())
    hook = Hook(
        {"KEY": "10000"}, one.created_at + timedelta(days=30), one.created_at, one.created_at
    )
    await kept.hooks.hook(one, lambda _: hook, "hook-secret")
    held = await kept.held("t", "con_1")
    await kept.give_up(held, "No longer good.")
    await kept.replace(replace(one, name="Acme again"), NEWER)
    found, secret = await kept.hooks.listening("con_1")
    assert (found.name, found.state, found.hook) == ("Acme again", State.OK, hook)
    assert secret == "hook-secret"
    assert (await kept.held("t", "con_1")).credentials == NEWER
    assert not await kept.give_up(held, "Late.")


async def test_removing_erases(kept: Kept, store_of_a_brief: Store) -> None:
    """The secret and what was heard go with it; another tenant's admin removes nothing."""
    one = await add(kept, a_connection())
    await kept.hooks.hook(one, lambda _: Hook(), "hook-secret")
    await kept.hooks.heard("con_1", "delivery-1")
    await kept.remove("u", "con_1")
    assert await kept.one("t", "con_1")
    await kept.remove("t", "con_1")
    with pytest.raises(Gone):
        await kept.held("t", "con_1")
    with pytest.raises(Gone):
        await kept.replace(one, NEWER)
    async with store_of_a_brief.reading() as rows:
        assert (await rows.execute(select(webhook_seen))).all() == []


async def test_a_sign_in_comes_back_once_to_who_began_it(kept: Kept) -> None:
    for who in (
        {"kind": Kind.NOTION, "tenant": "t", "subject": "ada"},
        {"kind": Kind.JIRA, "tenant": "u", "subject": "ada"},
        {"kind": Kind.JIRA, "tenant": "t", "subject": "eve"},
    ):
        await kept.sign_ins.begin("state", a_sign_in())
        with pytest.raises(Gone):
            await kept.sign_ins.come_back("state", **who)  # type: ignore[arg-type]  # of mixed values
        with pytest.raises(Gone):  # whoever brought it, it is used up
            await kept.sign_ins.come_back("state", kind=Kind.JIRA, tenant="t", subject="ada")
    await kept.sign_ins.begin("state", a_sign_in())
    ends = await asyncio.gather(
        *(
            kept.sign_ins.come_back("state", kind=Kind.JIRA, tenant="t", subject="ada")
            for _ in range(AT_ONCE)
        ),
        return_exceptions=True,
    )
    assert [end for end in ends if isinstance(end, Pending)] == [a_sign_in()]


async def test_a_sign_in_expires(kept: Kept, store_of_a_brief: Store) -> None:
    """After ten minutes it is worth nothing; the next one to begin clears it away."""
    await kept.sign_ins.begin("state", a_sign_in())
    async with store_of_a_brief.writing() as rows:
        until = await rows.scalar(select(sign_ins.c.expires_at))
        assert timedelta(minutes=9) < until - now() <= timedelta(minutes=10)
        await rows.execute(update(sign_ins).values(expires_at=now()))
    await kept.sign_ins.begin("another", a_sign_in())
    async with store_of_a_brief.writing() as rows:
        assert len((await rows.execute(select(sign_ins))).all()) == 1
        await rows.execute(update(sign_ins).values(expires_at=now()))
    with pytest.raises(Gone):
        await kept.sign_ins.come_back("another", kind=Kind.JIRA, tenant="t", subject="ada")


async def test_a_sign_in_of_a_key_that_is_gone_is_over(kept: Kept, store_of_a_brief: Store) -> None:
    """What it was begun with cannot be opened any more: the person begins again."""
    await kept.sign_ins.begin("state", a_sign_in())
    others = StoredSignIns(store_of_a_brief, Keys([bytes(range(32, 64))]))
    with pytest.raises(Gone):
        await others.come_back("state", kind=Kind.JIRA, tenant="t", subject="ada")


async def test_of_two_first_secrets_one_is_agreed_on(kept: Kept) -> None:
    """Whoever comes second, in the same moment too, changes nothing; a person may."""
    one = await add(kept, a_connection())
    await kept.hooks.hook(one, lambda _: Hook())
    await kept.hooks.hook(one, lambda hook: hook, "theirs", first=True)
    await kept.hooks.hook(one, lambda hook: hook, "another's", first=True)
    assert (await kept.hooks.listening(one.id))[1] == "theirs"
    await kept.hooks.hook(one, lambda _: Hook(), "ours")
    assert (await kept.hooks.listening(one.id))[1] == "ours"


async def test_a_call_is_heard_once_and_forgotten_in_time(
    kept: Kept, store_of_a_brief: Store
) -> None:
    """Of each connection by itself, however long the other side's name for it is."""
    await add(kept, a_connection())
    await add(kept, a_connection("con_2"))
    long = "d" * 10_000
    assert not await kept.hooks.seen("con_1", long)
    await asyncio.gather(*(kept.hooks.heard("con_1", long) for _ in range(AT_ONCE)))
    assert await kept.hooks.seen("con_1", long)
    assert not await kept.hooks.seen("con_2", long)
    async with store_of_a_brief.writing() as rows:
        await rows.execute(update(webhook_seen).values(seen_at=now() - timedelta(days=8)))
    await kept.hooks.heard("con_2", "another")
    assert not await kept.hooks.seen("con_1", long)


async def test_registrations_are_found_by_their_ids(kept: Kept) -> None:
    """Of the kind that calls in by them, and no longer than they stand."""
    for number, hook in enumerate((Hook({"A": "1", "B": "2"}), Hook({"A": "2"})), 1):
        one = await add(kept, a_connection(f"con_{number}"))
        await kept.hooks.hook(one, lambda _, hook=hook: hook)  # type: ignore[misc]  # bound here
    trello = await add(kept, a_connection("con_3", Kind.TRELLO))
    await kept.hooks.hook(trello, lambda _: Hook({"A": "2"}))

    async def named(ids: list[str]) -> list[str]:
        return [one.id for one in await kept.hooks.registered(Kind.JIRA, ids)]

    assert await named(["2", "9"]) == ["con_1", "con_2"]
    assert await named(["1"]) == ["con_1"]
    assert await named([]) == []
    await kept.hooks.hook(await kept.one("t", "con_1"), lambda _: Hook({"A": "3"}))
    assert (await named(["1"]), await named(["3"])) == ([], ["con_1"])
    await kept.remove("t", "con_2")
    assert await named(["2"]) == []


async def test_one_of_many_sees_to_what_calls_in(kept: Kept) -> None:
    """Once in so long, whichever process is first; what is known of the calls stays."""
    one = await add(kept, a_connection())
    await kept.hooks.hook(one, lambda _: Hook({"A": "1"}), "hook-secret")
    before = now() - timedelta(hours=1)
    mine = await asyncio.gather(*(kept.hooks.claim(one, before=before) for _ in range(AT_ONCE)))
    assert sorted(mine) == [False] * (AT_ONCE - 1) + [True]
    assert not await kept.hooks.claim(one, before=before)
    assert await kept.hooks.claim(one, before=now())
    found, secret = await kept.hooks.listening("con_1")
    assert found.hook is not None
    assert (dict(found.hook.registered), secret) == ({"A": "1"}, "hook-secret")


async def test_what_is_registered_at_once_is_all_kept(kept: Kept) -> None:
    """Of two targets that are made at the same moment both are watched."""
    one = await add(kept, a_connection())

    def added(number: int) -> Callable[[Hook | None], Hook]:
        return lambda hook: Hook({**(hook.registered if hook else {}), f"P{number}": str(number)})

    await asyncio.gather(*(kept.hooks.hook(one, added(number)) for number in range(AT_ONCE)))
    found, _ = await kept.hooks.listening("con_1")
    assert found.hook is not None
    assert sorted(found.hook.registered.values()) == [str(number) for number in range(AT_ONCE)]


async def test_a_space_s_end_is_its_connections_end(kept: Kept, store_of_a_brief: Store) -> None:
    await add(kept, a_connection())
    async with store_of_a_brief.writing() as rows:
        await rows.execute(text("DELETE FROM briefs"))
        await rows.execute(delete(spaces))
    with pytest.raises(Gone):
        await kept.held("t", "con_1")
    with pytest.raises(Gone):
        await add(kept, a_connection())


def test_what_is_held_shows_no_secret() -> None:
    """However it is printed, as in a traceback with its values."""
    shown = repr(Held(a_connection(), CREDENTIALS, 1)) + repr(CREDENTIALS) + repr(a_sign_in())
    assert not any(secret in shown for secret in (TOKEN, REFRESH, "verifier-secret"))
