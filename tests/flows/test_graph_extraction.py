"""A model reads a space for facts: asked, checked, stored, fed to the graph, paused and resumed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.app import create_app
from backend.commands import extracting
from backend.commands.client import Refused
from backend.graph import extraction
from backend.graph.extractor import ModelExtractor
from backend.llm.errors import ModelFailed
from backend.llm.litellm_router import LiteLLM
from backend.settings import Settings, Url
from backend.store.engine import open_store
from backend.store.tables import passage_facts
from backend.wiring import Services, open_services
from retrieval.model import Passage

pytestmark = [  # LiteLLM leaves sockets and coroutines of its own to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Reply = Callable[[str], str | int | None]  # a text, a status, or None for a line that breaks off


def facts(shown: str) -> str:
    """What an honest model says: "A acquired B." as it stands."""
    found = re.findall(r"([A-Z]\w+) acquired ([A-Z]\w+)", shown)
    return json.dumps(
        {
            "facts": [
                {"subject": a, "predicate": "acquired", "object": b, "quote": f"{a} acquired {b}"}
                for a, b in found
            ]
        }
    )


class FakeModel:
    """An OpenAI-compatible server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.reply: Reply = facts
        self.asked: list[dict[str, Any]] = []
        self.shown: list[str] = []
        self.held: asyncio.Event | None = None
        self.refuses_schema = False

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.I)
            assert length is not None
            body = json.loads(await reader.readexactly(int(length.group(1))))
            self.asked.append(body)
            self.shown.append(body["messages"][-1]["content"])
            if self.held is not None:
                await self.held.wait()
            said: str | int | None = self.reply(self.shown[-1])
            if self.refuses_schema and "response_format" in body:
                said = 400
            await answer(writer, said)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def answer(writer: asyncio.StreamWriter, said: str | int | None) -> None:
    if isinstance(said, int):
        error = json.dumps({"error": {"message": "no", "code": said}}).encode()
        head = f"HTTP/1.1 {said} No\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(error)}\r\n\r\n".encode() + error)
        return
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    chunk: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1,
                             "model": "tiny"}  # fmt: skip
    for text, finish in ((said or "{", None), ("", "stop")):
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        writer.write(f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode())
        await writer.drain()
        if said is None:
            return
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    writer.write(f"data: {json.dumps({**chunk, 'choices': [], 'usage': usage})}\n\n".encode())
    writer.write(b"data: [DONE]\n\n")
    await writer.drain()


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeModel]:
    monkeypatch.setattr(extraction, "PAUSES", (0.0,))
    fake = FakeModel()
    server = await asyncio.start_server(fake.handle, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # of this one
    yield fake
    server.close()


@pytest.fixture
def settings(tmp_path: Path, model: FakeModel) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "var",
        dense_url="off:",
        sparse_url="off:",
        model_url=f"openai+http://127.0.0.1:{model.port}/v1?model=tiny",  # type: ignore[attr-defined]
        frontend_dir=tmp_path / "dist",
        sample=False,
    )


@asynccontextmanager
async def browsing(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


TEXTS = [
    "Acme acquired Bolt. It was in May.",
    "Crane acquired Dyne. It was in June.",
    "Elba acquired Fane. It was in July.",
    "Gorm acquired Hale. It was in August.",
    "Iona acquired Jove. It was in autumn.",
    "Kent acquired Lorn. It was in winter.",
]


async def filled(client: httpx.AsyncClient, services: Services, texts: list[str] = TEXTS) -> str:
    space = str((await client.post("/api/spaces", json={"name": "Deals"})).json()["id"])
    for at, text in enumerate(texts):
        sent = {"title": f"Deal {at}", "text": text, "format": "text"}
        assert (await client.post(f"/api/spaces/{space}/sources/paste", json=sent)).is_success
    await idle(services)
    return f"/api/spaces/{space}/graph"


async def idle(services: Services) -> None:
    async with asyncio.timeout(60):
        while await services.outbox.waiting():
            await asyncio.sleep(0.02)


async def until(client: httpx.AsyncClient, graph: str, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            run = (await client.get(f"{graph}/extraction")).json()["run"]
            if all(run[name] == value for name, value in wanted.items()):
                return dict(run)
            await asyncio.sleep(0.02)


async def stated(client: httpx.AsyncClient, graph: str, name: str) -> list[dict[str, Any]]:
    found = (await client.get(graph, params={"entity": name})).json()["relations"]
    return [one for one in found if one["predicate"] == "acquired"]


async def dump(services: Services) -> str:
    graph = next(leg.graph for leg in services.legs if leg.graph is not None)
    return await graph.dump()


async def test_a_model_reads_what_is_there_and_its_facts_stand_in_the_graph(
    settings: Settings, model: FakeModel
) -> None:
    """Estimated before, counted after, each with its quotation; nothing is asked twice."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        before = (await client.get(f"{graph}/extraction")).json()
        assert (before["model"], before["run"]) == ("tiny", None)
        estimate = before["estimate"]
        assert (estimate["passages"], estimate["kept"], estimate["cost_usd"]) == (6, 0, 0.0)
        assert estimate["prompt_tokens"] > 600
        assert estimate["minutes"] is None
        assert model.asked == []
        begun = await client.post(f"{graph}/extraction", json={})
        assert begun.status_code == 202, begun.text
        run = await until(client, graph, state="done")
        assert (run["passages"], run["facts"], run["dropped"]) == (6, 6, 0)
        assert (run["prompt_tokens"], run["completion_tokens"]) == (600, 120)
        assert (run["cost_usd"], run["unpriced"]) == (0.0, 0)
        (bought,) = await stated(client, graph, "Acme")
        assert bought["text"] == "Acme — acquired → Bolt, 1 passage"
        assert bought["directed"]
        assert [one["quote"] for one in bought["support"]] == ["Acme acquired Bolt"]
        assert model.asked[0]["response_format"]["json_schema"]["schema"]["required"] == ["facts"]
        again = await client.post(f"{graph}/extraction", json={})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "nothing_left")
        assert len(model.asked) == 6


async def test_what_a_model_invents_is_not_believed(settings: Settings, model: FakeModel) -> None:
    """Nor does a reply that is no list stop the others: both are counted, and paid for once."""

    def lies(shown: str) -> str:
        if "Crane" in shown:
            return "I would rather talk about something else."
        lie = {"subject": "Acme", "predicate": "acquired", "object": "Bolt",
               "quote": "Acme acquired Bolt for a billion"}  # fmt: skip
        return json.dumps({"facts": [lie]}) if "Acme" in shown else facts(shown)

    model.reply = lies
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        await client.post(f"{graph}/extraction", json={})
        run = await until(client, graph, state="done")
        assert (run["passages"], run["failed"], run["facts"], run["dropped"]) == (6, 1, 4, 1)
        assert await stated(client, graph, "Acme") == []
        assert await stated(client, graph, "Crane") == []
        assert len(model.asked) == 7  # what was no list was asked for once more


async def test_a_deleted_source_takes_exactly_what_was_said_of_it(
    settings: Settings, model: FakeModel
) -> None:
    """Add A and B, read both by the model, delete A: the graph is that of B alone."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services, TEXTS[:2])
        await client.post(f"{graph}/extraction", json={})
        await until(client, graph, state="done")
        both = await dump(services)
        assert both.count('"kind": "acquired"') == 2
        sources = (await client.get(graph.replace("graph", "sources"))).json()
        gone = next(one for one in sources if one["title"].startswith("Deal 0"))
        await client.delete(f"/api/sources/{gone['id']}")
        await idle(services)
        left = [line for line in both.splitlines() if gone["id"] not in line]
        assert (await dump(services)).splitlines() == left
        rows = await services.store.rows(select(passage_facts.c.passage))
        assert len(rows) == 1
        # What it took stays told.
        assert (await until(client, graph, state="done"))["prompt_tokens"] == 200


async def test_it_pauses_and_resumes_without_asking_again(
    settings: Settings, model: FakeModel
) -> None:
    """Replies on their way when it was paused are taken in; what was cancelled stays so."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        model.held = asyncio.Event()
        await client.post(f"{graph}/extraction", json={})
        async with asyncio.timeout(20):
            while len(model.asked) < extraction.AT_ONCE:
                await asyncio.sleep(0.02)
        assert (await client.post(f"{graph}/extraction/pause")).json()["run"]["state"] == "paused"
        assert (await client.post(f"{graph}/extraction", json={})).status_code == 409
        model.held.set()
        await idle(services)
        run = await until(client, graph, state="paused")
        assert run["passages"] == extraction.AT_ONCE
        resumed = await client.post(f"{graph}/extraction/resume")
        assert resumed.status_code == 200, resumed.text
        assert (await until(client, graph, state="done"))["passages"] == 6
        assert len(model.shown) == len(set(model.shown)) == 6
        assert (await client.post(f"{graph}/extraction/pause")).status_code == 404
        assert (await client.post(f"{graph}/extraction/cancel")).status_code == 404


async def test_a_budget_pauses_before_it_is_exceeded(settings: Settings, model: FakeModel) -> None:
    """It counts what a reply might take at most, and a larger one lets it go on."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        for budget in (0, -1):
            refused = await client.post(f"{graph}/extraction", json={"budget_tokens": budget})
            assert refused.status_code == 422
        await client.post(f"{graph}/extraction", json={"budget_tokens": 3_200})
        run = await until(client, graph, state="paused")
        assert run["reason"]["code"] == "budget"
        assert 0 < run["passages"] < 6
        assert run["prompt_tokens"] + run["completion_tokens"] <= 3_200
        more = {"budget_tokens": 50_000}
        await client.post(f"{graph}/extraction/resume", json=more)
        assert (await until(client, graph, state="done"))["passages"] == 6


async def test_a_model_that_stops_answering_pauses_it_and_loses_nothing(
    settings: Settings, model: FakeModel
) -> None:
    """After a few tries the reason is told; once the model is back, the rest is read."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        model.reply = lambda shown: None
        await client.post(f"{graph}/extraction", json={})
        run = await until(client, graph, state="paused")
        assert run["reason"]["code"] == "model_cut"
        assert run["passages"] == 0
        model.reply = lambda shown: 401
        await client.post(f"{graph}/extraction/resume")
        run = await until(client, graph, state="paused")
        assert run["reason"]["code"] == "model_refused_key"
        model.reply = facts
        model.refuses_schema = True
        await client.post(f"{graph}/extraction/resume")
        assert (await until(client, graph, state="done"))["facts"] == 6


async def test_after_an_end_without_warning_it_goes_on_and_feeds_what_was_kept(
    settings: Settings, model: FakeModel
) -> None:
    """What was stored is given to a graph that has not got it, and is not asked again."""
    async with open_services(settings) as services, browsing(services) as client:
        graph = await filled(client, services)
        model.held = asyncio.Event()
        model.held.set()

        def slow(shown: str) -> str:
            if len(model.asked) >= 4:
                assert model.held is not None
                model.held.clear()
            return facts(shown)

        model.reply = slow
        await client.post(f"{graph}/extraction", json={})
        async with asyncio.timeout(20):
            while len(model.asked) < 5:
                await asyncio.sleep(0.02)
        asked = len(model.asked)
    (settings.data_dir / "graph.db").rename(settings.data_dir / "gone.db")
    for end in ("-wal", "-shm"):
        (settings.data_dir / f"graph.db{end}").unlink(missing_ok=True)
    kept = set(model.shown[:4])
    model.held, model.reply = None, facts
    async with open_services(settings) as services, browsing(services) as client:
        run = await until(client, graph, state="done")
        assert (run["passages"], run["facts"]) == (6, 6)
        assert kept.isdisjoint(model.shown[asked:])
        assert (await dump(services)).count('"kind": "acquired"') == 6


async def test_without_a_model_it_says_that_it_needs_one(settings: Settings) -> None:
    without = settings.model_copy(update={"model_url": "extractive:"})
    async with open_services(without) as services, browsing(services) as client:
        graph = await filled(client, services, TEXTS[:1])
        seen = (await client.get(f"{graph}/extraction")).json()
        assert (seen["model"], seen["estimate"]) == (None, None)
        assert "STRATMASTER_MODEL_URL" in seen["remedy"]
        refused = await client.post(f"{graph}/extraction", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_model")
        assert "STRATMASTER_MODEL_URL" in refused.json()["error"]["remedy"]


async def test_the_command_line_estimates_reads_and_tells(
    settings: Settings, model: FakeModel
) -> None:
    """Before anything is asked, while it reads, and once nothing is left; without a model, how."""
    async with open_services(settings) as services, browsing(services) as client:
        await filled(client, services)
    told: list[str] = []

    async def read(tokens: int | None) -> extracting.Found:
        return await extracting.extract(
            settings, "Deals", budget_usd=None, budget_tokens=tokens, tell=told.append
        )

    before = await extracting.estimated(settings, "Deals")
    assert (before.whole, model.asked) == (True, [])
    assert before.text().startswith("6 passages to be read by tiny, 0 read already: about ")
    paused = await read(3_200)
    assert not paused.whole
    assert "The budget of 3,200 tokens does not allow" in paused.text()
    done = await read(100_000)
    assert done.whole
    assert (
        done.text()
        == "done: 6 passages read, 6 facts found, 0 not borne out, 720 tokens, 0.0000 USD"
    )
    assert told
    assert (await read(None)).whole
    assert len(model.asked) == 6
    with pytest.raises(Refused, match="needs a model"):
        await extracting.estimated(
            settings.model_copy(update={"model_url": "extractive:"}), "Deals"
        )


async def test_a_model_that_stalls_is_given_up_in_time(model: FakeModel) -> None:
    """It says why, and its silence is one of the faults that another try may mend."""
    model.held = asyncio.Event()
    address = f"openai+http://127.0.0.1:{model.port}/v1?model=tiny"  # type: ignore[attr-defined]
    slow = ModelExtractor(LiteLLM.at(Url(address), first_token_seconds=0.3))
    text = TEXTS[0]
    with pytest.raises(ModelFailed) as failed:
        await slow.read(Passage("p1", "t", "s", "src", "v", 0, text, 0, len(text), "Deal"))
    assert failed.value.code in extraction.PASSING
    model.held.set()


async def test_it_is_the_same_on_postgresql(
    settings: Settings, model: FakeModel, postgres_url: str
) -> None:
    """Kept, counted, shown with its quotations, and gone with its source."""
    async with open_store(Url(postgres_url), settings.data_dir, migrate=True):
        pass
    served = settings.model_copy(update={"database_url": postgres_url})
    async with open_services(served) as services, browsing(services) as client:
        graph = await filled(client, services, TEXTS[:2])
        await client.post(f"{graph}/extraction", json={"budget_tokens": 90_000})
        run = await until(client, graph, state="done")
        assert (run["passages"], run["facts"], run["prompt_tokens"]) == (2, 2, 200)
        (bought,) = await stated(client, graph, "Acme")
        assert [one["quote"] for one in bought["support"]] == ["Acme acquired Bolt"]
        assert (await client.get(f"{graph}/communities")).status_code == 200
        await client.delete(graph.removesuffix("/graph"))
        await idle(services)
        assert await services.store.rows(select(passage_facts.c.passage)) == []
