"""Measures retrieval: each leg and their fusion, on the split that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from evals.datasets import Collection, Split, load
from evals.latency import Took, timed
from evals.metrics import Interval, bootstrap, ndcg, recall, reciprocal_rank
from evals.systems import PATIENCE, Held, open_encoder, open_legs
from retrieval.errors import RetrievalError
from retrieval.fusion import Fused, min_max, rrf
from retrieval.model import Hit, Query, Run
from retrieval.ports import Reranker
from retrieval.rerank import MARGIN, Reranking
from retrieval.search import POOL, by_id

PAPERS_K = 60  # of reciprocal rank fusion as published; ours is retrieval.fusion.K
ADDED = ("sparse", "graph")  # legs whose worth is what the fusion loses without them
# A reranker behind the product's margin, and one that reads every question's best.
LOOKS = {"reranked": MARGIN, "always reranked": 1.0}

Fuse: TypeAlias = Callable[[Sequence[Run]], Sequence[Fused]]
Rankings: TypeAlias = Mapping[str, Sequence[str]]


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
    stages: Mapping[str, Took] = field(default_factory=dict)


async def measure(
    data: Path,
    *,
    collections: Sequence[str],
    split: Split,
    models: Path,
    out: Path,
    legs: Sequence[str],
    reranker: Reranker | None = None,
) -> Sequence[Result]:
    """Each collection's rows, and what a whole search takes; the searches come after the legs'."""
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
                second = {} if reranker is None else await _reranked(collection, runs, reranker)
                stages = await timed(
                    collection,
                    collection.of(split),
                    opened,
                    None if reranker is None else Reranking(reranker),
                )
            results.append(replace(judge(collection, split, runs, second), stages=stages))
    return results


async def _reranked(
    collection: Collection, runs: Mapping[str, Mapping[str, Run]], reranker: Reranker
) -> Mapping[str, Rankings]:
    """What a second look makes of our fusion of all legs, by its name and by query.

    However long it takes: what that costs stands with the stages. Raises RetrievalError where it
    fails, since the order that stands then is not its own.
    """
    name, held = f"rrf({', '.join(runs)})", Held(collection)
    found: dict[str, dict[str, Sequence[str]]] = {f"{name}, {look}": {} for look in LOOKS}
    for query in next(iter(runs.values())):
        fused = rrf([run[query] for run in runs.values()])
        passages = by_id(await held.get([line.passage for line in fused], scope=collection.scope))
        hits = tuple(Hit(passages[one.passage], one.score, one.contributions) for one in fused)
        for look, margin in LOOKS.items():
            looking = Reranking(reranker, margin=margin, deadline_s=PATIENCE)
            ordered, trace = await looking(collection.queries[query], hits)
            if trace.error is not None:
                raise RetrievalError(f"the reranker failed at query {query}: {trace.error}")
            found[f"{name}, {look}"][query] = [hit.passage.id for hit in ordered]
    return found


def judge(
    collection: Collection,
    split: Split,
    runs: Mapping[str, Mapping[str, Run]],
    beside: Mapping[str, Rankings] | None = None,
) -> Result:
    """From the legs' runs by query to the rows: each leg, our fusion, and others beside it.

    Both fusions are judged without each added leg, and without all of them. ``beside`` are
    rankings of other systems, by query.
    """
    queries = collection.of(split)
    rankings: dict[str, Rankings] = {
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
    for without in (*({added} for added in ADDED), set(ADDED)):
        fewer = [leg for leg in runs if leg not in without]
        if 1 < len(fewer) < len(runs):
            rankings[f"rrf({', '.join(fewer)})"] = fused(rrf, fewer)
            rankings[f"min_max({', '.join(fewer)})"] = fused(min_max, fewer)
    rankings |= beside or {}
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
