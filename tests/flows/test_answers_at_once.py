"""Many answers at once over the wired application: each stands, fails and is cancelled alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from backend.answers.answer import Answers, Question
from backend.answers.events import AnswerEvent, Cited, Failed, Finished, Retrieved, Started
from backend.answers.runs import RunState
from backend.auth.dev import YOU
from backend.evidence.model import EvidenceRecord
from backend.evidence.service import EvidenceService
from backend.llm.extractive import Extractive
from backend.store.answers import StoredRuns
from backend.store.evidence import StoredEvidence
from backend.wiring import Services
from retrieval.model import Scope
from retrieval.sentences import sentences

UNLUCKY = "unlucky"
PORTS = ("Aalborg", "Bremen", "Calais", "Dover", "Esbjerg", "Fiume", "Genoa", "Hamburg")
TEXT = "\n\n".join(
    f"# {port}\n\nFreight to {port} cost {n} % more in 2025 than in the year before. "
    f"Nordwind leases its warehouse in {port} until 20{n}."
    for n, port in enumerate(PORTS, 30)
)


class Refusing(StoredEvidence):
    """Keeps evidence of everyone but one."""

    async def add(self, records: Sequence[EvidenceRecord]) -> None:
        if any(record.created_by == UNLUCKY for record in records):
            raise OSError("no space left on device")
        await super().add(records)


@pytest.fixture
async def answers(services: Services) -> Answers:
    """As wired, over a store that refuses one person's evidence."""
    runs = StoredRuns(services.store)
    return Answers(
        searcher=services.searcher,
        evidence=EvidenceService(
            store=Refusing(services.store), versions=services.texts, sentences=sentences
        ),
        runs=runs,
        corpus=runs,
        sentences=sentences,
        composer=Extractive(sentences=sentences),
    )


@pytest.fixture
async def scope(services: Services) -> Scope:
    space = await services.spaces.create(YOU, "Ports")
    await services.sources.paste(YOU, space.id, title="Ports", text=TEXT, format="markdown")
    await services.worker.drain()
    return YOU.scope([space.id])


def question(scope: Scope, port: str, actor: str = "ana") -> Question:
    (space,) = scope.spaces
    return Question(f"How much more did freight to {port} cost in 2025?", space, actor)


async def test_what_is_cited_is_in_the_file_and_each_question_gets_its_own_answer(
    services: Services, answers: Answers, scope: Scope
) -> None:
    """Another process, reading the database as a chip is told, finds its evidence there."""
    file = services.store.file
    assert file is not None

    def quoted(id: str) -> str | None:
        with closing(sqlite3.connect(file)) as other:
            row = other.execute("SELECT quote FROM evidence WHERE id = ?", (id,)).fetchone()
            return None if row is None else str(row[0])

    async def ask(port: str) -> str:
        first = ""
        async for event in answers.ask(question(scope, port), scope=scope):
            if isinstance(event, Cited):
                record = event.evidence.record
                assert await asyncio.to_thread(quoted, record.id) == record.quote
                first = first or record.quote
        return first

    told = await asyncio.gather(*(ask(port) for port in PORTS))
    for n, (port, quote) in enumerate(zip(PORTS, told, strict=True), 30):
        assert f"Freight to {port} cost {n} %" in quote


async def test_one_whose_evidence_cannot_be_kept_fails_alone(
    answers: Answers, scope: Scope
) -> None:
    """It tells no chip, and its run says that it failed; the seven beside it finish."""

    async def ask(port: str) -> list[AnswerEvent]:
        actor = UNLUCKY if port == PORTS[3] else "ana"
        asked = answers.ask(question(scope, port, actor), scope=scope)
        return [event async for event in asked]

    told = await asyncio.gather(*(ask(port) for port in PORTS))
    for port, events in zip(PORTS, told, strict=True):
        chips = [event for event in events if isinstance(event, Cited)]
        failed = port == PORTS[3]
        assert isinstance(events[-1], Failed if failed else Finished)
        assert bool(chips) is not failed
        run = await answers.get(events[-1].answer, scope=scope)
        assert run.state is (RunState.FAILED if failed else RunState.FINISHED)


async def test_one_that_is_cancelled_takes_no_other_with_it(answers: Answers, scope: Scope) -> None:
    """Left while its evidence is being kept, its run is kept as cancelled; the others finish."""
    left: list[str] = []

    async def ask(port: str) -> bool:
        async for event in answers.ask(question(scope, port), scope=scope):
            if isinstance(event, Retrieved) and port in PORTS[::2]:
                current = asyncio.current_task()
                assert current is not None
                asyncio.get_running_loop().call_soon(current.cancel)
            if isinstance(event, Started) and port in PORTS[::2]:
                left.append(event.answer)
            if isinstance(event, Finished):
                return True
        return False

    tasks = [asyncio.create_task(ask(port)) for port in PORTS]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in ended] == [True, False] * 4
    assert ended[1::2] == [True] * 4
    await answers.close()
    assert len(left) == 4
    for id in left:
        assert (await answers.get(id, scope=scope)).state is RunState.CANCELLED
