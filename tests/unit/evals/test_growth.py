"""The made passages and vectors that a growing space is measured with."""

from __future__ import annotations

import numpy as np
import pytest

from evals.bench.growth import (
    BLOCK,
    FINDABLE,
    TO_A_SOURCE,
    Nearest,
    Texts,
    number_of,
    vectors,
)
from retrieval.language import STOP_WORDS


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts(vocabulary=20_000)


@pytest.fixture(scope="module")
def real() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    made = np.random.default_rng(7).standard_normal((50, 64)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def test_a_passage_is_the_same_in_any_order(texts: Texts) -> None:
    """A smaller space is the beginning of a larger one, and a text can be made again."""
    forwards = [texts.passage(number) for number in range(50)]
    again = Texts(vocabulary=20_000)
    assert [again.passage(number) for number in reversed(range(50))][::-1] == forwards
    assert len({passage.text for passage in forwards}) == 50


def test_another_seed_makes_other_passages(texts: Texts) -> None:
    assert Texts(1, vocabulary=20_000).text(3) != texts.text(3)


@pytest.mark.parametrize("number", [0, TO_A_SOURCE - 1, TO_A_SOURCE, 999_999])
def test_a_passages_number_is_read_back_from_its_id(texts: Texts, number: int) -> None:
    assert number_of(texts.passage(number).id) == number


def test_a_few_words_make_up_much_of_a_text_and_most_are_rare(texts: Texts) -> None:
    words = [word for number in range(300) for word in texts.text(number).split()]
    common = sum(word in STOP_WORDS["en"] for word in words) / len(words)
    assert 0.3 < common < 0.7
    assert len(set(words)) > len(words) / 10


def test_a_question_can_be_answered_at_every_size(texts: Texts) -> None:
    """Its words stand together in a passage of the smallest space, and none is a stop word."""
    held = [frozenset(texts.text(number).split()) for number in range(FINDABLE)]
    for number in range(5):
        asked = frozenset(texts.question(number).split())
        assert not asked & STOP_WORDS["en"]
        assert any(asked <= passage for passage in held)


def test_vectors_are_seeded_of_unit_length_and_near_real_ones(
    real: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    made = vectors(real, 3)
    assert made.dtype == np.float32
    assert np.array_equal(made, vectors(real, 3))
    assert not np.allclose(made, vectors(real, 4))
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    nearest = (made @ real.T).max(axis=1)
    assert 0.5 < float(np.median(nearest)) < 0.99


def test_the_nearest_over_blocks_are_the_nearest_of_all(
    real: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    blocks = [vectors(real, number) for number in range(3)]
    nearest = Nearest.of(real[:5])
    for number, block in enumerate(blocks):
        nearest.see(block, number * BLOCK)
    everything = np.concatenate(blocks)
    best = np.argsort(-(real[:5] @ everything.T), axis=1)[:, :10]
    assert [set(row) for row in nearest.numbers.tolist()] == [set(row) for row in best.tolist()]
