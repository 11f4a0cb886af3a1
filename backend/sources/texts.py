"""The stored text of versions, and what lies where in it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from backend.evidence.model import StoredVersion, VersionKey
from backend.ports import BlobStore
from backend.store.engine import Store
from backend.store.tables import sources, versions
from retrieval.blocks import Reading, from_json, to_json
from retrieval.model import Scope, SourceId, VersionHash

KEPT = 32_000_000  # code points of texts held in memory, for the citations of one answer


def original_key(tenant: str, version: VersionHash) -> str:
    """Where the bytes as they came are kept: once per tenant, however many sources share them."""
    return f"{tenant}/originals/{version}"


def text_key(tenant: str, source: SourceId, version: VersionHash) -> str:
    return f"{tenant}/texts/{source}/{version}.txt"


def reading_key(tenant: str, source: SourceId, version: VersionHash) -> str:
    return f"{tenant}/readings/{source}/{version}.json"


def page_starts(reading: Reading) -> tuple[int, ...]:
    """The offset at which each page begins; a page without text begins where the next one does."""
    if reading.pages is None:
        return ()
    starts = [len(reading.text)] * reading.pages
    for block in reversed(reading.blocks):
        if block.page is not None and block.page <= reading.pages:
            starts[block.page - 1] = block.start
    for page in range(reading.pages - 2, -1, -1):
        starts[page] = min(starts[page], starts[page + 1])
    return tuple(starts)


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


class Texts:
    """Reads stored versions, as evidence asks for them. Versions never change, so it caches."""

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        self._store = store
        self._blobs = blobs
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._readings: OrderedDict[str, Reading] = OrderedDict()

    async def keep(
        self, tenant: str, source: SourceId, version: VersionHash, reading: Reading
    ) -> None:
        """Store what was read. Durable when it returns; safe to repeat."""
        text, form = await asyncio.to_thread(
            lambda: (reading.text.encode(), to_json(reading).encode())
        )
        await self._blobs.put(text_key(tenant, source, version), whole(text))
        await self._blobs.put(reading_key(tenant, source, version), whole(form))
        self._texts.pop(text_key(tenant, source, version), None)
        self._readings.pop(reading_key(tenant, source, version), None)

    async def text(self, tenant: str, source: SourceId, version: VersionHash) -> str:
        key = text_key(tenant, source, version)
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        content = await self._blobs.read(key)
        text = await asyncio.to_thread(content.decode)
        self._texts[key] = text
        while len(self._texts) > 1 and sum(map(len, self._texts.values())) > KEPT:
            self._texts.popitem(last=False)
        return text

    async def reading(self, tenant: str, source: SourceId, version: VersionHash) -> Reading:
        key = reading_key(tenant, source, version)
        if key in self._readings:
            self._readings.move_to_end(key)
            return self._readings[key]
        content = await self._blobs.read(key)
        reading = await asyncio.to_thread(from_json, content)
        self._readings[key] = reading
        while (
            len(self._readings) > 1
            and sum(len(kept.text) for kept in self._readings.values()) > KEPT // 4
        ):
            self._readings.popitem(last=False)
        return reading

    async def versions(
        self, wanted: Collection[VersionKey], *, scope: Scope
    ) -> Mapping[VersionKey, StoredVersion]:
        """These with their texts, without those unknown, unread, deleted or out of scope."""
        if not wanted:
            return {}
        rows = await self._store.rows(
            select(
                *(versions.c[name] for name in ("source", "hash", "number", "page_starts")),
                sources.c.title,
                sources.c.space,
            )
            .join(sources, sources.c.id == versions.c.source)
            .where(
                versions.c.source.in_({source for source, _ in wanted}),
                versions.c.hash.in_({hash for _, hash in wanted}),
                versions.c.read,
                sources.c.tenant == scope.tenant,
            )
        )
        found: dict[VersionKey, StoredVersion] = {}
        for row in rows:
            key = row.source, row.hash
            if key not in wanted or not _admitted(row, row.source, scope):
                continue
            try:
                text = await self.text(scope.tenant, *key)
            except FileNotFoundError:
                continue  # deleted between the row and the file
            found[key] = StoredVersion(
                source=row.source,
                title=row.title,
                space=row.space,
                version=row.hash,
                number=row.number,
                text=text,
                page_starts=tuple(row.page_starts or ()),
            )
        return found

    async def current(
        self, wanted: Collection[SourceId], *, scope: Scope
    ) -> Mapping[SourceId, VersionHash]:
        """The version of each that search reads now, without those gone or out of scope."""
        if not wanted:
            return {}
        rows = await self._store.rows(
            select(sources.c.id, sources.c.space, sources.c.version).where(
                sources.c.id.in_(wanted),
                sources.c.tenant == scope.tenant,
                sources.c.version.is_not(None),
            )
        )
        return {row.id: row.version for row in rows if _admitted(row, row.id, scope)}

    async def forget(self, tenant: str, source: SourceId, versions: Sequence[VersionHash]) -> None:
        """Delete the texts and readings of a source that is gone."""
        keys = [
            key
            for version in versions
            for key in (text_key(tenant, source, version), reading_key(tenant, source, version))
        ]
        for key in keys:
            self._texts.pop(key, None)
            self._readings.pop(key, None)
        await self._blobs.delete(keys)


def _admitted(row: Row[Any], source: SourceId, scope: Scope) -> bool:
    return scope.admits(tenant=scope.tenant, space=row.space, source=source)
