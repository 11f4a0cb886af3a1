"""A brief as exporters see it: no editor, no database, no web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text with its marks; where ``cite`` is set, a citation and no text."""

    text: str = ""
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    code: bool = False
    href: str | None = None
    cite: str | None = None
    line_break: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image's bytes as stored, or only its alternative text where they are gone."""

    alt: str
    media_type: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One block of a brief. ``key`` is the block's id: the export key over there too.

    kind: heading (level 1–6), paragraph, bullet_list, ordered_list, list_item, quote, code
    (language), rule, table, row, cell (header), image, action (owner, due, status: open, doing,
    done).
    """

    key: str
    kind: str
    spans: tuple[Span, ...] = ()
    children: tuple[Item, ...] = ()
    level: int = 0
    start: int = 1
    header: bool = False
    language: str = ""
    owner: str = ""
    due: date | None = None
    status: str = "open"
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The evidence behind one citation, numbered by first appearance in the brief."""

    number: int
    cite: str
    source: str
    quote: str
    page: int | None = None
    version: str = ""
    link: str = ""
    state: str = "current"  # current, stale, deleted, unknown


@dataclass(frozen=True, slots=True)
class Brief:
    id: str
    title: str
    items: tuple[Item, ...]
    references: tuple[Reference, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)

    def number(self, cite: str) -> int | None:
        """The number that a citation shows, None for one without a reference."""
        return next((ref.number for ref in self.references if ref.cite == cite), None)
