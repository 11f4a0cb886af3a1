"""What heads the columns of a table in a passage: it names figures, not things.

Tables stand in a passage as the readers write them: cells between bars, or each cell after the
name of its column ("Month: May; Units: 412").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

BAR: Final = " | "
WIDE: Final = 3  # cells of a first row that heads a table of words alone

_LINE = re.compile(r"[^\n]+")
_LABEL = re.compile(r"(?:^|; )([^:;|\n]{1,120}): ")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGIT = re.compile(r"\d")


def without_headers(text: str) -> str:
    """The text as long as it was, with a small x and spaces for what heads its columns.

    The letter keeps what follows from being taken for the opening of a sentence.
    """
    if BAR not in text and "; " not in text:
        return text
    written = list(text)
    for start, end in _headers(text):
        written[start:end] = "x".ljust(end - start)
    return "".join(written)


def _headers(text: str) -> Iterator[tuple[int, int]]:
    lines = [(match.start(), match.group()) for match in _LINE.finditer(text)]
    labels = [tuple(label[1] for label in _LABEL.finditer(line)) for _, line in lines]
    often = Counter(some for some in labels if len(some) > 1)
    header: set[str] = set()
    for at, (start, line) in enumerate(lines):
        follows = at > 0 and BAR in lines[at - 1][1]
        if BAR in line and not follows:
            cells = line.split(BAR)
            below = [rest for _, rest in lines[at + 1 :]]
            labelled = at + 1 < len(lines) and set(labels[at + 1]) & set(cells)
            if _named(cells) and (labelled or _heads(cells, below)):
                header = set(cells)
                yield start, start + len(line)
                continue
        if labels[at] and (often[labels[at]] > 1 or set(labels[at]) <= header):
            for label in _LABEL.finditer(line):
                yield start + label.start(1), start + label.end(1)


def _named(cells: list[str]) -> bool:
    """Whether no cell holds a figure that is not a year."""
    return all(_YEAR.fullmatch(cell) or not _DIGIT.search(cell) for cell in cells)


def _heads(cells: list[str], below: list[str]) -> bool:
    """Whether there are rows below, and the row is wide or they hold figures."""
    rows = []
    for line in below:
        if BAR not in line:
            break
        rows.append(line)
    return bool(rows) and (len(cells) >= WIDE or any(map(_DIGIT.search, rows)))
