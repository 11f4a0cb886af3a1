"""The indexes built anew from what is stored."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import and_, func, select, update

from backend.errors import Unavailable
from backend.services import Services
from backend.settings import Settings
from backend.store.passages import AT_ONCE
from backend.store.tables import passages, sources, versions
from backend.wiring import Broken, erase_served, open_services
from retrieval.chunking import CHUNKER, cut
from retrieval.counted import counted
from retrieval.errors import IndexMismatch
from retrieval.model import Passage, SourceId, VersionHash

_FOLDERS = {
    "LEXICAL_URL": "tantivy",
    "VECTORS_URL": "qdrant-edge",
    "SPARSE_VECTORS_URL": "qdrant-edge",
}

_NEW = ".new"


@dataclass(frozen=True, slots=True)
class _Aged:
    """A current version whose passages an older cutter made."""

    tenant: str
    space: str
    source: SourceId
    version: VersionHash
    title: str
    path: str


async def reindex(settings: Settings, tell: Callable[[str], None]) -> int:
    """Feed every leg again, from what is stored; how many passages that were.

    Versions that an older cutter cut are cut again, from their stored readings; citations point
    into the text and stay as they are.
    Embedded indexes are built beside those in use and take their place at the end, so one that is
    cut off leaves search as it was and is begun anew. Indexes on servers are emptied first.
    """
    quiet = settings.model_copy(update={"jobs_workers": 0})
    building = quiet.model_copy(update=_beside(settings))
    # Held open meanwhile: no server may use, or change, what is being built again.
    async with open_services(quiet) as services:
        await asyncio.to_thread(_remove, building)
        await erase_served(settings)
        done, again = await _build(building, tell)
        if again:
            await _keep(services, again)
    await asyncio.to_thread(_switch, settings, building)
    return done


async def _build(building: Settings, tell: Callable[[str], None]) -> tuple[int, Sequence[_Aged]]:
    """How many passages were fed, and the versions whose passages are not the stored ones."""
    async with open_services(building) as services:
        for leg in services.legs:
            if isinstance(leg.leg, Broken) and isinstance(leg.leg.error, IndexMismatch):
                raise Unavailable(str(leg.leg.error))

        async def feed(batch: Sequence[Passage]) -> None:
            for leg in services.legs:
                if not isinstance(leg.leg, Broken):
                    await leg.leg.put(batch)

        done = 0
        again: list[_Aged] = []
        for one in await _aged(services):
            made = await _cut_again(services, one)
            if not made:
                tell(f"left as it was cut: {one.path} has no stored reading; add the file again")
                continue
            for begin in range(0, len(made), AT_ONCE):
                await feed(made[begin : begin + AT_ONCE])
            done += len(made)
            again.append(one)
            tell(f"cut again: {one.path}, {counted(len(made), 'passage')}")
        without = {one.source for one in again}
        async with services.store.reading() as connection:
            found = await connection.execute(
                select(passages.c.source, func.count().label("n"))
                .join(sources, sources.c.id == passages.c.source)
                .where(passages.c.version == sources.c.version)
                .group_by(passages.c.source)
            )
            total = done + sum(row.n for row in found if row.source not in without)
        async for batch in services.passages.everything(without=without):
            if batch:
                await feed(batch)
                done += len(batch)
                tell(f"{done:,} of {total:,} passages")
        for leg in services.legs:
            if isinstance(leg.leg, Broken):
                tell(f"left out {leg.leg.name}: {leg.leg.error}")
        return done, again


async def _aged(services: Services) -> Sequence[_Aged]:
    async with services.store.reading() as connection:
        rows = await connection.execute(
            select(sources)
            .join(
                versions,
                and_(versions.c.source == sources.c.id, versions.c.hash == sources.c.version),
            )
            .where(func.coalesce(versions.c.chunker, "") != CHUNKER)
            .order_by(sources.c.id)
        )
        return [
            _Aged(row.tenant, row.space, row.id, row.version, row.title, row.path) for row in rows
        ]


async def _cut_again(services: Services, one: _Aged) -> Sequence[Passage]:
    """Its passages as they are cut now; none where its reading is gone or of an older form."""
    try:
        reading = await services.texts.reading(one.tenant, one.source, one.version)
    except (FileNotFoundError, ValueError):
        return ()
    return await asyncio.to_thread(
        cut,
        reading,
        tenant=one.tenant,
        space=one.space,
        source=one.source,
        version=one.version,
        title=one.title,
    )


async def _keep(services: Services, again: Sequence[_Aged]) -> None:
    """Store what the new indexes hold: only now, and all at once.

    One that is cut off before has the old passages with the old indexes. Cutting twice costs
    little beside encoding, and holds one source's passages at a time.
    """
    async with services.store.writing() as connection:
        for one in again:
            made = await _cut_again(services, one)
            if not made:
                continue
            await services.passages.replace(
                connection, one.source, one.version, made, chunker=CHUNKER
            )
            this = (versions.c.source == one.source, versions.c.hash == one.version)
            receipt = await connection.scalar(select(versions.c.receipt).where(*this))
            if receipt is not None:
                await connection.execute(
                    update(versions).where(*this).values(receipt={**receipt, "passages": len(made)})
                )


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
