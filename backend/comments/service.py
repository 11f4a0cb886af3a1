"""Comments on a brief's text: who may write, change and resolve them, and who is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from backend.auth.policy import Action, can
from backend.auth.principal import Principal
from backend.briefs.service import Briefs
from backend.clock import new_id, now
from backend.comments.model import (
    Anchor,
    Comment,
    Full,
    Gone,
    Moved,
    Notification,
    Person,
    Place,
    Thread,
    Why,
)
from backend.errors import Conflict, Forbidden, Invalid, NotFound
from backend.events import Hub
from backend.spaces.service import Space
from backend.store.comments import StoredComments
from backend.store.notifications import StoredNotifications

BODY: Final = 10_000  # characters
THREADS: Final = 500  # open at once in a brief
REPLIES: Final = 200  # to a thread
MENTIONS: Final = 20  # in a comment
PAGE: Final = 50  # resolved threads in one answer
SHOWN: Final = 50  # notifications in one answer


@dataclass(frozen=True, slots=True)
class Said:
    """A comment as a person sends it. ``draft`` is what their page calls it: a draft that arrives
    twice, because the first answer was lost, is one comment."""

    body: str
    mentions: Sequence[str] = ()
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """``people`` may be mentioned; the rights are the asker's."""

    threads: Sequence[Thread]
    people: Sequence[Person]
    comments: bool
    moderates: bool
    more: bool = False


class Comments:
    def __init__(
        self,
        store: StoredComments,
        notifications: StoredNotifications,
        briefs: Briefs,
        hub: Hub,
    ) -> None:
        self._store = store
        self._notifications = notifications
        self._briefs = briefs
        self._hub = hub

    async def standing(self, principal: Principal, brief: str) -> Listed:
        """The open threads."""
        place, space = await self._open(principal, brief, Action.READ)
        return await self._listed(principal, place, space, await self._store.standing(brief))

    async def resolved(self, principal: Principal, brief: str, before: str | None) -> Listed:
        """The resolved threads, the latest first, or those that follow the thread ``before``."""
        place, space = await self._open(principal, brief, Action.READ)
        found = await self._store.resolved(brief, limit=PAGE + 1, before=before)
        return await self._listed(principal, place, space, found[:PAGE], more=len(found) > PAGE)

    async def thread(self, principal: Principal, brief: str, thread: str) -> Thread:
        await self._open(principal, brief, Action.READ)
        async with _explained(thread):
            return await self._store.thread(brief, thread)

    async def begin(self, principal: Principal, brief: str, anchor: Anchor, said: Said) -> Thread:
        """A new thread on these words."""
        place, _ = await self._open(principal, brief, Action.COMMENT)
        comment = await self._comment(principal, place, said)
        async with _explained(brief):
            thread = await self._store.begin(
                place,
                anchor,
                comment,
                draft=said.draft,
                limit=THREADS,
                tell=_mentioned(comment),
            )
            return await self._changed(place, thread)

    async def reply(self, principal: Principal, brief: str, thread: str, said: Said) -> Thread:
        place, _ = await self._open(principal, brief, Action.COMMENT)
        comment = await self._comment(principal, place, said)
        async with _explained(thread, replying=True):
            opened = await self._store.thread(brief, thread)
            await self._store.reply(
                place,
                thread,
                comment,
                draft=said.draft,
                limit=REPLIES,
                tell=_but(principal, {opened.opened_by: Why.REPLY}) | _mentioned(comment),
            )
            return await self._changed(place, thread)

    async def edit(
        self, principal: Principal, brief: str, thread: str, comment: str, said: Said
    ) -> Thread:
        """Give one's own comment other words; whoever it mentions only now is told."""
        place, _ = await self._open(principal, brief, Action.COMMENT)
        async with _explained(thread):
            old = _found(await self._store.thread(brief, thread), comment)
            if old.author.subject != principal.subject:
                raise Forbidden(
                    f"This comment is {old.author.name}'s.", "Reply to it, or resolve the thread."
                )
            new = await self._comment(principal, place, said, id=old.id)
            before = {person.subject for person in old.mentions}
            tell = {who: kind for who, kind in _mentioned(new).items() if who not in before}
            await self._store.edit(place, thread, new, tell=tell)
            return await self._changed(place, thread)

    async def remove(self, principal: Principal, brief: str, thread: str, comment: str) -> None:
        """Delete one's own comment, or any as an admin of the space.

        Deleting the first deletes the thread, unless others answered: then its place stays.
        """
        place, space = await self._open(principal, brief, Action.COMMENT)
        async with _explained(thread):
            old = _found(await self._store.thread(brief, thread), comment)
            mine = old.author.subject == principal.subject
            if not mine and not can(principal, Action.MANAGE_SPACE, space.resource):
                raise Forbidden(
                    f"This comment is {old.author.name}'s.", "Ask them, or an admin of the space."
                )
            await self._store.remove(brief, thread, comment)
        self._tell(place)

    async def resolve(
        self, principal: Principal, brief: str, thread: str, *, resolved: bool
    ) -> Thread:
        """Close a thread, or open it again."""
        place, _ = await self._open(principal, brief, Action.COMMENT)
        async with _explained(thread):
            opened = await self._store.thread(brief, thread)
            if resolved:
                tell = _but(principal, {opened.opened_by: Why.RESOLVED})
                await self._store.resolve(place, thread, _person(principal), tell=tell)
            else:
                await self._store.reopen(brief, thread, limit=THREADS)
            return await self._changed(place, thread)

    async def hang(
        self,
        principal: Principal,
        brief: str,
        thread: str,
        anchor: Anchor,
        *,
        revision: int | None = None,
    ) -> Thread:
        """Anchor a thread to other words, or, with the anchor's ``revision``, say where the same
        words have gone; Conflict where somebody else said so first."""
        place, _ = await self._open(principal, brief, Action.COMMENT)
        async with _explained(thread):
            await self._store.hang(brief, thread, anchor, revision=revision)
            return await self._changed(place, thread)

    async def notifications(self, principal: Principal) -> tuple[int, Sequence[Notification]]:
        """How many this person has not read, and the latest."""
        return (
            await self._notifications.unread(principal),
            await self._notifications.list(principal, limit=SHOWN),
        )

    async def read(self, principal: Principal, thread: str | None) -> None:
        """Mark as read what a person was told of a thread, or all they were told."""
        await self._notifications.read(principal, thread=thread)

    async def _open(self, principal: Principal, brief: str, action: Action) -> tuple[Place, Space]:
        found, space = await self._briefs.get(principal, brief, action)
        return Place(found.tenant, found.space, found.id), space

    async def _listed(
        self,
        principal: Principal,
        place: Place,
        space: Space,
        threads: Sequence[Thread],
        *,
        more: bool = False,
    ) -> Listed:
        return Listed(
            threads,
            await self._store.people(place),
            comments=can(principal, Action.COMMENT, space.resource),
            moderates=can(principal, Action.MANAGE_SPACE, space.resource),
            more=more,
        )

    async def _comment(
        self, principal: Principal, place: Place, said: Said, *, id: str | None = None
    ) -> Comment:
        body = said.body.strip()
        if not 0 < len(body) <= BODY:
            raise Invalid(
                f"The comment has {len(body):,} characters.", f"Write 1 to {BODY:,} characters."
            )
        if len(said.mentions) > MENTIONS:
            raise Invalid(
                f"The comment mentions {len(said.mentions)} people.",
                f"Mention at most {MENTIONS} in one comment.",
            )
        known = {person.subject: person for person in await self._store.people(place)}
        known.setdefault(principal.subject, _person(principal))
        unknown = next((subject for subject in said.mentions if subject not in known), None)
        if unknown is not None:
            raise Invalid(
                f"{unknown[:100]!r} is not in this space, so a mention would not reach them.",
                "Add them to the space first, or leave the mention out.",
            )
        return Comment(
            id or new_id("cmt"),
            _person(principal),
            body,
            [known[subject] for subject in dict.fromkeys(said.mentions)],
            now(),
        )

    async def _changed(self, place: Place, thread: str) -> Thread:
        self._tell(place)
        return await self._store.thread(place.brief, thread)

    def _tell(self, place: Place) -> None:
        self._hub.publish(place.space, "comments", {"brief": place.brief})


def _person(principal: Principal) -> Person:
    return Person(principal.subject, principal.name or principal.subject)


def _mentioned(comment: Comment) -> dict[str, Why]:
    """Those mentioned, without the author."""
    return {
        person.subject: Why.MENTION
        for person in comment.mentions
        if person.subject != comment.author.subject
    }


def _but(principal: Principal, tell: Mapping[str, Why]) -> dict[str, Why]:
    """Nobody is told of what they did themselves."""
    return {who: kind for who, kind in tell.items() if who != principal.subject}


def _found(thread: Thread, comment: str) -> Comment:
    for one in thread.comments:
        if one.id == comment and not one.deleted:
            return one
    raise NotFound("comment", comment)


@asynccontextmanager
async def _explained(what: str, *, replying: bool = False) -> AsyncIterator[None]:
    """Says of what the store refuses what it is and what to do."""
    try:
        yield
    except Gone:
        raise NotFound("comment", what) from None
    except Full:
        raise Conflict(
            f"This thread has {REPLIES} replies."
            if replying
            else f"This brief has {THREADS} open threads.",
            "Begin another thread." if replying else "Resolve some of them first.",
            code="too_many_comments",
        ) from None
    except Moved:
        raise Conflict(
            "The comment's place was set anew meanwhile.", "Load the comments again.", code="moved"
        ) from None
