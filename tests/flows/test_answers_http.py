"""Questions, evidence and claims over HTTP, on the wired application."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from backend.answers.answer import Question
from backend.answers.routes import stream
from backend.wiring import Services
from collab import Block, Inline
from collab.model import Mark
from retrieval.model import Scope

GROWTH = "How much did heat pump revenue of Nordwind grow in 2025?"
STUDY = (
    "# Growth\n\nHeat pump revenue of Nordwind grew 12 % in 2025, driven by renovation subsidies."
    "\n\n# Sales\n\nNordwind sells heat pumps through 140 installers in Germany.\n"
)
MINUTES = "# Minutes\n\nHeat pump revenue of Nordwind grew 9 % in 2025, the board was told.\n"


async def upload(client: httpx.AsyncClient, space: str, path: str, text: str) -> dict[str, Any]:
    response = await client.post(
        f"/api/spaces/{space}/sources", files={"file": (path, text.encode(), "text/markdown")}
    )
    assert response.is_success, response.text
    source: dict[str, Any] = response.json()
    return source


@pytest.fixture
async def space(client: httpx.AsyncClient, services: Services) -> str:
    made = (await client.post("/api/spaces", json={"name": "Nordwind"})).json()
    await upload(client, made["id"], "study.md", STUDY)
    await upload(client, made["id"], "minutes.md", MINUTES)
    await services.worker.drain()
    return str(made["id"])


def events_of(body: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for frame in body.split("\n\n"):
        match = re.fullmatch(r"event: (\w+)\ndata: (.*)", frame)
        if match:
            found.append((match[1], json.loads(match[2])))
    return found


async def ask(
    client: httpx.AsyncClient, space: str, question: str, **fields: object
) -> list[tuple[str, dict[str, Any]]]:
    response = await client.post(
        f"/api/spaces/{space}/answers", json={"question": question, **fields}
    )
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events_of(response.text)


async def test_an_answer_streams_and_its_evidence_is_kept(
    client: httpx.AsyncClient, space: str
) -> None:
    """Events in order, each chip's quote in the stored text, run and evidence to be read."""
    events = await ask(client, space, GROWTH)
    names = [name for name, _ in events]
    assert names[:2] == ["started", "retrieved"]
    assert names[-1] == "finished"
    assert events[0][1]["kind"] == "extractive"
    assert events[0][1]["scope"] == {"sources": 2, "passages": 3}
    assert events[1][1]["hits"][0]["matched"]
    cited = [data for name, data in events if name == "cited"]
    assert cited
    for chip in cited:
        one = chip["evidence"]
        reader = await client.get(
            f"/api/sources/{one['source']}/versions/{one['version']}/reader",
            params={"start": one["start"], "end": one["end"]},
        )
        assert reader.json()["quote"] == one["quote"]
    assert {"12 %", "9 %"} <= {
        figure for chip in cited for figure in re.findall(r"\d+ %", chip["evidence"]["quote"])
    }
    assert any(name == "notice" and data["code"] == "figures_differ" for name, data in events)
    run = (await client.get(f"/api/answers/{events[0][1]['answer']}")).json()
    assert run["state"] == "finished"
    assert run["lists"]["bm25"][0]["rank"] == 1
    ids = ",".join(chip["evidence"]["id"] for chip in cited)
    read = (await client.get("/api/evidence", params={"ids": f"{ids},cit_none"})).json()
    assert read["missing"] == ["cit_none"]
    assert {one["state"] for one in read["evidence"].values()} == {"current"}
    (line,) = (await client.get(f"/api/spaces/{space}/answers")).json()
    assert line["sentences"] == len(cited)
    replay = (await client.post(f"/api/answers/{run['id']}/replay")).json()
    assert replay["identical"], replay["differences"]
    estimate = (await client.get(f"/api/spaces/{space}/estimate", params={"q": GROWTH})).json()
    assert estimate["cost_usd"] == 0.0
    assert estimate["seconds"] is not None


async def test_a_narrowed_question_sees_only_its_sources(
    client: httpx.AsyncClient, space: str
) -> None:
    sources = (await client.get(f"/api/spaces/{space}/sources")).json()
    minutes = next(one["id"] for one in sources if one["path"] == "minutes.md")
    events = await ask(client, space, GROWTH, sources=[minutes])
    assert events[0][1]["scope"] == {"sources": 1, "passages": 1}
    cited = [data["evidence"]["source"] for name, data in events if name == "cited"]
    assert set(cited) == {minutes}
    none = await ask(client, space, GROWTH, sources=[])
    assert none[-1][0] == "declined"


async def test_a_misspelt_question_is_answered_as_it_is_meant(
    client: httpx.AsyncClient, space: str
) -> None:
    """A word that nothing holds, since it is misspelt, is no evidence that something is missing."""
    right = await ask(client, space, GROWTH)
    events = await ask(client, space, GROWTH.replace("revenue", "revneue"))
    understood = events[1][1]["trace"]["understood"]
    assert understood["corrections"] == [{"written": "revneue", "searched": "revenue"}]
    quotes = [[data["text"] for name, data in one if name == "sentence"] for one in (right, events)]
    assert quotes[0] == quotes[1] != []
    run = (await client.get(f"/api/answers/{events[0][1]['answer']}")).json()
    assert run["trace"]["understood"]["corrections"] == understood["corrections"]


async def test_an_off_topic_question_is_declined(client: httpx.AsyncClient, space: str) -> None:
    name, data = (await ask(client, space, "Which enzyme repairs broken strands in yeast?"))[-1]
    assert name == "declined"
    assert data["searched"]["sources"] == 2
    assert "bm25" in data["searched"]["legs"]


@pytest.mark.parametrize("question", ["", "   ", "x" * 2_001])
async def test_a_question_that_cannot_be_asked_is_an_error_not_a_stream(
    client: httpx.AsyncClient, space: str, question: str
) -> None:
    response = await client.post(f"/api/spaces/{space}/answers", json={"question": question})
    assert response.status_code == 422
    assert response.json()["error"]["remedy"]


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, space: str) -> None:
    for response in (
        await client.post("/api/spaces/spc_none/answers", json={"question": "q"}),
        await client.get("/api/answers/ans_none"),
        await client.post("/api/answers/ans_none/replay"),
        await client.post(
            "/api/evidence", json={"source": "src_none", "version": "a", "start": 0, "end": 1}
        ),
    ):
        assert response.status_code == 404


async def test_a_reader_who_leaves_cancels_the_answer(services: Services, space: str) -> None:
    """Closing the stream in the middle leaves a run that says cancelled."""
    scope = Scope("local", frozenset({space}))
    pieces = stream(services.answers, Question(GROWTH, space, "ana"), scope)
    assert b"event: started" in await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator, seen as an iterator
    await services.answers.close()
    (run,) = await services.answers.recent(space, scope=scope, limit=5)
    assert run.state == "cancelled"


async def test_ids_of_another_space_are_refused_beside_ids_of_this_one(
    client: httpx.AsyncClient, space: str
) -> None:
    """A right to one of two ids is no right to the other, whoever asks."""
    other = (await client.post("/api/spaces", json={"name": "Other"})).json()["id"]
    brief = (await client.post(f"/api/spaces/{other}/briefs", json={"title": "Theirs"})).json()
    asked = await client.post(
        f"/api/spaces/{space}/answers", json={"question": GROWTH, "brief": brief["id"]}
    )
    assert asked.status_code == 404
    sources = (await client.get(f"/api/spaces/{space}/sources")).json()
    narrowed = await ask(client, other, GROWTH, sources=[sources[0]["id"]])
    assert narrowed[-1][0] == "declined"
    assert narrowed[-1][1]["nearest"] == []
    place = {"source": sources[0]["id"], "version": sources[0]["version"]["hash"]}
    for answer in (narrowed[0][1]["answer"], "ans_none"):
        cited = await client.post(
            "/api/evidence", json={**place, "start": 0, "end": 8, "answer": answer}
        )
        assert cited.status_code == 404


async def test_a_slow_reader_learns_of_the_end(
    services: Services, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was made ahead of the reader fills the queue, and the stream ends all the same."""
    scope = Scope("local", frozenset({space}))
    question = Question(GROWTH, space, "ana")
    whole = [piece async for piece in stream(services.answers, question, scope)]
    monkeypatch.setattr("backend.answers.routes.AHEAD", len(whole) - 1)
    pieces = stream(services.answers, question, scope)
    read = [await anext(pieces)]
    async with asyncio.timeout(10):  # less than the pause after which a ping would come
        while (await services.answers.recent(space, scope=scope, limit=1))[0].state == "running":
            await asyncio.sleep(0)
        read += [piece async for piece in pieces]
    assert read[-1].startswith(b"event: finished")
    assert len(read) == len(whole)


async def test_a_place_is_cited_by_its_offsets_and_goes_stale(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """The quote is read, never sent; a new version without it makes it stale, deletion deleted."""
    sources = (await client.get(f"/api/spaces/{space}/sources")).json()
    study = next(one for one in sources if one["path"] == "study.md")
    place = {"source": study["id"], "version": study["version"]["hash"], "start": 10, "end": 40}
    made = await client.post("/api/evidence", json=place)
    assert made.status_code == 201, made.text
    evidence = made.json()
    assert len(evidence["quote"]) == 30
    for bad in ({"end": 10}, {"start": -1}, {"end": 10_000_000}, {"start": 39, "end": 12}):
        refused = await client.post("/api/evidence", json=place | bad)
        assert refused.status_code == 422

    async def state() -> str:
        read = await client.get("/api/evidence", params={"ids": evidence["id"]})
        return str(read.json()["evidence"][evidence["id"]]["state"])

    await upload(client, space, "study.md", "# New\n\nEverything was written anew this time.\n")
    await services.worker.drain()
    assert await state() == "stale"
    await client.delete(f"/api/sources/{study['id']}")
    await services.worker.drain()
    assert await state() == "deleted"


async def test_a_passage_is_cited_by_the_sentence_that_carries_the_claim(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """The best sentence of the place, by its own offsets; the whole place where none carries it."""
    carrying = "Pumpenverkäufe 🚰 in Graz rose by 31 % in 2025."
    text = f"# Graz\n\nThe city has many hills. {carrying} The mayor is pleased with the river.\n"
    source = await upload(client, space, "graz.md", text)
    await services.worker.drain()
    (source,) = [
        one
        for one in (await client.get(f"/api/spaces/{space}/sources")).json()
        if one["id"] == source["id"]
    ]
    place = {"source": source["id"], "version": source["version"]["hash"]}
    found = (await client.get(f"/api/spaces/{space}/search", params={"q": "Graz hills"})).json()
    passage = next(
        hit["passage"] for hit in found["hits"] if hit["passage"]["source"] == source["id"]
    )
    place |= {"start": passage["start"], "end": passage["end"]}

    async def cited(text: str | None) -> Any:
        return await client.post("/api/evidence", json=place | {"text": text})

    claim = "In Graz the Pumpenverkäufe rose 31 % in 2025."
    made = (await cited(claim)).json()
    assert made["quote"] == carrying
    assert passage["start"] < made["start"] == made["end"] - len(carrying)
    for other in (None, "", "Penguins sing.", claim.replace("31", "13")):
        assert (await cited(other)).json()["quote"] == passage["text"]
    assert (await cited("x" * 2_000)).status_code == 201
    assert (await cited("x" * 2_001)).status_code == 422
    for bad in ({"start": -1}, {"end": 10_000}, {"end": 20_001 + passage["start"]}):
        refused = await client.post("/api/evidence", json=place | {"text": claim} | bad)
        assert refused.status_code == 422


async def brief_with(
    services: Services, client: httpx.AsyncClient, space: str, blocks: list[Block]
) -> str:
    principal = await services.authenticator.authenticate(
        method="GET", headers={"host": "127.0.0.1"}, client="127.0.0.1"
    )
    brief = await services.briefs.create(principal, space, "Größe & “Plan”/2026", blocks=blocks)
    return brief.id


async def test_claims_are_checked_marked_and_downloaded(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """A brief's sentences get verdicts, an opinion stands aside, and both files hold it all."""
    events = await ask(client, space, GROWTH)
    chips = [data["evidence"] for name, data in events if name == "cited"]
    twelve = next(one["id"] for one in chips if "12 %" in one["quote"])

    def chip() -> Inline:
        return Inline("citation", attrs={"cite": twelve})

    blocks = [
        Block("aaaaaaaaaa", "paragraph", inline=(
            Inline("text", "Heat pump revenue grew 12 % in 2025."), chip(),
            Inline("text", " Heat pump revenue grew 30 % in 2025"), chip(), Inline("text", "."))),
        Block("bbbbbbbbbb", "paragraph", inline=(
            Inline("text", "We should "), Inline("text", "enter", marks=(Mark("bold"),)),
            Inline("text", " this market soon."))),
    ]  # fmt: skip
    brief = await brief_with(services, client, space, blocks)
    first = (await client.get(f"/api/briefs/{brief}/claims")).json()
    assert [one["verdict"] for one in first["claims"]] == [
        "supported",
        "unsupported",
        "unsupported",
    ]
    assert "12 %" in first["claims"][1]["reason"]
    assert first["method"] == "lexical"
    assert first["updated"]
    assert not (await client.get(f"/api/briefs/{brief}/claims")).json()["updated"]
    opinion = first["claims"][2]["hash"]
    marked = await client.post(f"/api/briefs/{brief}/claims/{opinion}", json={"opinion": True})
    assert marked.json()["verdict"] == "opinion"
    again = await client.post(f"/api/briefs/{brief}/claims/{first['claims'][0]['hash']}/recheck")
    assert again.json()["verdict"] == "supported"
    coverage = (await client.get(f"/api/briefs/{brief}/claims")).json()["coverage"]
    assert coverage == {
        "claims": 3, "cited": 2, "supported": 1, "partial": 0, "unsupported": 1, "stale": 0,
        "opinion": 1,
    }  # fmt: skip
    unknown = await client.post(f"/api/briefs/{brief}/claims/0000/recheck")
    assert unknown.status_code == 404

    text = await client.get(f"/api/briefs/{brief}/download", params={"format": "md"})
    assert "Heat pump revenue grew 12 % in 2025.\\[1\\]" in text.text
    assert "We should **enter** this market soon." in text.text
    assert "## References\n\n\\[1\\] " in text.text
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe" in text.headers["content-disposition"]
    word = await client.get(f"/api/briefs/{brief}/download", params={"format": "docx"})
    assert word.content.startswith(b"PK")
    wrong = await client.get(f"/api/briefs/{brief}/download", params={"format": "exe"})
    assert wrong.status_code == 422


async def test_stale_evidence_makes_its_claims_stale(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """A verdict that was kept does not outlive what it was judged against."""
    events = await ask(client, space, GROWTH)
    chip = next(data["evidence"] for name, data in events if name == "cited")
    inline = (Inline("text", chip["quote"]), Inline("citation", attrs={"cite": chip["id"]}))
    brief = await brief_with(
        services, client, space, [Block("aaaaaaaaaa", "paragraph", inline=inline)]
    )
    before = (await client.get(f"/api/briefs/{brief}/claims")).json()
    assert before["claims"][0]["verdict"] == "supported"
    await client.delete(f"/api/sources/{chip['source']}")
    await services.worker.drain()
    after = (await client.get(f"/api/briefs/{brief}/claims")).json()
    assert after["claims"][0]["verdict"] == "stale"
