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
    SENTENCE = "sentence"  # a piece of a passage, and as one; but someone waits for it


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see. Engines apply it before ranking, never after.

    An empty ``spaces`` sees nothing. ``sources`` narrows further when it is not None, and so does
    ``passages``, which holds those that quoted words stand in. It narrows what may be found, not
    what may be seen: a graph still walks by way of the others.
    """

    tenant: str
    spaces: frozenset[str]
    sources: frozenset[SourceId] | None = None
    passages: frozenset[PassageId] | None = None

    @property
    def empty(self) -> bool:
        return (
            not self.spaces
            or (self.sources is not None and not self.sources)
            or (self.passages is not None and not self.passages)
        )

    def finds(self, passage: PassageId) -> bool:
        return self.passages is None or passage in self.passages

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
    """What one leg found, best first; equal scores stand in order of passage id.

    ``part`` is 0 for the whole question, else which of its parts this answers, from 1.
    """

    leg: str
    ranked: tuple[Ranked, ...]
    part: int = 0


@dataclass(frozen=True, slots=True)
class Contribution:
    """One run's share in a fused score. ``rank`` counts from 1; the shares add up to the score."""

    leg: str
    rank: int
    score: float
    amount: float
    part: int = 0


@dataclass(frozen=True, slots=True)
class Reranked:
    """What a second look made of a hit: its score there, and its rank (from 1) before it."""

    score: float
    before: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where else a hit's wording stands, to a word in fifty: as a passage has its place."""

    passage: PassageId
    source: SourceId
    title: str
    version: VersionHash
    page: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its fused score and where that came from.

    ``elsewhere`` are its twins among what was looked at, best first.

    ``paths`` tell in words how a leg that follows relations came to it. ``reranked`` is there when
    a reranker had the last word on the order.
    """

    passage: Passage
    score: float
    contributions: tuple[Contribution, ...]
    paths: tuple[str, ...] = ()
    reranked: Reranked | None = None
    elsewhere: tuple[Elsewhere, ...] = ()


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


class RerankState(StrEnum):
    RAN = "ran"
    SKIPPED = "skipped"  # the first look had left little open
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RerankTrace:
    """What a second look cost. It is taken where ``margin`` is below ``threshold``.

    ``margin`` is how far the best fused score is ahead of the next, as a share of it.
    """

    state: RerankState
    margin: float
    threshold: float
    passages: int
    milliseconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A word that no passage holds, and the one near it that is searched for, too."""

    written: str
    searched: str


@dataclass(frozen=True, slots=True)
class Understood:
    """How a question was read. ``text`` is what the legs were asked.

    ``phrases`` are the quoted words that a passage has to hold, ``preferred`` those that only lift
    it, ``filters`` the fields as written. ``note`` says why nothing could be found where that is
    certain, or that no passage holds the quotes. ``parts`` are the questions in it that were asked
    each by itself, too. ``corrections`` stand in the text before what they correct; ``unchecked``
    says why spelling was not looked at, where it could not be.
    """

    text: str
    phrases: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    note: str = ""
    parts: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened in one search: every leg named, the fusion, and the time by stage (ms)."""

    legs: tuple[LegTrace, ...]
    fusion: str
    stages: Mapping[str, float] = field(default_factory=dict)
    understood: Understood | None = None
    rerank: RerankTrace | None = None

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
