"""Keeping to published limits: a share for each call, a little saved up, nothing borrowed.

The generic cell rate algorithm. A limit is kept however its windows are cut: in no stretch of
``per`` do more than ``calls`` leave, so that nothing is refused that waiting could have avoided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from exporters.ports import Pace

SHARE: Final = 0.98  # of a limit; the rest is for clocks and lines that are not even
BURSTS: Final = 50  # one more call may leave at once for each so many of a limit


def burst(pace: Pace) -> int:
    """How many may leave at once after a rest."""
    return 1 + pace.calls // BURSTS


@cache
def interval(pace: Pace) -> timedelta:
    """Between two calls in the long run. A burst and what follows it stay below the limit: at least
    95 % of it is used."""
    return pace.per / max(1.0, pace.calls * SHARE - (burst(pace) - 1))


def reserve(
    paces: Sequence[Pace], tats: Sequence[datetime | None], now: datetime, calls: int = 1
) -> tuple[datetime, tuple[datetime, ...]]:
    """When so many calls may leave, and the theoretical arrival times once they have. ``tats`` are
    those of the last reservation, one for each pace, None for a first one."""
    at = now
    for pace, tat in zip(paces, tats, strict=True):
        if tat is not None:
            at = max(at, tat - (burst(pace) - 1) * interval(pace))
    return at, tuple(
        max(at, tat or at) + calls * interval(pace)
        for pace, tat in zip(paces, tats, strict=True)
    )  # fmt: skip


def after_pause(
    paces: Sequence[Pace], tats: Sequence[datetime | None], until: datetime
) -> tuple[datetime, ...]:
    """The arrival times where nothing may leave before ``until``, and no burst then."""
    return tuple(
        max(until + (burst(pace) - 1) * interval(pace), tat or until)
        for pace, tat in zip(paces, tats, strict=True)
    )


def seconds(paces: Sequence[Pace], calls: int) -> float:
    """How long so many calls take at least."""
    return max((max(0, calls - burst(p)) * interval(p).total_seconds() for p in paces), default=0.0)
