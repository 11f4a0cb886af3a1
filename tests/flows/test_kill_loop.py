"""The served product killed again and again while it ingests: no index keeps half a source.

STRATMASTER_TEST_KILLS sets how many kills (12), STRATMASTER_TEST_SEED which ones. A failure names
its seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import qdrant_edge as edge
import tantivy

from backend.blobs.filesystem import FilesystemBlobs
from backend.clock import now

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("STRATMASTER_TEST_KILLS", "12"))
SEED = int(os.environ.get("STRATMASTER_TEST_SEED", "0")) or random.randrange(1, 10**9)
PATHS = 7
PATIENCE = 60.0  # seconds for all that was begun to come to its end

# Forks a server for each line it is sent: imported once, it starts in a tenth of the time. What is
# killed is a process with all its engines, as `stratmaster serve` makes it.
NURSERY = """
import os, signal, sys
import backend.app, backend.serving, backend.cli, backend.store.migrations
import retrieval.encoders.hashing, retrieval.graph.leg
import retrieval.stores.qdrant_edge, retrieval.stores.sqlite_graph, retrieval.stores.tantivy
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
child = 0
for _ in sys.stdin:
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys.stdin.close()
        backend.cli.app(["serve", "--port", "0"])
    print("pid", child, flush=True)
if child:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Nursery:
    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if "STRATMASTER" not in name}
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=ROOT,
            env={
                **kept,
                "STRATMASTER_DATA_DIR": str(folder),
                "STRATMASTER_DENSE_URL": "hashing:",
                "STRATMASTER_SAMPLE": "false",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.pid = 0
        self.address = ""

    def begin(self) -> None:
        """A server's process is there; it does not answer yet."""
        assert self._process.stdin is not None
        self.pid, self.address = 0, ""
        self._process.stdin.write(b"start\n")
        while not self.pid:
            self._line()

    def answers(self) -> str:
        """The address, once it does; empty where it ended before."""
        while not self.address and self._alive():
            self._line()
        return self.address

    def end(self) -> None:
        """kill -9, and wait until the process has gone and its locks with it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while self._alive():
            time.sleep(0.01)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _line(self) -> None:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 0.1)[0]:
            assert self._process.poll() is None, "what forks the servers has ended"
            return
        word, _, rest = self._process.stdout.readline().decode().strip().partition(" ")
        if word == "pid":
            self.pid = int(rest)
            self.address = ""  # what a server before it may have said in its last moment
        elif word == "StratMaster":
            self.address = rest.split()[-1]


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    made = Nursery(tmp_path)
    try:
        yield made
    finally:
        made.close()


CITIES = ["Rotterdam", "Hamburg", "Antwerp", "Valencia", "Trieste", "Marseille"]


def word(path: int, draft: int) -> str:
    """Stands in each passage of one draft of one file, and nowhere else."""
    return f"lot{path}x{draft}z"


def draft(path: int, number: int, parts: int) -> bytes:
    """A file that says its own word in every passage, and names that the graph knows."""
    return "\n\n".join(
        f"# Part {part} of {word(path, number)}\n\nThe Port of {CITIES[part % len(CITIES)]} "
        f"shipped {part} {word(path, number)} for Acme Freight. " + "Costs rose again. " * 40
        for part in range(parts)
    ).encode()


class Driver:
    """Changes sources, and knows for each path which versions may be current in the end."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._drafts: dict[int, list[bytes]] = {path: [] for path in range(PATHS)}
        self.words: dict[str, str] = {}  # by hash
        self.came: dict[int, set[str]] = {path: set() for path in range(PATHS)}
        self.possible: dict[int, set[str | None]] = {path: {None} for path in range(PATHS)}
        self.sources: dict[int, str] = {}
        self.space = ""
        self.done = 0

    def step(self, client: httpx.Client) -> None:
        """One change. Where the server dies meanwhile this raises, and it may stand or not."""
        if not self.space:
            self.space = client.post("/api/spaces", json={"name": "Ports"}).json()["id"]
        path = self._rng.randrange(PATHS)
        match self._rng.choices(["put", "back", "delete", "cancel"], [6, 1, 2, 1])[0]:
            case "back" if self._drafts[path]:
                self._put(client, path, self._rng.choice(self._drafts[path]))
            case "delete" if path in self.sources:
                self._delete(client, path)
            case "cancel" if path in self.sources:
                # Whatever was current before stays: any version that ever came may be that.
                self.possible[path] |= {None, *self.came[path]}
                assert client.post(f"/api/sources/{self.sources[path]}/cancel").status_code in (
                    200,
                    404,
                    409,
                )
            case _:
                number = len(self._drafts[path])
                made = draft(path, number, self._rng.choice([1, 3, 12, 40]))
                self._drafts[path].append(made)
                self.words[hashlib.sha256(made).hexdigest()] = word(path, number)
                self._put(client, path, made)
        self.done += 1

    def _put(self, client: httpx.Client, path: int, content: bytes) -> None:
        hash = hashlib.sha256(content).hexdigest()
        self.came[path].add(hash)
        self.possible[path].add(hash)
        sent = client.post(
            f"/api/spaces/{self.space}/sources", files={"file": (f"{path}.md", content)}
        )
        assert sent.status_code in (200, 202), sent.text
        self.possible[path] = {hash}
        self.sources[path] = sent.json()["id"]

    def _delete(self, client: httpx.Client, path: int) -> None:
        self.possible[path].add(None)
        answer = client.delete(f"/api/sources/{self.sources[path]}")
        assert answer.status_code in (200, 404), answer.text
        self.possible[path] = {None}


@pytest.mark.timeout(max(120, 12 * KILLS))
def test_no_index_keeps_half_a_source_however_often_the_server_is_killed(
    nursery: Nursery, tmp_path: Path
) -> None:
    """kill -9 at any moment, a start among them: each source is whole in each index, or nowhere."""
    print(f"STRATMASTER_TEST_SEED={SEED}")  # shown where this fails
    rng = random.Random(SEED)
    driver = Driver(rng)
    for _ in range(KILLS):
        nursery.begin()
        if rng.random() < 0.15:  # while it starts
            time.sleep(rng.random())
            nursery.end()
            continue
        address = nursery.answers()
        assert address, "the server ended before it answered"
        killer = threading.Timer(rng.uniform(0.01, 0.6), nursery.end)
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            found_at_once(client, driver, rng)
            for _ in range(rng.randrange(4)):  # however busy the machine, something is changed
                driver.step(client)
            killer.start()
            with contextlib.suppress(httpx.TransportError):
                while True:
                    driver.step(client)
            killer.join()
    nursery.begin()
    address = nursery.answers()
    assert address, "the server ended before it answered"
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        rows = settled(client, driver.space)
        for row in rows:  # what took the server down as often as it is tried waits for a person
            if row["state"] == "failed":
                assert "it stopped the server each time" in row["error"]["message"], row["error"]
                assert client.post(f"/api/sources/{row['id']}/retry").status_code == 202
        rows = settled(client, driver.space)
        assert all(row["state"] in {"ready", "cancelled"} for row in rows), rows
        current = {int(row["path"].removesuffix(".md")): row for row in rows}
        assert len(current) == len(rows), "two sources of one path"
        for path, possible in driver.possible.items():
            now = current.get(path)
            said = now["version"]["hash"] if now and now["searchable"] else None
            assert said in possible, f"{path}.md is at {said}, not one of {possible}"
        searchable = {row["id"]: row["version"]["hash"] for row in rows if row["searchable"]}
        for hash, own in driver.words.items():
            holders = {source for source, held in searchable.items() if held == hash}
            answer = search(client, driver, own)
            assert all(leg["state"] == "ok" for leg in answer["trace"]["legs"]), answer["trace"]
            by_word = {
                hit["passage"]["source"]
                for hit in answer["hits"]
                if any(part["leg"] == "bm25" for part in hit["contributions"])
            }
            assert by_word == holders, own
            for hit in answer["hits"]:
                assert searchable.get(hit["passage"]["source"]) == hit["passage"]["version"]
    nursery.end()
    print(f"{driver.done} changes, {len(searchable)} sources are left")
    stored = in_store(tmp_path, searchable)
    assert in_bm25(tmp_path) == stored
    assert in_dense(tmp_path) == stored
    assert in_graph(tmp_path) == stored
    only_blobs_of(tmp_path, rows, set(driver.words))


def found_at_once(client: httpx.Client, driver: Driver, rng: random.Random) -> None:
    """While the server still recovers: what the API calls searchable is found by its own word."""
    if not driver.space:
        return
    rows = client.get(f"/api/spaces/{driver.space}/sources").json()
    for row in rng.sample(rows, min(2, len(rows))):
        if not row["searchable"]:
            continue
        own = driver.words[row["version"]["hash"]]
        answer = search(client, driver, own)
        after = client.get(f"/api/sources/{row['id']}")
        if after.status_code != 200 or after.json()["version"] != row["version"]:
            continue  # changed meanwhile
        found = {(hit["passage"]["source"], hit["passage"]["version"]) for hit in answer["hits"]}
        assert (row["id"], row["version"]["hash"]) in found, f"{own} is not found"


def search(client: httpx.Client, driver: Driver, words: str) -> dict[str, Any]:
    answer = client.get(f"/api/spaces/{driver.space}/search", params={"q": words})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def settled(client: httpx.Client, space: str) -> list[dict[str, Any]]:
    """The sources once nothing is left to do."""
    until = time.monotonic() + PATIENCE
    while True:
        rows: list[dict[str, Any]] = client.get(f"/api/spaces/{space}/sources").json()
        ports = {port["port"]: port for port in client.get("/api/health").json()["ports"]}
        busy = any(row["state"] in {"queued", "reading", "indexing"} for row in rows)
        if not busy and "; 0 waiting" in ports["jobs"]["detail"]:
            return rows
        assert time.monotonic() < until, (rows, ports["jobs"])
        time.sleep(0.05)


def in_store(folder: Path, searchable: dict[str, str]) -> set[str]:
    """The passages that the database holds: of each source those of one version, all of them."""
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as database:
        rows = database.execute("SELECT id, source, version, ordinal FROM passages").fetchall()
        receipts = dict(
            database.execute(
                "SELECT sources.id, json_extract(versions.receipt, '$.passages') FROM sources "
                "JOIN versions ON versions.source = sources.id AND versions.hash = sources.version"
            ).fetchall()
        )
    held: dict[str, list[int]] = {}
    for _, source, version, ordinal in rows:
        assert searchable.get(source) == version, f"{source} keeps passages of {version}"
        held.setdefault(source, []).append(ordinal)
    assert held.keys() == searchable.keys()
    for source, ordinals in held.items():
        assert sorted(ordinals) == list(range(receipts[source])), f"{source} is not whole"
    return {row[0] for row in rows}


def in_bm25(folder: Path) -> set[str]:
    index = tantivy.Index.open(str(folder / "lexical/index"))
    searcher = index.searcher()
    every = searcher.search(tantivy.Query.all_query(), limit=100_000).hits
    found = [str(searcher.doc(address).get_first("id")) for _, address in every]
    assert len(set(found)) == len(found), "a passage stands twice"
    return set(found)


def in_dense(folder: Path) -> set[str]:
    shard = edge.EdgeShard.load(str(folder / "vectors/dense/shard"))
    try:
        points, _ = shard.scroll(edge.ScrollRequest(limit=100_000, with_payload=True))
        return {str((point.payload or {})["passage"]) for point in points}
    finally:
        shard.close()


def in_graph(folder: Path) -> set[str]:
    """The graph's passages; what they say must be theirs too."""
    with contextlib.closing(sqlite3.connect(folder / "graph.db")) as graph:
        for table in ("mention", "relation"):
            orphans = graph.execute(
                f"SELECT count(*) FROM {table} WHERE passage NOT IN (SELECT no FROM passage)"
            ).fetchone()
            assert orphans == (0,), f"a {table} has lost its passage"
        return {row[0] for row in graph.execute("SELECT id FROM passage")}


async def swept(folder: Path) -> None:
    async for _ in FilesystemBlobs(folder).stored_before(now()):
        pass


def only_blobs_of(folder: Path, rows: list[dict[str, Any]], sent: set[str]) -> None:
    """Each version has its file, and its text where it is read; nothing else has.

    But for the file of an upload that was cut off before it was a source: it is found again by the
    next upload of the same bytes. What was cut off while it was written, the daily sweep removes.
    """
    asyncio.run(swept(folder / "blobs"))
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as database:
        versions = database.execute("SELECT source, hash, read FROM versions").fetchall()
    kept = {
        path.relative_to(folder / "blobs").as_posix()
        for path in (folder / "blobs").rglob("*")
        if path.is_file()
    }
    originals = {f"local/originals/{hash}" for _, hash, _ in versions}
    texts = {f"local/texts/{source}/{hash}.txt" for source, hash, read in versions if read}
    readings = {f"local/readings/{source}/{hash}.json" for source, hash, read in versions if read}
    assert {source for source, _, _ in versions} == {row["id"] for row in rows}
    assert originals | texts | readings <= kept
    for other in kept - originals - texts - readings:
        kind, name = other.split("/")[1], other.rpartition("/")[2]
        cut_off = kind == "originals" and name in sent
        unread = kind in {"texts", "readings"} and (
            other.split("/")[2],
            name.partition(".")[0],
        ) in {(source, hash) for source, hash, _ in versions}
        assert cut_off or unread, f"{other} belongs to nobody"
