"""A dense encoder for tests: words hashed to signed directions. It knows no meaning."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.model import Side

_WORD = re.compile(r"\w+")


class HashingEncoder:
    """Deterministic, fast, and near zero in quality: texts are close when they share words."""

    def __init__(self, dimensions: int = 64) -> None:
        self._dimensions = dimensions

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def fingerprint(self) -> str:
        return f"hashing:{self._dimensions}"

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in _WORD.findall(text.lower()) or [text]:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                number = int.from_bytes(digest, "little")
                vector[(number >> 1) % self._dimensions] += 1.0 if number & 1 else -1.0
            if not vector.any():  # words that cancelled out
                vector[0] = 1.0
            vector /= np.linalg.norm(vector)
        return vectors
