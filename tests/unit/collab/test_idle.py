"""What a room does when nobody does anything."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from collab import wire
from tests.unit.collab.test_room import BRIEF, LIMITS, Guest, eventually, opened


async def test_a_room_at_rest_sets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for its visitors nor for itself, once what they did has been told and stored."""
    settled: list[Any] = []
    async with opened(replace(LIMITS, linger_seconds=0.003), settled) as (rooms, _):
        guests = [await Guest(rooms, subject=f"s{number}").join() for number in range(20)]
        for number, guest in enumerate(guests):
            guest.send(wire.presences([wire.Presence(number, 1, b"{}")]))
        guests[0].type("!")
        for guest in guests:
            await guest.until(lambda guest=guest: len(guest.presences) >= 19)
            await guest.until(lambda guest=guest: guest.saved)
        await eventually(lambda: settled)
        loop = asyncio.get_running_loop()
        for _ in range(20):
            await asyncio.sleep(0.005)
        set_at: list[str] = []
        call_at = loop.call_at

        def noted(when: float, callback: Any, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
            set_at.append(repr(callback))
            return call_at(when, callback, *args, **kwargs)

        monkeypatch.setattr(loop, "call_at", noted)
        await asyncio.sleep(0.1)
        assert len(set_at) == 1, set_at  # the line above
        assert len(rooms) == 1


async def test_an_empty_room_is_kept_from_when_the_last_left() -> None:
    """Not from when it was opened; and whoever returns in time finds it as it was."""
    async with opened(replace(LIMITS, linger_seconds=0.003)) as (rooms, store):
        ann = await Guest(rooms).join()
        room = rooms._open_room(BRIEF)
        assert room is not None
        await asyncio.sleep(0.05)
        rooms.limits = replace(LIMITS, linger_seconds=60)
        room.left_at -= 60
        await ann.leave()
        for _ in range(20):
            await asyncio.sleep(0.001)
        await (await Guest(rooms).join()).leave()
        assert store.loads == 1
