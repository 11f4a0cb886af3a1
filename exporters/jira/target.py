"""A project as a place says it, with what was chosen for it and what was read of it. Pure.

``Place.where``: ``project`` (its id), ``key``, ``site`` (the address people use).
``Place.mapping``: see ``choices``. ``Place.known``: what ``learning.learn`` read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from exporters.jira.text import clean
from exporters.records import Json, Place

Stage: TypeAlias = Literal["open", "doing", "done"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
_CATEGORIES: Final[dict[str, Stage]] = {"new": "open", "indeterminate": "doing", "done": "done"}

LABEL: Final = "stratmaster"
LABEL_LIMIT: Final = 255
REMOVED: Final = "removed-from-brief"
BY_NAME: Final = "Relates"  # every new Jira has it; others are chosen by id
PROPERTY: Final = "stratmaster.export"  # the entity property with our marker; keys have at most 255


@dataclass(frozen=True, slots=True)
class Status:
    id: str
    name: str
    category: str  # new, indeterminate, done


@dataclass(frozen=True, slots=True)
class Move:
    """A transition, from wherever it was read."""

    id: str
    name: str
    to: Status


def status(said: Json) -> Status:
    category = record(record(said).get("statusCategory")).get("key")
    return Status(word(record(said).get("id")), word(record(said).get("name")), word(category))


def move(said: Json) -> Move:
    one = record(said)
    return Move(word(one.get("id")), word(one.get("name")), status(one.get("to")))


def moves(said: Json) -> tuple[Move, ...]:
    """The transitions that an issue's reading lists, without those that cannot be made."""
    return tuple(move(one) for one in listed(said) if record(one).get("isAvailable") is not False)


@dataclass(frozen=True, slots=True)
class Workflow:
    """What a status means for an action, and which transition leads to what an action says."""

    named: Mapping[Stage, str]  # the ids of the statuses that a person chose

    def stage(self, of: Status) -> Stage:
        for stage, chosen in self.named.items():
            if chosen == of.id:
                return stage
        return _CATEGORIES.get(of.category, "open")

    def way(self, ways: Sequence[Move], to: Stage) -> Move | None:
        """The transition to the chosen status, or to any that means the same where none was."""
        chosen = self.named.get(to)
        fitting = (
            one for one in ways if (one.to.id == chosen if chosen else self.stage(one.to) == to)
        )
        return next(fitting, None)


class Target:
    """Reads a place; every answer is what is meant where nothing was said."""

    def __init__(self, place: Place) -> None:
        self._known = place.known
        self._mapping = place.mapping
        self.project = word(place.where.get("project"))
        self.key = word(place.where.get("key"))
        self.site = word(place.where.get("site")).rstrip("/")
        self.me = word(self._known.get("me"))
        self.issue_type = word(self._known.get("issue_type"))
        self.overview_type = word(self._known.get("overview_type"))
        self.nests = self._known.get("nests") is True
        self.priority = word(self._mapping.get("priority"))
        self.link_type = word(self._mapping.get("link_type", BY_NAME))
        self.completes = self._mapping.get("removed", "done") == "done"
        chosen = record(self._mapping.get("statuses"))
        self.workflow = Workflow(
            {stage: word(chosen[stage]) for stage in STAGES if word(chosen.get(stage))}
        )

    @property
    def link(self) -> dict[str, Json]:
        """The type of a link as a request names it."""
        return {"name": BY_NAME} if self.link_type == BY_NAME else {"id": self.link_type}

    def is_ours(self, link_type: Json) -> bool:
        return any(word(record(link_type).get(name)) == said for name, said in self.link.items())

    def url(self, key: str) -> str:
        return f"{self.site}/browse/{key}" if self.site and key else ""

    @property
    def labels(self) -> list[str]:
        """Ours, besides the marker: no white space in any."""
        said = clean(word(self._mapping.get("labels", LABEL)))
        return sorted({label[:LABEL_LIMIT] for label in re.split(r"[\s,;]+", said) if label})

    def has(self, field: str, *, overview: bool = False) -> bool:
        """Whether the screen on which such an issue is made shows this field."""
        fields = record(self._known.get("fields")).get("overview" if overview else "issue")
        return field in listed(fields)

    def account(self, owner: str) -> str:
        """Whose action it is over there; empty where nobody, or more than one, answers to it."""
        return word(record(self._known.get("people")).get(owner))

    @property
    def start(self) -> Status | None:
        """Where new issues begin; None where the project did not say."""
        said = self._known.get("start")
        return status(said) if said else None

    @property
    def first_moves(self) -> tuple[Move, ...] | None:
        """What can be done with a new issue; None where no issue was there to tell."""
        said = self._known.get("moves")
        return None if said is None else moves(said)


def word(value: Json) -> str:
    return value if isinstance(value, str) else ""


def record(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def jql(value: str) -> str:
    """A value within a query: a number as it is, anything else as a string."""
    if value.isascii() and value.isdigit():
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
