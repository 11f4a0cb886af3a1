"""Dense vectors once more, small enough that a question can be compared with all of them.

Each is kept twice: product-quantized in memory, two dimensions to four bits, and whole in a file
that has no name and goes when it is closed. A search takes many candidates by the first (FastScan,
André et al. 2015) and ranks them by the second, so that scores are those of comparing whole vectors
and only a passage that was no candidate can be missed. What is here is never the only copy.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.model import Passage, PassageId, Ranked, Scope, SourceId, VersionHash

SEARCHES = 4  # that may go on at once
CANDIDATES, TO_EACH = 128, 8  # ranked by their whole vectors: at least, and for each one asked for
FEW = 2_048  # rows of a narrow scope, all compared: finding candidates would take as long
LEARNT_OF = 20_000  # rows that the quantizer is trained on
TO_A_CELL, CELLS = 400, 1_024
READ, SHARE = 131_072, 4  # of the rows in scope, the nearest cells' so many, or one in so many
BLOCK = 4_096  # rows quantized at a time while the index is made
AT_ONCE = 700  # microseconds, as ``expected`` has it; a busy machine takes three times as long
GONE = 0  # the owner of a row that was replaced or dropped

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]


class Quantized:
    """One thread changes it; up to ``SEARCHES`` search beside that one, once it is ``learn``t."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        """Dimensions have to be even. The file is made in the folder, and at once without name."""
        self._dimensions = dimensions
        self._whole = _Whole(folder, dimensions)
        self._ids: list[PassageId] = []
        self._rows: dict[PassageId, int] = {}  # those not gone
        self._of_source: dict[SourceId, dict[VersionHash, list[int]]] = {}
        self._owner = np.zeros(BLOCK, np.int32)  # of each row, by its number in what follows
        self._owners: dict[tuple[str, str], int] = {}
        self._live = [0]  # rows of each owner that are not gone
        self._index: faiss.IndexIVFPQFastScan | None = None
        self._learnt_at = 0
        self._turns = threading.Semaphore(SEARCHES)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, passage: PassageId) -> bool:
        return passage in self._rows

    @property
    def outgrown(self) -> bool:
        """Whether one made anew would be better trained, or free of much that is gone."""
        gone = len(self._ids) - len(self._rows)
        return gone > len(self._rows) or len(self._ids) > 4 * max(self._learnt_at, LEARNT_OF // 4)

    def put(self, passages: Sequence[Passage], vectors: Matrix) -> None:
        """Keep these, in place of what the same passages were. Raises OSError on a full disk.

        Of a passage, only whose it is counts.
        """
        first = len(self._ids)
        self._whole.write(first, vectors)
        with self._alone():
            self._owner = _grown(self._owner, first + len(passages))
            for row, one in enumerate(passages, first):
                if one.id in self._rows:
                    self._forget(self._rows[one.id])
                owner = self._owners.setdefault((one.tenant, one.space), len(self._live))
                if owner == len(self._live):
                    self._live.append(0)
                self._owner[row] = owner
                self._live[owner] += 1
                self._ids.append(one.id)
                self._rows[one.id] = row
                self._of_source.setdefault(one.source, {}).setdefault(one.version, []).append(row)
            if self._index is not None:
                self._quantize(self._index, first, len(self._ids))

    def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        with self._alone():
            versions = self._of_source.get(source, {})
            for version in [version for version in versions if version != keep]:
                for row in versions.pop(version):
                    self._forget(row)
            if not versions:
                self._of_source.pop(source, None)

    def learn(self, stop: Callable[[], bool]) -> tuple[faiss.IndexIVFPQFastScan, int]:
        """Train and fill an index, to be given to ``begin``. Takes seconds, beside changes."""
        faiss.omp_set_num_threads(1)
        known = len(self._ids)
        random = np.random.default_rng(known)
        sample = np.sort(random.permutation(known)[:LEARNT_OF])
        index = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(self._dimensions),
            self._dimensions,
            max(1, min(known // TO_A_CELL, CELLS)),
            self._dimensions // 2,
            4,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.by_residual = False
        for training in (index.cp, index.pq.cp):
            training.niter = 8
            training.min_points_per_centroid = 1
        index.train(self._whole.rows[sample])
        for at in range(0, known, BLOCK):
            if stop():
                break
            self._quantize(index, at, min(at + BLOCK, known))
        return index, known

    def begin(self, index: faiss.IndexIVFPQFastScan, known: int) -> None:
        """Answer from this index, after it was told what changed since it was filled."""
        for at in range(known, len(self._ids), BLOCK):
            self._quantize(index, at, min(at + BLOCK, len(self._ids)))
        self._index, self._learnt_at = index, len(self._ids)

    def search(self, vector: Matrix, *, scope: Scope, limit: int) -> Sequence[Ranked]:
        """As ``VectorIndex`` has it, but for passages that were no candidates."""
        with self._turns:
            found = self._search(vector, scope, limit)
            assert found is not None  # it may take as long as it does
            return found

    def at_once(self, vector: Matrix, *, scope: Scope, limit: int) -> Sequence[Ranked] | None:
        """As ``search``, where it need not wait and takes well under a millisecond; else None."""
        if scope.sources is not None or scope.passages is not None:
            return None
        if expected(len(self._ids), self._dimensions, limit) > AT_ONCE:
            return None
        if not self._turns.acquire(blocking=False):
            return None
        try:
            return self._search(vector, scope, limit, once=True)
        finally:
            self._turns.release()

    def _search(
        self, vector: Matrix, scope: Scope, limit: int, *, once: bool = False
    ) -> Sequence[Ranked] | None:
        owners = [
            self._owners[scope.tenant, space]
            for space in scope.spaces
            if (scope.tenant, space) in self._owners
        ]
        admitted = np.zeros(len(self._live), bool)
        admitted[owners] = True
        within = self._narrowed(scope)
        if within is None:
            count = sum(self._live[owner] for owner in owners)
            if count == len(self._ids):
                return self._nearest(vector, limit, None, count, once=once)
            inside = admitted[self._owner[: len(self._ids)]]
            if count > FEW:
                return self._nearest(vector, limit, inside, count, once=once)
            within = np.flatnonzero(inside)
        else:
            within = within[admitted[self._owner[within]]]
            if len(within) > FEW:
                inside = np.zeros(len(self._ids), bool)
                inside[within] = True
                return self._nearest(vector, limit, inside, len(within), once=once)
        return self._ranked(within, vector, limit)[0]

    def _narrowed(self, scope: Scope) -> Rows | None:
        """The rows, gone ones too, of the sources and passages that a scope names, if it does."""
        found: Rows | None = None
        if scope.sources is not None:
            of_source = (self._of_source.get(source, {}).values() for source in scope.sources)
            found = np.fromiter(chain.from_iterable(chain.from_iterable(of_source)), np.int64)
        if scope.passages is not None:
            rows = (self._rows[id] for id in scope.passages if id in self._rows)
            named = np.fromiter(rows, np.int64)
            found = named if found is None else np.intersect1d(found, named)
        return found

    def _nearest(
        self,
        vector: Matrix,
        limit: int,
        inside: NDArray[np.bool_] | None,
        count: int,
        *,
        once: bool,
    ) -> Sequence[Ranked] | None:
        """The best of those inside, of which there are so many.

        None where one look does not tell and there may be no second.
        """
        index = self._index
        assert index is not None
        faiss.omp_set_num_threads(1)  # of this thread: more would take turns from other searches
        asked = _candidates(limit)
        within = faiss.SearchParametersIVF()
        read = max(READ, count // SHARE)
        within.nprobe = -(-index.nlist * min(read, count) // count)
        if inside is not None:
            bits = np.packbits(inside, bitorder="little")
            within.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        while True:
            asked = min(asked, count)
            _, found = index.search(vector[np.newaxis], asked, params=within)
            rows = found[0][found[0] >= 0]
            ranked, least = self._ranked(rows, vector, limit)
            everywhere = within.nprobe == index.nlist
            if (len(rows) == asked and least < ranked[-1].score) or (everywhere and asked == count):
                return ranked
            if once:
                return None
            # Too few, or a tie that reaches past the candidates and could hide a smaller id.
            if everywhere:
                asked *= 4
            within.nprobe = index.nlist

    def _ranked(self, rows: Rows, vector: Matrix, limit: int) -> tuple[Sequence[Ranked], float]:
        """The best of some rows, and the least score among all of them."""
        if not len(rows):
            return (), 0.0
        # Row by row, so that equal vectors have equal scores wherever they stand.
        scores = np.vecdot(self._whole.rows[rows], vector).astype(np.float64).round(6)
        least = float(scores.min())
        if len(rows) > limit:
            best = scores >= np.partition(scores, -limit)[-limit]
            rows, scores = rows[best], scores[best]
        found = [
            Ranked(self._ids[row], score)
            for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
        ]
        found.sort(key=lambda ranked: (-ranked.score, ranked.passage))
        return found[:limit], least

    def _forget(self, row: int) -> None:
        """The index keeps it, for what is added after a removal is quantized wrong (faiss 1.15)."""
        if self._owner[row] != GONE:
            self._live[self._owner[row]] -= 1
            self._owner[row] = GONE
            del self._rows[self._ids[row]]

    def _quantize(self, index: faiss.IndexIVFPQFastScan, first: int, end: int) -> None:
        faiss.omp_set_num_threads(1)
        index.add_with_ids(self._whole.rows[first:end], np.arange(first, end, dtype=np.int64))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody searches meanwhile."""
        for _ in range(SEARCHES):
            self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release(SEARCHES)


def expected(rows: int, dimensions: int, limit: int) -> float:
    """Microseconds of one look through the quantized rows, and of ranking its candidates.

    Fitted on one core of a Xeon: 5,183 and 11,655 rows of 384 dimensions, 10 and 100 asked for.
    """
    asked = _candidates(limit)
    return 60 + rows * dimensions * 11e-6 + asked * (0.25 + dimensions * 5e-4)


def _candidates(limit: int) -> int:
    return max(CANDIDATES, TO_EACH * limit)


class _Whole:
    """Rows of floats in a file without a name, grown at its end and read as memory."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        self._dimensions = dimensions
        with tempfile.TemporaryFile(dir=folder) as made:
            self._file = os.dup(made.fileno())
        weakref.finalize(self, os.close, self._file)  # a search may be the last to need it
        self.rows: Matrix = np.empty((0, dimensions), np.float32)

    def write(self, first: int, rows: Matrix) -> None:
        if first + len(rows) > len(self.rows):
            # What was mapped before stays mapped for as long as someone reads there.
            room = max(2 * len(self.rows), first + len(rows), BLOCK)
            size = room * self._dimensions * rows.itemsize
            os.truncate(self._file, size)
            mapped = mmap.mmap(self._file, size, prot=mmap.PROT_READ)
            self.rows = np.frombuffer(mapped, np.float32).reshape(room, self._dimensions)
        # Written, not assigned through the mapping: a full disk is an error then, not a signal.
        left = np.ascontiguousarray(rows, np.float32).data.cast("B")
        at = first * self._dimensions * rows.itemsize
        while left:
            done = os.pwrite(self._file, left, at)
            left, at = left[done:], at + done


def _grown(owners: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    if count <= len(owners):
        return owners
    grown = np.zeros(max(count, 2 * len(owners)), np.int32)
    grown[: len(owners)] = owners
    return grown
