"""A collection's dense vectors, from the index that the evaluations keep of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from evals.datasets import Collection
from evals.systems import dense_folder, open_legs
from retrieval.encoders.onnx import OnnxEncoder

PAGE = 1_000


async def passage_vectors(
    collection: Collection, *, encoder: OnnxEncoder, models: Path, out: Path
) -> tuple[Sequence[str], NDArray[np.float32]]:
    """Passage ids and their vectors, row by row; encodes only what ``out`` does not hold."""
    async with open_legs(collection, encoder=encoder, models=models, out=out, names=("dense",)):
        pass
    # The port gives no vectors back, as nothing in the product asks for them.
    shard = edge.EdgeShard.load(str(dense_folder(out, collection, encoder) / "shard"))
    held: dict[str, NDArray[np.float32]] = {}
    try:
        offset = None
        while True:
            records, offset = shard.scroll(
                edge.ScrollRequest(
                    offset=offset, limit=PAGE, with_payload=["passage"], with_vector=True
                )
            )
            for record in records:
                vector = record.vector
                if not isinstance(vector, dict) or record.payload is None:
                    raise TypeError(f"point {record.id} has no named vector or no passage")
                held[str(record.payload["passage"])] = np.asarray(vector["dense"], np.float32)
            if offset is None:
                break
    finally:
        shard.close()
    ids = [passage.id for passage in collection.passages]
    return ids, np.stack([held[id] for id in ids])
