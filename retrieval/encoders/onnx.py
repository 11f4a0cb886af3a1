"""A dense encoder on ONNX Runtime and tokenizers; no torch."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from retrieval.encoders.runtime import Session, open_session
from retrieval.errors import EncodingFailed
from retrieval.model import Side
from retrieval.weights import Manifest, verify

GROUP = 4  # passages to a job: short jobs let a cancelled ingest stop soon
NICE = 5  # passage threads yield to all others
NICE_TO_QUERIES = 2  # as the threads do that an answer's sentences are encoded in
SENTENCE_THREADS = 2


class OnnxEncoder:
    """One session shared by all threads, one text to a run.

    A run works in the thread that calls it, so there is no lock to wait for: queries have threads
    of their own and go ahead of any passage batch, and so have the sentences of an answer, which
    would else wait for all that is being read in. With one text to a run there is no padding, and a
    vector does not depend on what else was in its batch.
    """

    def __init__(
        self,
        manifest: Manifest,
        tokenizer: Tokenizer,
        session: Session,
        *,
        passage_threads: int,
        query_threads: int,
    ) -> None:
        self._manifest = manifest
        self._tokenizer = tokenizer
        self._session = session
        self._passages = ThreadPoolExecutor(passage_threads, "encode-passages", _yield, (NICE,))
        self._queries = ThreadPoolExecutor(query_threads, "encode-query")
        self._sentences = ThreadPoolExecutor(
            SENTENCE_THREADS, "encode-sentences", _yield, (NICE_TO_QUERIES,)
        )

    @classmethod
    def open(cls, folder: Path, *, passage_threads: int = 2, query_threads: int = 2) -> Self:
        """Open a model's folder, as ``retrieval.weights.fetch`` makes it, checking every hash.

        Blocking (about 0.2 s): call it at start-up or in a thread. ``close`` when done.
        """
        if passage_threads < 1 or query_threads < 1:
            raise ValueError(
                f"threads must be at least 1, got {passage_threads} for passages "
                f"and {query_threads} for queries"
            )
        manifest = verify(folder)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(manifest.max_length)
        session = open_session(folder / "model.onnx")
        return cls(
            manifest,
            tokenizer,
            session,
            passage_threads=passage_threads,
            query_threads=query_threads,
        )

    @property
    def dimensions(self) -> int:
        return self._manifest.dimensions

    @property
    def fingerprint(self) -> str:
        return self._manifest.fingerprint

    @property
    def max_length(self) -> int:
        """Tokens, the two markers included; what is longer is cut off at the end."""
        return self._manifest.max_length

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        loop = asyncio.get_running_loop()
        executor, prefix = {
            Side.QUERY: (self._queries, self._manifest.query_prefix),
            Side.SENTENCE: (self._sentences, self._manifest.passage_prefix),
            Side.PASSAGE: (self._passages, self._manifest.passage_prefix),
        }[side]

        def work(places: Sequence[int]) -> None:
            for place in places:
                vectors[place] = self._one(prefix + texts[place])

        # Longest first, so that the threads finish together.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        jobs = [
            loop.run_in_executor(executor, work, order[at : at + GROUP])
            for at in range(0, len(order), GROUP)
        ]
        try:
            await asyncio.gather(*jobs)
        except BaseException:
            for job in jobs:
                job.cancel()
            raise
        return vectors

    def close(self) -> None:
        """Stop the threads; texts not yet begun are given up. Safe to repeat."""
        for executor in (self._passages, self._sentences, self._queries):
            executor.shutdown(wait=True, cancel_futures=True)

    def _one(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        vector: NDArray[np.float32] = self._session.run(None, {"input_ids": ids})[0][0]
        length = float(np.linalg.norm(vector))
        if not 0.99 < length < 1.01:  # false for NaN too
            raise EncodingFailed(
                f"{self._manifest.name} made a vector of length {length} from {text[:80]!r}; "
                "check the weights with `stratmaster doctor`"
            )
        return vector


def _yield(nice: int) -> None:
    if sys.platform == "linux":  # where niceness belongs to a thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
