"""What the application knows of exports. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from exporters.apply import Outcome
from exporters.records import Choice, Json, Standing, Way


@dataclass(frozen=True, slots=True)
class Target:
    """A place that briefs go to. Without a ``brief`` it is for all of its space's."""

    id: str
    tenant: str
    space: str
    brief: str | None
    connection: str | None  # None where none is needed
    kind: str
    name: str
    where: Mapping[str, Json]
    mapping: Mapping[str, Json]
    removed: bool = False


class RunState(StrEnum):
    PLANNED = "planned"  # approved; no worker has it yet
    RUNNING = "running"
    RECONCILING = "reconciling"  # an outcome is unknown, and will be looked for later
    WAITING = "waiting"  # the other side asked us to wait
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something failed, for people, as the API writes errors."""

    code: str
    message: str
    remedy: str = ""

    def json(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Run:
    """A plan that a person approved by its checksum, and how far it is."""

    id: str
    target: str
    brief: str
    turn: int  # which run of this brief there it is, from 1
    state: RunState
    checksum: str
    counts: Mapping[str, int]
    total: int
    done: int
    actor: str
    actor_name: str
    created_at: datetime
    ended_at: datetime | None = None
    wait_until: datetime | None = None
    stop: bool = False
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """What became of one call of a run, and what people call the items that it is about."""

    outcome: Outcome
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """When a place was last read, what of it a rendering needs, and what kept us from reading."""

    at: datetime | None
    known: Mapping[str, Json] | None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Astray:
    """An object that is no longer where we left it."""

    standing: Standing
    where: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the last look found to differ from what we left: parts by key and name, standings."""

    parts: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    astray: Mapping[str, Astray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartDecision:
    key: str
    part: str
    choice: Choice
    theirs: Json


@dataclass(frozen=True, slots=True)
class WayDecision:
    key: str
    way: Way
    standing: Standing


class Busy(Exception):
    """An export of this brief to this target is under way."""


class Overtaken(Exception):
    """Another export of this brief to this target was begun since."""


class Doubled(Exception):
    """The same place is a target of this brief already."""


class Shared(Exception):
    """Other briefs were exported to this target, too."""


class Deleted(Exception):
    """The brief is not there any more, or is not exported to this target any more."""


class Apart(Exception):
    """What was made at this place is known to several targets that were removed."""


class Full(Exception):
    """No more targets fit."""
