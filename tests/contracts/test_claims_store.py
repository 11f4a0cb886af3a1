"""What is kept of a brief's claims, on SQLite and PostgreSQL alike."""

import asyncio

import pytest
from sqlalchemy import insert, text

from backend.claims.claims import Judgement, Verdict
from backend.claims.service import KeptVerdict
from backend.clock import now
from backend.store.claims import StoredClaims, _held
from backend.store.engine import Store
from backend.store.tables import brief_evidence

AT_ONCE = 8


@pytest.fixture
async def claims(store_of_a_brief: Store) -> StoredClaims:
    """Of one brief, brf_1."""
    return StoredClaims(store_of_a_brief)


def kept(reason: str) -> list[KeptVerdict]:
    judgement = Judgement(Verdict.SUPPORTED, reason, (("cit_1", 0.5),))
    return [KeptVerdict(f"claim{n}", "evidence", judgement, now()) for n in range(20)]


async def test_checks_of_one_brief_at_once_keep_one_verdict_a_claim(claims: StoredClaims) -> None:
    await asyncio.gather(
        *(claims.keep("brf_1", kept(f"check {n}"), forget=()) for n in range(AT_ONCE))
    )
    found = await claims.verdicts("brf_1")
    assert sorted(one.claim for one in found) == sorted(one.claim for one in kept(""))
    assert len({one.judgement.reason for one in found}) == 1  # one check's, whole


async def test_a_claim_marked_by_many_at_once_is_one_opinion(claims: StoredClaims) -> None:
    await asyncio.gather(
        *(claims.mark("brf_1", "claim1", opinion=True, actor="you") for _ in range(AT_ONCE))
    )
    assert await claims.opinions("brf_1") == {"claim1"}


async def test_a_brief_that_is_gone_keeps_nothing(claims: StoredClaims) -> None:
    await claims.keep("brf_2", kept("late"), forget=())
    await claims.mark("brf_2", "claim1", opinion=True, actor="you")
    await claims.cites("brf_2", [("cit_1", "block1")])
    assert await claims.verdicts("brf_2") == []
    assert await claims.opinions("brf_2") == frozenset()


async def test_a_check_being_kept_holds_up_no_room(claims: StoredClaims, store: Store) -> None:
    """What refers to the brief is written while its verdicts are, where writers go side by side."""
    if store.file is not None:
        pytest.skip("SQLite has one writer at a time")
    async with store.writing() as keeping:
        assert await _held(keeping, "brf_1")
        async with store.writing() as room:
            await room.execute(text("SET LOCAL lock_timeout = '2s'"))
            await room.execute(
                insert(brief_evidence).values(brief="brf_1", evidence="cit_1", block="b")
            )
