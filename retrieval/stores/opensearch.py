"""The lexical leg, and the sparse leg's index, on an OpenSearch server.

Terms come from ``retrieval.terms`` and are matched as they are (k1 1.2, b 0.75), so this engine and
the embedded one rank alike, and the question never meets a query parser. What is searched is an
alias; the index behind it says in its mapping what made it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch as Client
from opensearchpy.exceptions import ConnectionError as NoAnswer
from opensearchpy.exceptions import (
    NotFoundError,
    OpenSearchException,
    RequestError,
    TransportError,
)

from retrieval.errors import EngineUnavailable, IndexMismatch, RetrievalError
from retrieval.model import (
    Passage,
    PassageId,
    Query,
    Ranked,
    Run,
    Scope,
    SourceId,
    SparseVector,
    VersionHash,
)
from retrieval.spelling import MAX_UNKNOWN, forms, once, written
from retrieval.terms import ANALYZER, asked, indexed, phrased, words_of
from retrieval.vectors import ASKED, all_fit, fit

FORMAT: Final = 3  # 2 keeps the order of a passage's words, 3 also the words as written
UNSPELT: Final = 2  # opened until one of FORMAT is built beside it: all of it but spelling
SPARSE_FORMAT: Final = 1
K1: Final = 1.2
B: Final = 0.75
SPARE: Final = 16  # asked for beyond the limit, so that ties at the cut go by passage id
DEEPEST: Final = 10_000  # results the server gives at most; a tie is followed no further
CHUNK: Final = 500  # passages in a request
CHUNK_BYTES: Final = 5 << 20
SPARSE_TERMS: Final = 512  # heaviest terms of a query that are looked up; the server takes 1,024
TRIES: Final = 4  # of a change that the server is too busy for, or that met another
TIMEOUT: Final = 30  # seconds
SEARCHING: Final = 5  # seconds; who asked has long gone on, and the thread is wanted again
REFRESH: Final = "1s"  # the longest that a put waits until it can be found
_FILTERED: Final = ("tenant", "space", "source", "version")
MARK: Final = "stratmaster"
_BUSY: Final = frozenset({429, 502, 503, 504})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenSearch at ``host:port``, and who asks it."""

    address: str
    secure: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def client(self) -> Client:
        host, _, port = self.address.rpartition(":")
        return Client(
            hosts=[{"host": host.strip("[]"), "port": int(port)}],
            http_auth=(self.user, self.password) if self.user and self.password else None,
            use_ssl=self.secure,
            verify_certs=self.secure,
            timeout=TIMEOUT,
            pool_maxsize=8,
            max_retries=1,
        )


class _Alias:
    """An index of ours behind its name: made when missing, checked before first use. Blocking."""

    def __init__(
        self,
        server: Server,
        name: str,
        *,
        made: Mapping[str, Any],
        fields: Mapping[str, Any],
        refresh: str,
    ) -> None:
        self.client = server.client()
        self.name = name
        self._where = f"{name} on {server.address}"
        self._place = server.address
        self._made = dict(made)
        self._fields = fields
        self._refresh = refresh
        self._checked = False
        self._checking = threading.Lock()
        self._threads = ThreadPoolExecutor(8, "opensearch")

    async def run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self.asked(work)
        )

    async def change(self, work: Callable[[], None]) -> None:
        """As ``run``, and what was begun has ended when this is cancelled.

        The next change would overtake it otherwise: a source dropped, and half of it put after.
        """
        begun = self._threads.submit(self.asked, work)
        ended = asyncio.wrap_future(begun)
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not begun.cancel():
                await asyncio.wait({ended})
                ended.exception()  # nobody waits for it any more
            raise

    def asked(self, work: Callable[[], _T]) -> _T:
        try:
            with self._checking:
                if not self._checked:
                    self._prepare()
                    self._checked = True
            return work()
        except OpenSearchException as error:
            raise self._said(error) from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RetrievalError(
                f"what answers at {self._place} is no OpenSearch ({error!r}); change its URL"
            ) from error

    def begin(self) -> None:
        try:
            self.asked(lambda: None)
        except EngineUnavailable:
            pass  # whoever asks next is told
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.client.close()

    def put(self, documents: Iterator[tuple[str, Mapping[str, Any]]]) -> None:
        """Write all, in requests of bounded size; found by every search that starts after."""
        chunks = _chunks(documents)
        chunk = next(chunks, None)
        if chunk is None:
            return
        following = next(chunks, None)
        if following is None:
            self._bulk(chunk, refresh="wait_for")
            return
        self._bulk(chunk)
        while following is not None:
            self._bulk(following)
            following = next(chunks, None)
        self.client.indices.refresh(index=self.name)

    def _bulk(self, lines: str, *, refresh: str | None = None) -> None:
        wait = {"refresh": refresh} if refresh else {}
        attempt = 1
        while True:
            # A write to a name that lost its index must not make another, of other fields.
            answer = self.client.bulk(
                body=lines, index=self.name, params={"require_alias": "true", **wait}
            )
            items = [item["index"] for item in answer["items"]]
            failed = [item for item in items if item.get("error") is not None]
            if not failed:
                return
            if attempt == TRIES or any(item["status"] not in _BUSY for item in failed):
                break
            time.sleep(0.2 * 2**attempt)
            attempt += 1
        first = failed[0]
        if first["status"] == 404:
            self._checked = False
        kind = EngineUnavailable if first["status"] in _BUSY else RetrievalError
        raise kind(
            f"OpenSearch took {len(items) - len(failed)} of {len(items)} "
            f"passages into {self._where}; {first['_id']} was refused: {first['error']}"
        )

    def drop(self, source: SourceId, keep: VersionHash | None) -> None:
        clause: dict[str, Any] = {"filter": [{"term": {"source": source}}]}
        if keep is not None:
            clause["must_not"] = [{"term": {"version": keep}}]
        # Deleting goes by what can be searched: first let all that was written be.
        self.client.indices.refresh(index=self.name)
        attempt = 1
        while True:
            answer = self.client.delete_by_query(
                index=self.name,
                body={"query": {"bool": clause}},
                params={"refresh": "true", "conflicts": "proceed"},
            )
            if not answer["version_conflicts"] and not answer["failures"]:
                return
            if attempt == TRIES:
                break
            attempt += 1
        raise RetrievalError(
            f"OpenSearch could not drop {source} from {self._where}: "
            f"{answer['version_conflicts']} passages were being changed, {answer['failures']}"
        )

    def count(self) -> int:
        return int(self.client.count(index=self.name)["count"])

    def search(
        self,
        should: Sequence[Mapping[str, Any]],
        scope: Scope,
        limit: int,
        also: Sequence[Mapping[str, Any]] = (),
    ) -> list[tuple[str, float]]:
        """The best by score, equal ones by id. The scope is a filter: it comes before ranking.

        ``also`` are filters beside it; with them, what matches none of ``should`` is found too.
        """
        held = [*_within(scope), *also]
        depth = min(limit + SPARE, DEEPEST)
        while True:
            answer = self.client.search(
                index=self.name,
                body={
                    "size": depth,
                    "_source": False,
                    "track_total_hits": False,
                    "query": {
                        "bool": {
                            "filter": held,
                            "should": should,
                            "minimum_should_match": 0 if also else 1,
                        }
                    },
                },
                # The statistics of all shards: the same question gives the same scores.
                params={"search_type": "dfs_query_then_fetch", **_asking(scope)},
            )
            found = [(str(hit["_id"]), float(hit["_score"])) for hit in answer["hits"]["hits"]]
            # A tie that reaches beyond what was asked for could hide the smaller id.
            if len(found) < depth or depth >= DEEPEST or found[-1][1] < found[limit - 1][1]:
                break
            depth = min(depth * 4, DEEPEST)
        found.sort(key=lambda line: (-line[1], line[0]))
        return found[:limit]

    def counted(
        self,
        wanted: Mapping[str, Any],
        scope: Scope,
        tallies: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """The tallies of what lies in the scope and is wanted."""
        answer = self.client.search(
            index=self.name,
            body={
                "size": 0,
                "track_total_hits": False,
                "query": {"bool": {"filter": [*_within(scope), wanted]}},
                "aggs": tallies,
            },
            params=_asking(scope),
        )
        found: Mapping[str, Any] = answer["aggregations"]
        return found

    def _prepare(self) -> None:
        found = self._behind()
        if not found:
            self._make()
            found = self._behind()
        if len(found) != 1 or self.name in found:
            raise IndexMismatch(
                f"{self._where} should be an alias of one index, and is {', '.join(found)}; "
                "name another, or remove it and run `stratmaster reindex`"
            )
        (made,) = found.values()
        if made is None:
            raise IndexMismatch(f"the index {self._where} is not ours; name another")
        if made != self._made:
            raise IndexMismatch(
                f"the index {self._where} was made as {made}, this program reads {self._made}; "
                "run `stratmaster reindex`",
                made=str(made.get("encoder") or made.get("analyzer")),
            )

    def _behind(self) -> dict[str, Any]:
        """The indexes behind the name, each with what made it."""
        try:
            mappings = self.client.indices.get_mapping(index=self.name)
        except NotFoundError:
            return {}
        return {
            index: described["mappings"].get("_meta", {}).get(MARK)
            for index, described in mappings.items()
        }

    def _make(self) -> None:
        digest = hashlib.sha256(json.dumps(self._made, sort_keys=True).encode()).hexdigest()
        index = f"{self.name}-{digest[:8]}"
        try:
            self.client.indices.create(
                index=index,
                body={
                    "aliases": {self.name: {}},
                    "settings": {
                        "number_of_shards": 1,
                        "auto_expand_replicas": "0-1",
                        "refresh_interval": self._refresh,
                        "similarity": {"default": {"type": "BM25", "k1": K1, "b": B}},
                    },
                    "mappings": {
                        "_meta": {MARK: self._made},
                        "dynamic": "strict",
                        "_source": {"excludes": list(self._fields)},
                        "properties": {
                            **{name: {"type": "keyword"} for name in _FILTERED},
                            **self._fields,
                        },
                    },
                },
            )
        except RequestError as error:
            if error.error != "resource_already_exists_exception":
                raise
            # Made by another process just now, or left when its alias was removed.
            self.client.indices.put_alias(index=index, name=self.name)

    def _said(self, error: OpenSearchException) -> RetrievalError:
        if isinstance(error, NoAnswer):
            return EngineUnavailable(
                f"OpenSearch at {self._place} does not answer ({error.error}); "
                "start it, or change its URL"
            )
        if not isinstance(error, TransportError):
            return RetrievalError(f"OpenSearch at {self._place} makes no sense ({error})")
        status = error.status_code
        if status in (401, 403):
            return EngineUnavailable(
                f"OpenSearch at {self._place} refuses the name and password in its URL ({status})"
            )
        if status in _BUSY:
            return EngineUnavailable(f"OpenSearch at {self._place} is not ready ({status})")
        if status == 404:
            self._checked = False  # made anew at the next call
            return RetrievalError(f"the index {self._where} has gone; run `stratmaster reindex`")
        return RetrievalError(f"OpenSearch at {self._place} refused ({status}: {error.error})")


class OpenSearch:
    """The lexical leg. A server that is away is asked again at the next call."""

    name = "bm25"

    def __init__(self, alias: _Alias, spells: bool) -> None:
        self._alias = alias
        self._spells = spells

    @classmethod
    def open(
        cls,
        server: Server,
        collection: str,
        *,
        refresh: str = REFRESH,
        spells: bool = True,
    ) -> Self:
        """Open, or make, an index on the server. Blocking; then ``close``.

        One that does not spell is as they were made before words were kept as written. Raises
        IndexMismatch when it holds another analysis' terms. A server that does not answer is no
        error yet: every call asks it again.
        """
        words = {"words": {"type": "keyword"}} if spells else {}
        alias = _Alias(
            server,
            collection,
            made={"format": FORMAT if spells else UNSPELT, "leg": cls.name, "analyzer": ANALYZER},
            fields={
                "terms": {"type": "text", "analyzer": "whitespace", "index_options": "positions"},
                **words,
            },
            refresh=refresh,
        )
        alias.begin()
        return cls(alias, spells)

    async def put(self, passages: Sequence[Passage]) -> None:
        """A stop half way leaves what was written; the same put again completes it."""
        if passages:
            await self._alias.change(
                lambda: self._alias.put((one.id, self._document(one)) for one in passages)
            )

    def _document(self, passage: Passage) -> Mapping[str, Any]:
        words = words_of(passage)
        spelt = {"words": sorted(written(words))} if self._spells else {}
        return _filters(passage) | {"terms": " ".join(indexed(passage, words))} | spelt

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._alias.change(lambda: self._alias.drop(source, keep))

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        if scope.empty or limit < 1:
            return Run(self.name, ())
        return await self._alias.run(lambda: self._search(query, scope, limit))

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        forms = [phrased(phrase) for phrase in phrases]
        if scope.empty or limit < 1 or not all(forms):
            return ()
        also = [
            {
                "bool": {
                    "minimum_should_match": 1,
                    "should": [{"match_phrase": {"terms": " ".join(form)}} for form in some],
                }
            }
            for some in forms
        ]
        found = await self._alias.run(lambda: self._alias.search(_words(query), scope, limit, also))
        return [id for id, _ in found]

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        if not self._spells:
            raise RetrievalError("the index of words is being rebuilt for it")
        if scope.empty or not words:
            return {}
        return await self._alias.run(lambda: self._near(words, scope))

    def _near(self, words: Sequence[str], scope: Scope) -> Mapping[str, Mapping[str, int]]:
        held = {
            word: {
                "bool": {
                    "should": [{"term": {"words": word}}, {"terms": {"terms": list(forms(word))}}]
                }
            }
            for word in words
        }
        known = self._alias.counted(
            {"bool": {"should": list(held.values())}},
            scope,
            {"held": {"filters": {"filters": held}}},
        )["held"]["buckets"]
        unknown = [word for word in words if not known[word]["doc_count"]]
        if not 0 < len(unknown) <= MAX_UNKNOWN:
            return {}
        others = {word: once(word) for word in unknown}
        every = sorted(set().union(*others.values()))
        buckets = self._alias.counted(
            {"terms": {"words": every}},
            scope,
            {"near": {"terms": {"field": "words", "include": every, "size": len(every)}}},
        )["near"]["buckets"]
        times = {bucket["key"]: int(bucket["doc_count"]) for bucket in buckets}
        return {
            word: {other: times[other] for other in near if other in times}
            for word, near in others.items()
        }

    def _search(self, query: Query, scope: Scope, limit: int) -> Run:
        words = _words(query)
        if not words:
            return Run(self.name, ())
        found = self._alias.search(words, scope, limit)
        return Run(self.name, tuple(Ranked(id, score) for id, score in found))

    async def count(self) -> int:
        return await self._alias.run(self._alias.count)

    def close(self) -> None:
        self._alias.close()


class OpenSearchSparse:
    """Satisfies ``VectorIndex`` for weighted terms, as rank features.

    The server keeps a weight to nine significant bits, so scores are within 0.4 % of the dot
    product; a weight must be above zero, and others are left out.
    """

    def __init__(self, alias: _Alias) -> None:
        self._alias = alias

    @classmethod
    def open(
        cls,
        server: Server,
        collection: str,
        *,
        fingerprint: str,
        refresh: str = REFRESH,
    ) -> Self:
        """As ``OpenSearch.open``; raises IndexMismatch when another encoder's terms are there."""
        alias = _Alias(
            server,
            collection,
            made={"format": SPARSE_FORMAT, "leg": "sparse", "encoder": fingerprint},
            fields={"weights": {"type": "rank_features"}},
            refresh=refresh,
        )
        alias.begin()
        return cls(alias)

    async def put(
        self, passages: Sequence[Passage], vectors: Sequence[NDArray[np.float32] | SparseVector]
    ) -> None:
        all_fit(passages, vectors, None)
        pairs = list(zip(passages, vectors, strict=True))
        if pairs:
            await self._alias.change(
                lambda: self._alias.put(
                    iter(
                        [
                            (passage.id, _filters(passage) | {"weights": _weights(vector)})
                            for passage, vector in pairs
                        ]
                    )
                )
            )

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._alias.change(lambda: self._alias.drop(source, keep))

    async def search(
        self, vector: NDArray[np.float32] | SparseVector, *, scope: Scope, limit: int
    ) -> Sequence[Ranked]:
        fit(vector, ASKED, None)
        if scope.empty or limit < 1:
            return ()
        sparse = _sparse(vector)
        heaviest = sorted(
            zip(sparse.indices, sparse.values, strict=True), key=lambda term: (-term[1], term[0])
        )
        terms = [
            {"rank_feature": {"field": f"weights.{index}", "linear": {}, "boost": weight}}
            for index, weight in islice(heaviest, SPARSE_TERMS)
            if weight > 0
        ]
        if not terms:
            return ()
        found = await self._alias.run(lambda: self._alias.search(terms, scope, limit))
        return [Ranked(id, round(score, 6)) for id, score in found]

    async def count(self) -> int:
        return await self._alias.run(self._alias.count)

    def close(self) -> None:
        self._alias.close()


def _within(scope: Scope) -> list[Mapping[str, Any]]:
    held: list[Mapping[str, Any]] = [
        {"term": {"tenant": scope.tenant}},
        {"terms": {"space": sorted(scope.spaces)}},
    ]
    if scope.sources is not None:
        held.append({"terms": {"source": sorted(scope.sources)}})
    if scope.passages is not None:
        held.append({"ids": {"values": sorted(scope.passages)}})
    return held


def _asking(scope: Scope) -> Mapping[str, Any]:
    return {
        # One copy of the shards for each reader.
        "preference": f"tenant-{scope.tenant}",
        "allow_partial_search_results": "false",
        "request_timeout": SEARCHING,
    }


def _words(query: Query) -> list[Mapping[str, Any]]:
    return [
        {"term": {"terms": {"value": term, "boost": float(times)}}}
        for term, times in asked(query).items()
    ]


def _filters(passage: Passage) -> dict[str, Any]:
    return {name: getattr(passage, name) for name in _FILTERED}


def _sparse(vector: NDArray[np.float32] | SparseVector) -> SparseVector:
    assert isinstance(vector, SparseVector), "whoever asks looked first"
    return vector


def _weights(vector: NDArray[np.float32] | SparseVector) -> dict[str, float]:
    sparse = _sparse(vector)
    return {
        str(index): float(weight)
        for index, weight in zip(sparse.indices, sparse.values, strict=True)
        if weight > 0
    }


def _chunks(documents: Iterator[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Requests' bodies, each of at most CHUNK passages and about CHUNK_BYTES."""
    lines: list[str] = []
    size = 0
    for id, document in documents:
        text = f"{json.dumps({'index': {'_id': id}})}\n{json.dumps(document)}\n"
        if lines and (len(lines) == CHUNK or size + len(text) > CHUNK_BYTES):
            yield "".join(lines)
            lines, size = [], 0
        lines.append(text)
        size += len(text)  # json.dumps writes ASCII: characters are bytes
    if lines:
        yield "".join(lines)
