"""Which sentences an extractive answer is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.llm.extractive import MOST, Extractive
from retrieval.encoders.hashing import HashingEncoder
from retrieval.model import Hit, Passage, Side
from retrieval.sentences import sentences


def hit(text: str, source: str = "a") -> Hit:
    return Hit(
        Passage(f"{source}.0", "t", "s", source, "v", 0, text, 0, len(text), source), 1.0, ()
    )


async def answer(question: str, *hits: Hit) -> list[str]:
    made = await Extractive(sentences=sentences).compose(question, hits)
    for one in made.extracts:
        assert one.passage.text[one.start : one.end] == one.text
    return [one.text for one in made.extracts]


async def test_a_table_is_quoted_by_the_row() -> None:
    """The head says nothing by itself, and a row is a statement of its own."""
    table = (
        "Maker | Entry price | Dealers\n"
        "Maker: Lastra; Entry price: EUR 4,990; Dealers: 74\n"
        "Maker: Sund; Entry price: EUR 3,800; Dealers: 12"
    )
    first = (await answer("What is the entry price of Lastra?", hit(table)))[0]
    assert first == "Maker: Lastra; Entry price: EUR 4,990; Dealers: 74"


async def test_a_figure_answers_how_much_and_a_date_when() -> None:
    text = "The plant in Leipzig is large and modern. The plant in Leipzig opens on 3 March 2026."
    assert (await answer("When does the plant in Leipzig open?", hit(text)))[0].endswith("2026.")


async def test_bullets_captions_questions_and_fragments_are_not_quoted() -> None:
    text = (
        "Table 3: The prices of cargo bikes\n\nWhat do cargo bikes cost today?\n\nPrices\n\n"
        "• Cargo bikes cost EUR 5,490 at the dealer."
    )
    assert await answer("What do cargo bikes cost?", hit(text)) == [
        "Cargo bikes cost EUR 5,490 at the dealer."
    ]


async def test_the_same_sentence_from_two_sources_is_said_once() -> None:
    same = "The market for cargo bikes grew 12 % in 2025."
    assert await answer("How did the market grow?", hit(same), hit(same, "b")) == [same]


async def test_an_answer_is_never_longer_than_its_limit() -> None:
    texts = [
        f"Cargo bikes sell well in city number {n} of the {n * 7} we visited." for n in range(20)
    ]
    made = await answer(
        "Where do cargo bikes sell well?", *(hit(t, str(i)) for i, t in enumerate(texts))
    )
    assert 1 <= len(made) <= MOST


async def test_without_a_sentence_there_is_no_answer() -> None:
    assert await answer("What now?", hit("Prices")) == []


async def test_a_sentence_comes_before_the_row_that_says_the_same() -> None:
    row = "Maker: Lastra; Entry price: EUR 4,990; Dealers: 74"
    prose = "Lastra charges an entry price of EUR 4,990 for its small bike."
    said = await answer("What is the entry price of Lastra?", hit(row), hit(prose, "b"))
    assert said[0] == prose


async def test_what_leans_on_the_sentence_before_gives_way_to_what_stands_alone() -> None:
    """ "It also costs …" tells a reader nothing without the sentence before it."""
    said = await answer(
        "What does the Fjord cost?",
        hit("It costs EUR 5,390 with tax as the Fjord."),
        hit("The Fjord costs EUR 5,390 at a dealer in Vienna.", "b"),
    )
    assert said[0].startswith("The Fjord")


async def test_a_place_with_a_date_and_the_source_of_a_chart_are_not_quoted() -> None:
    text = "Halden, 3 February 2026.\n\nSource: market study of Halden, section 5."
    assert await answer("What happened in Halden in February?", hit(text)) == []


async def test_numbers_of_a_list_and_the_label_of_notes_are_left_out() -> None:
    for mark in ("3. ", "(3) ", "Speaker notes: "):
        text = f"{mark}No growth figure is published before March."
        assert await answer("When is the growth figure published?", hit(text)) == [
            "No growth figure is published before March."
        ]


async def test_where_every_sentence_is_worth_less_than_nothing_the_best_alone_is_quoted() -> None:
    """Stretches without a stop that share no word with the question, and no encoder to tell."""
    first, second = "Grey rain came over the wide plain", "He walked along the empty river bank"
    assert await answer("What does Lastra charge?", hit(first), hit(second, "b")) == [first]


async def test_its_sentences_are_encoded_as_what_someone_waits_for() -> None:
    """And not as passages, behind which they would stand in line."""

    class Noting(HashingEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.sides: list[Side] = []

        async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
            self.sides.append(side)
            return await super().encode(texts, side=side)

    encoder = Noting()
    text = "The plant in Leipzig opens on 3 March 2026."
    await Extractive(sentences=sentences, encoder=encoder).compose(
        "When does it open?", [hit(text)]
    )
    assert sorted(encoder.sides) == [Side.QUERY, Side.SENTENCE]
