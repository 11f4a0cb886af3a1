"""Answers without a model: the sentences that answer best, verbatim. It says that it is this.

``compose`` is pure; the same question, passages and vectors make the same answer, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.answers.grounds import weigh
from backend.evidence.model import LONGEST_QUOTE
from backend.evidence.support import Sentences, figures_differ
from backend.evidence.words import content, content_sequence, figures, fold, names, words
from retrieval.model import Hit, Passage, Side
from retrieval.ports import DenseEncoder

NAME = "extractive"
CONSIDERED = 40  # sentences weighed by their words
ENCODED = 16  # of which so many, the likeliest, are also compared by meaning: about 100 ms
MOST = 6
FEWEST_WORDS = 4
_LONGEST_ENCODED = 400  # code points; a longer sentence is judged by its beginning

# Worth of a sentence: the weighted share of the question it holds, its likeness in meaning, and
# small nudges. Set by reading answers over the sample space; the order of magnitude matters.
_COVERS, _MEANS, _KIND, _RANK, _HEADING = 1.0, 0.9, 0.25, 0.2, 0.3
_DIVERSITY = 0.5  # how much likeness to what is chosen counts against a sentence
_SAME_SOURCE = 0.08  # and each sentence that its source has said already
_WORTH_KEEPING = 0.65  # of the best sentence's worth; weaker ones pad the answer

_HOW_MUCH = re.compile(
    r"\b(how (much|many|large|big|far|fast|high|long|often)|what (share|percentage|percent|rate|"
    r"amount|number|price|cost|size|figure)|(revenue|growth|turnover|cost|price|budget|margin))\b"
)
_WHEN = re.compile(r"\b(when|what (year|date|day|month)|which (year|quarter|month)|deadline)\b")
_WHO = re.compile(r"\b(who|whom|whose|which (company|competitor|person|firm|supplier)s?)\b")
_TIME = re.compile(
    r"\b(?:(?:19|20)\d\d|[QH][1-4]|january|february|march|april|june|july|august|september|"
    r"october|november|december)\b",
    re.IGNORECASE,
)


_SECOND = 0.55  # of the best one's worth, for the second: one good sentence is an answer
_BULLETS = " \t\n\r\u00a0•◦▪–-"
_ROW = re.compile(r" \| |^[^:;\n]{1,40}: [^;\n]*; ")
_CAPTION = re.compile(r"(?:table|figure|fig\.|tab\.|chart|slide|page)\s+\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extract:
    """A sentence of a passage: ``passage.text[start:end] == text``."""

    passage: Passage
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two extracts, by their place in the answer, that give one thing different figures."""

    first: int
    second: int
    figures: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Composition:
    extracts: tuple[Extract, ...]
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    extract: Extract
    terms: frozenset[str]
    lexical: float


class Extractive:
    """Composes answers from quotes; compares meanings too where it is handed an encoder."""

    def __init__(self, *, sentences: Sentences, encoder: DenseEncoder | None = None) -> None:
        self._sentences = sentences
        self._encoder = encoder

    async def compose(self, question: str, hits: Sequence[Hit]) -> Composition:
        candidates = gather(question, hits, self._sentences)
        likeness: NDArray[np.float32] | None = None
        if self._encoder is not None and candidates:
            texts = [one.extract.text[:_LONGEST_ENCODED] for one in candidates[:ENCODED]]
            asked = await self._encoder.encode([question], side=Side.QUERY)
            found = await self._encoder.encode(texts, side=Side.PASSAGE)
            likeness = found @ asked[0]
        return choose(question, candidates, likeness)


def gather(question: str, hits: Sequence[Hit], sentences: Sentences) -> tuple[_Candidate, ...]:
    """The sentences of the hits that may answer, the likeliest by their words first."""
    terms = tuple(dict.fromkeys(content_sequence(question)))
    held = [content(f"{hit.passage.context}\n{hit.passage.text}") for hit in hits]
    weights = weigh(terms, held)
    total = sum(weights.values()) or 1.0
    asks = _asks(question)
    found: dict[str, _Candidate] = {}
    for rank, hit in enumerate(hits):
        context = content(hit.passage.context)
        for start, end in _statements(hit.passage.text, sentences):
            text = hit.passage.text[start:end]
            start += len(text) - len(text.lstrip(_BULLETS))
            text = text.strip(_BULLETS)
            end = start + len(text)
            key = " ".join(words(text))
            if key in found or not _speaks(text):
                continue
            own = content(text)
            covers = sum(weights[term] for term in terms if term in own)
            # A heading speaks for the sentences beneath it, at less than their own words.
            above = sum(weights[term] for term in terms if term in context and term not in own)
            lexical = (
                _COVERS * covers / total
                + _HEADING * above / total
                + _KIND * _answers(asks, question, text)
                + _RANK / (1 + rank)
            )
            found[key] = _Candidate(Extract(hit.passage, start, end, text), own, lexical)
    ordered = sorted(found.values(), key=lambda one: (-one.lexical, _place(one.extract)))
    return tuple(ordered[:CONSIDERED])


def _statements(text: str, sentences: Sentences) -> Iterator[tuple[int, int]]:
    """Sentences, and of a table each row: no stop stands between rows, and each says its own."""
    for start, end in sentences(text):
        lines = text[start:end].split("\n")
        if sum(bool(_ROW.search(line)) for line in lines) * 2 <= len(lines) or len(lines) < 2:
            yield start, end
            continue
        for line in lines:
            yield start, start + len(line)
            start += len(line) + 1


def choose(
    question: str, candidates: Sequence[_Candidate], likeness: NDArray[np.float32] | None
) -> Composition:
    """Two to six sentences, each adding something, those that disagree side by side."""
    if not candidates:
        return Composition((), ())
    worth = [one.lexical for one in candidates]
    if likeness is not None:
        # Cosines of one model crowd together; what tells is where a sentence stands among them.
        low, high = float(likeness.min()), float(likeness.max())
        spread = max(high - low, 1e-6)
        for index, value in enumerate(likeness):
            worth[index] += _MEANS * (float(value) - low) / spread
    best = max(worth)
    left = list(range(len(candidates)))
    chosen: list[int] = []
    while left and len(chosen) < MOST:
        index = max(left, key=lambda one: (_marginal(one, worth, chosen, candidates), -one))
        left.remove(index)
        if chosen and worth[index] < _WORTH_KEEPING * best and len(chosen) >= 2:
            break
        if chosen and worth[index] < _SECOND * best:
            break
        if any(_says_nothing_new(candidates[index], candidates[one]) for one in chosen):
            continue
        chosen.append(index)
    paired = _pair(chosen, candidates)
    extracts = tuple(candidates[index].extract for index in paired)
    return Composition(extracts, _disagreements(extracts))


def _marginal(
    index: int, worth: Sequence[float], chosen: Sequence[int], candidates: Sequence[_Candidate]
) -> float:
    nearest = max((_alike(candidates[index], candidates[one]) for one in chosen), default=0.0)
    source = candidates[index].extract.passage.source
    told = sum(candidates[one].extract.passage.source == source for one in chosen)
    return worth[index] - _DIVERSITY * nearest - _SAME_SOURCE * min(told, 3)


def _alike(one: _Candidate, other: _Candidate) -> float:
    union = one.terms | other.terms
    return len(one.terms & other.terms) / len(union) if union else 0.0


def _says_nothing_new(one: _Candidate, other: _Candidate) -> bool:
    if figures_differ(one.extract.text, other.extract.text):
        return False
    return _alike(one, other) > 0.8


def _pair(chosen: list[int], candidates: Sequence[_Candidate]) -> list[int]:
    """The chosen in order, each followed by what contradicts it, then by its neighbours.

    A contradicting sentence is shown even where diversity or worth had left it out: the reader
    must not get one side of it.
    """
    order: list[int] = []
    rest = list(chosen)
    while rest and len(order) < MOST:
        index = rest.pop(0)
        order.append(index)
        extract = candidates[index].extract
        for other in range(len(candidates)):
            if other in order or len(order) >= MOST:
                continue
            against = candidates[other].extract
            if against.passage.source != extract.passage.source and figures_differ(
                extract.text, against.text
            ):
                order.append(other)
                if other in rest:
                    rest.remove(other)
        # What stands in the same passage reads on from here, in its own order.
        near = sorted(
            (one for one in rest if candidates[one].extract.passage.id == extract.passage.id),
            key=lambda one: candidates[one].extract.start,
        )
        rest = near + [one for one in rest if one not in near]
    return order


def _disagreements(extracts: Sequence[Extract]) -> tuple[Disagreement, ...]:
    found = []
    for first in range(len(extracts)):
        for second in range(first + 1, len(extracts)):
            one, other = extracts[first], extracts[second]
            if one.passage.source == other.passage.source:
                continue
            pair = figures_differ(one.text, other.text)
            if pair is not None:
                found.append(Disagreement(first, second, (pair[0].said, pair[1].said)))
    return tuple(found)


def _asks(question: str) -> str:
    text = fold(question)
    if _WHEN.search(text):
        return "when"
    if _WHO.search(text):
        return "who"
    return "how much" if _HOW_MUCH.search(text) else ""


def _answers(asks: str, question: str, text: str) -> float:
    """Whether a sentence has what this kind of question wants: 1 or 0."""
    match asks:
        case "when":
            return float(bool(_TIME.search(text)))
        case "who":
            asked = set(names(question))
            return float(any(name not in asked for name in names(text)))
        case "how much":
            asked_figures = {figure.value for figure in figures(question)}
            return float(any(figure.value not in asked_figures for figure in figures(text)))
        case _:
            return 0.0


def _speaks(text: str) -> bool:
    """Whether a stretch is a statement: no heading, no fragment, no question, not endless."""
    if len(text) > LONGEST_QUOTE or text.endswith(("?", ":")) or _CAPTION.match(text):
        return False
    if " | " in text and not figures(text):
        return False  # the head of a table
    found = words(text)
    if len(found) < FEWEST_WORDS:
        return False
    # A line of figures without words, or a table's rule, tells nothing by itself.
    return sum(word[0].isalpha() for word in found) >= 2


def _place(extract: Extract) -> tuple[str, int]:
    return extract.passage.id, extract.start
