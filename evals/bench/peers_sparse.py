"""Our embedded sparse index beside Seismic and a product of scipy.

    python -m evals.bench.peers_sparse

The vectors are the inference-free encoder's, and questions are encoded beforehand, so that search
alone is timed. Seismic gets the least effort at which it finds 99 % of the exact ten, or the most
of those tried; what it had to be given stands in its name. Our index also applies the reader's
scope.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.bench.peers import (
    MODELS,
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
from evals.datasets import Collection
from retrieval.dense import passage_text
from retrieval.encoders.inference_free import InferenceFreeEncoder
from retrieval.model import Side, SparseVector
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.weights import GRANITE

# Of a question's terms, how many are looked up; and how near a block's summary has to come.
EFFORTS = (
    (5, 0.9),
    (10, 0.9),
    (10, 0.8),
    (20, 0.8),
    (20, 0.6),
    (40, 0.4),
    (100, 0.2),
    (1_000, 0.0),
)
FEED = 1_000


def ours(index: QdrantEdge, collection: Collection, questions: Sequence[SparseVector]) -> System:
    async def ask(number: int) -> Sequence[str]:
        if not questions[number].indices:
            return []
        found = await index.search(questions[number], scope=collection.scope, limit=TOP)
        return [line.passage for line in found]

    return System("ours: qdrant-edge through the port", ask, ours=True)


def exact_scores(
    ids: Sequence[str], vectors: Sequence[SparseVector]
) -> Callable[[SparseVector], Sequence[tuple[str, float]]]:
    """Every product with what shares a term, by postings: what the others are held against."""
    postings: dict[int, tuple[list[int], list[float]]] = {}
    for place, vector in enumerate(vectors):
        for term, weight in zip(vector.indices, vector.values, strict=True):
            places, weights = postings.setdefault(term, ([], []))
            places.append(place)
            weights.append(weight)
    arrays = {
        term: (np.asarray(places), np.asarray(weights))
        for term, (places, weights) in postings.items()
    }

    def score(question: SparseVector) -> Sequence[tuple[str, float]]:
        sums = np.zeros(len(ids))
        for term, weight in zip(question.indices, question.values, strict=True):
            if term in arrays:
                places, weights = arrays[term]
                sums[places] += weight * weights
        return [(ids[place], float(sums[place])) for place in np.flatnonzero(sums).tolist()]

    return score


def exact_scipy(
    ids: Sequence[str], vectors: Sequence[SparseVector], questions: Sequence[SparseVector]
) -> list[System]:
    sparse = peer("scipy.sparse", "scipy")
    if sparse is None:
        return []
    width = 1 + max((max(one.indices) for one in (*vectors, *questions) if one.indices), default=0)

    def matrix(held: Sequence[SparseVector]) -> object:
        starts = np.cumsum([0, *(len(one.indices) for one in held)])
        return sparse.csr_matrix(
            (
                np.concatenate([np.asarray(one.values, np.float32) for one in held]),
                np.concatenate([np.asarray(one.indices, np.int64) for one in held]),
                starts,
            ),
            shape=(len(held), width),
        )

    # By term, so that a product touches only the postings of the question's terms.
    by_term = sparse.csr_matrix(sparse.csc_matrix(matrix(vectors)).T)
    asked = [matrix([one]) if one.indices else None for one in questions]

    def ask(number: int) -> Sequence[str]:
        question = asked[number]
        if question is None:
            return []
        scores = question @ by_term
        best = np.argsort(-scores.data, kind="stable")[:TOP]
        return [ids[place] for place in scores.indices[best]]

    return [System("scipy, exact", ask)]


def seismic(
    ids: Sequence[str],
    vectors: Sequence[SparseVector],
    questions: Sequence[SparseVector],
    right: Sequence[frozenset[str]],
) -> list[System]:
    library = peer("seismic", "pyseismic-lsr")
    if library is None:
        return []
    string = library.get_seismic_string()

    def terms(vector: SparseVector) -> NDArray[np.str_]:
        return np.array([str(index) for index in vector.indices], dtype=string)

    def weights(vector: SparseVector) -> NDArray[np.float32]:
        return np.asarray(vector.values, np.float32)

    dataset = library.SeismicDataset()
    for id, vector in zip(ids, vectors, strict=True):
        dataset.add_document(id, terms(vector), weights(vector))
    # Its own defaults but for the postings, none of which are cut off at sizes like these.
    index = library.SeismicIndex.build_from_dataset(
        dataset, n_postings=max(3_500, len(ids)), doc_cut=1_000
    )
    asked = [(terms(one), weights(one)) for one in questions]

    def searching(effort: tuple[int, float]) -> Callable[[int], Sequence[str]]:
        cut, near = effort

        def ask(number: int) -> Sequence[str]:
            words, values = asked[number]
            if not len(words):
                return []
            found = index.search(str(number), words, values, k=TOP, query_cut=cut, heap_factor=near)
            return [id for _, _, id in found]

        return ask

    (cut, near), ask = enough(searching, EFFORTS, right)
    return [System(f"Seismic, {cut} terms, heap factor {near}", ask)]


async def measure(collection: Collection, chosen: argparse.Namespace) -> str:
    encoder = InferenceFreeEncoder.open(chosen.models / GRANITE)
    ids = [passage.id for passage in collection.passages]
    vectors = await encoder.encode(
        [passage_text(passage) for passage in collection.passages], side=Side.PASSAGE
    )
    asked = list(collection.queries.values())[: chosen.questions]
    questions = await encoder.encode(asked, side=Side.QUERY)
    score = exact_scores(ids, vectors)
    right = [tied(score(question)) for question in questions]
    with tempfile.TemporaryDirectory(prefix="peers-sparse-") as folder:
        index = QdrantEdge.open_sparse(Path(folder), fingerprint=encoder.fingerprint)
        try:
            for at in range(0, len(ids), FEED):
                await index.put(collection.passages[at : at + FEED], vectors[at : at + FEED])
            systems = [
                ours(index, collection, questions),
                *exact_scipy(ids, vectors, questions),
                *seismic(ids, vectors, questions, right),
            ]
            raced = await race(systems, questions=len(questions), rounds=chosen.rounds)
        finally:
            index.close()
    quality = {"recall@10": {name: overlap(held, right) for name, held in raced.answers.items()}}
    terms = sum(len(vector.indices) for vector in vectors) / len(vectors)
    said = (
        f"{collection.name}, {len(ids):,} vectors of {terms:.0f} terms, {len(questions)} questions"
    )
    return f"{said}, {chosen.rounds} rounds\n\n{table(systems, raced, quality)}"


def main() -> None:
    parser = options("peers_sparse", __doc__)
    parser.add_argument("--models", type=Path, default=MODELS)
    compare(parser, ["qdrant-edge-py", "scipy", "pyseismic-lsr", "numpy"], measure)


if __name__ == "__main__":
    main()
