"""The history of briefs: versions saved by themselves and by name, what differs, replay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, Protocol

from backend.briefs.service import Brief
from backend.clock import now
from backend.errors import Conflict, Invalid, NotFound
from backend.events import Hub
from backend.history.model import FIRST, Fresh, Full, Linked, Size, Version
from backend.history.policy import EVERY, due, superfluous
from backend.history.relinking import Behind, relinked, said_by
from backend.store.history import StoredHistory
from collab import DocumentId, Projection, Stored, Update
from collab.difference import Difference, difference, summary
from collab.editors import Editor
from collab.history import Link, replay, take

log = logging.getLogger(__name__)

NAME: Final = 120  # characters
NAMED: Final = 500  # versions with a name, of one brief
PAGE: Final = 100  # versions listed at once
LATELY: Final = 50  # versions looked at for who has edited of late
AT_ONCE: Final = 10  # versions to let go before any goes: it means writing others anew
TRIES: Final = 5  # to add a version while others do


class Documents(Protocol):
    """The living documents: what they say now."""

    async def projection(self, document: DocumentId) -> Projection: ...


class Loads(Protocol):
    """The stored documents."""

    async def load(self, document: DocumentId) -> Stored | None: ...


class History:
    """``editors`` says who has edited a brief since it was last asked."""

    def __init__(
        self,
        rows: StoredHistory,
        stored: Loads,
        documents: Documents,
        hub: Hub,
        editors: Callable[[str], Collection[Editor]],
    ) -> None:
        self._rows = rows
        self._stored = stored
        self._documents = documents
        self._hub = hub
        self._editors = editors
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    # Saved by themselves

    async def follow(self, brief: Brief) -> None:
        """Take note that a brief came to rest after edits."""
        if await self._note(brief):
            await self._look(brief.id, brief.space)

    async def resume(self) -> None:
        """Go on with what was edited and not yet saved as a version when the server stopped, and
        begin the history of briefs that are older than histories."""
        for one in await self._rows.pending():
            self._wait(one.brief, one.space, now() + EVERY)
        if older := await self._rows.without():
            self._run(asyncio.create_task(self._begin(older), name="begins histories"))

    async def close(self) -> None:
        """Stop waiting; what was edited is known at the next start."""
        tasks = [*self._waiting.values(), *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, briefs: Sequence[str]) -> None:
        """What a brief says before its next edit would else be in no version."""
        for brief in briefs:
            try:
                await self._take(brief)
            except Exception:
                log.exception("The history of %s could not be begun", brief)

    async def _note(self, brief: Brief) -> bool:
        """Keep who has edited since this was last done; whether anybody has."""
        # In a room a person's subject is told apart from those of other tenants.
        editors = [
            Editor(one.subject.removeprefix(f"{brief.tenant}/"), one.name)
            for one in self._editors(brief.id)
        ]
        if editors:
            await self._rows.edited(brief.id, editors, now())
        return bool(editors)

    async def _look(self, brief: str, space: str) -> None:
        pending = await self._rows.editors(brief)
        if not pending:
            return
        lately = await self._rows.list(brief, before=None, limit=LATELY)
        moment = due(lately, pending, now())
        if moment > now():
            self._wait(brief, space, moment)
        elif await self._take(brief) is not None:
            self._tell(brief, space)
            await self._thin(brief)

    def _wait(self, brief: str, space: str, until: datetime) -> None:
        if brief in self._waiting:
            return

        async def wait() -> None:
            await asyncio.sleep(max(0.0, (until - now()).total_seconds()))
            self._run(self._waiting.pop(brief))
            try:
                await self._look(brief, space)
            except Exception:
                log.exception("A version of %s could not be saved; the brief itself is", brief)

        self._waiting[brief] = asyncio.create_task(wait(), name=f"history of {brief}")

    def _run(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # By hand

    async def save(
        self, brief: Brief, *, name: str | None, restored: int | None, actor: Editor
    ) -> Version:
        """The brief as it stands as a version: with a name, as one that was restored, or neither.

        Where nothing changed since the last version, that one is it.
        """
        if name is not None:
            name = _named(name)
            if (await self._rows.size(brief.id)).named >= NAMED:
                raise _full()
        if restored is not None:
            await self._linked(brief.id, restored)
        await self._note(brief)
        taken = await self._take(brief.id, name=name, restored=restored, actor=actor)
        if taken is None:  # nothing changed
            last = await self._linked(brief.id)
            taken = last.version
            free = taken.name is None and taken.restored is None and taken.number > FIRST
            if name is not None and taken.name is None:
                taken = await self._name(brief.id, taken.number, name)
            elif restored is not None and free:
                taken = await self._name(brief.id, taken.number, None, restored=restored)
            elif name is not None:
                raise Conflict(
                    f"This state of the brief is saved already, as {taken.name!r}.",
                    "Rename that version, or save again after a change.",
                )
        self._tell(brief.id, brief.space)
        return taken

    async def rename(self, brief: Brief, number: int, name: str | None) -> Version:
        """Give a version another name, or take it away: then it may be let go in time."""
        renamed = await self._name(brief.id, number, None if name is None else _named(name))
        self._tell(brief.id, brief.space)
        return renamed

    async def _name(
        self, brief: str, number: int, name: str | None, *, restored: int | None = None
    ) -> Version:
        try:
            version = await self._rows.name(brief, number, name, limit=NAMED, restored=restored)
        except Full:
            raise _full() from None
        if version is None:
            raise NotFound("version", str(number))
        return version

    # To look at

    async def list(
        self, brief: str, *, before: int | None, limit: int
    ) -> tuple[Sequence[Version], Size]:
        """Versions below a number, the latest first, and what all of them come to."""
        return (
            await self._rows.list(brief, before=before, limit=limit),
            await self._rows.size(brief),
        )

    async def projection(self, brief: str, number: int) -> tuple[Version, Projection]:
        """A version, and what the brief said then."""
        linked = await self._linked(brief, number)
        return linked.version, await asyncio.to_thread(said_by, linked.chain)

    async def update(self, brief: str, number: int) -> Update:
        """A version as one update of a document of its own, to restore from."""
        return await asyncio.to_thread(replay, (await self._linked(brief, number)).chain)

    async def difference(self, brief: str, *, before: int | None, after: int | None) -> Difference:
        """From a version to a later one, or to now; from nothing where there is none before."""
        earlier = await self._linked(brief, before) if before is not None else None
        if after is not None:
            later: Projection | Linked = await self._linked(brief, after)
        else:
            later = await self._documents.projection(brief)
        return await asyncio.to_thread(_differ, earlier, later)

    async def _linked(self, brief: str, number: int | None = None) -> Linked:
        linked = await self._rows.linked(brief, number)
        if linked is None:
            raise NotFound("version", "now" if number is None else str(number))
        return linked

    # Taking and letting go

    async def _take(
        self,
        brief: str,
        *,
        name: str | None = None,
        restored: int | None = None,
        actor: Editor | None = None,
    ) -> Version | None:
        """Save the brief as it is stored; None where it says what its last version does.

        ``actor`` stands for its editors where none are known.
        """
        for _ in range(TRIES):
            editors = await self._rows.editors(brief)
            last = await self._rows.linked(brief)
            stored = await self._stored.load(brief)
            if stored is None:
                raise NotFound("brief", brief)
            # Those of another epoch are of another document, whatever it says.
            chain = last.chain if last is not None and last.epoch == stored.epoch else ()
            made = await asyncio.to_thread(_made, stored, chain)
            if made is None:
                await self._rows.settle(brief, editors)
                return None
            link, said = made
            by = sorted(editors) or ([actor] if actor else [])
            version = await self._rows.add(
                brief,
                Fresh(now(), name, restored, by, said, stored.epoch, link),
                after=None if last is None else last.version.number,
            )
            if version is not None:
                return version
        raise Conflict(
            "Others are saving versions of this brief just now.", "Try again in a moment."
        )

    async def _thin(self, brief: str) -> None:
        """Let go of the versions that are too many by now."""
        versions: list[Version] = []
        while page := await self._rows.list(
            brief, before=versions[-1].number if versions else None, limit=PAGE
        ):
            versions += page
        versions.reverse()
        gone = superfluous(versions, now())
        if len(gone) < AT_ONCE:
            return
        whole = await self._rows.whole(brief)
        behind = Behind((), frozenset())
        chains = [[versions[0]]]
        for version in versions[1:]:
            if version.number in whole:
                chains.append([])
            chains[-1].append(version)
        for part in chains:
            linked = await self._rows.linked(brief, part[-1].number)
            if linked is None or len(linked.chain) != len(part):
                return  # another process is at it
            going = gone.intersection(one.number for one in part)
            changed, behind = await asyncio.to_thread(relinked, part, linked.chain, going, behind)
            numbers = [one.number for one in part]
            if not await self._rows.thin(brief, numbers, going, changed):
                return

    def _tell(self, brief: str, space: str) -> None:
        self._hub.publish(space, "history", {"brief": brief})


def _full() -> Invalid:
    return Invalid(
        f"This brief has {NAMED} versions with a name, and no more are kept.",
        "Take the name from one that is not needed any more.",
    )


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME:
        raise Invalid(
            f"A version's name has {len(name)} characters.", f"Give it 1 to {NAME} characters."
        )
    return name


def _made(stored: Stored, chain: Sequence[Link]) -> tuple[Link, str] | None:
    taken = take(stored.updates, chain)
    if taken.before == taken.after:
        return None
    said = summary(difference(taken.before, taken.after)) if taken.before is not None else ""
    return taken.link, said


def _differ(earlier: Linked | None, later: Projection | Linked) -> Difference:
    return difference(
        None if earlier is None else said_by(earlier.chain),
        later if isinstance(later, Projection) else said_by(later.chain),
    )
