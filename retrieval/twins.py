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
    """What was seen so far; each text is asked for its first twin."""

    def __init__(self) -> None:
        self._same: dict[str, int] = {}
        self._alike: dict[frozenset[tuple[str, int]], list[tuple[int, frozenset[Words]]]] = {}

    def first(self, text: str) -> int | None:
        """The number under which its first twin was added."""
        wording = normalised(text)
        if wording in self._same:
            return self._same[wording]
        candidates = self._alike.get(telling(text))
        if candidates:
            held = shingles(wording)
            for number, others in candidates:
                if near(held, others):
                    return number
        return None

    def add(self, text: str, number: int) -> None:
        wording = normalised(text)
        self._same.setdefault(wording, number)
        self._alike.setdefault(telling(text), []).append((number, shingles(wording)))


def shingles(wording: str) -> frozenset[Words]:
    words = wording.split()
    return frozenset(
        tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))
    )


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
