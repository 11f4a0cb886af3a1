"""A cross-encoder's folder: opened, asked, and refused with a reason when it is something else."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from retrieval.encoders.cross import CrossEncoder
from retrieval.errors import EncodingFailed, WeightsError
from tests.weights.overlap import overlap, write


@pytest.mark.parametrize("at", ["model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"])
async def test_a_passage_that_shares_more_words_scores_higher(tmp_path: Path, at: str) -> None:
    encoder = CrossEncoder.open(write(tmp_path, overlap(), at))
    try:
        scores = await encoder.score(
            "revenue grew in 2024", ["cats fell", "revenue fell in 2024", "revenue grew in 2024"]
        )
    finally:
        encoder.close()
    assert scores.tolist() == [0.0, 3.0, 4.0]


async def test_a_long_passage_is_cut_and_the_question_never(tmp_path: Path) -> None:
    folder = write(tmp_path, overlap())
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 14}))
    encoder = CrossEncoder.open(folder)
    try:
        # 12 tokens: 3 markers and 4 words of the question leave 5 of the passage.
        scores = await encoder.score("revenue grew in 2024", ["cats cats cats cats grew 2024"])
        with pytest.raises(EncodingFailed, match="a shorter one"):
            await encoder.score(" ".join(["revenue"] * 40), ["revenue"])
    finally:
        encoder.close()
    assert scores.tolist() == [1.0]


async def test_no_passages_need_no_model(tmp_path: Path) -> None:
    encoder = CrossEncoder.open(write(tmp_path, overlap()))
    assert (await encoder.score("revenue", [])).shape == (0,)
    encoder.close()


async def test_an_abandoned_scoring_gives_up_what_is_not_begun(tmp_path: Path) -> None:
    encoder = CrossEncoder.open(write(tmp_path, overlap()))
    task = asyncio.create_task(encoder.score("revenue", ["revenue grew"] * 2_000))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    encoder.close()


def test_a_folder_without_a_model_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"tokenizer\.json and one of model\.onnx"):
        CrossEncoder.open(tmp_path)


def test_a_model_of_two_scores_is_not_a_cross_encoder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"shape \(1, 2\)"):
        CrossEncoder.open(write(tmp_path, overlap(outputs=2)))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_what_cannot_be_read_is_named_and_not_where_it_lies(tmp_path: Path, name: str) -> None:
    """Everyone who searches reads this in the trace: it tells no path of the server's disk."""
    folder = write(tmp_path / "own", overlap())
    for spoil in (lambda: (folder / name).write_bytes(b"not one"), (folder / name).unlink):
        spoil()
        with pytest.raises(WeightsError, match=re.escape(name)) as refused:
            CrossEncoder.open(folder)
        assert "own" in str(refused.value)
        assert str(tmp_path) not in str(refused.value)


def test_a_model_that_cannot_be_run_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    """Made for inputs of three tokens only: the product starts without it and says so."""
    model = overlap()
    for given in model.graph.input:
        given.type.tensor_type.shape.dim[1].dim_value = 3
    with pytest.raises(WeightsError, match="cannot be asked: "):
        CrossEncoder.open(write(tmp_path, model))


def test_the_fingerprint_follows_the_weights(tmp_path: Path) -> None:
    first = CrossEncoder.open(write(tmp_path / "a", overlap()))
    same = CrossEncoder.open(write(tmp_path / "b", overlap()))
    model = overlap()
    model.doc_string = "another training"
    other = CrossEncoder.open(write(tmp_path / "c", model))
    for encoder in (first, same, other):
        encoder.close()
    assert first.fingerprint == same.fingerprint != other.fingerprint
