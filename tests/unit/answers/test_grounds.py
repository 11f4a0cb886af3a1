"""When there is enough to answer from, at the thresholds and just beneath them."""

from __future__ import annotations

import pytest

from backend.answers.grounds import ENOUGH, WORDS, decide, unmentioned
from retrieval.model import Contribution, Hit, Passage, Ranked, Run, SearchResult, Trace

QUESTION = "How large is the market for heat pumps?"
SAYS = "The market for heat pumps is large."
SILENT = "Nothing of the kind."


def result(text: str, cosine: float | None) -> SearchResult:
    passage = Passage("p", "t", "s", "src", "v", 0, text, 0, len(text))
    hit = Hit(passage, 1.0, (Contribution("bm25", 1, 1.0, 1.0),))
    runs = () if cosine is None else (Run("dense", (Ranked("p", cosine),)),)
    return SearchResult((hit,), runs, Trace((), "rrf"))


@pytest.mark.parametrize(
    ("text", "cosine", "enough"),
    [
        (SILENT, ENOUGH, True),
        (SILENT, ENOUGH - 0.001, False),
        (SAYS, ENOUGH - WORDS, True),
        (SAYS, ENOUGH - WORDS - 0.001, False),
        (SAYS, None, True),
        (SILENT, None, False),
    ],
)
def test_meaning_and_words_decide_together(text: str, cosine: float | None, enough: bool) -> None:
    """All of the words make up for some of the meaning; without a dense leg they decide alone."""
    assert decide(QUESTION, result(text, cosine)).enough is enough


def test_the_reason_names_the_words_that_nothing_mentions() -> None:
    """In the question's own form, not as stems."""
    made = decide("Which enzymes repair pumps?", result(SAYS, 0.3))
    assert not made.enough
    assert "“enzymes”" in made.reason
    assert "“pumps”" not in made.reason


@pytest.mark.parametrize("question", ["", "???", "what is the"])
def test_a_question_without_words_is_not_answered_by_words(question: str) -> None:
    assert not decide(question, result(SAYS, None)).enough


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("How large is the market for scooters in Poland?", ("Poland",)),
        ("How large is Poland's market?", ("Poland",)),
        ("What does an Urban Arrow cost in Spain?", ("Urban Arrow", "Spain")),
        ("How does the market in Austria evolve?", ()),  # it says Austrian
        ("How large is it? Compare the scooters.", ()),  # capital only by its place
        ("HOW LARGE IS POLAND?", ()),
        ("how large is poland?", ()),
        ("Is it sold at once in all of Aa, Bb, Cc, Dd or in Ee?", ("Aa", "Bb", "Cc", "Dd")),
    ],
)
def test_only_names_are_told_as_not_mentioned(question: str, told: tuple[str, ...]) -> None:
    """Other words may stand there in another form; a name that is not there is another thing."""
    found = result("The Austrian market for heat pumps is large.", 0.9)
    missing = decide(question, found).missing
    assert unmentioned(question, missing, found.hits) == told
