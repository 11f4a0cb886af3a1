"""From a question to a checked answer, read from top to bottom.

scope → search → enough? → compose or stream → check each citation → keep the run. What happens is
told as events while it happens. Closing the generator, or cancelling its task, cancels the answer;
the run is kept with what there was.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

from backend.answers import prompt as prompts
from backend.answers.citations import Read, Reader
from backend.answers.events import (
    AnswerEvent,
    Cited,
    Declined,
    Failed,
    Finished,
    Kind,
    Notice,
    Retrieved,
    Sentence,
    Started,
    Token,
)
from backend.answers.grounds import NEAREST, decide, matched, unmentioned
from backend.answers.runs import (
    AnswerRun,
    Difference,
    NoticeLine,
    RankedLine,
    Runs,
    RunState,
    SentenceLine,
    Spent,
    differences,
    seconds_expected,
)
from backend.clock import new_id, now
from backend.errors import BackendError, Invalid, NotFound, describe
from backend.evidence.model import Evidence
from backend.evidence.service import BadQuote, EvidenceService, Place
from backend.evidence.support import Sentences, best_quote
from backend.llm import extractive
from backend.llm.errors import ModelFailed
from backend.llm.extractive import Composition, Extractive
from backend.ports import Delta, LanguageModel, Usage
from retrieval.errors import RetrievalError
from retrieval.fusion import Fusion
from retrieval.language import spoken
from retrieval.model import Hit, Query, Scope, SearchResult, SourceId
from retrieval.query import read
from retrieval.search import FUSION, run_name
from retrieval.spelling import meant

log = logging.getLogger(__name__)

HITS = 12  # passages an answer is made of: in small spaces a ninth still tells the other side
LONGEST_QUESTION = 2_000  # characters
# Ways in which small models say that they cannot answer, beside the words they were given.
_REFUSALS = (
    "not enough evidence",
    "do not contain",
    "does not contain",
    "do not provide",
    "does not provide",
    "not provided in the passages",
    "do not mention",
    "does not mention",
    "do not answer",
    "cannot be answered",
    "no information",
)


class Search(Protocol):
    async def search(
        self, query: Query, *, scope: Scope, limit: int, fusion: Fusion
    ) -> SearchResult: ...


class Corpus(Protocol):
    async def searched(self, *, scope: Scope) -> tuple[int, int]:
        """How many sources and passages a scope holds."""
        ...


@runtime_checkable
class Priced(Protocol):
    """A model that knows its price; one that does not is of unknown cost."""

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """In USD; None where it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which space, by whom. ``sources`` narrows it when it is not None."""

    text: str
    space: str
    actor: str
    sources: tuple[SourceId, ...] | None = None
    brief: str | None = None
    replay_of: str | None = None
    fusion: Fusion = FUSION


@dataclass(frozen=True, slots=True)
class Estimate:
    model: str
    kind: Kind
    sources: int
    passages: int
    seconds: float | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Replay:
    answer: AnswerRun
    identical: bool
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Draft:
    """The run while it is made; the only thing here that changes."""

    run: AnswerRun
    began: float = field(default_factory=time.perf_counter)
    sentences: list[SentenceLine] = field(default_factory=list)
    notices: list[NoticeLine] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, since: float) -> float:
        """Note the milliseconds since a moment; the moment now."""
        moment = time.perf_counter()
        self.timings[stage] = round((moment - since) * 1000, 1)
        return moment

    def note(self, code: str, message: str, sentences: Sequence[int] = ()) -> Notice:
        self.notices.append(NoticeLine(code, message, tuple(sentences)))
        return Notice(code, message, tuple(sentences))

    @property
    def uncited(self) -> tuple[int, ...]:
        return tuple(index for index, line in enumerate(self.sentences) if not line.evidence)

    def finished(self, state: RunState, **changes: object) -> AnswerRun:
        self.timings["total"] = round((time.perf_counter() - self.began) * 1000, 1)
        return replace(
            self.run,
            state=state,
            sentences=tuple(self.sentences),
            uncited=self.uncited,
            notices=tuple(self.notices),
            timings=dict(self.timings),
            **changes,  # type: ignore[arg-type]  # only AnswerRun's own fields are passed
        )


class Answers:
    """Asks, keeps and replays. Without a model, answers are extracts, and say so."""

    def __init__(
        self,
        *,
        searcher: Search,
        evidence: EvidenceService,
        runs: Runs,
        corpus: Corpus,
        sentences: Sentences,
        composer: Extractive,
        model: LanguageModel | None = None,
    ) -> None:
        self._searcher = searcher
        self._evidence = evidence
        self._runs = runs
        self._corpus = corpus
        self._sentences = sentences
        self._composer = composer
        self._model = model
        self._keeping: set[asyncio.Task[None]] = set()
        self._watched: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> Kind:
        return Kind.EXTRACTIVE if self._model is None else Kind.LLM

    @property
    def model_name(self) -> str:
        return extractive.NAME if self._model is None else self._model.name

    async def close(self) -> None:
        """Cancel what is being answered, and wait until every run that ended is kept."""
        watched = tuple(self._watched)
        for task in watched:
            task.cancel()
        await asyncio.gather(*watched, return_exceptions=True)
        if self._keeping:
            await asyncio.gather(*self._keeping, return_exceptions=True)

    def watch(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task that is making an answer; ``close`` ends it."""
        self._watched.add(task)
        task.add_done_callback(self._watched.discard)

    async def ask(self, question: Question, *, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
        """The answer as it is made. Ends with exactly one of Finished, Declined, Failed."""
        check(question.text)
        draft = _Draft(self._begin(question, scope))
        ended: AnswerRun | None = None
        try:
            async with aclosing(self._answer(draft, question, scope)) as events:
                async for event in events:
                    if isinstance(event, Finished | Declined | Failed):
                        ended = draft.run
                        await self._keep(ended)
                    yield event
        except (BackendError, RetrievalError) as error:
            body = describe(error)
            ended = _failed(draft, body.code, body.message, body.remedy)
            await self._keep(ended)
            yield Failed(draft.run.id, body.code, body.message, body.remedy)
        except Exception:
            log.exception("answer %s failed", draft.run.id)
            ended = _failed(draft, *_UNEXPECTED)
            await self._keep(ended)
            yield Failed(draft.run.id, *_UNEXPECTED)
        finally:
            if ended is None:
                await self._keep(draft.finished(RunState.CANCELLED))

    async def replay(self, id: str, *, scope: Scope, actor: str, fusion: Fusion = FUSION) -> Replay:
        """Ask the same again, of the same sources, and compare."""
        before = await self.get(id, scope=scope)
        question = Question(
            before.question,
            before.space,
            actor,
            before.sources,
            before.brief,
            replay_of=id,
            fusion=fusion,
        )
        answer = ""
        narrowed = Scope(
            scope.tenant,
            frozenset({before.space}),
            None if before.sources is None else frozenset(before.sources),
        )
        async for event in self.ask(question, scope=narrowed):
            if isinstance(event, Started):
                answer = event.answer
        after = await self.get(answer, scope=scope)
        found = differences(before, after)
        return Replay(after, not found, found)

    async def get(self, id: str, *, scope: Scope) -> AnswerRun:
        run = await self._runs.get(id, scope=scope)
        if run is None:
            raise NotFound("answer", id)
        return run

    async def space_of(self, id: str, *, tenant: str) -> str | None:
        """The space an answer lies in, for asking who may see it."""
        return await self._runs.space_of(id, tenant=tenant)

    async def recent(self, space: str, *, scope: Scope, limit: int) -> Sequence[AnswerRun]:
        return await self._runs.recent(space, scope=scope, limit=limit)

    async def spent(self, since: datetime, *, scope: Scope) -> Spent:
        """What the answers begun since then took, in the scope's spaces."""
        return await self._runs.spent(since, scope=scope)

    async def estimate(self, question: str, *, space: str, scope: Scope) -> Estimate:
        """What asking would take, before anything is run."""
        sources, passages = await self._corpus.searched(scope=scope)
        runs = await self._runs.recent(space, scope=scope, limit=50)
        return Estimate(
            self.model_name,
            self.kind,
            sources,
            passages,
            seconds_expected(runs, self.model_name),
            self._cost(question),
        )

    def _cost(self, question: str) -> float | None:
        if self._model is None:
            return 0.0
        if not isinstance(self._model, Priced):
            return None
        tokens = prompts.BUDGET_TOKENS + prompts.estimate_tokens(question) + 400
        return self._model.price(tokens, prompts.ANSWER_TOKENS // 2)

    def _begin(self, question: Question, scope: Scope) -> AnswerRun:
        return AnswerRun(
            id=new_id("ans"),
            tenant=scope.tenant,
            space=question.space,
            question=question.text,
            sources=question.sources,
            asked_by=question.actor,
            kind=self.kind.value,
            model=self.model_name,
            state=RunState.RUNNING,
            created_at=now(),
            brief=question.brief,
            replay_of=question.replay_of,
        )

    async def _answer(
        self, draft: _Draft, question: Question, scope: Scope
    ) -> AsyncGenerator[AnswerEvent, None]:
        run = draft.run
        sources, passages = await self._corpus.searched(scope=scope)
        yield Started(run.id, run.question, run.model, self.kind, sources, passages)

        clock = time.perf_counter()
        result = await self._searcher.search(
            Query(question.text, spoken(question.text)),
            scope=scope,
            limit=HITS,
            fusion=question.fusion,
        )
        clock = draft.mark("retrieve", clock)
        draft.run = _with_search(draft.run, result)
        understood = result.trace.understood
        if understood is not None:
            # Filters say where to look, and a misspelt word is held by nothing: neither is evidence
            # that something is missing.
            question = replace(question, text=meant(understood))
        # About 8 ms of reading passages: not on the event loop.
        words, grounds = await asyncio.to_thread(
            lambda: (matched(question.text, result.hits), decide(question.text, result))
        )
        yield Retrieved(result.hits, result.trace, words)

        def decline(reason: str) -> Declined:
            draft.run = draft.finished(RunState.DECLINED, reason=reason)
            legs = tuple(leg.leg for leg in result.trace.legs)
            return Declined(run.id, reason, legs, sources, passages, result.hits[:NEAREST])

        if not grounds.enough:
            nowhere = "" if understood is None else understood.note
            yield decline(f"Not enough evidence: {nowhere}" if nowhere else grounds.reason)
            return
        gone = unmentioned(question.text, grounds.missing, result.hits)
        if gone:
            named = " or ".join(f"“{name}”" for name in gone)
            yield draft.note("not_mentioned", f"Nothing found mentions {named}.")

        usage: Usage | None = None
        composed = self._model is None
        if self._model is not None:
            try:
                async with aclosing(self._write(draft, question, result, scope)) as events:
                    async for event in events:
                        if isinstance(event, Usage):
                            usage = event
                            # At once: it was spent, whether or not anything is shown for it.
                            draft.run = replace(draft.run, usage=usage)
                        else:
                            yield event
            except ModelFailed as error:
                draft.run = replace(draft.run, error=_error(error))
                if draft.sentences:
                    # Half an answer was read already: mixing it with quotes would mislead.
                    draft.run = _failed(draft, error.code, error.message, error.remedy)
                    yield Failed(run.id, error.code, error.message, error.remedy)
                    return
                composed = True
                yield draft.note(
                    "fell_back",
                    f"{error.message} What follows are cited quotes, chosen without a model.",
                )
            except _Refused as refusal:
                draft.sentences.clear()
                yield decline(str(refusal))
                return
            else:
                if not any(line.evidence for line in draft.sentences):
                    draft.sentences.clear()
                    yield decline(
                        "The model answered, but no sentence of its answer could be found in the "
                        "passages, so none is shown."
                    )
                    return
        if composed:
            clock = time.perf_counter()
            composition = await self._composer.compose(question.text, result.hits)
            clock = draft.mark("compose", clock)
            async with aclosing(self._quote(draft, composition, scope)) as quoted:
                async for event in quoted:
                    yield event
            if not draft.sentences:
                yield decline("The passages found hold no sentence that answers.")
                return

        draft.run = draft.finished(RunState.FINISHED, usage=usage)
        yield Finished(run.id, draft.uncited, usage, draft.run.timings)

    async def _quote(
        self, draft: _Draft, composition: Composition, scope: Scope
    ) -> AsyncGenerator[AnswerEvent, None]:
        """The extracts as sentences, each with the evidence it is."""
        clock = time.perf_counter()
        places = [
            Place(
                one.passage.source,
                one.passage.version,
                one.passage.start + one.start,
                one.passage.start + one.end,
                expected=one.text,
            )
            for one in composition.extracts
        ]
        # All in one transaction, so that the first sentence waits for one write, not for six.
        kept = await self._cite(draft, places, scope)
        draft.mark("verify", clock)
        shown: dict[int, int] = {}
        for order, (extract, evidence) in enumerate(zip(composition.extracts, kept, strict=True)):
            if evidence is None:
                continue  # an extract that the stored text does not hold is no quote
            index = shown[order] = len(draft.sentences)
            text = " ".join(extract.text.split())
            draft.sentences.append(SentenceLine(text, (evidence.record.id,), (extract.passage.id,)))
            if index == 0:
                draft.mark("first_sentence", draft.began)
            yield Sentence(index, text)
            yield Cited(index, evidence, extract.passage.id)
        for pair in composition.disagreements:
            if pair.first in shown and pair.second in shown:
                one, other = pair.figures
                titles = [
                    composition.extracts[order].passage.title for order in (pair.first, pair.second)
                ]
                yield draft.note(
                    "figures_differ",
                    f"The sources disagree: {one} in {titles[0]}, {other} in {titles[1]}.",
                    (shown[pair.first], shown[pair.second]),
                )

    async def _cite(
        self, draft: _Draft, places: Sequence[Place], scope: Scope
    ) -> list[Evidence | None]:
        """Evidence for each place, None for one that the stored text does not hold."""
        create = partial(
            self._evidence.create, scope=scope, actor=draft.run.asked_by, answer=draft.run.id
        )
        try:
            return list(await create(places))
        except (BadQuote, NotFound):
            # One of them is not there; find out which, and keep the others.
            found: list[Evidence | None] = []
            for place in places:
                try:
                    found += await create([place])
                except (BadQuote, NotFound) as error:
                    log.warning("citation dropped: %s", error)
                    found.append(None)
            return found

    async def _write(
        self, draft: _Draft, question: Question, result: SearchResult, scope: Scope
    ) -> AsyncGenerator[AnswerEvent | Usage, None]:
        """The model's answer, sentence by sentence, each citation checked before it is shown."""
        assert self._model is not None
        passages = prompts.fit([hit.passage for hit in result.hits], budget=prompts.BUDGET_TOKENS)
        prompt = prompts.build(question.text, passages)
        draft.run = replace(draft.run, prompt_hash=prompt.digest)
        hits = result.hits[: len(passages)]
        reader = Reader(len(passages))
        clock = time.perf_counter()
        first = True
        async with aclosing(_closable(self._model.stream(prompt))) as stream:
            async for piece in stream:
                match piece:
                    case Usage():
                        yield piece
                    case Delta(text=text):
                        if first:
                            draft.mark("first_token", clock)
                            first = False
                        yield Token(text)
                        for read in reader.feed(text):
                            async for event in self._checked(draft, read, hits, scope):
                                yield event
        for read in reader.close():
            async for event in self._checked(draft, read, hits, scope):
                yield event
        draft.mark("write", clock)

    async def _checked(
        self, draft: _Draft, read: Read, hits: Sequence[Hit], scope: Scope
    ) -> AsyncIterator[AnswerEvent]:
        if not draft.sentences and _refuses(read):
            raise _Refused(f"The model found no answer in the passages: “{read.text}”")
        index = len(draft.sentences)
        places: list[Place] = []
        cited: list[str] = []
        for number in read.numbers:
            passage = hits[number - 1].passage
            quote = best_quote(read.text, passage.text, self._sentences(passage.text))
            if quote is None:
                continue
            text = passage.text[quote.start : quote.end]
            start = passage.start + quote.start
            places.append(
                Place(passage.source, passage.version, start, start + len(text), expected=text)
            )
            cited.append(passage.id)
        evidence = await self._cite(draft, places, scope) if places else []
        kept = [
            (one, passage) for one, passage in zip(evidence, cited, strict=True) if one is not None
        ]
        draft.sentences.append(
            SentenceLine(
                read.text,
                tuple(one.record.id for one, _ in kept),
                tuple(passage for _, passage in kept),
            )
        )
        if index == 0:
            draft.mark("first_sentence", draft.began)
        yield Sentence(index, read.text)
        for one, passage_id in kept:
            yield Cited(index, one, passage_id)

    async def _keep(self, run: AnswerRun) -> None:
        """Store a run, also where the caller is being cancelled while it waits."""
        task = asyncio.create_task(self._runs.put(run))
        self._keeping.add(task)
        task.add_done_callback(self._kept)
        await asyncio.shield(task)

    def _kept(self, task: asyncio.Task[None]) -> None:
        self._keeping.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an answer's run was not kept", exc_info=task.exception())


class _Refused(Exception):
    """The model says that the passages do not answer."""


_UNEXPECTED = (
    "internal",
    "The answer could not be made.",
    "Ask again; the server's log says what happened.",
)


def check(question: str) -> None:
    """Raise Invalid or BadQuery for a question that cannot be asked."""
    if not question.strip():
        raise Invalid("The question is empty.", "Write what you want to know.")
    if len(question) > LONGEST_QUESTION:
        raise Invalid(
            f"The question has {len(question)} characters.",
            f"Ask in at most {LONGEST_QUESTION} characters.",
        )
    read(question)


def _with_search(run: AnswerRun, result: SearchResult) -> AnswerRun:
    lists: Mapping[str, tuple[RankedLine, ...]] = {
        run_name(found.leg, found.part): tuple(
            RankedLine(line.passage, rank, line.score)
            for rank, line in enumerate(found.ranked, start=1)
        )
        for found in result.runs
    }
    versions = {hit.passage.source: hit.passage.version for hit in result.hits}
    return replace(run, lists=lists, hits=result.hits, trace=result.trace, versions=versions)


def _failed(draft: _Draft, code: str, message: str, remedy: str) -> AnswerRun:
    return draft.finished(
        RunState.FAILED, error={"code": code, "message": message, "remedy": remedy}
    )


def _error(error: BackendError) -> Mapping[str, str]:
    return {"code": error.code, "message": error.message, "remedy": error.remedy}


def _refuses(read: Read) -> bool:
    if read.numbers:
        return False
    text = " ".join(read.text.casefold().split())
    return any(words in text for words in _REFUSALS)


async def _closable(stream: AsyncIterator[Delta | Usage]) -> AsyncGenerator[Delta | Usage, None]:
    """The stream, closed with us: a model must not go on writing to nobody."""
    try:
        async for piece in stream:
            yield piece
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
