"""The model-free sparse encoder, over the real tokenizer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from retrieval.encoders.inference_free import AT_ONCE, InferenceFreeEncoder
from retrieval.errors import WeightsError
from retrieval.model import Side, SparseVector
from retrieval.weights import GRANITE


@pytest.fixture(scope="module")
def encoder(models_dir: Path) -> InferenceFreeEncoder:
    return InferenceFreeEncoder.open(models_dir / GRANITE)


def product(one: SparseVector, other: SparseVector) -> float:
    held = dict(zip(other.indices, other.values, strict=True))
    pairs = zip(one.indices, one.values, strict=True)
    return sum(value * held.get(index, 0.0) for index, value in pairs)


async def test_sparse_terms_ascend_and_fold_case(encoder: InferenceFreeEncoder) -> None:
    """Indices ascend without repeats, and neither case nor place in the sentence matters."""
    one, other = await encoder.encode(
        ["Copper tariffs rose again", "again rose Tariffs copper"], side=Side.QUERY
    )
    assert list(one.indices) == sorted(set(one.indices))
    assert set(one.indices) & set(other.indices)
    (plain, cased) = await encoder.encode(["the board", "the Board"], side=Side.PASSAGE)
    assert plain == cased


async def test_sparse_rare_words_decide(encoder: InferenceFreeEncoder) -> None:
    """A passage with the rare word of the question beats one with its common word."""
    (query,) = await encoder.encode(["when did the tariff come"], side=Side.QUERY)
    rare, common = await encoder.encode(
        ["about a tariff and more", "about to come and more"], side=Side.PASSAGE
    )
    assert product(query, rare) > product(query, common) > 0


async def test_sparse_nothing_to_say(encoder: InferenceFreeEncoder) -> None:
    """Function words and punctuation alone make an empty query."""
    for vector in await encoder.encode(["", "the of and", "?!…"], side=Side.QUERY):
        assert vector == SparseVector((), ())


def test_sparse_tokenizer_missing(tmp_path: Path) -> None:
    """A folder without a tokenizer says how to fill it."""
    with pytest.raises(WeightsError, match="stratmaster setup"):
        InferenceFreeEncoder.open(tmp_path)


async def test_sparse_only_short_questions_are_encoded_on_the_event_loop(
    encoder: InferenceFreeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long text, or a passage of any length, would hold up everyone else."""
    threads: list[int] = []
    encode = encoder._one

    def noted(text: str, side: Side) -> SparseVector:
        threads.append(threading.get_ident())
        return encode(text, side)

    monkeypatch.setattr(encoder, "_one", noted)
    await encoder.encode(["a" * AT_ONCE], side=Side.QUERY)
    assert threads == [threading.get_ident()]
    await encoder.encode(["a" * (AT_ONCE + 1)], side=Side.QUERY)
    await encoder.encode(["a" * AT_ONCE, "b"], side=Side.QUERY)
    await encoder.encode(["a"], side=Side.PASSAGE)
    assert threading.get_ident() not in threads[1:]
    assert len(threads) == 5
