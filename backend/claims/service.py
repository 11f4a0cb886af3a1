"""Checking the claims of a brief where they stand, and remembering what was found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.claims.claims import (
    Cited,
    Claim,
    Coverage,
    Judgement,
    Verdict,
    cites_of,
    claims_of,
    cover,
    evidence_hash,
    judge,
)
from backend.clock import now
from backend.errors import NotFound
from backend.evidence.model import Evidence
from backend.evidence.service import MOST_IDS, EvidenceService
from backend.evidence.support import Sentences
from collab.model import DocumentId, Projection
from retrieval.model import Scope

SLICE = 0.25  # seconds of judging between one word of progress and the next


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """A judgement and what it was made from: as long as that stands, so does the judgement."""

    claim: str
    evidence: str
    judgement: Judgement
    checked_at: datetime


class Documents(Protocol):
    async def projection(self, document: DocumentId) -> Projection: ...


class ClaimStore(Protocol):
    async def verdicts(self, brief: str) -> Sequence[KeptVerdict]: ...

    async def keep(self, brief: str, kept: Sequence[KeptVerdict], *, forget: Sequence[str]) -> None:
        """Keep these, in place of earlier ones on the same claims, and forget others."""
        ...

    async def opinions(self, brief: str) -> frozenset[str]: ...

    async def mark(self, brief: str, claim: str, *, opinion: bool, actor: str) -> None: ...

    async def cites(self, brief: str, cites: Sequence[tuple[str, str]]) -> None:
        """Keep which evidence stands in which block, in place of what was kept."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """A brief's claims with their verdicts.

    ``updated``: at least one was judged anew. ``unchecked``: claims that are not among them, since
    nobody has judged them as they stand now.
    """

    claims: tuple[tuple[Claim, Judgement], ...]
    coverage: Coverage
    checked_at: datetime
    updated: bool
    unchecked: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the claims that had to be judged have been, their verdicts kept."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """The claims as the brief says them now, and the verdicts that still hold."""

    claims: tuple[Claim, ...]
    cited: Mapping[str, Cited]
    judged: dict[str, Judgement]
    gone: tuple[str, ...]  # claims that were kept and are no longer in the brief

    def checked(self, moment: datetime, *, updated: bool) -> Checked:
        found = tuple(
            (claim, self.judged[claim.hash]) for claim in self.claims if claim.hash in self.judged
        )
        return Checked(found, cover(found), moment, updated, len(self.claims) - len(found))


class Claims:
    def __init__(
        self,
        *,
        documents: Documents,
        evidence: EvidenceService,
        store: ClaimStore,
        sentences: Sentences,
        slice_seconds: float = SLICE,
    ) -> None:
        self._documents = documents
        self._evidence = evidence
        self._store = store
        self._sentences = sentences
        self._slice = slice_seconds

    async def check(
        self, brief: str, *, scope: Scope, anew: frozenset[str] = frozenset()
    ) -> Checked:
        """The claims as the brief says them now; those in ``anew`` are judged again regardless."""
        async with aclosing(self.checking(brief, scope=scope, anew=anew)) as steps:
            async for step in steps:
                if isinstance(step, Checked):
                    return step
        raise AssertionError("a check ends with what was found")

    async def checking(
        self, brief: str, *, scope: Scope, anew: frozenset[str] = frozenset()
    ) -> AsyncGenerator[Progress | Checked, None]:
        """The check as it goes, ending with what was found.

        Each step tells of verdicts that are kept: closing this early loses none of them, and the
        next check goes on from there.
        """
        standing = await self._standing(brief, scope, anew)
        left = [claim for claim in standing.claims if claim.hash not in standing.judged]
        total = len(left)
        moment = now()
        if standing.gone:
            await self._store.keep(brief, (), forget=standing.gone)
        while left:
            yield Progress(total - len(left), total)
            moment = now()
            fresh = await asyncio.to_thread(_judge_some, left, standing.cited, self._slice, moment)
            await self._store.keep(brief, fresh, forget=())
            standing.judged.update((one.claim, one.judgement) for one in fresh)
            left = left[len(fresh) :]
        yield standing.checked(moment, updated=total > 0)

    async def standing(self, brief: str, *, scope: Scope) -> Checked:
        """The verdicts that hold without judging anything, and how many claims have none."""
        standing = await self._standing(brief, scope, frozenset())
        return standing.checked(now(), updated=False)

    async def mark(
        self, brief: str, claim: str, *, opinion: bool, scope: Scope, actor: str
    ) -> tuple[Claim, Judgement]:
        """Mark a claim as an opinion, or as a claim again."""
        await self._one(brief, claim, scope=scope)
        await self._store.mark(brief, claim, opinion=opinion, actor=actor)
        return await self._one(brief, claim, scope=scope)

    async def recheck(self, brief: str, claim: str, *, scope: Scope) -> tuple[Claim, Judgement]:
        return await self._one(brief, claim, scope=scope, anew=True)

    async def follow(self, brief: str, projection: Projection) -> None:
        """Keep which evidence a brief rests on: a source's uses are counted from it."""
        found = tuple(dict.fromkeys(cites_of(projection.blocks)))
        await self._store.cites(brief, found)

    async def _one(
        self, brief: str, claim: str, *, scope: Scope, anew: bool = False
    ) -> tuple[Claim, Judgement]:
        checked = await self.check(
            brief, scope=scope, anew=frozenset({claim}) if anew else frozenset()
        )
        for found, judgement in checked.claims:
            if found.hash == claim:
                return found, judgement
        raise NotFound("claim", claim)

    async def _standing(self, brief: str, scope: Scope, anew: frozenset[str]) -> _Standing:
        projection = await self._documents.projection(brief)
        claims = await asyncio.to_thread(claims_of, projection.blocks, self._sentences)
        wanted = dict.fromkeys(cite for claim in claims for cite in claim.cites)
        cited = await self._cited(tuple(wanted), scope)
        opinions = await self._store.opinions(brief)
        kept = {one.claim: one for one in await self._store.verdicts(brief)}
        judged = await asyncio.to_thread(_remembered, claims, cited, opinions, kept, anew)
        present = {claim.hash for claim in claims}
        gone = tuple(hash for hash in kept if hash not in present)
        return _Standing(claims, cited, judged, gone)

    async def _cited(self, cites: Sequence[str], scope: Scope) -> dict[str, Cited]:
        found: dict[str, Evidence] = {}
        for begin in range(0, len(cites), MOST_IDS):
            found |= await self._evidence.get(cites[begin : begin + MOST_IDS], scope=scope)
        around = await self._evidence.surroundings(tuple(found.values()), scope=scope)
        return {
            cite: Cited(
                cite,
                evidence.record.source_title,
                evidence.record.quote,
                around[cite],
                evidence.state,
            )
            for cite, evidence in found.items()
        }


def _remembered(
    claims: Sequence[Claim],
    cited: Mapping[str, Cited],
    opinions: frozenset[str],
    kept: Mapping[str, KeptVerdict],
    anew: frozenset[str],
) -> dict[str, Judgement]:
    """The claims that need no judging: opinions, and those whose evidence is as it was."""
    found: dict[str, Judgement] = {}
    for claim in claims:
        known = kept.get(claim.hash)
        if claim.hash in opinions:
            found[claim.hash] = judge(claim, cited, opinion=True)
        elif (
            known is not None
            and claim.hash not in anew
            and known.evidence == _evidence_of(claim, cited)
        ):
            found[claim.hash] = known.judgement
    return found


def _judge_some(
    claims: Sequence[Claim], cited: Mapping[str, Cited], seconds: float, moment: datetime
) -> list[KeptVerdict]:
    """The first of these claims judged: at least one, and none begun after so many seconds."""
    until = time.monotonic() + seconds
    fresh: list[KeptVerdict] = []
    for claim in claims:
        if fresh and time.monotonic() >= until:
            break
        evidence = _evidence_of(claim, cited)
        fresh.append(KeptVerdict(claim.hash, evidence, judge(claim, cited), moment))
    return fresh


def _evidence_of(claim: Claim, cited: Mapping[str, Cited]) -> str:
    return evidence_hash([cited[cite] for cite in claim.cites if cite in cited])


class MemoryClaims:
    """In-memory twin of where verdicts are kept."""

    def __init__(self) -> None:
        self._verdicts: dict[str, dict[str, KeptVerdict]] = {}
        self._opinions: dict[str, set[str]] = {}
        self.cited: dict[str, tuple[tuple[str, str], ...]] = {}

    async def verdicts(self, brief: str) -> Sequence[KeptVerdict]:
        return tuple(self._verdicts.get(brief, {}).values())

    async def keep(self, brief: str, kept: Sequence[KeptVerdict], *, forget: Sequence[str]) -> None:
        verdicts = self._verdicts.setdefault(brief, {})
        verdicts.update({one.claim: one for one in kept})
        for claim in forget:
            verdicts.pop(claim, None)

    async def opinions(self, brief: str) -> frozenset[str]:
        return frozenset(self._opinions.get(brief, ()))

    async def mark(self, brief: str, claim: str, *, opinion: bool, actor: str) -> None:
        marked = self._opinions.setdefault(brief, set())
        if opinion:
            marked.add(claim)
        else:
            marked.discard(claim)

    async def cites(self, brief: str, cites: Sequence[tuple[str, str]]) -> None:
        self.cited[brief] = tuple(cites)


__all__ = [
    "Checked",
    "ClaimStore",
    "Claims",
    "KeptVerdict",
    "MemoryClaims",
    "Progress",
    "Verdict",
]
