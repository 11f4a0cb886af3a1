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
