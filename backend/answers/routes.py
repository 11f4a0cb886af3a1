"""Questions over HTTP; an answer is a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from backend.answers.answer import Answers, Question, check
from backend.answers.events import AnswerEvent
from backend.answers.schemas import (
    AnswerLine,
    AskIn,
    CostOut,
    EstimateOut,
    ReplayOut,
    RunOut,
    estimate_out,
    event_out,
    line_out,
    replay_out,
    run_out,
)
from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.clock import iso, now
from backend.errors import NotFound
from backend.http import Asking, Wired, frame
from backend.services import Services
from backend.spaces.service import Space
from retrieval.model import Scope

router = APIRouter(prefix="/api", tags=["answers"])

HEARTBEAT = 15.0  # seconds; proxies drop a stream that is silent for a minute
AHEAD = 64  # events made before the reader has taken them


@router.post(
    "/spaces/{space}/answers",
    responses={200: {"content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
)
async def ask(space: str, body: AskIn, principal: Asking, services: Wired) -> StreamingResponse:
    """Ask, and read the answer as it is made. Closing the request cancels it."""
    opened = await services.spaces.open(principal, space, Action.ASK)
    check(body.question)
    if body.brief is not None:
        _, home = await services.briefs.get(principal, body.brief)
        if home.id != opened.id:
            raise NotFound("brief", body.brief)
    sources = None if body.sources is None else tuple(sorted(set(body.sources)))
    question = Question(
        body.question, opened.id, principal.subject, sources, body.brief, fusion=opened.fusion
    )
    scope = principal.scope([opened.id], sources)
    return StreamingResponse(
        services.watch.streaming(principal, opened.id, stream(services.answers, question, scope)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/spaces/{space}/estimate")
async def estimate(
    space: str, principal: Asking, services: Wired, q: Annotated[str, Query()] = ""
) -> EstimateOut:
    """What asking would take, before anything is run."""
    opened = await services.spaces.open(principal, space, Action.READ)
    scope = principal.scope([opened.id])
    return estimate_out(await services.answers.estimate(q, space=opened.id, scope=scope))


@router.get("/spaces/{space}/cost")
async def cost(
    space: str,
    principal: Asking,
    services: Wired,
    since: Annotated[AwareDatetime | None, Query()] = None,
) -> CostOut:
    """What this space took of a model since then; where nothing is said, since midnight in UTC."""
    opened = await services.spaces.open(principal, space, Action.READ)
    begin = since or now().replace(hour=0, minute=0, second=0, microsecond=0)
    answers = services.answers
    scope = principal.scope([opened.id])
    spent = await answers.spent(begin, scope=scope)
    read = await services.extractions.taken(begin, scope=scope)
    return CostOut(
        since=iso(begin),
        kind=answers.kind.value,
        model=answers.model_name,
        answers=spent.answers,
        passages_read=read.passages,
        prompt_tokens=spent.prompt_tokens + read.prompt_tokens,
        completion_tokens=spent.completion_tokens + read.completion_tokens,
        cost_usd=round(spent.cost_usd + read.cost_usd, 6),
        unpriced=spent.unpriced + read.unpriced,
    )


@router.get("/spaces/{space}/answers")
async def recent(
    space: str,
    principal: Asking,
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AnswerLine]:
    """What was asked here, the newest first."""
    opened = await services.spaces.open(principal, space, Action.READ)
    scope = principal.scope([opened.id])
    runs = await services.answers.recent(opened.id, scope=scope, limit=limit)
    return [line_out(run) for run in runs]


@router.get("/answers/{answer}")
async def get(answer: str, principal: Asking, services: Wired) -> RunOut:
    """An answer's whole run."""
    space = await _space(answer, Action.READ, principal, services)
    scope = principal.scope([space.id])
    return run_out(await services.answers.get(answer, scope=scope))


@router.post("/answers/{answer}/replay")
async def replay(answer: str, principal: Asking, services: Wired) -> ReplayOut:
    """Ask the same of the same sources now, and compare."""
    space = await _space(answer, Action.ASK, principal, services)
    replayed = await services.answers.replay(
        answer,
        scope=principal.scope([space.id]),
        actor=principal.subject,
        fusion=space.fusion,
    )
    return replay_out(replayed)


async def stream(answers: Answers, question: Question, scope: Scope) -> AsyncGenerator[bytes, None]:
    """The events as bytes, with a comment where there is nothing to say for a while."""
    queue: asyncio.Queue[AnswerEvent | None] = asyncio.Queue(AHEAD)

    async def pump() -> None:
        try:
            async with aclosing(answers.ask(question, scope=scope)) as events:
                async for event in events:
                    await queue.put(event)
        except asyncio.CancelledError:
            raise  # nobody reads any more: there is nobody to tell
        except BaseException:
            await queue.put(None)
            raise
        await queue.put(None)  # waits for a slow reader, who would else never learn of the end

    # Apart from this generator, so that waiting for the next event can be interrupted by a
    # heartbeat without interrupting the making of it.
    making = asyncio.create_task(pump())
    answers.watch(making)
    try:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    event = await queue.get()
            except TimeoutError:
                yield b": ping\n\n"
                continue
            if event is None:
                return
            name, data = event_out(event, question.text)
            yield frame(name, json.dumps(data, ensure_ascii=False))
    finally:
        making.cancel()


async def _space(answer: str, action: Action, principal: Principal, services: Services) -> Space:
    space = await services.answers.space_of(answer, tenant=principal.tenant)
    if space is None:
        raise NotFound("answer", answer)
    try:
        return await services.spaces.open(principal, space, action)
    except NotFound:  # of the space, whose id the asker did not name
        raise NotFound("answer", answer) from None
