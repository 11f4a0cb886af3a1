"""A reranker in the whole application: set, seen in the trace, and named when it is missing."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.app import create_app
from backend.settings import Settings, UnknownScheme
from backend.wiring import Services, open_services
from tests.weights.overlap import overlap, write


async def searched(services: Services, question: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a search of two pasted notes gives, and what health says of the reranker."""
    transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        space = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
        for title, text in (("One", "revenue fell in 2024"), ("Two", "revenue grew in 2024")):
            sent = await client.post(
                f"/api/spaces/{space}/sources/paste",
                json={"title": title, "text": text, "format": "text"},
            )
            assert sent.status_code == 202, sent.text
        await services.worker.drain()
        found = await client.get(f"/api/spaces/{space}/search", params={"q": question})
        ports = (await client.get("/api/health")).json()["ports"]
        return found.json(), next(port for port in ports if port["port"] == "reranker")


async def test_what_the_reranker_made_of_the_best_is_told(
    settings: Settings, tmp_path: Path
) -> None:
    folder = write(tmp_path / "overlap", overlap())
    url = f"onnx:{folder}"
    async with open_services(settings.model_copy(update={"reranker_url": url})) as services:
        found, port = await searched(services, "revenue 2024")
    assert found["trace"]["rerank"]["threshold"] == 0.3
    assert found["trace"]["rerank"]["state"] == "ran", found["trace"]
    assert [hit["reranked"]["score"] for hit in found["hits"]] == [2.0, 2.0]
    assert port["ok"]
    assert port["detail"].startswith("cross-encoder:")


async def test_a_reranker_without_weights_is_named_and_the_search_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    url = f"onnx:{tmp_path / 'nothing'}"
    async with open_services(settings.model_copy(update={"reranker_url": url})) as services:
        found, port = await searched(services, "revenue in 2024")
    assert len(found["hits"]) == 2
    assert not port["ok"]
    assert "holds no cross-encoder" in port["detail"]
    assert "STRATMASTER_RERANKER_URL=off:" in port["remedy"]  # set-up fetches none


async def test_a_scheme_no_reranker_answers_to_is_refused(settings: Settings) -> None:
    wrong = settings.model_copy(update={"reranker_url": "magic:"})
    with pytest.raises(UnknownScheme, match="STRATMASTER_RERANKER_URL=magic:"):
        async with open_services(wrong):
            pass
