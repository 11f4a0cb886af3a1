"""Which questions are declined: a collection's own, and those of the others.

    python -m evals.abstention [--data ../shared/data] [--models var/models] [--out evals/out]

Prints how the top cosine and the share of words covered fall for both kinds, and what the rule of
``backend.answers.grounds`` makes of them: on the dev halves it was fitted on, and on the test ones.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backend.answers import grounds
from backend.answers.answer import HITS
from evals.datasets import Collection, Split, load
from evals.systems import Held, open_encoder, open_legs
from retrieval.model import Query
from retrieval.search import Searcher

COLLECTIONS = ("scifact", "cranfield", "musique")


async def decide(
    searcher: Searcher, into: Collection, questions: Sequence[str]
) -> list[grounds.Grounds]:
    return [
        grounds.decide(
            question, await searcher.search(Query(question), scope=into.scope, limit=HITS)
        )
        for question in questions
    ]


def _quantiles(values: Sequence[float]) -> str:
    return "  ".join(f"{value:.3f}" for value in np.quantile(values, [0, 0.05, 0.25, 0.5, 0.95, 1]))


def report(title: str, made: Sequence[grounds.Grounds]) -> None:
    answered = sum(one.enough for one in made) / len(made)
    alone = sum(one.covered >= grounds.COVERED_ALONE for one in made) / len(made)
    print(f"{title}: {answered:.1%} of {len(made)} answered ({alone:.1%} by words alone)")
    print(f"    cosine   {_quantiles([one.cosine or 0.0 for one in made])}")
    print(f"    covered  {_quantiles([one.covered for one in made])}", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--out", type=Path, default=Path("evals/out"))
    parser.add_argument("--questions", type=int, default=150)
    options = parser.parse_args()
    read = {name: load(options.data / name) for name in COLLECTIONS}
    print("quantiles: least, 5 %, 25 %, median, 95 %, most")
    async with open_encoder(options.models) as encoder:
        for into in (read[name] for name in COLLECTIONS):
            async with open_legs(
                into, encoder=encoder, models=options.models, out=options.out
            ) as legs:
                searcher = Searcher(list(legs.values()), Held(into))
                for split in (Split.DEV, Split.TEST):
                    for source in read.values():
                        ids = source.of(split)[: options.questions]
                        made = await decide(searcher, into, [source.queries[id] for id in ids])
                        kind = "its own" if source is into else f"{source.name}'s"
                        report(f"{into.name}, {split}, {kind} questions", made)


if __name__ == "__main__":
    asyncio.run(main())
