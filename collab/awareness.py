"""Presence told on: coalesced, so that its cost grows with the visitors and not their square."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from collab import wire
from collab.editors import Editors
from collab.fanout import Fanout
from collab.model import Limits
from collab.presences import Presences
from collab.relay import Relay
from collab.visitor import Visitor


class Awareness:
    """Who is in a room, here and in other processes, and telling all of them so."""

    def __init__(self, limits: Limits, fanout: Fanout, relay: Relay) -> None:
        self._limits = limits
        self._fanout = fanout
        self._relay = relay
        self._presences = Presences(limits)
        self.editors = Editors(self._presences)
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0

    def move(self, visitor: Visitor, entries: Iterable[wire.Presence]) -> None:
        """What a visitor says of its clients; ``Malformed`` where it is not JSON."""
        if self._presences.move(visitor, entries):
            self.editors.moved(visitor)
            self._tell_soon()

    def forget(self, visitor: Visitor) -> None:
        """It has left."""
        if self._presences.forget(visitor):
            self._tell_soon()

    def hear(self, origin: bytes, entries: Iterable[wire.Presence]) -> None:
        """What another process says of its visitors."""
        if self._presences.hear(origin, entries, asyncio.get_running_loop().time()):
            self._tell_soon()

    def look_for_the_lost(self) -> None:
        """Let those go whose process has said nothing for long: it may have been killed."""
        if self._presences.lose(asyncio.get_running_loop().time()):
            self._tell_soon()

    def here(self) -> list[wire.Presence]:
        return self._presences.here()

    def tell_elsewhere(self) -> None:
        """Tell the other processes of all who are in this one."""
        self._relay.moved(self._presences.ours())

    def close(self) -> None:
        """Tell what is left to be told."""
        if self._timer is not None:
            self._timer.cancel()
        self._tell()

    def _tell_soon(self) -> None:
        """The first change at once; those that follow travel together, and in a larger room for
        longer."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        pause = max(self._limits.presence_seconds, len(self._fanout.visitors) * 0.001)
        self._timer = loop.call_at(max(loop.time(), self._told_at + pause), self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told_at = asyncio.get_running_loop().time()
        moved, here = self._presences.take_moved()
        if moved:
            self._fanout.presences(moved)
            self._relay.moved(here)
