"""Reading a space by a model: what it would take, and doing it passage by passage.

Each reply is stored as it comes, so that nothing paid for is asked again, whatever happens: a
pause, a crash, a budget that is used up. The graph is fed from what is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol

from backend.answers.prompt import CHARACTERS_PER_TOKEN, estimate_tokens
from backend.clock import new_id, now
from backend.errors import Conflict, Invalid, NotFound, Unavailable
from backend.graph.extractor import ModelExtractor
from backend.jobs import Lease
from backend.llm.errors import ModelFailed
from backend.store.engine import Store
from backend.store.extractions import (
    ExtractionRow,
    ExtractionState,
    Left,
    StoredExtractions,
    Taken,
    Tally,
)
from backend.store.outbox import Job, JobState, Outbox
from retrieval.graph.extract import Extracted, Heard, question
from retrieval.model import Passage, PassageId, Scope, SourceId, VersionHash
from retrieval.ports import Passages

log = logging.getLogger(__name__)

EXTRACT = "extract"

AT_ONCE = 4  # passages asked about beside one another
TRIES = 3  # of a passage that the model did not answer
PAUSES = (1.0, 5.0)  # seconds before the second try and the third
FAILED_IN_ROW = 3  # then the model is taken for gone
REPLY_SHARE = 0.5  # tokens of a reply for each of its passage, before any is known
# What waiting a little may mend; a wrong key or name it does not.
PASSING = frozenset({"model_timeout", "model_cut", "model_busy", "model_failed", "model_empty"})
MOST_USD = 1_000_000.0
MOST_TOKENS = 10**12


class Fed(Protocol):
    """The graph's leg."""

    async def put(self, passages: Sequence[Passage]) -> None:
        """Keep what these say, by rule and by model."""
        ...

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading the rest would take. None is unknown: a price, or the time before any reply."""

    passages: int
    kept: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a space's reading is. ``extraction`` is the last one that was asked for."""

    model: str | None
    estimate: Estimate | None
    extraction: ExtractionRow | None
    tally: Tally | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a reading may take in all; None is no limit of that kind."""

    usd: float | None = None
    tokens: int | None = None


class Extractions:
    """Asked for, paused, resumed and cancelled here; done by ``ReadByModel``."""

    def __init__(
        self,
        *,
        store: Store,
        rows: StoredExtractions,
        outbox: Outbox,
        extractor: ModelExtractor | None,
        graph: bool,
        wake: Callable[[], None],
    ) -> None:
        """``graph`` says whether there is one to feed."""
        self._store = store
        self._rows = rows
        self._outbox = outbox
        self._extractor = extractor
        self._graph = graph
        self._wake = wake

    async def standing(self, space: str, *, scope: Scope) -> Standing:
        row = await self._rows.latest(space, tenant=scope.tenant)
        tally = None if row is None else await self._rows.tally(row.id)
        if self._extractor is None:
            return Standing(None, None, row, tally)
        estimate = await self._estimate(self._extractor, tally, scope=scope)
        return Standing(self._extractor.name, estimate, row, tally)

    async def taken(self, since: datetime, *, scope: Scope) -> Taken:
        """What readings took since then."""
        return await self._rows.taken(since, scope=scope)

    async def start(self, space: str, budget: Budget, *, scope: Scope, actor: str) -> ExtractionRow:
        extractor = self._needed()
        await self._check(budget, extractor)
        latest = await self._rows.latest(space, tenant=scope.tenant)
        if latest is not None and latest.open:
            raise Conflict(
                f"A reading by {latest.model} is {latest.state.value} here already.",
                "Resume or cancel that one.",
            )
        if not (await self._rows.left(scope=scope, fingerprint=extractor.fingerprint)).passages:
            raise Conflict(
                f"{extractor.name} has read every passage of this space.",
                "Add sources, or set another model.",
                code="nothing_left",
            )
        moment = now()
        row = ExtractionRow(
            id=new_id("ext"),
            tenant=scope.tenant,
            space=space,
            model=extractor.name,
            fingerprint=extractor.fingerprint,
            state=ExtractionState.RUNNING,
            created_at=moment,
            updated_at=moment,
            created_by=actor,
            budget_usd=budget.usd,
            budget_tokens=budget.tokens,
        )
        async with self._store.writing() as connection:
            await self._rows.add(connection, row)
            await self._outbox.add(connection, EXTRACT, subject=row.id, tenant=row.tenant)
        self._wake()
        return row

    async def pause(self, space: str, *, scope: Scope) -> None:
        """Ask about no further passage; replies on their way are taken in."""
        row = await self._open(space, ExtractionState.RUNNING, scope=scope)
        async with self._store.writing() as connection:
            await self._rows.change(
                connection, row.id, state=ExtractionState.PAUSED.value, reason=None
            )

    async def resume(self, space: str, budget: Budget | None, *, scope: Scope) -> None:
        """Go on where it stopped; a budget given takes the place of the former."""
        extractor = self._needed()
        row = await self._open(space, ExtractionState.PAUSED, scope=scope)
        if row.fingerprint != extractor.fingerprint:
            raise Conflict(
                f"This reading was begun by {row.model}, and the model set now is "
                f"{extractor.name}.",
                "Cancel it and start another, or set that model again.",
            )
        changes: dict[str, object] = {}
        if budget is not None:
            await self._check(budget, extractor)
            changes = {"budget_usd": budget.usd, "budget_tokens": budget.tokens}
        async with self._store.writing() as connection:
            await self._rows.change(
                connection,
                row.id,
                state=ExtractionState.RUNNING.value,
                reason=None,
                **changes,
            )
            await self._outbox.add(connection, EXTRACT, subject=row.id, tenant=row.tenant)
        self._wake()

    async def cancel(self, space: str, *, scope: Scope) -> None:
        """Stop for good. What was read and paid for stays in the graph."""
        row = await self._rows.latest(space, tenant=scope.tenant)
        if row is None or not row.open:
            raise _nothing_open(space)
        async with self._store.writing() as connection:
            await self._rows.change(
                connection, row.id, state=ExtractionState.CANCELLED.value, reason=None
            )
            await self._outbox.cancel(connection, row.id)
        self._wake()

    def _needed(self) -> ModelExtractor:
        if not self._graph:
            raise Unavailable(
                "There is no graph to read into.",
                "Set STRATMASTER_GRAPH_URL=sqlite:///graph.db and start again.",
                code="graph_off",
            )
        if self._extractor is None:
            raise Unavailable(NO_MODEL, SET_A_MODEL, code="no_model")
        return self._extractor

    async def _open(self, space: str, state: ExtractionState, *, scope: Scope) -> ExtractionRow:
        row = await self._rows.latest(space, tenant=scope.tenant)
        if row is None or not row.open:
            raise _nothing_open(space)
        if row.state is not state:
            raise Conflict(f"The reading is {row.state.value}.", "Look at where it is.")
        return row

    async def _check(self, budget: Budget, extractor: ModelExtractor) -> None:
        if budget.usd is not None:
            if not 0 < budget.usd <= MOST_USD:
                raise Invalid(
                    f"A budget of {budget.usd} USD is none.", f"Give 0 to {MOST_USD:,.0f}, not 0."
                )
            await extractor.ready()
            if extractor.price(1_000, 1_000) is None:
                raise Invalid(
                    f"The price of {extractor.name} is not known, so no budget in USD can hold.",
                    "Give budget_tokens instead.",
                    code="unpriced",
                )
        if budget.tokens is not None and not 0 < budget.tokens <= MOST_TOKENS:
            raise Invalid(f"A budget of {budget.tokens} tokens is none.", "Give one above 0.")

    async def _estimate(
        self, extractor: ModelExtractor, tally: Tally | None, *, scope: Scope
    ) -> Estimate:
        left = await self._rows.left(scope=scope, fingerprint=extractor.fingerprint)
        await extractor.ready()
        told, said = _tokens(left)
        minutes = None
        if tally is not None and tally.passages:
            told = round(left.passages * tally.prompt_tokens / tally.passages)
            said = round(left.passages * tally.completion_tokens / tally.passages)
            minutes = left.passages * tally.seconds / tally.passages / AT_ONCE / 60
        return Estimate(
            left.passages,
            left.kept,
            told,
            said,
            extractor.price(told, said),
            None if minutes is None else round(minutes, 2),
        )


NO_MODEL = "Reading by a model needs a model, and none is set."
SET_A_MODEL = (
    "Set STRATMASTER_MODEL_URL=openai+http://HOST:PORT/v1?model=NAME, or litellm:FILE.yaml, "
    "and start again."
)


class _Stopped(Exception):
    """The reading cannot go on by itself. ``reason`` is told to whoever looks."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.reason = {"code": code, "message": message, "remedy": remedy}


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """A passage about which the model said nothing, however often it was asked."""

    failed: ModelFailed


class ReadByModel:
    """The job behind a reading. Safe to begin again after any end."""

    def __init__(
        self,
        *,
        store: Store,
        rows: StoredExtractions,
        passages: Passages,
        current: Callable[[SourceId], Awaitable[VersionHash | None]],
        graph: Fed,
        extractor: ModelExtractor | None,
    ) -> None:
        """``current`` says which version of a source is searched, None where it is gone."""
        self._store = store
        self._rows = rows
        self._passages = passages
        self._current = current
        self._graph = graph
        self._extractor = extractor

    async def run(self, lease: Lease) -> None:
        row = await self._row(lease.job)
        reason: dict[str, str] | None = None
        ended: ExtractionState | None = None
        if row is not None and row.state is ExtractionState.RUNNING:
            try:
                # What a crash kept from the graph is stored, and costs nothing to give it again.
                await self._feed(row, await self._rows.with_facts(row.id))
                if await self._read(row):
                    ended = ExtractionState.DONE
            except _Stopped as stopped:
                ended, reason = ExtractionState.PAUSED, stopped.reason
        async with self._store.writing() as connection:
            await lease.finish(connection)
            if row is not None and ended is not None:
                await self._rows.change(connection, row.id, state=ended.value, reason=reason)

    async def stopped(self, job: Job) -> None:
        """What was read stays; there is nothing to clear."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        row = await self._row(lease.job)
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)
            if row is not None and row.state is ExtractionState.RUNNING:
                reason = {
                    "code": "stopped",
                    "message": f"Reading stopped {lease.job.attempt} times: {error}",
                    "remedy": "Resume it; if that fails too, run `stratmaster doctor`.",
                }
                await self._rows.change(
                    connection, row.id, state=ExtractionState.PAUSED.value, reason=reason
                )

    async def _row(self, job: Job) -> ExtractionRow | None:
        return await self._rows.get(job.subject, tenant=job.tenant)

    async def _read(self, row: ExtractionRow) -> bool:
        """Ask about all that is left; False where somebody paused or cancelled it meanwhile."""
        extractor = self._extractor
        if extractor is None:
            raise _Stopped("no_model", NO_MODEL, SET_A_MODEL)
        if extractor.fingerprint != row.fingerprint:
            raise _Stopped(
                "other_model",
                f"The model set now is {extractor.name}, not {row.model}.",
                "Cancel this reading and start another, or set that model again.",
            )
        await extractor.ready()
        scope = Scope(row.tenant, frozenset({row.space}))
        unanswered: list[tuple[Passage, ModelFailed]] = []
        skipped: set[PassageId] = set()
        while True:
            fresh = await self._row_now(row)
            if fresh is None or fresh.state is not ExtractionState.RUNNING:
                return False
            found = await self._rows.next(
                scope=scope, fingerprint=row.fingerprint, limit=AT_ONCE + len(skipped)
            )
            batch = [one for one in found if one.id not in skipped][:AT_ONCE]
            if not batch:
                for passage, why in unanswered:
                    await self._keep(row, passage, _failed(why), 0.0)
                return True
            batch = await self._affordable(fresh, batch, extractor)
            # All are waited for: a reply on its way is paid for, whatever became of the others.
            replies = await asyncio.gather(
                *(self._one(row, passage, extractor) for passage in batch), return_exceptions=True
            )
            answered: list[_Unanswered | None] = []
            for reply in replies:
                if isinstance(reply, BaseException):
                    raise reply
                answered.append(reply)
            for passage, reply in zip(batch, answered, strict=True):
                if reply is None:
                    # It answers others, so what it did not answer is that passage's fault.
                    for held, why in unanswered:
                        await self._keep(row, held, _failed(why), 0.0)
                    unanswered.clear()
                    skipped.clear()
                else:
                    unanswered.append((passage, reply.failed))
                    skipped.add(passage.id)
                if len(unanswered) >= FAILED_IN_ROW:
                    last = unanswered[-1][1]
                    raise _Stopped(last.code, last.message, last.remedy)

    async def _row_now(self, row: ExtractionRow) -> ExtractionRow | None:
        return await self._rows.get(row.id, tenant=row.tenant)

    async def _affordable(
        self, row: ExtractionRow, batch: Sequence[Passage], extractor: ModelExtractor
    ) -> list[Passage]:
        """As many as fit the budget even where each reply is as long as it may be."""
        if row.budget_usd is None and row.budget_tokens is None:
            return list(batch)
        spent = await self._rows.tally(row.id)
        usd, tokens = spent.cost_usd, spent.prompt_tokens + spent.completion_tokens
        chosen: list[Passage] = []
        for passage in batch:
            told, said = extractor.most(passage)
            price = extractor.price(told, said)
            usd += price or 0.0
            tokens += told + said
            if row.budget_tokens is not None and tokens > row.budget_tokens:
                break
            if row.budget_usd is not None and (price is None or usd > row.budget_usd):
                break
            chosen.append(passage)
        if not chosen:
            limit = (
                f"{row.budget_tokens:,} tokens"
                if row.budget_usd is None
                else f"{row.budget_usd:g} USD"
            )
            raise _Stopped(
                "budget",
                f"The budget of {limit} does not allow for another passage.",
                "Resume it with a larger budget, or cancel it and keep what was read.",
            )
        return chosen

    async def _one(
        self, row: ExtractionRow, passage: Passage, extractor: ModelExtractor
    ) -> _Unanswered | None:
        """Ask about a passage, keep the reply and feed the graph; why it was not answered."""
        for attempt in range(TRIES):
            began = monotonic()
            try:
                said = await extractor.read(passage)
            except ModelFailed as error:
                if error.code not in PASSING:
                    raise _Stopped(error.code, error.message, error.remedy) from error
                if attempt + 1 == TRIES:
                    return _Unanswered(error)
                await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            else:
                if await self._keep(row, passage, said, monotonic() - began):
                    await self._feed(row, [passage.id])
                return None
        return None

    async def _keep(
        self, row: ExtractionRow, passage: Passage, said: Extracted, seconds: float
    ) -> bool:
        kept = await self._rows.keep(row, passage, said, seconds=round(seconds, 3))
        return kept and bool(said.heard.facts)

    async def _feed(self, row: ExtractionRow, ids: Sequence[PassageId]) -> None:
        """Give the graph these passages again, with what was said of them."""
        scope = Scope(row.tenant, frozenset({row.space}))
        for begin in range(0, len(ids), 64):
            found = await self._passages.get(ids[begin : begin + 64], scope=scope)
            if not found:
                continue
            await self._graph.put(found)
            # A source deleted or replaced just now may have been dropped before it was put.
            for source in {one.source for one in found}:
                version = await self._current(source)
                if any(one.version != version for one in found if one.source == source):
                    await self._graph.drop(source, keep=version)


def _failed(error: ModelFailed) -> Extracted:
    return Extracted(Heard(), 0, 0, 0.0, error=error.code)


def _tokens(left: Left) -> tuple[int, int]:
    system, shown = question(Passage("", "", "", "", "", 0, "", 0, 0))
    each = estimate_tokens(system + shown)
    read = left.characters // CHARACTERS_PER_TOKEN
    return left.passages * each + read, round(read * REPLY_SHARE)


def _nothing_open(space: str) -> NotFound:
    return NotFound("reading by a model", space)
