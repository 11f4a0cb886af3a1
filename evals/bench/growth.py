"""What a question costs as a space grows: python -m evals.bench.growth [--sizes 10000,100000].

One index grows through the sizes and is measured at each, on a folder that is removed at the end;
stopping it in between loses only what comes after. Passages are made up beyond what real data
gives: words by Zipf's law over a made vocabulary, vectors by mixing and shaking those of a real
collection. All is seeded, the smaller space is the beginning of the larger, and nothing is kept in
memory but what the indexes keep. Questions are encoded by the real encoder, for its cost; what is
looked up is the real vector of one of the collection's questions.
"""

from __future__ import annotations

import argparse
import asyncio
import string
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from evals.bench.peers import DATA, MODELS, OUT, begin_alone, heading
from evals.bench.vectors import passage_vectors
from evals.datasets import load
from evals.systems import open_encoder
from retrieval.dense import DenseLeg
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.language import STOP_WORDS
from retrieval.model import Passage, PassageId, Query, Scope, Side
from retrieval.search import POOL, Searcher
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.tantivy import Tantivy

SEED = 20260101
VOCABULARY = 300_000
ZIPF, SHIFT = 1.07, 2.7  # Mandelbrot's form, as English has it
WORDS = (40, 140)  # of a passage; the mean is about what our chunks hold
ASKED = 6  # words of a question, all of one passage
SHAKE = 0.5  # length of the noise beside a unit vector: cosines of about .9 to where it began
BLOCK = 1_000  # passages made and put at a time
TO_A_SOURCE = 100
FINDABLE = 10_000  # questions are of these, so that every size holds what they ask for
SCOPE = Scope("growth", frozenset({"space"}))

Matrix = NDArray[np.float32]


class Texts:
    """Passages by number; the same seed makes the same ones in any order."""

    def __init__(self, seed: int = SEED, *, vocabulary: int = VOCABULARY) -> None:
        self._seed = seed
        stop = sorted(STOP_WORDS["en"])
        self._common = len(stop)
        self._words = np.array([*stop, *_words(vocabulary - len(stop))])
        weights = (np.arange(vocabulary) + SHIFT) ** -ZIPF
        self._upto = np.cumsum(weights / weights.sum())

    def text(self, number: int) -> str:
        return " ".join(self._words[self._ranks(number)])

    def passage(self, number: int, *, worded: bool = True) -> Passage:
        source = f"src_{number // TO_A_SOURCE:016x}"
        text = self.text(number) if worded else ""
        return Passage(
            id=f"{source}.{'0' * 12}.{number % TO_A_SOURCE:05d}",
            tenant=SCOPE.tenant,
            space="space",
            source=source,
            version="0" * 64,
            ordinal=number % TO_A_SOURCE,
            text=text,
            start=0,
            end=len(text),
        )

    def question(self, number: int) -> str:
        """Words of one passage, none of them a stop word."""
        random = np.random.default_rng([self._seed, 1, number])
        ranks = self._ranks(int(random.integers(FINDABLE)))
        telling = np.unique(ranks[ranks >= self._common])
        chosen = random.choice(telling, min(ASKED, len(telling)), replace=False)
        return " ".join(self._words[chosen])

    def _ranks(self, number: int) -> NDArray[np.int64]:
        random = np.random.default_rng([self._seed, 0, number])
        drawn = random.random(int(random.integers(*WORDS)))
        return np.searchsorted(self._upto, drawn).clip(max=len(self._words) - 1)


def number_of(id: PassageId) -> int:
    """The inverse of a passage's numbering."""
    source, _, ordinal = id.split(".")
    return int(source.removeprefix("src_"), 16) * TO_A_SOURCE + int(ordinal)


def vectors(real: Matrix, block: int, *, seed: int = SEED) -> Matrix:
    """The unit vectors of one block: each between two real ones, and off by some noise."""
    random = np.random.default_rng([seed, 2, block])
    one, other = random.integers(len(real), size=(2, BLOCK))
    share = random.random((BLOCK, 1), np.float32) / 2
    noise = random.standard_normal((BLOCK, real.shape[1]), np.float32)
    made: Matrix = real[one] * (1 - share) + real[other] * share
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    made += noise * np.float32(SHAKE / np.sqrt(real.shape[1]))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def _words(count: int) -> Iterator[str]:
    """Pronounceable and different: the commonest are the shortest."""
    consonants = [letter for letter in string.ascii_lowercase if letter not in "aeiouyqx"]
    syllables = [first + second for first, second in product(consonants, "aeiou")]
    made = 0
    for length in (2, 3, 4):
        for parts in product(syllables, repeat=length):
            if made == count:
                return
            made += 1
            yield "".join(parts) + "k"  # no ending that a stemmer would take off


@dataclass
class Nearest:
    """The exact best ten of some questions among all vectors seen so far."""

    questions: Matrix
    scores: Matrix
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, questions: Matrix, top: int = 10) -> Nearest:
        shape = (len(questions), top)
        return cls(questions, np.full(shape, -2, np.float32), np.full(shape, -1, np.int64))

    def see(self, seen: Matrix, first: int) -> None:
        scores = np.hstack([self.scores, self.questions @ seen.T])
        numbers = np.hstack(
            [self.numbers, np.tile(np.arange(first, first + len(seen)), (len(scores), 1))]
        )
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self.scores.shape[1]]
        self.scores = np.take_along_axis(scores, best, 1)
        self.numbers = np.take_along_axis(numbers, best, 1)


class Made:
    """Passages made anew whenever they are asked for; satisfies ``Passages``."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        return [self._texts.passage(number_of(id)) for id in ids]


class Paired:
    """Encodes a made question for its cost, and gives a real question's vector for it."""

    def __init__(self, encoder: OnnxEncoder, real: dict[str, NDArray[np.float32]]) -> None:
        self._encoder = encoder
        self._real = real

    @property
    def dimensions(self) -> int:
        return self._encoder.dimensions

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> Matrix:
        await self._encoder.encode(texts, side=side)
        return np.stack([self._real[text] for text in texts])


@dataclass
class Built:
    """Seconds that each index took so far, and the last waiting for the quantized copy."""

    words: float = 0.0
    meaning: float = 0.0
    quantizing: float = 0.0


def times(values: Sequence[float]) -> str:
    if not values:
        return "–"
    p50, p95 = np.percentile(values, [50, 95]) * 1000
    return f"{p50:.1f} / {p95:.1f}"


def on_disk(folder: Path) -> int:
    """Blocks really taken, so that a sparse file does not count as full."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


async def measure(
    data: Path,
    collection: str,
    models: Path,
    out: Path,
    sizes: Sequence[int],
    count: int,
    *,
    worded: bool,
) -> None:
    real = load(data / collection)
    texts = Texts()
    questions = [texts.question(number) for number in range(count)]
    async with AsyncExitStack() as on:
        encoder = await on.enter_async_context(open_encoder(models))
        _, base = await passage_vectors(real, encoder=encoder, models=models, out=out)
        asked = list(real.queries.values())[:count]
        looked_up = await encoder.encode(asked, side=Side.QUERY)
        pairs = {
            question: looked_up[number % len(looked_up)]
            for number, question in enumerate(questions)
        }
        del real
        folder = Path(on.enter_context(tempfile.TemporaryDirectory(prefix="growth-")))
        before = psutil.Process().memory_info().rss
        words = Tantivy.open(folder / "words")
        on.callback(words.close)
        meaning = QdrantEdge.open_dense(
            folder / "meaning", fingerprint=encoder.fingerprint, dimensions=encoder.dimensions
        )
        on.callback(meaning.close)
        searcher = Searcher(
            [*([words] if worded else []), DenseLeg(Paired(encoder, pairs), meaning)],
            Made(texts),
            deadline_s=60,
        )
        nearest = Nearest.of(looked_up)
        built = Built()
        print(
            "| passages | built, words; vectors; then quantized, s | on disk, MB "
            "| memory, MB (of files) "
            "| the last step's, to a million, GB | bm25 p50 / p95, ms | dense "
            "| dense recall@10 | whole | load |\n" + "|---:" * 10 + "|"
        )
        held = 0
        for size in sizes:
            since = held
            for first in range(held, size, BLOCK):
                numbers = range(first, min(first + BLOCK, size))
                part = [texts.passage(number, worded=worded) for number in numbers]
                shaken = vectors(base, first // BLOCK)[: len(part)]
                nearest.see(shaken, first)
                began = time.perf_counter()
                if worded:
                    await words.put(part)
                middle = time.perf_counter()
                await meaning.put(part, list(shaken))
                built.words += middle - began
                built.meaning += time.perf_counter() - middle
            held = size
            began = time.perf_counter()
            await meaning.quantized()
            built.quantizing = time.perf_counter() - began
            lexical, dense, whole, right = [], [], [], []
            for question in questions:  # once before, to have read the files
                await searcher.search(Query(question), scope=SCOPE)
            for number, question in enumerate(questions):
                if worded:
                    began = time.perf_counter()
                    await words.search(Query(question), scope=SCOPE, limit=POOL)
                    lexical.append(time.perf_counter() - began)
                place = number % len(looked_up)
                began = time.perf_counter()
                found = await meaning.search(looked_up[place], scope=SCOPE, limit=POOL)
                dense.append(time.perf_counter() - began)
                best = {number_of(line.passage) for line in found[:10]}
                right.append(len(best & set(nearest.numbers[place].tolist())) / 10)
                began = time.perf_counter()
                await searcher.search(Query(question), scope=SCOPE)
                whole.append(time.perf_counter() - began)
            memory = psutil.Process().memory_info()
            more, before = (memory.rss - before) / (size - since), memory.rss
            print(
                f"| {size:,} | {built.words:.0f}; {built.meaning:.0f}; {built.quantizing:.0f} "
                f"| {on_disk(folder / 'words') / 1e6:.0f}; {on_disk(folder / 'meaning') / 1e6:.0f} "
                f"| {memory.rss / 1e6:.0f} ({memory.shared / 1e6:.0f}) "
                f"| {more / 1e3:.2f} "
                f"| {times(lexical)} | {times(dense)} | {np.mean(right):.3f} | {times(whole)} "
                f"| {psutil.getloadavg()[0]:.1f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.growth", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--collection", default="musique", help="whose vectors are shaken")
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="ascending, by comma")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--dense", action="store_true", help="the dense leg alone, without words")
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    if sizes != sorted(set(sizes)) or any(size < FINDABLE or size % BLOCK for size in sizes[:-1]):
        parser.error(
            f"--sizes {chosen.sizes}: they have to ascend, from {FINDABLE:,} on, and all but the "
            f"last be multiples of {BLOCK:,}"
        )
    begin_alone()
    print(heading(parser.prog, ["tantivy", "qdrant-edge-py", "faiss-cpu", "onnxruntime", "numpy"]))
    try:
        asyncio.run(
            measure(
                chosen.data,
                chosen.collection,
                chosen.models,
                chosen.out,
                sizes,
                chosen.questions,
                worded=not chosen.dense,
            )
        )
    except KeyboardInterrupt:
        print("stopped; the rows above are whole")


if __name__ == "__main__":
    main()
