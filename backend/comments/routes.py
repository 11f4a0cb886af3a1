"""Comments and notifications over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from backend.auth.principal import Principal
from backend.comments.schemas import (
    CommentIn,
    CommentsOut,
    NewThread,
    NotificationOut,
    NotificationsOut,
    ReadIn,
    ThreadChange,
    ThreadOut,
)
from backend.http import Asking, Wired
from backend.services import Services

router = APIRouter(prefix="/api", tags=["comments"])


@router.get("/briefs/{brief}/comments")
async def list_comments(
    brief: str,
    services: Wired,
    principal: Asking,
    resolved: bool = False,
    before: Annotated[str | None, Query(description="The last thread of the page before")] = None,
) -> CommentsOut:
    """The open threads of a brief, or its resolved ones, the latest first."""
    if resolved:
        return CommentsOut.of(await services.comments.resolved(principal, brief, before))
    return CommentsOut.of(await services.comments.standing(principal, brief))


@router.post("/briefs/{brief}/comments", status_code=201)
async def begin_thread(
    brief: str, sent: NewThread, services: Wired, principal: Asking
) -> ThreadOut:
    who = _called(principal, sent.name, services)
    anchor = sent.anchor.anchor()
    return ThreadOut.of(await services.comments.begin(who, brief, anchor, sent.said()))


@router.get("/briefs/{brief}/comments/{thread}")
async def get_thread(brief: str, thread: str, services: Wired, principal: Asking) -> ThreadOut:
    return ThreadOut.of(await services.comments.thread(principal, brief, thread))


@router.patch("/briefs/{brief}/comments/{thread}")
async def change_thread(
    brief: str, thread: str, sent: ThreadChange, services: Wired, principal: Asking
) -> ThreadOut:
    """Resolve or reopen a thread, or anchor it elsewhere."""
    who = _called(principal, sent.name, services)
    comments = services.comments
    if sent.anchor is not None:
        await comments.hang(who, brief, thread, sent.anchor.anchor(), revision=sent.revision)
    if sent.resolved is not None:
        await comments.resolve(who, brief, thread, resolved=sent.resolved)
    return ThreadOut.of(await comments.thread(who, brief, thread))


@router.post("/briefs/{brief}/comments/{thread}/replies", status_code=201)
async def reply(
    brief: str, thread: str, sent: CommentIn, services: Wired, principal: Asking
) -> ThreadOut:
    who = _called(principal, sent.name, services)
    return ThreadOut.of(await services.comments.reply(who, brief, thread, sent.said()))


@router.patch("/briefs/{brief}/comments/{thread}/{comment}")
async def edit_comment(
    brief: str, thread: str, comment: str, sent: CommentIn, services: Wired, principal: Asking
) -> ThreadOut:
    """Give one's own comment other words."""
    who = _called(principal, sent.name, services)
    return ThreadOut.of(await services.comments.edit(who, brief, thread, comment, sent.said()))


@router.delete("/briefs/{brief}/comments/{thread}/{comment}", status_code=204)
async def delete_comment(
    brief: str, thread: str, comment: str, services: Wired, principal: Asking
) -> None:
    """The first comment takes its thread along, unless others answered."""
    await services.comments.remove(principal, brief, thread, comment)


@router.get("/notifications")
async def notifications(services: Wired, principal: Asking) -> NotificationsOut:
    """What this person was told, the latest first, and how much of it is unread."""
    unread, latest = await services.comments.notifications(principal)
    return NotificationsOut(
        unread=unread, notifications=[NotificationOut.of(one) for one in latest]
    )


@router.post("/notifications/read", status_code=204)
async def mark_read(sent: ReadIn, services: Wired, principal: Asking) -> None:
    """Mark what is of a thread as read, or all."""
    await services.comments.read(principal, sent.thread)


def _called(principal: Principal, name: str | None, services: Services) -> Principal:
    """The person, by the name their browser gives them where sign-in knows nobody's."""
    name = " ".join((name or "").split())
    return (
        replace(principal, name=name)
        if name and services.authenticator.name == "dev"
        else principal
    )
