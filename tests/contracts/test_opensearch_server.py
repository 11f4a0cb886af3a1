"""What an OpenSearch server adds to the legs' contracts: an alias, a network, another scorer."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, pairwise
from pathlib import Path

import pytest
from opensearchpy import OpenSearch as Client

from retrieval.errors import EncodingFailed, EngineUnavailable, IndexMismatch, RetrievalError
from retrieval.memory import MemoryLexical
from retrieval.model import Passage, Query, Scope, SparseVector
from retrieval.stores.exact import ExactVectors
from retrieval.stores.opensearch import (
    CHUNK,
    SPARSE_TERMS,
    OpenSearch,
    OpenSearchSparse,
    Server,
)
from retrieval.stores.opensearch_generations import OpenSearchGenerations
from retrieval.stores.tantivy import Tantivy

ALL = Scope("acme", frozenset({"s1"}))


def passage(ordinal: int, text: str = "apples", *, title: str = "") -> Passage:
    id = f"src_1.{ordinal:05d}"
    return Passage(id, "acme", "s1", "src_1", "v1", ordinal, text, 0, len(text), title)


@contextmanager
def opened(address: str, name: str) -> Iterator[OpenSearch]:
    leg = OpenSearch.open(Server(address), name, refresh="20ms")
    try:
        yield leg
    finally:
        leg.close()


@pytest.fixture
def name(opensearch_address: str) -> Iterator[str]:
    made = f"own-{secrets.token_hex(6)}"
    yield made
    OpenSearchGenerations(Server(opensearch_address), made).erase()


@pytest.fixture
def client(opensearch_address: str) -> Iterator[Client]:
    host, _, port = opensearch_address.partition(":")
    with Client(hosts=[{"host": host, "port": int(port)}]) as made:
        yield made


async def test_it_agrees_with_the_embedded_engine(
    opensearch_address: str, name: str, shared_data: Path, tmp_path: Path
) -> None:
    """A thousand real passages and fifty questions: the same top ten, with the same scores."""
    folder = shared_data / "cranfield"
    documents = map(json.loads, (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines())
    # A few say nothing; OpenSearch does not count those, tantivy does, and no file makes such.
    saying = islice((document for document in documents if document["text"].strip()), 1_000)
    passages = [
        passage(ordinal, document["text"], title=document["title"])
        for ordinal, document in enumerate(saying)
    ]
    questions = [
        json.loads(line)["text"]
        for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()[:50]
    ]
    embedded = Tantivy.open(tmp_path)
    try:
        with opened(opensearch_address, name) as served:
            for leg in (embedded, served):
                await leg.put(passages)
            for question in questions:
                ours = await embedded.search(Query(question), scope=ALL, limit=10)
                theirs = await served.search(Query(question), scope=ALL, limit=10)
                scores = [line.score for line in ours.ranked]
                assert [line.score for line in theirs.ranked] == pytest.approx(scores, rel=1e-5)
                # Where two scores differ by less than a float can say, either may stand first.
                if all(a - b > 1e-5 * a for a, b in pairwise(scores)):
                    assert [line.passage for line in theirs.ranked] == [
                        line.passage for line in ours.ranked
                    ]
    finally:
        embedded.close()


async def test_rank_features_rank_as_dot_products(opensearch_address: str, name: str) -> None:
    """Within the nine bits that the server keeps of a weight."""
    index = OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="f", refresh="20ms")
    try:
        vectors = [
            SparseVector((n % 7, 7 + n % 11, 30 + n), (0.1 + n / 9, 1.7 / (n + 1), 0.01))
            for n in range(60)
        ]
        exact = ExactVectors()
        for held in (exact, index):
            await held.put([passage(n) for n in range(60)], vectors)
        query = SparseVector((3, 9, 12, 41), (1.3, 0.4, 2.0, 11.0))
        expected = {
            line.passage: line.score for line in await exact.search(query, scope=ALL, limit=60)
        }
        found = await index.search(query, scope=ALL, limit=60)
        assert {line.passage for line in found} == expected.keys()
        for line in found:
            assert line.score == pytest.approx(expected[line.passage], rel=0.004)
    finally:
        index.close()


@pytest.mark.parametrize("terms", [SPARSE_TERMS, SPARSE_TERMS + 1, 5_000])
async def test_a_query_of_many_terms_is_asked_by_its_heaviest(
    opensearch_address: str, name: str, terms: int
) -> None:
    """A server refuses more clauses than it allows; a long query is cut, not refused."""
    index = OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="f", refresh="20ms")
    try:
        await index.put(
            [passage(0), passage(1)],
            [SparseVector((0,), (1.0,)), SparseVector((terms - 1,), (1.0,))],
        )
        weights = tuple(float(index + 1) for index in range(terms))
        found = await index.search(SparseVector(range(terms), weights), scope=ALL, limit=5)
        cut = terms > SPARSE_TERMS
        assert [line.passage[-1] for line in found] == (["1"] if cut else ["1", "0"])
    finally:
        index.close()


async def test_a_weight_that_is_no_number_is_refused_by_name(
    opensearch_address: str, name: str
) -> None:
    index = OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="f", refresh="20ms")
    try:
        bad = SparseVector((1,), (float("nan"),))
        with pytest.raises(EncodingFailed, match=r"src_1\.00001"):
            await index.put([passage(0), passage(1)], [SparseVector((1,), (1.0,)), bad])
        assert await index.count() == 0
    finally:
        index.close()


@pytest.mark.parametrize("count", [CHUNK, CHUNK + 1])
async def test_a_put_of_several_requests_is_found_whole(
    opensearch_address: str, name: str, count: int
) -> None:
    with opened(opensearch_address, name) as leg:
        await leg.put([passage(n) for n in range(count)])
        assert await leg.count() == count
        run = await leg.search(Query("apples"), scope=ALL, limit=3)
        assert [line.passage for line in run.ranked] == [passage(n).id for n in range(3)]


async def test_what_is_searched_is_an_alias_that_says_what_made_it(
    opensearch_address: str, name: str, client: Client
) -> None:
    """So that another can be built beside it; k1, b and the fields are written down there."""
    with opened(opensearch_address, name) as leg:
        await leg.put([passage(0)])
    ((index, described),) = client.indices.get(index=name).items()
    assert index != name
    assert described["aliases"] == {name: {}}
    assert described["settings"]["index"]["similarity"]["default"] == {
        "type": "BM25",
        "k1": "1.2",
        "b": "0.75",
    }
    assert described["mappings"]["dynamic"] == "strict"
    assert described["mappings"]["_meta"]["stratmaster"]["leg"] == "bm25"
    # An alias that was lost is given back, and what lies behind it is as it was.
    client.indices.delete_alias(index=index, name=name)
    with opened(opensearch_address, name) as leg:
        assert await leg.count() == 1


async def test_another_encoder_is_told_and_reindex_named(
    opensearch_address: str, name: str
) -> None:
    OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="one").close()
    OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="one").close()
    with pytest.raises(IndexMismatch, match=r"one.*two.*stratmaster reindex"):
        OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="two")
    with pytest.raises(IndexMismatch, match=r"sparse.*bm25"):
        OpenSearch.open(Server(opensearch_address), name)
    OpenSearchGenerations(Server(opensearch_address), name).erase()
    OpenSearchSparse.open(Server(opensearch_address), name, fingerprint="two").close()


async def test_an_index_of_someone_elses_is_neither_used_nor_removed(
    opensearch_address: str, client: Client
) -> None:
    theirs = f"theirs-{secrets.token_hex(6)}"
    client.indices.create(index=theirs)
    try:
        with pytest.raises(IndexMismatch, match="alias"):
            OpenSearch.open(Server(opensearch_address), theirs)
        with pytest.raises(IndexMismatch, match="it stays"):
            OpenSearchGenerations(Server(opensearch_address), theirs).erase()
        assert client.indices.exists(index=theirs)
    finally:
        client.indices.delete(index=theirs)


async def test_an_index_that_goes_while_serving_is_told_and_made_anew(
    opensearch_address: str, name: str
) -> None:
    """Never made by accident, with guessed fields: the first call fails, the next finds ours."""
    with opened(opensearch_address, name) as leg:
        await leg.put([passage(0)])
        OpenSearchGenerations(Server(opensearch_address), name).erase()
        with pytest.raises(RetrievalError, match=r"gone|refused"):
            await leg.put([passage(0)])
        await leg.put([passage(0)])
        assert await leg.count() == 1


async def test_a_server_that_is_away_is_named_and_asked_again(unused_tcp_port: int) -> None:
    """Opening does not need it, every call says where it should be, nothing hangs."""
    address = f"127.0.0.1:{unused_tcp_port}"
    leg = await asyncio.to_thread(OpenSearch.open, Server(address), "passages")
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match=f"{address} does not answer"):
            await leg.search(Query("apples"), scope=ALL, limit=1)
        with pytest.raises(EngineUnavailable):
            await leg.put([passage(0)])
    leg.close()


Answer = Callable[[BaseHTTPRequestHandler], tuple[int, str, str]]


@contextmanager
def imposter(answer: Answer) -> Iterator[str]:
    """Something at the address that is no OpenSearch."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, kind, text = answer(self)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = reply  # noqa: N815

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (200, "text/html", "<html>Welcome</html>"),
        (200, "application/json", "{"),
        (200, "application/json", "[]"),
        (200, "application/json", '{"i": {"mappings": 3}}'),
        (302, "text/html", "elsewhere"),
        (500, "application/json", '{"error": "unexpected"}'),
    ],
)
async def test_garbage_is_an_error_of_ours(status: int, kind: str, text: str) -> None:
    """Whatever answers there, the searcher gets an error it can name beside the other legs."""
    with imposter(lambda _: (status, kind, text)) as address, pytest.raises(RetrievalError):
        OpenSearch.open(Server(address), "passages").close()


async def test_a_server_too_busy_for_some_is_asked_again_and_then_named() -> None:
    """Part of a put refused is no success; what it held is put again by whoever tries again."""
    made = {"format": 1, "leg": "sparse", "encoder": "f"}
    asked = 0

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, str, str]:
        nonlocal asked
        if "_bulk" not in request.path:
            said: object = {"sparse-1": {"mappings": {"_meta": {"stratmaster": made}}}}
        else:
            asked += 1
            busy = {"_id": "src_1.00001", "status": 429, "error": {"type": "rejected"}}
            said = {
                "errors": True,
                "items": [{"index": {"_id": "src_1.00000", "status": 201}}, {"index": busy}],
            }
        return 200, "application/json", json.dumps(said)

    with imposter(answer) as address:
        index = OpenSearchSparse.open(Server(address), "sparse", fingerprint="f")
        with pytest.raises(EngineUnavailable, match=r"took 1 of 2.*src_1\.00001"):
            await index.put([passage(0), passage(1)], [SparseVector((1,), (1.0,))] * 2)
        index.close()
    assert asked > 1


async def test_the_twin_and_the_server_leave_out_the_same_words(
    opensearch_address: str, name: str
) -> None:
    """Signs that a whitespace tokenizer could take for a gap do not split a term of ours."""
    texts = ["naïve\u00a0café", "don't\u2003stop", "東京都の価格", "a\u0085b\u001cc", "12.1\u202f%"]
    passages = [passage(n, text) for n, text in enumerate(texts)]
    twin = MemoryLexical()
    with opened(opensearch_address, name) as served:
        for leg in (twin, served):
            await leg.put(passages)
        for text in texts:
            expected = await twin.search(Query(text), scope=ALL, limit=5)
            found = await served.search(Query(text), scope=ALL, limit=5)
            assert [line.passage for line in found.ranked] == [
                line.passage for line in expected.ranked
            ]
