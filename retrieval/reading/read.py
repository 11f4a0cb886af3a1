"""One file into one reading, in this process. The application reads apart instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

from retrieval.blocks import Reading
from retrieval.errors import Unreadable
from retrieval.language import guess
from retrieval.reading import refusals
from retrieval.reading.draft import Draft
from retrieval.reading.formats import parser
from retrieval.reading.limits import Limits
from retrieval.reading.sniff import declared_format, of_package, sniff
from retrieval.reading.zips import check_zip

NAMES = {
    "pdf": "PDF",
    "docx": "Word document",
    "pptx": "presentation",
    "xlsx": "workbook",
    "csv": "table of separated values",
    "html": "web page",
    "markdown": "Markdown text",
    "text": "plain text",
}
EDGE = 256 * 1024  # bytes looked at from either end to tell the format


def read(
    path: Path,
    *,
    declared_name: str,
    limits: Limits | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Reading:
    """The reading of the file at ``path``, which its owner calls ``declared_name``.

    Raises Unreadable. A hostile file may also exhaust memory or never end: see ``read_apart``.
    """
    limits = limits or Limits()
    size = path.stat().st_size
    if size > limits.bytes:
        raise refusals.too_large("The file", size, limits.bytes, "bytes")
    format_name = sniff(_edges(path, size), declared_name)
    if format_name == "zip":
        format_name = of_package(check_zip(path, limits))
    what = f"The {NAMES[format_name]}"
    draft = Draft(limits, what)
    declared = declared_format(declared_name)
    if declared and declared != format_name:
        draft.warn(
            f"The name says {NAMES[declared]}, the content is {NAMES[format_name]}; read as such"
        )
    try:
        parser(format_name).read(path, draft, progress)
    except (Unreadable, MemoryError):
        raise
    except RecursionError as error:
        raise refusals.too_deep(what, limits.depth) from error
    except Exception as error:
        # Parsers of broken files raise nearly anything; what they say is the best there is.
        if "depth" in str(error).lower():
            raise refusals.too_deep(what, limits.depth) from error
        why = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, KeyError | BadZipFile):
            why = f"a part is missing ({why})"
        raise refusals.corrupt(what, why) from error
    if draft.empty:
        raise refusals.no_text(f"{what} could be opened and holds")
    made = draft.finish(format_name)
    return replace(made, language=guess(made.text))


def _edges(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        head = file.read(EDGE)
        if size <= EDGE:
            return head
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            # The directory of such a file may stand anywhere in it.
            return head + file.read()
        return head
