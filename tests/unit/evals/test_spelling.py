"""Spelling by whole words, in the reader's scope."""

from __future__ import annotations

import pytest

from evals.spelling import Instead, Spelling
from retrieval.model import Passage, Query, Scope

OURS = Scope("acme", frozenset({"s1"}))


def passage(number: int, text: str, *, tenant: str = "acme", space: str = "s1") -> Passage:
    return Passage(f"p{number}", tenant, space, "src", "v", number, text, 0, len(text))


@pytest.fixture
def spelling() -> Spelling:
    said = ["Retention of customers.", "Customers renew a subscription.", "Customs duties rose."]
    return Spelling([passage(number, text) for number, text in enumerate(said)])


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("retentoin of custmers", "retention of customers"),
        ("the custoims?", "the customs?"),
        ("subscriptions", "subscriptions"),  # another form of a word that is held
        ("Retentoin", "Retentoin"),
        ("duty", "duty"),
        ("zzzzzzzzz", "zzzzzzzzz"),
    ],
)
def test_a_word_held_in_no_form_becomes_one_that_is_and_names_stay(
    spelling: Spelling, text: str, searched: str
) -> None:
    found, changed = spelling.corrected(Query(text), scope=OURS)
    assert found == searched
    assert [Instead(one.written, one.searched) for one in changed] == [
        Instead(a.strip("?"), b.strip("?"))
        for a, b in zip(text.split(), searched.split(), strict=True)
        if a != b
    ]


@pytest.mark.parametrize("scoped", [False, True])
def test_what_only_others_hold_is_neither_offered_nor_known(scoped: bool) -> None:
    held = [
        passage(0, "Margins rose."),
        passage(1, "Acquisition. Marginss.", space="s2"),
        passage(2, "Acquisition. Marginss.", tenant="other"),
    ]
    spelling = Spelling(held, scoped=scoped)
    asked = Query("acquisitoin of marginss")
    text, _ = spelling.corrected(asked, scope=OURS)
    assert text == "acquisitoin of margins"
    wider = Scope("acme", frozenset({"s1", "s2"}))
    assert spelling.corrected(asked, scope=wider)[0] == "acquisition of marginss"
