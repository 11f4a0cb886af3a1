"""A plan and a ledger at the wire, with every value as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from backend.exports.planning import Planned
from backend.exports.schemas import Status, status_of
from backend.exports.service import Ledger, Made
from exporters.compare import ItemPlan
from exporters.judge import PartPlan, Verdict
from exporters.plan import ARCHIVES
from exporters.ports import Adapter
from exporters.records import Json, Op, Step, Way, encode
from exporters.records import Standing as Stands


class CountsOut(BaseModel):
    create: int = 0
    update: int = 0
    archive: int = 0
    keep: int = 0
    drift: int = 0
    conflict: int = 0
    astray: int = 0
    writes: int = 0
    reads: int = 0


class LossOut(BaseModel):
    key: str
    what: str


class PlanPartOut(BaseModel):
    """One part, three ways, each as people read it, in Markdown."""

    part: str
    label: str
    change: Verdict
    base: str
    ours: str
    theirs: str
    theirs_value: JsonValue


class PlanItemOut(BaseModel):
    key: str
    kind: str
    title: str
    change: Literal["create", "update", "archive", "keep", "conflict", "drift", "astray"]
    url: str
    parts: list[PlanPartOut]
    standing: Stands
    where: str
    ways: list[Way]
    note: str


class PlanStepOut(BaseModel):
    """A call; ``body`` is what is sent, byte for byte, but for ids that are not known yet."""

    id: str
    op: Op
    keys: list[str]
    method: str
    path: str
    body: str


class PlanOut(BaseModel):
    checksum: str
    target: str
    brief: str
    counts: CountsOut
    seconds: float = Field(description="The least that it takes under the target's limits.")
    archives_limit: int
    needs_yes: bool = Field(description="It archives more than that: say yes a second time.")
    losses: list[LossOut]
    items: list[PlanItemOut]
    steps: list[PlanStepOut]


class DriftedPartOut(BaseModel):
    part: str
    label: str
    theirs: str


class LedgerItemOut(BaseModel):
    key: str
    kind: str
    title: str
    url: str
    standing: Stands
    drift: list[DriftedPartOut]
    status: Status | None = Field(description="What an action's status became over there.")
    stale: bool = Field(description="It rests on evidence that its source no longer gives.")


def plan_out(target: str, brief: str, planned: Planned) -> PlanOut:
    """Takes a moment for a long brief: call it in a thread."""
    plan = planned.plan
    return PlanOut(
        checksum=plan.checksum,
        target=target,
        brief=brief,
        counts=CountsOut(**plan.counts),
        seconds=plan.seconds,
        archives_limit=ARCHIVES,
        needs_yes=plan.archives > ARCHIVES,
        losses=[LossOut(key=one.key, what=one.what) for one in plan.losses],
        items=[_item(planned.adapter, one) for one in plan.items],
        steps=[_step(one) for one in plan.steps],
    )


def ledger_out(ledger: Ledger) -> list[LedgerItemOut]:
    """Takes a moment for a long brief: call it in a thread."""
    return [_made(ledger, one) for one in ledger.made]


def _made(ledger: Ledger, made: Made) -> LedgerItemOut:
    entry = made.entry
    astray = ledger.findings.astray.get(entry.key)
    parts: Mapping[str, Json] = ledger.findings.parts.get(entry.key, {})
    return LedgerItemOut(
        key=entry.key,
        kind=entry.kind,
        title=entry.title,
        url=entry.url,
        standing=Stands.LIVE if astray is None else astray.standing,
        drift=[
            DriftedPartOut(
                part=part,
                label=ledger.adapter.label(part),
                theirs=_words(ledger.adapter, part, theirs),
            )
            for part, theirs in parts.items()
        ],
        status=status_of(parts.get("status")),
        stale=made.stale,
    )


def _item(adapter: Adapter, item: ItemPlan) -> PlanItemOut:
    return PlanItemOut(
        key=item.key,
        kind=item.kind,
        title=item.title,
        change=item.change,
        url=item.url,
        parts=[_part(adapter, part) for part in item.parts],
        standing=item.standing,
        where=item.where,
        ways=list(item.ways),
        note=item.note,
    )


def _part(adapter: Adapter, part: PartPlan) -> PlanPartOut:
    return PlanPartOut(
        part=part.part,
        label=adapter.label(part.part),
        change=part.change,
        base=_words(adapter, part.part, part.base),
        ours=_words(adapter, part.part, part.ours),
        theirs=_words(adapter, part.part, part.theirs),
        theirs_value=_json(part.theirs),
    )


def _step(step: Step) -> PlanStepOut:
    request = step.request
    return PlanStepOut(
        id=step.id,
        op=step.op,
        keys=list(step.keys),
        method=request.method,
        path=request.path,
        body="" if request.body is None else encode(request.body).decode(),
    )


def _words(adapter: Adapter, part: str, value: Json) -> str:
    return "" if value is None else adapter.words(part, value)


def _json(value: Json) -> Any:
    return value
