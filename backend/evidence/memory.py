"""In-memory twins of what evidence is kept in and read from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backend.evidence.model import EvidenceRecord, StoredVersion, VersionKey
from retrieval.model import Scope, SourceId, VersionHash


class MemoryVersions:
    """Versions by source, the last one put being current."""

    def __init__(self, tenant: str = "dev") -> None:
        self._tenant = tenant
        self._sources: dict[SourceId, list[StoredVersion]] = {}

    def put(self, version: StoredVersion) -> None:
        self._sources.setdefault(version.source, []).append(version)

    def delete(self, source: SourceId) -> None:
        self._sources.pop(source, None)

    async def versions(
        self, wanted: Collection[VersionKey], *, scope: Scope
    ) -> Mapping[VersionKey, StoredVersion]:
        return {
            (one.source, one.version): one
            for source in {source for source, _ in wanted}
            for one in self._sources.get(source, ())
            if (one.source, one.version) in wanted and self._admitted(one, scope)
        }

    async def current(
        self, wanted: Collection[SourceId], *, scope: Scope
    ) -> Mapping[SourceId, VersionHash]:
        newest = (self._sources[source][-1] for source in wanted if source in self._sources)
        return {one.source: one.version for one in newest if self._admitted(one, scope)}

    def _admitted(self, version: StoredVersion, scope: Scope) -> bool:
        # A question narrowed to some sources narrows what is searched, not what may be read.
        return scope.tenant == self._tenant and version.space in scope.spaces


class MemoryEvidence:
    def __init__(self) -> None:
        self.records: dict[str, EvidenceRecord] = {}

    async def add(self, records: Sequence[EvidenceRecord]) -> None:
        self.records.update({record.id: record for record in records})

    async def spaces_of(self, ids: Sequence[str], *, tenant: str) -> Sequence[str]:
        found = (self.records.get(one) for one in ids)
        return sorted({one.space for one in found if one is not None and one.tenant == tenant})

    async def space_of_source(self, source: SourceId, *, tenant: str) -> str | None:
        found = (one.space for one in self.records.values() if one.source == source)
        return next(found, None)

    async def get(self, ids: Sequence[str], *, scope: Scope) -> Sequence[EvidenceRecord]:
        found = (self.records.get(one) for one in ids)
        return [
            record
            for record in found
            if record is not None and record.tenant == scope.tenant and record.space in scope.spaces
        ]
