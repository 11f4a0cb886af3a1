"""What a sentence is made of: content words, figures, names and negations. Pure.

Everything that decides whether a quote carries a sentence compares these, never raw strings, so
answers and claims are judged by one measure. Words are split, left out and stemmed as retrieval
does it; ``language`` is one of its languages, and texts are only comparable in the same one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from retrieval.language import STOP_WORDS, UNDETERMINED, guess, spoken
from retrieval.terms import analyze
from retrieval.terms import words as split


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# Words without a meaning of their own beside those retrieval leaves out: a question's frame, and
# units, which are compared with their figures.
_EMPTY: Mapping[str, frozenset[str]] = {
    language: frozenset(_listed(words))
    for language, words in {
        "en": "may might much must many lot us yes tell give list show please according within "
        "without per percent percentage thousand million billion eur usd gbp chf euro euros "
        "dollar dollars",
        "de": "bitte gib nenne nenn zeig zeige sag laut pro etwa prozent tausend mio mrd millionen "
        "milliarden eur euro",
        "fr": "donne donnez montre montrez dis dites veuillez selon pour cent mille millions eur "
        "milliards euros",
        "es": "dame dime muestra muestre por favor ciento mil millones eur euros",
        "ru": "пожалуйста дай назови покажи скажи процентов тысяч млн млрд евро",
    }.items()
}
# Words of degree and of order: a text about anything may hold them, or say it in figures instead.
GENERIC = frozenset(
    _listed(
        """fast quick quickly slow big large small high low long short often good bad great main
        major important key biggest largest best worst new many much different various overall
        current total expect kind type thing people say mean happen name like work use do make
        schnell groß hoch lang oft gut schlecht wichtig wichtigste wichtigsten viele größte neu
        vite rapide grand grande gros haut long souvent bon principal principaux principales
        rápido grande alto largo bueno principal principales importante importantes mejor
        быстро большой высокий часто главный главные основные важные важный новый"""
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
        "complaint:complain complaints:complain decision:decide decisions:decide choice:choose "
        "payment:pay payments:pay development:develop approval:approve entry:enter entries:enter "
        "delivery:deliver deliveries:deliver recommendation:recommend reduction:reduce "
        "investment:invest agreement:agree renewal:renew competitor:compete competitors:compete "
        "competition:compete failure:fail failures:fail proposal:propose success:succeed "
        "employee:employ employees:employ losses:lose loss:lose "
        "cheaper:cheap larger:large largest:large higher:high highest:high lower:low lowest:low"
    )
)
# Words that deny, by language: "sin" denies in Spanish, and French "ne" only seconds its "pas".
_NEGATIONS: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        _listed(
            "not no never without neither nor none cannot nobody nothing hardly lacks lack lacked"
        )
    ),
    "de": frozenset(
        _listed("nicht nie ohne weder kein keine keinem keinen keiner keines niemand nichts kaum")
    ),
    "fr": frozenset(_listed("pas jamais sans aucun aucune ni rien personne guère")),
    "es": frozenset(_listed("no nunca jamás sin tampoco ningún ninguna ninguno ni nada nadie")),
    "ru": frozenset(_listed("не нет никогда без ни ничего никто нельзя")),
}
_NOT_ONLY = {("not", "only"), ("nicht", "nur"), ("pas", "seulement"), ("no", "solo"),
             ("no", "sólo"), ("не", "только")}  # fmt: skip
# From two on: "one" is a pronoun more often than a figure.
_NUMBER_WORDS: Mapping[str, Mapping[str, int]] = {
    language: {word: value for value, word in enumerate(_listed(words), 2)}
    for language, words in {
        "en": "two three four five six seven eight nine ten eleven twelve",
        "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
        "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
        "ru": "два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать",
    }.items()
}
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
_SCALES = {
    word: 10**power
    for power, words in {
        3: "k thousand tsd tausend mille mil тыс тысяч тысячи",
        6: "m mn mio million millionen millions millón millones млн миллионов миллиона",
        9: "bn mrd billion milliarden milliarde milliard milliards млрд миллиардов миллиарда",
        12: "tn trillion",
    }.items()
    for word in _listed(words)
}
_CURRENCIES = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "$": "USD",
    "usd": "USD",
    "евро": "EUR",
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
     "growing climbed gained expanded improved higher up "
     "stieg stiegen gestiegen wuchs wuchsen gewachsen erhöhte zugenommen höher "
     "augmenté augmente hausse progressé creció crecieron subió aumentó "
     "вырос выросла выросло выросли увеличился увеличилась рост",
     "fell fall falls fallen falling decrease decreases decreased decreasing shrank shrink shrunk "
     "shrinks declined decline declines declining dropped drop drops lost contracted worsened "
     "lower down "
     "sank sanken gesunken fiel fielen gefallen schrumpfte schrumpften verringerte abgenommen "
     "diminué diminue baisse baissé reculé cayó cayeron bajó disminuyó "
     "упал упала упало упали снизился снизилась сократился падение"),
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
    r"(?P<number>\d{1,3}(?:[ ,.\u202f\u00a0]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?"
    rf"(?:\s?(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})\b\.?)?"
    r"(?:\s?(?:de\s)?(?P<unit>%|percent(?:age)?(?:\s+points?)?\b|per\s+cent\b|pp\b|"
    r"prozentpunkte?\b|prozent\b|pour\s+cent\b|por\s+ciento\b|процент\w*|€|"
    r"(?:EUR|USD|GBP|CHF|euros?|dollars?|евро)\b))?",
    re.IGNORECASE,
)
_QUARTER = re.compile(r"\b[QH][1-4]\b")
_DOT_GROUPS = frozenset({"de", "es", "fr", "ru"})  # where 13.900 is said for thirteen thousand


def language_of(*texts: str) -> str:
    """The language to compare texts in: that of all of them together, the first one's in doubt.

    A sentence alone is often too short to tell; the passage beside it is not.
    """
    together = guess("\n".join(texts))
    return together if together != UNDETERMINED else guess(texts[0])


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


# An answer looks at each of its sentences, and at each word of its question, many times.
@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Every word, folded, in order."""
    return tuple(split(text))


@lru_cache(maxsize=8192)
def content(text: str, language: str) -> frozenset[str]:
    """Stems of the words that carry meaning; figures are compared apart, as figures."""
    return frozenset(content_sequence(text, language))


def content_sequence(text: str, language: str) -> tuple[str, ...]:
    plain = [
        _IRREGULAR.get(word, word) if language in ("en", UNDETERMINED) else word
        for word in (word.removesuffix("'s").removesuffix("n't") for word in words(text))
        if word and not word[0].isdigit() and not _empty(word, language)
    ]
    return tuple(analyze(" ".join(plain), language))


def _empty(word: str, language: str) -> bool:
    language = "en" if language == UNDETERMINED else language
    return word in STOP_WORDS[language] or word in _EMPTY[language]


def asked(question: str) -> tuple[str, ...]:
    """The words of a question that an answer could hold, as they were said, each form once."""
    language = spoken(question)
    found: dict[tuple[str, ...], str] = {}
    for word in words(question):
        stems = content_sequence(word, language)
        if stems:
            found.setdefault(stems, word)
    return tuple(found.values())


def held(asked: Sequence[str], text: str, language: str) -> frozenset[str]:
    """Those of a question's words that a text in some language holds, in whatever form."""
    own = content(text, language)
    return frozenset(word for word in asked if not own.isdisjoint(content(word, language)))


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


def figures(text: str, language: str = UNDETERMINED) -> tuple[Figure, ...]:
    """The figures said in a text, number words included, in order.

    The language tells what a dot before three digits is, and which number words there are.
    """
    normal = unicodedata.normalize("NFKC", text)
    found: list[tuple[int, Figure]] = []
    for match in _FIGURE.finditer(normal):
        figure = _figure(match, language)
        if figure is not None:
            found.append((match.start(), figure))
    numbers = _NUMBER_WORDS.get(language, _NUMBER_WORDS["en"])
    for match in _WORD.finditer(normal):
        word = match.group().casefold()
        value = numbers.get(word, _TENS.get(word))
        if value is not None:
            number = Decimal(value)
            found.append((match.start(), Figure(number, Decimal(1), "", match.group())))
    return tuple(figure for _, figure in sorted(found, key=lambda pair: pair[0]))


def _figure(match: re.Match[str], language: str) -> Figure | None:
    raw = match["number"]
    # A comma groups, or a dot does, and the other one is the decimal sign. Before anything but
    # three digits either is a decimal sign; before three, it is what the language says.
    groups, decimal = (".", ",") if language in _DOT_GROUPS else (",", ".")
    if re.fullmatch(rf"\d{{1,3}}(?:[ {groups}\u202f\u00a0]\d{{3}})+(?:[{decimal}]\d+)?", raw):
        plain = re.sub(rf"[ {groups}\u202f\u00a0]", "", raw).replace(decimal, ".")
    elif raw.count(",") + raw.count(".") == 1 and " " not in raw:
        plain = raw.replace(",", ".")
    else:
        plain = re.sub(r"\D", "", raw)
    if len(plain) > 30:
        return None
    scale = Decimal(_SCALES.get((match["scale"] or "").casefold(), 1))
    decimals = len(plain.partition(".")[2])
    value = Decimal(plain) * scale
    if match["sign"]:
        value = -value
    unit = (match["unit"] or match["before"] or "").casefold()
    if unit.startswith(("percentage", "prozentpunkt")) or unit == "pp":
        unit = "pp"
    elif unit.startswith(("per", "prozent", "pour", "por", "процент")) or unit == "%":
        unit = "%"
    else:
        unit = _CURRENCIES.get(unit, "")
    said = " ".join(match.group().split())
    return Figure(value, Decimal(1).scaleb(-decimals) * scale, unit, said)


def periods(text: str) -> frozenset[str]:
    """Quarters and halves named: Q3, H1."""
    return frozenset(match.group() for match in _QUARTER.finditer(text))


def names(text: str, language: str = UNDETERMINED) -> tuple[str, ...]:
    """Capitalised words that are names rather than the sentence's first word, in order.

    German writes every noun so; there an inner capital or capitals alone tell.
    """
    found: list[str] = []
    for index, match in enumerate(_WORD.finditer(text)):
        word = match.group()
        if not word[0].isupper() or len(word) < 2 or _QUARTER.fullmatch(word):
            continue
        # The first word is capitalised by its place; only an inner capital (NovaGrid) tells.
        plain_case = not any(letter.isupper() for letter in word[1:])
        if plain_case and (index == 0 or language == "de"):
            continue
        plain = fold(word).removesuffix("'s")
        if not _empty(plain, language) and plain not in found:
            found.append(plain)
    return tuple(found)


def negated(text: str, language: str = UNDETERMINED) -> bool:
    """Whether a sentence denies. "Not only" does not, and two denials undo one another."""
    found = words(text)
    denials = _NEGATIONS.get(language, _NEGATIONS["en"])
    count = 0
    for index, word in enumerate(found):
        denies = word in denials or (word.endswith("n't") and "'" in word)
        if denies and (word, *found[index + 1 : index + 2]) not in _NOT_ONLY:
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
