"""All that a limit allows is used, and nothing beyond it, however its windows are cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.http import HttpApi
from exporters.memory import MemoryBudget
from exporters.pace import after_pause, burst, reserve, seconds
from exporters.ports import Pace
from exporters.records import Request
from exporters.registry import KINDS, target
from tests.remotes.line import line
from tests.remotes.time import START, VirtualClock
from tests.remotes.toy import Toy

KEPT = {kind: tuple(target(kind).paces) for kind in KINDS}
PUBLISHED = [  # those that we keep, and Trello's by key and Jira's by issue
    *(pace for paces in KEPT.values() for pace in paces),
    Pace(300, timedelta(seconds=10)),
    Pace(20, timedelta(seconds=2)),
]
paces = st.builds(
    Pace, st.integers(1, 400), st.integers(1, 900).map(lambda seconds: timedelta(seconds=seconds))
)


def departures(paces: Sequence[Pace], count: int, pauses: Sequence[float]) -> list[datetime]:
    """When calls leave that are asked for with these pauses between them."""
    now, left = START, []
    tats: tuple[datetime | None, ...] = (None,) * len(paces)
    for number in range(count):
        now += timedelta(seconds=pauses[number % len(pauses)])
        now, tats = reserve(paces, tats, now)
        left.append(now)
    return left


@given(
    st.lists(paces, min_size=1, max_size=3),
    st.lists(st.floats(0, 30), min_size=1, max_size=5),
)
def test_no_window_holds_more_than_its_limit(limits: list[Pace], pauses: list[float]) -> None:
    """Not from any call on, whatever the calls before it did."""
    left = departures(limits, 300, pauses)
    for pace in limits:
        for first, later in zip(left, left[pace.calls :], strict=False):
            assert later - first >= pace.per


@pytest.mark.parametrize("pace", PUBLISHED)
def test_at_least_95_per_cent_of_a_limit_is_used(pace: Pace) -> None:
    """In the long run, by who asks as fast as may be."""
    count = 50 * min(pace.calls, 5_000)
    left = departures([pace], count, [0.0])
    allowed = (left[-1] - left[0]) / pace.per * pace.calls
    assert count >= 0.95 * allowed


@pytest.mark.parametrize("pace", PUBLISHED)
def test_what_it_takes_is_said_beforehand(pace: Pace) -> None:
    """The time that a plan names is the time that its calls take."""
    left = departures([pace], 200, [0.0])
    assert seconds([pace], 200) == pytest.approx((left[-1] - left[0]).total_seconds(), rel=1e-3)
    assert seconds([pace], burst(pace)) == 0
    assert seconds([], 200) == 0


def test_after_a_pause_nothing_leaves_early_and_nothing_at_once() -> None:
    """What was saved up before it is gone."""
    pace = Pace(100, timedelta(seconds=10))
    until = START + timedelta(seconds=7)
    tats: tuple[datetime | None, ...] = after_pause([pace], [None], until)
    first, tats = reserve([pace], tats, START)
    second, _ = reserve([pace], tats, START)
    assert first >= until
    assert second > first


async def test_who_waits_for_a_turn_is_held_back_by_a_pause() -> None:
    """A pause counts for those, too, who asked before it."""
    clock = VirtualClock()
    budget = MemoryBudget([Pace(1, timedelta(seconds=10))], clock)
    await budget.take()
    waiting = asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    await budget.pause(timedelta(seconds=100))
    await waiting
    assert clock.passed >= 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [1, 4])
async def test_workers_together_use_the_limit_and_are_never_turned_away(
    kind: str, workers: int
) -> None:
    """At least 95 % of what the target allows a connection, and not one 429."""
    clock = VirtualClock()
    limit = min(KEPT[kind], key=lambda pace: pace.per)  # the others take hours to be reached
    server = Toy(clock, limit=limit)
    budget = MemoryBudget(KEPT[kind], clock)
    client = line(server)
    count = 1200

    async def signed(*, renew: bool) -> dict[str, str]:
        return {}

    async def work() -> None:
        api = HttpApi(client, "http://toy", signed, budget, clock)
        for _ in range(count // workers):
            await api.read(Request("GET", "/things?ids=a"))
            await clock.sleep(0.005)  # the way there and back

    await asyncio.gather(*(work() for _ in range(workers)))
    assert server.too_many == 0
    assert count >= 0.95 * clock.passed / limit.per.total_seconds() * limit.calls
