"""A check of claims as it goes, cancelled half way and taken up again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx

from backend.claims.claims import Verdict
from backend.claims.service import Checked, Claims, MemoryClaims, Progress
from backend.evidence.memory import MemoryEvidence, MemoryVersions
from backend.evidence.service import EvidenceService
from backend.wiring import Services
from collab import Block, Inline
from collab.model import Projection
from retrieval.model import Scope
from retrieval.sentences import sentences

SCOPE = Scope("dev", frozenset({"spc_1"}))


def written(count: int) -> tuple[Block, ...]:
    return tuple(
        Block(f"b{n}", "paragraph", inline=(Inline("text", f"Firm {n} sold {n} pumps in 2025."),))
        for n in range(count)
    )


class Written:
    """A brief of a few blocks, in place of a room."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)

    async def projection(self, document: str) -> Projection:
        return Projection(title="Plan", blocks=self.blocks)


def checker(documents: Written, store: MemoryClaims, *, slice_seconds: float) -> Claims:
    evidence = EvidenceService(
        store=MemoryEvidence(), versions=MemoryVersions(), sentences=sentences
    )
    return Claims(
        documents=documents,
        evidence=evidence,
        store=store,
        sentences=sentences,
        slice_seconds=slice_seconds,
    )


async def test_a_check_that_is_left_keeps_its_verdicts_and_is_taken_up_again() -> None:
    """Two of five are judged, then nobody reads on: the next check judges the other three."""
    documents, store = Written(written(5)), MemoryClaims()
    claims = checker(documents, store, slice_seconds=0)  # one claim at a time
    steps = claims.checking("brf_1", scope=SCOPE)
    assert [await anext(steps) for _ in range(3)] == [Progress(done, 5) for done in range(3)]
    await steps.aclose()

    stands = await claims.standing("brf_1", scope=SCOPE)
    assert [claim.order for claim, _ in stands.claims] == [0, 1]
    assert (stands.coverage.claims, stands.unchecked, stands.updated) == (2, 3, False)

    rest = [step async for step in claims.checking("brf_1", scope=SCOPE)]
    assert rest[:-1] == [Progress(done, 3) for done in range(3)]
    whole = rest[-1]
    assert isinstance(whole, Checked)
    assert (whole.coverage.claims, whole.unchecked, whole.updated) == (5, 0, True)
    assert {judgement.verdict for _, judgement in whole.claims} == {Verdict.UNSUPPORTED}

    # What is as it was is not judged again, and what was deleted is forgotten.
    documents.blocks = documents.blocks[:2]
    again = [step async for step in claims.checking("brf_1", scope=SCOPE)]
    assert [type(step) for step in again] == [Checked]
    assert len(await store.verdicts("brf_1")) == 2


async def test_a_quick_check_tells_of_no_step_between() -> None:
    """What is judged within one slice begins and is done."""
    claims = checker(Written(written(9)), MemoryClaims(), slice_seconds=60)
    steps = [step async for step in claims.checking("brf_1", scope=SCOPE)]
    assert steps[:-1] == [Progress(0, 9)]


async def test_a_check_over_http_ends_with_what_a_plain_one_gives(
    client: httpx.AsyncClient, services: Services
) -> None:
    """Nothing stands before it; after it everything does, and its last event says all of it."""
    principal = await services.authenticator.authenticate(
        method="GET", headers={"host": "127.0.0.1"}, client="127.0.0.1"
    )
    space = (await client.post("/api/spaces", json={"name": "Space"})).json()["id"]
    brief = await services.briefs.create(principal, space, "Plan", blocks=list(written(3)))
    address = f"/api/briefs/{brief.id}/claims"
    before = (await client.get(address, params={"standing": True})).json()
    assert (before["claims"], before["unchecked"]) == ([], 3)

    response = await client.get(f"{address}/check")
    assert response.headers["content-type"].startswith("text/event-stream")
    frames = response.text.strip().split("\n\n")
    assert frames[0] == 'event: progress\ndata: {"done": 0, "total": 3}'
    name, _, data = frames[-1].partition("\ndata: ")
    assert name == "event: checked"
    told = json.loads(data)
    assert (len(told["claims"]), told["unchecked"], told["updated"]) == (3, 0, True)

    plain = (await client.get(address)).json()
    assert plain["claims"] == told["claims"]
    assert plain["updated"] is False
    assert (await client.get(address, params={"standing": True})).json()["claims"] == told["claims"]
    assert (await client.get("/api/briefs/brf_0/claims/check")).status_code == 404
