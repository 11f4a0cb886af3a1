"""Exports over HTTP."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import RootModel

from backend.exports.schemas import (
    Approval,
    DecisionsIn,
    ExportRunOut,
    NewTarget,
    RemovedOut,
    TargetChange,
    TargetOut,
)
from backend.exports.shown import LedgerItemOut, PlanOut, ledger_out, plan_out
from backend.http import Asking, Wired

router = APIRouter(prefix="/api/briefs/{brief}/targets", tags=["exports"])


@router.get("")
async def list_targets(brief: str, principal: Asking, services: Wired) -> list[TargetOut]:
    """Where a brief goes, and how it stands there as of the last look."""
    standing = await services.exports.standing(principal, brief)
    return await asyncio.to_thread(lambda: [TargetOut.of(one) for one in standing])


@router.post("", status_code=201)
async def add_target(brief: str, body: NewTarget, principal: Asking, services: Wired) -> TargetOut:
    """Remember a place for this brief, or for all of its space."""
    opened = await services.targets.add(principal, brief, body.chosen())
    return await _one(services, principal, brief, opened.target.id)


@router.patch("/{target}")
async def change_target(
    brief: str, target: str, body: TargetChange, principal: Asking, services: Wired
) -> TargetOut:
    """Name it otherwise, map it otherwise, or remember it for others."""
    await services.targets.change(principal, brief, target, body.changed())
    return await _one(services, principal, brief, target)


@router.delete("/{target}")
async def remove_target(brief: str, target: str, principal: Asking, services: Wired) -> RemovedOut:
    """Take it off the list. What was made there stays as it is; added again, it is known again."""
    return RemovedOut(left=await services.targets.remove(principal, brief, target))


@router.post("/{target}/plan", response_model=PlanOut)
async def plan_export(brief: str, target: str, principal: Asking, services: Wired) -> Response:
    """What an export would do, byte for byte; nothing is sent."""
    opened, planned = await services.exports.plan(principal, brief, target)
    return await asyncio.to_thread(
        lambda: _json(plan_out(opened.target.id, opened.brief.id, planned).model_dump_json())
    )


@router.post("/{target}/runs", status_code=202)
async def start_export(
    brief: str, target: str, body: Approval, principal: Asking, services: Wired
) -> ExportRunOut:
    """Carry out the plan with this checksum; 409 where it would come out otherwise by now."""
    return ExportRunOut.of(
        await services.exports.start(
            principal, brief, target, body.checksum, archives=body.archives
        )
    )


@router.get("/{target}/runs")
async def list_exports(
    brief: str, target: str, principal: Asking, services: Wired
) -> list[ExportRunOut]:
    """Who approved what, and what came of it; the latest first."""
    return [ExportRunOut.of(one) for one in await services.exports.runs(principal, brief, target)]


@router.get("/{target}/runs/{run}", response_model=ExportRunOut)
async def get_export(
    brief: str, target: str, run: str, principal: Asking, services: Wired
) -> Response:
    """How far an export is, with what became of each call."""
    found, outcomes = await services.exports.run(principal, brief, target, run)
    return await asyncio.to_thread(
        lambda: _json(ExportRunOut.of(found, outcomes).model_dump_json())
    )


@router.post("/{target}/runs/{run}/cancel")
async def cancel_export(
    brief: str, target: str, run: str, principal: Asking, services: Wired
) -> ExportRunOut:
    """End it before its next call; what was sent stays."""
    return ExportRunOut.of(await services.exports.cancel(principal, brief, target, run))


@router.post("/{target}/runs/{run}/resume")
async def resume_export(
    brief: str, target: str, run: str, principal: Asking, services: Wired
) -> ExportRunOut:
    """Go on with what was approved, where it stopped."""
    return ExportRunOut.of(await services.exports.resume(principal, brief, target, run))


@router.post("/{target}/decisions", status_code=204)
async def decide(
    brief: str, target: str, body: DecisionsIn, principal: Asking, services: Wired
) -> None:
    """Say whose words stand where both sides changed, and what becomes of what went astray."""
    parts, ways = body.taken()
    await services.exports.decide(principal, brief, target, parts, ways)


@router.post("/{target}/look", status_code=202)
async def look(brief: str, target: str, principal: Asking, services: Wired) -> None:
    """Look over there for changes; what is found comes as an event."""
    await services.exports.look(principal, brief, target)


@router.get("/{target}/ledger", response_model=list[LedgerItemOut])
async def ledger(brief: str, target: str, principal: Asking, services: Wired) -> Response:
    """What was made there, how it stood at the last look, and what rests on stale evidence."""
    found = await services.exports.ledger(principal, brief, target)
    return await asyncio.to_thread(lambda: _json(RootModel(ledger_out(found)).model_dump_json()))


async def _one(services: Wired, principal: Asking, brief: str, target: str) -> TargetOut:
    (standing,) = await services.exports.standing(principal, brief, only=target)
    return TargetOut.of(standing)


def _json(body: str) -> Response:
    return Response(body, media_type="application/json")
