"""One question: the legs in parallel, their ranks fused, the passages fetched, a trace of it."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from retrieval.errors import AllLegsFailed
from retrieval.fusion import Fused, K, rrf
from retrieval.model import (
    Hit,
    LegState,
    LegTrace,
    Passage,
    PassageId,
    Query,
    Run,
    Scope,
    SearchResult,
    Trace,
)

if TYPE_CHECKING:  # ports bring numpy, which a process that only reads files can spare
    from retrieval.ports import Passages, Retriever

DEADLINE = 2.0  # seconds for all legs together; p95 of a leg is two orders below
POOL = 100  # passages asked of each leg; recall beyond it adds nothing the fusion would lift to 8
CLEANUP = 0.2  # seconds a cancelled leg may take to let go before we stop waiting for it
EXPLAIN = 0.5  # seconds for telling why; a search whose reasons come later goes without them
FUSION = f"rrf k={K}"


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


@dataclass(frozen=True, slots=True)
class _Outcome:
    trace: LegTrace
    run: Run | None = None


class Searcher:
    """Asks every leg at once, leaves out those that fail or dawdle, and names them in the trace.

    ``deadline_s`` is shared by the legs; ``pool`` is how many passages each is asked for.
    ``ready`` is awaited first, outside the deadline: a search that comes while an encoder is still
    being opened waits for it. Abandoning a search cancels its legs.
    """

    def __init__(
        self,
        legs: Sequence[Retriever],
        passages: Passages,
        *,
        deadline_s: float = DEADLINE,
        pool: int = POOL,
        ready: Callable[[], Awaitable[object]] | None = None,
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

    async def search(self, query: Query, *, scope: Scope, limit: int = 8) -> SearchResult:
        """The best passages in the scope, no two of the same wording.

        An empty scope finds nothing and asks no engine. Raises AllLegsFailed when no leg answered.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}; it must be 1 or more")
        if scope.empty:
            return SearchResult((), (), Trace((), FUSION))
        began = perf_counter()
        if self._ready is not None:
            with suppress(Exception):  # the leg that cannot do without will say so itself
                await self._ready()
        started = perf_counter()
        outcomes = await self._ask(query, scope)
        traces = tuple(outcome.trace for outcome in outcomes)
        runs = tuple(outcome.run for outcome in outcomes if outcome.run is not None)
        if not runs:
            failures = "; ".join(f"{trace.leg}: {trace.error}" for trace in traces)
            raise AllLegsFailed(f"no leg of the search answered ({failures})")
        answered = perf_counter()
        fused = rrf(runs)
        ranked = perf_counter()
        hits = await self._hydrate(fused, scope, limit)
        found = perf_counter()
        hits = await self._explained(query, hits, runs, scope)
        done = perf_counter()
        stages = {
            "legs": _ms(started, answered),
            "fuse": _ms(answered, ranked),
            "hydrate": _ms(ranked, found),
            "explain": _ms(found, done),
            "total": _ms(began, done),
        }
        return SearchResult(hits, runs, Trace(traces, FUSION, stages))

    async def _ask(self, query: Query, scope: Scope) -> list[_Outcome]:
        started = perf_counter()
        tasks = [
            asyncio.create_task(self._one(leg, query, scope), name=f"leg {leg.name}")
            for leg in self._legs
        ]
        try:
            # Not gather: a leg past the deadline must not take the others' answers with it.
            await asyncio.wait(tasks, timeout=self._deadline)
            # One that was cancelled from within gave no answer either.
            late = [task for task in tasks if not task.done() or task.cancelled()]
            return [
                _Outcome(self._late(leg, started)) if task in late else task.result()
                for leg, task in zip(self._legs, tasks, strict=True)
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

    async def _one(self, leg: Retriever, query: Query, scope: Scope) -> _Outcome:
        started = perf_counter()
        try:
            run = await leg.search(query, scope=scope, limit=self._pool)
        except Exception as error:  # whatever a leg raises, the other legs still answer
            message = str(error) or type(error).__name__
            return _Outcome(
                LegTrace(leg.name, LegState.FAILED, _ms(started, perf_counter()), 0, message)
            )
        took = _ms(started, perf_counter())
        return _Outcome(LegTrace(leg.name, LegState.OK, took, len(run.ranked)), run)

    async def _hydrate(self, fused: Sequence[Fused], scope: Scope, limit: int) -> tuple[Hit, ...]:
        """Fetch in small steps: the first is mostly enough, but twins and lost ids leave gaps."""
        hits: list[Hit] = []
        wordings: set[str] = set()
        step = limit * 2
        for first in range(0, len(fused), step):
            lines = fused[first : first + step]
            found = by_id(await self._passages.get([line.passage for line in lines], scope=scope))
            for line in lines:
                passage = found.get(line.passage)
                if passage is None or not _in(scope, passage):
                    continue
                wording = normalised(passage.text)
                if wording in wordings:
                    continue
                wordings.add(wording)
                hits.append(Hit(passage, line.score, line.contributions))
                if len(hits) == limit:
                    return tuple(hits)
        return tuple(hits)

    async def _explained(
        self, query: Query, hits: tuple[Hit, ...], runs: Sequence[Run], scope: Scope
    ) -> tuple[Hit, ...]:
        """The hits with the paths to them; without, where telling them fails or takes too long."""
        for leg in self._legs:
            if not isinstance(leg, Explains):
                continue
            its = [
                hit.passage.id
                for hit in hits
                if any(part.leg == leg.name for part in hit.contributions)
            ]
            if not its:
                continue
            with suppress(Exception):  # an answer is not lost for its reasons
                paths = await asyncio.wait_for(
                    leg.explain(query, its, runs=runs, scope=scope), EXPLAIN
                )
                hits = tuple(
                    replace(hit, paths=(*hit.paths, *paths.get(hit.passage.id, ()))) for hit in hits
                )
        return hits


_GAPS = re.compile(r"[^\w+\-−%.,]+|(?<!\d)[.,]|[.,](?!\d)|[+\-−](?!\d)")


def normalised(text: str) -> str:
    """The wording alone: passages that differ in case, spaces or punctuation are twins.

    What changes a figure stays: "+3" is not "-3", "1.5" is not "15".
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_GAPS.sub(" ", folded).split()) or text


def by_id(passages: Iterable[Passage]) -> dict[PassageId, Passage]:
    return {passage.id: passage for passage in passages}


def _in(scope: Scope, passage: Passage) -> bool:
    return scope.admits(tenant=passage.tenant, space=passage.space, source=passage.source)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
