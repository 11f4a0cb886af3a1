"""Tables as lines that can be quoted on their own.

A row below a header repeats the header's words ("Month: May; Units: 412"): it is found by them,
and it still says what its numbers mean when it stands alone in a brief.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from retrieval.blocks import BlockKind
from retrieval.reading.draft import Draft

_NUMBER = re.compile(r"[-+−(]?[€$£]?\s?\d[\d\s.,'’]*\s?[%€$£)]?")

_YEAR = re.compile(r"(?:19|20)\d\d")


def one_line(text: str) -> str:
    return " ".join(text.split())


def is_header(cells: Sequence[str]) -> bool:
    """Two or more distinct names, none a number but for years, and no hole but in the corner."""
    named = [cell for cell in cells if cell]
    return (
        len(named) >= 2
        and all(cells[1:])
        and len(set(named)) == len(named)
        and not _NUMBER.fullmatch(named[0])
        and all(len(c) <= 120 and (_YEAR.fullmatch(c) or not _NUMBER.fullmatch(c)) for c in named)
    )


def plain(cells: Sequence[str]) -> str:
    return " | ".join(cell for cell in cells if cell)


def labelled(header: Sequence[str], cells: Sequence[str]) -> str:
    parts = []
    for column, cell in enumerate(cells):
        if cell:
            name = header[column] if column < len(header) else ""
            parts.append(f"{name.rstrip(':')}: {cell}" if name else cell)
    return "; ".join(parts)


def add_table(draft: Draft, rows: Iterable[Sequence[str]], *, page: int | None = None) -> None:
    """Append a whole table. Its first row is the header if it looks like one."""
    header: Sequence[str] | None = None
    first = True
    for raw in rows:
        draft.count_cells(len(raw))
        cells = [one_line(cell) for cell in raw]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if first:
            first = False
            if is_header(cells):
                header = cells
        elif header is not None:
            draft.add(BlockKind.TABLE_ROW, labelled(header, cells), page=page)
            continue
        draft.add(BlockKind.TABLE_ROW, plain(cells), page=page)
