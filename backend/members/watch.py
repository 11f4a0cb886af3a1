"""Those who have something of a space open, judged again while they do.

Whoever was let in may lose that right in this process or in another, with a bus or without one. So
all who are inside are looked up together every so often, and at once where a change is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, select

from backend.auth.policy import Resource
from backend.auth.principal import Principal, Role
from backend.briefs.service import access_to
from backend.store.engine import Store
from backend.store.tables import briefs, members, spaces
from collab import Access, Bus, CloseReason, Visitor

log = logging.getLogger(__name__)

LOOK: Final = 1.5  # seconds: who loses access is out within two
AT_ONCE: Final = 500  # ids in one query
TOPIC: Final = "access"


@dataclass(frozen=True, eq=False, slots=True)
class _Stay:
    """Somebody inside: in a brief's room, or listening to a space."""

    principal: Principal
    space: str
    end: Callable[[CloseReason], None]
    brief: str | None = None
    access: Access | None = None  # that they were let into the brief's room for


class Watch:
    """Sends out whoever may not stay. ``run`` does the looking."""

    def __init__(self, store: Store, bus: Bus | None = None) -> None:
        self._store = store
        self._bus = bus
        self._stays: set[_Stay] = set()
        self._soon = asyncio.Event()

    @contextmanager
    def visiting(
        self, principal: Principal, space: str, brief: str, visitor: Visitor
    ) -> Iterator[None]:
        """Within the block, the person is in the brief's room for as long as they may be."""
        with self._staying(_Stay(principal, space, visitor.drop, brief, visitor.access)):
            yield

    @contextmanager
    def listening(
        self, principal: Principal, space: str, end: Callable[[], None]
    ) -> Iterator[None]:
        """Within the block, ``end`` is called should the person no longer see the space."""
        with self._staying(_Stay(principal, space, lambda _: end())):
            yield

    async def streaming(
        self, principal: Principal, space: str, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """These pieces, of which none leaves any more once the person no longer sees the space."""
        ended = asyncio.Event()
        with self.listening(principal, space, ended.set):
            async with aclosing(pieces):
                async for piece in pieces:
                    if ended.is_set():
                        return
                    yield piece

    @contextmanager
    def _staying(self, stay: _Stay) -> Iterator[None]:
        self._stays.add(stay)
        try:
            yield
        finally:
            self._stays.discard(stay)

    def changed(self) -> None:
        """Somebody may do something else now, or something was deleted: look at once, in every
        process."""
        self._soon.set()
        if self._bus is not None:
            self._bus.publish(TOPIC, b"")

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        if self._bus is not None:
            await self._bus.subscribe(TOPIC, lambda _: self._soon.set())
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._soon.wait(), LOOK)
            self._soon.clear()
            try:
                await self.look()
            except Exception:
                log.exception("Those who are inside could not be looked up")

    async def look(self) -> None:
        stays = list(self._stays)
        if not stays:
            return
        held = await self._members(
            {stay.space for stay in stays}, {stay.principal.subject for stay in stays}
        )
        there = await self._existing({stay.brief for stay in stays if stay.brief is not None})
        for stay in stays:
            tenant, roles = held.get(stay.space, ("", {}))
            role = roles.get(stay.principal.subject)
            access = access_to(stay.principal, Resource(tenant, role))
            if stay.brief is not None and stay.brief not in there:
                stay.end(CloseReason.GONE)
            elif access is None:
                stay.end(CloseReason.REVOKED)
            elif stay.access is not None and access is not stay.access:
                stay.end(CloseReason.CHANGED)

    async def _members(
        self, wanted: set[str], subjects: set[str]
    ) -> dict[str, tuple[str, dict[str, Role]]]:
        """The tenant of each space that exists, and the roles that these people have in it."""
        found: dict[str, tuple[str, dict[str, Role]]] = {}
        theirs = members.c.space == spaces.c.id
        if len(subjects) <= AT_ONCE:  # else all members are read: too many to ask for by name
            theirs &= members.c.subject.in_(sorted(subjects))
        query = select(spaces.c.id, spaces.c.tenant, members.c.subject, members.c.role).outerjoin(
            members, theirs
        )
        for row in await self._rows(query, spaces.c.id, wanted):
            _, roles = found.setdefault(row.id, (row.tenant, {}))
            if row.role is not None:
                roles[row.subject] = Role(row.role)
        return found

    async def _existing(self, wanted: set[str]) -> set[str]:
        return {row.id for row in await self._rows(select(briefs.c.id), briefs.c.id, wanted)}

    async def _rows(
        self, query: Select[Any], column: ColumnElement[str], wanted: set[str]
    ) -> Sequence[Row[Any]]:
        ids = sorted(wanted)
        found: list[Row[Any]] = []
        for at in range(0, len(ids), AT_ONCE):
            found += await self._store.rows(query.where(column.in_(ids[at : at + AT_ONCE])))
        return found
