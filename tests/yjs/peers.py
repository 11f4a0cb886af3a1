"""Real peers for the rooms: Yjs in Node, and a server in a process that can be killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conftest import missing
from tests.ports import free_port

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "frontend/node_modules"


def require_node() -> str:
    """Node's path; without Node or the front end's packages the test says so."""
    node = shutil.which("node")
    if node is None or not (MODULES / "y-websocket").is_dir():
        missing("Node with frontend/node_modules is needed; run ./stratmaster setup")
    return node


@asynccontextmanager
async def node(script: str, *args: str) -> AsyncIterator[Process]:
    """A script of this folder, running; ended with the block."""
    async with _running(require_node(), str(HERE / script), *args) as process:
        yield process


@asynccontextmanager
async def python(module: str, *args: str) -> AsyncIterator[Process]:
    """A module of the tests, running as a program; ended with the block."""
    async with _running(sys.executable, "-m", module, *args) as process:
        yield process


@asynccontextmanager
async def _running(*command: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE.parents[1], stdin=PIPE, stdout=PIPE, limit=64 * 1024 * 1024
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask_node(script: str, *args: str, given: Any = None) -> Any:
    """What a script answers: JSON in on stdin, JSON out on stdout."""
    async with node(script, *args) as process:
        out, _ = await process.communicate(json.dumps(given).encode())
        assert process.returncode == 0, f"{script} failed with {process.returncode}"
        return json.loads(out)


async def line(process: Process) -> Any:
    """The next line of JSON a script prints."""
    assert process.stdout is not None
    text = await process.stdout.readline()
    assert text, "the script ended before it said what was awaited"
    return json.loads(text)


class Server:
    """The rooms of a database, in a process of their own, on one port."""

    def __init__(self, folder: Path, *urls: str) -> None:
        self.folder = folder
        self._urls = urls  # of the database and the bus, where they are not the folder's and none
        self.port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/rooms"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "serve.py"),
            str(self.folder),
            str(self.port),
            *self._urls,
            stdout=PIPE,
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"

    async def kill(self) -> None:
        """Kill it as the kernel would: nothing is flushed, nothing said."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop, as an operator would; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return await self._process.wait()
