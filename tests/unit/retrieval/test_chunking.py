"""Passages are exact stretches of the text that follow its blocks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import chunking
from retrieval.blocks import BlockKind, MalformedReading, Reading, TextBlock, from_json, to_json
from retrieval.chunking import MAJOR, MOST, TAIL, size
from retrieval.model import Passage

VERSION = "0123456789abcdef" * 4
Part = tuple[BlockKind, str, int | None, int | None]


def reading(*parts: Part, between: str = "\n\n") -> Reading:
    text, blocks = "", []
    for kind, words, level, page in parts:
        text += between if text else ""
        blocks.append(TextBlock(kind, len(text), len(text) + len(words), level, page))
        text += words
    return Reading(text, tuple(blocks))


def cut(made: Reading) -> list[Passage]:
    return chunking.cut(
        made, tenant="t", space="s", source="src_1", version=VERSION, title="Report"
    )


def heading(text: str, level: int = 1, page: int | None = None) -> Part:
    return (BlockKind.HEADING, text, level, page)


def paragraph(sentences: int, word: str = "word", page: int | None = None) -> Part:
    """Ten words a sentence."""
    return (BlockKind.PARAGRAPH, " ".join([f"A {f'{word} ' * 8}end."] * sentences), None, page)


def row(text: str) -> Part:
    return (BlockKind.TABLE_ROW, text, None, None)


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from(" .\n\taB1!?—,\u200b\u200d\u0301\u202e\ufeff\u05d0\u0627👩‍🚀𝔘"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=400,
).map(lambda text: text.replace("\r", "\n"))
PARTS = st.lists(
    st.tuples(
        st.sampled_from(BlockKind),
        NASTY | st.integers(1, 60).map(lambda many: "Six words stand in this sentence. " * many),
        st.none() | st.integers(1, 6),
        st.none() | st.integers(1, 3),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(parts=PARTS, between=st.sampled_from(["\n", "\n\n", " | "]))
def test_whatever_the_text_passages_are_exact_ordered_bounded_and_complete(
    parts: list[Part], between: str
) -> None:
    made = reading(*parts, between=between)
    passages = cut(made)
    reached = 0
    held: set[int] = set()
    for ordinal, passage in enumerate(passages):
        assert made.text[passage.start : passage.end] == passage.text != ""
        assert reached <= passage.start
        reached = passage.end
        assert passage.id == f"src_1.{VERSION[:12]}.{ordinal:05d}"
        held.update(range(passage.start, passage.end))
        for block in made.blocks:
            if block.kind is BlockKind.HEADING and (block.level or 1) <= MAJOR:
                assert not (passage.start < block.start and passage.end > block.end), "crossed"
    for block in made.blocks:
        body = made.text[block.start : block.end]
        if block.kind is BlockKind.HEADING:
            line = " ".join(body.split())
            said = block.start in held or any(line in passage.headings for passage in passages)
            assert said or not line
        else:
            at = range(block.start, block.end)
            assert all(i in held for i in at if not made.text[i].isspace())
    assert passages == cut(made)


def test_a_minor_heading_is_found_although_it_closes_its_passage_or_its_section() -> None:
    """One at the end of a full passage, and one that the next of its level displaces."""
    long = (BlockKind.HEADING, "Six words stand in this sentence. " * 17, 3, None)
    for made in (
        reading(paragraph(8), long),
        reading(paragraph(2), heading("Displaced", 3), heading("Next", 3), paragraph(21)),
        reading(paragraph(2), heading("Displaced", 3), long),
    ):
        for block in made.blocks:
            line = " ".join(made.text[block.start : block.end].split())
            assert any(
                line in passage.headings or line in " ".join(passage.text.split())
                for passage in cut(made)
            ), line


def test_size_is_bounded_and_a_short_rest_joins_its_neighbour() -> None:
    """The first 22 sentences of ten words fill a passage; the 23rd alone would be a scrap."""
    assert [size(p.text) for p in cut(reading(paragraph(23)))] == [MOST + 10]
    assert [size(p.text) for p in cut(reading(paragraph(22 + TAIL // 10)))] == [MOST, TAIL]


def test_a_sentence_longer_than_a_passage_is_cut_between_words() -> None:
    made = reading((BlockKind.PARAGRAPH, "word " * 500 + "end", None, None))
    passages = cut(made)
    assert all(size(passage.text) <= MOST + TAIL for passage in passages)
    assert " ".join(passage.text for passage in passages) == made.text


def test_a_word_longer_than_a_passage_is_cut_but_not_before_its_accent() -> None:
    made = reading((BlockKind.PARAGRAPH, "e\u0301" * 4000, None, None))
    passages = cut(made)
    assert len(passages) > 1
    assert "".join(passage.text for passage in passages) == made.text
    assert all(passage.text[0] == "e" for passage in passages)


def test_passages_carry_the_headings_above_them_and_never_cross_a_major_one() -> None:
    passages = cut(
        reading(
            heading("Market"), heading("Size", 2), paragraph(2, "size"),
            heading("Growth", 2), paragraph(2, "growth"), heading("By region", 3),
            paragraph(2, "region"), heading("Rivals"), paragraph(2, "rival"), heading("Annex"),
        )
    )  # fmt: skip
    assert [(p.headings, p.text.split()[1]) for p in passages[:3]] == [
        (("Market", "Size"), "size"),
        (("Market", "Growth"), "growth"),
        (("Rivals",), "rival"),
    ]
    assert "By region" in passages[1].text
    assert (passages[3].text, passages[3].headings) == ("Annex", ())


def test_a_heading_goes_with_what_follows_it() -> None:
    table = [row("North " * 10)] * 15  # whole, it does not fit behind the 80 words
    passages = cut(reading(paragraph(8), heading("Costs", 3), *table))
    assert "Costs" not in passages[0].text
    assert passages[1].headings == ("Costs",)


def test_a_table_stays_whole_where_it_can_and_says_its_first_row_where_it_cannot() -> None:
    small = [row(f"Region {number} | 10 | 20") for number in range(10)]
    passages = cut(reading(paragraph(17), *small))
    assert len(passages) == 2
    assert passages[1].text.startswith("Region 0")
    large = [row("Region | Sales | Costs"), *(row(f"North {n} | 10 | 20") for n in range(90))]
    passages = cut(reading(heading("Figures"), *large))
    assert len(passages) > 1
    assert passages[0].headings == ("Figures",)
    assert {p.headings for p in passages[1:]} == {("Figures", "Region | Sales | Costs")}
    assert all(p.text.endswith("20") and p.text.startswith(("Region", "North")) for p in passages)


def test_pages_are_crossed_only_by_what_is_short() -> None:
    long = cut(reading(paragraph(10, page=1), paragraph(10, page=2)))
    assert [(p.page, p.last_page) for p in long] == [(1, 1), (2, 2)]
    short = cut(reading(paragraph(3, page=1), paragraph(3, page=2)))
    assert [(p.page, p.last_page) for p in short] == [(1, 2)]


@pytest.mark.timeout(60)  # quadratic work would take hours
@pytest.mark.parametrize("line", ["word ", "x", "A b c. ", "1", "你"])
def test_a_line_of_megabytes_is_cut_in_linear_work(line: str) -> None:
    """Every letter lands in one passage; the work is bounded by the timeout, not measured."""
    made = reading((BlockKind.PARAGRAPH, line * (2_000_000 // len(line)), None, None))
    passages = cut(made)
    assert sum(len(passage.text.split()) for passage in passages) >= len(made.text.split())
    assert all(size(passage.text) <= MOST + TAIL for passage in passages)


@given(parts=PARTS)
def test_a_reading_survives_being_stored(parts: list[Part]) -> None:
    made = reading(*parts)
    assert from_json(to_json(made)) == made
    assert from_json(to_json(made).encode()) == made


def test_a_stored_reading_that_lies_about_its_blocks_is_refused() -> None:
    stored = json.loads(to_json(reading(paragraph(1))))
    for change in ({"blocks": [["paragraph", 0, 10**6, None, None]]}, {"form": 0}, {"text": None}):
        with pytest.raises(MalformedReading):
            from_json(json.dumps(stored | change))
    with pytest.raises(MalformedReading):
        from_json("[]")
