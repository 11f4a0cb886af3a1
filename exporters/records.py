"""What a brief becomes over there, what is found there, and what is to be done about it. Values.

A *record* is one object of a target: an issue, a card, a page, a block, a file. The engine
(``plan``, ``apply``) compares and sends records and knows nothing of issues or cards; an adapter
knows nothing of ledgers, crashes or approval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Fields: TypeAlias = Mapping[str, Json]
"""A record's parts by name, each in the canonical form of its adapter: a part is what is compared,
sent, and decided about by itself."""

SEND_WITHIN: Final = timedelta(seconds=60)
"""Nothing of a step is sent later than this after its intent was written down: a worker that was
held up sends nothing into what another has taken over since."""

REQUEST_LIVES: Final = timedelta(minutes=2)
"""How long after it was sent a request may still be carried out over there: our own time limit of
30 s, and what lies in queues of theirs, generously."""

OVERVIEW = "overview"  # the key of the record that stands for the whole brief


@dataclass(frozen=True, slots=True)
class Place:
    """Where a brief goes: a target without its credentials."""

    kind: str  # notion, jira, trello, folder
    target: str  # our id of the target; a part of every marker
    where: Mapping[str, Json]  # the adapter's own: a data source, a project, a board and a list
    mapping: Mapping[str, Json] = field(default_factory=dict)  # what a person chose
    link: str = ""  # the address of the brief in this product; empty where it has none
    brief: str = ""  # the id of the brief that goes there; a part of every marker
    known: Mapping[str, Json] = field(default_factory=dict)  # what ``Adapter.learn`` read; not kept


@dataclass(frozen=True, slots=True)
class Record:
    """One object as it should be. ``key`` is the block's id, or OVERVIEW.

    ``parent`` is the key of the record it lies in. Siblings with ``ordered`` keep their order over
    there; where a target cannot move an object, one out of order is made anew.
    """

    key: str
    kind: str
    fields: Fields
    title: str = ""  # for people
    parent: str | None = None
    ordered: bool = False
    after: str | None = None  # the sibling that one made now follows; the plan fills it in


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the brief that the target cannot show."""

    key: str
    what: str  # for people: "Underlined words are shown without the line."


@dataclass(frozen=True, slots=True)
class Rendering:
    """A brief as a target would show it. Parents come before their children, siblings in order."""

    records: tuple[Record, ...]
    losses: tuple[Loss, ...] = ()


class Standing(StrEnum):
    """How an object that we made stands now."""

    LIVE = "live"
    ARCHIVED = "archived"  # in the trash, closed
    MOVED = "moved"  # in another project, board or page
    GONE = "gone"  # deleted: nothing answers to its id
    FORBIDDEN = "forbidden"  # there or not, our token may not see it


@dataclass(frozen=True, slots=True)
class Found:
    """One object as it is now. ``fields`` are those that a record of this kind has, read back."""

    ref: str
    fields: Fields = field(default_factory=dict)
    standing: Standing = Standing.LIVE
    url: str = ""
    where: str = ""  # for people, when it was moved or archived
    extra: Fields = field(default_factory=dict)  # what only the adapter uses: allowed transitions
    keeps: bool = False  # people put things of theirs inside, which would go along with it
    returns: bool = True  # whether there is a call that would bring it back from there


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of one object that we made.

    ``sent`` is what we wrote last, ``seen`` how it then read back. A part in ``sent`` without one
    in ``seen`` was written, and the reading back was cut off: it counts as read back unchanged.
    """

    key: str
    kind: str
    ref: str
    sent: Fields
    seen: Fields
    parent: str | None = None
    url: str = ""
    title: str = ""
    order: int = 0  # among its siblings, as last sent; with gaps between them
    within: str = ""  # the ref of its parent when it was put there
    left: frozenset[str] = frozenset()  # parts that a person said to leave as they are over there


@dataclass(frozen=True, slots=True)
class Seen:
    """How an object read back after a write."""

    ref: str
    fields: Fields
    url: str = ""


class Choice(StrEnum):
    """What a person decided about a part that changed over there."""

    OURS = "ours"  # send ours over theirs
    THEIRS = "theirs"  # leave theirs; the brief's text stays as it is


class Way(StrEnum):
    """What a person decided about an object that is not where we left it."""

    RESTORE = "restore"  # take it out of the archive, or move it back
    RECREATE = "recreate"  # make another; the old one is left alone
    RELEASE = "release"  # leave it alone and forget that we made it; not made again


@dataclass(frozen=True, slots=True)
class Decisions:
    """By key and part, and by key. Each stands for what was seen when it was taken: ``theirs`` and
    the standing are compared again before they are used. The run that carries one out spends it.
    """

    parts: Mapping[tuple[str, str], tuple[Choice, Json]] = field(default_factory=dict)
    ways: Mapping[str, tuple[Way, Standing]] = field(default_factory=dict)
    released: frozenset[str] = frozenset()  # never spent: these keys are not made again


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands in a request for the id of an object that is not made yet.

    In JSON it is ``{"$ref": key}`` as a value of its own, and ``{$ref:key}`` within a path.
    """

    key: str

    def json(self) -> dict[str, Json]:
        return {"$ref": self.key}


@dataclass(frozen=True, slots=True)
class Request:
    """One call, byte for byte but for what a Ref stands for. ``body`` is sent as compact JSON with
    sorted keys; None sends no body."""

    method: str
    path: str  # below the API's root, with its query
    body: Json = None


_COMPACT: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def encode(body: Json) -> bytes:
    """JSON as it is sent, shown and compared: compact, keys sorted, UTF-8."""
    return _COMPACT.encode(body).encode()


class Op(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Step:
    """One writing call, and what the ledger says once it was made.

    ``sends`` has the parts that the call writes, by the key of their record: a call may make many
    records at once, but changes one. ``base`` is how the changed record was seen when the step was
    planned: a step is not made where those parts read otherwise now.
    """

    id: str  # the same plan gives the same ids: see plan.step_id
    op: Op
    request: Request
    sends: Mapping[str, Fields]
    records: tuple[Record, ...] = ()  # whole, of those that are made or changed
    base: Fields = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # keys whose refs the request holds
    reads: int = 0  # calls that read, made beside it
    moved: bool = False  # it puts the changed record into its parent; the plan fills it in

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.sends)


@dataclass(frozen=True, slots=True)
class Intent:
    """A step that was begun and has no receipt: it may have been done over there, or not."""

    step: Step
    since: datetime
    actor: str
    looks: int = 0  # how often it was looked for in vain

    @property
    def unsent_after(self) -> datetime:
        """From here on nothing of it is sent."""
        return self.since + SEND_WITHIN

    @property
    def over(self) -> datetime:
        """From here on nothing of it can happen over there any more. Reading may lag behind that:
        what is not found before ``over`` and the target's lag may still be there."""
        return self.unsent_after + REQUEST_LIVES


@dataclass(frozen=True, slots=True)
class Create:
    """``after`` is the key of the sibling that it follows, where it is ordered; None: the first."""

    record: Record
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Only ``parts`` are sent: what changed here, and nothing that changed over there.

    ``moved``: it lies in another parent than before, or its parent was made anew; ``parts`` may
    then be empty, and the first of its steps puts it there. An ordered record is never moved.
    """

    record: Record
    parts: Fields
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """Its block is no longer in the brief, or it is about to be made anew (then ``anew``)."""

    entry: Entry
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Restore:
    """Take it out of the archive, or back to its place, as a person decided."""

    entry: Entry
    standing: Standing


Change: TypeAlias = Create | Update | Archive | Restore
