"""A run: everything an answer was made from and what came of it, and how two runs differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Protocol

from backend.ports import Usage
from retrieval.model import Hit, Scope, SourceId, Trace, VersionHash

REMEMBERED = 20  # recent runs an estimate is the median of


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    DECLINED = "declined"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RankedLine:
    passage: str
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class SentenceLine:
    """A sentence of the answer and the evidence its chips stand for."""

    text: str
    evidence: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeLine:
    code: str
    message: str
    sentences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """A stored answer. ``lists`` holds each leg's whole list; ``hits`` what was fused and used."""

    id: str
    tenant: str
    space: str
    question: str
    sources: tuple[SourceId, ...] | None
    asked_by: str
    kind: str
    model: str
    state: RunState
    created_at: datetime
    brief: str | None = None
    lists: Mapping[str, tuple[RankedLine, ...]] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    trace: Trace | None = None
    versions: Mapping[SourceId, VersionHash] = field(default_factory=dict)
    prompt_hash: str | None = None
    sentences: tuple[SentenceLine, ...] = ()
    uncited: tuple[int, ...] = ()
    notices: tuple[NoticeLine, ...] = ()
    usage: Usage | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    error: Mapping[str, str] | None = None
    replay_of: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What answers took. ``unpriced``: those whose model was asked and whose cost is not known."""

    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int


class Runs(Protocol):
    """Where runs are kept."""

    async def put(self, run: AnswerRun) -> None:
        """Store this run, in place of an earlier state of it."""
        ...

    async def get(self, id: str, *, scope: Scope) -> AnswerRun | None: ...

    async def recent(self, space: str, *, scope: Scope, limit: int) -> Sequence[AnswerRun]:
        """The newest first."""
        ...

    async def spent(self, since: datetime, *, scope: Scope) -> Spent:
        """What the answers begun since then took, in the scope's spaces."""
        ...

    async def space_of(self, id: str, *, tenant: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Difference:
    what: str
    before: str
    after: str


def text_of(run: AnswerRun) -> str:
    """What the answer said, citations as the passages they rest on: what a replay must repeat."""
    return "\n".join(f"{line.text} [{', '.join(line.passages)}]" for line in run.sentences)


def differences(before: AnswerRun, after: AnswerRun) -> tuple[Difference, ...]:
    """What changed between two runs of one question, causes before effects."""
    found: list[Difference] = []

    def note(what: str, old: object, new: object) -> None:
        if old != new:
            found.append(Difference(what, str(old), str(new)))

    note("model", before.model, after.model)
    for source in sorted({*before.versions, *after.versions}):
        old_version, new_version = before.versions.get(source), after.versions.get(source)
        note(f"version of source {source}", _version(old_version), _version(new_version))
    for leg in sorted({*before.lists, *after.lists}):
        old = tuple(line.passage for line in before.lists.get(leg, ()))
        new = tuple(line.passage for line in after.lists.get(leg, ()))
        if old != new:
            where = next(
                (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
                min(len(old), len(new)),
            )
            found.append(
                Difference(
                    f"list of {leg}, from rank {where + 1}", _at(old, where), _at(new, where)
                )
            )
    note("fusion", _fusion(before), _fusion(after))
    note("fused order", _order(before), _order(after))
    note("prompt hash", before.prompt_hash, after.prompt_hash)
    note("state", before.state.value, after.state.value)
    note("answer", text_of(before), text_of(after))
    return tuple(found)


def seconds_expected(runs: Sequence[AnswerRun], model: str) -> float | None:
    """The median time of this model's recent finished answers; None before the first."""
    took = [
        run.timings["total"] / 1000
        for run in runs
        if run.model == model and run.state is RunState.FINISHED and "total" in run.timings
    ][:REMEMBERED]
    return round(median(took), 3) if took else None


def _version(version: VersionHash | None) -> str:
    return version[:12] if version else "not among the passages"


def _at(passages: Sequence[str], index: int) -> str:
    return ", ".join(passages[index : index + 3]) or "nothing more"


def _fusion(run: AnswerRun) -> str:
    return run.trace.fusion if run.trace is not None else ""


def _order(run: AnswerRun) -> str:
    return ", ".join(hit.passage.id for hit in run.hits)
