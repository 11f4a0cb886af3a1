"""PDF: lines from pdfium, put together again into headings, paragraphs, lists and table rows.

A PDF says where letters stand, not what they are. What we make of them is the stored text, so each
guess here errs towards less: lines are joined only when nothing speaks against it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]  # ships no types
from pypdfium2 import raw

from retrieval.blocks import BlockKind
from retrieval.counted import counted
from retrieval.reading import refusals
from retrieval.reading.draft import Draft
from retrieval.reading.formats import Progress

# First halves after which a hyphen at a line's end is the word's own: "long-" + "term".
COMPOUND_STARTS = frozenset(
    {"all", "co", "cost", "cross", "data", "decision", "ex", "four", "full", "half", "high"}
    | {"large", "last", "long", "low", "market", "mid", "multi", "near", "non", "off", "on", "one"}
    | {"part", "post", "right", "second", "self", "short", "single", "small", "so", "sub", "third"}
    | {"three", "time", "top", "two", "user", "well", "wide", "year", "zero", "five", "first"}
)
HYPHENS = frozenset("\x02\ufffe\u00ad")  # what pdfium makes of a hyphen at a line's end
CELL_GAP = 1.3  # letter sizes between two words that belong to different cells
PARAGRAPH_GAP = 1.45  # line distances after which a new paragraph begins
HEADING_SIZE = 1.12  # times the size of the body text
HEADING_LETTERS = 180
BOLD = 600
SPACES = frozenset({0, 9, 32, 160})
SMALLEST = 2.5  # points; smaller text cannot be seen and is often a generator's or a trickster's
EDGE_LINES = 3  # at the top and bottom of a page, looked at for running headers
BULLETS = "•‣▪▫◦●○■□–—➢➤✓❖\uf0b7\uf0a7\uf0d8"

_BULLET = re.compile(rf"[{BULLETS}·*-]\s+|[{BULLETS}](?=\w)")
_NUMBERED = re.compile(r"(?:\(?(?:\d{1,2}|[a-zA-Z])[.)]|\(?[ivx]{1,4}[.)])\s+\S")
_TERMINAL = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_SOFT = re.compile(r"([^\s\x02\ufffe\u00ad]*)[\x02\ufffe\u00ad](\w?)")
_CAPTION = re.compile(r"(?:table|figure|chart|exhibit|map)\s+[\d.]+\s*[:.–-]", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–|\s]*(?:\d{1,4}|[ivxl]{1,6})[-–|\s]*(?:(?:of|/)\s*\d{1,4})?", re.I
)
# Leaders of a table of contents: dots, then a page.
_LEADERS = re.compile(r"\s*(?:\.\s?){4,}\s*")


@dataclass(slots=True)
class Line:
    """One line as it stands on the page; lengths in points, ``top`` counted upwards."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    cells: list[str]
    spans: list[tuple[float, float]]  # left and right of each cell
    hyphen: bool

    @property
    def is_row(self) -> bool:
        return len(self.cells) > 1


def read(path: Path, draft: Draft, progress: Progress) -> None:
    document = _open(path, draft)
    with document:
        total = len(document)
        if total == 0:
            raise refusals.corrupt("The PDF", "it has no pages")
        draft.count_pages(total)
        draft.title = _title(document)
        pages: list[list[Line]] = []
        pictures: list[int] = []
        broken: list[tuple[int, str]] = []
        letters = 0
        for number in range(total):
            lines: list[Line] = []
            try:
                page = document[number]
                lines = _lines(page)
                if tiny := sum(line.size < SMALLEST for line in lines):
                    draft.skip(f"page {number + 1}", f"{tiny} lines too small to be seen")
                    lines = [line for line in lines if line.size >= SMALLEST]
                if not lines and raw.FPDFPage_CountObjects(page.raw):
                    pictures.append(number + 1)
                page.close()
            except pypdfium2.PdfiumError as error:
                broken.append((number + 1, str(error)))
            pages.append(lines)
            letters += sum(len(line.text) for line in lines)
            if letters > draft.limits.characters:
                raise refusals.too_large(
                    draft.name, None, draft.limits.characters, "characters of text"
                )
            progress(number + 1, total)
        attached = raw.FPDFDoc_GetAttachmentCount(document.raw)
    if not any(pages):
        if len(broken) == total:
            raise refusals.corrupt("The PDF", f"none of its {total} pages can be read")
        raise refusals.no_text(f"The PDF has {counted(total, 'page')} of pictures or drawings")
    for number, why in broken:
        draft.skip(f"page {number}", f"cannot be read ({why})")
    for first, last in _spans(pictures):
        where = f"page {first}" if first == last else f"pages {first}–{last}"
        draft.skip(where, "only pictures or drawings, no text")
    if attached > 0:
        draft.skip("attachments", f"{attached} embedded files; add them as sources of their own")
    _drop_running(pages, draft)
    _add_blocks(pages, draft)


def _open(path: Path, draft: Draft) -> pypdfium2.PdfDocument:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 4096))
        whole = b"%%EOF" in file.read()
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise refusals.encrypted("The PDF") from error
        if not whole:
            raise refusals.truncated("The PDF") from error
        raise refusals.corrupt("The PDF", str(error)) from error
    if not whole:
        draft.warn("The PDF lacks its end; the last pages may be missing")
    return document


def _title(document: pypdfium2.PdfDocument) -> str | None:
    """The title in the file's properties, unless it is a program's leftover."""
    title = str(document.get_metadata_value("Title")).strip()
    if len(title) < 4 or re.search(
        r"untitled|^microsoft |\.(docx?|pptx?|xlsx?|indd|pdf)$", title, re.I
    ):
        return None
    return title


# --- from characters to lines


def _lines(page: pypdfium2.PdfPage) -> list[Line]:
    text = page.get_textpage()
    handle = text.raw
    count = raw.FPDFText_CountChars(handle)
    get = raw.FPDFText_GetUnicode
    codes = [get(handle, index) for index in range(count)]
    lines = []
    start = 0
    for index in range(count + 1):
        if index == count or codes[index] in (10, 13):
            if index > start and (line := _line(text, codes, start, index)):
                lines.append(line)
            start = index + 1
    text.close()
    return _true_rows(_join_rows(lines))


def _line(text: pypdfium2.PdfTextPage, codes: Sequence[int], start: int, end: int) -> Line | None:
    while start < end and codes[start] in SPACES:
        start += 1
    while end > start and codes[end - 1] in SPACES:
        end -= 1
    if start == end:
        return None
    hyphen = chr(codes[end - 1]) in HYPHENS
    first = text.get_charbox(start, loose=True)
    last = text.get_charbox(end - 1, loose=True)
    centre = (start + end) // 2
    while codes[centre] in SPACES:  # spaces that pdfium adds have no size and no font
        centre -= 1
    middle = text.get_charbox(centre, loose=True)
    size = max(middle[3] - middle[1], 1.0)
    bold_at = (start, centre, end - 1)
    weights = [raw.FPDFText_GetFontWeight(text.raw, index) for index in bold_at]
    cells: list[str] = []
    spans: list[tuple[float, float]] = []
    word_start, word_left = start, first[0]
    for index in range(start + 1, end):
        if codes[index] not in SPACES or index + 1 >= end or codes[index + 1] in SPACES:
            continue
        before = index - 1
        while before > start and codes[before] in SPACES:
            before -= 1
        following, ended = text.get_charbox(index + 1)[0], text.get_charbox(before)[2]
        if following - ended > CELL_GAP * size and (cell := _string(codes, word_start, index)):
            cells.append(cell)
            spans.append((word_left, ended))
            word_start, word_left = index + 1, following
    if cell := _string(codes, word_start, end):
        cells.append(cell)
        spans.append((word_left, last[2]))
    if not cells:
        return None
    if len(cells) == 2 and _BULLET.fullmatch(cells[0] + " "):
        cells, spans = [" ".join(cells)], [(spans[0][0], spans[1][1])]
    return Line(
        text=" ".join(cells),
        left=min(first[0], last[0]),
        right=max(first[2], last[2]),
        top=max(first[3], middle[3], last[3]),
        bottom=min(first[1], middle[1], last[1]),
        size=round(size * 2) / 2,
        bold=all(weight >= BOLD for weight in weights),
        cells=cells,
        spans=spans,
        hyphen=hyphen,
    )


def _string(codes: Sequence[int], start: int, end: int) -> str:
    text = "".join(chr(code) for code in codes[start:end] if code)
    # A hyphen inside stood at the end of a line or column that pdfium joined with the next.
    text = _SOFT.sub(_rejoined, text)
    if "\ud800" <= max(text, default="") <= "\udfff":
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(text.split())


def _rejoined(found: re.Match[str]) -> str:
    before, after = found[1], found[2]
    broken = after.islower() and before[-1:].isalpha() and not _compound(before + "-")
    return before + ("" if broken else "-") + after


def _join_rows(lines: list[Line]) -> list[Line]:
    """Pieces that stand beside one another at the same height are cells of one row."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if (
            last is not None
            and abs(last.bottom - line.bottom) < 0.3 * min(last.size, line.size)
            and line.left >= last.right - 0.5
        ):
            gap = line.left - last.right
            apart = gap > CELL_GAP * last.size and not _BULLET.fullmatch(last.text + " ")
            space = " " if gap > 0.12 * last.size else ""
            last.cells = (
                [*last.cells, *line.cells]
                if apart
                else [*last.cells[:-1], last.cells[-1] + space + line.cells[0], *line.cells[1:]]
            )
            last.spans = (
                [*last.spans, *line.spans]
                if apart
                else [*last.spans[:-1], (last.spans[-1][0], line.spans[0][1]), *line.spans[1:]]
            )
            last.text = last.text + (" " if apart else space) + line.text
            last.right, last.top = line.right, max(last.top, line.top)
            last.bold, last.hyphen = last.bold and line.bold, line.hyphen
        else:
            joined.append(line)
    return joined


def _true_rows(lines: list[Line]) -> list[Line]:
    """A row has a neighbour whose cells begin or end where its own do, else it is plain text."""
    rows = [line.is_row and not _stretched(line) for line in lines]
    for index, line in enumerate(lines):
        if line.is_row and not any(
            rows[index] and rows[near] and _aligned(line, lines[near])
            for near in range(max(0, index - 3), min(len(lines), index + 4))
            if near != index
        ):
            line.cells, line.spans = [line.text], [(line.left, line.right)]
    return lines


def _stretched(line: Line) -> bool:
    """Whether only words stand here, all the same distance apart, as in a justified line."""
    gaps = [right[0] - left[1] for left, right in pairwise(line.spans)]
    return (
        len(gaps) >= 3
        and max(gaps) < 1.6 * min(gaps)
        and sum(cell[-1:].isdigit() for cell in line.cells) * 2 < len(line.cells)
        and any(cell[:1].islower() for cell in line.cells[1:])
    )


def _aligned(one: Line, other: Line) -> bool:
    return any(
        abs(left - other_left) < 2.5 or abs(right - other_right) < 2.5
        for left, right in one.spans[1:]
        for other_left, other_right in other.spans[1:]
    )


# --- what repeats on every page


def _drop_running(pages: list[list[Line]], draft: Draft) -> None:
    """Remove headers, footers and page numbers, and say so once for each."""
    seen: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, lines in enumerate(pages):
        for line in _edges(lines):
            seen[_running_key(line)].append(number)
    filled = sum(1 for lines in pages if lines)
    # Odd and even pages often differ, hence well below one half.
    enough = max(3, round(0.35 * filled))
    running = {key: where for key, where in seen.items() if len(where) >= enough}
    kept: list[list[Line]] = []
    for lines in pages:
        edges = {id(line) for line in _edges(lines)}
        kept.append(
            [
                line
                for line in lines
                if id(line) not in edges
                or not (
                    _running_key(line) in running
                    or (filled > 1 and _PAGE_NUMBER.fullmatch(line.text) and _is_last(line, lines))
                )
            ]
        )
    if not any(kept):  # forms and labels say the same on every page, and nothing else
        return
    pages[:] = kept
    for (text, _), where in sorted(running.items(), key=lambda entry: entry[1][0]):
        draft.skip(
            f"pages {where[0] + 1}–{where[-1] + 1}",
            f"header or footer repeated {len(where)} times: “{text[:80]}”",
        )


def _edges(lines: list[Line]) -> list[Line]:
    """The lines nearest to the top and the bottom, wherever they come in the file."""
    by_height = sorted(lines, key=lambda line: -line.top)
    if len(by_height) <= 2 * EDGE_LINES:
        return by_height
    return by_height[:EDGE_LINES] + by_height[-EDGE_LINES:]


def _running_key(line: Line) -> tuple[str, int]:
    return (_DIGITS.sub("#", line.text).casefold(), round(line.top / 8))


def _is_last(line: Line, lines: list[Line]) -> bool:
    return line.bottom <= min(other.bottom for other in lines) or line.top >= max(
        other.top for other in lines
    )


# --- from lines to blocks


def _add_blocks(pages: list[list[Line]], draft: Draft) -> None:
    weights: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            weights[line.size] += len(line.text)
    if not weights:
        raise refusals.no_text("The PDF repeats the same lines on every page")
    body = weights.most_common(1)[0][0]
    bold_share = sum(
        len(line.text) for lines in pages for line in lines if line.bold and line.size <= body
    ) / max(1, sum(weights.values()))
    levels = _levels(pages, body)
    for number, lines in enumerate(pages, start=1):
        right = _column_edge(lines)
        group: list[Line] = []
        for line in lines:
            if group and not _continues(group, line, body, right):
                _add_group(draft, group, number, body, levels, bold_share)
                group = []
            group.append(line)
        if group:
            _add_group(draft, group, number, body, levels, bold_share)


def _levels(pages: list[list[Line]], body: float) -> dict[float, int]:
    sizes = Counter(
        line.size
        for lines in pages
        for line in lines
        if line.size >= body * HEADING_SIZE and re.search(r"\w{2}", line.text)
    )
    return {size: min(rank, 5) for rank, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _column_edge(lines: list[Line]) -> float:
    """Where full lines end: a line that stops well before it was the last of its paragraph."""
    ends = sorted(line.right for line in lines)
    return ends[int(len(ends) * 0.8)] if ends else 0.0


def _continues(group: list[Line], line: Line, body: float, right: float) -> bool:
    last = group[-1]
    if line.is_row or last.is_row:
        return False
    if abs(line.size - last.size) > 0.08 * last.size or line.bold != last.bold:
        return False
    if _is_item(line.text):
        return False
    if last.hyphen:
        return True
    step = last.bottom - line.bottom
    if step <= 0:  # the next column, or a box elsewhere on the page
        return not _TERMINAL.search(last.text) and line.text[0].islower()
    usual = group[-2].bottom - last.bottom if len(group) > 1 else 0.0
    most = usual * 1.25 if usual > 0 else last.size * PARAGRAPH_GAP
    if step > max(most, last.size * 1.15):
        return False
    ended_short = last.right < right - 0.18 * max(1.0, right - last.left)
    if ended_short and _TERMINAL.search(last.text):
        return False
    indented = line.left > last.left + 0.8 * line.size and not _is_item(group[0].text)
    return not (indented and _TERMINAL.search(last.text))


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _add_group(
    draft: Draft,
    group: list[Line],
    page: int,
    body: float,
    levels: dict[float, int],
    bold_share: float,
) -> None:
    first = group[0]
    if first.is_row:
        if _LEADERS.search(first.text):
            draft.add(BlockKind.PARAGRAPH, _LEADERS.sub(" … ", first.text), page=page)
        else:
            draft.add(BlockKind.TABLE_ROW, " | ".join(first.cells), page=page)
        return
    text = _LEADERS.sub(" … ", _joined(group))
    big = first.size >= body * HEADING_SIZE
    emphasised = first.bold and bold_share < 0.3 and len(group) <= 2
    short = len(text) <= HEADING_LETTERS and len(group) <= 4 and " … " not in text
    says = re.search(r"[^\W\d_]{2}", text)
    if short and says and (big or (emphasised and not text.endswith((".", ",", ";", ":")))):
        level = levels.get(first.size, 0) if big else 0
        draft.add(BlockKind.HEADING, text, level=level or min(len(levels) + 1, 6), page=page)
    elif _CAPTION.match(text) and len(group) <= 3:
        draft.add(BlockKind.CAPTION, text, page=page)
    elif _is_item(text):
        text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
        draft.add(
            BlockKind.LIST_ITEM,
            f"• {text}" if not _NUMBERED.match(text) else text,
            level=1,
            page=page,
        )
    else:
        draft.add(BlockKind.PARAGRAPH, text, page=page)


def _joined(group: list[Line]) -> str:
    text = ""
    for position, line in enumerate(group):
        following = group[position + 1].text if position + 1 < len(group) else ""
        text += line.text
        if not following:
            continue
        if line.text.endswith("-") and len(line.text) > 1 and line.text[-2].isalpha():
            # "econ-" + "omy" is one word; "long-" + "term" cannot be told from it except where
            # pdfium saw a soft hyphen. Capitals and digits after the break keep the hyphen.
            if following[0].islower() and not _compound(line.text):
                text = text[:-1]
        else:
            text += " "
    return text


def _compound(text: str) -> bool:
    """Whether the broken word already holds a hyphen, or begins as only compounds do."""
    word = text.rsplit(None, 1)[-1][:-1].casefold().strip("(“\"'")
    return "-" in word or word in COMPOUND_STARTS


def _spans(numbers: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans
