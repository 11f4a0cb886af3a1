"""Plain text: paragraphs are set apart by empty lines, list items begin with a mark."""

from __future__ import annotations

import re
from pathlib import Path

from retrieval.blocks import BlockKind
from retrieval.reading.decode import decode
from retrieval.reading.draft import Draft, clean
from retrieval.reading.formats import Progress

_ITEM = re.compile(r"[ \t]*(?:[-*•‣▪–]|\d{1,3}[.)])[ \t]+\S")


def read(path: Path, draft: Draft, progress: Progress) -> None:
    text, warnings = decode(path.read_bytes())
    for warning in warnings:
        draft.warn(warning)
    if "\x00" in text:
        draft.warn(f"{text.count(chr(0))} NUL characters were removed")
    kind, lines = BlockKind.PARAGRAPH, list[str]()

    def flush() -> None:
        nonlocal kind
        draft.add(kind, "\n".join(lines), level=1 if kind is BlockKind.LIST_ITEM else None)
        lines.clear()
        kind = BlockKind.PARAGRAPH

    for line in clean(text).split("\n"):
        line = line.rstrip()
        if not line.strip():
            flush()
            continue
        if _ITEM.match(line):
            flush()
            kind = BlockKind.LIST_ITEM
        lines.append(line)
    flush()
    progress(1, 1)
