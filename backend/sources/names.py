"""What a source is called and what kind it is, from the name somebody gave it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

LONGEST = 400  # characters of a path

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "txt": "text/plain",
    "text": "text/plain",
    "log": "text/plain",
}
UNKNOWN = "application/octet-stream"


def clean_path(given: str) -> str:
    """A path as it may be shown and compared: plain parts, no way up, nothing invisible.

    Control and formatting characters go, because a right-to-left override makes ``exe.pdf`` of
    ``fdp.exe``.
    """
    text = unicodedata.normalize("NFC", given.replace("\\", "/"))
    text = "".join(
        character for character in text if unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    parts = [re.sub(r"\s+", " ", part).strip() for part in text.split("/")]
    kept = [part for part in parts if part not in {"", ".", ".."}]
    path = "/".join(kept) or "untitled"
    if len(path) <= LONGEST:
        return path
    # The end tells files apart and carries the extension.
    return path[-LONGEST:].lstrip("/")


def extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def media_type(path: str) -> str:
    return MEDIA_TYPES.get(extension(path), UNKNOWN)


def title(path: str) -> str:
    """The file's name: what citations show, and what people look for."""
    return path.rpartition("/")[2]
