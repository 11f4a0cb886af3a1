"""Our BM25 leg beside bm25s and a plain tantivy: python -m evals.bench.peers_lexical.

A question's analysis is timed with its search, for everyone. Agreement is with BM25 by its formula
over our analysis, up to ties; who analyses otherwise ranks otherwise, so for those nDCG@10 tells
whether they find as much. Our leg also applies the reader's scope, which no peer here does. Every
question was asked before, so what is kept of its words is there; below the table stand what asking
for the first time takes, and how fast passages are indexed, by CPU time with their analysis.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tantivy

from evals.bench.peers import (
    TOP,
    System,
    compare,
    mean_ndcg,
    options,
    overlap,
    peer,
    race,
    table,
    tied,
)
from evals.datasets import Collection
from retrieval.dense import passage_text
from retrieval.memory import K1, B, MemoryLexical
from retrieval.model import Query
from retrieval.stores.tantivy import Tantivy
from retrieval.terms import asked, indexed

FEED = 1_000
NEAR = 1_000  # of the exact ranking are kept: more than ever tie with the tenth


class Built:
    """How many passages each indexed in a second of CPU."""

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._rates: dict[str, float] = {}

    def count(self, name: str, began: float) -> None:
        self._rates[name] = self._passages / (time.process_time() - began)

    def __str__(self) -> str:
        rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in self._rates.items())
        return f"Passages indexed in a second of CPU: {rates}."


def ours(index: Tantivy, collection: Collection, questions: Sequence[str]) -> System:
    async def ask(number: int) -> Sequence[str]:
        run = await index.search(Query(questions[number]), scope=collection.scope, limit=TOP)
        return [line.passage for line in run.ranked]

    return System("ours: tantivy through the port", ask, ours=True)


def raw_tantivy(
    folder: Path, collection: Collection, questions: Sequence[str], built: Built
) -> System:
    """As its documentation has it: an English field, and the query parser without its operators."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name="en_stem")
    index = tantivy.Index(builder.build(), path=str(folder))
    began = time.process_time()
    writer = index.writer(64 << 20, 1)
    for passage in collection.passages:
        document = tantivy.Document()
        document.add_text("id", passage.id)
        document.add_text("text", passage_text(passage))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    name = "tantivy-py, its English analyzer"
    built.count(name, began)

    def ask(number: int) -> Sequence[str]:
        searcher = index.searcher()
        # The lenient parser takes a question's "?" or ":" for an operator and goes on.
        query, _ = index.parse_query_lenient(questions[number], ["text"])
        hits = searcher.search(query, TOP, count=False).hits
        return [str(searcher.doc(address).get_first("id")) for _, address in hits]

    return System(name, ask)


def bm25s_systems(collection: Collection, questions: Sequence[str], built: Built) -> list[System]:
    bm25s = peer("bm25s", "bm25s")
    if bm25s is None:
        return []
    ids = [passage.id for passage in collection.passages]
    systems = []
    stemming = peer("Stemmer", "pystemmer")
    if stemming is not None:
        texts = [passage_text(passage) for passage in collection.passages]
        for backend in _backends():
            stemmer = stemming.Stemmer("english")

            def tokenize(text: str | list[str], stemmer: Any = stemmer) -> Any:
                return bm25s.tokenize(text, stopwords="en", stemmer=stemmer, show_progress=False)

            name = f"bm25s, {backend}, its analysis"
            began = time.process_time()
            index = _bm25s(bm25s, tokenize(texts), backend)
            built.count(name, began)
            systems.append(_asked(name, index, ids, questions, tokenize))
    for backend in _backends():
        name = f"bm25s, {backend}, our analysis"
        began = time.process_time()
        index = _bm25s(bm25s, [indexed(passage) for passage in collection.passages], backend)
        built.count(name, began)
        vocabulary = frozenset(index.vocab_dict)

        def ours_too(text: str, vocabulary: frozenset[str] = vocabulary) -> Any:
            counted = asked(Query(text))
            # bm25s refuses a question none of whose words it has: the empty word stands in.
            return [[term for term in counted.elements() if term in vocabulary] or [""]]

        systems.append(_asked(name, index, ids, questions, ours_too))
    return systems


def _backends() -> list[str]:
    return ["numpy"] if peer("numba", "numba") is None else ["numba", "numpy"]


def _bm25s(bm25s: Any, tokens: Any, backend: str) -> Any:
    index = bm25s.BM25(method="lucene", k1=K1, b=B, backend=backend)
    index.index(tokens, show_progress=False)
    return index


def _asked(
    name: str, index: Any, ids: Sequence[str], questions: Sequence[str], tokenize: Any
) -> System:
    def ask(number: int) -> Sequence[str]:
        found, scores = index.retrieve(
            tokenize(questions[number]), k=min(TOP, len(ids)), show_progress=False
        )
        return [
            ids[int(place)]
            for place, score in zip(found[0], scores[0], strict=True)
            if score > 0 and not math.isnan(score)
        ]

    return System(name, ask)


async def first_asked(index: Tantivy, collection: Collection) -> float:
    """Milliseconds of CPU to a question that nobody asked before; of those not asked again."""
    fresh = [text for id, text in collection.queries.items() if id not in collection.judged]
    questions = fresh or list(collection.queries.values())
    began = time.process_time()
    for question in questions:
        await index.search(Query(question), scope=collection.scope, limit=TOP)
    return (time.process_time() - began) * 1000 / len(questions)


async def exact(collection: Collection, questions: Sequence[str]) -> list[frozenset[str]]:
    memory = MemoryLexical()
    await memory.put(collection.passages)
    right = []
    for question in questions:
        run = await memory.search(Query(question), scope=collection.scope, limit=NEAR)
        right.append(tied([(line.passage, line.score) for line in run.ranked]))
    return right


async def measure(collection: Collection, chosen: argparse.Namespace) -> str:
    ids = [id for id in collection.queries if id in collection.judged][: chosen.questions]
    questions = [collection.queries[id] for id in ids]
    with tempfile.TemporaryDirectory(prefix="peers-lexical-") as folder:
        index = Tantivy.open(Path(folder) / "ours")
        try:
            built = Built(len(collection.passages))
            began = time.process_time()
            for at in range(0, len(collection.passages), FEED):
                await index.put(collection.passages[at : at + FEED])
            built.count("ours", began)
            first = await first_asked(index, collection)  # before any is asked twice
            (Path(folder) / "raw").mkdir()
            systems = [
                ours(index, collection, questions),
                raw_tantivy(Path(folder) / "raw", collection, questions, built),
                *bm25s_systems(collection, questions, built),
            ]
            raced = await race(systems, questions=len(questions), rounds=chosen.rounds)
        finally:
            index.close()
    right = await exact(collection, questions)
    quality = {
        "nDCG@10": {
            name: mean_ndcg(collection, ids, answers) for name, answers in raced.answers.items()
        },
        "top 10 as exact": {name: overlap(held, right) for name, held in raced.answers.items()},
    }
    said = f"{collection.name}, {len(collection.passages):,} passages, {len(ids)} questions"
    asking = f"A question that was not asked before takes us {first:.2f} ms of CPU."
    return f"{said}, {chosen.rounds} rounds\n\n{table(systems, raced, quality)}\n{built}\n{asking}"


def main() -> None:
    parser = options("peers_lexical", __doc__)
    compare(parser, ["tantivy", "bm25s", "numba", "pystemmer", "snowballstemmer"], measure)


if __name__ == "__main__":
    main()
