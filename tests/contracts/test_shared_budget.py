"""Several processes on one connection keep its pace together, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from backend.connections import budgets
from backend.connections.budgets import SharedBudget
from backend.connections.kinds import shared_paces
from backend.connections.model import Credentials, Kind
from backend.connections.secrets import Keys
from backend.store.connections import StoredConnections
from backend.store.engine import Store
from backend.store.paces import Limits, StoredPaces
from backend.store.tables import connections
from backend.store.tables import shared_paces as counted
from exporters.errors import NotConnected, Throttled
from exporters.ports import Pace
from tests.contracts.test_connections_store import CREDENTIALS, a_connection

TRELLO = (
    Pace(100, timedelta(seconds=10)),
    Pace(300, timedelta(seconds=10)),
)
NOTION = (Pace(3, timedelta(seconds=1)),)


class Alone:
    """A clock for one caller at a time: its time passes by its sleep."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=max(0.0, seconds))


class Counted(StoredPaces):
    """Counts what is written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.writes = 0

    async def reserve(self, *args: object, **named: object) -> list[datetime]:
        self.writes += 1
        return list(await super().reserve(*args, **named))  # type: ignore[arg-type]  # passed on


@pytest.fixture
async def rows(store_of_a_brief: Store) -> Counted:
    """Of the connections con_1 and con_2."""
    kept = StoredConnections(store_of_a_brief, Keys([bytes(32)]))
    for name in ("con_1", "con_2"):
        await kept.add(a_connection(name), CREDENTIALS, limit=9)
    return Counted(store_of_a_brief)


def processes(
    rows: StoredPaces, clock: Alone, paces: tuple[Pace, ...], count: int
) -> list[SharedBudget]:
    return [SharedBudget(Limits("con_1", paces), rows, clock) for _ in range(count)]


@pytest.mark.parametrize("paces", [TRELLO, NOTION], ids=["trello", "notion"])
async def test_together_they_keep_every_limit_and_use_it(
    rows: Counted, paces: tuple[Pace, ...]
) -> None:
    """In no stretch of a limit's length do more calls leave than it allows, and in the long run at
    least 95 % of what it allows do."""
    clock = Alone()
    sharing = processes(rows, clock, paces, 3)
    count = 3 * paces[0].calls + 20
    left: list[datetime] = []
    for number in range(count):
        await sharing[number % 3].take()
        left.append(clock.now())
    left.sort()
    for pace in paces:
        for first, beyond in zip(left, left[pace.calls :], strict=False):
            assert beyond - first >= pace.per
    least = min(pace.calls / pace.per.total_seconds() for pace in paces)
    assert (left[-1] - left[0]).total_seconds() <= count / least / 0.95


async def test_many_calls_need_few_writes(rows: Counted) -> None:
    """At thirty a second not each call may cost a write; rare ones reserve what they use."""
    clock = Alone()
    (budget,) = processes(rows, clock, TRELLO[1:], 1)
    await budget.take(300)
    assert rows.writes < 100
    before = rows.writes
    for _ in range(5):
        clock.moment += timedelta(seconds=60)
        await budget.take()
    assert rows.writes == before + 5


async def test_a_pause_is_kept_by_all_who_share(rows: Counted) -> None:
    """Told to one, the others keep it too, but for what they had reserved a moment ahead."""
    clock = Alone()
    told, other = processes(rows, clock, TRELLO, 2)
    await other.take(40)
    until = clock.now() + timedelta(seconds=30)
    await told.pause(timedelta(seconds=30))
    await told.take()
    assert clock.now() >= until
    clock.moment = until - timedelta(seconds=29)
    await other.take()
    assert clock.now() >= until


async def test_a_shorter_pause_does_not_end_a_longer_one(rows: Counted) -> None:
    clock = Alone()
    first, second = processes(rows, clock, TRELLO, 2)
    until = clock.now() + timedelta(seconds=30)
    await first.pause(timedelta(seconds=30))
    await second.pause(timedelta(seconds=1))
    await second.take()
    assert clock.now() >= until


async def test_each_connection_has_its_own(rows: Counted) -> None:
    clock = Alone()
    (paused,) = processes(rows, clock, TRELLO, 1)
    await paused.pause(timedelta(hours=1))
    begun = clock.now()
    await SharedBudget(Limits("con_2", TRELLO), rows, clock).take()
    assert clock.now() == begun


async def test_what_is_counted_by_key_and_token_is_kept_by_all_who_have_them(
    rows: Counted, store_of_a_brief: Store
) -> None:
    """Connections with one token have one token's share between them, and tokens of one key the
    key's, and use it whole. A pause is the connection's own; no key or token is written down."""
    kept = StoredConnections(store_of_a_brief, Keys([bytes(32)]))
    for number in range(3, 6):
        await kept.add(a_connection(f"con_{number}"), CREDENTIALS, limit=9)

    def of(connection: int, token: str, key: str = "a key") -> tuple[Alone, SharedBudget]:
        clock = Alone()
        shared = shared_paces(Kind.TRELLO, Credentials(token, key))
        return clock, SharedBudget(Limits(f"con_{connection}", TRELLO[:1], shared), rows, clock)

    async def taken(sharing: list[tuple[Alone, SharedBudget]], limit: Pace) -> None:
        """Each calls again as soon as it may, for three times as long as the limit's."""
        left: list[datetime] = []
        for _ in range(3 * limit.calls):
            clock, budget = min(sharing, key=lambda one: one[0].moment)
            await budget.take()
            left.append(clock.moment)
        left.sort()
        for first, beyond in zip(left, left[limit.calls :], strict=False):
            assert beyond - first >= limit.per
        assert left[-1] - left[0] <= 3 * limit.per / 0.95

    await taken([of(1, "a token"), of(2, "a token")], TRELLO[0])
    one_key = [of(number, f"token {number}", "another key") for number in range(1, 6)]
    await taken(one_key, TRELLO[1])
    clock, budget = one_key[0]
    await budget.pause(timedelta(seconds=30))
    for (other, free), least in ((one_key[1], 0), ((clock, budget), 30)):
        begun = other.moment
        await free.take()
        assert least <= (other.moment - begun).total_seconds() < least + 5
    async with store_of_a_brief.reading() as connection:
        named = repr((await connection.execute(select(counted.c.counted))).all())
    assert "a token" not in named
    assert "a key" not in named


async def test_a_pause_longer_than_a_call_may_wait_is_told(rows: Counted) -> None:
    """A minute is waited for, more is not: whoever runs an export comes back later. What was not
    waited for takes nobody's place."""
    clock = Alone()
    begun = clock.now()
    for sharing in processes(rows, clock, TRELLO, 2):
        await sharing.pause(timedelta(minutes=59))
        for _ in range(5):
            with pytest.raises(Throttled) as told:
                await sharing.take()
        assert abs(told.value.wait - timedelta(minutes=59)) < timedelta(seconds=1)
    clock.moment = begun + timedelta(minutes=58, seconds=1)
    (again,) = processes(rows, clock, TRELLO, 1)
    await again.take()
    assert timedelta(0) <= clock.now() - begun - timedelta(minutes=59) < timedelta(seconds=1)


class Interrupted(Alone):
    """Lets something happen in the middle of the next sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def sleep(self, seconds: float) -> None:
        if seconds > 0 and self.meanwhile:
            await self.meanwhile.pop()()
        await super().sleep(seconds)


async def test_who_waits_into_a_pause_waits_it_out(rows: Counted) -> None:
    """A call that had its turn but not left yet asks again."""
    clock = Interrupted()
    (budget,) = processes(rows, clock, NOTION, 1)
    await budget.take()
    until = clock.now() + timedelta(seconds=30)
    clock.meanwhile.append(lambda: budget.pause(timedelta(seconds=30)))
    await budget.take()
    assert clock.meanwhile == []
    assert clock.now() >= until


async def test_those_who_ask_at_the_same_moment_get_moments_of_their_own(rows: Counted) -> None:
    clock = Alone()
    asked = await asyncio.gather(
        *(
            rows.reserve(
                Limits("con_1", NOTION),
                clock.now(),
                most=1,
                ahead=budgets.AHEAD,
                within=budgets.LONGEST,
            )
            for _ in range(8)
        )
    )
    moments = [moment for one in asked for moment in one]
    assert len(set(moments)) == len(moments) == 8


async def test_a_removed_connection_has_no_budget(rows: Counted, store_of_a_brief: Store) -> None:
    """A run that goes on meanwhile is told so, and sends nothing."""
    (budget,) = processes(rows, Alone(), TRELLO, 1)
    async with store_of_a_brief.writing() as written:
        await written.execute(delete(connections))
    for ask in (budget.take(), budget.pause(timedelta(seconds=1))):
        with pytest.raises(NotConnected, match="removed"):
            await ask
