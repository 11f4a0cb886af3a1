"""One question: the legs in parallel, their ranks fused, the passages fetched, a trace of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from retrieval.errors import AllLegsFailed, EngineUnavailable, RetrievalError
from retrieval.fusion import Fused, Fusion
from retrieval.model import (
    Correction,
    Elsewhere,
    Hit,
    LegState,
    LegTrace,
    Passage,
    PassageId,
    Query,
    Ranked,
    RerankState,
    RerankTrace,
    Run,
    Scope,
    SearchResult,
    Trace,
    Understood,
)
from retrieval.query import Reading, read, split
from retrieval.spelling import Spells, checked, chosen, corrected
from retrieval.twins import Twins
from retrieval.why import LegPlace, Reason, WhyNot, told

if TYPE_CHECKING:  # ports bring numpy, which a process that only reads files can spare
    from retrieval.ports import Catalogue, Passages, Retriever
    from retrieval.rerank import Reranking

DEADLINE = 2.0  # seconds for all legs together; p95 of a leg is two orders below
POOL = 100  # passages asked of each leg; recall beyond it adds nothing the fusion would lift to 8
DEEPER = 1_000  # passages asked of each leg to tell where a passage that was not found stands
CLEANUP = 0.2  # seconds a cancelled leg may take to let go before we stop waiting for it
EXPLAIN = 0.5  # seconds for telling why; a search whose reasons come later goes without them
FUSION = Fusion()  # why this one: retrieval/fusion.py and evals/README.md
HOLDERS = 2_000  # passages that hold the quoted words; of more, those that BM25 ranks first
SPELLING = 0.3  # seconds for looking at spelling; a question that waits longer is asked as it is
QUOTES = "quotes"  # the run of passages that hold quoted words


@runtime_checkable
class Explains(Protocol):
    """A leg that can say in words how it came to a passage."""

    @property
    def name(self) -> str: ...

    async def explain(
        self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
    ) -> Mapping[PassageId, Sequence[str]]:
        """The paths to these passages, given what all legs found; nothing outside the scope."""
        ...


@runtime_checkable
class HoldsPhrases(Protocol):
    """A leg that knows the order of a passage's words: the lexical one."""

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        """Passages that hold every phrase, as the analysis has it: the query's best ones first.

        At most ``limit``; none for a phrase without a word that is looked up.
        """
        ...


class Quotes:
    """Passages that hold quoted words, as a leg: those with more of them first, then by BM25.

    Each quotation is looked up deeper than is asked for: what holds two of them may come late
    among those that hold either, and deeper asked for must not be another order.
    """

    name = QUOTES

    def __init__(self, words: HoldsPhrases | None, phrases: Sequence[str]) -> None:
        self._words = words
        self._phrases = phrases

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        if self._words is None:
            raise EngineUnavailable("quoted words need the index of words, which is not there")
        lists = [
            await self._words.holding(query, [phrase], scope=scope, limit=max(limit, DEEPER))
            for phrase in self._phrases
        ]
        held = Counter(id for ids in lists for id in ids)
        first = {id: rank for ids in reversed(lists) for rank, id in enumerate(ids, 1)}
        ranked = [Ranked(id, times + 1 / (1 + first[id])) for id, times in held.items()]
        ranked.sort(key=lambda line: (-line.score, line.passage))
        return Run(QUOTES, tuple(ranked[:limit]))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one leg made of the whole question, or of a part of it."""

    trace: LegTrace
    run: Run | None = None
    part: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as it goes to the legs: its words, the scope that its filters and quotes leave,
    how it came to that, and what each step took (ms). Where nothing is in scope there are no legs.
    """

    query: Query
    scope: Scope
    understood: Understood
    stages: Mapping[str, float]
    legs: Sequence[Retriever] = ()


class Searcher:
    """Asks every leg at once, leaves out those that fail or dawdle, and names them in the trace.

    ``deadline_s`` is shared by the legs; ``pool`` is how many passages each is asked for.
    ``ready`` is awaited first, outside the deadline: a search that comes while an encoder is still
    being opened waits for it. Abandoning a search cancels its legs. ``words`` finds what quoted
    words stand in, ``catalogue`` the sources that field filters leave; without them a question that
    requires these is refused, since leaving them out would answer another one. A leg that knows the
    order of words stands in for ``words``; whichever ``Spells`` tells what is misspelt.
    ``reranking`` may order the best anew.
    """

    def __init__(
        self,
        legs: Sequence[Retriever],
        passages: Passages,
        *,
        deadline_s: float = DEADLINE,
        pool: int = POOL,
        ready: Callable[[], Awaitable[object]] | None = None,
        words: HoldsPhrases | None = None,
        catalogue: Catalogue | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        names = [leg.name for leg in legs]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a searcher needs legs of different names; got {names}")
        if deadline_s <= 0 or pool < 1:
            raise ValueError(f"deadline {deadline_s} s and pool {pool} must be above 0")
        self._legs = tuple(legs)
        self._passages = passages
        self._deadline = deadline_s
        self._pool = pool
        self._ready = ready
        self._words = words or next((leg for leg in legs if isinstance(leg, HoldsPhrases)), None)
        asked: Sequence[object] = (words, *legs)
        self._spelling = next((one for one in asked if isinstance(one, Spells)), None)
        self._catalogue = catalogue
        self.reranking = reranking

    async def search(
        self, query: Query, *, scope: Scope, limit: int = 8, fusion: Fusion = FUSION
    ) -> SearchResult:
        """The best passages in the scope, no two of the same wording.

        An empty scope finds nothing and asks no engine. Raises AllLegsFailed when no leg answered,
        and BadQuery for a filter that cannot be read.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}; it must be 1 or more")
        began = perf_counter()
        asked = await self._understood(query, scope)
        query, scope, understood = asked.query, asked.scope, asked.understood
        if scope.empty:
            return SearchResult((), (), Trace((), str(fusion), understood=understood))
        started = perf_counter()
        outcomes = await self._ask(asked, self._pool)
        traces = tuple(_of_leg(leg.name, outcomes) for leg in asked.legs)
        if any(leg.leg == QUOTES and leg.state is LegState.OK and not leg.found for leg in traces):
            note = f"No passage holds {_quoted(understood.preferred, 'or')}; "
            note += "searched without the quotes."
            understood = replace(understood, note=note, preferred=())
        runs = tuple(outcome.run for outcome in outcomes if outcome.run is not None)
        if not runs:
            failures = "; ".join(f"{trace.leg}: {trace.error}" for trace in traces)
            raise AllLegsFailed(f"no leg of the search answered ({failures})")
        answered = perf_counter()
        fused = fusion(runs)
        ranked = perf_counter()
        whole = [run for run in runs if not run.part]
        # Mostly the hits are the first that were fused: their paths are asked for at once.
        likely = [] if self.reranking is not None else fused[:limit]
        tellings = [
            _Telling.begin(leg, query, _found_by(leg, likely), whole, scope)
            for leg in self._legs
            if isinstance(leg, Explains)
        ]
        try:
            hits = await self._hydrate(fused, scope, self._looked_at(limit))
            found = perf_counter()
            hits, reranked = await self._reordered(query, hits, limit)
            ordered = perf_counter()
            hits = await _explained(query, hits, whole, scope, tellings)
            done = perf_counter()
        finally:
            for telling in tellings:
                telling.task.cancel()
        stages = {
            **asked.stages,
            "legs": _ms(started, answered),
            "fuse": _ms(answered, ranked),
            "hydrate": _ms(ranked, found),
            "rerank": _ms(found, ordered),
            "explain": _ms(ordered, done),
            "total": _ms(began, done),
        }
        return SearchResult(hits, runs, Trace(traces, str(fusion), stages, understood, reranked))

    async def why_not(
        self,
        query: Query,
        id: PassageId,
        *,
        scope: Scope,
        limit: int = 8,
        fusion: Fusion = FUSION,
    ) -> WhyNot:
        """Why a search for the best ``limit`` passages does not show this one; or that it does.

        Every leg is asked for DEEPER passages, so this takes longer than a search.
        """
        asked = await self._understood(query, scope)
        passage = by_id(await self._passages.get([id], scope=scope)).get(id)
        if passage is None or not _in(scope, passage):
            return told(WhyNot(id, Reason.NOT_INDEXED, "It is not among what can be found here."))
        language = passage.language if passage.language not in (query.language, "und") else None
        why = WhyNot(id, Reason.NOT_NEAR, limit=limit, language=language)
        query, scope, understood = asked.query, asked.scope, asked.understood
        if not scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source):
            unfit = f"Its source does not fit {' '.join(understood.filters)}."
            message = understood.note if scope.empty else unfit
            return told(replace(why, reason=Reason.FILTERED, message=message))
        if not scope.finds(id):
            message = f"It is not among the passages that hold {_quoted(understood.phrases)}."
            return told(replace(why, reason=Reason.UNQUOTED, message=message))
        outcomes = await self._ask(asked, max(DEEPER, self._pool))
        why = replace(why, legs=tuple(self._leg_place(outcome, id) for outcome in outcomes))
        fused = fusion(
            [
                replace(outcome.run, ranked=outcome.run.ranked[: self._pool])
                for outcome in outcomes
                if outcome.run is not None
            ]
        )
        hits, reranked = await self._reordered(
            query, await self._hydrate(fused, scope, self._looked_at(limit)), limit
        )
        for rank, hit in enumerate(hits, 1):
            if hit.passage.id == id:
                return told(replace(why, reason=Reason.FOUND, rank=rank, score=hit.score))
            if any(place.passage == id for place in hit.elsewhere):
                return told(replace(why, reason=Reason.COLLAPSED, within=hit.passage.id))
        for rank, line in enumerate(fused, 1):
            if line.passage == id:
                # Beside an order that fused scores did not make, the last one's would mislead.
                by_score = reranked is None or reranked.state is not RerankState.RAN
                last = hits[-1].score if hits and by_score else None
                return told(
                    replace(why, reason=Reason.BELOW, rank=rank, score=line.score, last=last)
                )
        beyond = any(leg.rank is not None for leg in why.legs)
        return told(replace(why, reason=Reason.BEYOND if beyond else Reason.NOT_NEAR))

    def _leg_place(self, outcome: _Outcome, id: PassageId) -> LegPlace:
        trace = outcome.trace
        lines = outcome.run.ranked if outcome.run is not None else ()
        rank, score = next(
            ((rank, line.score) for rank, line in enumerate(lines, 1) if line.passage == id),
            (None, None),
        )
        deepest = max(DEEPER, self._pool)
        name = run_name(trace.leg, outcome.part)
        return LegPlace(name, trace.state, rank, score, deepest, self._pool, trace.error)

    async def _understood(self, query: Query, scope: Scope) -> _Asked:
        """The question read, narrowed and spelt; once it is known, what encodes it is awaited."""
        began = perf_counter()
        reading = read(query.text, query.language)
        query = replace(query, text=reading.text)
        narrowed, reading, note = await self._narrowed(reading, query, scope)
        parts = split(reading.text)
        understood = Understood(
            reading.text, reading.required, reading.written, note, parts, reading.preferred
        )
        stages = {"understand": _ms(began, perf_counter())}
        if narrowed.empty:
            return _Asked(query, narrowed, understood, stages)
        began = perf_counter()
        query, parts, corrections, unchecked = await self._spelt(query, parts, scope)
        understood = replace(
            understood, text=query.text, parts=parts, corrections=corrections, unchecked=unchecked
        )
        stages["spell"] = _ms(began, perf_counter())
        if self._ready is not None:
            with suppress(Exception):  # the leg that cannot do without will say so itself
                await self._ready()
        legs = self._legs
        if understood.preferred:
            legs = (*legs, Quotes(self._words, understood.preferred))
        return _Asked(query, narrowed, understood, stages, legs)

    async def _narrowed(
        self, reading: Reading, query: Query, scope: Scope
    ) -> tuple[Scope, Reading, str]:
        """The scope that a question's filters and quotes leave, and what to say when it is none.

        Where nothing holds what is required, and not strictly, this is preferred instead.

        Both before anything is ranked: a cut before a filter would lose what the filter keeps.
        """
        if scope.empty:
            return scope, reading, ""
        if reading.filters:
            if self._catalogue is None:
                raise EngineUnavailable("nothing here knows the titles and dates of sources")
            fitting = await self._catalogue.matching(reading.filters, scope=scope)
            scope = replace(
                scope,
                sources=fitting if scope.sources is None else fitting & scope.sources,
            )
            if scope.empty:
                return scope, reading, f"No source fits {' '.join(reading.written)}."
        if not reading.required:
            return scope, reading, ""
        holding = await self._holding(reading, query, scope)
        if holding or reading.strict:
            scope = replace(scope, passages=frozenset(holding))
            nowhere = f"No passage holds {_quoted(reading.required)}."
            return scope, reading, "" if holding else nowhere
        lifted = replace(reading, required=(), preferred=reading.required)
        return scope, lifted, f"No passage holds {_quoted(reading.required)} together."

    async def _holding(self, reading: Reading, query: Query, scope: Scope) -> Sequence[PassageId]:
        """Asked before the legs, with a deadline of its own; what goes wrong is the engine's."""
        needed = "quoted words need the index of words, which"
        if self._words is None:
            raise EngineUnavailable(f"{needed} is not there")
        asking = self._words.holding(query, reading.required, scope=scope, limit=HOLDERS)
        try:
            return await asyncio.wait_for(asking, self._deadline)
        except TimeoutError:
            raise EngineUnavailable(
                f"{needed} gave no answer within {self._deadline:g} s"
            ) from None
        except Exception as error:
            raise EngineUnavailable(f"{needed} failed: {error}") from error

    async def _spelt(
        self, query: Query, parts: tuple[str, ...], scope: Scope
    ) -> tuple[Query, tuple[str, ...], tuple[Correction, ...], str]:
        """The question and its parts with what corrects them, that alone, and what went wrong.

        ``scope`` is the reader's, whole: a word that filters leave out is not misspelt for that.
        """
        words = checked(query.text)
        if self._spelling is None or not words:
            return query, parts, (), ""
        within = min(SPELLING, self._deadline)
        try:
            near = await asyncio.wait_for(self._spelling.near(list(words), scope=scope), within)
        except TimeoutError:
            return query, parts, (), f"no answer within {within:g} s"
        except Exception as error:  # a question is not lost for its spelling
            return query, parts, (), str(error) or type(error).__name__
        corrections = chosen(near, words)
        if not corrections:
            return query, parts, (), ""
        spelt = replace(query, text=corrected(query.text, corrections))
        return spelt, tuple(corrected(part, corrections) for part in parts), corrections, ""

    async def _ask(self, asked: _Asked, pool: int) -> list[_Outcome]:
        """Every leg, of the whole question first and then of each part; all at once."""
        started = perf_counter()
        pairs = [
            (leg, part, replace(asked.query, text=text))
            for part, text in enumerate((asked.query.text, *asked.understood.parts))
            for leg in asked.legs
            if not (part and leg.name == QUOTES)  # its phrases are of the whole
        ]
        tasks = [
            asyncio.create_task(
                self._one(leg, part, query, asked.scope, pool), name=f"leg {leg.name}"
            )
            for leg, part, query in pairs
        ]
        try:
            # Not gather: a leg past the deadline must not take the others' answers with it.
            await asyncio.wait(tasks, timeout=self._deadline)
            # One that was cancelled from within gave no answer either.
            late = [task for task in tasks if not task.done() or task.cancelled()]
            return [
                _Outcome(self._late(leg, started), part=part) if task in late else task.result()
                for (leg, part, _), task in zip(pairs, tasks, strict=True)
            ]
        finally:  # late, or we are being cancelled ourselves: no leg works on for nobody
            left = [task for task in tasks if task.cancel()]
            if left:
                await asyncio.wait(left, timeout=CLEANUP)

    def _late(self, leg: Retriever, started: float) -> LegTrace:
        return LegTrace(
            leg.name,
            LegState.LATE,
            _ms(started, perf_counter()),
            0,
            f"no answer within {self._deadline:g} s",
        )

    async def _one(
        self, leg: Retriever, part: int, query: Query, scope: Scope, pool: int
    ) -> _Outcome:
        started = perf_counter()
        try:
            run = _fusable(await leg.search(query, scope=scope, limit=pool))
        except Exception as error:  # whatever a leg raises, the other legs still answer
            message = str(error) or type(error).__name__
            trace = LegTrace(leg.name, LegState.FAILED, _ms(started, perf_counter()), 0, message)
            return _Outcome(trace, part=part)
        took = _ms(started, perf_counter())
        ranked = run.ranked
        if scope.passages is not None:  # an engine that does not know of this gives others too
            ranked = tuple(line for line in ranked if scope.finds(line.passage))
        run = Run(run.leg, ranked, part)
        return _Outcome(LegTrace(leg.name, LegState.OK, took, len(ranked)), run, part)

    async def _hydrate(self, fused: Sequence[Fused], scope: Scope, limit: int) -> tuple[Hit, ...]:
        """Fetch in small steps: the first is mostly enough, but twins and lost ids leave gaps.

        A hit's twins are those of what was fetched; further down nobody looks.
        """
        hits: list[Hit] = []
        elsewhere: list[list[Elsewhere]] = []
        twins = Twins()
        step = limit * 2
        for first in range(0, len(fused), step):
            lines = fused[first : first + step]
            found = by_id(await self._passages.get([line.passage for line in lines], scope=scope))
            for line in lines:
                passage = found.get(line.passage)
                if passage is None or not _in(scope, passage):
                    continue
                twin = twins.first(passage.text)
                if twin is not None:
                    elsewhere[twin].append(_place(passage))
                elif len(hits) < limit:
                    twins.add(passage.text, len(hits))
                    hits.append(Hit(passage, line.score, line.contributions))
                    elsewhere.append([])
            if len(hits) == limit:
                break
        return tuple(
            replace(hit, elsewhere=tuple(places))
            for hit, places in zip(hits, elsewhere, strict=True)
        )

    def _looked_at(self, limit: int) -> int:
        return limit if self.reranking is None else max(limit, self.reranking.top)

    async def _reordered(
        self, query: Query, hits: tuple[Hit, ...], limit: int
    ) -> tuple[tuple[Hit, ...], RerankTrace | None]:
        if self.reranking is None:
            return hits, None
        hits, trace = await self.reranking(query.text, hits)
        return hits[:limit], trace


@dataclass(frozen=True, slots=True)
class _Telling:
    """A leg asked for the paths to these passages."""

    leg: Explains
    passages: tuple[PassageId, ...]
    task: asyncio.Task[Mapping[PassageId, Sequence[str]]]

    @classmethod
    def begin(
        cls,
        leg: Explains,
        query: Query,
        passages: tuple[PassageId, ...],
        runs: Sequence[Run],
        scope: Scope,
    ) -> _Telling:
        async def told() -> Mapping[PassageId, Sequence[str]]:
            if not passages:
                return {}
            try:
                told = leg.explain(query, passages, runs=runs, scope=scope)
                return await asyncio.wait_for(told, EXPLAIN)
            except Exception:  # an answer is not lost for its reasons
                return {}

        return cls(leg, passages, asyncio.create_task(told(), name=f"paths of {leg.name}"))


async def _explained(
    query: Query,
    hits: tuple[Hit, ...],
    runs: Sequence[Run],
    scope: Scope,
    tellings: list[_Telling],
) -> tuple[Hit, ...]:
    """The hits with the paths to them; without, where telling them fails or takes too long.

    A telling of other passages than the hits is given up for one of them.
    """
    for place, telling in enumerate(tellings):
        its = _found_by(telling.leg, hits)
        if its != telling.passages:
            telling.task.cancel()
            telling = tellings[place] = _Telling.begin(telling.leg, query, its, runs, scope)
        paths = await telling.task
        if paths:
            hits = tuple(replace(hit, paths=(*hit.paths, *paths.get(_id(hit), ()))) for hit in hits)
    return hits


def _found_by(leg: Explains, lines: Sequence[Fused] | Sequence[Hit]) -> tuple[PassageId, ...]:
    return tuple(
        _id(line) for line in lines if any(part.leg == leg.name for part in line.contributions)
    )


def _id(line: Fused | Hit) -> PassageId:
    return line.passage if isinstance(line, Fused) else line.passage.id


def run_name(leg: str, part: int) -> str:
    """What a leg's run of the whole question, or of a part of it, is called."""
    return f"{leg}, part {part}" if part else leg


def _quoted(phrases: Sequence[str], joint: str = "and") -> str:
    return f" {joint} ".join(f"“{phrase}”" for phrase in phrases)


def _of_leg(leg: str, outcomes: Sequence[_Outcome]) -> LegTrace:
    """A leg's traces as one: the slowest, what it found in all, and the first that went wrong."""
    own = [outcome for outcome in outcomes if outcome.trace.leg == leg]
    first = next((one.trace for one in own if one.trace.state is not LegState.OK), own[0].trace)
    found = {line.passage for one in own if one.run is not None for line in one.run.ranked}
    slowest = max(one.trace.milliseconds for one in own)
    return replace(first, milliseconds=slowest, found=len(found))


def _fusable(run: Run) -> Run:
    """The run, where fusion can read it: a leg that breaks its promise fails alone."""
    if len({line.passage for line in run.ranked}) < len(run.ranked):
        raise RetrievalError("it ranks a passage twice")
    if not all(isfinite(line.score) for line in run.ranked):
        raise RetrievalError("it gives a score that is no number")
    return run


def by_id(passages: Iterable[Passage]) -> dict[PassageId, Passage]:
    return {passage.id: passage for passage in passages}


def _place(passage: Passage) -> Elsewhere:
    return Elsewhere(
        passage.id,
        passage.source,
        passage.title,
        passage.version,
        passage.page,
        passage.start,
        passage.end,
    )


def _in(scope: Scope, passage: Passage) -> bool:
    return scope.finds(passage.id) and scope.admits(
        tenant=passage.tenant, space=passage.space, source=passage.source
    )


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
