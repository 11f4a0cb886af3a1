"""In-memory twins of what evidence is kept in and read from."""

from __future__ import annotations

from collections.abc import Sequence

from backend.evidence.model import EvidenceRecord, StoredVersion
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

    async def version(
        self, source: SourceId, version: VersionHash, *, scope: Scope
    ) -> StoredVersion | None:
        found = (one for one in self._sources.get(source, ()) if one.version == version)
        return self._admitted(next(found, None), scope)

    async def current(self, source: SourceId, *, scope: Scope) -> StoredVersion | None:
        versions = self._sources.get(source)
        return self._admitted(versions[-1] if versions else None, scope)

    def _admitted(self, version: StoredVersion | None, scope: Scope) -> StoredVersion | None:
        # A question narrowed to some sources narrows what is searched, not what may be read.
        if version is None or scope.tenant != self._tenant or version.space not in scope.spaces:
            return None
        return version


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
