"""Reading in a process of its own, so that no file can take the server down with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrieval.blocks import Reading, from_json
from retrieval.errors import Unreadable
from retrieval.reading import refusals
from retrieval.reading.limits import Limits
from retrieval.reading.view import Box, PageBoxes

ROOT = Path(__file__).parents[2]
OUT_OF_MEMORY, TOO_LARGE = 3, 4  # exit statuses of retrieval/reading/__main__.py


async def read_apart(
    path: Path,
    *,
    declared_name: str,
    limits: Limits | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Reading:
    """The reading of the file at ``path``, made in a confined process.

    ``declared_name`` is what its owner calls it. ``progress`` gets pages done and pages in all
    (None while unknown), on the event loop. Cancelling kills the process. Raises Unreadable for
    every way a file can fail, a parser that crashes, hangs or eats memory included.
    """
    order = {"task": "read", "path": _named(path), "declared_name": declared_name}
    result = await _apart(order, limits or Limits(), progress)
    return await asyncio.to_thread(from_json, result)


async def render_page(
    path: Path, page: int, *, scale: float = 1.5, limits: Limits | None = None
) -> bytes:
    """Page ``page`` (from 1) of a PDF as PNG; at scale 1 one pixel is one point (1/72 inch).

    A scale that would make more than ``limits.pixels`` is lowered. Raises Unreadable, with code
    ``no_such_page`` for a page the file does not have.
    """
    order = {"task": "render", "path": _named(path), "page": page, "scale": scale}
    return await _apart(order, limits or Limits(), None)


async def boxes(path: Path, page: int, quote: str, *, limits: Limits | None = None) -> PageBoxes:
    """Where ``quote`` stands on page ``page`` (from 1) of a PDF: one box a line, in 0 to 1.

    There are no boxes where the quote cannot be placed with confidence: it is not on the page, or
    it is short and stands there more than once. Raises Unreadable as ``render_page`` does.
    """
    order = {"task": "boxes", "path": _named(path), "page": page, "quote": quote}
    found: dict[str, Any] = json.loads(await _apart(order, limits or Limits(), None))
    placed = tuple(Box(*box) for box in found["boxes"])
    return PageBoxes(found["width"], found["height"], placed)


def _named(path: Path) -> str:
    return str(path.absolute())  # the process apart has another working directory


async def _apart(
    order: dict[str, Any], limits: Limits, progress: Callable[[int, int | None], None] | None
) -> bytes:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="stratmaster-reading-"))
    try:
        outcome = folder / "outcome"
        order |= {"outcome": str(outcome), "limits": asdict(limits)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-X", "utf8", "-m", "retrieval.reading", json.dumps(order),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "TMPDIR": str(folder)},
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(limits.seconds):
                await _follow(process, progress)
                status = await process.wait()
        except TimeoutError:
            raise refusals.timed_out(limits.seconds, "waiting") from None
        finally:
            await _end(process)
        if status != 0:
            raise _death(status, limits)
        return await asyncio.to_thread(_outcome, outcome)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


async def _follow(
    process: asyncio.subprocess.Process, progress: Callable[[int, int | None], None] | None
) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        done, _, total = line.decode("ascii", "replace").strip().partition(" ")
        if progress is not None and done.isdigit():
            progress(int(done), int(total) if total.isdigit() else None)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and whatever it started, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _death(status: int, limits: Limits) -> Unreadable:
    if status == OUT_OF_MEMORY or -status == signal.SIGKILL:
        # Nobody but the kernel's memory killer ends it this way before we do.
        return refusals.out_of_memory(limits.memory_bytes)
    if status == TOO_LARGE:
        return refusals.too_large("What was read", None, limits.result_bytes, "bytes")
    if -status == signal.SIGXCPU:
        return refusals.timed_out(limits.cpu_seconds, "processor time")
    if status < 0:
        return refusals.crashed(signal.Signals(-status).name)
    return refusals.crashed(f"exit status {status}")


def _outcome(path: Path) -> bytes:
    content = path.read_bytes()
    if content[:1] == b"+":
        return content[1:]
    refusal: dict[str, str] = json.loads(content[1:])
    raise Unreadable(refusal["code"], refusal["message"], refusal["remedy"])
