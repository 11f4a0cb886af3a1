"""Indexes built anew beside those in use."""

import httpx
import pytest

from backend.app import create_app
from backend.commands.reindexing import reindex
from backend.settings import Settings
from backend.wiring import open_services


async def test_a_reindex_cut_off_leaves_search_as_it_was(settings: Settings) -> None:
    """It stops half-way and everything is still found; begun anew, it ends and leaves no rests."""

    async def held() -> list[int]:
        async with open_services(settings) as services:
            return [await leg.leg.count() for leg in services.legs]

    async with open_services(settings) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
            await client.post(
                f"/api/spaces/{space}/sources", files={"file": ("m.md", b"# Market\n\nIt grew.\n")}
            )
        await services.worker.drain()
    before = await held()
    assert min(before) > 0

    def pulled(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await reindex(settings, pulled)
    assert await held() == before
    assert await reindex(settings, lambda line: None) == before[0]
    assert await held() == before
    assert not [path for path in settings.data_dir.iterdir() if path.suffix in {".new", ".old"}]
