"""Whether a passage carries a sentence, and by which of its own words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from backend.evidence.model import LONGEST_QUOTE
from backend.evidence.words import (
    Figure,
    content,
    figures,
    fold,
    language_of,
    negated,
    opposed,
    periods,
)

Sentences: TypeAlias = Callable[[str], Sequence[tuple[int, int]]]

# The share of a sentence's content words that its quote must hold. A model's paraphrase of a
# passage keeps about half of its words; an unrelated sentence of the same subject keeps a
# fifth or less. Below this no chip appears, whatever the model says.
SUPPORT = 0.4
WIDEST = 3  # sentences one quote may span


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim stretch ``text[start:end]`` and the share of the sentence it holds."""

    start: int
    end: int
    score: float


def best_quote(sentence: str, text: str, sentences: Sequence[tuple[int, int]]) -> Quote | None:
    """The shortest run of whole sentences of ``text`` that carries ``sentence`` best.

    None where nothing reaches ``SUPPORT``, where a figure of the sentence is not in the quote, or
    where the quote says the opposite: a citation that does not hold must not be shown.
    """
    language = language_of(text, sentence)
    wanted = content(sentence, language)
    said = figures(sentence, language)
    if not wanted and not said:
        return None
    best: Quote | None = None
    for first in range(len(sentences)):
        for last in range(first, min(first + WIDEST, len(sentences))):
            start, end = sentences[first][0], sentences[last][1]
            if end - start > LONGEST_QUOTE:
                break
            piece = text[start:end]
            if missing_figures(said, figures(piece, language)):
                continue
            if not periods(sentence) <= periods(piece):
                continue
            score = coverage(wanted, content(piece, language))
            # A wider quote must earn its width: it is harder to check by eye.
            worth = score - 0.08 * (last - first)
            if score >= SUPPORT and (best is None or worth > best.score + 1e-9):
                if last == first and contradicts(sentence, piece, language):
                    continue
                best = Quote(start, end, worth)
    if best is None:
        return None
    held = coverage(wanted, content(text[best.start : best.end], language))
    return Quote(best.start, best.end, held)


def coverage(wanted: frozenset[str], held: frozenset[str]) -> float:
    """The share of the wanted stems that are held; 1 where nothing is wanted."""
    return len(wanted & held) / len(wanted) if wanted else 1.0


def missing_figures(said: Sequence[Figure], held: Sequence[Figure]) -> tuple[Figure, ...]:
    """The figures said that no figure held rounds to."""
    return tuple(one for one in said if not any(one.agrees(other) for other in held))


def contradicts(sentence: str, quote: str, language: str) -> str | None:
    """Why a quote that shares the sentence's words speaks against it, in words; None if not."""
    denies = negated(sentence, language)
    if denies != negated(quote, language):
        denying = "the sentence denies what the quote says"
        return denying if denies else "the quote denies it"
    words = opposed(sentence, quote)
    if words is not None:
        return f"the quote says “{words[1]}”, the sentence “{words[0]}”"
    return None


def figures_differ(first: str, second: str, language: str) -> tuple[Figure, Figure] | None:
    """Two figures of one kind that two near-identical sentences give differently.

    None where the sentences speak of different things, share no unit, or agree.
    """
    left, right = content(first, language), content(second, language)
    if not left or not right or fold(first) == fold(second):
        return None
    shared = len(left & right)
    if shared < 2 or shared / min(len(left), len(right)) < SAME_SUBJECT:
        return None
    if shared / max(len(left), len(right)) < NOT_MUCH_ELSE:
        return None
    if periods(first) != periods(second) and periods(first) and periods(second):
        return None
    ours, theirs = figures(first, language), figures(second, language)
    ours_only = [one for one in ours if not _held(one, theirs)]
    theirs_only = [one for one in theirs if not _held(one, ours)]
    # Different years make two statements, not a contradiction.
    if _years(ours) and _years(theirs) and _years(ours) != _years(theirs):
        return None
    for one in ours_only:
        for other in theirs_only:
            if one.unit == other.unit and not _year(one) and not _year(other):
                return one, other
    return None


SAME_SUBJECT = 0.6  # share of the shorter sentence's content words that both must hold
NOT_MUCH_ELSE = 0.55  # and of the longer one's: a table row shares words with many sentences


def _held(one: Figure, others: Sequence[Figure]) -> bool:
    return any(one.agrees(other) or other.agrees(one) for other in others)


def _year(figure: Figure) -> bool:
    return (
        figure.unit == "" and figure.said.isdigit() and len(figure.said) == 4
        and 1900 <= figure.value <= 2100
    )  # fmt: skip


def _years(found: Sequence[Figure]) -> frozenset[int]:
    return frozenset(int(one.value) for one in found if _year(one))
