"""Indexes built anew beside those in use."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select, update

from backend.app import create_app
from backend.commands.reindexing import reindex
from backend.rebuilding import Rebuilding
from backend.settings import Settings
from backend.store.tables import versions
from backend.wiring import Services, open_services
from retrieval.chunking import CHUNKER


async def add(services: Services, files: dict[str, bytes]) -> list[str]:
    """The sources' ids, once they are read and indexed."""
    transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
        answers = [
            await client.post(f"/api/spaces/{space}/sources", files={"file": one})
            for one in files.items()
        ]
    await services.worker.drain()
    return [answer.json()["id"] for answer in answers]


async def cut_off(settings: Settings, at: str) -> None:
    """A reindex that is stopped when it tells this, with everything fed and nothing switched."""

    def pulled(line: str) -> None:
        if at in line:
            raise KeyboardInterrupt

    async def wait(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rebuilding, "_switch", wait)
        with pytest.raises(KeyboardInterrupt):
            await reindex(settings, pulled)


async def test_a_reindex_cut_off_leaves_search_as_it_was(settings: Settings) -> None:
    """It stops half-way and everything is still found; gone on with, it leaves no rests."""
    looking = settings.model_copy(update={"jobs_workers": 0})  # and not going on with it

    async def held() -> list[int]:
        async with open_services(looking) as services:
            return [await leg.leg.count() for leg in services.legs]

    async with open_services(settings) as services:
        await add(services, {"m.md": b"# Market\n\nIt grew.\n"})
    before = await held()
    assert min(before) > 0

    await cut_off(settings, "of 1 passages")
    assert await held() == before
    assert await reindex(settings, lambda line: None) == before[0]
    assert await held() == before
    for place in ("lexical", "vectors/dense", "graph.db"):
        lying = settings.data_dir / place
        found = {path.name for path in lying.parent.glob(f"{lying.name}*")}
        assert found == {f"{lying.name}.current", f"{lying.name}.g1"}


async def test_a_reindex_cuts_again_what_an_older_cutter_cut(settings: Settings) -> None:
    """Once it has come to its end: cut off, the old passages are there with the old indexes."""
    pages = b"# Market\n\nIt grew.\n\n# Prices\n\nThey fell.\n"
    async with open_services(settings) as services:
        aged, _ = await add(services, {"m.md": pages, "o.md": b"# Other\n\nOf no age.\n"})
        (row,) = await services.store.rows(select(versions).where(versions.c.source == aged))
        assert row.chunker == CHUNKER
        made = await services.passages.of(aged, row.hash)
        assert len(made) == 2
        whole = replace(made[0], text=pages.decode()[: made[1].end], end=made[1].end)
        async with services.store.writing() as connection:
            await services.passages.replace(connection, aged, row.hash, [whole], chunker="blocks-0")
            await connection.execute(
                update(versions)
                .where(versions.c.source == aged)
                .values(receipt={**row.receipt, "passages": 1})
            )

    await cut_off(settings, "of 3 passages")
    looking = settings.model_copy(update={"jobs_workers": 0})  # and not going on with it
    async with open_services(looking) as services:
        assert await services.passages.of(aged, row.hash) == [whole]

    told: list[str] = []
    assert await reindex(settings, told.append) == 3
    assert [line for line in told if line.startswith("cut again")] == [
        "cut again: m.md, 2 passages"
    ]
    async with open_services(settings) as services:
        assert await services.passages.of(aged, row.hash) == made
        (after,) = await services.store.rows(select(versions).where(versions.c.source == aged))
        assert (after.chunker, after.receipt["passages"]) == (CHUNKER, 2)
        assert {await leg.leg.count() for leg in services.legs} == {3}
    told.clear()
    assert await reindex(settings, told.append) == 3
    assert not [line for line in told if line.startswith("cut again")]
