"""A reading while it is made: text grows at the end, and blocks remember where they lie."""

from __future__ import annotations

import re

from retrieval.blocks import BlockKind, Reading, Skip, TextBlock
from retrieval.reading import refusals
from retrieval.reading.limits import Limits

RECEIPT_LINES = 200  # skipped parts and warnings each; what follows is counted, not listed

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_RUNS = frozenset({BlockKind.LIST_ITEM, BlockKind.TABLE_ROW})


def clean(text: str) -> str:
    """Newlines become \\n, NULs go, halves of surrogate pairs become U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return _SURROGATES.sub("\ufffd", _NEWLINES.sub("\n", text))


class Draft:
    """Collects blocks in reading order; ``finish`` makes the Reading.

    Consecutive list items and table rows stand on adjacent lines, everything else is set apart by
    an empty line.
    """

    def __init__(self, limits: Limits, name: str) -> None:
        self.limits = limits
        self.name = name
        self.title: str | None = None
        self.pages: int | None = None
        self._parts: list[str] = []
        self._length = 0
        self._cells = 0
        self._blocks: list[TextBlock] = []
        self._skipped: list[Skip] = []
        self._warnings: list[str] = []

    def add(
        self, kind: BlockKind, text: str, *, level: int | None = None, page: int | None = None
    ) -> None:
        """Append one block. What is empty once cleaned and stripped is left out."""
        text = clean(text)
        text = text.strip("\n").rstrip() if kind is BlockKind.CODE else text.strip()
        if not text:
            return
        last = self._blocks[-1] if self._blocks else None
        if last is not None:
            together = kind in _RUNS and last.kind is kind and last.page == page
            separator = "\n" if together else "\n\n"
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        if self._length > self.limits.characters:
            raise refusals.too_large(self.name, None, self.limits.characters, "characters of text")
        self._blocks.append(TextBlock(kind, start, self._length, level, page))

    def count_cells(self, cells: int) -> None:
        self._cells += cells
        if self._cells > self.limits.cells:
            raise refusals.too_large(self.name, None, self.limits.cells, "table cells")

    def count_pages(self, pages: int, unit: str = "pages") -> None:
        """Set the number of pages, refusing more than the limit."""
        if pages > self.limits.pages:
            raise refusals.too_large(self.name, pages, self.limits.pages, unit)
        self.pages = pages

    def skip(self, where: str, why: str) -> None:
        self._skipped.append(Skip(where, why))

    def warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.append(warning)

    @property
    def empty(self) -> bool:
        return not self._blocks

    def finish(self, format_name: str) -> Reading:
        text = "".join(self._parts)
        if overrides := len(_OVERRIDES.findall(text)):
            self.warn(
                f"{overrides} characters that change the writing direction are kept; "
                "the text may look different from what it says"
            )
        if invisible := len(_INVISIBLE.findall(text)):
            self.warn(f"{invisible} invisible characters are kept; searches may miss these words")
        title = self.title
        if title is not None:
            title = " ".join(clean(title).split())[:300] or None
        if title is None:
            title = next(
                (
                    " ".join(text[block.start : block.end].split())[:300]
                    for block in self._blocks[:5]
                    if block.kind is BlockKind.HEADING
                ),
                None,
            )
        return Reading(
            text=text,
            blocks=tuple(self._blocks),
            pages=self.pages,
            title=title,
            skipped=tuple(self._shortened()),
            warnings=tuple(self._warnings[:RECEIPT_LINES]),
            format=format_name,
        )

    def _shortened(self) -> list[Skip]:
        kept = self._skipped[:RECEIPT_LINES]
        if rest := len(self._skipped) - len(kept):
            kept.append(Skip("elsewhere", f"{rest:,} more parts"))
        return kept
