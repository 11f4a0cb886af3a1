"""Spaces: the folders that sources, briefs and people are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.policy import Action, Resource, can
from backend.auth.principal import Principal, Role
from backend.clock import new_id, now
from backend.errors import Forbidden, Invalid, NotFound
from backend.store.engine import Store
from backend.store.tables import briefs, members, passages, sources, spaces
from retrieval.fusion import Fusion, Kind
from retrieval.search import FUSION

NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Space:
    """A space as one person sees it: ``role`` is theirs in it."""

    id: str
    tenant: str
    name: str
    sample: bool
    created_at: datetime
    role: Role
    fusion: Fusion = FUSION

    @property
    def resource(self) -> Resource:
        return Resource(self.tenant, self.role)


@dataclass(frozen=True, slots=True)
class Counts:
    sources: int
    passages: int
    briefs: int


class Spaces:
    """Every other service comes through ``open`` to learn whether a person may."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, principal: Principal, space: str, action: Action) -> Space:
        """The space, for someone who may do this in it.

        NotFound for one they may not even see, so that ids tell strangers nothing; Forbidden for
        one they see but may not change.
        """
        rows = await self._store.rows(self._visible(principal).where(spaces.c.id == space))
        seen = self._seen(principal, rows[0]) if rows else None
        if seen is None or not can(principal, Action.READ, seen.resource):
            raise NotFound("space", space)
        if not can(principal, action, seen.resource):
            raise Forbidden(
                f"Your role in {seen.name!r} is {seen.role}, which may not {action}.",
                "Ask an admin of the space.",
            )
        return seen

    async def list(self, principal: Principal) -> Sequence[tuple[Space, Counts]]:
        """Those this person may see, oldest first."""
        async with self._store.reading() as connection:
            rows = (
                await connection.execute(
                    self._visible(principal).order_by(spaces.c.created_at, spaces.c.id)
                )
            ).all()
            found = [
                space
                for space in (self._seen(principal, row) for row in rows)
                if space is not None and can(principal, Action.READ, space.resource)
            ]
            return [(space, await _counts(connection, space)) for space in found]

    async def counts(self, space: Space) -> Counts:
        async with self._store.reading() as connection:
            return await _counts(connection, space)

    async def create(self, principal: Principal, name: str, *, sample: bool = False) -> Space:
        """A new, empty space whose maker is its admin."""
        if not can(principal, Action.MANAGE_SPACE, Resource(principal.tenant)):
            raise Forbidden("Only an admin may make a space.", "Ask an admin of your organisation.")
        name = " ".join(name.split())
        if not 0 < len(name) <= NAME:
            raise Invalid(
                f"A space's name has {len(name)} characters.", f"Give it 1 to {NAME} characters."
            )
        space = Space(new_id("spc"), principal.tenant, name, sample, now(), Role.ADMIN)
        async with self._store.writing() as connection:
            await connection.execute(
                insert(spaces).values(
                    id=space.id,
                    tenant=space.tenant,
                    name=name,
                    sample=sample,
                    created_at=space.created_at,
                    created_by=principal.subject,
                )
            )
            await connection.execute(
                insert(members).values(
                    space=space.id, subject=principal.subject, role=Role.ADMIN.value
                )
            )
        return space

    async def fuse(self, space: Space, fusion: Fusion | None) -> None:
        """Set how searches of a space fuse; None is the default, also when that changes."""
        kept = (
            None
            if fusion is None
            else {"kind": fusion.kind.value, "k": fusion.k, "weights": dict(fusion.weights)}
        )
        async with self._store.writing() as connection:
            await connection.execute(
                update(spaces)
                .where(spaces.c.tenant == space.tenant, spaces.c.id == space.id)
                .values(fusion=kept)
            )

    async def forget(self, space: Space) -> None:
        """Remove the row and all that hangs on it; sources' files and indexes go before this."""
        async with self._store.writing() as connection:
            await connection.execute(
                delete(spaces).where(spaces.c.tenant == space.tenant, spaces.c.id == space.id)
            )

    def _visible(self, principal: Principal):  # type: ignore[no-untyped-def]  # a Select of this shape is unwritable
        return (
            select(spaces, members.c.role)
            .outerjoin(
                members,
                (members.c.space == spaces.c.id) & (members.c.subject == principal.subject),
            )
            .where(spaces.c.tenant == principal.tenant)
        )

    @staticmethod
    def _seen(principal: Principal, row: Row[tuple[object, ...]]) -> Space | None:
        if Role.ADMIN in principal.roles:
            role = Role.ADMIN
        elif row.role is not None:
            role = Role(row.role)
        else:
            return None
        return Space(
            row.id, row.tenant, row.name, row.sample, row.created_at, role, _fusion(row.fusion)
        )


def _fusion(kept: Mapping[str, Any] | None) -> Fusion:
    if kept is None:
        return FUSION
    return Fusion(Kind(kept["kind"]), kept["k"], tuple(kept["weights"].items()))


async def _counts(connection: AsyncConnection, space: Space) -> Counts:
    def count(table: Table) -> ScalarSelect[int]:
        return (
            select(func.count())
            .select_from(table)
            .where(table.c.space == space.id)
            .scalar_subquery()
        )

    row = (
        await connection.execute(
            select(
                count(sources).label("sources"),
                count(passages).label("passages"),
                count(briefs).label("briefs"),
            )
        )
    ).one()
    return Counts(row.sources, row.passages, row.briefs)
