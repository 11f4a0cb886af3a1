"""Checking the claims of a brief where they stand, and remembering what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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
    """A brief's claims with their verdicts. ``updated``: at least one was judged anew."""

    claims: tuple[tuple[Claim, Judgement], ...]
    coverage: Coverage
    checked_at: datetime
    updated: bool


class Claims:
    def __init__(
        self,
        *,
        documents: Documents,
        evidence: EvidenceService,
        store: ClaimStore,
        sentences: Sentences,
    ) -> None:
        self._documents = documents
        self._evidence = evidence
        self._store = store
        self._sentences = sentences

    async def check(
        self, brief: str, *, scope: Scope, anew: frozenset[str] = frozenset()
    ) -> Checked:
        """The claims as the brief says them now; those in ``anew`` are judged again regardless."""
        projection = await self._documents.projection(brief)
        claims = await asyncio.to_thread(claims_of, projection.blocks, self._sentences)
        wanted = dict.fromkeys(cite for claim in claims for cite in claim.cites)
        cited = await self._cited(tuple(wanted), scope)
        opinions = await self._store.opinions(brief)
        kept = {one.claim: one for one in await self._store.verdicts(brief)}
        moment = now()
        result, fresh = await asyncio.to_thread(
            _judge_all, claims, cited, opinions, kept, anew, moment
        )
        present = {claim.hash for claim in claims}
        forget = [hash for hash in kept if hash not in present]
        if fresh or forget:
            await self._store.keep(brief, fresh, forget=forget)
        return Checked(result, cover(result), moment, bool(fresh))

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

    async def _cited(self, cites: Sequence[str], scope: Scope) -> dict[str, Cited]:
        found: dict[str, Evidence] = {}
        for begin in range(0, len(cites), MOST_IDS):
            found |= await self._evidence.get(cites[begin : begin + MOST_IDS], scope=scope)
        return {
            cite: Cited(
                cite,
                evidence.record.source_title,
                evidence.record.quote,
                await self._evidence.surroundings(evidence, scope=scope),
                evidence.state,
            )
            for cite, evidence in found.items()
        }


def _judge_all(
    claims: Sequence[Claim],
    cited: Mapping[str, Cited],
    opinions: frozenset[str],
    kept: Mapping[str, KeptVerdict],
    anew: frozenset[str],
    moment: datetime,
) -> tuple[tuple[tuple[Claim, Judgement], ...], list[KeptVerdict]]:
    """Every claim with its judgement, and those that were not remembered."""
    result: list[tuple[Claim, Judgement]] = []
    fresh: list[KeptVerdict] = []
    for claim in claims:
        if claim.hash in opinions:
            result.append((claim, judge(claim, cited, opinion=True)))
            continue
        against = evidence_hash([cited[cite] for cite in claim.cites if cite in cited])
        known = kept.get(claim.hash)
        if known is not None and known.evidence == against and claim.hash not in anew:
            result.append((claim, known.judgement))
            continue
        judgement = judge(claim, cited)
        result.append((claim, judgement))
        fresh.append(KeptVerdict(claim.hash, against, judgement, moment))
    return tuple(result), fresh


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


__all__ = ["Checked", "ClaimStore", "Claims", "KeptVerdict", "MemoryClaims", "Verdict"]
