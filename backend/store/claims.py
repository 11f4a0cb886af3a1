"""Verdicts, opinions, and which evidence a brief rests on, as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.claims.claims import Judgement, Verdict
from backend.claims.service import KeptVerdict
from backend.clock import now
from backend.store.engine import Store
from backend.store.tables import brief_evidence, briefs, opinions, verdicts


class StoredClaims:
    """Satisfies ``backend.claims.service.ClaimStore``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def verdicts(self, brief: str) -> Sequence[KeptVerdict]:
        async with self._store.reading() as connection:
            rows = await connection.execute(select(verdicts).where(verdicts.c.brief == brief))
            return [
                KeptVerdict(
                    row.claim_hash,
                    row.evidence_hash,
                    Judgement(
                        Verdict(row.verdict),
                        row.reason,
                        tuple((cite, score) for cite, score in row.detail or ()),
                    ),
                    row.checked_at,
                )
                for row in rows
            ]

    async def keep(self, brief: str, kept: Sequence[KeptVerdict], *, forget: Sequence[str]) -> None:
        gone = [*forget, *(one.claim for one in kept)]
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return
            await connection.execute(
                delete(verdicts).where(verdicts.c.brief == brief, verdicts.c.claim_hash.in_(gone))
            )
            if kept:
                await connection.execute(
                    insert(verdicts),
                    [
                        {
                            "brief": brief,
                            "claim_hash": one.claim,
                            "evidence_hash": one.evidence,
                            "verdict": one.judgement.verdict.value,
                            "reason": one.judgement.reason,
                            "score": max(
                                (score for _, score in one.judgement.scores), default=None
                            ),
                            "detail": [list(pair) for pair in one.judgement.scores],
                            "checked_at": one.checked_at,
                        }
                        for one in kept
                    ],
                )

    async def opinions(self, brief: str) -> frozenset[str]:
        async with self._store.reading() as connection:
            rows = await connection.execute(
                select(opinions.c.claim_hash).where(opinions.c.brief == brief)
            )
            return frozenset(row.claim_hash for row in rows)

    async def mark(self, brief: str, claim: str, *, opinion: bool, actor: str) -> None:
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return
            await connection.execute(
                delete(opinions).where(opinions.c.brief == brief, opinions.c.claim_hash == claim)
            )
            if opinion:
                await connection.execute(
                    insert(opinions).values(
                        brief=brief, claim_hash=claim, created_at=now(), created_by=actor
                    )
                )

    async def cites(self, brief: str, cites: Sequence[tuple[str, str]]) -> None:
        async with self._store.writing() as connection:
            if not await _held(connection, brief):
                return
            await connection.execute(delete(brief_evidence).where(brief_evidence.c.brief == brief))
            rows = [
                {"brief": brief, "evidence": cite, "block": block} for cite, block in set(cites)
            ]
            if rows:
                await connection.execute(insert(brief_evidence), rows)


async def _held(connection: AsyncConnection, brief: str) -> bool:
    """Whether the brief is still there; holds it, so that whoever else writes of it comes after.

    What is deleted and written again would otherwise be written twice by two at once. Rows that
    only refer to the brief, as a room's updates do, are not held up.
    """
    found = await connection.execute(
        select(briefs.c.id).where(briefs.c.id == brief).with_for_update(key_share=True)
    )
    return found.scalar_one_or_none() is not None
