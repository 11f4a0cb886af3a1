"""What a sentence is made of: content words, figures, names and negations. Pure.

Everything that decides whether a quote carries a sentence compares these, never raw strings, so
answers and claims are judged by one measure.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from snowballstemmer import stemmer  # type: ignore[import-untyped]  # ships no types


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_STOPWORDS = frozenset(
    _listed(
        """a about above after again all also am an and any are as at be because been before
        being below between both but by can could did do does doing down during each few for from
        further had has have having he her here hers him his how i if in into is it its itself
        just lot many may me might more most much must my no nor not now of off on once only or
        other our out over own per s same she should so some such t than that the their them then
        there these they this those through to too under until up upon very was we were what when
        where which while who whom why will with within without would you your yes tell give list
        show please according"""
    )
)
# Forms that a stemmer leaves apart, and business writing is full of.
_IRREGULAR = dict(
    pair.split(":")
    for pair in _listed(
        "grew:grow grown:grow growth:grow fell:fall fallen:fall rose:rise risen:rise sold:sell "
        "sales:sale bought:buy brought:bring built:build chose:choose chosen:choose paid:pay "
        "spent:spend lost:lose won:win made:make met:meet held:hold led:lead left:leave said:say "
        "saw:see seen:see took:take taken:take gave:give given:give kept:keep began:begin "
        "begun:begin came:come went:go gone:go knew:know known:know shrank:shrink shrunk:shrink "
        "cheaper:cheap larger:large largest:large higher:high highest:high lower:low lowest:low"
    )
)
_NEGATIONS = frozenset(
    _listed("not no never without neither nor none cannot nobody nothing hardly lacks lack lacked")
)
_NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        _listed("zero one two three four five six seven eight nine ten eleven twelve")
    )
    if value not in (0, 1)  # "one" is a pronoun more often than a figure
} | {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
_SCALES = {
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "mio": 10**6,
    "million": 10**6,
    "bn": 10**9,
    "billion": 10**9,
    "tn": 10**12,
    "trillion": 10**12,
}
_CURRENCIES = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "£": "GBP",
    "gbp": "GBP",
    "chf": "CHF",
    "¥": "JPY",
}
# Pairs whose sides exclude one another when they are said of the same thing.
_OPPOSITES = (
    ("rose rise rises risen rising increase increases increased increasing grew grow grows grown "
     "growing climbed gained expanded improved higher up",
     "fell fall falls fallen falling decrease decreases decreased decreasing shrank shrink shrunk "
     "shrinks declined decline declines declining dropped drop drops lost contracted worsened "
     "lower down"),
    ("profit profits profitable", "loss losses unprofitable"),
    ("approved approve approves accepted accept accepts agreed agrees",
     "rejected reject rejects refused refuse refuses declined"),
    ("above exceeds exceeded more", "below less fewer"),
    ("leader leading largest first biggest", "last smallest"),
)  # fmt: skip
_OPPOSITE_SIDES = tuple((frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES)

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
_FIGURE = re.compile(
    r"(?P<before>[€$£¥]|\b(?:EUR|USD|GBP|CHF)\b)?\s?"
    r"(?<![\w.,])(?P<sign>[-−–](?=\d))?"
    r"(?P<number>\d{1,3}(?:[ ,\u202f\u00a0]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?"
    r"(?:\s?(?P<scale>thousand|million|billion|trillion|mio|mn|bn|tn|k|m)\b)?"
    r"(?:\s?(?P<unit>%|percent(?:age)?(?:\s+points?)?\b|per\s+cent\b|pp\b|€|"
    r"(?:EUR|USD|GBP|CHF|euros?|dollars?)\b))?",
    re.IGNORECASE,
)
_QUARTER = re.compile(r"\b[QH][1-4]\b")
_local = threading.local()  # a stemmer keeps its word in itself: one for each thread


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    snowball = getattr(_local, "snowball", None)
    if snowball is None:
        snowball = _local.snowball = stemmer("english")
    return str(snowball.stemWord(_IRREGULAR.get(word, word)))


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def words(text: str) -> tuple[str, ...]:
    """Every word, folded, in order."""
    return tuple(match.group() for match in _WORD.finditer(fold(text)))


def content(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning; figures are compared apart, as figures."""
    return frozenset(content_sequence(text))


def content_sequence(text: str) -> tuple[str, ...]:
    found = []
    for word in words(text):
        plain = word.removesuffix("'s").removesuffix("n't")
        if plain and plain not in _STOPWORDS and not plain[0].isdigit():
            found.append(stem(plain))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as said: its value at full scale, how finely it was said, and in what."""

    value: Decimal
    quantum: Decimal  # one unit of the last digit said: "3.4 million" is said to 100,000
    unit: str  # "%", "pp", a currency code, or "" where none is said
    said: str

    def agrees(self, other: Figure) -> bool:
        """Whether ``other``, perhaps said more finely, rounds to this figure."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if self.value == other.value:
            return True
        if self.unit != other.unit or other.quantum >= self.quantum:
            return False
        steps = (other.value / self.quantum).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return steps * self.quantum == self.value


def figures(text: str) -> tuple[Figure, ...]:
    """The figures said in a text, quarters and number words included, in order."""
    normal = unicodedata.normalize("NFKC", text)
    found: list[tuple[int, Figure]] = []
    for match in _FIGURE.finditer(normal):
        figure = _figure(match)
        if figure is not None:
            found.append((match.start(), figure))
    for match in _WORD.finditer(normal):
        value = _NUMBER_WORDS.get(match.group().casefold())
        if value is not None:
            number = Decimal(value)
            found.append((match.start(), Figure(number, Decimal(1), "", match.group())))
    return tuple(figure for _, figure in sorted(found, key=lambda pair: pair[0]))


def _figure(match: re.Match[str]) -> Figure | None:
    raw = match["number"]
    # A comma before exactly three digits groups; before anything else it is a decimal sign.
    grouped = re.fullmatch(r"\d{1,3}(?:[ ,\u202f\u00a0]\d{3})+(?:\.\d+)?", raw) is not None
    plain = re.sub(r"[ ,\u202f\u00a0]", "", raw) if grouped else raw.replace(",", ".")
    if len(plain) > 30:
        return None
    scale = Decimal(_SCALES.get((match["scale"] or "").casefold(), 1))
    decimals = len(plain.partition(".")[2])
    value = Decimal(plain) * scale
    if match["sign"]:
        value = -value
    unit = (match["unit"] or match["before"] or "").casefold()
    if unit.startswith("percentage") or unit == "pp":
        unit = "pp"
    elif unit.startswith("per") or unit == "%":
        unit = "%"
    else:
        unit = _CURRENCIES.get(unit, "")
    said = " ".join(match.group().split())
    return Figure(value, Decimal(1).scaleb(-decimals) * scale, unit, said)


def periods(text: str) -> frozenset[str]:
    """Quarters and halves named: Q3, H1."""
    return frozenset(match.group() for match in _QUARTER.finditer(text))


def names(text: str) -> tuple[str, ...]:
    """Capitalised words that are names rather than the sentence's first word, in order."""
    found: list[str] = []
    for index, match in enumerate(_WORD.finditer(text)):
        word = match.group()
        if not word[0].isupper() or len(word) < 2 or _QUARTER.fullmatch(word):
            continue
        # The first word is capitalised by its place; only an inner capital (NovaGrid) tells.
        if index == 0 and not any(letter.isupper() for letter in word[1:]):
            continue
        plain = fold(word).removesuffix("'s")
        if plain not in _STOPWORDS and plain not in found:
            found.append(plain)
    return tuple(found)


def negated(text: str) -> bool:
    """Whether a sentence denies. "Not only" does not, and two denials undo one another."""
    found = words(text)
    count = 0
    for index, word in enumerate(found):
        denies = word in _NEGATIONS or word.endswith("n't")
        if denies and not (word == "not" and found[index + 1 : index + 2] == ("only",)):
            count += 1
    return count % 2 == 1


def opposed(first: str, second: str) -> tuple[str, str] | None:
    """A word of each text that exclude one another: ("rose", "fell")."""
    left, right = words(first), words(second)
    for one, other in _OPPOSITE_SIDES:
        for side, against in ((one, other), (other, one)):
            said = _first(left, side)
            denied = _first(right, against)
            # A text that says both sides ("fell, then rose") contradicts nothing by itself.
            if said and denied and not _first(right, side) and not _first(left, against):
                return said, denied
    return None


def _first(found: Sequence[str], among: frozenset[str]) -> str | None:
    return next((word for word in found if word in among), None)
