"""A small library with the real flow over it: in-memory stores, a search that counts words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from backend.answers.answer import Answers, Question
from backend.answers.events import AnswerEvent
from backend.answers.memory import MemoryRuns
from backend.evidence.memory import MemoryEvidence, MemoryVersions
from backend.evidence.model import StoredVersion
from backend.evidence.service import EvidenceService
from backend.evidence.words import content
from backend.llm.extractive import Extractive
from backend.ports import Delta, LanguageModel, Prompt, Usage
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

SCOPE = Scope("local", frozenset({"spc_1"}))
VERSION = "a" * 64


def split(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\s].*?(?:[.!?](?=\s|$)|\n|$)", text)]


class CountingSearch:
    """Ranks passages by the share of the question's words they hold."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []

    async def search(
        self, query: Query, *, scope: Scope, limit: int, fusion: Fusion = FUSION
    ) -> SearchResult:
        wanted = content(query.text, "en")
        scored = []
        for passage in self.passages:
            if scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source):
                held = len(wanted & content(f"{passage.context} {passage.text}", "en"))
                if held:
                    scored.append((held / max(1, len(wanted)), passage))
        scored.sort(key=lambda pair: (-pair[0], pair[1].id))
        run = Run("bm25", tuple(Ranked(passage.id, score) for score, passage in scored))
        hits = tuple(
            Hit(passage, score, (Contribution("bm25", rank, score, score),))
            for rank, (score, passage) in enumerate(scored[:limit], start=1)
        )
        leg = LegTrace("bm25", LegState.OK, 0.1, len(scored))
        return SearchResult(hits, (run,), Trace((leg,), "rrf", {"bm25": 0.1}))


@dataclass
class ScriptedModel:
    """Says what it was told to; stops with an error where one is given."""

    pieces: Sequence[str] = ()
    error: Exception | None = None
    usage: Usage | None = field(default_factory=lambda: Usage("scripted", 100, 20, 0.0))
    name: str = "scripted"
    asked: list[Prompt] = field(default_factory=list)
    closed: bool = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta | Usage]:
        self.asked.append(prompt)
        try:
            for piece in self.pieces:
                yield Delta(piece)
            if self.error is not None:
                raise self.error
            if self.usage is not None:
                yield self.usage
        finally:
            self.closed = True


class Library:
    """A space one can put texts in and ask questions of."""

    def __init__(self) -> None:
        self.search = CountingSearch()
        self.versions = MemoryVersions("local")
        self.store = MemoryEvidence()
        self.runs = MemoryRuns()
        self.evidence = EvidenceService(store=self.store, versions=self.versions, sentences=split)

    def put(self, source: str, text: str, *, title: str = "", version: str = VERSION) -> None:
        """One source; each paragraph of it is a passage."""
        self.versions.put(StoredVersion(source, title or source, "spc_1", version, 1, text))
        kept = [one for one in self.search.passages if one.source != source]
        for ordinal, match in enumerate(re.finditer(r"\S(?:.|\n(?!\n))*", text)):
            kept.append(
                Passage(
                    f"{source}.{version[:12]}.{ordinal:05d}", "local", "spc_1", source, version,
                    ordinal, match.group(), match.start(), match.end(), title or source,
                )
            )  # fmt: skip
        self.search.passages = kept

    def answers(self, model: LanguageModel | None = None) -> Answers:
        return Answers(
            searcher=self.search,
            evidence=self.evidence,
            runs=self.runs,
            corpus=self.runs,
            sentences=split,
            composer=Extractive(sentences=split),
            model=model,
        )

    async def ask(self, text: str, model: LanguageModel | None = None) -> list[AnswerEvent]:
        question = Question(text, "spc_1", "ana")
        return [event async for event in self.answers(model).ask(question, scope=SCOPE)]


@pytest.fixture
def library() -> Library:
    library = Library()
    library.put(
        "src_study",
        "Heat pump revenue of Nordwind grew 12 % in 2025, driven by renovation subsidies.\n\n"
        "The company sells through 140 installers in Germany. Installers name delivery time as "
        "their main worry.\n\n"
        "The board met in Hamburg on 3 March 2025.",
        title="Market study",
    )
    library.put(
        "src_minutes",
        "Heat pump revenue of Nordwind grew 9 % in 2025, the chief financial officer reported.",
        title="Board minutes",
    )
    return library


@pytest.fixture
def scripted() -> type[ScriptedModel]:
    return ScriptedModel
