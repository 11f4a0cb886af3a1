"""Measures retrieval: each leg and their fusion, on the split that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from evals.datasets import Collection, Split, load
from evals.metrics import Interval, bootstrap, ndcg, recall, reciprocal_rank
from evals.systems import open_encoder, open_legs
from retrieval.fusion import Fused, min_max, rrf
from retrieval.model import Query, Run
from retrieval.search import POOL

PAPERS_K = 60  # of reciprocal rank fusion as published; ours is retrieval.fusion.K

Fuse: TypeAlias = Callable[[Sequence[Run]], Sequence[Fused]]


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one collection. ``against`` holds its paired nDCG differences to the others."""

    system: str
    ndcg_10: Interval
    recall_100: float
    mrr_10: float
    against: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Result:
    collection: str
    split: str
    passages: int
    queries: int
    rows: tuple[Row, ...]


async def measure(
    data: Path,
    *,
    collections: Sequence[str],
    split: Split,
    models: Path,
    out: Path,
    legs: Sequence[str],
) -> Sequence[Result]:
    results = []
    async with open_encoder(models) as encoder:
        for name in collections:
            collection = load(data / name)
            async with open_legs(
                collection, encoder=encoder, models=models, out=out, names=legs
            ) as opened:
                runs: dict[str, dict[str, Run]] = {leg: {} for leg in opened}
                for query in collection.of(split):
                    asked = Query(collection.queries[query])
                    for leg in opened.values():
                        runs[leg.name][query] = await leg.search(
                            asked, scope=collection.scope, limit=POOL
                        )
                sys.stderr.write(f"{name}: {len(collection.of(split))} queries asked\n")
            results.append(judge(collection, split, runs))
    return results


def judge(collection: Collection, split: Split, runs: Mapping[str, Mapping[str, Run]]) -> Result:
    """From the legs' runs by query to the rows: each leg, our fusion, and others beside it."""
    queries = collection.of(split)
    rankings = {
        leg: {query: [line.passage for line in runs[leg][query].ranked] for query in queries}
        for leg in runs
    }

    def fused(fuse: Fuse, legs: Sequence[str]) -> dict[str, list[str]]:
        return {
            query: [line.passage for line in fuse([runs[leg][query] for leg in legs])]
            for query in queries
        }

    if len(runs) > 1:
        names = ", ".join(runs)
        rankings[f"rrf({names})"] = fused(rrf, list(runs))
        rankings[f"rrf({names}), k = {PAPERS_K}"] = fused(partial(rrf, k=PAPERS_K), list(runs))
        rankings[f"min_max({names})"] = fused(min_max, list(runs))
    for added in ("sparse", "graph"):  # what a third leg adds or takes
        fewer = [leg for leg in runs if leg != added]
        if added in runs and len(fewer) > 1:
            rankings[f"rrf({', '.join(fewer)})"] = fused(rrf, fewer)
    scores = {
        system: [ndcg(ranking[query], collection.judged[query]) for query in queries]
        for system, ranking in rankings.items()
    }

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    rows = tuple(
        Row(
            system=system,
            ndcg_10=bootstrap(scores[system]),
            recall_100=mean([recall(ranking[q], collection.judged[q]) for q in queries]),
            mrr_10=mean([reciprocal_rank(ranking[q], collection.judged[q]) for q in queries]),
            against={
                other: bootstrap(
                    [mine - theirs for mine, theirs in zip(scores[system], held, strict=True)]
                )
                for other, held in scores.items()
                if other != system
            },
        )
        for system, ranking in rankings.items()
    )
    return Result(collection.name, split.value, len(collection.passages), len(queries), rows)
