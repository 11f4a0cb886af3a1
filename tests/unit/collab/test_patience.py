"""How long a visitor may take to read what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from collab import CloseReason, Limits
from collab.visitor import Patience
from tests.unit.collab.test_room import LIMITS, Guest, opened

SLOW = Limits(send_seconds=20.0, send_bytes_per_second=1000.0)


class Timer:
    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """An event loop's time and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.set = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(when, call)
        self.timers.append(timer)
        self.set += 1
        return timer

    def go_to(self, now: float) -> None:
        while due := [timer for timer in self.timers if timer.when <= now and not timer.cancelled]:
            first = min(due, key=lambda timer: timer.when)
            self.timers.remove(first)
            self.now = first.when
            first.call()
        self.now = now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


def test_a_message_may_take_its_time_and_no_more(clock: Clock) -> None:
    """At the limit it is late, and not before."""
    late: list[float] = []
    patience = Patience(SLOW, lambda: late.append(clock.now))
    patience.begin(1000)
    clock.go_to(20.99)
    assert not late
    clock.go_to(21.0)
    assert late == [21.0]


def test_what_was_sent_before_has_its_time_too(clock: Clock) -> None:
    """A letter behind four megabytes may leave when those have."""
    late: list[float] = []
    patience = Patience(SLOW, lambda: late.append(clock.now))
    patience.begin(4_000_000)
    patience.end()
    patience.begin(1000)
    clock.go_to(4020.0)
    assert not late
    patience.end()
    patience.begin(0)
    clock.go_to(4041.0)
    assert late == [4041.0]


def test_many_messages_share_a_timer(clock: Clock) -> None:
    """Of a thousand that leave within the time, one sets it; and who is sent nothing has none."""
    patience = Patience(SLOW, lambda: pytest.fail("nothing was late"))
    for _ in range(1000):
        patience.begin(10)
        clock.go_to(clock.now + 0.01)
        patience.end()
    assert clock.set == 1
    clock.go_to(100.0)
    assert not clock.timers


async def test_who_takes_nothing_is_sent_out() -> None:
    """A visitor whose line stands still leaves as too slow, and is told so."""
    async with opened(replace(LIMITS, send_seconds=0.05)) as (rooms, _):
        ann, deaf = await Guest(rooms).join(), await Guest(rooms, subject="deaf").join()
        deaf.channel.stall()
        ann.type("x")
        await asyncio.wait_for(deaf.task, 5)
        assert deaf.channel.closed is CloseReason.TOO_SLOW
        ann.type("y")
        await ann.until(lambda: ann.saved == 3)
