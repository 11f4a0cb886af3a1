"""What a trained sparse encoder adds: each leg, the fusions with and without it, and its time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.datasets import Collection, Split
from evals.metrics import Interval, bootstrap, ndcg
from evals.run import Fuse
from evals.systems import Held, open_legs
from retrieval.encoders.inference_free import TrainedEncoder
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.fusion import min_max, rrf
from retrieval.model import Query, Run, Side
from retrieval.ports import Leg
from retrieval.search import POOL, Searcher
from retrieval.sparse import SparseLeg
from retrieval.stores.qdrant_edge import QdrantEdge

GAIN = 1.10  # the gate: nDCG@10 of three legs over that of two, …
SLOWER = 1.15  # … at no more than this of their p95
TIMED = 200  # searches of each kind
PAIR = ("bm25", "dense")
FUSIONS: Mapping[str, Fuse] = {"rrf": rrf, "min_max": min_max}


@dataclass(frozen=True, slots=True)
class Gain:
    """Three legs against two by one fusion. ``ratio`` is the three's nDCG@10 over the two's."""

    fusion: str
    two: float
    three: float
    replaced: float  # dense and sparse alone, without BM25
    ratio: float
    added: Interval

    @property
    def passes(self) -> bool:
        return self.ratio >= GAIN


@dataclass(frozen=True, slots=True)
class Worth:
    """What the encoder is worth on one half of one collection."""

    collection: str
    split: str
    queries: int
    encoder: str
    alone: Mapping[str, float]
    gains: tuple[Gain, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds at the 50th and 95th percentile, two legs and three asked in turn."""

    collection: str
    searches: int
    two: tuple[float, float]
    three: tuple[float, float]
    query: tuple[float, float]  # encoding the question alone

    @property
    def slower(self) -> float:
        return self.three[1] / self.two[1]


class Remembered:
    """The dense encoder, asked once for each passage: the dense leg has its vectors already."""

    def __init__(self, encoder: OnnxEncoder, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self._encoder = encoder
        self._vectors = vectors

    @property
    def dimensions(self) -> int:
        return self._encoder.dimensions

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        if side is Side.PASSAGE and all(text in self._vectors for text in texts):
            return np.stack([self._vectors[text] for text in texts])
        return await self._encoder.encode(texts, side=side)

    def close(self) -> None:
        """The encoder is not ours to close."""


async def measure(
    collection: Collection,
    *,
    folder: Path,
    encoder: OnnxEncoder,
    vectors: Mapping[str, NDArray[np.float32]],
    models: Path,
    out: Path,
    splits: Sequence[Split] = (Split.DEV, Split.TEST),
    timed: int = TIMED,
) -> tuple[Sequence[Worth], Times]:
    """Ask each half's queries of the legs; the time is taken on the first half named."""
    student = await asyncio.to_thread(
        TrainedEncoder.open, folder, body=lambda: Remembered(encoder, vectors)
    )
    place = out / collection.name / student.fingerprint.replace(":", "-")
    async with open_legs(collection, encoder=encoder, models=models, out=out, names=PAIR) as opened:
        index = QdrantEdge.open_sparse(place, fingerprint=student.fingerprint)
        try:
            leg = SparseLeg(student, index)
            if await leg.count() != len(collection.passages):
                await leg.put(collection.passages)
            legs: dict[str, Leg] = {**opened, leg.name: leg}
            worths = []
            for split in splits:
                runs: dict[str, dict[str, Run]] = {name: {} for name in legs}
                for query in collection.of(split):
                    asked = Query(collection.queries[query])
                    for name, one in legs.items():
                        runs[name][query] = await one.search(
                            asked, scope=collection.scope, limit=POOL
                        )
                worths.append(judge(collection, split, runs, encoder=student.fingerprint))
            times = await _times(collection, splits[0], legs, student, timed)
        finally:
            index.close()
            student.close()
    return worths, times


def judge(
    collection: Collection, split: Split, runs: Mapping[str, Mapping[str, Run]], *, encoder: str
) -> Worth:
    queries = collection.of(split)

    def scores(rankings: Mapping[str, Sequence[str]]) -> list[float]:
        return [ndcg(rankings[query], collection.judged[query]) for query in queries]

    def fused(fuse: Fuse, legs: Sequence[str]) -> list[float]:
        return scores(
            {
                query: [line.passage for line in fuse([runs[leg][query] for leg in legs])]
                for query in queries
            }
        )

    gains = []
    for name, fuse in FUSIONS.items():
        two = fused(fuse, PAIR)
        three = fused(fuse, [*PAIR, "sparse"])
        gains.append(
            Gain(
                fusion=name,
                two=float(np.mean(two)),
                three=float(np.mean(three)),
                replaced=float(np.mean(fused(fuse, ["dense", "sparse"]))),
                ratio=float(np.mean(three) / np.mean(two)),
                added=bootstrap([more - less for more, less in zip(three, two, strict=True)]),
            )
        )
    alone = {
        leg: float(
            np.mean(scores({q: [line.passage for line in runs[leg][q].ranked] for q in queries}))
        )
        for leg in runs
    }
    return Worth(collection.name, split.value, len(queries), encoder, alone, tuple(gains))


def markdown(worths: Sequence[Worth], times: Sequence[Times]) -> str:
    lines = [
        "| collection, half | queries | bm25 | dense | sparse | fusion | of two | of three "
        "| dense + sparse | ratio | the third leg adds (paired 95 %) |",
        "|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for worth in worths:
        legs = " | ".join(f"{worth.alone[leg]:.3f}" for leg in (*PAIR, "sparse"))
        for gain in worth.gains:
            added = gain.added
            lines.append(
                f"| {worth.collection}, {worth.split} | {worth.queries} | {legs} | {gain.fusion} "
                f"| {gain.two:.3f} | {gain.three:.3f} | {gain.replaced:.3f} | {gain.ratio:.3f} "
                f"| {added.mean:+.3f} ({added.low:+.3f} to {added.high:+.3f}) |"
            )
    lines += [
        "",
        "| collection | searches | two legs p50, p95 (ms) | three legs p50, p95 | p95, ratio "
        "| encoding the question p50, p95 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for time_ in times:
        lines.append(
            f"| {time_.collection} | {time_.searches} | {time_.two[0]:.1f}, {time_.two[1]:.1f} "
            f"| {time_.three[0]:.1f}, {time_.three[1]:.1f} | {time_.slower:.2f} "
            f"| {time_.query[0]:.3f}, {time_.query[1]:.3f} |"
        )
    met = [gain.passes for worth in worths for gain in worth.gains]
    fast = [time_.slower <= SLOWER for time_ in times]
    lines += [
        "",
        f"The gate: three legs at {GAIN:.2f} of two or more, met {sum(met)} of {len(met)} times; "
        f"p95 at {SLOWER:.2f} or less, met {sum(fast)} of {len(fast)} times.",
    ]
    return "\n".join(lines)


async def _times(
    collection: Collection,
    split: Split,
    legs: Mapping[str, Leg],
    student: TrainedEncoder,
    count: int,
) -> Times:
    held = Held(collection)
    searchers = [
        Searcher([legs[name] for name in names], held) for names in (PAIR, (*PAIR, "sparse"))
    ]
    asked = [collection.queries[query] for query in collection.of(split)]
    asked = [asked[at % len(asked)] for at in range(count)]
    for searcher in searchers:
        for text in asked[:10]:
            await searcher.search(Query(text), scope=collection.scope)
    taken: list[list[float]] = [[], []]
    encoding = []
    for turn, text in enumerate(asked):
        # In turn, and by turns first, so that what else the machine does falls on both.
        for which in (0, 1) if turn % 2 else (1, 0):
            begun = time.perf_counter()
            await searchers[which].search(Query(text), scope=collection.scope)
            taken[which].append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        student.weigh(text)
        encoding.append((time.perf_counter() - begun) * 1000)
    sys.stderr.write(f"{collection.name}: {count} searches of each kind timed\n")
    return Times(collection.name, count, _spread(taken[0]), _spread(taken[1]), _spread(encoding))


def _spread(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(values, [50, 95])
    return float(low), float(high)
