"""What differs between two states of a document, block by block and word by word.

Blocks are told apart by their ids, so that a block that was moved and changed is one block. The
work grows with the document and not with its square: places are compared by a longest ascending
run, words within a budget that all blocks share, past which a block is told as replaced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from collab.model import Block, Inline, Projection
from collab.wording import Budget, How, Run, alike, compared

BUDGET = 1_000_000  # steps of comparing words, in all: about half a second

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "heading": frozenset({"level"}),
    "orderedList": frozenset({"start"}),
    "codeBlock": frozenset({"language"}),
    "image": frozenset({"src", "alt"}),
    "action": frozenset({"status", "owner", "due"}),
}


class Change(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Attribute(NamedTuple):
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A block that holds words, or none but no blocks either, and what became of it.

    ``within`` are the types of the blocks around it, from the outermost.
    """

    block: str
    type: str
    within: tuple[str, ...]
    attrs: Mapping[str, str | int | bool | None]
    change: Change
    moved: bool
    attributes: tuple[Attribute, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Every block of the later state in its order, those that are gone where they stood."""

    title: tuple[Run, ...]
    rows: tuple[Row, ...]

    @property
    def empty(self) -> bool:
        return not self.retitled and all(
            row.change is Change.SAME and not row.moved for row in self.rows
        )

    @property
    def retitled(self) -> bool:
        return any(run.how is not How.SAME for run in self.title)


def difference(before: Projection | None, after: Projection) -> Difference:
    """From one state to a later one; from nothing where there is none before.

    Takes as long as the documents are large; call it in a thread.
    """
    budget = Budget(BUDGET)
    old = _leaves(before.blocks if before else ())
    new = _leaves(after.blocks)
    stays = _staying(list(old), list(new))
    rows: list[Row] = []
    gone: dict[_Key | None, list[_Leaf]] = {}  # behind which of those that stay
    behind: _Key | None = None
    for key, leaf in old.items():
        if key in stays:
            behind = key
        elif key not in new:
            gone.setdefault(behind, []).append(leaf)
    rows += (_row(leaf, Change.REMOVED) for leaf in gone.get(None, ()))
    for key, leaf in new.items():
        earlier = old.get(key)
        if earlier is None:
            rows.append(_row(leaf, Change.ADDED))
        else:
            rows.append(_compared(earlier, leaf, key not in stays, budget))
        rows += (_row(other, Change.REMOVED) for other in gone.get(key, ()))
    titles = [[Inline("text", state.title)] if state else [] for state in (before, after)]
    title = compared(titles[0], titles[1], budget)
    return Difference(title, tuple(rows))


def summary(found: Difference) -> str:
    """In a few words: "3 paragraphs changed, 1 action added"; empty where nothing differs."""
    counts: Counter[tuple[str, str]] = Counter()
    cites: Counter[How] = Counter()
    for row in found.rows:
        if row.change is not Change.SAME or row.moved:
            done = "moved" if row.change is Change.SAME else row.change.value
            counts[(_noun(row), done)] += 1
        cites.update(run.how for run in row.runs if run.cite is not None)
    parts = ["title changed"] if found.retitled else []
    order = ["changed", "added", "removed", "moved"]
    for (noun, done), count in sorted(
        counts.items(), key=lambda item: (order.index(item[0][1]), -item[1], item[0][0])
    ):
        parts.append(f"{count} {noun if count == 1 else noun + 's'} {done}")
    for how, done in ((How.INSERTED, "added"), (How.DELETED, "removed")):
        if cites[how]:
            parts.append(f"{cites[how]} citation{'' if cites[how] == 1 else 's'} {done}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def label(row: Row) -> str:
    """A row in words, for who hears it: "Heading changed and moved: level 2 to 3"."""
    noun = _noun(row)
    noun = noun[0].upper() + noun[1:]
    done = [] if row.change is Change.SAME else [row.change.value]
    if row.moved:
        done.append("moved")
    attributes = "; ".join(
        f"{one.name} {one.before or 'none'} to {one.after or 'none'}" for one in row.attributes
    )
    said = f"{noun} {' and '.join(done) or 'unchanged'}"
    return f"{said}: {attributes}" if attributes else said


_NOUNS = {
    "codeBlock": "code block",
    "horizontalRule": "line",
    "blockquote": "quote",
    "bulletList": "list",
    "orderedList": "list",
    "listItem": "list item",
    "tableCell": "table cell",
    "tableHeader": "table cell",
}


def _noun(row: Row) -> str:
    return _called(row.type, row.within)


def _called(kind: str, within: Sequence[str]) -> str:
    name = within[-1] if kind == "paragraph" and within else kind
    return _NOUNS.get(name, name)


# Blocks


class _Leaf(NamedTuple):
    block: Block
    within: tuple[str, ...]


_Key: TypeAlias = tuple[str, str, int]


def _leaves(blocks: Iterable[Block]) -> dict[_Key, _Leaf]:
    """The blocks that hold no blocks, in order, by what they are known by: their id, and which of
    several with that id, since a document may have been written by any client."""
    found: dict[_Key, _Leaf] = {}
    seen: Counter[tuple[str, str]] = Counter()

    def walk(block: Block, within: tuple[str, ...]) -> None:
        if block.children:
            for child in block.children:
                walk(child, (*within, block.type))
            return
        name = (block.id, "" if block.id else block.type)
        found[(*name, seen[name])] = _Leaf(block, within)
        seen[name] += 1

    for block in blocks:
        walk(block, ())
    return found


def _staying(old: Sequence[_Key], new: Sequence[_Key]) -> set[_Key]:
    """Of the blocks in both, as many as possible that stand in the same order: the others moved."""
    places = {key: place for place, key in enumerate(old)}
    kept = [key for key in new if key in places]
    ends: list[int] = []  # where the best ascending run of each length ends
    last: list[int] = []  # at which of the kept it does
    back: list[int] = []
    for at, key in enumerate(kept):
        place = places[key]
        length = bisect_left(ends, place)
        back.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [at]
    staying: set[_Key] = set()
    at = last[-1] if last else -1
    while at >= 0:
        staying.add(kept[at])
        at = back[at]
    return staying


def _row(leaf: _Leaf, change: Change) -> Row:
    how = How.INSERTED if change is Change.ADDED else How.DELETED
    block = leaf.block
    runs = alike(how, block.inline)
    return Row(block.id, block.type, leaf.within, block.attrs, change, False, (), runs)


def _compared(old: _Leaf, new: _Leaf, moved: bool, budget: Budget) -> Row:
    block = new.block
    runs = compared(old.block.inline, block.inline, budget)
    attributes = _attributes(old, new)
    same = not attributes and all(run.how is How.SAME for run in runs)
    change = Change.SAME if same else Change.CHANGED
    return Row(block.id, block.type, new.within, block.attrs, change, moved, attributes, runs)


def _attributes(old: _Leaf, new: _Leaf) -> tuple[Attribute, ...]:
    """What a reader would want told of how the blocks stand, with the values as words."""
    found: list[Attribute] = []
    kinds = _called(old.block.type, old.within), _called(new.block.type, new.within)
    if kinds[0] != kinds[1]:
        found.append(Attribute("kind", *kinds))
    for name in sorted(ATTRIBUTES.get(new.block.type, ())):
        values = [
            str(value) if (value := leaf.block.attrs.get(name)) not in (None, "") else None
            for leaf in (old, new)
        ]
        if values[0] != values[1] and old.block.type == new.block.type:
            found.append(Attribute(name, values[0], values[1]))
    return tuple(found)
