"""Passages and tokens per second of the shipped encoder: python -m evals.bench.encoder.

Also prints what it would mean for ingest: the pages/s that encoding alone allows at 600 tokens to
a page, and a query's latency with and without an ingest at work.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from tokenizers import Tokenizer

from evals.datasets import load
from evals.report import machine
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Side
from retrieval.weights import GRANITE

ROOT = Path(__file__).parents[2]
PAGE_TOKENS = 600


def texts(data: Path, tokenizer: Tokenizer, *, tokens: int, count: int) -> list[str]:
    """Real prose, cut to a number of tokens."""
    made = []
    for passage in load(data / "scifact").passages:
        encoding = tokenizer.encode(passage.text, add_special_tokens=False)
        if len(encoding.ids) >= tokens - 2:
            made.append(passage.text[: encoding.offsets[tokens - 3][1]])
        if len(made) == count:
            return made
    raise ValueError(f"the collection has only {len(made)} texts of {tokens} tokens")


async def queries(encoder: OnnxEncoder, count: int) -> tuple[float, float]:
    """p50 and p95 of a query's encoding, one at a time, in milliseconds."""
    taken = []
    for number in range(count):
        begun = time.perf_counter()
        await encoder.encode([f"how did copper tariffs change prices in {number}"], side=Side.QUERY)
        taken.append((time.perf_counter() - begun) * 1000)
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 95))


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.encoder", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--count", type=int, default=200, help="passages to a measurement")
    chosen = parser.parse_args()
    folder = chosen.models / GRANITE
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    print(f"{machine()}; load average {psutil.getloadavg()[0]:.1f}\n")
    print("| threads | tokens to a passage | passages/s | tokens/s | pages/s at 600 tokens |")
    print("|---:|---:|---:|---:|---:|")
    for threads in (1, 2):
        encoder = OnnxEncoder.open(folder, passage_threads=threads)
        for tokens in (100, 200, 400):
            held = texts(chosen.data, tokenizer, tokens=tokens, count=chosen.count)
            await encoder.encode(held[:8], side=Side.PASSAGE)
            begun = time.perf_counter()
            await encoder.encode(held, side=Side.PASSAGE)
            rate = len(held) / (time.perf_counter() - begun)
            print(
                f"| {threads} | {tokens} | {rate:.1f} | {rate * tokens:,.0f} "
                f"| {rate * tokens / PAGE_TOKENS:.1f} |",
                flush=True,
            )
        encoder.close()
    encoder = OnnxEncoder.open(folder)
    await queries(encoder, 20)
    quiet = await queries(encoder, 200)
    batch = asyncio.create_task(
        encoder.encode(texts(chosen.data, tokenizer, tokens=200, count=400), side=Side.PASSAGE)
    )
    await asyncio.sleep(0)
    busy = await queries(encoder, 200)
    batch.cancel()
    await asyncio.gather(batch, return_exceptions=True)
    encoder.close()
    print(f"\nquery encoding p50 {quiet[0]:.1f} ms, p95 {quiet[1]:.1f} ms; ", end="")
    print(f"while two threads encode passages p50 {busy[0]:.1f} ms, p95 {busy[1]:.1f} ms")
    rss = psutil.Process().memory_info().rss / 1e6
    print(f"memory {rss:.0f} MB; torch imported: {'torch' in sys.modules}")


if __name__ == "__main__":
    asyncio.run(main())
