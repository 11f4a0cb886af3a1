"""A cross-encoder on ONNX Runtime: reads question and passage together and scores their fit.

No weights come with the product; whoever has some names their folder. What is read is what the
usual exports write: ``model.onnx`` (or ``onnx/model.onnx``, ``onnx/model_quantized.onnx``) and
``tokenizer.json``, and of ``config.json`` the longest input.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from retrieval.encoders.runtime import Session, open_session
from retrieval.errors import EncodingFailed, WeightsError

MODELS: Final = ("model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx")
KNOWN: Final = frozenset({"input_ids", "attention_mask", "token_type_ids"})
LONGEST: Final = 512  # tokens of question and passage together; what the published ones were taught
THREADS: Final = 2
_REMEDY: Final = "Name the folder of a cross-encoder, or set STRATMASTER_RERANKER_URL=off:."


class CrossEncoder:
    """Satisfies ``Reranker``. One pair to a run, so no padding, and a score stands by itself."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, session: Session, digest: str) -> None:
        self._folder = folder
        self._tokenizer = tokenizer
        self._session = session
        self._inputs = frozenset(given.name for given in session.get_inputs())
        self._threads = ThreadPoolExecutor(THREADS, "rerank")
        self.fingerprint = f"cross-encoder:{digest}"

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the weights in a folder; reaches no network. Blocking (up to seconds).

        Raises WeightsError when the folder holds no such model, or one that gives not one score.
        """
        try:
            return cls._open(folder)
        except WeightsError as error:
            raise WeightsError(str(error), _REMEDY) from error

    @classmethod
    def _open(cls, folder: Path) -> Self:
        model = next((folder / name for name in MODELS if (folder / name).is_file()), None)
        words = folder / "tokenizer.json"
        if model is None or not words.is_file():
            raise WeightsError(
                f"{folder.name} holds no cross-encoder: it needs tokenizer.json and one of "
                f"{', '.join(MODELS)}"
            )
        try:
            tokenizer = Tokenizer.from_file(str(words))
        except Exception as error:  # the library raises bare exceptions
            raise WeightsError(f"{folder.name}/{words.name} is not a tokenizer: {error}") from error
        tokenizer.no_padding()
        # The passage gives way: a question cut short would be another question.
        tokenizer.enable_truncation(_longest(folder), strategy="only_second")
        session = open_session(model)
        unknown = {given.name for given in session.get_inputs()} - KNOWN
        if unknown:
            raise WeightsError(
                f"{folder.name}/{model.name} asks for {', '.join(sorted(unknown))}; a "
                f"cross-encoder reads {', '.join(sorted(KNOWN))} and nothing else"
            )
        made = cls(folder, tokenizer, session, _digest(model, words))
        try:
            made._one("is this a cross-encoder", "it gives one score")
        except Exception as error:  # ours, or the runtime's, which share no public root
            made.close()
            raise WeightsError(f"{folder.name} cannot be asked: {error}") from error
        return made

    async def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """One score a passage, shape (len(passages),): higher fits better; of no fixed scale.

        Abandoning it gives up the passages not yet begun.
        """
        loop = asyncio.get_running_loop()
        jobs = [
            loop.run_in_executor(self._threads, self._one, question, passage)
            for passage in passages
        ]
        try:
            return np.array(await asyncio.gather(*jobs), np.float32)
        except BaseException:
            for job in jobs:
                job.cancel()
            raise

    def close(self) -> None:
        """Stop the threads; what is not begun is given up. Safe to repeat."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _one(self, question: str, passage: str) -> float:
        try:
            read = self._tokenizer.encode(question, passage)
        except Exception as error:  # a question that fills the input leaves nothing to cut
            raise EncodingFailed(
                f"a question of {len(question):,} characters leaves a cross-encoder no room for a "
                "passage; ask a shorter one"
            ) from error
        fed = {
            name: np.array([values], np.int64)
            for name, values in (
                ("input_ids", read.ids),
                ("attention_mask", read.attention_mask),
                ("token_type_ids", read.type_ids),
            )
            if name in self._inputs
        }
        out = np.asarray(self._session.run(None, fed)[0], np.float32)
        if out.size != 1 or not np.isfinite(out).all():
            raise EncodingFailed(
                f"the model in {self._folder.name} gave {_shown(out)} for a question and a "
                "passage; a cross-encoder gives one finite score"
            )
        return float(out.reshape(-1)[0])


def _shown(out: NDArray[np.float32]) -> str:
    return f"{float(out.reshape(-1)[0])}" if out.size == 1 else f"a result of shape {out.shape}"


def _longest(folder: Path) -> int:
    """The tokens its ``config.json`` says that it was made for, where it says so."""
    try:
        said = json.loads((folder / "config.json").read_bytes())["max_position_embeddings"]
    except (OSError, ValueError, KeyError, TypeError):
        return LONGEST
    # Positions of RoBERTa's kin begin after the padding's, so two of those named are never used.
    return min(LONGEST, said - 2) if isinstance(said, int) and said > 8 else LONGEST


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
