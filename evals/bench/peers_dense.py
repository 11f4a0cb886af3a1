"""Our embedded dense index beside usearch, hnswlib, numpy and, by --qdrant URL, a Qdrant server.

    python -m evals.bench.peers_dense [--qdrant http://127.0.0.1:6333]

Questions are encoded beforehand, so that search alone is timed. Approximate peers get the least
effort at which they find 99 % of the exact ten; what they had to be given stands in their name. Our
index also applies the reader's scope and gives passage ids; the others give numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.bench.peers import (
    MODELS,
    OUT,
    TOP,
    System,
    compare,
    enough,
    options,
    overlap,
    peer,
    race,
    table,
    tied,
)
from evals.bench.vectors import passage_vectors
from evals.datasets import Collection
from evals.systems import open_encoder
from retrieval.model import Side
from retrieval.stores.qdrant_edge import QdrantEdge

EFFORTS = (16, 32, 64, 128, 256, 512, 1024)
LINKS, BUILDING = 16, 200  # hnsw's M and ef_construction, for everyone who has them
FEED = 1_000
INDEXED_S = 600  # seconds that a server may take to index

Matrix = NDArray[np.float32]


def ours(index: QdrantEdge, collection: Collection, questions: Matrix) -> System:
    async def ask(number: int) -> Sequence[str]:
        found = await index.search(questions[number], scope=collection.scope, limit=TOP)
        return [line.passage for line in found]

    return System("ours, through the port", ask, ours=True)


def exact_numpy(ids: Sequence[str], vectors: Matrix, questions: Matrix) -> System:
    def ask(number: int) -> Sequence[str]:
        scores = vectors @ questions[number]
        best = np.argpartition(scores, -TOP)[-TOP:]
        return [ids[place] for place in best[np.argsort(-scores[best])]]

    return System("numpy, exact", ask)


def usearch(
    ids: Sequence[str], vectors: Matrix, questions: Matrix, right: Sequence[frozenset[str]]
) -> list[System]:
    library = peer("usearch.index", "usearch")
    if library is None:
        return []
    index = library.Index(
        ndim=vectors.shape[1],
        metric="ip",
        dtype="f32",
        connectivity=LINKS,
        expansion_add=BUILDING,
    )
    # On one thread: built on several, on a busy machine, a graph stayed below 99 % at any effort.
    index.add(np.arange(len(vectors)), vectors, threads=1)

    def asked(effort: int) -> Callable[[int], Sequence[str]]:
        index.expansion_search = effort

        def ask(number: int) -> Sequence[str]:
            matches = index.search(questions[number], TOP, threads=1)
            return [ids[int(key)] for key in matches.keys]

        return ask

    effort, ask = enough(asked, EFFORTS, right)
    return [System(f"usearch, expansion {effort}", ask)]


def hnswlib(
    ids: Sequence[str], vectors: Matrix, questions: Matrix, right: Sequence[frozenset[str]]
) -> list[System]:
    library = peer("hnswlib", "hnswlib")
    if library is None:
        return []
    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=LINKS, ef_construction=BUILDING)
    index.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    index.set_num_threads(1)

    def asked(effort: int) -> Callable[[int], Sequence[str]]:
        index.set_ef(effort)

        def ask(number: int) -> Sequence[str]:
            labels, _ = index.knn_query(questions[number], k=TOP)
            return [ids[int(label)] for label in labels[0]]

        return ask

    effort, ask = enough(asked, EFFORTS, right)
    return [System(f"hnswlib, ef {effort}", ask)]


@contextlib.contextmanager
def qdrant(
    url: str, ids: Sequence[str], vectors: Matrix, questions: Matrix
) -> Iterator[list[System]]:
    """A collection of its own on the server, removed afterwards; exact, and as it comes."""
    client_module: Any = importlib.import_module("qdrant_client")
    models: Any = importlib.import_module("qdrant_client.models")
    client = client_module.QdrantClient(url=url, timeout=60, check_compatibility=False)
    name = f"peers-dense-{time.time_ns()}"
    client.create_collection(
        name,
        vectors_config=models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT),
        hnsw_config=models.HnswConfigDiff(m=LINKS, ef_construct=BUILDING),
    )
    try:
        for at in range(0, len(vectors), FEED):
            part = range(at, min(at + FEED, len(vectors)))
            client.upsert(
                name,
                models.Batch(ids=list(part), vectors=vectors[part.start : part.stop].tolist()),
            )
        until = time.monotonic() + INDEXED_S
        while client.get_collection(name).status != models.CollectionStatus.GREEN:
            if time.monotonic() > until:
                raise TimeoutError(f"{url} had not indexed {len(vectors)} vectors in {INDEXED_S} s")
            time.sleep(0.5)

        def asked(exact: bool) -> Callable[[int], Sequence[str]]:
            params = models.SearchParams(exact=exact)

            def ask(number: int) -> Sequence[str]:
                found = client.query_points(
                    name,
                    query=questions[number].tolist(),
                    limit=TOP,
                    search_params=params,
                    with_payload=False,
                )
                return [ids[point.id] for point in found.points]

            return ask

        yield [
            System("Qdrant server over REST, exact", asked(True), remote=True),
            System("Qdrant server over REST, as it comes", asked(False), remote=True),
        ]
    finally:
        client.delete_collection(name)
        client.close()


async def measure(collection: Collection, chosen: argparse.Namespace) -> str:
    asked = list(collection.queries.values())[: chosen.questions]
    async with open_encoder(chosen.models) as encoder:
        ids, vectors = await passage_vectors(
            collection, encoder=encoder, models=chosen.models, out=chosen.out
        )
        questions = await encoder.encode(asked, side=Side.QUERY)
        fingerprint, dimensions = encoder.fingerprint, encoder.dimensions
    right = [tied(list(zip(ids, scores.tolist(), strict=True))) for scores in questions @ vectors.T]
    places = {id: place for place, id in enumerate(ids)}
    with tempfile.TemporaryDirectory(prefix="peers-dense-") as folder, contextlib.ExitStack() as on:
        index = QdrantEdge.open_dense(Path(folder), fingerprint=fingerprint, dimensions=dimensions)
        on.callback(index.close)
        for at in range(0, len(collection.passages), FEED):
            part = collection.passages[at : at + FEED]
            await index.put(part, [vectors[places[passage.id]] for passage in part])
        await index.quantized()
        systems = [
            ours(index, collection, questions),
            exact_numpy(ids, vectors, questions),
            *usearch(ids, vectors, questions, right),
            *hnswlib(ids, vectors, questions, right),
            *(
                on.enter_context(qdrant(chosen.qdrant, ids, vectors, questions))
                if chosen.qdrant
                else []
            ),
        ]
        raced = await race(systems, questions=len(questions), rounds=chosen.rounds)
    quality = {"recall@10": {name: overlap(held, right) for name, held in raced.answers.items()}}
    said = f"{collection.name}, {len(ids):,} vectors of {dimensions}, {len(questions)} questions"
    if chosen.qdrant is None:
        said += "; no Qdrant server was named with --qdrant"
    return f"{said}, {chosen.rounds} rounds\n\n{table(systems, raced, quality)}"


def main() -> None:
    parser = options("peers_dense", __doc__)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--qdrant", metavar="URL", help="a running Qdrant server")
    compare(
        parser,
        ["qdrant-edge-py", "faiss-cpu", "qdrant-client", "numpy", "usearch", "hnswlib"],
        measure,
    )


if __name__ == "__main__":
    main()
