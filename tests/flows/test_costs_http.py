"""What answers cost, added up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from backend.answers.memory import MemoryRuns
from backend.answers.runs import AnswerRun, Runs, RunState, Spent
from backend.clock import new_id, now
from backend.ports import Usage
from backend.store.answers import StoredRuns
from backend.store.extractions import ExtractionRow, ExtractionState, StoredExtractions
from backend.wiring import Services
from retrieval.graph.extract import Extracted, Heard
from retrieval.model import Scope


def run(space: str, usage: Usage | None, **changes: object) -> AnswerRun:
    made = AnswerRun(
        id=new_id("ans"),
        tenant="local",
        space=space,
        question="How much?",
        sources=None,
        asked_by="you",
        kind="llm",
        model="m",
        state=RunState.FINISHED,
        created_at=now(),
        prompt_hash="asked",
        usage=usage,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # only AnswerRun's own fields


@pytest.fixture(params=["stored", "memory"])
def runs(request: pytest.FixtureRequest, services: Services) -> Runs:
    return StoredRuns(services.store) if request.param == "stored" else MemoryRuns()


@pytest.fixture
async def spaces(client: httpx.AsyncClient) -> tuple[str, str]:
    made = [(await client.post("/api/spaces", json={"name": name})).json()["id"] for name in "ab"]
    return made[0], made[1]


async def test_a_sum_holds_its_scope_its_time_and_its_unknowns(
    runs: Runs, spaces: tuple[str, str]
) -> None:
    """Other spaces and other days are left out; a call without a price is counted, not guessed."""
    here, there = spaces
    begin = now() - timedelta(minutes=1)
    first = run(here, Usage("m", 1000, 200, 0.0123), created_at=begin)
    for one in (
        first,
        first,  # a run is kept again as it goes on
        run(here, Usage("m", 10, 2, None)),  # its price is not known
        run(here, None, state=RunState.CANCELLED),  # cut off: neither is what it took
        run(here, None, state=RunState.RUNNING),  # not over
        run(here, None, state=RunState.DECLINED, prompt_hash=None),  # no model was asked
        run(here, Usage("m", 5, 5, 9.0), created_at=begin - timedelta(seconds=1)),
        run(there, Usage("m", 7, 7, 0.5)),
    ):
        await runs.put(one)
    scope = Scope("local", frozenset({here}))
    assert await runs.spent(begin, scope=scope) == Spent(5, 1010, 202, 0.0123, 2)
    both = await runs.spent(begin, scope=Scope("local", frozenset(spaces)))
    assert both.cost_usd == 0.5123
    nobody = Spent(0, 0, 0, 0.0, 0)
    assert await runs.spent(begin, scope=Scope("local", frozenset())) == nobody
    assert await runs.spent(begin, scope=Scope("other", frozenset(spaces))) == nobody


async def test_the_cost_of_a_space_today(
    client: httpx.AsyncClient, services: Services, spaces: tuple[str, str]
) -> None:
    """Since midnight unless another moment is named; extracts cost nothing and say so."""
    here, _ = spaces
    await StoredRuns(services.store).put(run(here, Usage("m", 1000, 200, 0.25)))
    today = (await client.get(f"/api/spaces/{here}/cost")).json()
    assert today["since"].endswith("T00:00:00.000Z")
    assert {key: today[key] for key in ("kind", "cost_usd", "prompt_tokens", "unpriced")} == {
        "kind": "extractive",
        "cost_usd": 0.25,
        "prompt_tokens": 1000,
        "unpriced": 0,
    }
    later = (now() + timedelta(hours=1)).isoformat()
    after = await client.get(f"/api/spaces/{here}/cost", params={"since": later})
    assert after.json()["answers"] == 0
    zoneless = await client.get(f"/api/spaces/{here}/cost", params={"since": "2026-01-01T00:00"})
    assert zoneless.status_code == 422
    assert (await client.get("/api/spaces/spc_0/cost")).status_code == 404


async def test_what_a_model_read_for_the_graph_is_part_of_the_cost(
    client: httpx.AsyncClient, services: Services, spaces: tuple[str, str]
) -> None:
    """All of a reading begun today, its passages gone or not; of an older one today's replies."""
    here, there = spaces
    added = await client.post(
        f"/api/spaces/{here}/sources/paste",
        json={"title": "Mine", "text": "Copper rose.", "format": "text"},
    )
    await services.worker.drain()
    scope = Scope("local", frozenset({here}))
    (stored,) = await services.passages.following("", limit=9)
    gone = replace(stored, id="src_gone.v.00000")
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = StoredExtractions(services.store, services.passages)
    said = Extracted(Heard((), {}), 100, 20, 0.25)
    for begun, replies in (
        (midnight - timedelta(hours=3), [(stored, said)]),
        (midnight, [(gone, said), (gone, replace(said, cost_usd=None))]),
    ):
        row = ExtractionRow(
            id=new_id("ext"), tenant="local", space=here, model="m", fingerprint="f",
            state=ExtractionState.DONE, created_at=begun, updated_at=begun, created_by="you",
        )  # fmt: skip
        async with services.store.writing() as connection:
            await rows.add(connection, row)
        for passage, reply in replies:
            await rows.keep(row, passage, reply, seconds=1.0)
    await StoredRuns(services.store).put(run(here, Usage("m", 1000, 200, 0.5)))
    today = (await client.get(f"/api/spaces/{here}/cost")).json()
    told = (
        "answers",
        "passages_read",
        "prompt_tokens",
        "completion_tokens",
        "cost_usd",
        "unpriced",
    )
    assert [today[name] for name in told] == [1, 3, 1300, 260, 1.0, 1]
    assert (await rows.taken(now() + timedelta(hours=1), scope=scope)).passages == 0
    assert (await client.get(f"/api/spaces/{there}/cost")).json()["passages_read"] == 0
    await client.delete(f"/api/sources/{added.json()['id']}")
    await services.worker.drain()
    assert (await client.get(f"/api/spaces/{here}/cost")).json()["passages_read"] == 2
