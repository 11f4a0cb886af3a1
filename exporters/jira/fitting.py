"""A description within Jira's limit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from exporters.jira.adf import (
    DESCRIPTION_LIMIT,
    Node,
    canonical,
    children,
    doc,
    length,
    mark,
    paragraph,
    text,
)
from exporters.jira.text import head, units
from exporters.jira.writing import Writer
from exporters.records import OVERVIEW

_WORDS: Final = frozenset({"paragraph", "heading", "codeBlock", "taskItem"})
_PARTS: Final = frozenset({"bulletList", "orderedList", "listItem", "taskList", "blockquote"})


def fitted(
    body: Sequence[Node],
    tail: Sequence[Node],
    writer: Writer,
    key: str = OVERVIEW,
    *,
    limit: int = DESCRIPTION_LIMIT,
) -> Node | None:
    """A description of no more than ``limit`` characters: first the body is cut, then the tail.

    None where there is nothing to say.
    """
    whole = doc([*body, *tail])
    if not children(whole):
        return None
    if length(whole) <= limit:
        return whole
    note = paragraph(text("… The rest stands in the brief.", mark("em")))
    room = limit - length(note)
    kept_tail = _taken(tail, room // 2 if body else room)
    kept_body = _taken(body, room - sum(map(_measured, kept_tail)))
    writer.lose(key, f"A description has at most {limit:,} characters: the rest is cut.")
    return doc([*kept_body, note, *kept_tail])


def _taken(blocks: Sequence[Node], room: int) -> list[Node]:
    """The blocks that fit; of the first that does not, what does."""
    taken: list[Node] = []
    for block in blocks:
        size = _measured(block)
        if size > room:
            cut = _cut(block, room - 1)
            return [*taken, cut] if cut else taken
        taken.append(block)
        room -= size
    return taken


def _cut(block: Node, room: int) -> Node | None:
    """The beginning of a block: its words, its items, or the whole rows of a table."""
    inner = children(block)
    if block["type"] in _WORDS:
        kept = [*_words_within(inner, room)]
    elif block["type"] in _PARTS:
        kept = _taken(inner, room)
    elif block["type"] == "table":
        kept = []
        for row in inner:
            room -= _measured(row)
            if room < 0:
                break
            kept.append(row)
    else:
        kept = []
    return {**block, "content": [*kept]} if kept else None


def _words_within(inline: Sequence[Node], room: int) -> Iterator[Node]:
    for one in inline:
        size = length(one)
        if size <= room:
            yield one
            room -= size
            continue
        words = one.get("text")
        if isinstance(words, str) and (fitting := head(words, room - size + units(words))):
            yield {**one, "text": fitting}
        return


def _measured(block: Node) -> int:
    return length(canonical(block))
