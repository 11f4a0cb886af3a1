"""The people of a space and their roles."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.auth.policy import Action
from backend.auth.principal import Principal, Role
from backend.errors import Conflict, Invalid, NotFound
from backend.events import Hub
from backend.spaces.service import Space, Spaces
from backend.store.engine import Store
from backend.store.tables import members, spaces

SUBJECT: Final = 200  # characters
MEMBERS: Final = 1_000  # of one space


@dataclass(frozen=True, slots=True)
class Member:
    """``subject`` is who sign-in says they are."""

    subject: str
    role: Role


class Members:
    """``changed`` is called when somebody may do something else than before."""

    def __init__(self, store: Store, spaces: Spaces, hub: Hub, changed: Callable[[], None]) -> None:
        self._store = store
        self._spaces = spaces
        self._hub = hub
        self._changed = changed

    async def list(self, principal: Principal, space: str) -> Sequence[Member]:
        """By name; everyone in the space may see them."""
        opened = await self._spaces.open(principal, space, Action.READ)
        rows = await self._store.rows(
            select(members.c.subject, members.c.role)
            .where(members.c.space == opened.id)
            .order_by(members.c.subject)
        )
        return [Member(row.subject, Role(row.role)) for row in rows]

    async def put(self, principal: Principal, space: str, subject: str, role: Role) -> Member:
        """Give somebody a role, whether they have another one yet or none."""
        opened = await self._spaces.open(principal, space, Action.MANAGE_SPACE)
        subject = _named(subject)
        async with self._store.writing() as connection:
            held = await self._hold(connection, opened, subject)
            if held is None:
                count = await connection.scalar(
                    select(func.count()).where(members.c.space == opened.id)
                )
                if (count or 0) >= MEMBERS:
                    raise Invalid(
                        f"{opened.name!r} has {MEMBERS:,} members, which is all it may have.",
                        "Remove somebody first.",
                    )
                await connection.execute(
                    insert(members).values(space=opened.id, subject=subject, role=role.value)
                )
            else:
                if role is not Role.ADMIN:
                    await self._leave_an_admin(connection, opened, subject, held)
                await connection.execute(
                    update(members)
                    .where(members.c.space == opened.id, members.c.subject == subject)
                    .values(role=role.value)
                )
        self._tell(opened)
        return Member(subject, role)

    async def remove(self, principal: Principal, space: str, subject: str) -> None:
        """Take somebody out; what they have open of the space closes."""
        opened = await self._spaces.open(principal, space, Action.MANAGE_SPACE)
        async with self._store.writing() as connection:
            held = await self._hold(connection, opened, subject)
            if held is None:
                raise NotFound("member", subject)
            await self._leave_an_admin(connection, opened, subject, held)
            await connection.execute(
                delete(members).where(members.c.space == opened.id, members.c.subject == subject)
            )
        self._tell(opened)

    def _tell(self, space: Space) -> None:
        self._changed()
        self._hub.publish(space.id, "members", {"space": space.id})

    async def _hold(self, connection: AsyncConnection, space: Space, subject: str) -> Role | None:
        """Somebody's role; until the transaction ends nobody else changes one in the space."""
        found = await connection.scalar(
            select(spaces.c.id).where(spaces.c.id == space.id).with_for_update()
        )
        if found is None:
            raise NotFound("space", space.id)
        role = await connection.scalar(
            select(members.c.role).where(members.c.space == space.id, members.c.subject == subject)
        )
        return None if role is None else Role(role)

    async def _leave_an_admin(
        self, connection: AsyncConnection, space: Space, subject: str, held: Role
    ) -> None:
        if held is not Role.ADMIN:
            return
        others = await connection.scalar(
            select(func.count()).where(
                members.c.space == space.id,
                members.c.role == Role.ADMIN.value,
                members.c.subject != subject,
            )
        )
        if not others:
            raise Conflict(
                f"{subject!r} is the only admin of {space.name!r}.",
                "Make somebody else an admin of it first.",
                code="last_admin",
            )


def _named(subject: str) -> str:
    subject = subject.strip()
    if not 0 < len(subject) <= SUBJECT:
        raise Invalid(
            f"A member's name has {len(subject)} characters.", f"Give it 1 to {SUBJECT} characters."
        )
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in subject):
        raise Invalid(
            f"{subject!r} holds signs that cannot be seen.", "Write the name without them."
        )
    return subject
