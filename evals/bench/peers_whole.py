"""Our whole search beside a Haystack and a LlamaIndex hybrid: python -m evals.bench.peers_whole.

Everyone encodes the question with the same weights through the same encoder, asks words and meaning
for as many passages (--pool), fuses by reciprocal rank and gives ten whole passages. The peers are
put together as their own guides have it, on the stores in memory that they come with; passages are
encoded beforehand. Ours stands on disk, applies the reader's scope, leaves out repeated wordings
and keeps a trace; with the graph it does more than they do.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
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
    mean_ndcg,
    options,
    peer,
    race,
    table,
)
from evals.bench.vectors import passage_vectors
from evals.datasets import Collection
from evals.systems import Held, open_encoder, open_legs
from retrieval.dense import passage_text
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Query, Side
from retrieval.ports import Leg
from retrieval.search import POOL, Searcher

Encode = Callable[[str], list[float]]
Matrix = NDArray[np.float32]


def ours(
    name: str, legs: Sequence[Leg], collection: Collection, questions: Sequence[str], pool: int
) -> System:
    searcher = Searcher(legs, Held(collection), pool=pool)

    async def ask(number: int) -> Sequence[str]:
        result = await searcher.search(Query(questions[number]), scope=collection.scope, limit=TOP)
        if result.trace.degraded:
            raise RuntimeError(f"a leg was late or failed: {result.trace.degraded}")
        return [hit.passage.id for hit in result.hits]

    return System(name, ask, ours=len(legs) == 2)


def waiting(encoder: OnnxEncoder) -> Encode:
    """The encoder for whoever calls from a thread, while this loop is free to serve it."""
    loop = asyncio.get_running_loop()

    def encode(text: str) -> list[float]:
        vectors = asyncio.run_coroutine_threadsafe(
            encoder.encode([text], side=Side.QUERY), loop
        ).result()
        floats: list[float] = vectors[0].tolist()
        return floats

    return encode


def haystack(
    collection: Collection, vectors: Matrix, questions: Sequence[str], encode: Encode, pool: int
) -> list[System]:
    library = peer("haystack", "haystack-ai")
    if library is None:
        return []
    stores: Any = peer("haystack.document_stores.in_memory", "haystack-ai")
    retrievers: Any = peer("haystack.components.retrievers.in_memory", "haystack-ai")
    joiners: Any = peer("haystack.components.joiners", "haystack-ai")
    store = stores.InMemoryDocumentStore(return_embedding=False)
    store.write_documents(
        [
            library.Document(
                content=passage_text(passage), meta={"id": passage.id}, embedding=vector.tolist()
            )
            for passage, vector in zip(collection.passages, vectors, strict=True)
        ]
    )

    class Embedder:
        def run(self, text: str) -> dict[str, list[float]]:
            return {"embedding": encode(text)}

    # Its decorators read what Python has evaluated, and this file's annotations are still text.
    Embedder.run.__annotations__ = {"text": str, "return": dict}
    Embedder.run = library.component.output_types(embedding=list[float])(Embedder.run)  # type: ignore[method-assign]  # as its decorator would
    pipeline = library.Pipeline()
    pipeline.add_component("embedder", library.component(Embedder)())
    pipeline.add_component("bm25", retrievers.InMemoryBM25Retriever(store, top_k=pool))
    pipeline.add_component("dense", retrievers.InMemoryEmbeddingRetriever(store, top_k=pool))
    pipeline.add_component(
        "joiner", joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=TOP)
    )
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("bm25", "joiner")
    pipeline.connect("dense", "joiner")

    def ask(number: int) -> Sequence[str]:
        question = questions[number]
        answered = pipeline.run({"embedder": {"text": question}, "bm25": {"query": question}})
        return [str(document.meta["id"]) for document in answered["joiner"]["documents"]]

    return [System("Haystack, in memory, RRF", ask)]


def llama_index(
    collection: Collection, vectors: Matrix, questions: Sequence[str], encode: Encode, pool: int
) -> list[System]:
    core = peer("llama_index.core", "llama-index-core")
    bm25 = peer("llama_index.retrievers.bm25", "llama-index-retrievers-bm25")
    stemming = peer("Stemmer", "pystemmer")
    if core is None or bm25 is None or stemming is None:
        return []
    embeddings: Any = peer("llama_index.core.embeddings", "llama-index-core")
    retrievers: Any = peer("llama_index.core.retrievers", "llama-index-core")
    llms: Any = peer("llama_index.core.llms", "llama-index-core")
    schema: Any = peer("llama_index.core.schema", "llama-index-core")

    def one(self: object, text: str) -> list[float]:
        return encode(text)

    async def one_later(self: object, text: str) -> list[float]:
        return await asyncio.to_thread(encode, text)

    # Made at run time, since its base class is not there to be checked against.
    embedding = type(
        "Granite",
        (embeddings.BaseEmbedding,),
        {
            "__module__": __name__,
            "_get_query_embedding": one,
            "_get_text_embedding": one,
            "_aget_query_embedding": one_later,
        },
    )(model_name=collection.name)
    nodes = [
        schema.TextNode(id_=passage.id, text=passage_text(passage), embedding=vector.tolist())
        for passage, vector in zip(collection.passages, vectors, strict=True)
    ]
    index = core.VectorStoreIndex(nodes, embed_model=embedding)
    retriever = retrievers.QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=pool),
            bm25.BM25Retriever.from_defaults(
                nodes=nodes, similarity_top_k=pool, stemmer=stemming.Stemmer("english")
            ),
        ],
        llm=llms.MockLLM(),
        mode="reciprocal_rerank",
        similarity_top_k=TOP,
        num_queries=1,  # the question itself, without a model's variations of it
        use_async=False,
    )

    def ask(number: int) -> Sequence[str]:
        return [str(found.node.node_id) for found in retriever.retrieve(questions[number])]

    return [System("LlamaIndex, in memory, RRF", ask)]


async def measure(collection: Collection, chosen: argparse.Namespace) -> str:
    pool, models, out = chosen.pool, chosen.models, chosen.out
    ids = [id for id in collection.queries if id in collection.judged][: chosen.questions]
    questions = [collection.queries[id] for id in ids]
    async with AsyncExitStack() as on:
        encoder = await on.enter_async_context(open_encoder(models))
        _, vectors = await passage_vectors(collection, encoder=encoder, models=models, out=out)
        legs = await on.enter_async_context(
            open_legs(
                collection,
                encoder=encoder,
                models=models,
                out=out,
                names=("bm25", "dense", "graph"),
            )
        )
        encode = waiting(encoder)
        hybrid = [legs["bm25"], legs["dense"]]
        systems = [
            ours("ours: BM25 and dense", hybrid, collection, questions, pool),
            ours("ours, with the graph", [*hybrid, legs["graph"]], collection, questions, pool),
            *haystack(collection, vectors, questions, encode, pool),
            *llama_index(collection, vectors, questions, encode, pool),
        ]
        raced = await race(systems, questions=len(questions), rounds=chosen.rounds)
    quality = {
        "nDCG@10": {
            name: mean_ndcg(collection, ids, answers) for name, answers in raced.answers.items()
        }
    }
    said = f"{collection.name}, {len(collection.passages):,} passages, {len(ids)} questions"
    return f"{said}, {chosen.rounds} rounds, {pool} of each leg\n\n{table(systems, raced, quality)}"


def main() -> None:
    parser = options("peers_whole", __doc__, questions=50, rounds=3)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--pool", type=int, default=POOL)
    compare(
        parser,
        [
            "tantivy",
            "qdrant-edge-py",
            "onnxruntime",
            "haystack-ai",
            "llama-index-core",
            "llama-index-retrievers-bm25",
            "bm25s",
        ],
        measure,
    )


if __name__ == "__main__":
    main()
