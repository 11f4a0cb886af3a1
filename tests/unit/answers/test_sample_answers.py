"""What a newcomer sees first: answers over the sample's papers, with the real encoder."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.answers.answer import HITS
from backend.answers.grounds import decide, unmentioned
from backend.llm.extractive import Composition, Extractive
from retrieval.chunking import cut
from retrieval.dense import DenseLeg
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.language import spoken
from retrieval.memory import MemoryLexical, MemoryPassages
from retrieval.model import Passage, Query, Scope, SearchResult
from retrieval.reading.read import read
from retrieval.search import Searcher
from retrieval.sentences import sentences
from retrieval.stores.exact import ExactVectors
from retrieval.weights import GRANITE

SAMPLE = Path(__file__).parents[3] / "backend/sample"
SCOPE = Scope("local", frozenset({"sample"}))

Search = Callable[[str], Awaitable[SearchResult]]
Ask = Callable[[str], Awaitable[Composition | None]]


@pytest.fixture(scope="module")
def space() -> SimpleNamespace:
    """The sample's passages, and a place for their vectors: they are made once."""
    passages: list[Passage] = []
    for name in json.loads((SAMPLE / "sample.json").read_text(encoding="utf-8"))["files"]:
        reading = read(SAMPLE / name, declared_name=name)
        passages += cut(
            reading, tenant="local", space="sample", source=name, version="0" * 64, title=name
        )
    return SimpleNamespace(passages=passages, vectors=ExactVectors())


@pytest.fixture(scope="module")
def encoder(models_dir: Path) -> OnnxEncoder:
    return OnnxEncoder.open(models_dir / GRANITE)


@pytest.fixture
async def search(space: SimpleNamespace, encoder: OnnxEncoder) -> Search:
    words, meaning = MemoryLexical(), DenseLeg(encoder, space.vectors)
    await words.put(space.passages)
    if not await meaning.count():
        await meaning.put(space.passages)
    searcher = Searcher([words, meaning], MemoryPassages(space.passages), deadline_s=60)

    async def found(question: str) -> SearchResult:
        return await searcher.search(
            Query(question, language=spoken(question)), scope=SCOPE, limit=HITS
        )

    return found


@pytest.fixture
def ask(search: Search, encoder: OnnxEncoder) -> Ask:
    """The answer's extracts; None where the question is declined."""
    composer = Extractive(sentences=sentences, encoder=encoder)

    async def asked(question: str) -> Composition | None:
        result = await search(question)
        if not decide(question, result).enough:
            return None
        return await composer.compose(question, result.hits)

    return asked


async def test_both_growth_figures_stand_side_by_side(ask: Ask) -> None:
    """The minutes say 9 %, the study 12.1 %: an answer with one of them would mislead."""
    made = await ask("How fast did the Austrian market grow in 2025?")
    assert made is not None
    texts = [one.text for one in made.extracts]
    assert ("9 %" in texts[0], "12.1 %" in texts[1]) in ((True, True), (False, False))
    assert {made.disagreements[0].first, made.disagreements[0].second} == {0, 1}
    assert sorted(made.disagreements[0].figures) == ["12.1 %", "9 %"]


async def test_complaints_are_told_in_sentences_about_complaints(ask: Ask) -> None:
    made = await ask("What do customers complain about?")
    assert made is not None
    texts = [one.text for one in made.extracts]
    assert 2 <= len(texts) <= 6
    assert "spare parts is the most frequent complaint" in texts[0]
    assert "also complain about the range" in texts[1]
    assert not any(" | " in text or "midwife" in text for text in texts)


async def test_competitors_and_prices_are_told_in_prose_first(ask: Ask) -> None:
    made = await ask("Who are the main competitors and what do they charge?")
    assert made is not None
    texts = [one.text for one in made.extracts]
    assert any("Lastra charges EUR 4,990" in text for text in texts[:3])
    assert not any(" | " in text or "; " in text.partition(":")[2] for text in texts[:3])


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How many employees does Halden Cycles have?", "Employees at the end of 2025: 118"),
        ("How much does the launch in Iberia cost?", "The launch budget is EUR 0.9 million"),
        ("When is the next board meeting?", "The next meeting is on 18 March 2026"),
        ("What did the board decide?", "The company prepares an entry into Austria"),
        ("Which competitor is the price leader?", "Velomula is the price leader."),
        ("What is the price of the Fjord?", "Model: Fjord;"),
    ],
)
async def test_the_best_answer_stands_first(ask: Ask, question: str, first: str) -> None:
    """Not what merely names the company, and a row where a row is what answers."""
    made = await ask(question)
    assert made is not None
    assert made.extracts[0].text.startswith(first)


@pytest.mark.parametrize(
    "question",
    ["Who is the president of France?", "How do I bake bread?", "What is the weather in Vienna?"],
)
async def test_what_the_papers_do_not_speak_of_is_declined(ask: Ask, question: str) -> None:
    """Also where they name the city that the question names."""
    assert await ask(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "How do grants work in Spain?",
        "What do fleets want?",
        "How does the range change in winter?",
    ],
)
async def test_what_the_papers_speak_of_is_answered(ask: Ask, question: str) -> None:
    made = await ask(question)
    assert made is not None
    assert made.extracts


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("How large is the market for e-scooters in Poland?", ("Poland",)),
        ("How fast did the Austrian market grow in 2025?", ()),
        ("What are the risks of entering Austria?", ()),
        ("How did Halden's revenue evolve?", ()),
        ("Which dealers does Velomula have in Germany?", ()),
    ],
)
async def test_an_answer_tells_which_names_the_papers_do_not_hold(
    search: Search, question: str, told: tuple[str, ...]
) -> None:
    """These are near enough to be answered; that they are of another country must be said."""
    result = await search(question)
    grounds = decide(question, result)
    assert grounds.enough
    assert unmentioned(question, grounds.missing, result.hits) == told
