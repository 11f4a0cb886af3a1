"""The short forms that a collection gives."""

from __future__ import annotations

from evals.vocabulary import Vocabulary, short_forms
from retrieval.model import Correction, Passage

TEXT = "Annual Recurring Revenue (ARR) grew. They met (see below) the World Bank (IMF)."


def test_a_short_form_is_read_from_its_letters() -> None:
    assert short_forms(TEXT) == [("ARR", "Annual Recurring Revenue")]


def test_a_short_form_is_written_out_where_the_question_does_not_say_it() -> None:
    vocabulary = Vocabulary()
    vocabulary.add([Passage("p", "t", "s", "src", "v", 0, TEXT, 0, len(TEXT))])
    assert vocabulary.expanded("How did ARR grow?") == (
        "How did ARR grow? Annual Recurring Revenue",
        (Correction("ARR", "Annual Recurring Revenue"),),
    )
    assert vocabulary.expanded("annual recurring revenue, ARR")[1] == ()
