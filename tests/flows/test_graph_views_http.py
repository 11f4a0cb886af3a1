"""The graph as the page asks for it: paths behind answers, a name's neighbours, communities."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from backend.app import create_app
from backend.graph.service import MOST_COMMUNITIES, MOST_ENTITIES
from backend.settings import Settings
from backend.wiring import Services, open_services

TEXTS = {
    "Green": "Green is a record by the player Steve Hillage. It was made by Virgin Records.",
    "Hillage": "Steve Hillage has long been together with Miquette Giraudy. They played with Gong.",
    "Gong": "Gong was begun by Daevid Allen in Paris. Miquette Giraudy sang with Gong. "
    "Daevid Allen and Steve Hillage left Gong.",
}


async def fill(client: httpx.AsyncClient, services: Services, name: str, **texts: str) -> str:
    space = str((await client.post("/api/spaces", json={"name": name})).json()["id"])
    for title, text in texts.items():
        answer = await client.post(
            f"/api/spaces/{space}/sources/paste",
            json={"title": title, "text": text, "format": "text"},
        )
        assert answer.status_code == 202, answer.text
    async with asyncio.timeout(60):
        while await services.outbox.waiting():
            await asyncio.sleep(0.02)
    return space


@pytest.fixture
async def space(client: httpx.AsyncClient, services: Services) -> str:
    return await fill(client, services, "Music", **TEXTS)


async def seen(client: httpx.AsyncClient, space: str, path: str = "", **params: Any) -> Any:
    answer = await client.get(f"/api/spaces/{space}/graph{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def quoted(body: Any) -> Iterator[dict[str, Any]]:
    """Every quotation in an answer, however deep."""
    match body:
        case {"quote": _}:
            yield body
        case dict():
            for part in body.values():
                yield from quoted(part)
        case list():
            for part in body:
                yield from quoted(part)


async def is_evidence(client: httpx.AsyncClient, quote: dict[str, Any]) -> None:
    """What stands at the place of the stored version is what was quoted."""
    place = {name: quote[name] for name in ("source", "version", "start", "end")}
    made = await client.post("/api/evidence", json=place)
    assert made.status_code == 201, made.text
    assert made.json()["quote"] == quote["quote"]


async def test_a_name_is_shown_with_what_is_stated_of_it_and_where(
    client: httpx.AsyncClient, space: str
) -> None:
    """Each relation in words, counted, with the sentences that name both of its ends."""
    found = await seen(client, space, entity="the STEVE Hillage's")
    assert [one["name"] for one in found["entities"] if one["asked"]] == ["Steve Hillage"]
    allen = next(one for one in found["relations"] if "daevid allen" in (one["subject"]))
    assert allen["text"] == "Daevid Allen — co-occurs with → Steve Hillage, 1 passage"
    assert (allen["passages"], allen["directed"]) == (1, False)
    (support,) = allen["support"]
    assert support["quote"] == "Daevid Allen and Steve Hillage left Gong."
    for quote in quoted(found):
        await is_evidence(client, quote)
    assert (await seen(client, space, entity="Nobody Known"))["entities"] == []


async def test_behind_an_answer_are_ways_to_what_it_cites(
    client: httpx.AsyncClient, space: str
) -> None:
    """The same as for its question, from what was asked to passages that can be opened."""
    question = "With whom was Steve Hillage together?"
    await client.post(f"/api/spaces/{space}/answers", json={"question": question})
    (line,) = (await client.get(f"/api/spaces/{space}/answers")).json()
    run = (await client.get(f"/api/answers/{line['id']}")).json()
    cited = {id for sentence in run["sentences"] for id in sentence["passages"]}
    behind = await seen(client, space, answer=line["id"])
    assert behind["about"] == "answer"
    assert {path["leads_to"]["passage"] for path in behind["paths"]} <= (
        cited or {hit["passage"]["id"] for hit in run["hits"]}
    )
    asked_for = {"predicate": "asked for", "begin": "the question", "end": "Steve Hillage"}
    straight = [one for one in behind["paths"] if one["steps"][0] == {**asked_for, "passages": 3}]
    assert straight
    assert {one["begins"] for one in straight} == {None}
    for quote in quoted(behind):
        await is_evidence(client, quote)
    asked = await seen(client, space, q=question)
    assert asked["about"] == "question"
    assert {one["name"] for one in asked["entities"] if one["asked"]} == {"Steve Hillage"}


async def test_communities_are_told_by_sentences_that_can_be_cited(
    client: httpx.AsyncClient, space: str
) -> None:
    """A page at a time, each quotation at its place, and how much was read for them."""
    whole = await seen(client, space, "/communities", limit=MOST_COMMUNITIES)
    assert (whole["read"], whole["of"]) == (3, 3)
    assert whole["total"] == len(whole["communities"]) > 0
    assert any(quote for one in whole["communities"] for quote in one["quotes"])
    for quote in quoted(whole):
        await is_evidence(client, quote)
    paged = [
        (await seen(client, space, "/communities", offset=at, limit=1))["communities"]
        for at in range(whole["total"] + 1)
    ]
    assert [one for page in paged for one in page] == whole["communities"]
    names = {one["name"] for one in (await seen(client, space))["entities"]}
    assert {"Gong", "Steve Hillage"} <= names


async def test_what_lies_outside_the_space_is_in_no_view(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """Neither its names, counts and quotes nor its answers; a deleted source is gone likewise."""
    other = await fill(client, services, "Other", Secret="Steve Hillage met Secret Agent in Rome.")
    await client.post(f"/api/spaces/{other}/answers", json={"question": "Who met Secret Agent?"})
    (line,) = (await client.get(f"/api/spaces/{other}/answers")).json()
    refused = await client.get(f"/api/spaces/{space}/graph", params={"answer": line["id"]})
    assert refused.status_code == 404
    views: list[dict[str, Any]] = [{"entity": "Steve Hillage"}, {"q": "Steve Hillage"}, {}]
    for params in views:
        found = await seen(client, space, **params)
        assert "Secret" not in str(found)
        assert {one["passages"] for one in found["entities"] if one["key"] == "steve hillage"} <= {
            3
        }
    assert "Secret" not in str(await seen(client, space, "/communities"))
    for source in (await client.get(f"/api/spaces/{space}/sources")).json():
        if source["title"].startswith("Gong"):
            await client.delete(f"/api/sources/{source['id']}")
    await services.worker.drain()
    for params in views:
        assert "Allen" not in str(await seen(client, space, **params))
    assert "Allen" not in str(await seen(client, space, "/communities"))


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("", {"limit": MOST_ENTITIES}, 200),
        ("", {"limit": MOST_ENTITIES + 1}, 422),
        ("", {"limit": 0}, 422),
        ("", {"entity": "x" * 200}, 200),
        ("", {"entity": "x" * 201}, 422),
        ("", {"entity": " "}, 422),
        ("", {"q": ""}, 422),
        ("", {"q": "x", "entity": "y"}, 422),
        ("", {"answer": "ans_none"}, 404),
        ("", {"entity": "%' OR 1=1; \0 \N{SNOWMAN}"}, 200),
        ("/communities", {"limit": MOST_COMMUNITIES + 1}, 422),
        ("/communities", {"offset": -1}, 422),
    ],
)
async def test_what_cannot_be_shown_is_refused_with_its_reason(
    client: httpx.AsyncClient, space: str, path: str, params: dict[str, Any], status: int
) -> None:
    answer = await client.get(f"/api/spaces/{space}/graph{path}", params=params)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["remedy"]


async def test_without_a_graph_the_views_say_so_and_how_to_have_one(settings: Settings) -> None:
    without = settings.model_copy(update={"graph_url": "off:"})
    async with open_services(without) as services:
        transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "Any"})).json()["id"]
            for path in ("", "/communities"):
                answer = await client.get(f"/api/spaces/{space}/graph{path}")
                assert answer.status_code == 503
                assert answer.json()["error"]["code"] == "graph_off"
                assert "GRAPH_URL" in answer.json()["error"]["remedy"]
