"""Where briefs go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.exports.model import Apart, Busy, Doubled, Full, Shared, Target
from backend.store.approved import text
from backend.store.engine import Store
from backend.store.exports.runs import UNDER_WAY, hold
from backend.store.tables import (
    connections,
    export_entries,
    export_intents,
    export_runs,
    export_targets,
    spaces,
)

CONNECTED: Final = "ok"  # the state of a connection whose token is good


class StoredTargets:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_brief(self, tenant: str, space: str, brief: str) -> Sequence[Target]:
        """Where a brief goes, the first added first."""
        return await self._targets(
            tenant, space, export_targets.c.removed_at.is_(None), _for(brief)
        )

    async def one(self, tenant: str, space: str, brief: str, target: str) -> Target | None:
        """One of where this brief goes; None for another's, or one that was removed."""
        found = await self._targets(
            tenant,
            space,
            export_targets.c.id == target,
            export_targets.c.removed_at.is_(None),
            _for(brief),
        )
        return found[0] if found else None

    async def any(self, target: str) -> Target | None:
        """For work that a person asked for before; also one that was removed since."""
        rows = await self._store.rows(select(export_targets).where(export_targets.c.id == target))
        return _target(rows[0]) if rows else None

    async def broken(self, targets: Sequence[Target]) -> frozenset[str]:
        """Those of these, by id, whose connection is gone or has to be made again."""
        wanted = {one.connection for one in targets if one.connection is not None}
        if not wanted:
            return frozenset()
        rows = await self._store.rows(
            select(connections.c.id).where(
                connections.c.id.in_(wanted), connections.c.state == CONNECTED
            )
        )
        good = {row.id for row in rows}
        return frozenset(
            one.id for one in targets if one.connection is not None and one.connection not in good
        )

    async def add(self, new: Target, *, actor: str, limit: int) -> Target:
        """Keep a target. Where the same place was removed before, or its connection was, it comes
        back, with its ledger; for all of the space where that tells of other briefs, too.

        Doubled where it stands already, Full where ``limit`` targets of the space do, and Apart
        where it would be for all of the space, and several targets know what was made there.
        """
        async with self._store.writing() as connection:
            await _hold_space(connection, new.space)
            same = await _same_place(connection, new)
            if any(not one.removed and one.connection == new.connection for one in same):
                raise Doubled
            standing = await connection.scalar(
                select(func.count())
                .select_from(export_targets)
                .where(export_targets.c.space == new.space, export_targets.c.removed_at.is_(None))
            )
            if (standing or 0) >= limit:
                raise Full
            before = await _that_knows(connection, new, same)
            if before is not None and await _is_others(connection, replace(new, id=before.id)):
                new = replace(new, brief=None)
            values = {
                "brief": new.brief,
                "connection": new.connection,
                "name": new.name,
                "mapping": dict(new.mapping),
                "removed_at": None,
            }
            if before is not None:
                await connection.execute(
                    update(export_targets).where(export_targets.c.id == before.id).values(values)
                )
                return replace(new, id=before.id)
            await connection.execute(
                insert(export_targets).values(
                    id=new.id,
                    tenant=new.tenant,
                    space=new.space,
                    kind=new.kind,
                    where=dict(new.where),
                    created_at=now(),
                    created_by=actor,
                    **values,
                )
            )
        return new

    async def change(self, target: Target) -> None:
        """Give a target the name, mapping and so on that it has now; Doubled and Apart as for
        ``add``, and Shared where it would be for one brief and others were exported there."""
        async with self._store.writing() as connection:
            await _hold_space(connection, target.space)
            same = await _same_place(connection, target)
            if any(not one.removed and one.id != target.id for one in same):
                raise Doubled
            if await _is_others(connection, target):
                raise Shared
            if target.brief is None and await _holding(connection, target, same):
                raise Apart
            await connection.execute(
                update(export_targets)
                .where(export_targets.c.id == target.id)
                .values(
                    name=target.name,
                    mapping=dict(target.mapping),
                    brief=target.brief,
                    connection=target.connection,
                )
            )

    async def remove(self, target: str) -> int:
        """Take a target off the list; how many objects stay over there. Busy where one is being
        exported."""
        async with self._store.writing() as connection:
            await hold(connection, target)
            under_way = await connection.scalar(
                select(func.count())
                .select_from(export_runs)
                .where(export_runs.c.target == target, export_runs.c.state.in_(UNDER_WAY))
            )
            if under_way:
                raise Busy
            left = await connection.scalar(
                select(func.count())
                .select_from(export_entries)
                .where(export_entries.c.target == target)
            )
            await connection.execute(
                update(export_targets).where(export_targets.c.id == target).values(removed_at=now())
            )
        return left or 0

    async def _targets(self, tenant: str, space: str, *conditions: Any) -> Sequence[Target]:
        rows = await self._store.rows(
            select(export_targets)
            .where(export_targets.c.tenant == tenant, export_targets.c.space == space, *conditions)
            .order_by(export_targets.c.created_at, export_targets.c.id)
        )
        return [_target(row) for row in rows]


def _for(brief: str) -> Any:
    return or_(export_targets.c.brief.is_(None), export_targets.c.brief == brief)


async def _hold_space(connection: AsyncConnection, space: str) -> None:
    """Lets nobody else add a target until this is done: two could add the same place."""
    await connection.execute(select(spaces.c.id).where(spaces.c.id == space).with_for_update())


async def _that_knows(
    connection: AsyncConnection, new: Target, same: Sequence[Target]
) -> Target | None:
    """Which of the targets of before a new one at their place is: the one that knows what was made
    there, else the last added."""
    holding = await _holding(connection, new, same)
    if new.brief is None and len(holding) > 1:
        raise Apart  # each has made what the others do not know of
    return next(reversed(holding or same), None)


async def _holding(
    connection: AsyncConnection, target: Target, same: Sequence[Target]
) -> Sequence[Target]:
    """Those of the others that hold something of the briefs that the target would be for."""
    found = []
    for one in same:
        for table in (export_entries, export_intents):
            made = select(table.c.brief).where(table.c.target == one.id)
            if target.brief is not None:
                made = made.where(table.c.brief == target.brief)
            if one.id != target.id and (await connection.execute(made.limit(1))).first():
                found.append(one)
                break
    return found


async def _is_others(connection: AsyncConnection, target: Target) -> bool:
    """Whether this target would be for one brief, and holds what others made there: they could only
    add the place anew, and would make all of it twice."""
    if target.brief is None:
        return False
    for table in (export_entries, export_intents):
        made = select(table.c.brief).where(
            table.c.target == target.id, table.c.brief != target.brief
        )
        if (await connection.execute(made.limit(1))).first() is not None:
            return True
    return False


async def _same_place(connection: AsyncConnection, target: Target) -> list[Target]:
    """Targets at the same place that are for some of the same briefs, the first added first.

    One whose connection is gone is the same by its place alone: what was made there through the old
    connection must not be made again through a new one.
    """
    wanted = (
        select(export_targets)
        .outerjoin(connections, connections.c.id == export_targets.c.connection)
        .where(
            export_targets.c.tenant == target.tenant,
            export_targets.c.space == target.space,
            export_targets.c.kind == target.kind,
            or_(
                export_targets.c.connection.is_not_distinct_from(target.connection),
                connections.c.id.is_(None),
            ),
        )
        .order_by(export_targets.c.created_at, export_targets.c.id)
    )
    if target.brief is not None:
        wanted = wanted.where(_for(target.brief))
    where = text(dict(target.where))
    rows = await connection.execute(wanted)
    return [one for row in rows if text(dict((one := _target(row)).where)) == where]


def _target(row: Row[Any]) -> Target:
    return Target(
        row.id,
        row.tenant,
        row.space,
        row.brief,
        row.connection,
        row.kind,
        row.name,
        row.where,
        row.mapping,
        row.removed_at is not None,
    )
