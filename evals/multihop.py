"""Questions that need several passages: what the graph finds of them, and what it costs.

The graph is built anew each time, in a temporary folder, so that its time is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from evals.datasets import Collection, Split, load
from evals.metrics import Interval, bootstrap, recall
from evals.systems import PATIENCE, Held, open_encoder, open_legs
from retrieval.fusion import rrf
from retrieval.graph.leg import FINGERPRINT, GraphLeg
from retrieval.model import Query, Run
from retrieval.ports import Leg, Retriever
from retrieval.search import POOL, Searcher
from retrieval.shared import Shared
from retrieval.stores.sqlite_graph import SqliteGraph

DEPTHS = (2, 5, 10)
FEED = 256
HYBRID = "hybrid: rrf(bm25, dense)"
WITH_GRAPH = "hybrid + graph: rrf(bm25, dense, graph)"


@dataclass(frozen=True, slots=True)
class HopsRow:
    """One system: recall by depth, and how it differs at 5 from the hybrid, paired."""

    system: str
    recall: Mapping[int, float]
    against_hybrid: Interval


@dataclass(frozen=True, slots=True)
class Latency:
    """Of whole searches, in milliseconds, one at a time."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Hops:
    collection: str
    split: str
    passages: int
    queries: int
    rows: tuple[HopsRow, ...]
    build_seconds: float
    bytes_on_disk: int
    model_tokens: int
    latency: Mapping[str, Latency]


async def measure(
    data: Path, *, collections: Sequence[str], split: Split, models: Path, out: Path
) -> Sequence[Hops]:
    measured = []
    async with open_encoder(models) as encoder:
        for name in collections:
            collection = load(data / name)
            async with open_legs(collection, encoder=encoder, models=models, out=out) as legs:
                measured.append(await _hops(collection, split, legs))
    return measured


async def _hops(collection: Collection, split: Split, legs: Mapping[str, Leg]) -> Hops:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.db"
        with closing(SqliteGraph.open(path, fingerprint=FINGERPRINT)) as store:
            words, meaning = Shared(legs["bm25"]), Shared(legs["dense"])
            graph = GraphLeg(store, [words, meaning], seeding_s=PATIENCE)
            started = perf_counter()
            for at in range(0, len(collection.passages), FEED):
                await graph.put(collection.passages[at : at + FEED])
            built = perf_counter() - started
            sys.stderr.write(f"{collection.name}: graph built in {built:.1f} s\n")
            asked: dict[str, Retriever] = {
                "bm25": words,
                "dense": meaning,
                "graph": graph,
                "graph of dense alone": GraphLeg(store, [meaning], seeding_s=PATIENCE),
            }
            queries = collection.of(split)
            runs: dict[str, dict[str, Run]] = {name: {} for name in asked}
            for query in queries:
                for name, leg in asked.items():
                    runs[name][query] = await leg.search(
                        Query(collection.queries[query]), scope=collection.scope, limit=POOL
                    )
            latency = {
                "hybrid": await _timed(collection, queries, [legs["bm25"], legs["dense"]]),
                "hybrid + graph": await _timed(collection, queries, [words, meaning, graph]),
            }
            size = sum(file.stat().st_size for file in path.parent.iterdir())

    def of(*names: str) -> Mapping[str, list[str]]:
        return {
            query: [line.passage for line in rrf([runs[name][query] for name in names])]
            for query in queries
        }

    rankings = {
        "bm25": of("bm25"),
        "dense": of("dense"),
        HYBRID: of("bm25", "dense"),
        WITH_GRAPH: of("bm25", "dense", "graph"),
        "dense + graph: the graph's own run, begun at dense": of("graph of dense alone"),
        "the graph's own run, begun at both": of("graph"),
    }
    rows = []
    fives = {
        system: [recall(ranking[query], collection.judged[query], k=5) for query in queries]
        for system, ranking in rankings.items()
    }
    for system, ranking in rankings.items():
        rows.append(
            HopsRow(
                system,
                {
                    k: sum(recall(ranking[q], collection.judged[q], k=k) for q in queries)
                    / len(queries)
                    for k in DEPTHS
                },
                bootstrap([a - b for a, b in zip(fives[system], fives[HYBRID], strict=True)]),
            )
        )
    return Hops(
        collection.name,
        split.value,
        len(collection.passages),
        len(queries),
        tuple(rows),
        round(built, 1),
        size,
        0,  # names are read by rule; no model is asked
        latency,
    )


async def _timed(
    collection: Collection, queries: Sequence[str], legs: Sequence[Retriever]
) -> Latency:
    searcher = Searcher(legs, Held(collection))
    took = []
    for query in queries:
        started = perf_counter()
        await searcher.search(Query(collection.queries[query]), scope=collection.scope)
        took.append((perf_counter() - started) * 1000)
    return Latency(*(round(float(value), 1) for value in np.percentile(took, [50, 95])))


def markdown(measured: Sequence[Hops]) -> str:
    lines = []
    for hops in measured:
        lines += [
            f"### {hops.collection}, {hops.split}: {hops.queries} queries, "
            f"{hops.passages:,} passages",
            "",
            "| system | recall@2 | recall@5 | recall@10 | @5 against the hybrid (paired 95 %) |",
            "|---|---:|---:|---:|---|",
        ]
        for row in hops.rows:
            by = row.against_hybrid
            against = f"{by.mean:+.3f} ({by.low:+.3f} to {by.high:+.3f})"
            lines.append(
                f"| {row.system} | "
                + " | ".join(f"{row.recall[k]:.3f}" for k in DEPTHS)
                + f" | {'' if row.system == HYBRID else against} |"
            )
        lines += [
            "",
            f"The graph took {hops.build_seconds:g} s and {hops.model_tokens} model tokens to "
            f"build, and {hops.bytes_on_disk / 1e6:.1f} MB.",
            *(
                f"A whole search, {name}: p50 {latency.p50:g} ms, p95 {latency.p95:g} ms."
                for name, latency in hops.latency.items()
            ),
            "",
        ]
    return "\n".join(lines)
