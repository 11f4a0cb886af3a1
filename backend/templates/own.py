"""A brief as a template: what of its blocks is kept, written down and shown beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from collab import Block, Inline, Mark

PREVIEW = 24  # lines

# Of one brief's evidence, people or discussion, none of which goes along.
_ATOMS = frozenset({"citation", "mention"})
_WRITTEN = frozenset({"paragraph", "heading", "codeBlock", "action"})


def kept(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks without ids, citations and dates, and with every action open."""
    return tuple(_kept(block) for block in blocks)


def _kept(block: Block) -> Block:
    attrs = {name: value for name, value in block.attrs.items() if name != "origin"}
    if block.type == "action":
        attrs |= {"due": "", "status": "open"}
    inline = _plain(block.inline)
    if block.type in _WRITTEN and inline:
        attrs["origin"] = "imported"
    children = tuple(_kept(child) for child in block.children)
    return replace(block, id="", attrs=attrs, inline=inline, children=children)


def _plain(inline: Sequence[Inline]) -> tuple[Inline, ...]:
    runs: list[Inline] = []
    for part in inline:
        if part.type in _ATOMS:
            # The space before a citation was its own.
            if runs and runs[-1].type == "text":
                runs[-1] = replace(runs[-1], text=runs[-1].text.rstrip())
            continue
        runs.append(part)
    return tuple(part for part in runs if part.type != "text" or part.text)


def written(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """As JSON, without what is empty."""
    return [
        {
            name: value
            for name, value in {
                "type": block.type,
                "attrs": dict(block.attrs),
                "inline": [_inline(part) for part in block.inline],
                "children": written(block.children),
            }.items()
            if value
        }
        for block in blocks
    ]


def _inline(part: Inline) -> dict[str, Any]:
    if part.type != "text":
        return {"type": part.type, "attrs": dict(part.attrs)}
    marks = [{"type": mark.type, "attrs": dict(mark.attrs)} for mark in part.marks]
    return {"text": part.text, "marks": marks} if marks else {"text": part.text}


def read(said: Iterable[dict[str, Any]]) -> tuple[Block, ...]:
    """What ``written`` wrote."""
    return tuple(
        Block(
            "",
            one["type"],
            one.get("attrs", {}),
            tuple(
                Inline(
                    part.get("type", "text"),
                    part.get("text", ""),
                    tuple(Mark(mark["type"], mark["attrs"]) for mark in part.get("marks", ())),
                    part.get("attrs", {}),
                )
                for part in one.get("inline", ())
            ),
            read(one.get("children", ())),
        )
        for one in said
    )


def size(blocks: Iterable[Block]) -> int:
    """How many blocks these are, with those within them."""
    return sum(1 + size(block.children) for block in blocks)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview; ``kind`` is heading, text, prompt, item, action or table."""

    kind: str
    text: str
    level: int = 0


def preview(blocks: Iterable[Block], limit: int = PREVIEW) -> Sequence[Line]:
    """The first lines of what a brief would begin with."""
    lines: list[Line] = []
    for block in blocks:
        for line in _lines(block):
            if len(lines) == limit:
                return lines
            lines.append(line)
    return lines


def _lines(block: Block) -> Iterable[Line]:
    if block.type == "table":
        head = block.children[0].children if block.children else ()
        yield Line("table", " · ".join(filter(None, (_words(cell) for cell in head))))
    elif block.type in ("bulletList", "orderedList"):
        for item in block.children:
            yield Line("item", _words(item))
    elif block.type == "heading":
        level = block.attrs.get("level")
        yield Line("heading", block.text, level if isinstance(level, int) else 1)
    elif block.type == "action":
        owner = block.attrs.get("owner")
        yield Line("action", f"{block.text} · {owner}" if owner else block.text)
    elif block.text.strip():
        yield Line("text", block.text)
    elif block.attrs.get("prompt"):
        yield Line("prompt", str(block.attrs["prompt"]))
    else:
        for child in block.children:
            yield from _lines(child)


def _words(block: Block) -> str:
    own = block.text or str(block.attrs.get("prompt") or "")
    return " ".join(filter(None, (own, *(_words(child) for child in block.children))))
