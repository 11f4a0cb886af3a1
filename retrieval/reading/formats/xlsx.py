"""Workbooks: a sheet is a page with its name as heading, a row a line that names its columns.

Values are the ones the program that saved the file last computed; nothing is computed here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl

from retrieval.blocks import BlockKind
from retrieval.reading.draft import Draft
from retrieval.reading.formats import Progress
from retrieval.reading.tables import is_header, labelled, one_line, plain


def read(path: Path, draft: Draft, progress: Progress) -> None:
    # Opened here, because openpyxl judges a path by its ending, and stored files have none.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions we do not show anyway
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            draft.title = workbook.properties.title or None
            sheets = workbook.worksheets
            draft.count_pages(len(sheets), "sheets")
            for number, sheet in enumerate(sheets, start=1):
                draft.add(BlockKind.HEADING, sheet.title, level=2, page=number)
                if sheet.sheet_state != "visible":
                    draft.warn(f"Sheet {sheet.title!r} is hidden in the workbook and was read")
                # A sheet may claim to be a million columns wide; what it holds is what counts.
                sheet.reset_dimensions()
                _add_rows(draft, _rows(draft, sheet), number)
                progress(number, len(sheets))
            if charts := len(workbook.chartsheets):
                draft.skip("chart sheets", f"{charts} sheets of charts hold no cells")
        finally:
            workbook.close()


def _rows(draft: Draft, sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        draft.count_cells(max(1, len(row)))
        cells = [one_line(_shown(cell)) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _add_rows(draft: Draft, rows: Iterator[list[str]], page: int) -> None:
    """An empty row ends a table, so that several on one sheet each keep their own header."""
    header: list[str] | None = None
    begun = False
    for cells in rows:
        if not any(cells):
            header, begun = None, False
        elif header is not None:
            draft.add(BlockKind.TABLE_ROW, labelled(header, cells), page=page)
        elif not begun and is_header(cells):
            header = cells
            draft.add(BlockKind.TABLE_ROW, plain(cells), page=page)
        elif sum(1 for cell in cells if cell) == 1:
            draft.add(BlockKind.PARAGRAPH, plain(cells), page=page)
        else:
            begun = True
            draft.add(BlockKind.TABLE_ROW, plain(cells), page=page)


def _shown(cell: Any) -> str:
    """The value much as the sheet shows it: percentages, thousands and dates included."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    if isinstance(value, datetime):
        return (
            value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number(value: float, shape: str) -> str:
    thousands = "," if "#,##" in shape or "0,0" in shape else ""
    fraction = re.search(r"\.([0#]+)", shape)
    if "%" in shape:
        percent = value * 100
        return f"{percent:.{len(fraction[1])}f} %" if fraction else f"{round(percent, 2):g} %"
    if abs(value) >= 1e15:
        return f"{value:.10g}"
    if fraction:
        return f"{value:{thousands}.{len(fraction[1])}f}"
    if float(value).is_integer():
        return f"{int(value):{thousands}}"
    return f"{value:{thousands}.10g}"
