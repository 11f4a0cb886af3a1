"""Targets, plans and runs at the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from backend.clock import iso
from backend.exports.model import Called, PartDecision, Run, RunState, WayDecision
from backend.exports.service import Standing
from backend.exports.targets import Changed, Chosen
from backend.sent import Sent
from exporters.apply import Result
from exporters.compare import Comparison
from exporters.judge import Verdict
from exporters.records import Choice, Json, Op, Way
from exporters.records import Standing as Stands

STATUSES = ("open", "doing", "done")  # of an action, in the brief's own words

Remember = Literal["brief", "space"]
Status = Literal["open", "doing", "done"]
Object = dict[str, JsonValue]


def status_of(theirs: Json) -> Status | None:
    return theirs if theirs in STATUSES else None  # type: ignore[return-value]  # just looked


class NewTarget(Sent):
    connection: str | None = Field(None, max_length=100, description="None for a folder.")
    kind: str = Field(max_length=20, description="folder, notion, jira or trello.")
    name: str = Field(max_length=1_000)
    where: Object = Field(description="As the place was found.")
    mapping: Object = Field({}, description="What was chosen; the rest is as usual.")
    remember: Remember = Field("brief", description="Whether all briefs of the space go there.")

    def chosen(self) -> Chosen:
        return Chosen(
            self.kind, self.name, self.connection, self.where, self.mapping,
            self.remember == "space",
        )  # fmt: skip


class TargetChange(Sent):
    """What is null stays as it is."""

    name: str | None = Field(None, max_length=1_000)
    mapping: Object | None = None
    remember: Remember | None = None
    connection: str | None = Field(
        None, max_length=100, description="Another that leads to the same place."
    )

    def changed(self) -> Changed:
        shared = None if self.remember is None else self.remember == "space"
        return Changed(self.name, self.mapping, shared, self.connection)


class Approval(Sent):
    checksum: str = Field(max_length=100, description="Of the plan that was looked at.")
    archives: bool = Field(
        False, description="A second yes, where it archives more than the plan's archives_limit."
    )


class PartDecisionIn(Sent):
    key: str = Field(max_length=200)
    part: str = Field(min_length=1, max_length=200)
    choice: Choice
    theirs: JsonValue = Field(description="What is there, as the plan said: theirs_value.")


class WayDecisionIn(Sent):
    key: str = Field(max_length=200)
    way: Way
    standing: Stands


class DecisionsIn(Sent):
    parts: list[PartDecisionIn] = Field([])
    ways: list[WayDecisionIn] = Field([])

    def taken(self) -> tuple[Sequence[PartDecision], Sequence[WayDecision]]:
        return (
            [PartDecision(one.key, one.part, one.choice, one.theirs) for one in self.parts],
            [WayDecision(one.key, one.way, one.standing) for one in self.ways],
        )


class TroubleOut(BaseModel):
    code: str
    message: str
    remedy: str


class OutcomeOut(BaseModel):
    step: str
    keys: list[str]
    titles: list[str] = Field(description="Of the items with these keys, in their order.")
    op: Op
    outcome: Result
    message: str
    retry_at: str | None
    url: str

    @classmethod
    def of(cls, called: Called) -> OutcomeOut:
        one = called.outcome
        return cls(
            step=one.step,
            keys=list(one.keys),
            titles=list(called.titles) or [""] * len(one.keys),
            op=one.op,
            outcome=one.outcome,
            message=one.message,
            retry_at=None if one.retry_at is None else iso(one.retry_at),
            url=one.url,
        )


class ExportRunOut(BaseModel):
    id: str
    state: RunState
    stopping: bool = Field(description="It was called off, and ends before its next call.")
    actor: str
    started_at: str
    ended_at: str | None
    checksum: str
    counts: dict[str, int]
    total: int
    done: int
    wait_until: str | None
    trouble: TroubleOut | None
    outcomes: list[OutcomeOut] = Field(
        description="Of each call; with a target only of those that need a word, in a list none."
    )

    @classmethod
    def of(cls, run: Run, outcomes: Sequence[Called] = ()) -> ExportRunOut:
        trouble = run.trouble
        return cls(
            id=run.id,
            state=run.state,
            stopping=run.stop and not run.state.over,
            actor=run.actor_name,
            started_at=iso(run.created_at),
            ended_at=None if run.ended_at is None else iso(run.ended_at),
            checksum=run.checksum,
            counts=dict(run.counts),
            total=run.total,
            done=run.done,
            wait_until=None if run.wait_until is None else iso(run.wait_until),
            trouble=None if trouble is None else TroubleOut(**trouble.json()),
            outcomes=[OutcomeOut.of(one) for one in outcomes],
        )


class DriftOut(BaseModel):
    drift: int = Field(description="Parts that changed over there alone.")
    conflicts: int = Field(description="Parts that changed on both sides.")
    astray: int = Field(description="Objects that are not where we left them.")


class StatusOut(BaseModel):
    key: str
    status: Status


class TargetOut(BaseModel):
    id: str
    kind: str
    name: str
    connection: str | None
    reconnect: bool = Field(description="A person has to connect again before anything is sent.")
    where: Object
    mapping: Object
    remember: Remember
    url: str = Field(description="Of the overview over there; empty before the first export.")
    changes: int | None = Field(
        description="Items that differ from what was sent; null where nothing was, or unknown."
    )
    drift: DriftOut
    statuses: list[StatusOut] = Field(
        description="Actions whose status changed over there, in the brief's own words."
    )
    looked_at: str | None
    trouble: TroubleOut | None = Field(description="What kept the last look from being had.")
    exported_at: str | None
    exported_by: str | None
    run: ExportRunOut | None

    @classmethod
    def of(cls, one: Standing) -> TargetOut:
        target, exported, look = one.target, one.exported, one.look
        return cls(
            id=target.id,
            kind=target.kind,
            name=target.name,
            connection=target.connection,
            reconnect=one.reconnect,
            where=dict(target.where),
            mapping=dict(target.mapping),
            remember="space" if target.brief is None else "brief",
            url=one.url,
            changes=None if one.comparison is None else _changes(one.comparison),
            drift=_drift(one),
            statuses=_statuses(one.comparison),
            looked_at=None if look is None or look.at is None else iso(look.at),
            trouble=None
            if look is None or look.trouble is None
            else TroubleOut(**look.trouble.json()),
            exported_at=None if exported is None else iso(exported.ended_at or exported.created_at),
            exported_by=None if exported is None else exported.actor_name,
            run=None if one.run is None else ExportRunOut.of(one.run, one.outcomes),
        )


class RemovedOut(BaseModel):
    left: int = Field(description="Objects that stay over there, untouched.")


def _changes(comparison: Comparison) -> int:
    return sum(item.change in ("create", "update", "archive") for item in comparison.items)


def _drift(one: Standing) -> DriftOut:
    if one.comparison is None:
        return DriftOut(
            drift=sum(len(parts) for parts in one.findings.parts.values()),
            conflicts=0,
            astray=len(one.findings.astray),
        )
    verdicts = [part.change for item in one.comparison.items for part in item.parts]
    return DriftOut(
        drift=verdicts.count(Verdict.DRIFT),
        conflicts=verdicts.count(Verdict.CONFLICT),
        astray=sum(item.change == "astray" for item in one.comparison.items),
    )


def _statuses(comparison: Comparison | None) -> list[StatusOut]:
    if comparison is None:
        return []
    return [
        StatusOut(key=item.key, status=status)
        for item in comparison.items
        for part in item.parts
        if part.part == "status"
        and part.change in (Verdict.DRIFT, Verdict.CONFLICT)
        and (status := status_of(part.theirs)) is not None
    ]
