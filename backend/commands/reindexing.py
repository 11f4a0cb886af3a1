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

_NEW = ".new"


async def reindex(settings: Settings, tell: Callable[[str], None]) -> int:
    """Feed every leg again, from what is stored; how many passages that were.

    Embedded indexes are built beside those in use and take their place at the end, so one that is
    cut off leaves search as it was and is begun anew. Indexes on servers are emptied first.
    """
    quiet = settings.model_copy(update={"jobs_workers": 0})
    building = quiet.model_copy(update=_beside(settings))
    # Held open meanwhile: no server may use, or change, what is being built again.
    async with open_services(quiet):
        await asyncio.to_thread(_remove, building)
        await erase_served(settings)
        done = await _build(building, tell)
    await asyncio.to_thread(_switch, settings, building)
    return done


async def _build(building: Settings, tell: Callable[[str], None]) -> int:
    async with open_services(building) as services:
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


def _beside(settings: Settings) -> dict[str, str]:
    """The same settings with every embedded index at a place beside its own."""
    schemes = {**_FOLDERS, "GRAPH_URL": "sqlite"}
    return {
        setting.lower(): f"{settings.url(setting).text}{_NEW}"
        for setting, scheme in schemes.items()
        if settings.url(setting).scheme == scheme
    }


def _remove(settings: Settings) -> None:
    for folder in folders(settings):
        shutil.rmtree(folder, ignore_errors=True)
    for file in files(settings):
        file.unlink(missing_ok=True)


def _switch(settings: Settings, built: Settings) -> None:
    """Put what was built in the place of what was used; what could not be built stays as it was."""
    for place, new in zip(folders(settings), folders(built), strict=True):
        if not new.exists():
            continue
        old = place.with_name(f"{place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        new.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    for file, new in zip(files(settings), files(built), strict=True):
        file.unlink(missing_ok=True)
        if new.exists():
            new.rename(file)


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
