"""python -m evals train: makes a sparse encoder of passages, and shows what it adds."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.datasets import TENANT, Collection, Split, load
from evals.report import machine
from evals.systems import open_encoder
from evals.train import (
    Settings,
    Stopped,
    TrainingError,
    interruptible,
    kept_vectors,
    progress,
    train,
)
from evals.train_report import Times, Worth, markdown, measure
from retrieval.encoders.cross import CrossEncoder
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Passage, Side
from retrieval.weights import GRANITE, manifest

ROOT = Path(__file__).parents[1]
STOPPED = 130  # the exit status of a run that was interrupted


def describe(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; each of ``Settings`` is one."""
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--collection", type=Path, help="a folder in BEIR layout, judged afterwards")
    given.add_argument(
        "--passages", type=Path, help="a file with a JSON object a line: text and, maybe, title"
    )
    parser.add_argument("--name", help="the encoder's name; without it sparse-COLLECTION")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--body", default=GRANITE, help="the dense encoder, by its folder's name")
    parser.add_argument(
        "--reranker", type=Path, help="a folder with a cross-encoder, as a second teacher"
    )
    parser.add_argument("--language", default="en", help="of the passages")
    parser.add_argument("--out", type=Path, default=ROOT / "evals" / "out")
    parser.add_argument(
        "--judge", type=Path, nargs="*", default=[], help="further collections to judge it on"
    )
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    for one in fields(Settings):
        parser.add_argument(f"--{one.name}", type=type(one.default), default=one.default)


def run(chosen: argparse.Namespace, *, command: str) -> int:
    settings = Settings(**{one.name: getattr(chosen, one.name) for one in fields(Settings)})
    if chosen.collection is not None:
        collection = load(chosen.collection)
        passages, source = collection.passages, collection.name
    else:
        collection, passages, source = None, read(chosen.passages), chosen.passages.name
    folder = chosen.models / (chosen.name or f"sparse-{Path(source).stem}")
    made = manifest(chosen.models / chosen.body)
    encoder = OnnxEncoder.open(chosen.models / chosen.body, passage_threads=1, query_threads=1)

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return asyncio.run(encoder.encode(texts, side=Side.PASSAGE))

    second = CrossEncoder.open(chosen.reranker) if chosen.reranker is not None else None

    def rerank(question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return asyncio.run(second.score(question, texts)) if second else np.empty(0, np.float32)

    try:
        with interruptible() as stopping:
            said = train(
                passages,
                into=folder,
                source=source,
                body=chosen.body,
                body_fingerprint=made.fingerprint,
                licence=made.licence,
                encode=encode,
                settings=settings,
                language=chosen.language,
                rerank=rerank if second else None,
                reranker=second.fingerprint if second else "",
                stopping=stopping,
                say=progress,
            )
    except Stopped as stopped:
        progress(f"{stopped}; the same command goes on from there")
        return STOPPED
    finally:
        encoder.close()
        if second:
            second.close()
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{folder}: {said.dimensions:,} terms, {size:.1f} MB, {said.licence}, {said.fingerprint}")
    print(f"to use it: STRATMASTER_SPARSE_URL=inference-free:{folder.name}\n")
    judged = [one for one in (collection, *map(load, chosen.judge)) if one is not None]
    if judged:
        worths, times = asyncio.run(_judged(judged, folder, chosen))
        print(f"`{command}`, {machine()}\n")
        print(markdown(worths, times))
        if chosen.json:
            told = {
                "command": command,
                "machine": machine(),
                "encoder": asdict(said),
                "worth": [asdict(one) for one in worths],
                "times": [asdict(one) for one in times],
            }
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def read(path: Path) -> list[Passage]:
    """Passages of a file with one JSON object a line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            held = json.loads(line)
            text, title = str(held["text"]), str(held.get("title", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise TrainingError(
                f"line {number} of {path} is no JSON object with a text; give one a line"
            ) from None
        found.append(
            Passage(
                id=str(number), tenant=TENANT, space=path.stem, source=str(number), version="0",
                ordinal=0, text=text, start=0, end=len(text), title=title,
            )
        )  # fmt: skip
    return found


async def _judged(
    collections: Sequence[Collection], folder: Path, chosen: argparse.Namespace
) -> tuple[list[Worth], list[Times]]:
    worths: list[Worth] = []
    times: list[Times] = []
    async with open_encoder(chosen.models) as encoder:
        for collection in collections:
            found, taken = await measure(
                collection,
                folder=folder,
                encoder=encoder,
                vectors=kept_vectors(folder, collection.passages, encoder.dimensions),
                models=chosen.models,
                out=chosen.out,
                splits=(Split.DEV, Split.TEST),
            )
            worths.extend(found)
            times.append(taken)
    return worths, times
