"""A learned sparse encoder: SPLADE and its kin, from a folder that sentence-transformers wrote.

No weights come with the product: SPLADE's own are for research only, so whoever may use them names
their folder. A plain masked language model's folder serves too; terms are then its vocabulary.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EncodingFailed, WeightsError, said
from retrieval.model import Side, SparseVector

BATCH: Final = 16  # texts through the model at once
MAX_TERMS: Final = 512  # heaviest terms of a text that are kept; SPLADE has 20 to 300
_WEIGHTS: Final = ("*.safetensors", "*.bin")


class Model(Protocol):
    """The part of sentence-transformers' SparseEncoder that is called."""

    def encode_query(self, sentences: list[str], **options: Any) -> Any: ...

    def encode_document(self, sentences: list[str], **options: Any) -> Any: ...


class SpladeEncoder:
    """Satisfies ``SparseEncoder``. One text after another goes through the model, in one thread."""

    def __init__(self, model: Model, folder: Path, fingerprint: str) -> None:
        self._model = model
        self._folder = folder
        self._fingerprint = fingerprint
        self._thread = ThreadPoolExecutor(1, "splade")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Load the weights in a folder, which reaches no network. Blocking (seconds).

        Raises WeightsError when torch is not installed or the folder holds no such model.
        """
        if not any(found for pattern in _WEIGHTS for found in folder.rglob(pattern)):
            raise WeightsError(
                f"{folder.name} holds no weights ({' or '.join(_WEIGHTS)}); name a folder that "
                "sentence-transformers or transformers saved"
            )
        try:
            # By its name, so that the type checker does not read all of torch for one call.
            load = import_module("sentence_transformers").SparseEncoder
        except ImportError as error:
            raise WeightsError(
                f"sentence-transformers is not installed ({error}), and the sparse encoder in "
                f"{folder.name} needs it: pip install 'stratmaster[splade]'"
            ) from error
        try:
            model = load(str(folder), device="cpu", local_files_only=True)
        except Exception as error:  # transformers raises whatever it meets
            raise WeightsError(
                f"{folder.name} cannot be loaded as a sparse encoder: {said(error, folder)}"
            ) from error
        return cls(model, folder, f"splade:{_digest(folder)}")

    @property
    def fingerprint(self) -> str:
        """The hash of every file in the folder: weights, tokenizer and pooling alike."""
        return self._fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        """A text without a term the model knows has no weights. Texts are cut to its length."""
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._encode, list(texts), side)

    def _encode(self, texts: list[str], side: Side) -> list[SparseVector]:
        encode = self._model.encode_query if side is Side.QUERY else self._model.encode_document
        rows: Any = encode(
            texts,
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_tensor=False,
            convert_to_sparse_tensor=False,
        )
        return [self._heaviest(np.asarray(row, np.float32)) for row in rows]

    def _heaviest(self, row: NDArray[np.float32]) -> SparseVector:
        if not np.isfinite(row).all():
            raise EncodingFailed(f"the model {self._folder.name} gave a weight that is no number")
        (terms,) = np.nonzero(row > 0)
        if len(terms) > MAX_TERMS:
            # By weight, equal ones by index: the same text has the same vector everywhere.
            terms = np.sort(terms[np.argsort(-row[terms], kind="stable")[:MAX_TERMS]])
        return SparseVector(tuple(terms.tolist()), tuple(row[terms].tolist()))

    def close(self) -> None:
        """Finish what was begun."""
        self._thread.shutdown(wait=True)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]
