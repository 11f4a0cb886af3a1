"""The real weights: what the shipped encoder promises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders.onnx import OnnxEncoder
from retrieval.errors import EncodingFailed, WeightsError
from retrieval.model import Side
from retrieval.weights import GRANITE

# Made once with an fp32 evaluation of the same pack in another framework: the first eight of the
# 384 values for each text.
REFERENCE = {
    "The board approved the copper tariff in March.": [
        -0.0066,
        0.0678,
        -0.0244,
        -0.0433,
        -0.0459,
        0.0353,
        -0.0068,
        -0.017,
    ],
    "Net revenue grew 14 percent, driven by the northern region.": [
        0.0213,
        0.0547,
        0.0272,
        0.0239,
        -0.0098,
        -0.0785,
        -0.0249,
        -0.0335,
    ],
}


@pytest.fixture(scope="module")
def encoder(models_dir: Path) -> Iterator[OnnxEncoder]:
    opened = OnnxEncoder.open(models_dir / GRANITE)
    yield opened
    opened.close()


async def test_vectors_match_the_fp32_model(encoder: OnnxEncoder) -> None:
    """int8 arithmetic stays close to the model's own: value by value within .02."""
    found = await encoder.encode(list(REFERENCE), side=Side.PASSAGE)
    expected = np.array(list(REFERENCE.values()), np.float32)
    assert np.abs(found[:, : expected.shape[1]] - expected).max() < 0.02


async def test_meaning_beats_words(encoder: OnnxEncoder) -> None:
    """A passage that answers in other words is nearer than one that shares words only."""
    texts = [
        "Staff numbers fell after the layoffs announced in spring.",
        "How many people can a lift carry? The lift carries many people.",
    ]
    passages = await encoder.encode(texts, side=Side.PASSAGE)
    (query,) = await encoder.encode(["How many people lost their jobs?"], side=Side.QUERY)
    assert query @ passages[0] > query @ passages[1]


async def test_a_vector_does_not_depend_on_its_batch(encoder: OnnxEncoder) -> None:
    """The same text gives the same bits alone, among others, and as a query."""
    texts = ["copper", "a much longer passage about tariffs " * 40, "", "zinc and tin"]
    together = await encoder.encode(texts, side=Side.PASSAGE)
    assert together.shape == (4, encoder.dimensions)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-4)
    for place, text in enumerate(texts):
        for side in Side:
            (alone,) = await encoder.encode([text], side=side)
            assert np.array_equal(alone, together[place])


async def test_long_texts_are_cut_at_the_limit(encoder: OnnxEncoder) -> None:
    """At the model's limit every token counts; one past it changes nothing."""
    fits = " the" * (encoder.max_length - 3)  # one token each; two markers and one word to come
    at, past, other = await encoder.encode(
        [fits + " zinc", fits + " zinc gold", fits + " gold"], side=Side.PASSAGE
    )
    assert np.array_equal(at, past)
    assert not np.array_equal(at, other)


async def test_strange_texts_encode(encoder: OnnxEncoder) -> None:
    """Control characters, lone surrogate replacements and other scripts give finite vectors."""
    texts = ["\x00\x01", "�" * 50, "価格は三月に上がった", "‮kcab‬", "a" * 100_000, "👩‍🚀" * 900]
    assert np.isfinite(await encoder.encode(texts, side=Side.PASSAGE)).all()


async def test_no_texts(encoder: OnnxEncoder) -> None:
    """Nothing in, nothing out, of the right width."""
    assert (await encoder.encode([], side=Side.PASSAGE)).shape == (0, encoder.dimensions)


@pytest.mark.parametrize("side", [Side.QUERY, Side.SENTENCE])
async def test_who_is_waited_for_goes_ahead_of_passages(encoder: OnnxEncoder, side: Side) -> None:
    """A query, and an answer's sentences, while a long passage batch is still at work."""
    batch = asyncio.create_task(encoder.encode(["word " * 500] * 200, side=Side.PASSAGE))
    await asyncio.sleep(0)
    await encoder.encode(["copper"] * 16, side=side)
    assert not batch.done()
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch


async def test_a_broken_vector_is_refused(
    encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN never reaches an index: the model and the text are named instead."""

    class Broken:
        def run(self, *_: object) -> list[np.ndarray]:
            return [np.full((1, encoder.dimensions), np.nan, np.float32)]

    monkeypatch.setattr(encoder, "_session", Broken())
    with pytest.raises(EncodingFailed, match=r"granite.*'copper'"):
        await encoder.encode(["copper"], side=Side.PASSAGE)


def test_missing_weights_are_named_and_not_where_they_would_lie(tmp_path: Path) -> None:
    """Everyone reads this in receipts and traces: it tells no path of the server's disk."""
    with pytest.raises(WeightsError, match=f"^the weights '{GRANITE}' have not been fetched$"):
        OnnxEncoder.open(tmp_path / GRANITE)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_is_refused(models_dir: Path, threads: int) -> None:
    """A thread count below one is named."""
    with pytest.raises(ValueError, match=f"got {threads} for passages"):
        OnnxEncoder.open(models_dir / GRANITE, passage_threads=threads)
