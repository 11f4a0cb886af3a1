"""What may be misspelt in a question, and what is searched for beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.model import Correction, Passage, Understood
from retrieval.spelling import (
    LONGEST,
    MAX_CHECKED,
    SHORTEST,
    checked,
    chosen,
    corrected,
    meant,
    once,
    written,
)
from retrieval.terms import words_of


def passage(text: str) -> Passage:
    return Passage("p", "acme", "s1", "src", "v", 0, text, 0, len(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("retentoin of the custmers?", {"retentoin", "custmers"}),
        ('which "retentoin" of custmers', {"custmers"}),
        ('+"net retentoin" “of custmers” «und marge»', set()),
        ("Retentoin at Contoso", set()),  # a capital makes a name
        ("what cost abcd abcde", {"abcde"}),
        ("retentoin2024 covid19 abcde-12 net_margin", set()),
        ("margin@acme.com https://margins example.invoices", set()),
        ("churn/retentoin net-retentoin", {"churn", "retentoin"}),
        ("l'entreprse", {"entreprse"}),
        ("straßn", {"strassn"}),
        ("выручкаа растёт", {"выручкаа", "растёт"}),
        ("市場規模と成長率", set()),
        (f"{'a' * LONGEST} {'b' * (LONGEST + 1)}", {"a" * LONGEST}),
        (f"{'a' * (SHORTEST - 1)} {'b' * SHORTEST}", {"b" * SHORTEST}),
        ("", set()),
    ],
)
def test_words_in_quotes_names_codes_and_short_ones_stay(text: str, words: set[str]) -> None:
    assert set(checked(text)) == words


def test_of_a_long_text_the_first_words_are_looked_at() -> None:
    made = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}words" for number in range(200)]
    assert len(checked(" ".join(made[:MAX_CHECKED]))) == MAX_CHECKED
    assert list(checked(" ".join(made))) == made[:MAX_CHECKED]


def test_a_correction_stands_before_what_was_typed_wherever_that_stands_unquoted() -> None:
    """So that a wrong one takes nothing away."""
    text = 'the straßn, "straßn" and straßn: of custmers?'
    typed = checked(text)
    corrections = chosen({"strassn": {"strasse": 2, "strass": 1}, "custmers": {}}, typed)
    assert corrections == (Correction("straßn", "strasse"),)
    assert corrected(text, corrections) == (
        'the strasse straßn, "straßn" and strasse straßn: of custmers?'
    )
    assert corrected(text, ()) == text
    understood = Understood(corrected(text, corrections), corrections=corrections)
    assert meant(understood) == 'the strasse, "straßn" and strasse: of custmers?'


def test_of_words_as_common_the_choice_is_always_the_same() -> None:
    near = {"retentoin": {"retention": 1, "retentsin": 1}}
    again = {"retentoin": {"retentsin": 1, "retention": 1}}
    typed = {"retentoin": "retentoin"}
    assert chosen(near, typed) == chosen(again, typed)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("retenton", "retention"),  # missing
        ("retenntion", "retention"),  # doubled
        ("retentoin", "retention"),  # swapped
        ("retantion", "retention"),  # another
        ("umsaetze", None),  # two edits away
        ("umsätez", "umsätze"),
        ("выручкаа", "выручка"),
        ("petention", None),  # begins otherwise
    ],
)
def test_one_letter_is_one_edit(wrong: str, right: str | None) -> None:
    assert (right in once(wrong)) if right else not once(wrong) & {"umsätze", "retention"}


@given(st.text(st.characters(categories=["Ll", "Lo"]), min_size=SHORTEST, max_size=LONGEST))
def test_every_word_that_may_be_right_is_kept_of_a_passage_that_holds_it(word: str) -> None:
    """A neighbour's length is at most one off, and so are the lengths that are kept."""
    for typed in checked(word):
        for other in once(typed):
            if other.isalpha():
                assert written(words_of(passage(other))) >= set(checked(other))


def test_words_are_kept_as_written_with_the_headings_and_without_figures_and_apostrophes() -> None:
    held = Passage(
        "p", "acme", "s1", "src", "v", 0, "L'entreprise's 12.1 margins, Q4fy", 0, 9, "Umsätze",
        language="fr",
    )  # fmt: skip
    assert written(words_of(held)) == {"entreprise", "margins", "umsätze"}
