"""How long an edit takes to reach the others, and to be called saved.

    python -m evals.bench.collab [--edits 200]

Starts the product on a free port in a process of its own over a fresh SQLite database, lets
clients of this process join one brief, and has one of them type at 20 edits a second. Prints a
line of JSON per number of clients: milliseconds from send to receipt at each other client, and
from send to "saved" at the author, both clocks being this process's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pycrdt
from websockets.asyncio.client import ClientConnection, connect

from backend.serving import serve
from backend.settings import Settings
from collab import wire

PAUSE = 0.05  # between edits; a fast typist


@asynccontextmanager
async def product() -> AsyncIterator[str]:
    """The address of the product, served by a process of its own from an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "evals.bench.collab", "--serve", folder, stdout=PIPE
        )
        assert process.stdout is not None
        try:
            yield (await process.stdout.readline()).decode().strip()
        finally:
            process.terminate()
            await process.wait()


async def serve_product(folder: Path) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "port": 0,
            "dense_url": "hashing:",
            "sparse_url": "off:",
            "model_url": "extractive:",
            "sample": False,
        }
    )
    await serve(settings, lambda address: print(address, flush=True))


async def measure(clients: int, edits: int) -> dict[str, float]:
    """Echo and save times with this many clients in one room, the author included."""
    async with product() as address, httpx.AsyncClient(base_url=address) as http:
        space = (await http.post("/api/spaces", json={"name": "Bench"})).json()["id"]
        made = await http.post(f"/api/spaces/{space}/briefs", json={"title": "Bench"})
        url = f"{address.replace('http', 'ws', 1)}/rooms/{made.json()['id']}"
        return await echo([await connect(url) for _ in range(clients)], edits)


async def echo(sockets: Sequence[ClientConnection], edits: int) -> dict[str, float]:
    author, *others = sockets
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    for socket in sockets:
        if socket is author:
            await socket.send(wire.hello(""))
            await socket.recv()
        await socket.send(wire.step_1(b"\x00"))
        await socket.recv()  # step 2
        await socket.recv()  # step 1, left unanswered: there is nothing to bring
    sent: list[float] = []
    heard: list[float] = []
    saved: list[float] = []

    async def hear(socket: ClientConnection) -> None:
        for n in range(edits):
            await socket.recv()
            heard.append(time.perf_counter() - sent[n])

    async def hear_saved() -> None:
        done = 0
        while done < edits:
            reader = wire.Reader(bytes(await author.recv()))  # type: ignore[arg-type]  # binary
            if reader.integer() == wire.SAVED:
                count = reader.integer()
                moment = time.perf_counter()
                saved.extend(moment - sent[n] for n in range(done, count))
                done = count

    hearing = [asyncio.create_task(hear(socket)) for socket in others]
    hearing.append(asyncio.create_task(hear_saved()))
    title = doc.get("title", type=pycrdt.Text)
    for _ in range(edits):
        state = doc.get_state()
        title += "x"
        sent.append(time.perf_counter())
        await author.send(wire.update(doc.get_update(state)))
        await asyncio.sleep(PAUSE)
    async with asyncio.timeout(30):
        await asyncio.gather(*hearing)
    return {
        "echo_p50_ms": at(heard, 50),
        "echo_p95_ms": at(heard, 95),
        "echo_max_ms": round(max(heard) * 1000, 2),
        "saved_p50_ms": at(saved, 50),
        "saved_p95_ms": at(saved, 95),
        "undelivered": (len(sockets) - 1) * edits - len(heard),
    }


def at(seconds: Sequence[float], percent: int) -> float:
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1000, 2)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--clients", type=int, nargs="*", default=[2, 50])
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        await serve_product(options.serve)
        return
    for clients in options.clients:
        result = await measure(clients, options.edits)
        print(json.dumps({"clients": clients, "edits": options.edits} | result))


if __name__ == "__main__":
    asyncio.run(main())
