"""What people decided about changes over there; each decision is used once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.clock import now
from backend.exports.model import PartDecision, WayDecision
from backend.store.approved import text
from backend.store.engine import Store
from backend.store.ledger import of
from backend.store.tables import export_decisions
from exporters.plan import Plan
from exporters.records import Choice, Decisions, Json, Standing, Way

RELEASED: Final = "released"  # the choice of a decision that was carried out, and is never spent


class StoredDecisions:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_brief(self, target: str, brief: str) -> Decisions:
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
        """Keep these in place of what was decided about the same before.

        To make anew what was let go of takes that back: it is made like any other.
        """
        taken: dict[tuple[str, str], tuple[str, Json]] = {
            (one.key, one.part): (one.choice.value, one.theirs) for one in parts
        }
        taken |= {(one.key, ""): (one.way.value, one.standing.value) for one in ways}
        made = {
            "target": target,
            "brief": brief,
            "actor": actor,
            "actor_name": actor_name,
            "created_at": now(),
        }
        released = (await self.of_brief(target, brief)).released
        async with self._store.writing() as connection:
            for (key, part), (choice, seen) in taken.items():
                await connection.execute(
                    delete(export_decisions).where(
                        of(export_decisions, target, brief),
                        export_decisions.c.key == key,
                        export_decisions.c.part == part,
                    )
                )
                if not part and key in released and choice == Way.RECREATE:
                    continue
                await connection.execute(
                    insert(export_decisions).values(
                        key=key, part=part, choice=choice, seen=text(seen), **made
                    )
                )


async def spend(
    connection: AsyncConnection, target: str, brief: str, plan: Plan, *, actor: str, actor_name: str
) -> None:
    """No decision that a plan carries out is used again; what it lets go of stays let go."""
    spent = {(key, "") for key in plan.decided_ways | plan.released} | plan.decided_parts
    for key, part in spent:
        await connection.execute(
            delete(export_decisions).where(
                of(export_decisions, target, brief),
                export_decisions.c.key == key,
                export_decisions.c.part == part,
            )
        )
    if plan.released:
        await connection.execute(
            insert(export_decisions),
            [
                {
                    "target": target,
                    "brief": brief,
                    "key": key,
                    "part": "",
                    "choice": RELEASED,
                    "seen": text(None),
                    "actor": actor,
                    "actor_name": actor_name,
                    "created_at": now(),
                }
                for key in plan.released
            ],
        )
