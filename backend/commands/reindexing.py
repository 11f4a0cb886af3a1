"""The indexes built anew from what is stored."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from backend.errors import Unavailable
from backend.settings import Settings
from backend.store.tables import passages, sources
from backend.wiring import Broken, erase_served, open_services
from retrieval.errors import IndexMismatch

_FOLDERS = {
    "LEXICAL_URL": "tantivy",
    "VECTORS_URL": "qdrant-edge",
    "SPARSE_VECTORS_URL": "qdrant-edge",
}


async def reindex(settings: Settings, tell: Callable[[str], None]) -> int:
    """Throw the indexes away and feed every leg again; how many passages that were.

    Nothing that cannot be made again is touched, so it may be cut off and begun anew.
    """
    quiet = settings.model_copy(update={"jobs_workers": 0})
    # Opening first: an index that a running server holds must not be pulled from under it.
    async with open_services(quiet):
        pass
    for folder in folders(settings):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    for file in files(settings):
        await asyncio.to_thread(file.unlink, missing_ok=True)
    await erase_served(settings)
    async with open_services(quiet) as services:
        for leg in services.legs:
            if isinstance(leg.leg, Broken) and isinstance(leg.leg.error, IndexMismatch):
                raise Unavailable(str(leg.leg.error))
        async with services.store.reading() as connection:
            total = await connection.scalar(
                select(func.count())
                .select_from(passages.join(sources, sources.c.id == passages.c.source))
                .where(passages.c.version == sources.c.version)
            )
        done = 0
        async for batch in services.passages.everything():
            for leg in services.legs:
                if not isinstance(leg.leg, Broken):
                    await leg.leg.put(batch)
            done += len(batch)
            tell(f"{done:,} of {total:,} passages")
        for leg in services.legs:
            if isinstance(leg.leg, Broken):
                tell(f"left out {leg.leg.name}: {leg.leg.error}")
        return done


def folders(settings: Settings) -> list[Path]:
    """Where the embedded indexes lie."""
    found = []
    for setting, scheme in _FOLDERS.items():
        url = settings.url(setting)  # "None", of no scheme, where it is not set
        if url.scheme == scheme:
            found.append(url.under(settings.data_dir))
    return found


def files(settings: Settings) -> list[Path]:
    """Where the embedded graph lies, with what SQLite keeps beside it."""
    url = settings.url("GRAPH_URL")
    if url.scheme != "sqlite":
        return []
    path = url.under(settings.data_dir)
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
