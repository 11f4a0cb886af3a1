"""Text of a brief as Trello shows it: Markdown without tables, tags or pictures, in parts that fit.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from exporters import markdown
from exporters.model import Brief, Image, Item, Reference, Span

LIMIT: Final = 16_384  # UTF-16 units of a description, a comment and a name (object definitions)
_FENCE: Final = "```"


def shown(items: Sequence[Item], references: Sequence[Reference]) -> str:
    """Blocks and what they rest on, without a title. Actions are lines of their own: how they stand
    is told by their cards."""
    brief = Brief("", "", items=_fit_for_trello(items, references), references=tuple(references))
    return markdown.render(brief, html=False).strip()


def plain(item: Item) -> str:
    """A block's words on one line, without citations."""
    return " ".join("".join(" " if s.line_break else s.text for s in item.spans).split())


def units(text: str) -> int:
    """Characters as Trello counts them."""
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, limit: int = LIMIT) -> str:
    """As much of a line as fits, with an ellipsis where something is left out."""
    return text if units(text) <= limit else f"{_head(text, limit - 1).rstrip()}…"


def parts(text: str, limit: int = LIMIT) -> list[str]:
    """A text as few texts that each fit, cut between blocks where that is possible.

    A block that is too long is cut between lines, a line between words, a word between characters,
    never within one; code that is cut is code in both parts. At least one, perhaps empty.
    """
    found: list[str] = []
    for block in _blocks(text):
        for piece in [block] if units(block) <= limit else _pieces(block, limit):
            joined = f"{found[-1]}\n\n{piece}" if found else piece
            if found and units(joined) <= limit:
                found[-1] = joined
            else:
                found.append(piece)
    return found or [""]


def _blocks(text: str) -> Iterator[str]:
    """What stands between empty lines, code in one."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if not line and not fence:
            if lines:
                yield "\n".join(lines)
            lines = []
            continue
        lines.append(line)
        mark = _fence(line)
        if fence and mark.startswith(fence) and line.strip() == mark:
            fence = ""
        elif not fence:
            fence = mark
    if lines:
        yield "\n".join(lines)


def _fence(line: str) -> str:
    bare = line.lstrip()
    return bare[: len(bare) - len(bare.lstrip("`"))] if bare.startswith(_FENCE) else ""


def _pieces(block: str, limit: int) -> Iterator[str]:
    lines = block.split("\n")
    fence = _fence(lines[0])
    opening, closing = (f"{lines[0]}\n", f"\n{fence}") if fence else ("", "")
    body = lines[1:-1] if fence else lines
    room = limit - units(opening) - units(closing)
    held = ""
    for line in body:
        for piece in _within(line, room):
            joined = f"{held}\n{piece}" if held else piece
            if held and units(joined) > room:
                yield f"{opening}{held}{closing}"
                joined = piece
            held = joined
    if held:
        yield f"{opening}{held}{closing}"


def _within(line: str, limit: int) -> Iterator[str]:
    while units(line) > limit:
        head = _head(line, limit)
        at = head.rfind(" ") + 1 or len(head)
        yield line[:at].rstrip()
        line = line[at:]
    yield line


def _head(text: str, limit: int) -> str:
    """The longest start of a text that fits, cut between characters."""
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore")


def _fit_for_trello(items: Sequence[Item], references: Sequence[Reference]) -> tuple[Item, ...]:
    numbers = {reference.cite: reference.number for reference in references}
    found: list[Item] = []
    for item in items:
        if item.kind == "action":
            line = Item(item.key, "list_item", spans=item.spans)
            if found and found[-1].kind == "actions":
                found[-1] = replace(found[-1], children=(*found[-1].children, line))
            else:
                found.append(Item(item.key, "actions", children=(line,)))
        elif item.kind == "table":
            found.append(Item(item.key, "code", spans=(Span(_grid(item, numbers)),)))
        elif item.kind == "image" and item.image is not None:
            found.append(replace(item, image=Image(item.image.alt)))
        else:
            found.append(replace(item, children=_fit_for_trello(item.children, references)))
    return tuple(
        replace(item, kind="bullet_list") if item.kind == "actions" else item for item in found
    )


def _grid(table: Item, numbers: dict[str, int]) -> str:
    rows = [[_words(cell, numbers) for cell in row.children] for row in table.children]
    return "\n".join(" | ".join(row) for row in rows)


def _words(item: Item, numbers: dict[str, int]) -> str:
    """All that a cell says, on one line."""
    own = "".join(
        f"[{numbers.get(span.cite, '?')}]" if span.cite is not None else span.text or " "
        for span in item.spans
    )
    if item.image is not None:
        own = f"[Image: {item.image.alt or 'not available'}]"
    return " ".join(" ".join([own, *(_words(c, numbers) for c in item.children)]).split())
