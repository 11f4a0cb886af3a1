"""Separated values: one table, whatever separates them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from retrieval.blocks import BlockKind
from retrieval.reading.decode import decode
from retrieval.reading.draft import Draft, clean
from retrieval.reading.formats import Progress
from retrieval.reading.tables import add_table

SEPARATORS = ",;\t|"
SAMPLE = 64 * 1024  # characters looked at to find the separator


def read(path: Path, draft: Draft, progress: Progress) -> None:
    text, warnings = decode(path.read_bytes())
    for warning in warnings:
        draft.warn(warning)
    text = clean(text)
    if text.startswith("sep=") and "\n" in text:  # a line for spreadsheet programs
        separator, text = text[4:5], text.split("\n", 1)[1]
    else:
        separator = _separator(text[:SAMPLE])
    csv.field_size_limit(draft.limits.characters)
    try:
        add_table(draft, csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        draft.warn(f"The rest is not a table ({error}); what came before was read")
    if draft.empty:
        draft.add(BlockKind.PARAGRAPH, text)
    progress(1, 1)


def _separator(sample: str) -> str:
    """The separator that cuts the lines into the same number of cells most often."""
    lines = sample.split("\n")[:200]
    if len(lines) > 1:
        lines = lines[:-1]  # may be cut

    def steadiness(separator: str) -> tuple[int, int]:
        widths = [
            len(row)
            for row in csv.reader(lines, delimiter=separator)
            if any(c.strip() for c in row)
        ]
        usual = max(set(widths), key=widths.count, default=1)
        return (0, 0) if usual < 2 else (widths.count(usual), usual)

    try:
        return max(SEPARATORS, key=steadiness)
    except csv.Error:
        return ","
