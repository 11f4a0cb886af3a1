"""What differs between two wordings of a block: runs of words that stayed, came and went."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from collab.model import Inline

_WORD = re.compile(r"\d+(?:[.,]\d+)+|\w+|\s+|[^\w\s]")
_LIKE = 0.3  # of the words that stay; below it, words in between are no help to a reader

FORMATS = frozenset({"bold", "italic", "strike", "underline", "code", "link"})


class How(StrEnum):
    """What became of a run of words."""

    SAME = "same"
    INSERTED = "inserted"
    DELETED = "deleted"
    FORMATTED = "formatted"  # the same words, otherwise marked


class Run(NamedTuple):
    """Words of one fate and one look; ``cite`` instead of text where it is a citation."""

    how: How
    text: str
    marks: tuple[str, ...] = ()
    cite: str | None = None


class Budget:
    """Steps that are left for comparing words."""

    def __init__(self, steps: int) -> None:
        self.left = steps


def compared(old: Sequence[Inline], new: Sequence[Inline], budget: Budget) -> tuple[Run, ...]:
    """From one wording to another, within what is left of the budget."""
    if old == new:
        return alike(How.SAME, new)
    return _runs(_tokens(old), _tokens(new), budget)


def alike(how: How, inline: Sequence[Inline]) -> tuple[Run, ...]:
    """A wording all of which has one fate."""
    return _joined((how, token) for token in _tokens(inline, whole=True))


class _Token(NamedTuple):
    text: str
    marks: tuple[str, ...] = ()
    cite: str | None = None
    look: tuple[object, ...] = ()  # the marks with what they hold, such as a link's address


def _tokens(inline: Sequence[Inline], *, whole: bool = False) -> list[_Token]:
    found: list[_Token] = []
    for part in inline:
        if part.type == "citation":
            found.append(_Token("", cite=str(part.attrs.get("cite") or "")))
        elif part.type == "text":
            kept = [mark for mark in part.marks if mark.type in FORMATS]
            marks = tuple(mark.type for mark in kept)
            look = tuple((mark.type, mark.attrs.get("href")) for mark in kept)
            words = [part.text] if whole else _WORD.findall(part.text)
            found += (_Token(word, marks, None, look) for word in words)
        elif part.type == "hardBreak":
            found.append(_Token("\n"))
        else:
            found.append(_Token(str(part.attrs.get("label") or part.attrs.get("id") or part.type)))
    return found


def _runs(old: Sequence[_Token], new: Sequence[_Token], budget: Budget) -> tuple[Run, ...]:
    a = [(token.text, token.cite) for token in old]
    b = [(token.text, token.cite) for token in new]
    pairs = _without_crumbs(_matched(a, b, budget), a, b)
    told: list[tuple[How, _Token]] = []
    i = j = 0
    for x, y in [*pairs, (len(a), len(b))]:
        told += ((How.DELETED, token) for token in old[i:x])
        told += ((How.INSERTED, token) for token in new[j:y])
        if x < len(a):
            told.append((How.SAME if old[x].look == new[y].look else How.FORMATTED, new[y]))
        i, j = x + 1, y + 1
    return _joined(told)


def _joined(told: Iterable[tuple[How, _Token]]) -> tuple[Run, ...]:
    runs: list[tuple[How, tuple[str, ...], str | None, list[str]]] = []
    for how, token in told:
        if runs and token.cite is None and runs[-1][:3] == (how, token.marks, None):
            runs[-1][3].append(token.text)
        else:
            runs.append((how, token.marks, token.cite, [token.text]))
    return tuple(Run(how, "".join(texts), marks, cite) for how, marks, cite, texts in runs)


_Word: TypeAlias = tuple[str, str | None]
_Pairs: TypeAlias = list[tuple[int, int]]


def _without_crumbs(pairs: _Pairs, a: Sequence[_Word], b: Sequence[_Word]) -> _Pairs:
    """Without the spaces that stayed between words that did not: they would cut a run to pieces.
    Without any, where hardly a word stayed."""
    words = max(sum(_says(word) for word in a), sum(_says(word) for word in b))
    if sum(_says(a[x]) for x, _ in pairs) < _LIKE * words:
        return []
    kept: _Pairs = []
    for at, (x, y) in enumerate(pairs):
        before = pairs[at - 1] if at else (-1, -1)
        after = pairs[at + 1] if at + 1 < len(pairs) else (len(a), len(b))
        alone = before != (x - 1, y - 1) and after != (x + 1, y + 1)
        if _says(a[x]) or not alone:
            kept.append((x, y))
    return kept


def _says(word: _Word) -> bool:
    return not word[0].isspace()


def _matched(a: Sequence[_Word], b: Sequence[_Word], budget: Budget) -> _Pairs:
    """Which words of the one are which of the other, ascending: Myers' greedy algorithm (An O(ND)
    Difference Algorithm and Its Variations, 1986) between what both begin and end with."""
    least = min(len(a), len(b))
    head = 0
    while head < least and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < least - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    inner = _myers(a[head : len(a) - tail], b[head : len(b) - tail], budget)
    return [
        *((at, at) for at in range(head)),
        *((head + x, head + y) for x, y in inner),
        *((len(a) - at, len(b) - at) for at in range(tail, 0, -1)),
    ]


def _myers(a: Sequence[_Word], b: Sequence[_Word], budget: Budget) -> _Pairs:
    if not a or not b:
        return []
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(len(a) + len(b) + 1):
        trace.append(dict(reach))
        budget.left -= 2 * edits + 1
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            begin = x
            while x < len(a) and x - k < len(b) and a[x] == b[x - k]:
                x += 1
            budget.left -= x - begin
            reach[k] = x
            if x >= len(a) and x - k >= len(b):
                return _walked(trace, len(a), len(b))
        if budget.left < 0:
            break
    return []


def _walked(trace: Sequence[Mapping[int, int]], x: int, y: int) -> _Pairs:
    pairs: _Pairs = []
    for edits in range(len(trace) - 1, -1, -1):
        reach = trace[edits]
        k = x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        from_x = reach[k + 1] if down else reach[k - 1]
        from_y = from_x - (k + 1 if down else k - 1)
        while x > max(from_x, 0) and y > max(from_y, 0):
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_y
    return pairs[::-1]
