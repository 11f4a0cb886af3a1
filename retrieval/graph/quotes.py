"""The words of a passage that a statement rests on, by their place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from retrieval.graph.model import EntityKey
from retrieval.graph.names import light
from retrieval.sentences import sentences
from retrieval.terms import words

LONGEST: Final = 400  # code points of what is quoted


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` of a passage."""

    start: int
    end: int


class Spoken:
    """A passage's sentences with their words folded as names are, to look names up in."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._sentences: Sequence[tuple[Span, str]] = [
            (span, folded(text[span.start : span.end]))
            for start, end in sentences(text)
            for span in _pieces(text, start, end)
        ]

    def naming(self, *entities: EntityKey) -> Span:
        """The first sentence that names the most of these, in whole or by their last word."""
        wanted: Mapping[EntityKey, str] = {key: key.rpartition(" ")[2] for key in entities}

        def told(folded: str) -> tuple[int, int]:
            return (
                sum(f" {key} " in folded for key in wanted),
                sum(f" {last} " in folded for last in wanted.values()),
            )

        best = max(
            self._sentences,
            key=lambda one: (told(one[1]), -one[0].start),
            default=(Span(0, len(self._text)), ""),
        )[0]
        return Span(best.start, min(best.end, best.start + LONGEST))


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """A sentence as it is; one too long to be quoted, as a table is, by its lines."""
    if end - start <= LONGEST or "\n" not in text[start:end]:
        yield Span(start, end)
        return
    for line in text[start:end].splitlines(keepends=True):
        if line.strip():
            yield Span(start, start + len(line.rstrip()))
        start += len(line)


def folded(text: str) -> str:
    """The words of a text, each as names have it: a name's key stands in it between spaces."""
    return f" {' '.join(map(light, words(text)))} "
