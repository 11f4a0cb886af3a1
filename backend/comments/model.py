"""What a comment is: values that the service, the store and the wire share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Person:
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A brief, and where it is."""

    tenant: str
    space: str
    brief: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a thread hangs: two positions of Yjs, and what a person would go by without them.

    ``start`` and ``end`` are relative positions in base64, which only a page with the document can
    resolve. ``block`` is the id of the block the words begin in; ``text`` the words, ``before`` and
    ``after`` what stands beside them in their block.
    """

    start: str
    end: str
    block: str
    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """``deleted`` ones have no words; they stay where others answered them."""

    id: str
    author: Person
    body: str
    mentions: Sequence[Person]
    created_at: datetime
    edited_at: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    at: datetime
    by: Person


@dataclass(frozen=True, slots=True)
class Thread:
    """``comments`` in order, the first of which opened it."""

    id: str
    anchor: Anchor
    revision: int
    quote: str
    resolved: Resolved | None
    created_at: datetime
    opened_by: str
    comments: Sequence[Comment]


class Why(StrEnum):
    """Why somebody is told."""

    MENTION = "mention"
    REPLY = "reply"  # to a thread of theirs
    RESOLVED = "resolved"  # a thread of theirs


@dataclass(frozen=True, slots=True)
class Notification:
    id: str
    kind: Why
    by: str  # their name
    space: str
    brief: str
    title: str  # of the brief
    thread: str
    words: str  # of the comment, or what was commented on
    created_at: datetime
    read: bool


class Full(Exception):
    """There are as many as there may be."""


class Gone(Exception):
    """What this was to be done to is not there any more."""


class Moved(Exception):
    """The anchor was set anew since it was read."""
