"""The quantized copy of an embedded shard's dense vectors: made beside it, and made anew."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.errors import said
from retrieval.model import Passage, Ranked, Scope, SourceId, SparseVector, VersionHash

if TYPE_CHECKING:  # loaded where there are enough vectors
    from retrieval.stores.quantized import Quantized

REPAYS = 2_048  # passages from which on it is kept: the engine compares fewer in half a millisecond
PAGE = 128  # points read at a time: the engine keeps Python's lock for 2 ms
NICE = 10


class QuantizedBeside:
    """Follows a shard, on the thread of the shard's changes; any thread may search or ask.

    The shard is the only thing that lasts: this is made from it after each opening, in pages
    between changes, and again when it has outgrown what it was trained on. While there is none, or
    after it failed, the shard itself is searched.
    """

    def __init__(
        self, shard: edge.EdgeShard, folder: Path, dimensions: int, changes: ThreadPoolExecutor
    ) -> None:
        self.ready: Quantized | None = None
        self.broken: Exception | None = None
        """Why there is none; it is tried again at the next opening."""
        self._shard = shard
        self._folder = folder
        self._dimensions = dimensions
        self._changes = changes
        self._learning = ThreadPoolExecutor(1, "dense-learning", initializer=_yield_to_others)
        self._making: Quantized | None = None
        self._held = self._count()  # at least as many passages as the shard has
        self._closed = False
        self._idle = threading.Event()
        self._idle.set()

    def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None:
        """Follow a put of dense vectors. With none, make what is missing."""
        self._held += len(passages)
        if passages:
            self._follow(lambda copy: copy.put(passages, np.array(vectors, np.float32)))
        outgrown = self.ready.outgrown if self.ready is not None else self._held >= REPAYS
        if not outgrown or self._making is not None or self.broken is not None or self._closed:
            return
        self._held = self._count()
        if self._held >= REPAYS:
            self._guarded(self._begin)
        else:
            self.ready = None  # it would keep what is gone, and grow by every put

    def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        """Follow a drop."""
        self._follow(lambda copy: copy.drop(source, keep=keep))

    def give_up(self) -> None:
        """Search the shard itself until enough is put: it may have done any part of a change."""
        self.ready = self._making = None
        self._idle.set()

    def search(
        self, vector: NDArray[np.float32], *, scope: Scope, limit: int
    ) -> Sequence[Ranked] | None:
        """As ``Quantized`` has it; None where the shard has to be searched."""
        return self._asked(lambda copy: copy.search(vector, scope=scope, limit=limit))

    def at_once(
        self, vector: NDArray[np.float32], *, scope: Scope, limit: int
    ) -> Sequence[Ranked] | None:
        """As ``Quantized`` has it; None also where there is none."""
        return self._asked(lambda copy: copy.at_once(vector, scope=scope, limit=limit))

    def _asked(
        self, ask: Callable[[Quantized], Sequence[Ranked] | None]
    ) -> Sequence[Ranked] | None:
        copy = self.ready
        if copy is None:
            return None
        try:
            return ask(copy)
        except Exception as error:
            self._fail(error)
            return None

    def report(self) -> str:
        """How the shard is searched now; of few passages there is nothing to say."""
        if self.broken is not None:
            why = said(self.broken, self._folder) or type(self.broken).__name__
            return f"compares every vector: its quantized copy broke ({why})"
        if self.ready is not None:
            return "searched quantized"
        if self._making is not None:
            return "compares every vector until its quantized copy is made"
        return ""

    def settled(self) -> bool:
        """Wait until none is being made; whether one answers. Blocking."""
        self._idle.wait()
        return self.ready is not None

    def close(self) -> None:
        """Give up what is being made."""
        self._closed = True
        self._learning.shutdown(wait=True, cancel_futures=True)
        self._idle.set()

    def _follow(self, change: Callable[[Quantized], None]) -> None:
        for copy in (self.ready, self._making):
            if copy is not None:
                self._guarded(change, copy)

    def _count(self) -> int:
        return self._shard.count(edge.CountRequest(exact=True))

    def _begin(self) -> None:
        from retrieval.stores.quantized import Quantized

        self._idle.clear()
        self._making = Quantized(self._folder, self._dimensions)
        self._then(self._changes, self._page, self._making, None)

    def _page(self, making: Quantized, offset: Any) -> None:
        records, offset = self._shard.scroll(
            edge.ScrollRequest(offset=offset, limit=PAGE, with_payload=True, with_vector=True)
        )
        passages, vectors = [], []
        for record in records:
            held, vector = record.payload, record.vector
            if held is None or not isinstance(vector, dict):
                raise TypeError(f"point {record.id} has no passage or no named vector")
            if held["passage"] not in making:  # else it was put since this began
                passages.append(
                    Passage(
                        id=held["passage"],
                        tenant=held["tenant"],
                        space=held["space"],
                        source=held["source"],
                        version=held["version"],
                        ordinal=0,
                        text="",
                        start=0,
                        end=0,
                    )
                )
                vectors.append(vector["dense"])
        if passages:
            making.put(passages, np.array(vectors, np.float32))
        if offset is not None:
            self._then(self._changes, self._page, making, offset)
        elif len(making) < REPAYS:  # so much was dropped meanwhile
            self.give_up()
        else:
            self._then(self._learning, self._learn, making)

    def _learn(self, making: Quantized) -> None:
        self._then(self._changes, self._finish, making, *making.learn(lambda: self._closed))

    def _finish(self, making: Quantized, index: Any, known: int) -> None:
        making.begin(index, known)
        self.ready, self._making = making, None
        self._idle.set()

    def _then(
        self,
        where: ThreadPoolExecutor,
        step: Callable[..., None],
        making: Quantized,
        *given: Any,
    ) -> None:
        def next_step() -> None:
            if making is self._making:  # else it was given up, and may have missed a change since
                self._guarded(step, making, *given)

        if not self._closed:
            where.submit(next_step)

    def _guarded(self, step: Callable[..., None], *given: Any) -> None:
        # What fails here (a full disk, no memory) must cost speed alone.
        try:
            step(*given)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.broken = error
        self.give_up()


def _yield_to_others() -> None:
    if sys.platform == "linux":  # where niceness belongs to a thread
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
