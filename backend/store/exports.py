"""Targets, runs, decisions and findings of exports, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.exports.model import (
    PENDING,
    Astray,
    Busy,
    Doubled,
    Findings,
    Full,
    Look,
    Outcome,
    PartDecision,
    Run,
    RunState,
    Target,
    Trouble,
    WayDecision,
)
from backend.store.approved import Approved, pack, text, unpack
from backend.store.engine import Store
from backend.store.ledger import of
from backend.store.outbox import Outbox
from backend.store.tables import (
    briefs,
    export_decisions,
    export_drift,
    export_entries,
    export_intents,
    export_looks,
    export_outcomes,
    export_runs,
    export_targets,
    spaces,
)
from exporters.plan import Plan
from exporters.records import Choice, Decisions, Json, Place, Standing, Way

PLANS_KEPT: Final = 20  # runs of one brief in one target whose steps and outcomes stay
RUNS_KEPT: Final = 500  # runs of which it stays who approved them, and what came of it
EXPORT: Final = "export"
LOOK: Final = "export-look"
RELEASED: Final = "released"  # the choice of a decision that was carried out, and is never spent
_UNDER_WAY = [state.value for state in RunState if not state.over]


def subject(target: str, brief: str) -> str:
    """What a job of exports is about: the jobs of one subject run one after another."""
    return f"export:{target}:{brief}"


class StoredExports:
    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def targets(self, tenant: str, space: str, brief: str) -> Sequence[Target]:
        """Where a brief goes, the first added first."""
        return await self._targets(
            tenant, space, export_targets.c.removed_at.is_(None), _for(brief)
        )

    async def target(self, tenant: str, space: str, brief: str, target: str) -> Target | None:
        """One of where this brief goes; None for another's, or one that was removed."""
        found = await self._targets(
            tenant,
            space,
            export_targets.c.id == target,
            export_targets.c.removed_at.is_(None),
            _for(brief),
        )
        return found[0] if found else None

    async def any_target(self, target: str) -> Target | None:
        """For work that a person asked for before; also one that was removed since."""
        rows = await self._store.rows(select(export_targets).where(export_targets.c.id == target))
        return _target(rows[0]) if rows else None

    async def add(self, new: Target, *, actor: str, limit: int) -> Target:
        """Keep a target. Where the same place was removed before it comes back, with its ledger.

        Doubled where it stands already, Full where ``limit`` targets of the space do.
        """
        async with self._store.writing() as connection:
            await _hold_space(connection, new.space)
            same = await _same_place(connection, new)
            if any(not one.removed for one in same):
                raise Doubled
            standing = await connection.scalar(
                select(func.count())
                .select_from(export_targets)
                .where(export_targets.c.space == new.space, export_targets.c.removed_at.is_(None))
            )
            if (standing or 0) >= limit:
                raise Full
            values = {
                "brief": new.brief,
                "name": new.name,
                "mapping": dict(new.mapping),
                "removed_at": None,
            }
            if same:
                await connection.execute(
                    update(export_targets).where(export_targets.c.id == same[-1].id).values(values)
                )
                return replace(new, id=same[-1].id)
            await connection.execute(
                insert(export_targets).values(
                    id=new.id,
                    tenant=new.tenant,
                    space=new.space,
                    connection=new.connection,
                    kind=new.kind,
                    where=dict(new.where),
                    created_at=now(),
                    created_by=actor,
                    **values,
                )
            )
        return new

    async def change(self, target: Target) -> None:
        """Give a target the name, mapping and reach it has now; Doubled as for ``add``."""
        async with self._store.writing() as connection:
            await _hold_space(connection, target.space)
            same = await _same_place(connection, target)
            if any(not one.removed and one.id != target.id for one in same):
                raise Doubled
            await connection.execute(
                update(export_targets)
                .where(export_targets.c.id == target.id)
                .values(name=target.name, mapping=dict(target.mapping), brief=target.brief)
            )

    async def remove(self, target: str) -> int:
        """Take a target off the list; how many objects stay over there. Busy where one is being
        exported."""
        async with self._store.writing() as connection:
            await _hold(connection, target)
            under_way = await connection.scalar(
                select(func.count())
                .select_from(export_runs)
                .where(export_runs.c.target == target, export_runs.c.state.in_(_UNDER_WAY))
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

    async def begin(self, run: Run, plan: Plan, place: Place, *, tenant: str) -> None:
        """Keep an approved plan and ask for it to be carried out. Busy where one is under way.

        The decisions that it carries out are spent, so that none is ever used twice; what it lets
        go of is never made again.
        """
        content = await asyncio.to_thread(pack, Approved(place, plan.steps, plan.settlements))
        async with self._store.writing() as connection:
            await self._alone(connection, run.target, run.brief)
            await connection.execute(
                insert(export_runs).values(
                    id=run.id,
                    tenant=tenant,
                    target=run.target,
                    brief=run.brief,
                    state=run.state.value,
                    turn=run.turn,
                    checksum=run.checksum,
                    counts=dict(run.counts),
                    total=run.total,
                    done=0,
                    content=content,
                    stop=False,
                    actor=run.actor,
                    actor_name=run.actor_name,
                    created_at=run.created_at,
                )
            )
            if plan.steps:
                await connection.execute(
                    insert(export_outcomes),
                    [
                        {
                            "run": run.id,
                            "step": step.id,
                            "position": position,
                            "op": step.op.value,
                            "keys": list(step.keys),
                            "outcome": PENDING,
                            "message": "",
                            "url": "",
                        }
                        for position, step in enumerate(plan.steps)
                    ],
                )
            await self._spend(connection, run, plan)
            await self._forget_old(connection, run.target, run.brief)
            await self._ask(connection, run, tenant)

    async def resume(self, run: Run, *, tenant: str) -> None:
        """Carry on with a run that ended before its end. Busy where one is under way."""
        async with self._store.writing() as connection:
            await self._alone(connection, run.target, run.brief)
            await connection.execute(
                update(export_runs)
                .where(export_runs.c.id == run.id)
                .values(
                    state=RunState.PLANNED.value,
                    stop=False,
                    wait_until=None,
                    ended_at=None,
                    error=None,
                )
            )
            await self._ask(connection, run, tenant)

    async def call_off(self, run: Run) -> None:
        """Let a run end before its next step, also one that waits."""
        async with self._store.writing() as connection:
            await connection.execute(
                update(export_runs).where(export_runs.c.id == run.id).values(stop=True)
            )
            await self._outbox.hasten(connection, subject(run.target, run.brief))

    async def run(self, target: str, brief: str, run: str) -> Run | None:
        rows = await self._store.rows(
            select(*_RUN).where(of(export_runs, target, brief), export_runs.c.id == run)
        )
        return _run(rows[0]) if rows else None

    async def runs(self, target: str, brief: str, *, limit: int) -> Sequence[Run]:
        """The latest first."""
        rows = await self._store.rows(
            select(*_RUN)
            .where(of(export_runs, target, brief))
            .order_by(export_runs.c.turn.desc())
            .limit(limit)
        )
        return [_run(row) for row in rows]

    async def latest(self, brief: str, *, done: bool = False) -> Mapping[str, Run]:
        """The latest run of a brief in each of its targets, or the latest that came to its end."""
        mine = [export_runs.c.brief == brief]
        if done:
            mine.append(export_runs.c.state == RunState.DONE)
        last = (
            select(export_runs.c.target, func.max(export_runs.c.turn).label("turn"))
            .where(*mine)
            .group_by(export_runs.c.target)
            .subquery()
        )
        rows = await self._store.rows(
            select(*_RUN)
            .join(
                last, (last.c.target == export_runs.c.target) & (last.c.turn == export_runs.c.turn)
            )
            .where(*mine)
        )
        return {row.target: _run(row) for row in rows}

    async def approved(self, run: str) -> Approved | None:
        """What is to be carried out; None where the run is so old that it is not kept."""
        rows = await self._store.rows(select(export_runs.c.content).where(export_runs.c.id == run))
        if not rows or rows[0].content is None:
            return None
        return await asyncio.to_thread(unpack, rows[0].content)

    async def turn(self, target: str, brief: str) -> int:
        """The number of the next run."""
        rows = await self._store.rows(
            select(func.max(export_runs.c.turn)).where(of(export_runs, target, brief))
        )
        return int(rows[0][0] or 0) + 1

    async def outcomes(self, runs: Collection[str]) -> Mapping[str, Sequence[Outcome]]:
        """What became of the steps of these runs, in their order; by run."""
        rows = await self._store.rows(
            select(export_outcomes)
            .where(export_outcomes.c.run.in_(runs))
            .order_by(export_outcomes.c.run, export_outcomes.c.position)
        )
        found: dict[str, list[Outcome]] = {run: [] for run in runs}
        for row in rows:
            found[row.run].append(
                Outcome(
                    row.step,
                    row.op,
                    tuple(row.keys),
                    row.outcome,
                    row.message,
                    row.retry_at,
                    row.url,
                )
            )
        return found

    async def say(self, connection: AsyncConnection, run: str, said: Sequence[Outcome]) -> None:
        """Keep what became of these steps, within the caller's transaction."""
        for one in said:
            await connection.execute(
                update(export_outcomes)
                .where(export_outcomes.c.run == run, export_outcomes.c.step == one.step)
                .values(
                    outcome=one.outcome,
                    message=one.message,
                    retry_at=one.retry_at,
                    **({"url": one.url} if one.url else {}),
                )
            )

    async def note(
        self,
        connection: AsyncConnection,
        run: str,
        state: RunState,
        *,
        done: int | None = None,
        wait_until: datetime | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        """Say how a run stands now, within the caller's transaction."""
        values: dict[str, Any] = {
            "state": state.value,
            "wait_until": wait_until,
            "error": None if trouble is None else trouble.json(),
            "ended_at": now() if state.over else None,
        }
        if done is not None:
            values["done"] = done
        await connection.execute(update(export_runs).where(export_runs.c.id == run).values(values))

    async def decisions(self, target: str, brief: str) -> Decisions:
        rows = await self._store.rows(
            select(export_decisions).where(of(export_decisions, target, brief))
        )
        parts: dict[tuple[str, str], tuple[Choice, Json]] = {}
        ways: dict[str, tuple[Way, Standing]] = {}
        released: set[str] = set()
        for row in rows:
            seen = json.loads(row.seen)
            if row.choice == RELEASED:
                released.add(row.key)
            elif row.part:
                parts[row.key, row.part] = (Choice(row.choice), seen)
            else:
                ways[row.key] = (Way(row.choice), Standing(seen))
        return Decisions(parts, ways, frozenset(released))

    async def decide(
        self,
        target: str,
        brief: str,
        parts: Sequence[PartDecision],
        ways: Sequence[WayDecision],
        *,
        actor: str,
        actor_name: str,
    ) -> None:
        """Keep these in place of what was decided about the same before."""
        taken = {(one.key, one.part): (one.choice, one.theirs) for one in parts}
        taken |= {(one.key, ""): (one.way, one.standing) for one in ways}
        made = {
            "target": target,
            "brief": brief,
            "actor": actor,
            "actor_name": actor_name,
            "created_at": now(),
        }
        async with self._store.writing() as connection:
            for (key, part), (choice, seen) in taken.items():
                await connection.execute(
                    delete(export_decisions).where(
                        of(export_decisions, target, brief),
                        export_decisions.c.key == key,
                        export_decisions.c.part == part,
                    )
                )
                await connection.execute(
                    insert(export_decisions).values(
                        key=key, part=part, choice=choice, seen=text(seen), **made
                    )
                )

    async def looks(self, brief: str) -> Mapping[str, Look]:
        """By target."""
        rows = await self._store.rows(select(export_looks).where(export_looks.c.brief == brief))
        return {row.target: _look(row) for row in rows}

    async def findings(self, target: str, brief: str) -> Findings:
        """What the last look found."""
        rows = await self._store.rows(select(export_drift).where(of(export_drift, target, brief)))
        parts: dict[str, dict[str, Json]] = {}
        astray: dict[str, Astray] = {}
        for row in rows:
            said = json.loads(row.theirs)
            if row.part:
                parts.setdefault(row.key, {})[row.part] = said
            else:
                astray[row.key] = Astray(Standing(said), row.place)
        return Findings(parts, astray)

    async def found(
        self, target: str, brief: str, findings: Findings, known: Mapping[str, Json]
    ) -> bool:
        """Keep what a look found in place of what the one before did; whether it is news."""
        moment = now()
        rows = [(key, part, value, "") for key, of_it in findings.parts.items()
                for part, value in of_it.items()]  # fmt: skip
        rows += [(key, "", one.standing.value, one.where) for key, one in findings.astray.items()]
        before = await self.findings(target, brief)
        async with self._store.writing() as connection:
            await _looked(connection, target, brief, at=moment, known=text(dict(known)), error=None)
            if before == findings:
                return False
            await connection.execute(delete(export_drift).where(of(export_drift, target, brief)))
            if rows:
                await connection.execute(
                    insert(export_drift),
                    [
                        {
                            "target": target,
                            "brief": brief,
                            "key": key,
                            "part": part,
                            "theirs": text(value),
                            "place": place,
                            "found_at": moment,
                        }
                        for key, part, value, place in rows
                    ],
                )
        return True

    async def unseen(self, target: str, brief: str, trouble: Trouble) -> None:
        """Say why a look could not be had; what the last found stays."""
        async with self._store.writing() as connection:
            await _looked(connection, target, brief, error=trouble.json())

    async def ask_look(self, target: Target, brief: str) -> None:
        """Ask for a look at what a brief became there, unless one is asked for already."""
        async with self._store.writing() as connection:
            await self._ask_look(connection, target.tenant, target.id, brief)

    async def ask_looks(
        self, *, before: datetime | None = None, connection: str | None = None, limit: int = 100
    ) -> int:
        """Ask for looks at what was exported: through a connection, or where none was asked for
        since ``before``. How many were asked for."""
        wanted = select(
            export_targets.c.tenant, export_entries.c.target, export_entries.c.brief
        ).join(export_targets, export_targets.c.id == export_entries.c.target)
        wanted = wanted.where(export_targets.c.removed_at.is_(None)).distinct().limit(limit)
        if connection is not None:
            wanted = wanted.where(export_targets.c.connection == connection)
        if before is not None:
            recent = exists().where(
                export_looks.c.target == export_entries.c.target,
                export_looks.c.brief == export_entries.c.brief,
                export_looks.c.asked_at >= before,
            )
            wanted = wanted.where(~recent)
        if not await self._store.rows(wanted.limit(1)):
            return 0
        asked = 0
        async with self._store.writing() as writing:
            for row in (await writing.execute(wanted)).all():
                asked += await self._ask_look(writing, row.tenant, row.target, row.brief)
        return asked

    async def _ask_look(
        self, connection: AsyncConnection, tenant: str, target: str, brief: str
    ) -> bool:
        await _looked(connection, target, brief, asked_at=now())
        return await self._outbox.add_once(
            connection,
            LOOK,
            subject=subject(target, brief),
            tenant=tenant,
            payload={"target": target, "brief": brief},
        )

    async def intents(self, target: str, brief: str) -> int:
        """How many steps of unknown outcome there are."""
        rows = await self._store.rows(
            select(func.count())
            .select_from(export_intents)
            .where(of(export_intents, target, brief))
        )
        return int(rows[0][0])

    async def _targets(self, tenant: str, space: str, *conditions: Any) -> Sequence[Target]:
        rows = await self._store.rows(
            select(export_targets)
            .where(export_targets.c.tenant == tenant, export_targets.c.space == space, *conditions)
            .order_by(export_targets.c.created_at, export_targets.c.id)
        )
        return [_target(row) for row in rows]

    async def _alone(self, connection: AsyncConnection, target: str, brief: str) -> None:
        await _hold(connection, target)
        under_way = await connection.execute(
            select(export_runs.c.id).where(
                of(export_runs, target, brief), export_runs.c.state.in_(_UNDER_WAY)
            )
        )
        if under_way.first() is not None:
            raise Busy

    async def _ask(self, connection: AsyncConnection, run: Run, tenant: str) -> None:
        await self._outbox.add(
            connection,
            EXPORT,
            subject=subject(run.target, run.brief),
            tenant=tenant,
            payload={"run": run.id, "target": run.target, "brief": run.brief},
        )

    async def _spend(self, connection: AsyncConnection, run: Run, plan: Plan) -> None:
        spent = {(key, "") for key in plan.decided_ways | plan.released} | plan.decided_parts
        for key, part in spent:
            await connection.execute(
                delete(export_decisions).where(
                    of(export_decisions, run.target, run.brief),
                    export_decisions.c.key == key,
                    export_decisions.c.part == part,
                )
            )
        if plan.released:
            await connection.execute(
                insert(export_decisions),
                [
                    {
                        "target": run.target,
                        "brief": run.brief,
                        "key": key,
                        "part": "",
                        "choice": RELEASED,
                        "seen": text(None),
                        "actor": run.actor,
                        "actor_name": run.actor_name,
                        "created_at": run.created_at,
                    }
                    for key in plan.released
                ],
            )

    async def _forget_old(self, connection: AsyncConnection, target: str, brief: str) -> None:
        rows = await connection.execute(
            select(export_runs.c.id)
            .where(of(export_runs, target, brief))
            .order_by(export_runs.c.turn.desc())
            .offset(PLANS_KEPT)
        )
        old = [row.id for row in rows]
        if not old:
            return
        await connection.execute(delete(export_outcomes).where(export_outcomes.c.run.in_(old)))
        await connection.execute(
            update(export_runs).where(export_runs.c.id.in_(old)).values(content=None)
        )
        if gone := old[RUNS_KEPT - PLANS_KEPT :]:
            await connection.execute(delete(export_runs).where(export_runs.c.id.in_(gone)))


_RUN = [column for column in export_runs.c if column.name != "content"]


def _for(brief: str) -> Any:
    return or_(export_targets.c.brief.is_(None), export_targets.c.brief == brief)


def _place(target: Target) -> tuple[str | None, str, str]:
    """What makes two targets the same place."""
    return target.connection, target.kind, text(dict(target.where))


async def _hold_space(connection: AsyncConnection, space: str) -> None:
    """Lets nobody else add a target until this is done: two could add the same place."""
    await connection.execute(select(spaces.c.id).where(spaces.c.id == space).with_for_update())


async def _same_place(connection: AsyncConnection, target: Target) -> list[Target]:
    """Targets at the same place that are for some of the same briefs, the first added first."""
    wanted = select(export_targets).where(
        export_targets.c.tenant == target.tenant,
        export_targets.c.space == target.space,
        export_targets.c.kind == target.kind,
    )
    if target.brief is not None:
        wanted = wanted.where(_for(target.brief))
    rows = await connection.execute(wanted.order_by(export_targets.c.created_at))
    return [one for row in rows if _place(one := _target(row)) == _place(target)]


async def _hold(connection: AsyncConnection, target: str) -> None:
    """Lets nobody else begin or end something there until this is done."""
    await connection.execute(
        select(export_targets.c.id).where(export_targets.c.id == target).with_for_update()
    )


async def _looked(connection: AsyncConnection, target: str, brief: str, **values: Any) -> None:
    changed = await connection.execute(
        update(export_looks).where(of(export_looks, target, brief)).values(values)
    )
    if changed.rowcount == 0:
        there = exists().where(briefs.c.id == brief)
        if (await connection.execute(select(there))).scalar():
            await connection.execute(
                insert(export_looks).values(
                    target=target, brief=brief, **{"asked_at": now(), **values}
                )
            )


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


def _run(row: Row[Any]) -> Run:
    return Run(
        row.id,
        row.target,
        row.brief,
        row.turn,
        RunState(row.state),
        row.checksum,
        row.counts,
        row.total,
        row.done,
        row.actor,
        row.actor_name,
        row.created_at,
        row.ended_at,
        row.wait_until,
        row.stop,
        None if row.error is None else Trouble(**row.error),
    )


def _look(row: Row[Any]) -> Look:
    return Look(
        row.at,
        None if row.known is None else json.loads(row.known),
        None if row.error is None else Trouble(**row.error),
    )
