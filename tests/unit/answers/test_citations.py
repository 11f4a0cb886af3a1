"""A model's stream becomes sentences and numbers, however it was cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.answers.citations import Read, Reader


def read(text: str, given: int = 5, cuts: list[int] | None = None) -> list[Read]:
    reader = Reader(given)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts or [])})
    found: list[Read] = []
    for start, end in pairwise(edges):
        found += reader.feed(text[start:end])
    return found + reader.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Revenue grew 12 % [3].", [("Revenue grew 12 %.", (3,))]),
        ("Revenue grew.[1][2] Costs fell. [4]", [("Revenue grew.", (1, 2)), ("Costs fell.", (4,))]),
        ("Both say so [1, 2].", [("Both say so.", (1, 2))]),
        ("Both say so 【1】.", [("Both say so.", (1,))]),
        ("As given 【2†source】.", [("As given.", (2,))]),
        ("A range [1-3].", [("A range.", (1, 2, 3))]),
        ("Said twice [1] and again [1].", [("Said twice and again.", (1,))]),
        ("Never given [9].", [("Never given.", ())]),
        ("Zero [0] and huge [9999].", [("Zero and huge.", ())]),
        ("It was 12.1 % in the U.S. market [1].", [("It was 12.1 % in the U.S. market.", (1,))]),
        ("He wrote [sic] it [2].", [("He wrote [sic] it.", (2,))]),
        ("- First item [1]\n- Second item [2]\n", [("First item", (1,)), ("Second item", (2,))]),
        ("1. First. [1]\n2. Second. [2]", [("First.", (1,)), ("Second.", (2,))]),
        ("**Bold** claim.\n[1]\nNext one.", [("Bold claim.", (1,)), ("Next one.", ())]),
        ("Cut in the midd", [("Cut in the midd", ())]),
        ("Cut in a mark [1", [("Cut in a mark [1", ())]),
        ("Dr. Smith met Acme Ltd. in May [1]. Yes!", [
            ("Dr. Smith met Acme Ltd. in May.", (1,)), ("Yes!", ())]),
        ("", []),
        ("  \n\n ", []),
        ("[1]", []),
    ],
)  # fmt: skip
def test_sentences_and_their_numbers(
    text: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    """Marks leave the text, belong to the sentence before, and name only passages given."""
    assert [(one.text, one.numbers) for one in read(text)] == expected


@given(
    st.lists(
        st.sampled_from(
            ["Revenue", " grew", " 12.1 %", ".", "!", " ", "\n", "[1]", "[", "]", "1", "[1, 2]",
             "【3】", "e.g.", "Dr.", "(", ")", "- ", "**", "…", "“", "”", "The", " é",
             "[2-4]", "7."]
        ),
        max_size=30,
    ).map("".join),
    st.lists(st.integers(min_value=0, max_value=200), max_size=40),
)  # fmt: skip
def test_cutting_changes_nothing(text: str, cuts: list[int]) -> None:
    """The same stream in other pieces reads the same, one character at a time included."""
    whole = read(text)
    assert read(text, cuts=cuts) == whole
    assert read(text, cuts=list(range(len(text)))) == whole


def test_a_sentence_is_out_before_the_stream_ends() -> None:
    """The reader need not wait for the end to show what is complete."""
    reader = Reader(2)
    assert reader.feed("Revenue grew 12 % [1]. Costs") == [Read("Revenue grew 12 %.", (1,))]
    assert reader.feed(" fell [2].") == []
    assert reader.close() == [Read("Costs fell.", (2,))]
