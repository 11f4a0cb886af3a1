"""A real small language model, served on this machine, answers through the same flow."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.answers.answer import Answers, Question
from backend.answers.events import AnswerEvent, Cited, Declined, Finished, Sentence, Token
from backend.answers.memory import MemoryRuns
from backend.evidence.memory import MemoryEvidence, MemoryVersions
from backend.evidence.model import StoredVersion
from backend.evidence.service import EvidenceService
from backend.graph.extractor import ModelExtractor
from backend.llm.extractive import Extractive
from backend.llm.litellm_router import LiteLLM
from backend.settings import Url
from retrieval.fusion import Fusion
from retrieval.model import (
    Contribution,
    Hit,
    LegState,
    LegTrace,
    Passage,
    Query,
    Ranked,
    Run,
    Scope,
    SearchResult,
    Trace,
)
from retrieval.search import FUSION
from retrieval.sentences import sentences

MODELS = Path(__file__).parents[1] / "models"
pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(300),
    # LiteLLM leaves sockets and coroutines of its own to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SCOPE = Scope("local", frozenset({"spc_1"}))
TEXT = (
    "Heat pump revenue of Nordwind grew 12 % in 2025, driven by renovation subsidies. "
    "Service contracts stayed flat.\n\n"
    "Nordwind sells through 140 installers in Germany. Installers name delivery time as their "
    "main worry.\n\n"
    "The board met in Hamburg on 3 March 2025 and approved a second plant in Leipzig."
)


class Shelf:
    """A search that finds every passage there is: what is tested here is what comes after."""

    def __init__(self) -> None:
        self.passages = [
            Passage(
                f"src_1.{'a' * 12}.{ordinal:05d}", "local", "spc_1", "src_1", "a" * 64, ordinal,
                piece, TEXT.index(piece), TEXT.index(piece) + len(piece), "Market study",
            )
            for ordinal, piece in enumerate(TEXT.split("\n\n"))
        ]  # fmt: skip

    async def search(
        self, query: Query, *, scope: Scope, limit: int, fusion: Fusion = FUSION
    ) -> SearchResult:
        leg = LegTrace("dense", LegState.OK, 0.1, len(self.passages))
        hits = tuple(Hit(one, 0.9, (Contribution("dense", 1, 0.9, 0.9),)) for one in self.passages)
        run = Run("dense", tuple(Ranked(one.id, 0.9) for one in self.passages))
        return SearchResult(hits[:limit], (run,), Trace((leg,), "rrf"))


@pytest.fixture(scope="module")
def model_file() -> Path:
    spec = importlib.util.spec_from_file_location("fetch_test_model", MODELS / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        file: Path = module.fetch()
    except Exception as error:
        pytest.fail(f"the test model could not be fetched (python tests/models/fetch.py): {error}")
    return file


@pytest.fixture
async def address(model_file: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(MODELS / "serve.py"),
        str(model_file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = b""
        while not line.startswith(b"http"):
            line = await process.stdout.readline()
            assert line, "the model's server ended before it answered"
        yield line.decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def test_a_real_model_answers_with_checked_chips_and_declines_off_topic(address: str) -> None:
    """What it cites stands in the stored text; what the passages do not say, it does not answer."""
    versions = MemoryVersions("local")
    versions.put(StoredVersion("src_1", "Market study", "spc_1", "a" * 64, 1, TEXT))
    runs = MemoryRuns(sources=1, passages=3)
    answers = Answers(
        searcher=Shelf(),
        evidence=EvidenceService(store=MemoryEvidence(), versions=versions, sentences=sentences),
        runs=runs,
        corpus=runs,
        sentences=sentences,
        composer=Extractive(sentences=sentences),
        model=LiteLLM.at(Url(f"openai+{address}/v1?model=qwen")),
    )

    async def ask(text: str) -> list[AnswerEvent]:
        question = Question(text, "spc_1", "ana")
        return [event async for event in answers.ask(question, scope=SCOPE)]

    events = await ask("How much did heat pump revenue of Nordwind grow in 2025, and why?")
    finished = events[-1]
    assert isinstance(finished, Finished), finished
    assert any(isinstance(event, Token) for event in events)
    assert "12" in " ".join(event.text for event in events if isinstance(event, Sentence))
    cited = [event for event in events if isinstance(event, Cited)]
    assert cited
    for chip in cited:
        record = chip.evidence.record
        assert TEXT[record.start : record.end] == record.quote
    assert any("12 %" in chip.evidence.record.quote for chip in cited)
    assert finished.usage is not None
    assert finished.usage.completion_tokens > 0
    assert finished.usage.cost_usd == 0.0

    declined = (await ask("Which enzyme repairs double strand breaks in yeast?"))[-1]
    assert isinstance(declined, Declined), declined
    assert declined.nearest


async def test_a_real_model_is_read_for_facts_and_believed_only_by_its_quotations(
    address: str,
) -> None:
    """Whatever so small a model says, what is kept stands in the passage, and is paid for once."""
    text = "In March 2025 Nordwind acquired Brede. Nordwind is based in Hamburg."
    passage = Passage("p1", "local", "spc_1", "src_1", "a" * 64, 0, text, 0, len(text), "News")
    extractor = ModelExtractor(LiteLLM.at(Url(f"openai+{address}/v1?model=qwen")))
    said = await extractor.read(passage)
    assert said.prompt_tokens > 0
    assert said.completion_tokens > 0
    assert said.cost_usd == 0.0
    assert said.error is None, said
    for fact in said.heard.facts:
        assert text[fact.start : fact.end] == fact.quote
        assert fact.subject_name.casefold() in text.casefold()
    assert ("nordwind", "brede") in {(fact.subject, fact.object) for fact in said.heard.facts}, said
