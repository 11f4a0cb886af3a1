"""A space's own words: spelling by them, and what its short forms stand for. Pure.

A short form and what it stands for are read where a text gives both, "Annual Recurring Revenue
(ARR)", by the rule of Schwartz and Hearst ("A simple algorithm for identifying abbreviation
definitions in biomedical text", PSB 2003).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from retrieval.language import STOP_WORDS
from retrieval.model import Passage
from retrieval.terms import MAX_QUERY_CHARACTERS, words

SHORTEST: Final = 5  # letters; of shorter words, too many are one letter from another
LONG: Final = 8  # letters; from here on two may be wrong
MAX_CORRECTED: Final = 8  # words of a question
MAX_EXPANDED: Final = 4

_STOP: Final = frozenset[str]().union(*STOP_WORDS.values())
_WORD: Final = re.compile(r"[^\W\d_]+")
_SHORT: Final = re.compile(r"\(([^\W\d_][\w&-]{1,9})\)")


@dataclass(frozen=True, slots=True)
class Instead:
    """What was written, and what is searched for in its place, or beside it."""

    written: str
    searched: str


class Vocabulary:
    """The words of some passages, how many hold each, and their short forms."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._long: dict[str, Counter[str]] = {}
        self._buckets: dict[tuple[str, int], list[tuple[str, int]]] = {}

    def add(self, passages: Iterable[Passage]) -> None:
        for passage in passages:
            text = f"{passage.context}\n{passage.text}"
            for word in set(words(text)):
                if word not in self._held and word.isalpha():
                    bucket = self._buckets.setdefault((word[0], len(word)), [])
                    bucket.append((word, _letters(word)))
                self._held[word] += 1
            for short, long in short_forms(text):
                self._long.setdefault(short, Counter())[long] += 1

    def corrected(self, text: str) -> tuple[str, tuple[Instead, ...]]:
        """The text with words that no passage holds replaced by the nearest one that some do.

        One letter may be wrong, missing, too many or swapped with the next, two in a long word.
        Of several the most frequent is taken. Names, which have a capital within a sentence, stay:
        that nothing mentions one is an answer.
        """
        found: list[Instead] = []

        def mended(match: re.Match[str]) -> str:
            written = match.group()
            word = written.casefold()
            if (
                len(found) == MAX_CORRECTED
                or len(word) < SHORTEST
                or word in self._held
                or word in _STOP
                or written != written.lower()
            ):
                return written
            nearest = self._nearest(word)
            if nearest is None:
                return written
            found.append(Instead(written, nearest))
            return nearest

        head = _WORD.sub(mended, text[:MAX_QUERY_CHARACTERS])
        return head + text[MAX_QUERY_CHARACTERS:], tuple(found)

    def expanded(self, text: str) -> tuple[str, tuple[Instead, ...]]:
        """The text with what its short forms stand for added, where it does not say so itself.

        A short form is one as the passages write it; of several meanings the most frequent.
        """
        said = " ".join(words(text[:MAX_QUERY_CHARACTERS]))
        found: dict[str, Instead] = {}
        for match in re.finditer(r"[^\W\d_][\w&-]+", text[:MAX_QUERY_CHARACTERS]):
            short = match.group()
            meanings = self._long.get(short)
            if not meanings or short in found or len(found) == MAX_EXPANDED:
                continue
            long = min(meanings, key=lambda meaning: (-meanings[meaning], meaning))
            if " ".join(words(long)) not in said:
                found[short] = Instead(short, long)
        added = "".join(f" {one.searched}" for one in found.values())
        return text + added, tuple(found.values())

    def _nearest(self, word: str) -> str | None:
        near = [other for other in _once(word, self._letters_of(word)) if other in self._held]
        if not near and len(word) >= LONG:
            mask = _letters(word)
            near = [
                other
                for length in range(len(word) - 2, len(word) + 3)
                for other, letters in self._buckets.get((word[0], length), ())
                if (mask ^ letters).bit_count() <= 4 and _within_two(word, other)
            ]
        near = [other for other in near if other.isalpha()]
        return min(near, key=lambda other: (-self._held[other], other), default=None)

    @staticmethod
    def _letters_of(word: str) -> str:
        if "\u0400" <= word[0] <= "\u04ff":
            return "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
        return "abcdefghijklmnopqrstuvwxyzäöüßéèêàçñ"


def short_forms(text: str) -> list[tuple[str, str]]:
    """Pairs of a short form and what it stands for, as a text gives them."""
    found = []
    for match in _SHORT.finditer(text):
        short = match.group(1)
        if not any(sign.isupper() for sign in short):
            continue
        before = text[max(0, match.start() - 200) : match.start()].rstrip()
        before = re.split(r"[.;:!?\n()]", before)[-1]
        most = min(len(short) + 5, len(short) * 2)
        long = _stands_for(short, " ".join(before.split()[-most:]))
        if long and len(long) > len(short):
            found.append((short, long))
    return found


def _stands_for(short: str, before: str) -> str:
    """The shortest end of ``before`` that holds the short form's letters in order, from the right;
    the first of them begins a word."""
    at = len(before) - 1
    for place in range(len(short) - 1, -1, -1):
        sign = short[place].lower()
        if not sign.isalnum():
            continue
        while at >= 0 and (
            before[at].lower() != sign or (place == 0 and at > 0 and before[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
        at -= 1
    return before[at + 1 :].strip()


def _once(word: str, letters: str) -> set[str]:
    """Every word one edit away."""
    cut = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {head + tail[1:] for head, tail in cut if tail}
    found |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cut if len(tail) > 1}
    for sign in letters:
        found.update(head + sign + tail[1:] for head, tail in cut if tail)
        found.update(head + sign + tail for head, tail in cut)
    found.discard(word)
    return found


def _letters(word: str) -> int:
    mask = 0
    for sign in word:
        mask |= 1 << (ord(sign) % 61)
    return mask


def _within_two(one: str, other: str) -> bool:
    """Whether two edits turn one into the other; swapped neighbours are one edit."""
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        before, above, row = above, row, [i] + [0] * len(other)
        for j, wanted in enumerate(other, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (sign != wanted))
            if i > 1 and j > 1 and sign == other[j - 2] and one[i - 2] == wanted:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > 2:
            return False
    return row[-1] <= 2
