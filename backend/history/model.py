"""What a version of a brief is: values that the service, the store and the wire share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from collab.editors import Editor
from collab.history import Link

FIRST = 1  # the number of a brief's first version


@dataclass(frozen=True, slots=True)
class Version:
    """A state that a brief was in. ``name`` is null for one that was saved by itself; ``restored``
    is the version it brought back, if it did; ``summary`` is what changed since the one before."""

    number: int
    at: datetime
    name: str | None
    restored: int | None
    editors: Sequence[Editor]
    summary: str
    bytes: int

    @property
    def kept(self) -> bool:
        """Whether it stays however old it grows."""
        return self.name is not None or self.restored is not None or self.number == FIRST


@dataclass(frozen=True, slots=True)
class Linked:
    """A version with what is needed to have it again: the chain that ends with it."""

    version: Version
    epoch: str
    chain: Sequence[Link]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A version that is to be stored."""

    at: datetime
    name: str | None
    restored: int | None
    editors: Sequence[Editor]
    summary: str
    epoch: str
    link: Link


@dataclass(frozen=True, slots=True)
class Relinked:
    """What a stored version becomes when some before it go."""

    editors: Sequence[Editor]
    summary: str
    link: Link


@dataclass(frozen=True, slots=True)
class Pending:
    """Who has edited a brief since its last version."""

    brief: str
    space: str
    editors: Sequence[Editor]


@dataclass(frozen=True, slots=True)
class Size:
    """How many versions a brief has, how many with a name, and what all take in the store."""

    versions: int
    named: int
    bytes: int


class Full(Exception):
    """As many versions have a name as may have one."""
