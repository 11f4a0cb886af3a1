"""A PDF page to look at: its picture, and where on it a quote stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import Unreadable
from retrieval.reading import refusals
from retrieval.reading.limits import Limits

if TYPE_CHECKING:
    import pypdfium2  # type: ignore[import-untyped]  # ships no types

SURE_ALONE = 8  # letters and digits; a shorter quote is placed only if it stands once


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page: left, top, width and height, each from 0 to 1."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class PageBoxes:
    """``width`` and ``height`` in points (1/72 inch), as the page is shown."""

    width: float
    height: float
    boxes: tuple[Box, ...]


def render(path: Path, page: int, *, scale: float, limits: Limits) -> bytes:
    """The page as PNG, in this process; see ``retrieval.reading.render_page``."""
    with _page(path, page) as opened:
        width, height = opened.get_size()
        if width * height * scale * scale > limits.pixels:
            scale = (limits.pixels / (width * height)) ** 0.5
        bitmap = opened.render(scale=scale)
        out = BytesIO()
        bitmap.to_pil().save(out, "PNG", compress_level=3)
        return out.getvalue()


def find(path: Path, page: int, quote: str) -> PageBoxes:
    """Where the quote stands, in this process; see ``retrieval.reading.boxes``."""
    from pypdfium2 import raw

    with _page(path, page) as opened:
        width, height = opened.get_size()
        text = opened.get_textpage()
        # Letters and digits alone: spaces, hyphens at line ends and cell marks are ours or theirs.
        letters, places = [], []
        for index in range(raw.FPDFText_CountChars(text.raw)):
            for letter in _letters(chr(raw.FPDFText_GetUnicode(text.raw, index))):
                letters.append(letter)
                places.append(index)
        wanted = "".join(_letters(quote))
        page_letters = "".join(letters)
        at = page_letters.find(wanted) if wanted else -1
        if at < 0:
            return PageBoxes(width, height, ())
        again = page_letters.find(wanted, at + 1) >= 0
        if again and len(wanted) < SURE_ALONE * 4:
            return PageBoxes(width, height, ())
        first, last = places[at], places[at + len(wanted) - 1]
        count = raw.FPDFText_CountRects(text.raw, first, last - first + 1)
        rectangles = [text.get_rect(number) for number in range(count)]
        rotation = opened.get_rotation()
        crop = opened.get_cropbox(fallback_ok=True)
        placed = tuple(_lines([_on_page(r, crop, rotation) for r in rectangles]))
        return PageBoxes(width, height, placed)


def _letters(text: str) -> Iterator[str]:
    for character in unicodedata.normalize("NFKC", text).casefold():
        if character.isalnum():
            yield character


def _on_page(
    rectangle: tuple[float, float, float, float],
    crop: tuple[float, float, float, float],
    rotation: int,
) -> Box:
    """From PDF points, counted from the lower left before the page is turned."""
    left, bottom, right, top = crop
    width, height = right - left, top - bottom
    x0, x1 = sorted(((rectangle[0] - left) / width, (rectangle[2] - left) / width))
    y0, y1 = sorted(((top - rectangle[3]) / height, (top - rectangle[1]) / height))
    if rotation == 90:
        x0, x1, y0, y1 = 1 - y1, 1 - y0, x0, x1
    elif rotation == 180:
        x0, x1, y0, y1 = 1 - x1, 1 - x0, 1 - y1, 1 - y0
    elif rotation == 270:
        x0, x1, y0, y1 = y0, y1, 1 - x1, 1 - x0
    x0, x1, y0, y1 = (min(1.0, max(0.0, value)) for value in (x0, x1, y0, y1))
    return Box(x0, y0, x1 - x0, y1 - y0)


def _lines(found: list[Box]) -> Iterator[Box]:
    """Rectangles of one line become one box."""
    current: Box | None = None
    for box in found:
        if box.w <= 0 or box.h <= 0:
            continue
        if current is not None:
            shared = min(current.y + current.h, box.y + box.h) - max(current.y, box.y)
            if shared > 0.5 * min(current.h, box.h) and box.x >= current.x:
                x1 = max(current.x + current.w, box.x + box.w)
                y0, y1 = min(current.y, box.y), max(current.y + current.h, box.y + box.h)
                current = Box(current.x, y0, x1 - current.x, y1 - y0)
                continue
            yield current
        current = box
    if current is not None:
        yield current


@contextmanager
def _page(path: Path, number: int) -> Iterator[pypdfium2.PdfPage]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise refusals.corrupt("The PDF", str(error)) from error
    with document:
        if not 1 <= number <= len(document):
            raise Unreadable(
                "no_such_page",
                f"There is no page {number}; the PDF has {len(document)}.",
                "Ask for a page from 1 to the last.",
            )
        try:
            yield document[number - 1]
        except pypdfium2.PdfiumError as error:
            raise refusals.corrupt(f"Page {number} of the PDF", str(error)) from error
