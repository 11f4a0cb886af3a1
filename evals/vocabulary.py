"""What a space's short forms stand for. Pure.

A short form and what it stands for are read where a text gives both, "Annual Recurring Revenue
(ARR)", by the rule of Schwartz and Hearst ("A simple algorithm for identifying abbreviation
definitions in biomedical text", PSB 2003).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from retrieval.model import Correction, Passage
from retrieval.terms import MAX_QUERY_CHARACTERS, words

MAX_EXPANDED: Final = 4

_SHORT: Final = re.compile(r"\(([^\W\d_][\w&-]{1,9})\)")


class Vocabulary:
    """The short forms of some passages."""

    def __init__(self) -> None:
        self._long: dict[str, Counter[str]] = {}

    def add(self, passages: Iterable[Passage]) -> None:
        for passage in passages:
            text = f"{passage.context}\n{passage.text}"
            for short, long in short_forms(text):
                self._long.setdefault(short, Counter())[long] += 1

    def expanded(self, text: str) -> tuple[str, tuple[Correction, ...]]:
        """The text with what its short forms stand for added, where it does not say so itself.

        A short form is one as the passages write it; of several meanings the most frequent.
        """
        said = " ".join(words(text[:MAX_QUERY_CHARACTERS]))
        found: dict[str, Correction] = {}
        for match in re.finditer(r"[^\W\d_][\w&-]+", text[:MAX_QUERY_CHARACTERS]):
            short = match.group()
            meanings = self._long.get(short)
            if not meanings or short in found or len(found) == MAX_EXPANDED:
                continue
            long = min(meanings, key=lambda meaning: (-meanings[meaning], meaning))
            if " ".join(words(long)) not in said:
                found[short] = Correction(short, long)
        added = "".join(f" {one.searched}" for one in found.values())
        return text + added, tuple(found.values())


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
