"""Where commands may write a file."""

from __future__ import annotations

from pathlib import Path

from backend.commands.client import Refused


def check(file: Path, *, over: bool) -> None:
    """Refuse a name that cannot be written, or that is taken where ``over`` does not allow it."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}.", "Make it, or name another file.")
    if file.is_dir():
        raise Refused(f"{file} is a folder.", "Name a file in it.")
    if file.exists() and not over:
        raise Refused(f"{file} is there already.", "Name another file, or give --replace.")


def write(file: Path, content: bytes, *, over: bool) -> None:
    """The bytes as a file of this name."""
    check(file, over=over)
    file.write_bytes(content)
