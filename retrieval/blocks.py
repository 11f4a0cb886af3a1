"""What a reader makes of a file: one text, and the blocks that lie in it.

A reading crosses a process boundary and is stored beside the source, so it has one JSON form,
and reading that form back checks what every later stage relies on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"
    CAPTION = "caption"


class MalformedReading(ValueError):
    """The blocks do not fit the text, or the stored form is not one of ours."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A stretch of the text with one role. ``start`` and ``end`` count code points.

    ``level`` is 1 to 6 for headings, the depth from 1 for list items, otherwise None; ``page``
    counts from 1.
    """

    kind: BlockKind
    start: int
    end: int
    level: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A part that was not read: where it is in the file, and why, both for the receipt."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as text. Blocks ascend and never overlap; what separates them belongs to none."""

    text: str
    blocks: tuple[TextBlock, ...]
    pages: int | None = None
    title: str | None = None
    language: str = "und"
    skipped: tuple[Skip, ...] = ()
    warnings: tuple[str, ...] = ()
    format: str = "text"

    def __post_init__(self) -> None:
        check(self.text, self.blocks)


def check(text: str, blocks: tuple[TextBlock, ...]) -> None:
    """Raise MalformedReading unless the blocks ascend, are not empty and lie within the text."""
    reached = 0
    for number, block in enumerate(blocks):
        if block.start < reached or block.end <= block.start or block.end > len(text):
            raise MalformedReading(
                f"block {number} ({block.kind}) spans {block.start} to {block.end}, but must start "
                f"at {reached} or later, hold something and end by {len(text)}"
            )
        reached = block.end


def to_json(reading: Reading) -> str:
    """The stored form. Blocks are rows, not objects: a long table has very many of them."""
    return json.dumps(
        {
            "form": FORM,
            "text": reading.text,
            "blocks": [[b.kind.value, b.start, b.end, b.level, b.page] for b in reading.blocks],
            "pages": reading.pages,
            "title": reading.title,
            "language": reading.language,
            "skipped": [[skip.where, skip.why] for skip in reading.skipped],
            "warnings": list(reading.warnings),
            "format": reading.format,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_json(stored: str | bytes) -> Reading:
    """The reading that ``to_json`` stored. Raises MalformedReading for anything else."""
    try:
        form: dict[str, Any] = json.loads(stored)
        if form["form"] != FORM:
            raise MalformedReading(
                f"stored reading has form {form['form']!r}, this program reads {FORM}; "
                "read the source again"
            )
        return Reading(
            text=form["text"],
            blocks=tuple(
                TextBlock(BlockKind(kind), start, end, level, page)
                for kind, start, end, level, page in form["blocks"]
            ),
            pages=form["pages"],
            title=form["title"],
            language=form["language"],
            skipped=tuple(Skip(where, why) for where, why in form["skipped"]),
            warnings=tuple(form["warnings"]),
            format=form["format"],
        )
    except MalformedReading:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedReading(f"not a stored reading ({error}); read the source again") from error


FORM = 1  # of the JSON; raised when a field changes its meaning
