"""Spaces over HTTP, and what happens in one as it happens."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from backend.answers.answer import check
from backend.answers.schemas import HitOut, TraceOut, hits_out, searched, trace_out
from backend.auth.policy import Action
from backend.errors import Invalid
from backend.events import Subscription
from backend.first import sample
from backend.http import Asking, Wired, frame
from backend.sent import Sent
from backend.services import Services
from backend.spaces.service import Counts, Space
from backend.store.catalogue import StoredCatalogue
from retrieval.fusion import Fusion, K, Kind
from retrieval.language import spoken
from retrieval.model import PassageId, Scope
from retrieval.model import Query as Question
from retrieval.search import FUSION
from retrieval.why import Reason

router = APIRouter(tags=["spaces"])

_PLACE = re.compile(r"(?P<source>\w+)\.(?P<version>\w+)\.(?P<start>\d{1,12})-(?P<end>\d{1,12})")
PING = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream


class SpaceOut(BaseModel):
    id: str
    name: str
    role: str
    sources: int
    passages: int
    briefs: int
    sample: bool
    questions: list[str] = []
    """To begin with, where the space is the sample."""

    @classmethod
    def of(cls, space: Space, counts: Counts) -> SpaceOut:
        return cls(
            id=space.id,
            name=space.name,
            role=space.role,
            sources=counts.sources,
            passages=counts.passages,
            briefs=counts.briefs,
            sample=space.sample,
            questions=list(sample().questions) if space.sample else [],
        )


class NewSpace(Sent):
    name: str


class Found(BaseModel):
    hits: list[HitOut]
    trace: TraceOut


@router.get("/api/spaces")
async def list_spaces(principal: Asking, services: Wired) -> list[SpaceOut]:
    return [SpaceOut.of(*found) for found in await services.spaces.list(principal)]


@router.post("/api/spaces", status_code=201)
async def create_space(new: NewSpace, principal: Asking, services: Wired) -> SpaceOut:
    space = await services.spaces.create(principal, new.name)
    return SpaceOut.of(space, await services.spaces.counts(space))


@router.get("/api/spaces/{space_id}")
async def get_space(space_id: str, principal: Asking, services: Wired) -> SpaceOut:
    space = await services.spaces.open(principal, space_id, Action.READ)
    return SpaceOut.of(space, await services.spaces.counts(space))


@router.delete("/api/spaces/{space_id}", status_code=204)
async def delete_space(space_id: str, principal: Asking, services: Wired) -> None:
    """Delete a space with its sources and briefs; whoever has one of these open is sent out."""
    briefs = await services.briefs.list(principal, space_id)
    await services.sources.delete_space(principal, space_id)
    for brief in briefs:
        await services.rooms.evict(brief.id)
    services.watch.changed()


class FusionSent(Sent):
    """How ranks or scores of the legs become one order. A leg without a weight has 1."""

    kind: Kind = Kind.RRF
    k: int = Field(K, description="Of rank fusion: the smaller, the more the first ranks weigh.")
    weights: dict[str, float] = Field(default={}, max_length=16)


class SettingsSent(Sent):
    fusion: FusionSent | None = Field(description="null for the default")


class FusionOut(BaseModel):
    kind: Kind
    k: int
    weights: dict[str, float]

    @classmethod
    def of(cls, fusion: Fusion) -> FusionOut:
        return cls(kind=fusion.kind, k=fusion.k, weights=dict(fusion.weights))


class SettingsOut(BaseModel):
    fusion: FusionOut
    default: FusionOut = Field(description="What null stands for.")
    legs: list[str] = Field(description="What may be weighed.")

    @classmethod
    def of(cls, fusion: Fusion, services: Services) -> SettingsOut:
        return cls(
            fusion=FusionOut.of(fusion),
            default=FusionOut.of(FUSION),
            legs=[leg.leg.name for leg in services.legs],
        )


@router.get("/api/spaces/{space_id}/settings")
async def get_settings(space_id: str, principal: Asking, services: Wired) -> SettingsOut:
    space = await services.spaces.open(principal, space_id, Action.READ)
    return SettingsOut.of(space.fusion, services)


@router.put("/api/spaces/{space_id}/settings")
async def put_settings(
    space_id: str, sent: SettingsSent, principal: Asking, services: Wired
) -> SettingsOut:
    """Set how searches of this space fuse what the legs find."""
    space = await services.spaces.open(principal, space_id, Action.MANAGE_SPACE)
    fusion = None if sent.fusion is None else _chosen(sent.fusion, services)
    await services.spaces.fuse(space, fusion)
    return SettingsOut.of(fusion or FUSION, services)


def _chosen(sent: FusionSent, services: Services) -> Fusion:
    legs = [leg.leg.name for leg in services.legs]
    unknown = sorted(set(sent.weights) - set(legs))
    if unknown:
        raise Invalid(
            f"There is no leg {unknown[0]!r} to weigh.", f"The legs are {', '.join(legs)}."
        )
    if not any(sent.weights.get(leg, 1.0) for leg in legs):
        raise Invalid("Every leg has weight 0.", "Give one of them more, or nothing is found.")
    try:
        return Fusion(sent.kind, sent.k, tuple(sent.weights.items()))
    except ValueError as error:
        raise Invalid(f"This fusion cannot be: {error}.", "Change that value.") from error


@router.get("/api/spaces/{space_id}/search")
async def search_space(
    space_id: str,
    q: str,
    principal: Asking,
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
) -> Found:
    """The passages nearest to some words, with what each leg said."""
    space = await services.spaces.open(principal, space_id, Action.READ)
    check(q)
    found = await services.searcher.search(
        Question(q, spoken(q)),
        scope=principal.scope([space.id]),
        limit=limit,
        fusion=space.fusion,
    )
    return Found(hits=hits_out(found.hits, searched(q, found.trace)), trace=trace_out(found.trace))


class LegPlaceOut(BaseModel):
    """Where one leg has a passage: a rank from 1, or none among those it was asked for."""

    leg: str
    state: str
    rank: int | None
    score: float | None
    asked: int
    cut: int
    error: str | None


class WhyNotOut(BaseModel):
    passage: str
    reason: Reason
    message: str
    legs: list[LegPlaceOut]
    rank: int | None
    score: float | None
    last: float | None
    within: str | None
    language: str | None

    @classmethod
    def unasked(cls, passage: str) -> WhyNotOut:
        return cls(
            passage=passage,
            reason=Reason.FILTERED,
            message="Its source was not among those that were asked.",
            legs=[],
            rank=None,
            score=None,
            last=None,
            within=None,
            language=None,
        )


@router.get("/api/spaces/{space_id}/search/why-not")
async def why_not(
    space_id: str,
    q: str,
    principal: Asking,
    services: Wired,
    passage: str = "",
    at: Annotated[str, Query(description="Instead: <source>.<version>.<start>-<end>")] = "",
    source: Annotated[list[str] | None, Query(description="As if only these were asked")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
) -> WhyNotOut:
    """Why a search does not show a passage, or what stands at a place: where each leg has it, and
    what cut it off."""
    space = await services.spaces.open(principal, space_id, Action.READ)
    check(q)
    scope = principal.scope([space.id])
    if bool(passage) == bool(at):
        raise Invalid("Either passage or at has to be given.", "Name one passage, or one place.")
    passage = passage or await _standing(at, services, scope)
    if source is not None:
        if passage.partition(".")[0] not in source:
            return WhyNotOut.unasked(passage)
        scope = replace(scope, sources=frozenset(source))
    why = await services.searcher.why_not(
        Question(q, spoken(q)), passage, scope=scope, limit=limit, fusion=space.fusion
    )
    message = why.message
    if why.reason is Reason.NOT_INDEXED:
        message = await StoredCatalogue(services.store).fate(passage, scope=scope)
    return WhyNotOut(
        passage=passage,
        reason=why.reason,
        message=message,
        legs=[
            LegPlaceOut(
                leg=leg.leg,
                state=leg.state.value,
                rank=leg.rank,
                score=leg.score,
                asked=leg.asked,
                cut=leg.cut,
                error=leg.error,
            )
            for leg in why.legs
        ],
        rank=why.rank,
        score=why.score,
        last=why.last,
        within=why.within,
        language=why.language,
    )


async def _standing(at: str, services: Services, scope: Scope) -> PassageId:
    """The passage at a place; where none stands there, the beginning of the ids it would have."""
    source, version, start, end = _place(at)
    found = await services.passages.at(source, version, start, end, scope=scope)
    return found or f"{source}.{version[:12]}"


def _place(at: str) -> tuple[str, str, int, int]:
    match = _PLACE.fullmatch(at)
    if match is None or int(match["end"]) < int(match["start"]):
        raise Invalid(f"{at} is no place.", "Write it as <source>.<version>.<start>-<end>.")
    return match["source"], match["version"], int(match["start"]), int(match["end"])


@router.get("/api/spaces/{space_id}/events", response_class=StreamingResponse)
async def space_events(space_id: str, principal: Asking, services: Wired) -> StreamingResponse:
    """Server-sent events: ``source``, ``source_deleted``, ``brief``, ``members``, ``reload``; they
    end for whoever may no longer see the space."""
    space = await services.spaces.open(principal, space_id, Action.READ)

    async def stream() -> AsyncIterator[bytes]:
        with (
            services.hub.listening(space.id) as subscription,
            services.watch.listening(principal, space.id, subscription.end),
        ):
            yield b": listening\n\n"
            async for text in _lines(subscription):
                yield text

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _lines(subscription: Subscription) -> AsyncIterator[bytes]:
    while True:
        try:
            event = await asyncio.wait_for(subscription.next(), PING)
        except TimeoutError:
            yield b": ping\n\n"
            continue
        if event is None:
            return
        yield frame(event.name, json.dumps(event.data, ensure_ascii=False))
