"""The values that travel through retrieval. All frozen; none knows an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

PassageId: TypeAlias = str
SourceId: TypeAlias = str
VersionHash: TypeAlias = str  # lowercase hex SHA-256 of the source's bytes


class Side(StrEnum):
    """Which side of the search a text stands on; encoders may treat them differently."""

    QUERY = "query"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see. Engines apply it before ranking, never after.

    An empty ``spaces`` sees nothing. ``sources`` narrows further when it is not None.
    """

    tenant: str
    spaces: frozenset[str]
    sources: frozenset[SourceId] | None = None

    @property
    def empty(self) -> bool:
        return not self.spaces or (self.sources is not None and not self.sources)

    def admits(self, *, tenant: str, space: str, source: SourceId) -> bool:
        return (
            tenant == self.tenant
            and space in self.spaces
            and (self.sources is None or source in self.sources)
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one source version; the unit of retrieval.

    ``start`` and ``end`` count Unicode code points in the version's stored text, and
    ``stored_text[start:end] == text`` holds exactly. ``page`` and ``last_page`` count from 1 and
    are None where the format has no pages. ``headings`` are the headings above it, outermost first.
    """

    id: PassageId
    tenant: str
    space: str
    source: SourceId
    version: VersionHash
    ordinal: int
    text: str
    start: int
    end: int
    title: str = ""
    headings: tuple[str, ...] = ()
    page: int | None = None
    last_page: int | None = None
    language: str = "en"

    @property
    def context(self) -> str:
        """Title and headings, one line each: what encoders and BM25 see beside the text."""
        return "\n".join(part for part in (self.title, *self.headings) if part)


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it goes to the legs."""

    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a run. Scores compare only within their run."""

    passage: PassageId
    score: float


@dataclass(frozen=True, slots=True)
class Run:
    """What one leg found, best first; equal scores stand in order of passage id."""

    leg: str
    ranked: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One leg's part in a fused score. ``rank`` counts from 1; the parts add up to the score."""

    leg: str
    rank: int
    score: float
    amount: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its fused score and where that came from.

    ``paths`` tell in words how a leg that follows relations came to it.
    """

    passage: Passage
    score: float
    contributions: tuple[Contribution, ...]
    paths: tuple[str, ...] = ()


class LegState(StrEnum):
    OK = "ok"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LegTrace:
    """What happened to one leg in one search. ``milliseconds`` is wall time."""

    leg: str
    state: LegState
    milliseconds: float
    found: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened in one search: every leg named, the fusion, and the time by stage (ms)."""

    legs: tuple[LegTrace, ...]
    fusion: str
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def degraded(self) -> tuple[LegTrace, ...]:
        return tuple(leg for leg in self.legs if leg.state is not LegState.OK)


@dataclass(frozen=True, slots=True)
class SearchResult:
    hits: tuple[Hit, ...]
    runs: tuple[Run, ...]
    trace: Trace


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Non-zero weights by vocabulary index, indices strictly ascending."""

    indices: Sequence[int]
    values: Sequence[float]
