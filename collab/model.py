"""The values of a shared document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

DocumentId: TypeAlias = str
Update: TypeAlias = bytes  # one Yjs update, encoding version 1


class Access(StrEnum):
    """What a visitor may do in a room."""

    READ = "read"
    WRITE = "write"


class CloseReason(StrEnum):
    """Why the server ended a connection; the door maps each to its WebSocket close code."""

    REVOKED = "revoked"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    STORE_FAILED = "store_failed"
    GOING_AWAY = "going_away"
    GONE = "gone"  # the document was deleted
    CHANGED = "changed"  # what the visitor may do is another now: come back to learn what
    FULL = "full"  # no more documents or visitors fit: come back later


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One update that holds everything up to and including sequence number ``through``."""

    update: Update
    through: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as loaded: its epoch, the updates in order, and the last sequence number."""

    epoch: str
    updates: tuple[Update, ...]
    last: int


@dataclass(frozen=True, slots=True)
class Head:
    """How far a stored document is: its epoch and the last number given."""

    epoch: str
    last: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one visitor may cost a room, and how long a room waits. Bytes and seconds."""

    message_bytes: int = 16 * 1024 * 1024
    awareness_bytes: int = 64 * 1024  # one client's state
    presences: int = 8  # clients that one visitor may speak for
    presences_per_second: float = 100.0  # messages; a visitor that sends more is read slower
    syncs_per_second: float = 10.0  # each may have to encode the whole document
    updates_per_second: float = 5_000.0
    ask_seconds: float = 1.0  # between asking one visitor for what has not come
    burst_seconds: float = 2.0  # of these rates, that a visitor may use up at once
    visitors: int = 1_000  # in one room
    documents: int = 2_000  # open at once
    outbox_messages: int = 2_048  # a slower visitor is dropped and catches up when it returns
    outbox_bytes: int = 32 * 1024 * 1024
    send_seconds: float = 20.0  # that a visitor has to take a message, and for its bytes
    send_bytes_per_second: float = 32 * 1024  # so much longer: a document over a slow line
    large_bytes: int = 256 * 1024  # messages from here on leave few at a time
    large_at_once: int = 24  # in all rooms of a process
    large_seconds: float = 1.0  # a large message waits for its turn, then goes without
    backlog_bytes: int = 32 * 1024 * 1024  # applied but not yet stored; past it, visitors wait
    batch_updates: int = 512  # appended in one transaction
    batch_bytes: int = 4 * 1024 * 1024
    presence_seconds: float = 0.05  # changes of presence within it travel together
    quiet_seconds: float = 1.0  # without an edit, and the room settles
    restless_seconds: float = 10.0  # a room edited without pause settles this often all the same
    linger_seconds: float = 30.0  # an empty room is kept, for those who reload the page
    gap_seconds: float = 0.05  # what another process stored is awaited on the bus, then loaded
    look_seconds: float = 5.0  # between looks at the store, where others write to it too
    away_seconds: float = 0.5  # the same while the bus is away
    lost_seconds: float = 40.0  # after it a presence of another process is one of a dead process
    tail_bytes: int = 16 * 1024  # a tail at most this long is not worth compacting


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on a run of text: bold, italic, strike, underline, code, link{href}."""

    type: str
    attrs: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inline:
    """Text with its marks, or an inline atom: ``citation`` {cite}, ``hardBreak``, ``image``."""

    type: str  # "text", "citation", "hardBreak"
    text: str = ""
    marks: tuple[Mark, ...] = ()
    attrs: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """A node of the brief: type and attributes as the editor names them.

    A block holds either inline content (paragraph, heading, codeBlock, action) or child blocks
    (lists, quotes, tables), or neither (image, horizontalRule).
    """

    id: str
    type: str
    attrs: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    inline: tuple[Inline, ...] = ()
    children: tuple[Block, ...] = ()

    @property
    def text(self) -> str:
        """The block's own text, without its children's and without its atoms."""
        return "".join(part.text for part in self.inline)


@dataclass(frozen=True, slots=True)
class Projection:
    """A document as plain values: what the rest of the product reads."""

    title: str
    blocks: tuple[Block, ...]
