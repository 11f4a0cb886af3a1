"""What was approved, by whom, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.exports.model import Busy, Called, Deleted, Overtaken, Run, RunState, Trouble
from backend.store.approved import Approved, pack, unpack
from backend.store.engine import Store
from backend.store.exports.decisions import spend
from backend.store.ledger import of
from backend.store.outbox import Outbox
from backend.store.tables import briefs, export_outcomes, export_runs, export_targets
from exporters.apply import Outcome, Result
from exporters.plan import Plan
from exporters.records import Op, Place

PLANS_KEPT: Final = 20  # runs of one brief in one target whose steps and outcomes stay
RUNS_KEPT: Final = 500  # runs of which it stays who approved them, and what came of it
EXPORT: Final = "export"
AT_ONCE: Final = 200  # rows in one statement: it is put together on the event loop
UNDER_WAY: Final = [state.value for state in RunState if not state.over]


def subject(target: str, brief: str) -> str:
    """What a job of exports is about: the jobs of one subject run one after another."""
    return f"export:{target}:{brief}"


class StoredRuns:
    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def begin(self, run: Run, plan: Plan, place: Place, *, tenant: str) -> None:
        """Keep an approved plan and ask for it to be carried out. Busy where one is under way,
        Overtaken where one was since this was planned, Deleted where the brief or its target was.

        The decisions that it carries out are spent, so that none is ever used twice; what it lets
        go of is never made again.
        """
        content = await asyncio.to_thread(pack, Approved(place, plan.steps, plan.settlements))
        async with self._store.writing() as connection:
            await _be_there(connection, run)
            await self._alone(connection, run.target, run.brief)
            await _be_last(connection, run, run.turn - 1)
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
            await _list_steps(connection, run.id, plan)
            await spend(
                connection,
                run.target,
                run.brief,
                plan,
                actor=run.actor,
                actor_name=run.actor_name,
            )
            await self._forget_old(connection, run.target, run.brief)
            await self._ask(connection, run, tenant)

    async def resume(self, run: Run, *, tenant: str) -> None:
        """Carry on with a run that ended before its end. Busy where one is under way, Overtaken
        where another was begun after it, Deleted where the brief or its target was."""
        async with self._store.writing() as connection:
            await _be_there(connection, run)
            await self._alone(connection, run.target, run.brief)
            await _be_last(connection, run, run.turn)
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
            await self._outbox.hasten(connection, EXPORT, subject(run.target, run.brief))

    async def is_called_off(self, connection: AsyncConnection, run: str) -> bool:
        return bool(
            await connection.scalar(select(export_runs.c.stop).where(export_runs.c.id == run))
        )

    async def one(self, target: str, brief: str, run: str) -> Run | None:
        rows = await self._store.rows(
            select(*_RUN).where(of(export_runs, target, brief), export_runs.c.id == run)
        )
        return _run(rows[0]) if rows else None

    async def list(self, target: str, brief: str, *, limit: int) -> Sequence[Run]:
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

    async def under_way(self, target: str, brief: str) -> bool:
        """Whether an export is to be carried out, or is being so."""
        rows = await self._store.rows(
            select(export_runs.c.id).where(
                of(export_runs, target, brief), export_runs.c.state.in_(UNDER_WAY)
            )
        )
        return bool(rows)

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

    async def outcomes(
        self, runs: Collection[str], *, open_: bool = False
    ) -> Mapping[str, Sequence[Called]]:
        """What became of the steps of these runs, in their order; by run. ``open_``: only of those
        that were tried and are not done."""
        wanted = select(export_outcomes).where(export_outcomes.c.run.in_(runs))
        if open_:
            wanted = wanted.where(
                export_outcomes.c.outcome.not_in([Result.DONE.value, Result.PENDING.value])
            )
        rows = await self._store.rows(
            wanted.order_by(export_outcomes.c.run, export_outcomes.c.position)
        )
        found: dict[str, list[Called]] = {run: [] for run in runs}
        for row in rows:
            outcome = Outcome(
                row.step,
                tuple(row.keys),
                Op(row.op),
                Result(row.outcome),
                row.message,
                row.retry_at,
                row.url,
            )
            found[row.run].append(Called(outcome, tuple(row.titles or ())))
        return found

    async def say(self, connection: AsyncConnection, run: str, said: Sequence[Outcome]) -> None:
        """Keep what became of the steps that are not done, within the caller's transaction.

        Receipts say what is done, with the entries that they brought.
        """
        mine = export_outcomes.c.run == run
        await connection.execute(
            update(export_outcomes)
            .where(mine, export_outcomes.c.outcome != Result.DONE)
            .values(outcome=Result.PENDING.value, message="", retry_at=None)
        )
        for one in said:
            if one.outcome not in (Result.DONE, Result.PENDING):
                await connection.execute(
                    update(export_outcomes)
                    .where(mine, export_outcomes.c.step == one.step)
                    .values(
                        outcome=one.outcome.value,
                        message=one.message,
                        retry_at=one.retry_at,
                        url=one.url,
                    )
                )

    async def note(
        self,
        connection: AsyncConnection,
        run: str,
        state: RunState,
        *,
        wait_until: datetime | None = None,
        trouble: Trouble | None = None,
    ) -> int:
        """Say how a run stands now, within the caller's transaction; how many steps are done."""
        done = await connection.scalar(
            select(func.count())
            .select_from(export_outcomes)
            .where(export_outcomes.c.run == run, export_outcomes.c.outcome == Result.DONE)
        )
        await connection.execute(
            update(export_runs)
            .where(export_runs.c.id == run)
            .values(
                state=state.value,
                done=done or 0,
                wait_until=wait_until,
                error=None if trouble is None else trouble.json(),
                ended_at=now() if state.over else None,
            )
        )
        return done or 0

    async def held(self, connection: AsyncConnection, target: str, brief: str) -> bool:
        """Whether an export is under way; if not, none begins before this transaction ends."""
        try:
            await self._alone(connection, target, brief)
        except Busy:
            return True
        return False

    async def _alone(self, connection: AsyncConnection, target: str, brief: str) -> None:
        await hold(connection, target)
        under_way = await connection.execute(
            select(export_runs.c.id).where(
                of(export_runs, target, brief), export_runs.c.state.in_(UNDER_WAY)
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


async def _list_steps(connection: AsyncConnection, run: str, plan: Plan) -> None:
    steps = plan.steps
    titles = {item.key: item.title for item in plan.items}
    for begin in range(0, len(steps), AT_ONCE):
        await connection.execute(
            insert(export_outcomes),
            [
                {
                    "run": run,
                    "step": step.id,
                    "position": position,
                    "op": step.op.value,
                    "keys": list(step.keys),
                    "titles": [titles.get(key, "") for key in step.keys],
                    "outcome": Result.PENDING.value,
                    "message": "",
                    "url": "",
                }
                for position, step in enumerate(steps[begin : begin + AT_ONCE], begin)
            ],
        )


async def _be_there(connection: AsyncConnection, run: Run) -> None:
    """Holds the brief and its target until this transaction ends; Deleted where one is not."""
    brief = (
        select(briefs.c.id)
        .where(briefs.c.id == run.brief)
        .with_for_update(read=True, key_share=True)
    )
    target = (
        select(export_targets.c.id)
        .where(export_targets.c.id == run.target, export_targets.c.removed_at.is_(None))
        .with_for_update()
    )
    if await connection.scalar(brief) is None or await connection.scalar(target) is None:
        raise Deleted


async def _be_last(connection: AsyncConnection, run: Run, turn: int) -> None:
    last = await connection.scalar(
        select(func.max(export_runs.c.turn)).where(of(export_runs, run.target, run.brief))
    )
    if (last or 0) != turn:
        raise Overtaken


async def hold(connection: AsyncConnection, target: str) -> None:
    """Lets nobody else begin or end something there until this is done."""
    await connection.execute(
        select(export_targets.c.id).where(export_targets.c.id == target).with_for_update()
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
