"""The formats we read: a new one is a module here and a line below.

Each module has ``read(path, draft, progress)``: it adds the blocks of the file to the draft and
reports the pages done. Modules are named, not imported, so that a reading starts only the parser
it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias, cast

from retrieval.reading.draft import Draft

Progress: TypeAlias = Callable[[int, int | None], None]

FORMATS = {
    "pdf": "pdf",
    "docx": "docx",
    "pptx": "pptx",
    "xlsx": "xlsx",
    "csv": "csv",
    "html": "html",
    "markdown": "markdown",
    "text": "text",
}


class Parser(Protocol):
    def read(self, path: Path, draft: Draft, progress: Progress) -> None:
        """Raises Unreadable, or whatever its library raises on a file it cannot parse."""
        ...


def parser(format_name: str) -> Parser:
    return cast(Parser, import_module(f"{__name__}.{FORMATS[format_name]}"))
