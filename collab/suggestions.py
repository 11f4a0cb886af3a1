"""What of a document is agreed on: its blocks without what is only suggested. Pure.

A suggestion stands in the text where it would go. Words somebody would add carry the mark
``insertion``, words somebody would delete ``deletion``, and ``formatting`` holds the marks that
were there before. What is proposed for a whole block, or for an atom, stands in its attributes:
``inserted``, ``deleted``, ``split``, ``joined`` and ``changed``, each as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from collab.model import Block, Inline, Mark

_MARKS = frozenset({"insertion", "deletion", "formatting"})
_ATTRS = frozenset({"inserted", "deleted", "split", "joined", "changed"})
_NESTED = 20  # formatting suggested over formatting; each layer is one person's


def agreed(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks as they were before anything pending: insertions are left out, what is to be
    deleted still counts, and a block that somebody would split is whole."""
    if not any(map(_touched, blocks)):
        return tuple(blocks)
    homes = dict(_splits(blocks, frozenset(_ids(blocks))))
    moved: dict[str, list[Inline]] = {}
    kept = tuple(_agreed(blocks, homes, moved))
    return tuple(_with(block, moved) for block in kept) if moved else kept


def pending(blocks: Iterable[Block]) -> frozenset[str]:
    """The ids of the suggestions that nobody has decided on."""
    found: set[str] = set()
    for block in blocks:
        held = [block.attrs.get(name) for name in _ATTRS]
        for part in block.inline:
            held += [part.attrs.get(name) for name in _ATTRS]
            found |= {str(mark.attrs.get("id")) for mark in part.marks if mark.type in _MARKS}
        found |= {str(_read(one).get("id")) for one in held if one}
        found |= pending(block.children)
    return frozenset(found)


def _touched(block: Block) -> bool:
    return (
        not _ATTRS.isdisjoint(block.attrs)
        or any(
            not _ATTRS.isdisjoint(part.attrs) or any(mark.type in _MARKS for mark in part.marks)
            for part in block.inline
        )
        or any(map(_touched, block.children))
    )


def _splits(blocks: Iterable[Block], present: frozenset[str]) -> Iterator[tuple[str, str]]:
    """For each block that was split off another: the block its words return to."""
    found: dict[str, str] = {}
    for block, text in _texts(blocks):
        of = str(_read(block.attrs.get("split")).get("of") or "")
        home = found.get(of, of)
        # What else a list item holds has no other place to go.
        if home in present and home != text.id and len(block.children) <= 1:
            found[text.id] = home
    yield from found.items()


def _texts(blocks: Iterable[Block]) -> Iterator[tuple[Block, Block]]:
    """Each block that is text or begins with it, and that text, in reading order."""
    for block in blocks:
        if block.attrs.get("inserted"):
            continue
        yield block, block.children[0] if block.children else block
        yield from _texts(block.children)


def _agreed(
    blocks: Iterable[Block], homes: Mapping[str, str], moved: dict[str, list[Inline]]
) -> Iterator[Block]:
    for block in blocks:
        if block.attrs.get("inserted"):
            continue
        inline = tuple(_inlines(block.inline))
        children = tuple(_agreed(block.children, homes, moved))
        if block.id in homes:
            moved.setdefault(homes[block.id], []).extend(inline)
        elif not block.children or children:  # else all that it held was proposed, or moved
            yield replace(_before(block), inline=inline, children=children)


def _before(block: Block) -> Block:
    changed = _read(block.attrs.get("changed")).get("before")
    if isinstance(changed, Mapping) and isinstance(changed.get("type"), str):
        earlier = changed.get("attrs")
        attrs = {
            str(key): value
            for key, value in (earlier.items() if isinstance(earlier, Mapping) else ())
            if value is None or isinstance(value, str | int | bool)
        }
        kept = {"origin": block.attrs["origin"]} if "origin" in block.attrs else {}
        return replace(block, type=changed["type"], attrs=kept | attrs)
    return replace(block, attrs=_plain(block.attrs))


def _plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attrs.items() if key not in _ATTRS}


def _inlines(parts: Iterable[Inline]) -> Iterator[Inline]:
    """What is agreed on, in runs as long as if nobody had proposed anything."""
    last: Inline | None = None
    for part in parts:
        if part.attrs.get("inserted") or any(mark.type == "insertion" for mark in part.marks):
            continue
        plain = replace(part, marks=_marks(part.marks), attrs=_plain(part.attrs))
        if last is not None and plain == replace(last, text=plain.text) and plain.type == "text":
            last = replace(last, text=last.text + plain.text)
            continue
        if last is not None:
            yield last
        last = plain
    if last is not None:
        yield last


def _marks(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    for _ in range(_NESTED):
        over = next((mark for mark in marks if mark.type == "formatting"), None)
        if over is None:
            break
        marks = tuple(_earlier(over.attrs.get("before")))
    return tuple(sorted((m for m in marks if m.type not in _MARKS), key=lambda mark: mark.type))


def _earlier(held: object) -> Iterator[Mark]:
    try:
        read = json.loads(str(held))
    except (ValueError, RecursionError):
        return
    for one in read if isinstance(read, list) else ():
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            attrs = one.get("attrs")
            yield Mark(one["type"], attrs if isinstance(attrs, dict) else {})


def _read(held: object) -> Mapping[str, Any]:
    """What an attribute holds; nothing, where somebody's client wrote nonsense."""
    try:
        read = json.loads(held) if isinstance(held, str) and held else {}
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _ids(blocks: Iterable[Block]) -> Iterator[str]:
    """The blocks that a split one may return to: those that are agreed on."""
    for block in blocks:
        if block.attrs.get("inserted"):
            continue
        if block.id:
            yield block.id
        yield from _ids(block.children)


def _with(block: Block, moved: Mapping[str, list[Inline]]) -> Block:
    return replace(
        block,
        inline=(*block.inline, *moved.get(block.id, ())),
        children=tuple(_with(child, moved) for child in block.children),
    )
