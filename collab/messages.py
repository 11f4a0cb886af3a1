"""What the rooms of one document say to each other across processes.

The store is the truth and gives every update its number. The bus only makes it quick: what is lost
on the way is seen by a gap in the numbers, or by a look at the store, and loaded from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from collab import wire
from collab.errors import Malformed
from collab.model import Update

ORIGIN: Final = 8  # bytes that name a process


class _Kind(IntEnum):
    ROWS = 1
    MOVED = 2
    ASKED = 3
    SETTLED = 4


@dataclass(frozen=True, slots=True)
class Rows:
    """Updates stored under ``first`` to ``last``; without them where they are too large to tell."""

    epoch: str
    first: int
    last: int
    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Presences of the visitors of one process."""

    origin: bytes
    entries: tuple[wire.Presence, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A room has just opened and wants to know who is elsewhere."""


@dataclass(frozen=True, slots=True)
class SettledElsewhere:
    """What follows from the document has followed, up to this number."""

    through: int


Told: TypeAlias = Rows | Moved | Asked | SettledElsewhere


class Numbers:
    """Which of a document's numbered updates are applied here."""

    def __init__(self, through: int) -> None:
        self.through = through  # all up to this one
        self.latest = through  # the highest that is known of
        self._ahead: set[int] = set()

    @property
    def behind(self) -> bool:
        return self.latest > self.through

    def has(self, number: int) -> bool:
        return number <= self.through or number in self._ahead

    def know_of(self, number: int) -> None:
        self.latest = max(self.latest, number)

    def take(self, first: int, last: int) -> None:
        """These are applied."""
        self.know_of(last)
        if first <= self.through + 1:
            self.reach(last)
        else:
            self._ahead.update(range(first, last + 1))

    def reach(self, number: int) -> None:
        """All up to this one are applied."""
        self.know_of(number)
        self.through = max(self.through, number)
        while self.through + 1 in self._ahead:
            self.through += 1
        self._ahead = {ahead for ahead in self._ahead if ahead > self.through}


def rows(epoch: str, first: int, updates: Sequence[Update], *, limit: int) -> bytes:
    """Past ``limit`` bytes only the numbers are told."""
    last = first + len(updates) - 1
    head = b"".join(
        (
            wire.integer(_Kind.ROWS),
            wire.chunk(epoch.encode()),
            wire.integer(first),
            wire.integer(last),
        )
    )
    body = wire.integer(len(updates)) + b"".join(map(wire.chunk, updates))
    return head + (body if len(head) + len(body) <= limit else wire.integer(0))


def moved(origin: bytes, entries: Iterable[wire.Presence], *, limit: int) -> Iterator[bytes]:
    """As many messages as it takes; a presence that is too large for one is not told."""
    head = wire.integer(_Kind.MOVED) + origin
    body, count = b"", 0
    for entry in entries:
        piece = wire.integer(entry.client) + wire.integer(entry.clock) + wire.chunk(entry.state)
        if len(head) + 8 + len(piece) > limit:
            continue
        if len(head) + 8 + len(body) + len(piece) > limit:
            yield head + wire.integer(count) + body
            body, count = b"", 0
        body += piece
        count += 1
    if count:
        yield head + wire.integer(count) + body


def asked() -> bytes:
    return wire.integer(_Kind.ASKED)


def settled(through: int) -> bytes:
    return wire.integer(_Kind.SETTLED) + wire.integer(through)


def decode(message: bytes) -> Told:
    """``Malformed`` for what is none of these, as another version's may be."""
    reader = wire.Reader(message)
    told: Told
    match reader.integer():
        case _Kind.ROWS:
            epoch, first, last = reader.text(), reader.integer(), reader.integer()
            updates = tuple(reader.chunk() for _ in range(reader.integer()))
            if updates and len(updates) != last - first + 1:
                raise Malformed(f"{len(updates)} updates are numbered {first} to {last}.")
            told = Rows(epoch, first, last, updates)
        case _Kind.MOVED:
            origin = reader.raw(ORIGIN)
            told = Moved(
                origin,
                tuple(
                    wire.Presence(reader.integer(), reader.integer(), reader.chunk())
                    for _ in range(reader.integer())
                ),
            )
        case _Kind.ASKED:
            told = Asked()
        case _Kind.SETTLED:
            told = SettledElsewhere(reader.integer())
        case kind:
            raise Malformed(f"Rooms do not say {kind} to each other.")
    reader.end()
    return told
