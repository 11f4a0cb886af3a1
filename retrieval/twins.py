"""Passages that say the same: the wording alone, and what makes two wordings one. Pure.

Near-twins share at least NEAR of their five-word shingles (Jaccard; the length and the threshold
by which Lee et al. found near-duplicates in "Deduplicating Training Data Makes Language Models
Better", ACL 2022): about one word in fifty may differ, and of fewer than 49 words none. A word that
tells one statement from another may not: a figure, a number or a "not" in words, a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias

SHINGLE: Final = 5  # words
NEAR: Final = 0.8
_UNITS: Final = "%$€£¥"

_GAPS = re.compile(r"[^\w+\-−%.,$€£¥]+|(?<!\d)[.,]|[.,](?!\d)|[+\-−](?!\d)")
_MARKS = re.compile(r"[^\w\s]+")
_TELLING: Final = frozenset(
    word
    for words in (
        """no not never none neither nor without cannot one two three four five six seven eight
        nine ten eleven twelve dozen hundred thousand million billion trillion half third quarter
        double twice""",
        """nicht kein keine keinen keinem keiner nie niemals ohne weder zwei drei vier fünf sechs
        sieben acht neun zehn elf zwölf hundert tausend millionen milliarde milliarden halb
        doppelt""",
        """ne n pas jamais aucun aucune sans ni deux trois quatre cinq sept huit neuf dix cent
        mille millions milliard milliards moitié""",
        """nunca ninguno ninguna sin tampoco dos tres cuatro cinco seis siete ocho nueve diez cien
        ciento mil millón millones mitad""",
        """не нет никогда без два две три четыре пять шесть семь восемь девять десять сто тысяча
        тысяч миллион миллионов миллиард миллиардов""",
    )
    for word in words.split()
)

Words: TypeAlias = tuple[str, ...]


def normalised(text: str) -> str:
    """The wording alone: passages that differ in case, spaces or punctuation are twins.

    What changes a figure stays: "+3" is not "-3", "1.5" is not "15".
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_GAPS.sub(" ", folded).split()) or text


class Twins:
    """What was seen so far; each text is asked for its first twin.

    Asking looks only at those that share five words with it, so its time does not grow with what
    was seen.
    """

    def __init__(self) -> None:
        self._same: dict[str, int] = {}
        self._added: list[tuple[int, str, frozenset[Words]]] = []
        self._holding: dict[Words, list[int]] = {}  # by shingle, which of those added

    def first(self, text: str) -> int | None:
        """The number under which its first twin was added."""
        wording, held = _read(text)
        if wording in self._same:
            return self._same[wording]
        alike = set(chain.from_iterable(self._holding.get(shingle, ()) for shingle in held))
        for at in sorted(alike):
            number, other, others = self._added[at]
            # What tells them apart is costly to find, and few come as far.
            if near(held, others) and telling(text) == telling(other):
                return number
        return None

    def add(self, text: str, number: int) -> None:
        wording, held = _read(text)
        self._same.setdefault(wording, number)
        for shingle in held:
            self._holding.setdefault(shingle, []).append(len(self._added))
        self._added.append((number, text, held))


@lru_cache(maxsize=16)  # what is asked for and has no twin is added next
def _read(text: str) -> tuple[str, frozenset[Words]]:
    wording = normalised(text)
    return wording, shingles(wording)


def shingles(wording: str) -> frozenset[Words]:
    words = wording.split()
    if len(words) < SHINGLE:
        return frozenset((tuple(words),))
    return frozenset(zip(*(words[at:] for at in range(SHINGLE)), strict=False))


def near(one: frozenset[Words], other: frozenset[Words]) -> bool:
    common = len(one & other)
    return common >= NEAR * (len(one) + len(other) - common)


def telling(text: str) -> frozenset[tuple[str, int]]:
    """The words that twins must share, and how often: figures, negations, and what has a capital.

    A capital that only begins a sentence makes twins fewer, never wrong ones.
    """
    found: Counter[str] = Counter()
    for word in normalised(text).split():
        if word in _TELLING or any(sign.isdigit() or sign in _UNITS for sign in word):
            found[word] += 1
    for word in _MARKS.sub(" ", unicodedata.normalize("NFKC", text)).split():
        if word != word.lower():
            found[word.casefold()] += 1
    return frozenset(found.items())
