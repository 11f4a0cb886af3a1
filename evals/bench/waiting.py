"""What an answer waits for beside other work, in turns with the longer way to the same.

    python -m evals.bench.waiting

Rows that several keep at one moment: a transaction to each, or ``Store.write``. And an answer's
sentences, encoded as passages or as what someone waits for, with an ingest beside them and without.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median

from sqlalchemy import insert

from backend.clock import new_id, now
from backend.settings import Url
from backend.store.engine import Store, open_store
from backend.store.tables import tenants
from evals.bench.peers import AT_ONCE, DATA, MODELS, heading, ratio
from evals.datasets import load
from retrieval.dense import FEED
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Side
from retrieval.weights import GRANITE

ROWS = 4  # to a write, about what an answer cites
SENTENCES, LETTERS = 16, 130


async def in_turns(
    ways: Sequence[Callable[[], Awaitable[object]]], rounds: int
) -> list[list[float]]:
    """Milliseconds of each way in each round; who begins changes from round to round."""
    took: list[list[float]] = [[] for _ in ways]
    for round_ in range(rounds):
        for place in range(len(ways)):
            at = (place + round_) % len(ways)
            began = time.perf_counter()
            await ways[at]()
            took[at].append((time.perf_counter() - began) * 1000)
    return took


def told(what: str, took: Sequence[Sequence[float]]) -> str:
    long, short = took
    share = ratio(short, long)
    return f"| {what} | {median(long):.1f} | {median(short):.1f} | {share} |"


async def writes(store: Store, many: int, rounds: int) -> str:
    def rows() -> list[dict[str, object]]:
        return [{"id": new_id("ten"), "name": "n", "created_at": now()} for _ in range(ROWS)]

    async def transaction() -> None:
        async with store.writing() as connection:
            await connection.execute(insert(tenants), rows())

    async def each() -> None:
        await asyncio.gather(*(transaction() for _ in range(many)))

    async def gathered() -> None:
        await asyncio.gather(*(store.write((insert(tenants), rows())) for _ in range(many)))

    await each()
    return told(f"{many} at once keep {ROWS} rows", await in_turns([each, gathered], rounds))


async def sentences(encoder: OnnxEncoder, texts: Sequence[str], rounds: int) -> list[str]:
    asked = [text[:LETTERS] for text in texts[:SENTENCES]]

    async def ingest() -> None:
        while True:
            await encoder.encode(texts[:FEED], side=Side.PASSAGE)

    ways = [
        lambda: encoder.encode(asked, side=Side.PASSAGE),
        lambda: encoder.encode(asked, side=Side.SENTENCE),
    ]
    said = [told(f"{SENTENCES} sentences", await in_turns(ways, rounds))]
    reading = asyncio.create_task(ingest())
    said.append(told("the same beside an ingest", await in_turns(ways, rounds)))
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return said


async def measure(chosen: argparse.Namespace) -> str:
    lines = ["| what | the longer way, ms | now, ms | now ÷ longer |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory(prefix="waiting-", dir=chosen.disk) as folder:
        async with open_store(Url("sqlite:///app.db"), Path(folder)) as store:
            for many in AT_ONCE:
                lines.append(await writes(store, many, chosen.rounds))
    encoder = OnnxEncoder.open(chosen.models / GRANITE)
    try:
        texts = [passage.text for passage in load(chosen.data / "scifact").passages]
        lines += await sentences(encoder, texts, chosen.rounds)
    finally:
        encoder.close()
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.waiting", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--disk", type=Path, help="a folder on the disk that is written to")
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    print(
        heading(" ".join([parser.prog, *sys.argv[1:]]), ["sqlalchemy", "aiosqlite", "onnxruntime"])
    )
    print(asyncio.run(measure(chosen)))


if __name__ == "__main__":
    main()
