"""The evidence behind a citation: a quote at a place of a version that never changes."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from retrieval.model import SourceId, VersionHash

VersionKey: TypeAlias = tuple[SourceId, VersionHash]

LONGEST_QUOTE = 2_000  # code points; longer is a reading, not a quote


class EvidenceState(StrEnum):
    CURRENT = "current"
    STALE = "stale"  # a newer version no longer says it
    DELETED = "deleted"  # the source is gone; the quote is all that is left


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """As stored: what was quoted, from where, and the hash that keeps it honest."""

    id: str
    tenant: str
    space: str
    source: str
    source_title: str
    version: str
    version_number: int
    page: int | None
    start: int
    end: int
    quote: str
    quote_hash: str
    created_at: datetime
    created_by: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record as read now."""

    record: EvidenceRecord
    state: EvidenceState


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A source version as kept: its whole text and where its pages begin."""

    source: str
    title: str
    space: str
    version: str
    number: int
    text: str
    page_starts: tuple[int, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The page, from 1, that holds an offset; None where the format has no pages."""
        if not self.page_starts:
            return None
        return max(1, bisect_right(self.page_starts, offset))


def quote_hash(quote: str) -> str:
    return hashlib.sha256(quote.encode()).hexdigest()
