"""What an answer says while it is made, in order. One frozen value each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from backend.evidence.model import Evidence
from backend.ports import Usage
from retrieval.model import Hit, PassageId, Trace


class Kind(StrEnum):
    EXTRACTIVE = "extractive"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class Started:
    answer: str
    question: str
    model: str
    kind: Kind
    sources: int
    passages: int


@dataclass(frozen=True, slots=True)
class Retrieved:
    hits: tuple[Hit, ...]
    trace: Trace
    matched: Mapping[PassageId, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know that is no failure: a fallback, sources that disagree.

    After ``fell_back`` whatever ``Token`` showed so far is void.
    """

    code: str
    message: str
    sentences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """Live text of a model, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence, without its marks."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of a sentence whose quote was found in the stored text."""

    index: int
    evidence: Evidence
    passage: PassageId


@dataclass(frozen=True, slots=True)
class Finished:
    answer: str
    uncited: tuple[int, ...]
    usage: Usage | None
    timings: Mapping[str, float]  # milliseconds by stage


@dataclass(frozen=True, slots=True)
class Declined:
    """Not enough evidence: what was searched, what came nearest, and nothing invented."""

    answer: str
    reason: str
    legs: tuple[str, ...]
    sources: int
    passages: int
    nearest: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    answer: str
    code: str
    message: str
    remedy: str


AnswerEvent: TypeAlias = (
    Started | Retrieved | Notice | Token | Sentence | Cited | Finished | Declined | Failed
)
