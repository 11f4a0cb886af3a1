"""Evidence is made only from stored text, and read with what has become of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.clock import new_id, now
from backend.errors import Invalid, NotFound
from backend.evidence.model import (
    LONGEST_QUOTE,
    Evidence,
    EvidenceRecord,
    EvidenceState,
    StoredVersion,
    VersionKey,
    quote_hash,
)
from backend.evidence.support import Sentences, best_quote
from retrieval.model import Scope, SourceId, VersionHash

MOST_IDS = 200
LONGEST_STRETCH = 20_000  # code points that a quote is looked for in; more than any passage has


class BadQuote(Invalid):
    """A place that holds no quote: outside the text, empty, or too long."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a stored version. ``expected``, where given, is what must stand there."""

    source: SourceId
    version: VersionHash
    start: int
    end: int
    expected: str | None = None

    @property
    def key(self) -> VersionKey:
        return self.source, self.version


class Versions(Protocol):
    """The texts that quotes are read from."""

    async def versions(
        self, wanted: Collection[VersionKey], *, scope: Scope
    ) -> Mapping[VersionKey, StoredVersion]:
        """These with their texts, without those unknown, deleted or out of scope."""
        ...

    async def current(
        self, wanted: Collection[SourceId], *, scope: Scope
    ) -> Mapping[SourceId, VersionHash]:
        """The version of each that search reads now, without those gone or out of scope."""
        ...


class EvidenceStore(Protocol):
    async def add(self, records: Sequence[EvidenceRecord]) -> None:
        """Keep all of these, in one transaction."""
        ...

    async def get(self, ids: Sequence[str], *, scope: Scope) -> Sequence[EvidenceRecord]:
        """Those of the ids that exist and lie in the scope's spaces, in any order."""
        ...

    async def spaces_of(self, ids: Sequence[str], *, tenant: str) -> Sequence[str]: ...

    async def space_of_source(self, source: SourceId, *, tenant: str) -> str | None: ...


class EvidenceService:
    """Makes and reads evidence. What it makes was read from the stored version, never sent in."""

    def __init__(self, *, store: EvidenceStore, versions: Versions, sentences: Sentences) -> None:
        self._store = store
        self._versions = versions
        self._sentences = sentences

    async def verify_and_create(
        self,
        source: SourceId,
        version: VersionHash,
        start: int,
        end: int,
        *,
        scope: Scope,
        actor: str,
        answer: str | None = None,
        claim: str | None = None,
    ) -> Evidence:
        """A kept record of ``text[start:end]`` of a stored version.

        With a claim, of those sentences in there that carry it best; of the whole stretch where
        none does, for whoever chose it saw something in it.
        """
        place = Place(source, version, start, end)
        if claim is not None:
            place = await self._narrowed(place, claim, scope=scope)
        return (await self.create([place], scope=scope, actor=actor, answer=answer))[0]

    async def create(
        self, places: Sequence[Place], *, scope: Scope, actor: str, answer: str | None = None
    ) -> list[Evidence]:
        """Records of all of these, kept together, or an error and none of them."""
        texts = await self._versions.versions({place.key for place in places}, scope=scope)
        records = [
            _record(_held(texts, place), place, scope=scope, actor=actor, answer=answer)
            for place in places
        ]
        await self._store.add(records)
        return await self._now(records, scope=scope)

    async def spaces_of(self, ids: Sequence[str], *, tenant: str) -> Sequence[str]:
        """The spaces these records lie in, for asking who may see them."""
        return await self._store.spaces_of(ids, tenant=tenant)

    async def space_of_source(self, source: SourceId, *, tenant: str) -> str | None:
        """The space a source lies in, for asking who may cite it."""
        return await self._store.space_of_source(source, tenant=tenant)

    async def get(self, ids: Sequence[str], *, scope: Scope) -> dict[str, Evidence]:
        """The evidence of these ids that the scope may see, by id."""
        if len(ids) > MOST_IDS:
            raise BadQuote(
                f"{len(ids)} ids were asked for at once.",
                f"Ask for {MOST_IDS} at a time.",
                code="too_many",
            )
        records = await self._store.get(list(dict.fromkeys(ids)), scope=scope)
        return {one.record.id: one for one in await self._now(records, scope=scope)}

    async def surroundings(
        self, found: Sequence[Evidence], *, scope: Scope, reach: int = 400
    ) -> dict[str, str]:
        """The stored text around each quote, by id; the quote alone where its version is gone."""
        records = [one.record for one in found]
        texts = await self._versions.versions(
            {(record.source, record.version) for record in records}, scope=scope
        )

        def around(record: EvidenceRecord) -> str:
            stored = texts.get((record.source, record.version))
            if stored is None:
                return record.quote
            return stored.text[max(0, record.start - reach) : record.end + reach]

        return {record.id: around(record) for record in records}

    async def _narrowed(self, place: Place, claim: str, *, scope: Scope) -> Place:
        start, end = place.start, place.end
        if end - start > LONGEST_STRETCH:
            raise BadQuote(
                f"A quote is not looked for in {end - start} characters, only in "
                f"{LONGEST_STRETCH}.",
                "Name a shorter stretch.",
                code="quote_too_long",
            )
        stored = _held(await self._versions.versions([place.key], scope=scope), place)
        if not 0 <= start < end <= len(stored.text):
            return place  # refused where every place is
        text = stored.text[start:end]
        quote = await asyncio.to_thread(lambda: best_quote(claim, text, self._sentences(text)))
        if quote is None:
            return place
        return Place(place.source, place.version, start + quote.start, start + quote.end)

    async def _now(self, records: Sequence[EvidenceRecord], *, scope: Scope) -> list[Evidence]:
        current = await self._versions.current({record.source for record in records}, scope=scope)
        # Only of sources that were read anew since does it matter what they say.
        changed = {
            (record.source, current[record.source])
            for record in records
            if current.get(record.source, record.version) != record.version
        }
        newer = await self._versions.versions(changed, scope=scope)

        def state(record: EvidenceRecord) -> EvidenceState:
            version = current.get(record.source)
            if version is None:
                return EvidenceState.DELETED
            if version == record.version:
                return EvidenceState.CURRENT
            stored = newer.get((record.source, version))
            if stored is None:
                return EvidenceState.DELETED
            return EvidenceState.CURRENT if record.quote in stored.text else EvidenceState.STALE

        return [Evidence(record, state(record)) for record in records]


def _held(texts: Mapping[VersionKey, StoredVersion], place: Place) -> StoredVersion:
    stored = texts.get(place.key)
    if stored is None:
        raise NotFound("version", f"{place.source}/{place.version[:12]}")
    return stored


def _record(
    stored: StoredVersion, place: Place, *, scope: Scope, actor: str, answer: str | None
) -> EvidenceRecord:
    start, end = place.start, place.end
    if not 0 <= start < end <= len(stored.text):
        raise BadQuote(
            f"{start} to {end} is no stretch of {stored.title!r}, which has "
            f"{len(stored.text)} characters.",
            "Select the words again.",
            code="bad_range",
        )
    if end - start > LONGEST_QUOTE:
        raise BadQuote(
            f"A quote of {end - start} characters is longer than {LONGEST_QUOTE}.",
            "Select fewer words.",
            code="quote_too_long",
        )
    quote = stored.text[start:end]
    if not quote.strip():
        raise BadQuote(
            "The selection holds no words.", "Select the words to cite.", code="quote_empty"
        )
    if place.expected is not None and quote != place.expected:
        raise BadQuote(
            f"The stored text of {stored.title!r} at {start} to {end} is not the passage's.",
            "Ask again; the source was read anew since it was indexed.",
            code="quote_not_found",
        )
    return EvidenceRecord(
        id=new_id("cit"),
        tenant=scope.tenant,
        space=stored.space,
        source=stored.source,
        source_title=stored.title,
        version=stored.version,
        version_number=stored.number,
        page=stored.page_at(start),
        start=start,
        end=end,
        quote=quote,
        quote_hash=quote_hash(quote),
        created_at=now(),
        created_by=actor,
        answer=answer,
    )
