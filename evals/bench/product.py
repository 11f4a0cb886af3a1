"""The served product, measured from outside: start, ingest, ask, memory.

    python -m evals.bench.product --data ../shared/data

Starts the real server as its own process on a fresh data folder and talks HTTP to it, as a browser
does. Figures: seconds to ready (first and second start), pages per second of PDF until searchable
and until fully encoded, milliseconds of an extractive answer by stage at 1 and 8 at once, and the
resident memory of the server at rest and at its peak, parsers included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

PASSAGES_PER_FILE = 100
QUESTIONS = 200
READY_TIMEOUT_S = 60
INGEST_TIMEOUT_S = 1800


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Memory:
    """Samples the resident set of a process and its children, in MB, until stopped."""

    process: psutil.Process
    peak: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        total = 0
        for process in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total / 1e6

    def watch(self) -> None:
        while not self._stop.wait(0.05):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.peak = max(self.peak, self.now())

    def stop(self) -> None:
        self._stop.set()


@dataclass(frozen=True)
class Server:
    url: str
    seconds_to_ready: float
    memory: Memory
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def serve(data_dir: Path, *, sample: bool) -> Iterator[Server]:
    """The product on a free port; ends it when left."""
    port = free_port()
    environment = os.environ | {
        "STRATMASTER_DATA_DIR": str(data_dir),
        "STRATMASTER_PORT": str(port),
        "STRATMASTER_SAMPLE": "true" if sample else "false",
        "STRATMASTER_MODELS_DIR": os.environ.get(
            "STRATMASTER_MODELS_DIR", str(Path("var/models").resolve())
        ),
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode} while starting")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/api/me", timeout=2).status_code == 200:
                    break
            if time.perf_counter() - began > READY_TIMEOUT_S:
                raise TimeoutError(f"the server was not ready after {READY_TIMEOUT_S} s")
            time.sleep(0.02)
        ready = time.perf_counter() - began
        memory = Memory(psutil.Process(process.pid))
        watcher = threading.Thread(target=memory.watch, daemon=True)
        watcher.start()
        yield Server(url, ready, memory, process)
        memory.stop()
        watcher.join()
    finally:
        process.terminate()
        process.wait(timeout=30)


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name:
            yield name, json.loads(line.removeprefix("data: "))


@dataclass(frozen=True)
class Asked:
    """One answer's milliseconds: to retrieved passages, to the first sentence, to the end."""

    retrieved: float
    first_sentence: float | None
    finished: float
    server: dict[str, float]


async def ask(client: httpx.AsyncClient, space: str, question: str) -> Asked:
    began = time.perf_counter()

    def elapsed() -> float:
        return (time.perf_counter() - began) * 1000

    retrieved = 0.0
    first: float | None = None
    server: dict[str, float] = {}
    async with client.stream(
        "POST", f"/api/spaces/{space}/answers", json={"question": question}
    ) as response:
        response.raise_for_status()
        async for name, data in events(response):
            match name:
                case "retrieved":
                    retrieved = elapsed()
                    server |= data["trace"]["stages"]
                case "sentence":
                    first = elapsed() if first is None else first
                case "finished":
                    server |= data.get("timings", {})
    return Asked(retrieved, first, elapsed(), server)


async def ask_all(url: str, space: str, questions: Sequence[str], at_once: int) -> list[Asked]:
    gate = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(base_url=url, timeout=60, headers={"Origin": url}) as client:

        async def one(question: str) -> Asked:
            async with gate:
                return await ask(client, space, question)

        return list(await asyncio.gather(*(one(question) for question in questions)))


def spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"p50 {statistics.median(ordered):7.1f}  p95 {p95:7.1f}  max {ordered[-1]:7.1f} ms"


def report_asked(asked: Sequence[Asked], at_once: int) -> None:
    print(f"ask, {at_once} at once, {len(asked)} questions")
    print(f"  to retrieved        {spread([one.retrieved for one in asked])}")
    first = [one.first_sentence for one in asked if one.first_sentence is not None]
    if first:
        print(f"  to first sentence   {spread(first)}   ({len(first)} answered)")
    print(f"  to the end          {spread([one.finished for one in asked])}")
    for stage in sorted({stage for one in asked for stage in one.server}):
        seen = [one.server[stage] for one in asked if stage in one.server]
        print(f"  · {stage:<17} {spread(seen)}")


def new_space(client: httpx.Client, name: str) -> str:
    response = client.post("/api/spaces", json={"name": name})
    response.raise_for_status()
    space: str = response.json()["id"]
    return space


@dataclass(frozen=True)
class Ingested:
    searchable_s: float
    ready_s: float
    pages: int
    passages: int
    failed: int


def ingest(client: httpx.Client, space: str, files: Sequence[Path]) -> Ingested:
    """Uploads the files one after the other and waits until all are searchable, then encoded."""
    began = time.perf_counter()
    for path in files:
        with path.open("rb") as content:
            client.post(
                f"/api/spaces/{space}/sources", files={"file": (path.name, content)}
            ).raise_for_status()
    searchable: float | None = None
    while True:
        sources = client.get(f"/api/spaces/{space}/sources").json()
        ended = [one for one in sources if one["state"] in ("ready", "failed", "cancelled")]
        failed = [one for one in ended if one["state"] != "ready"]
        if searchable is None and all(one["searchable"] or one in failed for one in sources):
            searchable = time.perf_counter() - began
        if len(ended) == len(files):
            receipts = [one["receipt"] for one in ended if one["receipt"]]
            return Ingested(
                searchable or 0.0,
                time.perf_counter() - began,
                sum(receipt["pages"] or 0 for receipt in receipts),
                sum(receipt["passages"] for receipt in receipts),
                len(failed),
            )
        if time.perf_counter() - began > INGEST_TIMEOUT_S:
            raise TimeoutError(f"{len(files) - len(ended)} sources were still not read")
        time.sleep(0.1)


def collection_files(collection: Path, into: Path) -> list[Path]:
    """The collection as Markdown files of a hundred passages, each under its title."""
    documents = [json.loads(line) for line in (collection / "corpus.jsonl").open()]
    files = []
    for start in range(0, len(documents), PASSAGES_PER_FILE):
        path = into / f"{collection.name}-{start:06d}.md"
        path.write_text(
            "\n\n".join(
                f"# {one['title'] or one['_id']}\n\n{one['text']}"
                for one in documents[start : start + PASSAGES_PER_FILE]
            )
        )
        files.append(path)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--collection", default="musique")
    parser.add_argument("--passages", type=int, default=None, help="stop after so many documents")
    parser.add_argument("--ingest-only", action="store_true", help="stop after the PDFs")
    chosen = parser.parse_args()
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        data_dir, scratch = Path(folder) / "var", Path(folder)
        with serve(data_dir, sample=False) as server:
            print(f"first start to ready: {server.seconds_to_ready:.2f} s")
            client = httpx.Client(base_url=server.url, timeout=120, headers={"Origin": server.url})
            pdfs = sorted((chosen.data / "pdf").glob("*.pdf"))
            done = ingest(client, new_space(client, "pdf"), pdfs)
            print(
                f"ingest {len(pdfs)} PDFs, {done.pages} pages, {done.passages} passages, "
                f"{done.failed} failed: "
                f"searchable {done.pages / done.searchable_s:.1f} pages/s, "
                f"encoded {done.pages / done.ready_s:.1f} pages/s; "
                f"load average {os.getloadavg()[0]:.1f}"
            )
            if chosen.ingest_only:
                return
            space = new_space(client, chosen.collection)
            files = collection_files(chosen.data / chosen.collection, scratch)
            if chosen.passages is not None:
                files = files[: -(-chosen.passages // PASSAGES_PER_FILE)]
            done = ingest(client, space, files)
            print(
                f"ingest {chosen.collection}, {done.passages} passages: "
                f"searchable after {done.searchable_s:.1f} s, encoded after {done.ready_s:.1f} s "
                f"({done.passages / done.ready_s:.1f} passages/s)"
            )
            queries = (chosen.data / chosen.collection / "queries.jsonl").open()
            questions = [json.loads(line)["text"] for line in queries][:QUESTIONS]
            asyncio.run(ask_all(server.url, space, questions[:10], 1))
            for at_once in (1, 8):
                report_asked(asyncio.run(ask_all(server.url, space, questions, at_once)), at_once)
            now, peak = server.memory.now(), server.memory.peak
            print(f"memory: {now:.0f} MB after asking, peak {peak:.0f} MB")
        with serve(data_dir, sample=False) as server:
            print(f"second start to ready: {server.seconds_to_ready:.2f} s")
            began = time.perf_counter()
            asyncio.run(ask_all(server.url, space, questions[:1], 1))
            print(f"first answer after a restart: {time.perf_counter() - began:.2f} s")
            time.sleep(5)
            print(f"memory at rest, encoders loaded: {server.memory.now():.0f} MB")


if __name__ == "__main__":
    main()
