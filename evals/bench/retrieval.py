"""Retrieval from question text to passages, by stage: python -m evals.bench.retrieval.

Every leg, the fusion and the query's encoding included, in this process; the indexes are made on
the first run and kept in evals/out.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from evals.datasets import Collection, load
from evals.report import machine
from evals.systems import Held, open_encoder, open_legs
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Query, SearchResult, Side
from retrieval.search import Searcher

ROOT = Path(__file__).parents[2]


def spread(values: Sequence[float]) -> str:
    p50, p95 = np.percentile(values, [50, 95])
    return f"{p50:6.1f} {p95:6.1f}"


async def ask(
    searcher: Searcher, collection: Collection, questions: Sequence[str], at_once: int
) -> list[tuple[float, SearchResult]]:
    """Every question once, so many at a time; each with its wall time in milliseconds."""
    done: list[tuple[float, SearchResult]] = []
    waiting = iter(questions)

    async def visitor() -> None:
        for question in waiting:
            begun = time.perf_counter()
            result = await searcher.search(Query(question), scope=collection.scope)
            done.append(((time.perf_counter() - begun) * 1000, result))

    await asyncio.gather(*(visitor() for _ in range(at_once)))
    return done


def report(title: str, done: Sequence[tuple[float, SearchResult]]) -> None:
    print(f"\n{title}: {len(done)} questions\n\n  stage            p50    p95  ms")
    print(f"  {'whole search':14s} {spread([taken for taken, _ in done])}")
    for leg in done[0][1].trace.legs:
        taken = [
            trace.milliseconds
            for _, result in done
            for trace in result.trace.legs
            if trace.leg == leg.leg
        ]
        print(f"  {'leg ' + leg.leg:14s} {spread(taken)}")
    for stage in done[0][1].trace.stages:
        print(f"  {stage:14s} {spread([result.trace.stages[stage] for _, result in done])}")
    degraded = sum(bool(result.trace.degraded) for _, result in done)
    print(f"  searches with a late or failed leg: {degraded}")


async def encodings(encoder: OnnxEncoder, questions: Sequence[str]) -> list[float]:
    taken = []
    for question in questions:
        begun = time.perf_counter()
        await encoder.encode([question], side=Side.QUERY)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.retrieval", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--collection", default="musique")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--out", type=Path, default=ROOT / "evals" / "out")
    parser.add_argument("--questions", type=int, default=400)
    chosen = parser.parse_args()
    memory = psutil.Process()
    collection = load(chosen.data / chosen.collection)
    before = memory.memory_info().rss
    async with (
        open_encoder(chosen.models) as encoder,
        open_legs(collection, encoder=encoder, models=chosen.models, out=chosen.out) as legs,
    ):
        searcher = Searcher(list(legs.values()), Held(collection))
        print(f"{machine()}; load average {psutil.getloadavg()[0]:.1f}")
        print(f"{chosen.collection}, {len(collection.passages):,} passages")
        rss = memory.memory_info().rss
        print(
            f"memory with encoder and indexes open {rss / 1e6:.0f} MB, "
            f"of which the collection's own text and the program {before / 1e6:.0f} MB"
        )
        questions = list(
            itertools.islice(itertools.cycle(collection.queries.values()), chosen.questions)
        )
        await ask(searcher, collection, questions[:20], 1)
        alone = spread(await encodings(encoder, questions))
        print(f"\nencoding the question alone, p50 p95: {alone} ms")
        for at_once in (1, 8):
            done = await ask(searcher, collection, questions, at_once)
            report(f"{at_once} at once", done)
        print(f"\nmemory after {memory.memory_info().rss / 1e6:.0f} MB", end="; ")
        print(f"torch imported: {'torch' in sys.modules}")


if __name__ == "__main__":
    asyncio.run(main())
