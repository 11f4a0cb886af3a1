"""How long an edit takes to reach the others in a room, beside the servers people know.

    python -m evals.bench.collab [echo join idle store] [--clients 2 50 200 500] [--rounds 3]
                                 [--trace FILE]

Starts the product (over a fresh SQLite database), `@hocuspocus/server` and `@y/websocket-server`
(both in memory) one after the other, on free ports in processes of their own, and has one Node
process play all clients with the same frames. Round after round in turn, so that what else the
machine does falls on all alike. Prints a table in Markdown and, with ``--json``, its figures.

echo   one types 20 edits a second, the others listen: milliseconds from send to receipt, without
       and with presence (every client moves its cursor once a second)
join   150 clients ask at once for a document of 4 MB: until the last has it, and memory above rest
idle   processor time that a connection at rest takes, in microseconds a second
store  a session of real edits: what the database holds against one snapshot of the document
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx

PEERS = Path(__file__).parent / "rooms"
US = "StratMaster"
RATE = 20  # edits a second; a fast typist
STORM_BYTES = 4_000_000
Figures: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Server:
    """One that serves a room now."""

    name: str
    pid: int
    url: str
    document: str
    framing: str
    folder: Path

    async def play(self, what: str, **order: Any) -> dict[str, Any]:
        """What came of clients that did this."""
        process = await self.clients(what, **order)
        told, _ = await process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"The clients of {self.name} failed at {what} {order}.")
        said: dict[str, Any] = json.loads(told)
        return said

    @asynccontextmanager
    async def while_there(self, what: str, **order: Any) -> AsyncIterator[None]:
        """While clients that did this stay."""
        process = await self.clients(what, **order)
        assert process.stdout is not None
        try:
            await process.stdout.readline()
            yield
        finally:
            await process.communicate(b"leave")

    async def clients(self, what: str, **order: Any) -> asyncio.subprocess.Process:
        told = {"url": self.url, "document": self.document, "framing": self.framing}
        return await asyncio.create_subprocess_exec(
            *("node", str(PEERS / "clients.mjs"), json.dumps({"do": what} | told | order)),
            stdin=PIPE,
            stdout=PIPE,
        )

    def memory(self, what: str = "VmRSS") -> float:
        """Resident megabytes, now or (``VmHWM``) at most."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    async def load(self, seconds: float) -> float:
        """Seconds of processor time that a second takes, over these."""
        begun = self._processor()
        await asyncio.sleep(seconds)
        return (self._processor() - begun) / seconds

    def _processor(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def served() -> AsyncIterator[tuple[int, str, Path]]:
    """The product's process, its address and its folder, which is empty at first."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if "STRATMASTER" not in name}
        settings = {
            "STRATMASTER_DATA_DIR": folder,
            "STRATMASTER_DENSE_URL": "hashing:",
            "STRATMASTER_SAMPLE": "false",
        }
        command = (sys.executable, "-m", "backend", "serve", "--port", "0")
        async with running(*command, env=kept | settings) as (pid, said):
            yield pid, said.split()[-1], Path(folder)


@asynccontextmanager
async def product() -> AsyncIterator[Server]:
    """The product with one brief."""
    async with served() as (pid, address, folder):
        async with httpx.AsyncClient(base_url=address) as http:
            space = (await http.post("/api/spaces", json={"name": "Bench"})).json()["id"]
            made = await http.post(f"/api/spaces/{space}/briefs", json={"title": "Bench"})
            brief = made.json()["id"]
        url = f"{address.replace('http', 'ws', 1)}/rooms/{brief}"
        yield Server(US, pid, url, brief, "plain", folder)


@asynccontextmanager
async def peer(kind: str, name: str) -> AsyncIterator[Server]:
    async with running("node", str(PEERS / "serve.mjs"), kind) as (pid, port):
        wrapped = kind == "hocuspocus"
        url = f"ws://127.0.0.1:{port}" + ("" if wrapped else "/bench")
        yield Server(name, pid, url, "bench", "hocuspocus" if wrapped else "plain", Path())


@asynccontextmanager
async def running(
    *command: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[int, str]]:
    """A server's process, and what it says once it serves."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=env)
    assert process.stdout is not None
    try:
        yield process.pid, (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


def servers() -> Sequence[Callable[[], Any]]:
    return (
        product,
        lambda: peer("hocuspocus", "@hocuspocus/server 4.7.0"),
        lambda: peer("y-websocket", "@y/websocket-server 0.1.1"),
    )


def echo(clients: int, presence: bool, edits: int) -> Callable[[Server], Awaitable[Figures]]:
    async def measure(server: Server) -> Figures:
        return await server.play("echo", clients=clients, edits=edits, rate=RATE, presence=presence)

    return measure


async def join(server: Server) -> Figures:
    async with server.while_there("fill", bytes=STORM_BYTES):
        server.forget_peak()
        rest = server.memory()
        said = await server.play("join", clients=150)
    assert said["smallest"] >= STORM_BYTES, f"{server.name} gave a document of {said['smallest']}"
    return {"all": said["all"], "p50": said["p50"], "memory": server.memory("VmHWM") - rest}


async def idle(server: Server) -> Figures:
    clients, seconds = 400, 20.0
    await asyncio.sleep(3)  # what a start leaves to do
    alone, before = await server.load(seconds), server.memory()
    async with server.while_there("idle", clients=clients):
        await asyncio.sleep(1)
        spent = await server.load(seconds) - alone
        memory = server.memory() - before
    return {"cpu": spent / clients * 1e6, "memory": memory / clients * 1024, "alone": alone * 1e3}


async def store(server: Server, trace: Path, each: int) -> Figures:
    """Ours alone: the peers here keep nothing."""
    said = await server.play("play", trace=str(trace), each=each)
    with sqlite3.connect(f"file:{server.folder / 'app.db'}?mode=ro", uri=True) as database:
        (kept,) = database.execute(
            'SELECT (SELECT coalesce(sum(length("update")), 0) FROM brief_updates)'
            ' + (SELECT coalesce(sum(length("update")), 0) FROM brief_snapshots)'
        ).fetchone()
    return said | {"kept": kept, "ratio": kept / said["snapshot"]}


async def in_turn(
    measure: Callable[[Server], Awaitable[Figures]], rounds: int
) -> dict[str, list[Figures]]:
    """Each server's figures, round by round."""
    told: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for serving in servers():
            async with serving() as server:
                told.setdefault(server.name, []).append(await measure(server))
    return told


def row(told: Mapping[str, Sequence[Figures]], key: str) -> str:
    """Each server's median, and ours over the best peer's with its spread over the rounds."""
    medians = {name: statistics.median(one[key] for one in all) for name, all in told.items()}
    best = min((name for name in medians if name != US), key=lambda name: medians[name])
    pairs = zip(told[US], told[best], strict=True)
    ratios = [ours[key] / theirs[key] for ours, theirs in pairs if theirs[key]]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "–"
    middle = f"{statistics.median(ratios):.2f}" if ratios else "–"
    cells = " | ".join(f"{medians[name]:,.1f}" for name in told)
    return f"{cells} | {middle} ({spread})"


def heading(what: str) -> None:
    names = [US, "Hocuspocus", "y-websocket"]
    print(f"\n| {what} | {' | '.join(names)} | ours / best peer (rounds) |")
    print("| --- |" + " ---: |" * 4, flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["echo", "join", "idle"])
    parser.add_argument("--clients", type=int, nargs="+", default=[2, 50, 200, 500])
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trace", type=Path, help="of edits, for store: JSON, may be gzipped")
    parser.add_argument("--each", type=int, default=20, help="edits to a frame, for store")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    unknown = set(options.what) - {"echo", "join", "idle", "store"}
    if unknown:
        parser.error(f"{', '.join(unknown)}: there is echo, join, idle and store")
    if "store" in options.what and options.trace is None:
        parser.error("store plays a trace: name one with --trace")
    if not (PEERS / "node_modules").is_dir():
        await asyncio.to_thread(subprocess.run, ["npm", "ci", "--silent"], cwd=PEERS, check=True)
    figures: dict[str, Any] = {}
    if "echo" in options.what:
        heading("milliseconds")
        for clients in options.clients:
            for presence in (False, True):
                case = f"{clients} clients{', presence' if presence else ''}"
                told = await in_turn(echo(clients, presence, options.edits), options.rounds)
                figures[case] = told
                for key in ("p50", "p95", "p99", "undelivered"):
                    print(f"| {case}: {key} | {row(told, key)} |", flush=True)
    if "join" in options.what:
        heading("150 join 4 MB")
        told = figures["join"] = await in_turn(join, options.rounds)
        for key, words in (("all", "all have it, ms"), ("memory", "MB above rest")):
            print(f"| {words} | {row(told, key)} |", flush=True)
    if "idle" in options.what:
        heading("400 at rest")
        told = figures["idle"] = await in_turn(idle, options.rounds)
        for key, words in (
            ("cpu", "µs a second, each"),
            ("memory", "KB, each"),
            ("alone", "ms a second without any"),
        ):
            print(f"| {words} | {row(told, key)} |", flush=True)
    if "store" in options.what:
        async with product() as server:
            kept = figures["store"] = await store(server, options.trace, options.each)
        print(f"\n{options.trace.name}: " + json.dumps(kept))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
