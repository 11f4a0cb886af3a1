"""The product's own legs, on a folder that keeps each collection's indexes between runs."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from evals.datasets import Collection
from retrieval.dense import DenseLeg
from retrieval.encoders.cross import CrossEncoder
from retrieval.encoders.inference_free import InferenceFreeEncoder
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.graph.leg import FINGERPRINT, GraphLeg
from retrieval.model import Passage, PassageId, Scope
from retrieval.ports import Leg
from retrieval.shared import Shared
from retrieval.sparse import SparseLeg
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.sqlite_graph import SqliteGraph
from retrieval.stores.tantivy import FORMAT, Tantivy
from retrieval.terms import ANALYZER
from retrieval.weights import GRANITE

SEEDS = ("bm25", "dense")  # the legs a graph begins at, as in the product
FEED = 512  # passages between two lines of progress
PATIENCE = 60.0  # seconds: how busy the machine is must not change what is found


@asynccontextmanager
async def open_encoder(models: Path) -> AsyncIterator[OnnxEncoder]:
    encoder = OnnxEncoder.open(models / GRANITE)
    try:
        yield encoder
    finally:
        encoder.close()


@contextmanager
def opened_reranker(folder: Path | None) -> Iterator[CrossEncoder | None]:
    if folder is None:
        yield None
        return
    with closing(CrossEncoder.open(folder)) as reranker:
        yield reranker


@asynccontextmanager
async def open_legs(
    collection: Collection,
    *,
    encoder: OnnxEncoder,
    models: Path,
    out: Path,
    names: Sequence[str] = ("bm25", "dense"),
) -> AsyncIterator[Mapping[str, Leg]]:
    """The legs by name, holding the whole collection; what is indexed already is not again.

    A folder is named by what it was made with, so that another encoder begins anew.
    """
    async with AsyncExitStack() as stack:
        legs: dict[str, Leg] = {}
        for name in names:
            match name:
                case "bm25":
                    folder = out / collection.name / _safe(f"tantivy:{FORMAT}:{ANALYZER}")
                    lexical = Tantivy.open(folder)
                    stack.callback(lexical.close)
                    legs[name] = await _filled(folder, collection, lexical)
                case "dense":
                    folder = dense_folder(out, collection, encoder)
                    dense = QdrantEdge.open_dense(
                        folder, fingerprint=encoder.fingerprint, dimensions=encoder.dimensions
                    )
                    stack.callback(dense.close)
                    legs[name] = await _filled(folder, collection, DenseLeg(encoder, dense))
                case "sparse":
                    terms = InferenceFreeEncoder.open(models / GRANITE)
                    folder = out / collection.name / _safe(terms.fingerprint)
                    sparse = QdrantEdge.open_sparse(folder, fingerprint=terms.fingerprint)
                    stack.callback(sparse.close)
                    legs[name] = await _filled(folder, collection, SparseLeg(terms, sparse))
                case "graph":
                    for seed in SEEDS:  # one search of each serves both, as in the product
                        if seed in legs:
                            legs[seed] = Shared(legs[seed])
                    folder = out / collection.name / _safe(FINGERPRINT)
                    graph = SqliteGraph.open(folder / "graph.db", fingerprint=FINGERPRINT)
                    stack.callback(graph.close)
                    near = [legs[leg] for leg in SEEDS if leg in legs]
                    legs[name] = await _filled(
                        folder, collection, GraphLeg(graph, near, seeding_s=PATIENCE)
                    )
                case _:
                    raise ValueError(
                        f"no leg is called {name!r}; known: bm25, dense, sparse, and after them "
                        "graph"
                    )
        yield legs


def dense_folder(out: Path, collection: Collection, encoder: OnnxEncoder) -> Path:
    return out / collection.name / _safe(encoder.fingerprint)


class Held:
    """A collection's passages by id; satisfies ``Passages``."""

    def __init__(self, collection: Collection) -> None:
        self._passages = {passage.id: passage for passage in collection.passages}

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        found = (self._passages[id] for id in ids if id in self._passages)
        return [
            passage
            for passage in found
            if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)
        ]


async def _filled(folder: Path, collection: Collection, leg: Leg) -> Leg:
    total = len(collection.passages)
    if await leg.count() == total:
        return leg
    for at in range(0, total, FEED):
        await leg.put(collection.passages[at : at + FEED])
        sys.stderr.write(f"\r{collection.name} {leg.name}: {min(at + FEED, total)} of {total}")
    sys.stderr.write("\n")
    held = await leg.count()
    if held != total:
        raise RuntimeError(f"{folder} holds {held} passages of {total}; delete it and run again")
    return leg


def _safe(fingerprint: str) -> str:
    return re.sub(r"[^\w.-]+", "-", fingerprint)
