"""Answers without a model: the sentences that answer best, verbatim. It says that it is this.

``compose`` is pure; the same question, passages and vectors make the same answer, byte for byte.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.answers.grounds import weigh
from backend.evidence.model import LONGEST_QUOTE
from backend.evidence.support import Sentences, figures_differ, missing_figures
from backend.evidence.words import Figure, asked, content, figures, fold, held, names, words
from retrieval.model import Hit, Passage, Side
from retrieval.ports import DenseEncoder

NAME = "extractive"
CONSIDERED = 40  # sentences weighed by their words
ENCODED = 16  # of which so many, the likeliest, are also compared by meaning: about 100 ms
MOST = 6
FEWEST_WORDS = 4
FEWEST_SAID = 3  # content words and figures; fewer say nothing out of their context
_NAME_ROOT = 5  # letters that tell a name, whatever its ending
_LONGEST_ENCODED = 400  # code points; a longer sentence is judged by its beginning

# Worth of a sentence: the weighted share of the question it holds, its likeness in meaning, and
# small nudges. Set by reading answers over the sample space; the order of magnitude matters.
_COVERS, _MEANS, _KIND, _RANK, _HEADING = 1.0, 0.9, 0.25, 0.2, 0.4
# What counts against one that says less by itself: a row of a table, a stretch without a stop that
# is no list item either, and a sentence that leans on the one before it.
_A_ROW, _UNFINISHED, _LEANING = 0.35, 0.5, 0.4
_UNNAMED = 0.3  # or that, with its headings, is not about all that the question names
_TOGETHER = 1.5  # the power of the share held: the whole question counts for more than its halves
_DIVERSITY = 0.5  # how much likeness to what is chosen counts against a sentence
_SAID = 0.8  # of the shorter one's words in the other: it adds nothing
_SAME_SOURCE = 0.05  # and each sentence that its source has said already
_SECOND = 0.6  # of the best sentence's worth, for a second one to stand beside it
_WORTH_KEEPING = 0.7  # and for each after that

_HOW_MUCH = re.compile(
    r"\b(how (much|many|large|big|far|fast|high|long|often)|what (share|percentage|percent|rate|"
    r"amount|number|price|cost|size|figure)|(revenue|growth|turnover|costs?|prices?|budget|margin|charge))\b"
)
_WHEN = re.compile(r"\b(when|what (year|date|day|month)|which (year|quarter|month)|deadline)\b")
_WHO = re.compile(r"\b(who|whom|whose|which (company|competitor|person|firm|supplier)s?)\b")
_TIME = re.compile(
    r"\b(?:(?:19|20)\d\d|[QH][1-4]|january|february|march|april|june|july|august|september|"
    r"october|november|december)\b",
    re.IGNORECASE,
)

_ITEM = re.compile(r"\s*(?:[•◦▪*–-]|\(?\d{1,2}[.)])\s+")
_NOTES = re.compile(r"\s*Speaker notes:\s+")  # what our reader of slides puts before them
_STOPS = tuple('.!…。！”"»)')
_ROW = re.compile(r" \| |^[^:;\n]{1,40}: [^;\n]*; ")
_CAPTION = re.compile(
    r"(?:table|figure|fig\.|tab\.|chart|slide|page|tabelle|abbildung|abb\.|tableau|tabla|"
    r"таблица|рис\.)\s+\d|(?:source|sources|quelle|quellen|fuente|источник):",
    re.IGNORECASE,
)
# First words that stand for something said before.
_LEANS = frozenset(
    re.findall(
        r"\w+",
        """it its they their them this these those that he she his her so but and both then there
        such however therefore thus instead also otherwise former latter
        er sie es dies diese dieser dieses das aber und so deshalb daher dann beide auch
        il elle ils elles ce cela ces mais et donc alors aussi leur
        esto esta estos estas ello pero y así entonces también
        он она оно они это эти этот эта но и поэтому тогда также""",
    )
)
_THE_FIGURE = re.compile(r"(?:the|die|der|das|les?|los|las)\s\d", re.IGNORECASE)  # which one?
_ALSO = frozenset(["also", "auch", "aussi", "también", "также", "however", "therefore"])


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
        # About 15 ms of reading sentences, and a few of choosing: not on the event loop.
        candidates = await asyncio.to_thread(gather, question, hits, self._sentences)
        likeness: NDArray[np.float32] | None = None
        if self._encoder is not None and candidates:
            texts = [one.extract.text[:_LONGEST_ENCODED] for one in candidates[:ENCODED]]
            query, found = await asyncio.gather(
                self._encoder.encode([question], side=Side.QUERY),
                self._encoder.encode(texts, side=Side.SENTENCE),
            )
            likeness = found @ query[0]
        return await asyncio.to_thread(choose, question, candidates, likeness)


def gather(question: str, hits: Sequence[Hit], sentences: Sentences) -> tuple[_Candidate, ...]:
    """The sentences of the hits that may answer, the likeliest by their words first."""
    terms = asked(question)
    asks = _asks(question)
    spoken: dict[str, tuple[Extract, frozenset[str], int]] = {}
    for rank, hit in enumerate(hits):
        for start, end in _statements(hit.passage.text, sentences):
            begin = _begin(hit.passage.text, start, end)
            extract = Extract(hit.passage, begin, end, hit.passage.text[begin:end].rstrip())
            extract = replace(extract, end=begin + len(extract.text))
            key = " ".join(words(extract.text))
            if key not in spoken and _speaks(extract):
                spoken[key] = extract, held(terms, extract.text, hit.passage.language), rank
    # Among sentences rather than passages: a word in every other sentence singles out none.
    weights = weigh(
        terms,
        [
            own | held(terms, "\n".join(one.passage.headings), one.passage.language)
            for one, own, _ in spoken.values()
        ],
    )
    total = sum(weights.values()) or 1.0
    named = names(question)
    found = []
    for extract, own, rank in spoken.values():
        passage = extract.passage
        # A heading speaks for the sentences beneath it, at less than their own words.
        above = held(terms, "\n".join(passage.headings), passage.language) - own
        lexical = (
            _COVERS * (sum(weights[term] for term in own) / total) ** _TOGETHER
            + _HEADING * sum(weights[term] for term in above) / total
            + _KIND * _answers(asks, question, extract.text)
            + _RANK / (1 + rank)
            - _UNNAMED * (not _names_all(named, extract))
            - _shortcomings(extract)
        )
        found.append(_Candidate(extract, content(extract.text, passage.language), lexical))
    ordered = sorted(found, key=lambda one: (-one.lexical, _place(one.extract)))
    return tuple(ordered[:CONSIDERED])


def _names_all(named: Sequence[str], extract: Extract) -> bool:
    """Whether a sentence or its headings name all that is named, Austria also as Austrian."""
    said = words(" ".join((*extract.passage.headings, extract.text)))
    return all(any(word.startswith(name[:_NAME_ROOT]) for word in said) for name in named)


def _begin(text: str, start: int, end: int) -> int:
    """Where a sentence begins behind its bullet, its number or the reader's label."""
    for mark in (_ITEM, _NOTES):
        match = mark.match(text, start, end)
        start = match.end() if match else start
    return start


def _shortcomings(extract: Extract) -> float:
    """What counts against a stretch as a sentence of an answer."""
    if _ROW.search(extract.text):
        return _A_ROW
    before = extract.passage.text[: extract.start].rpartition("\n")[2]
    lacking = 0.0
    if not extract.text.endswith(_STOPS) and not _ITEM.match(before):
        lacking += _UNFINISHED
    return lacking + (_LEANING if _leans(extract) else 0.0)


def _leans(extract: Extract) -> bool:
    """Whether a sentence begins with what only the one before it explains."""
    first, second = words(extract.text)[:2]
    return first in _LEANS or second in _ALSO or bool(_THE_FIGURE.match(extract.text))


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
    enough = min(best, _SECOND * best)  # where even the best is worth less than nothing, it alone
    left = [index for index, value in enumerate(worth) if value >= enough]
    chosen: list[int] = []
    while left and len(chosen) < MOST:
        index = max(left, key=lambda one: (_marginal(one, worth, chosen, candidates), -one))
        left.remove(index)
        if any(_says_nothing_new(candidates[index], candidates[one]) for one in chosen):
            continue
        chosen.append(index)
        if len(chosen) == 2:  # one good sentence is an answer; from here on, others pad it
            left = [index for index in left if worth[index] >= _WORTH_KEEPING * best]
    # The best stands first whatever it is; after it, sentences before rows.
    chosen[1:] = sorted(chosen[1:], key=lambda one: bool(_ROW.search(candidates[one].extract.text)))
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
    if _differ(one.extract, other.extract):
        return False
    language = one.extract.passage.language
    if missing_figures(
        figures(one.extract.text, language), figures(other.extract.text, language)
    ) or set(names(one.extract.text, language)) - set(words(other.extract.text)):
        return False
    shared, fewer = len(one.terms & other.terms), min(len(one.terms), len(other.terms))
    return fewer >= 3 and shared / fewer >= _SAID


def _pair(chosen: list[int], candidates: Sequence[_Candidate]) -> list[int]:
    """The chosen in order, each followed by what contradicts it, then by its neighbours.

    A contradicting sentence is shown even where diversity or worth had left it out: the reader
    must not get one side of it.
    """
    order: list[int] = []
    rest = list(chosen)
    opening = candidates[rest[0]].extract
    if _leans(opening):  # what it leans on may be chosen too: then that opens the answer
        before = (
            one
            for one in rest
            if candidates[one].extract.passage.id == opening.passage.id
            and candidates[one].extract.start < opening.start
            and not _leans(candidates[one].extract)
        )
        lead = next(before, rest[0])
        rest = [lead, *(one for one in rest if one != lead)]
    while rest and len(order) < MOST:
        index = rest.pop(0)
        order.append(index)
        extract = candidates[index].extract
        for other in range(len(candidates)):
            if other in order or len(order) >= MOST:
                continue
            against = candidates[other].extract
            if against.passage.source != extract.passage.source and _differ(extract, against):
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


def _differ(one: Extract, other: Extract) -> tuple[Figure, Figure] | None:
    language = one.passage.language
    if language != other.passage.language:
        return None
    return figures_differ(one.text, other.text, language)


def _disagreements(extracts: Sequence[Extract]) -> tuple[Disagreement, ...]:
    found = []
    for first in range(len(extracts)):
        for second in range(first + 1, len(extracts)):
            one, other = extracts[first], extracts[second]
            if one.passage.source == other.passage.source:
                continue
            pair = _differ(one, other)
            if pair is not None:
                found.append(Disagreement(first, second, (pair[0].said, pair[1].said)))
    return tuple(found)


def _asks(question: str) -> frozenset[str]:
    text = fold(question)
    kinds = {"when": _WHEN, "who": _WHO, "how much": _HOW_MUCH}
    return frozenset(kind for kind, asked in kinds.items() if asked.search(text))


def _answers(asks: frozenset[str], question: str, text: str) -> int:
    """How many of the kinds of thing that a question asks for a sentence has."""
    found = 0
    if "when" in asks:
        found += bool(_TIME.search(text))
    if "who" in asks:
        asked = set(names(question))
        found += any(name not in asked for name in names(text))
    if "how much" in asks:
        known = {figure.value for figure in figures(question)}
        found += any(figure.value not in known for figure in figures(text))
    return found


def _speaks(extract: Extract) -> bool:
    """Whether a stretch is a statement: no heading, no fragment, no question, not endless."""
    text, language = extract.text, extract.passage.language
    if len(text) > LONGEST_QUOTE or text.endswith(("?", ":")) or _CAPTION.match(text):
        return False
    if " | " in text and not figures(text):
        return False  # the head of a table
    found = words(text)
    said = len(content(text, language)) + len(figures(text, language))
    if len(found) < FEWEST_WORDS or said < FEWEST_SAID:
        return False
    # A line of figures without words, or a table's rule, tells nothing by itself. Nor does a place
    # with a date, a name with its title: what says something has words that are no names. In
    # scripts without capitals every word is such a one.
    plain = [word for word in re.findall(r"[^\W\d_]{2,}", text) if not word[0].isupper()]
    return len(plain) >= 2 or bool(_ROW.search(text))


def _place(extract: Extract) -> tuple[str, int]:
    return extract.passage.id, extract.start
