"""Vectors on disk in this process, on Qdrant Edge. One folder holds one leg's shard.

The dense and the sparse leg have a shard each: putting a point replaces the whole of it, so two
legs in one shard would erase one another, and a leg of its own can be remade alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.errors import IndexInUse, IndexMismatch, RetrievalError, said
from retrieval.model import (
    Passage,
    PassageId,
    Ranked,
    Scope,
    SourceId,
    SparseVector,
    VersionHash,
)
from retrieval.stores.edge_quantized import QuantizedBeside
from retrieval.vectors import ASKED, all_fit, fit

FORMAT = 1
NEVER = 1 << 40  # KiB; building HNSW keeps Python's lock to the end: nothing here asks for it
UNWRITTEN = 2_048  # passages in the journal alone: what an opening after a crash may have to redo
SPARE = 16  # extra results asked for, so that ties at the cut are broken by passage id
_FILTERED = ("tenant", "space", "source", "version")
_MANIFEST = "manifest.json"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Owners:
    """Who may have points here: at least everyone who does."""

    tenants: frozenset[str]
    spaces: frozenset[str]

    def joined(self, passages: Sequence[Passage]) -> _Owners:
        """With the owners of these; itself where they are known."""
        tenants = self.tenants.union(passage.tenant for passage in passages)
        spaces = self.spaces.union(passage.space for passage in passages)
        known = tenants == self.tenants and spaces == self.spaces
        return self if known else _Owners(tenants, spaces)


class QdrantEdge:
    """Satisfies ``VectorIndex``. Searches run beside one another, changes one after another."""

    def __init__(self, place: Path, config: edge.EdgeConfig, vector: str, dimensions: int | None):
        """Open the shard at a place. Blocking."""
        shard = _guarded(place, lambda: edge.EdgeShard.load(str(place), config))
        # Sweeps out deleted points where a fifth is. It takes a second for 20,000 points, in which
        # nothing else in this process goes on: so now, before anyone asks, and never later. Until
        # then they cost next to nothing.
        if shard.optimize():
            shard.flush()
        self._shard = shard
        self._vector = vector
        self._dimensions = dimensions
        self._changes = ThreadPoolExecutor(1, f"{vector}-changes")
        self._searches = ThreadPoolExecutor(4, f"{vector}-searches")
        self._journal = os.open(place / "wal", os.O_RDONLY | os.O_DIRECTORY)
        self._unwritten = 0
        self._owners = self._read_owners()
        self._beside: QuantizedBeside | None = None
        if dimensions is not None and dimensions % 2 == 0:
            self._beside = QuantizedBeside(shard, place.parent, dimensions, self._changes)
            self._changes.submit(self._beside.put, (), ())  # makes it if there are enough

    @classmethod
    def open_dense(cls, folder: Path, *, fingerprint: str, dimensions: int) -> Self:
        """Open or create the shard for one encoder's dense vectors. Blocking; then ``close``.

        Raises IndexMismatch when the folder holds another encoder's vectors, and IndexInUse when
        another process has it open.
        """
        config = edge.EdgeConfig(
            vectors={
                "dense": edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Dot),
            },
            optimizers=edge.EdgeOptimizersConfig(indexing_threshold=NEVER),
        )
        return cls._open(folder, "dense", fingerprint, dimensions, config)

    @classmethod
    def open_sparse(cls, folder: Path, *, fingerprint: str) -> Self:
        """As ``open_dense``, for an encoder of weighted terms."""
        config = edge.EdgeConfig(sparse_vectors={"sparse": edge.EdgeSparseVectorParams()})
        return cls._open(folder, "sparse", fingerprint, None, config)

    @classmethod
    def _open(
        cls,
        folder: Path,
        vector: str,
        fingerprint: str,
        dimensions: int | None,
        config: edge.EdgeConfig,
    ) -> Self:
        wanted = {
            "format": FORMAT,
            "vector": vector,
            "encoder": fingerprint,
            "dimensions": dimensions,
        }
        described = folder / _MANIFEST
        place = folder / "shard"
        if described.exists():
            try:
                found = json.loads(described.read_bytes())
            except ValueError as error:
                raise IndexMismatch(
                    f"{folder.name}/{_MANIFEST} cannot be read ({error}); run `stratmaster reindex`"
                ) from error
            if found != wanted:
                raise IndexMismatch(
                    f"the index {folder.name} was made by {_said(found)}, but the settings "
                    f"name {_said(wanted)}; set the encoder back, or run `stratmaster reindex`",
                    made=str(found.get("encoder")),
                )
            if place.exists():
                return cls(place, config, vector, dimensions)
        elif place.exists():
            raise IndexMismatch(
                f"the index {folder.name} does not say which encoder made it "
                f"({_MANIFEST} is missing); run `stratmaster reindex`"
            )
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f".shard-{os.getpid()}"
        for left in folder.glob(".shard-*"):
            if left == made or not _runs(left.name.removeprefix(".shard-")):
                shutil.rmtree(left, ignore_errors=True)  # by a process that died here
        shard = _guarded(made, lambda: edge.EdgeShard.create(str(made), config))
        for name in _FILTERED:
            shard.update(
                edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Keyword)
            )
        shard.flush()
        shard.close()
        # Shard and manifest appear together or not at all, as far as an opener can tell: a
        # manifest alone is begun again, a shard alone cannot come to be.
        _write(described, wanted)
        made.rename(place)
        return cls(place, config, vector, dimensions)

    async def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None:
        if not passages:
            return

        def work() -> None:
            all_fit(passages, vectors, self._dimensions)
            self._owners = self._owners.joined(passages)  # before their points are there
            points = [
                edge.Point(
                    _point(passage.id),
                    {self._vector: _named(vector)},
                    {
                        "passage": passage.id,
                        "tenant": passage.tenant,
                        "space": passage.space,
                        "source": passage.source,
                        "version": passage.version,
                    },
                )
                for passage, vector in zip(passages, vectors, strict=True)
            ]
            self._update(
                edge.UpdateOperation.upsert_points(points),
                lambda beside: beside.put(passages, vectors),
            )
            self._settle(len(points))

        await self._change(work)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        def work() -> None:
            self._update(
                edge.UpdateOperation.delete_points_by_filter(
                    edge.Filter(
                        must=[_equals("source", source)],
                        must_not=[_equals("version", keep)] if keep is not None else None,
                    )
                ),
                lambda beside: beside.drop(source, keep=keep),
            )
            self._settle(1)
            self._owners = self._read_owners()

        await self._change(work)

    async def search(
        self, vector: NDArray[np.float32] | SparseVector, *, scope: Scope, limit: int
    ) -> Sequence[Ranked]:
        fit(vector, ASKED, self._dimensions)
        if scope.empty or limit < 1:
            return ()
        if self._beside is not None and not isinstance(vector, SparseVector):
            # Of few passages, the way to another thread and back takes as long as the search.
            at_once = self._beside.at_once(vector, scope=scope, limit=limit)
            if at_once is not None:
                await asyncio.sleep(0)  # who asks again and again lets others go on between
                return at_once
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searches, self._search, vector, scope, limit)

    async def count(self) -> int:
        loop = asyncio.get_running_loop()
        request = edge.CountRequest(exact=True)
        return await loop.run_in_executor(self._searches, lambda: self._shard.count(request))

    def report(self) -> str:
        return self._beside.report() if self._beside is not None else ""

    async def quantized(self) -> bool:
        """Wait for what is made beside the shard; whether searches go by it."""
        beside = self._beside
        await self._change(lambda: None)  # which may begin one
        return beside is not None and await asyncio.to_thread(beside.settled)

    def close(self) -> None:
        """Finish what was begun and let the folder go."""
        if self._beside is not None:
            self._beside.close()
        self._changes.shutdown(wait=True)
        self._searches.shutdown(wait=True)
        self._shard.close()
        os.close(self._journal)

    async def _change(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._changes, work)

    def _update(
        self, change: edge.UpdateOperation, follow: Callable[[QuantizedBeside], None]
    ) -> None:
        """Change the shard, and what is beside it before anything else can fail."""
        try:
            self._shard.update(change)
        except BaseException:
            if self._beside is not None:
                self._beside.give_up()
            raise
        if self._beside is not None:
            follow(self._beside)

    def _settle(self, changed: int) -> None:
        """Make what was changed durable.

        Each call of the engine keeps Python's lock, and writing its files takes a tenth of a second
        and more. For most changes its journal is enough, which it reads again when it is opened.
        """
        self._unwritten += changed
        if self._unwritten < UNWRITTEN:
            _sync(self._journal)
        else:
            self._shard.flush()
            self._unwritten = 0

    def _read_owners(self) -> _Owners:
        held = self._shard.count(edge.CountRequest(exact=True))

        def values(key: str) -> frozenset[str]:
            request = edge.FacetRequest(key, limit=max(1, held), exact=True)
            return frozenset(str(hit.value) for hit in self._shard.facet(request).hits)

        return _Owners(values("tenant"), values("space"))

    def _search(
        self, vector: NDArray[np.float32] | SparseVector, scope: Scope, limit: int
    ) -> Sequence[Ranked]:
        if self._beside is not None and not isinstance(vector, SparseVector):
            quantized = self._beside.search(vector, scope=scope, limit=limit)
            if quantized is not None:
                return quantized
        # A condition that holds for every point is left out: looking it up takes longer than
        # comparing the vectors. Another owner's point may come meanwhile; owners are told before
        # their points come, so that they are the same shows that none did.
        owners = self._owners
        tenant = () if owners.tenants <= {scope.tenant} else (_equals("tenant", scope.tenant),)
        space = () if owners.spaces <= scope.spaces else (_among("space", scope.spaces),)
        found = self._found(vector, scope, limit, (*tenant, *space))
        if (tenant and space) or self._owners is owners:
            return found
        whose = (_equals("tenant", scope.tenant), _among("space", scope.spaces))
        return self._found(vector, scope, limit, whose)

    def _found(
        self,
        vector: NDArray[np.float32] | SparseVector,
        scope: Scope,
        limit: int,
        whose: Sequence[edge.FieldCondition],
    ) -> Sequence[Ranked]:
        must: list[edge.FieldCondition | edge.HasIdCondition] = [*whose]
        if scope.sources is not None:
            must.append(_among("source", scope.sources))
        if scope.passages is not None:
            must.append(edge.HasIdCondition({_point(id) for id in scope.passages}))
        asked = limit + SPARE
        while True:
            found = [
                Ranked(_passage(point), round(point.score, 6))
                for point in self._shard.query(
                    edge.QueryRequest(
                        limit=asked,
                        query=edge.Query.Nearest(_named(vector), using=self._vector),
                        filter=edge.Filter(must=list(must)) if must else None,
                        with_payload=["passage"],
                        params=edge.SearchParams(exact=True),
                    )
                )
            ]
            found.sort(key=lambda ranked: (-ranked.score, ranked.passage))
            # A tie that reaches past what was fetched could hide a smaller id: look further.
            if len(found) < asked or found[-1].score < found[limit - 1].score:
                return found[:limit]
            asked *= 4


def _point(id: PassageId) -> str:
    return str(uuid5(NAMESPACE_URL, id))


def _named(vector: NDArray[np.float32] | SparseVector) -> list[float] | edge.SparseVector:
    if isinstance(vector, SparseVector):
        return edge.SparseVector(indices=list(vector.indices), values=list(vector.values))
    floats: list[float] = vector.tolist()
    return floats


def _equals(key: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(key, match=edge.MatchValue(value))


def _among(key: str, values: Collection[str]) -> edge.FieldCondition:
    if len(values) == 1:  # the engine takes two thirds of the time
        return _equals(key, *values)
    return edge.FieldCondition(key, match=edge.MatchAny(sorted(values)))


def _passage(point: edge.ScoredPoint) -> PassageId:
    payload = point.payload
    if payload is None:
        raise RetrievalError(f"the index holds a point without its passage: {point.id}")
    return str(payload["passage"])


def _said(manifest: Mapping[str, Any]) -> str:
    dimensions = manifest.get("dimensions")
    size = f" with {dimensions} dimensions" if dimensions is not None else ""
    return f"encoder {manifest.get('encoder')}{size} (format {manifest.get('format')})"


def _runs(process: str) -> bool:
    """Whether there is a process of that number, of whomever."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _guarded(place: Path, begin: Callable[[], _T]) -> _T:
    folder = place.parent
    try:
        return begin()
    except Exception as error:  # the engine raises nothing more precise
        if "WouldBlock" in str(error):
            raise IndexInUse(
                f"another process has the index {folder.name} open; stop it, "
                "or give this one another DATA_DIR"
            ) from error
        raise RetrievalError(
            f"the index {folder.name} cannot be opened: {said(error, folder)}"
        ) from error


def _sync(folder: int) -> None:
    """What an open folder's files hold is on disk when this returns, as are their names."""
    for name in os.listdir(folder):
        file = os.open(name, os.O_RDONLY, dir_fd=folder)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    os.fsync(folder)


def _write(path: Path, manifest: Mapping[str, Any]) -> None:
    scratch = path.with_suffix(".new")
    with scratch.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
