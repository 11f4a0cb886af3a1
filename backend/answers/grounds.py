"""Whether what was found is enough to answer from. Pure, and it says why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.evidence.words import GENERIC, asked, figures, fold, held, names, words
from retrieval.language import spoken
from retrieval.model import Hit, Passage, PassageId, SearchResult

# Enough when cosine + WORDS * covered reaches ENOUGH. A logistic regression on the dev halves of
# SciFact, Cranfield and MuSiQue, each asked its own questions and the others' (150 of each), with
# granite-embedding-30m-english, gives 47.0 * cosine + 7.0 * covered - 34.7; divided by 47 it is
# this. Answered are then 97 to 100 % of a collection's own questions and 0 to 6 % of another one's;
# `python -m evals.abstention` prints the table. Meaning weighs more than words: a paraphrase may
# share no word with its answer, and an unrelated passage may share several.
WORDS = 0.15
ENOUGH = 0.74
COVERED_ALONE = 0.45  # without a dense leg, which a trace names: fewer of either are answered
GENERIC_WEIGHT = 0.25
NEAREST = 3  # passages shown when declining
UNMENTIONED = 4  # names told that nothing mentions

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
_OPENS = re.compile(r"(?:^|[.!?:;])[\s\"'“”„«(]*$")  # before the first word of a sentence


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
    terms = asked(question)
    found = [found_in(terms, hit.passage) for hit in result.hits]
    weights = weigh(terms, found)
    covered, missing = _covered(terms, weights, found)
    cosine = top_score(result, dense_leg)
    if not result.hits:
        return Grounds(False, "No passage was found.", cosine, 0.0, terms)
    if not terms and not figures(question):
        return Grounds(
            False, "The question holds no word that could be searched for.", cosine, 0.0, ()
        )
    enough = covered >= COVERED_ALONE if cosine is None else cosine + WORDS * covered >= ENOUGH
    return Grounds(enough, _reason(enough, cosine, covered, missing), cosine, covered, missing)


def matched(question: str, hits: Sequence[Hit]) -> Mapping[PassageId, tuple[str, ...]]:
    """The question's words that each passage holds, in whatever form, as the question says them."""
    terms = asked(question)
    return {
        hit.passage.id: tuple(term for term in terms if term in found_in(terms, hit.passage))
        for hit in hits
    }


def unmentioned(question: str, missing: Sequence[str], hits: Sequence[Hit]) -> tuple[str, ...]:
    """Names in a question that no passage found holds, as they were written, a run as one.

    Only names: that nothing says "evolve" tells nothing, since a passage may say it otherwise.
    "Austria" is held where "Austrian" stands. None where the question is all in capitals.
    """
    gone = {fold(term).removesuffix("'s") for term in missing}
    gone &= set(names(question, spoken(question)))
    if not gone:
        return ()
    said = list(_WORD.finditer(question))
    if 2 * sum(match.group()[0].isupper() for match in said) > len(said) > 2:
        return ()
    present = {word for hit in hits for word in words(f"{hit.passage.context}\n{hit.passage.text}")}
    found: list[str] = []
    reached = -1
    for match in said:
        written = match.group().removesuffix("'s").removesuffix("’s")
        name = fold(written)
        if not written[0].isupper() or name not in gone:
            continue
        if written[1:].islower() and _OPENS.search(question[: match.start()]):
            continue
        stem = name[: max(4, len(name) - 2)]
        if any(word.startswith(stem) for word in present):
            continue
        if reached == match.start() - 1 and question[reached] in " -":
            found[-1] = f"{found[-1]}{question[reached]}{written}"
        elif written not in found:
            found.append(written)
        reached = match.end()
    return tuple(found[:UNMENTIONED])


def found_in(terms: Sequence[str], passage: Passage) -> frozenset[str]:
    """Those of a question's words that stand in a passage or in its headings."""
    return held(terms, f"{passage.context}\n{passage.text}", passage.language)


def top_score(result: SearchResult, leg: str) -> float | None:
    """The best raw score that a leg gave, None where it did not run or found nothing."""
    for run in result.runs:
        if run.leg == leg and run.ranked:
            return max(one.score for one in run.ranked)
    return None


def weigh(terms: Sequence[str], held: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Each word's weight: the rarer among the texts found, the heavier; absent, the heaviest.

    Words of degree weigh little: that nothing says "fast" or "main" tells nothing.
    """
    count = len(held)
    return {
        term: math.log(1 + (count + 1) / (1 + sum(term in one for one in held)))
        * (GENERIC_WEIGHT if term in GENERIC else 1.0)
        for term in terms
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
