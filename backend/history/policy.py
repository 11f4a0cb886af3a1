"""When a version is saved by itself, and which of those are let go. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from backend.history.model import Version
from collab.editors import Editor

EVERY: Final = timedelta(minutes=5)  # of editing by the same people
ALL_FOR: Final = timedelta(days=1)  # then one an hour
HOURLY_FOR: Final = timedelta(days=7)  # then one a day


def due(lately: Sequence[Version], pending: Set[Editor], now: datetime) -> datetime:
    """When the next version is to be saved, now at the earliest.

    ``lately`` are the last versions, the latest first; ``pending`` has edited since. It is at once
    after a pause and where somebody joins in, and else when the last is ``EVERY`` old.
    """
    if not lately or not pending <= {
        editor for version in lately if now - version.at < EVERY for editor in version.editors
    }:
        return now
    return max(now, lately[0].at + EVERY)


def superfluous(versions: Sequence[Version], now: datetime) -> frozenset[int]:
    """The numbers of those that an hour or a day is not in need of: its last one tells it.

    ``versions`` ascend. What has a name or was restored stays, and so do the first and the last.
    """
    restored = {version.restored for version in versions}
    gone: set[int] = set()
    for version, following in pairwise(versions):
        age = now - version.at
        if version.kept or version.number in restored or age < ALL_FOR:
            continue
        span = timedelta(hours=1) if age < HOURLY_FOR else timedelta(days=1)
        if _span(version.at, span) == _span(following.at, span):
            gone.add(version.number)
    return frozenset(gone)


def _span(moment: datetime, span: timedelta) -> int:
    return int(moment.timestamp() // span.total_seconds())
