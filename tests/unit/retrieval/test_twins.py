"""Which passages say the same, and which only look alike."""

from __future__ import annotations

import random

import pytest

from retrieval.twins import NEAR, Twins, near, shingles

WORDS = [f"{a}{b}n" for a in "bdfgklm" for b in "aiou"]


def text(words: int, *, seed: int = 1) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def twins(one: str, other: str) -> bool:
    seen = Twins()
    seen.add(one, 7)
    found = seen.first(other)
    assert found in (7, None)
    return found == 7


def test_one_word_in_fifty_may_differ_and_below_forty_nine_none() -> None:
    for length, alike in ((49, True), (48, False)):
        one = text(length)
        other = [*one[:20], "other", *one[21:]]
        assert twins(" ".join(one), " ".join(other)) is alike


def test_the_threshold_itself_is_near_enough() -> None:
    """Of nine shingles in all, eight in common are near and seven are not."""
    one = shingles(" ".join(text(13)))
    assert len(one) == 9
    eight, seven = frozenset(list(one)[:8]), frozenset(list(one)[:7])
    assert 8 / 9 >= NEAR > 7 / 9
    assert near(one, eight)
    assert not near(one, seven)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("+3", "-3"),
        ("2023", "2024"),
        ("5 %", "5"),
        ("$5", "€5"),
        ("million", "billion"),
        ("was not", "was"),
        ("kein", "ein"),
        ("Germany", "France"),
        ("May", "June"),
        ("1.5", "15"),
    ],
)
def test_a_word_that_says_something_else_parts_passages_however_long(here: str, there: str) -> None:
    around = text(400)
    one = " ".join([*around[:200], here, *around[200:]])
    other = " ".join([*around[:200], there, *around[200:]])
    assert not twins(one, other)
    assert not twins(here, there)


def test_case_spaces_and_punctuation_part_nothing() -> None:
    assert twins("The price: rose by 5 %!", "the PRICE rose,\n by 5 %")


def test_the_first_that_was_added_is_the_twin() -> None:
    seen = Twins()
    words = text(120)
    seen.add(" ".join(words), 0)
    seen.add(" ".join(text(120, seed=2)), 1)
    seen.add(" ".join(["other", *words[1:]]), 2)
    assert seen.first(" ".join([*words[:-1], "last"])) == 0
    assert seen.first("") is None
