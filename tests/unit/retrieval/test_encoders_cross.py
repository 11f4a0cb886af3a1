"""A cross-encoder's folder: opened, asked, and refused with a reason when it is something else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from retrieval.encoders.cross import CrossEncoder
from retrieval.errors import EncodingFailed, WeightsError

WORDS = ["[UNK]", "[CLS]", "[SEP]", "revenue", "profit", "grew", "fell", "in", "2024", "cats"]


def overlap(outputs: int = 1) -> onnx.ModelProto:
    """How many pairs of equal word ids lie on both sides, markers apart: a real, tiny reader."""
    one = numpy_helper.from_array(np.array(2, np.int64), "last_marker")
    spread = numpy_helper.from_array(np.ones((1, outputs), np.float32), "spread")
    nodes = [
        helper.make_node("Greater", ["input_ids", "last_marker"], ["word"]),
        helper.make_node("Cast", ["word"], ["is_word"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["second", "is_word"], ["passage"]),
        helper.make_node("Sub", ["is_word", "passage"], ["question"]),
        helper.make_node("Unsqueeze", ["input_ids", "axis2"], ["column"]),
        helper.make_node("Unsqueeze", ["input_ids", "axis1"], ["row"]),
        helper.make_node("Equal", ["column", "row"], ["same"]),
        helper.make_node("Cast", ["same"], ["alike"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["question", "axis1"], ["asked"]),
        helper.make_node("MatMul", ["asked", "alike"], ["found"]),
        helper.make_node("Unsqueeze", ["passage", "axis2"], ["held"]),
        helper.make_node("MatMul", ["found", "held"], ["count3"]),
        helper.make_node("Squeeze", ["count3", "axis2"], ["count"]),
        helper.make_node("MatMul", ["count", "spread"], ["logits"]),
    ]
    axes = [
        numpy_helper.from_array(np.array([1], np.int64), "axis1"),
        numpy_helper.from_array(np.array([2], np.int64), "axis2"),
    ]
    graph = helper.make_graph(
        nodes,
        "overlap",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
        [one, spread, *axes],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def write(folder: Path, model: onnx.ModelProto, at: str = "model.onnx") -> Path:
    (folder / at).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / at))
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


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


def test_bytes_that_are_no_model_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path, overlap())
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        CrossEncoder.open(folder)


def test_the_fingerprint_follows_the_weights(tmp_path: Path) -> None:
    first = CrossEncoder.open(write(tmp_path / "a", overlap()))
    same = CrossEncoder.open(write(tmp_path / "b", overlap()))
    model = overlap()
    model.doc_string = "another training"
    other = CrossEncoder.open(write(tmp_path / "c", model))
    for encoder in (first, same, other):
        encoder.close()
    assert first.fingerprint == same.fingerprint != other.fingerprint
