"""Spelling by a collection's words, and the short forms it gives."""

from __future__ import annotations

import pytest

from evals.vocabulary import Instead, Vocabulary, short_forms
from retrieval.model import Passage


@pytest.fixture
def vocabulary() -> Vocabulary:
    said = ["Retention of customers.", "customers pay for subscriptions", "customs duties"]
    made = Vocabulary()
    made.add(
        Passage(f"p{n}", "t", "s", "src", "v", n, text, 0, len(text)) for n, text in enumerate(said)
    )
    return made


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("retentoin of custmers", "retention of customers"),
        ("subscribtionss", "subscriptions"),
        ("customers", "customers"),
        ("Retentoin", "Retentoin"),
        ("dutie", "duties"),
        ("dute", "dute"),
        ("zzzzzzzzz", "zzzzzzzzz"),
    ],
)
def test_unknown_words_become_the_nearest_known_ones_and_names_stay(
    vocabulary: Vocabulary, text: str, searched: str
) -> None:
    found, changed = vocabulary.corrected(text)
    assert found == searched
    assert [Instead(one.written, one.searched) for one in changed] == [
        Instead(a, b) for a, b in zip(text.split(), searched.split(), strict=True) if a != b
    ]


def test_a_short_form_is_read_from_its_letters() -> None:
    text = "Annual Recurring Revenue (ARR) grew. They met (see below) the World Bank (IMF)."
    assert short_forms(text) == [("ARR", "Annual Recurring Revenue")]
