"""Making, finding and deleting briefs. Their text lives in a room."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, insert, select, update

from backend.auth.policy import Action, Resource, can
from backend.auth.principal import Principal
from backend.clock import iso, new_id, now
from backend.errors import Invalid, NotFound
from backend.events import Hub
from backend.history.beginning import first_version
from backend.spaces.service import Space, Spaces
from backend.store import history
from backend.store.engine import Store
from backend.store.tables import briefs
from backend.store.updates import begin
from backend.templates.parts import new_block_id
from collab import Access, Block, DocumentId, Projection, Rooms
from collab.editors import Editor

TITLE = 300  # characters


@dataclass(frozen=True, slots=True)
class Brief:
    """``title`` and ``updated_at`` follow the document with its next moment of rest."""

    id: str
    tenant: str
    space: str
    title: str
    epoch: str
    created_at: datetime
    updated_at: datetime

    def json(self) -> dict[str, str]:
        """As the API and the space's events write it."""
        return {
            "id": self.id,
            "space": self.space,
            "title": self.title,
            "epoch": self.epoch,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


class Briefs:
    def __init__(self, store: Store, spaces: Spaces, rooms: Rooms, hub: Hub) -> None:
        self._store = store
        self._spaces = spaces
        self._rooms = rooms
        self._hub = hub

    async def create(
        self,
        principal: Principal,
        space: str,
        title: str,
        *,
        blocks: Sequence[Block] | None = None,
    ) -> Brief:
        """A new brief of these blocks, or an empty one. The one time the server writes text."""
        opened = await self._spaces.open(principal, space, Action.EDIT)
        title = " ".join(title.split())
        if not 0 < len(title) <= TITLE:
            raise Invalid(
                f"A brief's title has {len(title)} characters.", f"Give it 1 to {TITLE} characters."
            )
        moment, epoch = now(), secrets.token_hex(8)
        brief = Brief(new_id("brf"), opened.tenant, opened.id, title, epoch, moment, moment)
        first, version = await asyncio.to_thread(
            first_version,
            title,
            blocks or [Block(new_block_id(), "paragraph")],
            epoch=epoch,
            by=Editor(principal.subject, principal.name),
        )
        async with self._store.writing() as connection:
            await connection.execute(
                insert(briefs).values(
                    id=brief.id,
                    tenant=brief.tenant,
                    space=brief.space,
                    title=brief.title,
                    epoch=brief.epoch,
                    created_at=moment,
                    updated_at=moment,
                    created_by=principal.subject,
                )
            )
            await begin(connection, brief.id, first)
            await history.begin(connection, brief.id, version)
        self._hub.publish(brief.space, "brief", brief.json())
        return brief

    async def list(self, principal: Principal, space: str) -> Sequence[Brief]:
        """A space's briefs, the latest edited first."""
        opened = await self._spaces.open(principal, space, Action.READ)
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(briefs)
                .where(briefs.c.tenant == opened.tenant, briefs.c.space == opened.id)
                .order_by(briefs.c.updated_at.desc(), briefs.c.id)
            )
            return [_brief(row) for row in rows]

    async def get(
        self, principal: Principal, brief: str, action: Action = Action.READ
    ) -> tuple[Brief, Space]:
        """A brief and its space, for someone who may do this in it; NotFound if not to be seen."""
        async with self._store.reading() as connection:
            row = (
                await connection.execute(
                    select(briefs).where(briefs.c.tenant == principal.tenant, briefs.c.id == brief)
                )
            ).one_or_none()
        if row is None:
            raise NotFound("brief", brief)
        found = _brief(row)
        try:
            return found, await self._spaces.open(principal, found.space, action)
        except NotFound:  # of the space, whose id the asker did not name
            raise NotFound("brief", brief) from None

    async def access(self, principal: Principal, brief: str) -> tuple[Brief, Access]:
        """A brief and what this person may do in its room."""
        found, space = await self.get(principal, brief)
        return found, access_to(principal, space.resource) or Access.READ

    async def delete(self, principal: Principal, brief: str) -> None:
        """Delete a brief with its history; whoever has it open is told and sent out."""
        found, _ = await self.get(principal, brief, Action.DELETE_BRIEF)
        async with self._store.writing() as connection:
            await connection.execute(
                delete(briefs).where(briefs.c.tenant == found.tenant, briefs.c.id == found.id)
            )
        await self._rooms.evict(found.id)
        self._hub.publish(found.space, "brief_deleted", {"id": found.id})


def access_to(principal: Principal, resource: Resource) -> Access | None:
    """What somebody may do in the rooms of a space; None for nothing at all."""
    if can(principal, Action.EDIT, resource):
        return Access.WRITE
    return Access.READ if can(principal, Action.READ, resource) else None


Follower: TypeAlias = Callable[[Brief, Projection], Awaitable[None]]
"""Wants to know what a brief now says: claims, citations in use."""


class BriefSettled:
    """Called by a room at rest: keeps the title and time, tells the space, then the followers."""

    def __init__(self, store: Store, hub: Hub, followers: Sequence[Follower] = ()) -> None:
        self._store = store
        self._hub = hub
        self._followers = tuple(followers)

    async def __call__(self, document: DocumentId, projection: Projection) -> None:
        async with self._store.writing() as connection:
            title = " ".join(projection.title.split())[:TITLE] or "Untitled"
            row = (
                await connection.execute(
                    update(briefs)
                    .where(briefs.c.id == document)
                    .values(title=title, updated_at=now())
                    .returning(briefs)
                )
            ).one_or_none()
        if row is None:  # deleted meanwhile
            return
        brief = _brief(row)
        self._hub.publish(brief.space, "brief", brief.json())
        for follower in self._followers:
            await follower(brief, projection)


def _brief(row: Row[Any]) -> Brief:
    return Brief(
        row.id, row.tenant, row.space, row.title, row.epoch, row.created_at, row.updated_at
    )
