"""What the product says can be found, is found: by the next search, embedded and served."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import httpx
import pytest

from backend.app import create_app
from backend.settings import Settings
from backend.wiring import open_services
from backend.wiring.served import erase_served


@pytest.fixture(params=["embedded", "served"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    made = Settings(
        _env_file=None, data_dir=tmp_path, dense_url="hashing:", sparse_url="off:", sample=False
    )
    if request.param == "embedded":
        return made
    name = f"own-{secrets.token_hex(6)}"
    return made.model_copy(
        update={
            "lexical_url": f"opensearch://{request.getfixturevalue('opensearch_address')}/{name}",
            "vectors_url": f"qdrant://{request.getfixturevalue('qdrant_address')}/{name}",
        }
    )


async def test_each_event_is_true_when_it_is_told(settings: Settings) -> None:
    """New, replaced three times and deleted: at each event the version it names is what is found.

    Searched in the moment the event comes, while the reading goes on.
    """
    asked = 0
    async with open_services(settings) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "Own"})).json()["id"]

            async def found() -> set[tuple[str, str]]:
                answer = await client.get(
                    f"/api/spaces/{space}/search", params={"q": "harbour dues"}
                )
                assert answer.status_code == 200, answer.text
                return {
                    (hit["passage"]["source"], hit["passage"]["version"])
                    for hit in answer.json()["hits"]
                    if any(part["leg"] == "bm25" for part in hit["contributions"])
                }

            source = ""
            for draft in range(4):
                with services.hub.listening(space) as heard:
                    sent = await client.post(
                        f"/api/spaces/{space}/sources",
                        files={"file": ("dues.md", f"# Dues\n\nHarbour dues: {draft}.\n".encode())},
                    )
                    source = sent.json()["id"]
                    async with asyncio.timeout(60):
                        while True:
                            event = await heard.next()
                            assert event is not None
                            told = event.data
                            if told["searchable"] and (now := await found()):
                                # A newer one may have come between the event and the search.
                                fresh = (await client.get(f"/api/sources/{source}")).json()
                                hashes = {told["version"]["hash"], fresh["version"]["hash"]}
                                assert {version for _, version in now} <= hashes
                                asked += 1
                            elif told["searchable"]:
                                pytest.fail(f"{told['state']} and not found")
                            if told["state"] == "ready":
                                break
                    assert await found() == {(source, told["version"]["hash"])}
            await client.delete(f"/api/sources/{source}")
            assert await found() == set()
            await services.worker.drain()
    await erase_served(settings)
    assert asked >= 4
