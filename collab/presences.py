"""Who is in a room: the clients of its visitors, and those in other processes."""

from __future__ import annotations

from collections.abc import Iterable

from collab import wire
from collab.model import Limits
from collab.visitor import Visitor


class Presences:
    """What each client last said of itself, who may say it, and what was not told on yet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[int, wire.Presence] = {}
        self._owners: dict[int, Visitor] = {}  # who speaks for a client here
        self._elsewhere: dict[int, tuple[bytes, float]] = {}  # or which process, and when it did
        self._moved: set[int] = set()
        self._moved_here: set[int] = set()

    def here(self) -> list[wire.Presence]:
        return [entry for entry in self._known.values() if not entry.gone]

    def ours(self) -> list[wire.Presence]:
        """Those of this process's visitors."""
        return [self._known[client] for client in self._owners]

    def of(self, visitor: Visitor) -> list[wire.Presence]:
        """What a visitor's clients last said."""
        return [self._known[client] for client in visitor.presences]

    def take_moved(self) -> tuple[list[wire.Presence], list[wire.Presence]]:
        """All that changed since the last time, and those of them that changed here."""
        moved = [self._known[client] for client in sorted(self._moved)]
        ours = [entry for entry in moved if entry.client in self._moved_here]
        for entry in moved:
            if entry.gone:
                del self._known[entry.client]
        self._moved.clear()
        self._moved_here.clear()
        return moved, ours

    def move(self, visitor: Visitor, entries: Iterable[wire.Presence]) -> bool:
        """Take what a visitor says; whether any is news. ``Malformed`` where it is not JSON."""
        for entry in entries:
            if not self._admits(visitor, entry):
                continue
            entry.check()
            self._disown(entry.client)
            if not entry.gone:
                self._owners[entry.client] = visitor
                visitor.presences.add(entry.client)
            self._note(entry, here=True)
        return bool(self._moved)

    def forget(self, visitor: Visitor) -> bool:
        """Its clients are gone; whether there were any."""
        for client in list(visitor.presences):
            self._disown(client)
            self._note(wire.Presence(client, self._known[client].clock, b"null"), here=True)
        return bool(self._moved)

    def hear(self, origin: bytes, entries: Iterable[wire.Presence], now: float) -> bool:
        """Take what another process says of its visitors; whether any of it is news."""
        for entry in entries:
            known = self._known.get(entry.client)
            if known is not None and not known.gone:
                process, _ = self._elsewhere.get(entry.client, (b"", 0.0))
                if entry.gone:
                    # One that moved on to another process is gone from where it was only.
                    if process != origin or entry.clock < known.clock:
                        continue
                elif entry.clock <= known.clock:
                    if process == origin:
                        self._elsewhere[entry.client] = (origin, now)
                    continue
            elif entry.gone:
                continue
            self._disown(entry.client)
            if not entry.gone:
                self._elsewhere[entry.client] = (origin, now)
            self._note(entry, here=False)
        return bool(self._moved)

    def lose(self, now: float) -> bool:
        """Those of which no process has spoken for long are gone; whether there are any.

        A client says where it is every 15 seconds, so that silence means its process is dead.
        """
        for client, (_, heard) in list(self._elsewhere.items()):
            if now - heard > self._limits.lost_seconds:
                self._disown(client)
                self._note(wire.Presence(client, self._known[client].clock, b"null"), here=False)
        return bool(self._moved)

    def _admits(self, visitor: Visitor, entry: wire.Presence) -> bool:
        """Whether this is news that this visitor may tell.

        Yjs clients repeat what they hear of others. Only news of a visitor's own clients is
        taken, so that a repetition ends here and nobody is moved or removed by another.
        """
        known, owner = self._known.get(entry.client), self._owners.get(entry.client)
        if owner is visitor:
            assert known is not None
            return entry.clock > known.clock or (entry.clock == known.clock and entry.gone)
        if entry.gone or len(visitor.presences) >= self._limits.presences:
            return False
        if known is None or known.gone:
            return True
        # A client that lost its socket returns on a new one before the old is noticed, or in
        # this process before the other one has noticed.
        return entry.clock > known.clock and (owner is None or owner.subject == visitor.subject)

    def _disown(self, client: int) -> None:
        self._elsewhere.pop(client, None)
        owner = self._owners.pop(client, None)
        if owner is not None:
            owner.presences.discard(client)

    def _note(self, entry: wire.Presence, *, here: bool) -> None:
        self._known[entry.client] = entry
        self._moved.add(entry.client)
        if here:
            self._moved_here.add(entry.client)
        else:
            self._moved_here.discard(entry.client)
