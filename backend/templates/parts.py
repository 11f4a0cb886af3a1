"""The parts a template is written in, as the blocks of a new brief.

A prompt says what belongs in an empty block. It stands in the block's ``prompt`` attribute, which
the editor shows until somebody writes there, and which no export and no check ever reads.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from collab import Block, Inline

_ALPHABET = string.ascii_lowercase + string.digits
_IMPORTED = {"origin": "imported"}


def new_block_id() -> str:
    """Ten characters of a to z and 0 to 9, as the editor makes them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def numbered(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same blocks with ids that no other brief has."""
    return tuple(
        replace(block, id=new_block_id(), children=numbered(block.children)) for block in blocks
    )


Part = Callable[[date], Block]
"""Makes a block of a brief that is begun on this day."""


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    title: str
    description: str
    parts: tuple[Part, ...]

    def blocks(self, day: date) -> Sequence[Block]:
        """The blocks of a brief that is begun on this day; never none."""
        return numbered([part(day) for part in self.parts] or [_paragraph("")])


def heading(text: str, level: int = 2) -> Part:
    return lambda _: Block("", "heading", {"level": level, **_IMPORTED}, (Inline("text", text),))


def prompt(text: str) -> Part:
    """An empty paragraph that says what belongs in it."""
    return lambda _: _paragraph(text)


def points(*prompts: str) -> Part:
    """A bullet list with an empty point for each prompt."""
    return lambda _: _list("bulletList", prompts)


def steps(*prompts: str) -> Part:
    return lambda _: _list("orderedList", prompts)


def action(text: str, owner: str, days: int) -> Part:
    """Something to be done by a role, due so many days after the brief is begun."""

    def made(day: date) -> Block:
        due = (day + timedelta(days=days)).isoformat()
        attrs = {"owner": owner, "due": due, "status": "open", **_IMPORTED}
        return Block("", "action", attrs, (Inline("text", text),))

    return made


def table(columns: Sequence[str], *rows: Sequence[str]) -> Part:
    """A table with a header row. A cell that begins with ``?`` is empty and says what belongs."""

    def cell(kind: str, text: str) -> Block:
        if text.startswith("?") or not text:
            return Block("", kind, {}, (), (_paragraph(text[1:]),))
        words = Block("", "paragraph", _IMPORTED, (Inline("text", text),))
        return Block("", kind, {}, (), (words,))

    def row(kind: str, cells: Sequence[str]) -> Block:
        return Block("", "tableRow", {}, (), tuple(cell(kind, text) for text in cells))

    body = tuple(row("tableCell", cells) for cells in rows)
    return lambda _: Block("", "table", {}, (), (row("tableHeader", columns), *body))


def _paragraph(text: str) -> Block:
    return Block("", "paragraph", {"prompt": text} if text else {})


def _list(kind: str, prompts: Sequence[str]) -> Block:
    items = tuple(Block("", "listItem", {}, (), (_paragraph(text),)) for text in prompts)
    return Block("", kind, {}, (), items)
