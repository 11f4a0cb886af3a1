"""Blobs that a death left without a row are removed, and no others."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select, update

from backend.blobs import sweep
from backend.blobs.filesystem import FilesystemBlobs
from backend.clock import now
from backend.settings import Settings, Url
from backend.sources.texts import original_key, reading_key, text_key, whole
from backend.store.engine import Store, open_store
from backend.store.outbox import JobState, Outbox
from backend.store.tables import images, jobs
from backend.wiring import Services, open_services

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da63fcff1f0003030200efbfa7db0000000049454e44ae426082"
)


def aged(folder: Path, by: timedelta = sweep.AGE + timedelta(minutes=1)) -> None:
    """Every file there looks as if it was written that long ago."""
    moment = (now() - by).timestamp()
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (moment, moment))


async def swept(services: Services) -> None:
    async with services.store.writing() as connection:
        await connection.execute(delete(jobs).where(jobs.c.kind == sweep.SWEEP))
    assert await sweep.ask(services.store, services.outbox)
    await services.worker.drain()
    (job,) = await services.store.rows(select(jobs).where(jobs.c.kind == sweep.SWEEP))
    assert job.state == JobState.DONE, job.error


async def test_only_what_no_row_refers_to_is_removed(
    client: httpx.AsyncClient, services: Services
) -> None:
    """A source and an image keep theirs; half a file, orphans of every kind go; strangers stay."""
    blobs = services.blobs
    assert isinstance(blobs, FilesystemBlobs)
    space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
    added = await client.post(
        f"/api/spaces/{space}/sources/paste",
        json={"title": "Mine", "text": "Copper rose.", "format": "text"},
    )
    image = await client.post(
        f"/api/spaces/{space}/images", files={"file": ("a.png", PIXEL, "image/png")}
    )
    assert image.status_code < 300, image.text
    await services.worker.drain()
    kept = {path for path in blobs.folder.rglob("*") if path.is_file()}
    assert len(kept) == 4  # the original, its text, its reading, the image
    source, lost = added.json()["id"], secrets.token_hex(32)
    orphans = [
        original_key("local", lost),
        text_key("local", source, lost),
        reading_key("local", "src_gone", lost),
        f"images/local/{lost}",
    ]
    for key in [*orphans, "notes/of/somebody", "local/exports/a.zip"]:
        await blobs.put(key, whole(b"x"))
    half = blobs.path(original_key("local", lost)).with_name(f"{lost}.1234abcd.part")
    half.write_bytes(b"half")
    await swept(services)
    assert half.exists()  # all of it is too young: it may be on its way
    assert all([await blobs.exists(key) for key in orphans])

    aged(blobs.folder)
    await swept(services)
    assert not any([await blobs.exists(key) for key in orphans])
    assert not half.exists()
    there = {path for path in blobs.folder.rglob("*") if path.is_file()}
    assert {path.relative_to(blobs.folder).as_posix() for path in there - kept} == {
        "notes/of/somebody",
        "local/exports/a.zip",
    }
    assert kept <= there


async def test_a_key_that_two_kinds_may_have_stays_for_either(
    client: httpx.AsyncClient, services: Services
) -> None:
    """An image of a tenant called "originals" looks like a file of one called "images"."""
    space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
    made = await client.post(
        f"/api/spaces/{space}/images", files={"file": ("a.png", PIXEL, "image/png")}
    )
    assert made.status_code < 300, made.text
    async with services.store.writing() as connection:
        await connection.execute(update(images).values(tenant="originals"))
        key = f"images/originals/{await connection.scalar(select(images.c.digest))}"
    blobs = services.blobs
    assert isinstance(blobs, FilesystemBlobs)
    await blobs.put(key, whole(PIXEL))
    aged(blobs.folder)
    await swept(services)
    assert await blobs.exists(key)


@pytest.mark.parametrize("more", [0, 1])
async def test_more_orphans_than_one_batch_has(services: Services, more: int) -> None:
    """The last batch is not forgotten."""
    blobs = services.blobs
    assert isinstance(blobs, FilesystemBlobs)
    for number in range(sweep.BATCH + more):
        await blobs.put(original_key("local", f"{number:064x}"), whole(b"x"))
    aged(blobs.folder)
    await swept(services)
    assert not [path for path in blobs.folder.rglob("*") if path.is_file()]


async def test_a_start_asks_for_it_once_a_day(settings: Settings) -> None:
    """A second start on the same day makes no second job; one on the next day does."""

    async def asked(services: Services) -> int:
        await services.worker.drain()
        return len(await services.store.rows(select(jobs).where(jobs.c.kind == sweep.SWEEP)))

    for _ in range(2):
        async with open_services(settings) as services:
            assert await asked(services) == 1
    async with open_services(settings) as services, services.store.writing() as connection:
        await connection.execute(update(jobs).values(created_at=now() - sweep.EVERY))
    async with open_services(settings) as services:
        assert await asked(services) == 2


async def test_a_server_that_is_not_started_again_sweeps_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a day has passed since the last time, and also after a look that failed."""
    monkeypatch.setattr(sweep, "ROUND", 0.001)
    ask, failed = sweep.ask, asyncio.Event()

    async def failing(store: Store, outbox: Outbox) -> bool:
        failed.set()
        raise OSError("the disk is full")

    async with open_services(settings) as services:
        blobs = services.blobs
        assert isinstance(blobs, FilesystemBlobs)
        await services.worker.drain()
        key = original_key("local", secrets.token_hex(32))
        await blobs.put(key, whole(b"x"))
        aged(blobs.folder)
        monkeypatch.setattr(sweep, "ask", failing)
        async with asyncio.timeout(30):
            await failed.wait()
        assert await blobs.exists(key)
        async with services.store.writing() as connection:
            await connection.execute(update(jobs).values(created_at=now() - sweep.EVERY))
        monkeypatch.setattr(sweep, "ask", ask)
        async with asyncio.timeout(30):
            while await blobs.exists(key):
                await asyncio.sleep(0.01)


async def test_it_is_the_same_on_postgresql(settings: Settings, postgres_url: str) -> None:
    """Nobody can take a blob up between the look and its removal there either."""
    async with open_store(Url(postgres_url), settings.data_dir, migrate=True):
        pass
    async with open_services(
        settings.model_copy(update={"database_url": postgres_url})
    ) as services:
        blobs = services.blobs
        assert isinstance(blobs, FilesystemBlobs)
        key = original_key("local", secrets.token_hex(32))
        await blobs.put(key, whole(b"x"))
        aged(blobs.folder)
        await swept(services)
        assert not await blobs.exists(key)
