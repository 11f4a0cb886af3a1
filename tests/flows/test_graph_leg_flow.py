"""The graph in the whole application: fed, asked, forgotten, and out of order."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from backend.commands.reindexing import reindex
from backend.settings import Settings
from backend.wiring import Services, open_services

QUESTION = "Whose album was Green?"
PAGE = "Steve Hillage.txt"


async def paste(client: httpx.AsyncClient, space: str, title: str, text: str) -> str:
    answer = await client.post(
        f"/api/spaces/{space}/sources/paste",
        json={"title": title, "text": text, "format": "text"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def idle(services: Services) -> None:
    async with asyncio.timeout(60):
        while await services.outbox.waiting():
            await asyncio.sleep(0.02)


async def health(client: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    return {port["port"]: port for port in (await client.get("/api/health")).json()["ports"]}


@pytest.fixture
async def space(client: httpx.AsyncClient, services: Services) -> str:
    """A space of two sources that share a name, the question's words being in one alone."""
    space = str((await client.post("/api/spaces", json={"name": "Papers"})).json()["id"])
    await paste(client, space, "Green (album)", "Green is a record by the player Steve Hillage.")
    await paste(client, space, "Steve Hillage", "He has long been together with Miquette Giraudy.")
    await idle(services)
    return space


async def test_a_search_is_asked_of_the_graph_and_says_so(
    client: httpx.AsyncClient, space: str
) -> None:
    """Its part stands beside the others' in a hit, and the parts add up to the score."""
    answer = await client.get(f"/api/spaces/{space}/search", params={"q": QUESTION})
    body = answer.json()
    assert [(leg["leg"], leg["state"]) for leg in body["trace"]["legs"]] == [
        ("bm25", "ok"),
        ("hashing", "ok"),
        ("graph", "ok"),
    ]
    page = next(hit for hit in body["hits"] if hit["passage"]["source_title"] == PAGE)
    assert "graph" in {part["leg"] for part in page["contributions"]}
    for hit in body["hits"]:
        assert sum(part["amount"] for part in hit["contributions"]) == pytest.approx(hit["score"])


async def test_a_passage_that_the_graph_found_says_by_which_names(
    client: httpx.AsyncClient, space: str
) -> None:
    """In a search, while an answer is made, and in the run that is kept."""
    shared = (
        "a passage found — names → Steve Hillage, 2 passages; "
        "this passage — is about → Steve Hillage, 2 passages"
    )

    def paths(hits: list[dict[str, Any]]) -> list[str]:
        page = next(hit for hit in hits if hit["passage"]["source_title"] == PAGE)
        assert len(page["paths"]) <= 3
        return list(page["paths"])

    found = (await client.get(f"/api/spaces/{space}/search", params={"q": QUESTION})).json()
    assert shared in paths(found["hits"])
    answer = await client.post(f"/api/spaces/{space}/answers", json={"question": QUESTION})
    (said,) = re.findall(r"event: retrieved\ndata: (.*)", answer.text)
    assert paths(json.loads(said)["hits"]) == paths(found["hits"])
    (line,) = (await client.get(f"/api/spaces/{space}/answers")).json()
    kept = (await client.get(f"/api/answers/{line['id']}")).json()
    assert paths(kept["hits"]) == paths(found["hits"])


async def test_a_deleted_source_is_out_of_the_graph(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """Health counts one passage less, and what it supported is reached no more."""
    assert (await health(client))["graph"]["detail"] == "2 passages"
    sources = (await client.get(f"/api/spaces/{space}/sources")).json()
    page = next(one for one in sources if one["title"] == PAGE)
    assert (await client.delete(f"/api/sources/{page['id']}")).status_code in (200, 204)
    await idle(services)
    assert (await health(client))["graph"]["detail"] == "1 passages"


async def test_without_a_graph_the_others_answer(settings: Settings) -> None:
    """Off by its setting, it is named off; no file is made for it."""
    without = settings.model_copy(update={"graph_url": "off:"})
    async with open_services(without) as services:
        ports = {port.port: port for port in services.ports}
        assert "off" in await ports["graph"].check()
        assert [leg.leg.name for leg in services.legs] == ["bm25", "hashing"]
    assert not (settings.data_dir / "graph.db").exists()


async def test_a_damaged_graph_is_named_and_remade(
    client: httpx.AsyncClient, services: Services, space: str, settings: Settings
) -> None:
    """A start goes on without it and says what to do; doing that brings it back."""
    broken = settings.model_copy(update={"data_dir": settings.data_dir.with_name("other")})
    broken.data_dir.mkdir()
    (broken.data_dir / "graph.db").write_bytes(b"no database at all, though long enough" * 40)
    async with open_services(broken) as opened:
        ports = {port.port: port for port in opened.ports}
        with pytest.raises(Exception, match="reindex"):
            await ports["graph"].check()
    await reindex(broken, lambda _: None)
    async with open_services(broken) as opened:
        ports = {port.port: port for port in opened.ports}
        assert await ports["graph"].check() == "0 passages"
