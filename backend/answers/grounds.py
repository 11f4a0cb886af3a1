"""Whether what was found is enough to answer from. Pure, and it says why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.evidence.words import content_sequence, figures, words
from retrieval.model import Hit, PassageId, SearchResult

# Chosen on the dev halves of SciFact and Cranfield, each asked of its own collection and of the
# other's, with granite-embedding-30m-english (`python -m evals.abstention` prints the table):
# off-topic questions reach a cosine of .677 at their 95th percentile and .709 at most, and cover
# .44 of their words; own questions have .688 at their 5th percentile and .75 at their 25th. A
# question is declined when the cosine is low, or middling with few of its words covered: a
# paraphrase may share no word with its answer, and an unrelated passage may share several.
COSINE_SURE = 0.72  # at or above, the words do not matter
COSINE_DOUBT = 0.64  # below, the passages are about something else, whatever words they share
COVERED = 0.45  # between the two: this share of the question's weight must be in one passage
COVERED_ALONE = 0.5  # without a dense leg, which a trace names
NEAREST = 3  # passages shown when declining


@dataclass(frozen=True, slots=True)
class Grounds:
    """The decision, and what it rests on."""

    enough: bool
    reason: str
    cosine: float | None
    covered: float
    missing: tuple[str, ...]


def decide(question: str, result: SearchResult, *, dense_leg: str = "dense") -> Grounds:
    """Whether the hits can answer the question."""
    terms = tuple(dict.fromkeys(content_sequence(question)))
    texts = [f"{hit.passage.context}\n{hit.passage.text}" for hit in result.hits]
    held = [frozenset(content_sequence(text)) for text in texts]
    weights = weigh(terms, held)
    covered, missing = _covered(terms, weights, held)
    cosine = top_score(result, dense_leg)
    if not result.hits:
        return Grounds(False, "No passage was found.", cosine, 0.0, terms)
    if not terms and not figures(question):
        return Grounds(
            False, "The question holds no word that could be searched for.", cosine, 0.0, ()
        )
    if cosine is None:
        enough = covered >= COVERED_ALONE
    else:
        enough = cosine >= COSINE_SURE or (cosine >= COSINE_DOUBT and covered >= COVERED)
    said = _said(question)
    missing = tuple(said.get(term, term) for term in missing)
    return Grounds(enough, _reason(enough, cosine, covered, missing), cosine, covered, missing)


def matched(question: str, hits: Sequence[Hit]) -> Mapping[PassageId, tuple[str, ...]]:
    """The question's words that each passage holds, in whatever form, as the question says them."""
    said = _said(question)
    found = {}
    for hit in hits:
        held = frozenset(content_sequence(f"{hit.passage.context}\n{hit.passage.text}"))
        found[hit.passage.id] = tuple(word for term, word in said.items() if term in held)
    return found


def _said(question: str) -> dict[str, str]:
    """The question's content words by their stems."""
    said: dict[str, str] = {}
    for word in words(question):
        for term in content_sequence(word):
            said.setdefault(term, word)
    return said


def top_score(result: SearchResult, leg: str) -> float | None:
    """The best raw score that a leg gave, None where it did not run or found nothing."""
    for run in result.runs:
        if run.leg == leg and run.ranked:
            return max(one.score for one in run.ranked)
    return None


def weigh(terms: Sequence[str], held: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Each term's weight: the rarer among the texts found, the heavier; absent, the heaviest."""
    count = len(held)
    return {
        term: math.log(1 + (count + 1) / (1 + sum(term in one for one in held))) for term in terms
    }


def _covered(
    terms: Sequence[str], weights: Mapping[str, float], held: Sequence[frozenset[str]]
) -> tuple[float, tuple[str, ...]]:
    total = sum(weights.values())
    if not total or not held:
        return 0.0, tuple(terms)
    best = max(sum(weights[term] for term in terms if term in one) for one in held)
    anywhere = frozenset().union(*held)
    return best / total, tuple(term for term in terms if term not in anywhere)


def _reason(enough: bool, cosine: float | None, covered: float, missing: Sequence[str]) -> str:
    likeness = "" if cosine is None else f"nearest passage {cosine:.2f} alike, "
    shares = f"{covered:.0%} of the question's words in one passage"
    if enough:
        return f"Enough evidence: {likeness}{shares}."
    gone = (
        f" Nothing found mentions {', '.join(f'“{term}”' for term in missing[:4])}."
        if missing
        else ""
    )
    return f"Not enough evidence: {likeness}{shares}.{gone}"
