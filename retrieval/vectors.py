"""What may go into an index of vectors, and be asked of one. Pure.

Engines take what is no number, or of another length, each in its own way: some rank it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EncodingFailed
from retrieval.model import Passage, SparseVector

ASKED = "the question's vector"


def all_fit(
    passages: Sequence[Passage],
    vectors: Sequence[NDArray[np.float32] | SparseVector],
    dimensions: int | None,
) -> None:
    """Raise EncodingFailed by the passage's name before any of a put is kept."""
    for passage, vector in zip(passages, vectors, strict=True):
        fit(vector, f"the vector of {passage.id}", dimensions)


def fit(vector: NDArray[np.float32] | SparseVector, whose: str, dimensions: int | None) -> None:
    """Raise EncodingFailed unless it is of so many numbers; ``None`` wants weighted terms."""
    if dimensions is None:
        if not isinstance(vector, SparseVector):
            raise EncodingFailed(f"{whose} is dense, and the index holds weighted terms")
        indices = vector.indices
        if len(indices) != len(vector.values):
            raise EncodingFailed(
                f"{whose} has {len(indices)} terms and {len(vector.values)} weights"
            )
        if len(indices) and (
            indices[0] < 0 or any(one >= other for one, other in pairwise(indices))
        ):
            raise EncodingFailed(f"the terms of {whose} do not ascend from 0")
        values: object = vector.values
    else:
        if isinstance(vector, SparseVector):
            raise EncodingFailed(f"{whose} is of weighted terms, and the index holds dense ones")
        if vector.shape != (dimensions,):
            shape = " x ".join(map(str, vector.shape))
            raise EncodingFailed(f"{whose} has {shape} dimensions, and the index has {dimensions}")
        values = vector
    with np.errstate(over="ignore"):  # what engines cannot hold in four bytes is no number there
        if not np.isfinite(np.asarray(values, np.float32)).all():
            raise EncodingFailed(f"{whose} holds a value that is no number")
