"""The learned sparse encoder, on a small masked language model with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders import splade
from retrieval.encoders.splade import SpladeEncoder
from retrieval.errors import EncodingFailed, WeightsError
from retrieval.model import Side, SparseVector

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "copper", "tariff", "board", "price", "##s"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as transformers saves one: two layers, ten words."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    made = tmp_path_factory.mktemp("weights")
    words = Tokenizer(
        models.WordPiece(vocab={word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_max_length=32,
    ).save_pretrained(made)  # fmt: skip
    torch.manual_seed(5)
    BertForMaskedLM(
        BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=32, initializer_range=1.0,
        )
    ).save_pretrained(made)  # fmt: skip
    return made


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Iterator[SpladeEncoder]:
    opened = SpladeEncoder.open(folder)
    yield opened
    opened.close()


def reference(folder: Path, text: str) -> np.ndarray:
    """SPLADE by its formula: for each word, the largest log(1 + relu(logit)) over the text."""
    import torch
    from transformers import AutoTokenizer, BertForMaskedLM

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        logits = BertForMaskedLM.from_pretrained(folder).eval()(**tokens).logits[0]
    return np.asarray(torch.log1p(torch.relu(logits)).max(dim=0).values)


@pytest.mark.parametrize("side", list(Side))
async def test_weights_are_splades_formula(
    encoder: SpladeEncoder, folder: Path, side: Side
) -> None:
    """Also for texts of unequal length in one call: what pads the shorter ones weighs nothing."""
    texts = ["copper tariffs", "board", "the price of copper and the board's tariffs", ""]
    for text, vector in zip(texts, await encoder.encode(texts, side=side), strict=True):
        expected = reference(folder, text)
        assert list(vector.indices) == list(np.nonzero(expected > 0)[0])
        assert list(vector.values) == pytest.approx(expected[expected > 0].tolist(), rel=1e-4)


async def test_more_texts_than_a_batch_come_back_in_order(encoder: SpladeEncoder) -> None:
    texts = [("copper " * (n % 5) + "board").strip() for n in range(splade.BATCH + 1)]
    together = await encoder.encode(texts, side=Side.PASSAGE)
    for text, vector in zip(texts, together, strict=True):
        (alone,) = await encoder.encode([text], side=Side.PASSAGE)
        assert alone.indices == vector.indices
        assert list(alone.values) == pytest.approx(list(vector.values), rel=1e-4)
    assert await encoder.encode([], side=Side.PASSAGE) == []


async def test_a_text_beyond_the_models_length_is_cut(encoder: SpladeEncoder) -> None:
    long = await encoder.encode(["copper " * 29 + "board", "copper " * 2_000], side=Side.PASSAGE)
    assert [len(vector.indices) > 0 for vector in long] == [True, True]


def test_only_the_heaviest_terms_are_kept(encoder: SpladeEncoder) -> None:
    """At the limit all of them, past it the lightest goes; equal ones by their place."""
    full = np.ones(splade.MAX_TERMS, np.float32)
    assert len(encoder._heaviest(full).indices) == splade.MAX_TERMS
    over = np.append(full, np.float32(2.0))
    kept = encoder._heaviest(over)
    assert kept.indices == (*range(splade.MAX_TERMS - 1), splade.MAX_TERMS)
    assert kept.values[-1] == 2.0


def test_what_is_no_number_is_refused(encoder: SpladeEncoder, folder: Path) -> None:
    assert encoder._heaviest(np.array([0, -1], np.float32)) == SparseVector((), ())
    with pytest.raises(EncodingFailed, match=folder.name):
        encoder._heaviest(np.array([1, np.nan], np.float32))


def test_other_weights_have_another_fingerprint(folder: Path, encoder: SpladeEncoder) -> None:
    """So that an index made by them is not searched by these."""
    assert encoder.fingerprint == f"splade:{splade._digest(folder)}"
    weights = folder / "model.safetensors"
    held = weights.read_bytes()
    try:
        weights.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        assert encoder.fingerprint != f"splade:{splade._digest(folder)}"
    finally:
        weights.write_bytes(held)


@pytest.mark.parametrize("content", [None, b"not weights"])
def test_a_folder_without_a_model_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=tmp_path.name):
        SpladeEncoder.open(tmp_path)
