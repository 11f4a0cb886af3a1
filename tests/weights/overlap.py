"""The smallest true cross-encoder: it counts the words that question and passage share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = ["[UNK]", "[CLS]", "[SEP]", "revenue", "profit", "grew", "fell", "in", "2024", "cats"]


def overlap(outputs: int = 1) -> onnx.ModelProto:
    """How many pairs of equal word ids lie on both sides, markers apart: nothing else is read."""
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
