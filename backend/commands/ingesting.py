"""Files and folders from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx

from backend.commands.client import Refused, find_space, product, told
from backend.settings import Settings
from retrieval.counted import counted

LOOK = 0.3  # seconds between looks at how the reading goes
BUSY = {"queued", "reading", "indexing"}


def files_in(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Every file with the path it is to have in the space; hidden ones are left out."""
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_file():
            found.append((path, path.name))
            continue
        for file in sorted(path.rglob("*")):
            inner = file.relative_to(path)
            if file.is_file() and not any(part.startswith(".") for part in inner.parts):
                found.append((file, str(Path(path.resolve().name) / inner)))
    return found


async def ingest(
    settings: Settings, paths: Sequence[Path], space: str, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Add everything and wait for it; a row for each file, as the API writes sources."""
    files = await asyncio.to_thread(files_in, paths)
    if not files:
        named = ", ".join(str(path) for path in paths)
        raise Refused(f"There is no file in {named}.", "Hidden files are left out.")
    async with product(settings) as client:
        found = await find_space(client, space, make=True)
        rows: dict[str, dict[str, Any]] = {}
        refused: list[dict[str, Any]] = []
        for file, path in files:
            try:
                row = await _send(client, found, file, path)
                rows[row["id"]] = row
            except Refused as error:
                failed = _failed(path, str(error), error.remedy)
            except OSError as error:  # this one cannot be opened; the others can
                why = error.strerror or str(error)
                failed = _failed(path, f"{file} cannot be read: {why}.", "See who may read it.")
            else:
                continue
            refused.append(failed)
            tell(_line(failed))
        waiting = set(rows)
        while waiting:
            for row in await told(await client.get(f"/api/spaces/{found}/sources")):
                if row["id"] in waiting and row["state"] not in BUSY:
                    waiting.discard(row["id"])
                    rows[row["id"]] = row
                    tell(_line(row))
            if waiting:
                await asyncio.sleep(LOOK)
        return [*rows.values(), *refused]


async def _send(client: httpx.AsyncClient, space: str, file: Path, path: str) -> dict[str, Any]:
    with await asyncio.to_thread(file.open, "rb") as content:
        answer = await client.post(
            f"/api/spaces/{space}/sources",
            data={"path": path},
            files={"file": (file.name, content, "application/octet-stream")},
        )
    row: dict[str, Any] = await told(answer)
    return row


def _failed(path: str, message: str, remedy: str) -> dict[str, Any]:
    error = {"code": "refused", "message": message, "remedy": remedy}
    return {"id": None, "path": path, "state": "failed", "error": error, "receipt": None}


def _line(row: dict[str, Any]) -> str:
    if row["state"] == "ready" and row["receipt"]:
        receipt = row["receipt"]
        pages = f"{counted(receipt['pages'], 'page')}, " if receipt["pages"] else ""
        left_out = len(receipt["skipped"])
        skipped = f", {counted(left_out, 'part')} skipped" if left_out else ""
        return (
            f"ready      {row['path']}: {pages}{counted(receipt['passages'], 'passage')} "
            f"in {receipt['seconds']:.1f} s{skipped}"
        )
    error = row["error"] or {"message": "", "remedy": ""}
    return f"{row['state']:<10} {row['path']}: {error['message']} {error['remedy']}".rstrip()
