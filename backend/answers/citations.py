"""From a model's stream to sentences with the numbers they cite. Pure and incremental.

What it says does not depend on how the stream was cut into pieces: a decision that needs the next
character waits for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARK = re.compile(
    r"[\[【]\s*\^?\s*(\d{1,4}(?:\s*[,;–—-]\s*\d{1,4})*)(?:†[^\]】\n]{0,40})?\s*[\]】]"
)
# What may yet become a mark: an opening bracket and nothing so far that a mark could not hold.
_UNFINISHED = re.compile(r"[\[【][\s\d^,;–—-]*(?:†[^\]】\n]{0,40})?\Z")
_LONGEST_MARK = 64
_OPENERS = "[【"
_STOPS = ".!?…。！？"
_WIDE_STOPS = "。！？"
_CLOSERS = "\"'”’»)*_"
_ENUMERATOR = re.compile(r"\s*(?:[-*•–]|#{1,6}|\(?\d{1,3}[.)])\s*\Z")
_LEADING = re.compile(r"\A\s*(?:(?:[-*•–]|#{1,6}|\(?\d{1,3}[.)])\s+)+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|no|fig|eq|dr|mr|mrs|ms|prof|inc|ltd|co|corp|st|sr|jr|"
    r"p|pp|vol|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|u\.s|u\.k)|\b[a-z])\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A whole sentence without its marks, and the numbers it cites, in order, each once."""

    text: str
    numbers: tuple[int, ...]


class Reader:
    """Reads a stream that cites passages 1 to ``given``; other numbers are dropped."""

    def __init__(self, given: int) -> None:
        self._given = given
        self._buffer = ""

    def feed(self, text: str) -> list[Read]:
        """Add a piece; the sentences it completed."""
        self._buffer += text.replace("\r\n", "\n").replace("\0", "")
        return self._take(final=False)

    def close(self) -> list[Read]:
        """The stream has ended, here or by a fault; what was left is the last sentence."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[Read]:
        found = []
        while (end := _sentence_end(self._buffer, final=final)) is not None:
            piece, self._buffer = self._buffer[:end], self._buffer[end:]
            read = self._read(piece)
            if read.text:
                found.append(read)
        return found

    def _read(self, piece: str) -> Read:
        numbers: list[int] = []
        for match in _MARK.finditer(piece):
            for number in _numbers(match[1]):
                if 1 <= number <= self._given and number not in numbers:
                    numbers.append(number)
        text = _LEADING.sub("", _MARK.sub("", piece))
        text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
        text = " ".join(text.split())
        text = re.sub(r"\s+([.,;:!?])", r"\1", text)
        # What is left of a line that held only marks, bullets or rules.
        if not any(character.isalnum() for character in text):
            text = ""
        return Read(text, tuple(numbers))


def _numbers(said: str) -> list[int]:
    """``1, 3-5`` → 1, 3, 4, 5. A range is only as long as a list could be."""
    found: list[int] = []
    for part in re.split(r"\s*[,;]\s*", said):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        if len(ends) == 2 and 0 <= ends[1] - ends[0] < 20:
            found.extend(range(ends[0], ends[1] + 1))
        else:
            found.extend(ends)
    return found


def _sentence_end(buffer: str, *, final: bool) -> int | None:
    """Where the first sentence of the buffer ends, its marks included; None to wait for more."""
    if not buffer:
        return None
    position = 0
    while position < len(buffer):
        character = buffer[position]
        if character == "\n" and buffer[:position].strip():
            end = _after_marks(buffer, position, final=final)
            if end is None:
                return None
            return end[0]
        if character in _STOPS:
            verdict = _stop(buffer, position, final=final)
            if verdict is None:
                return None
            if verdict > 0:
                return verdict
        position += 1
    return len(buffer) if final else None


def _stop(buffer: str, position: int, *, final: bool) -> int | None:
    """The end of the sentence that stops here, 0 where none does, None to wait."""
    end = position + 1
    while end < len(buffer) and buffer[end] in _STOPS + _CLOSERS:
        end += 1
    if end == len(buffer):
        return len(buffer) if final else None
    following = buffer[end]
    if (
        following not in _OPENERS
        and not following.isspace()
        and buffer[position] not in _WIDE_STOPS
    ):
        return 0
    before = buffer[:position]
    if buffer[position] == "." and (
        _ABBREVIATION.search(before) or _ENUMERATOR.match(buffer[:end])
    ):
        return 0
    after = _after_marks(buffer, end, final=final)
    if after is None:
        return None
    stop, marked = after
    following = buffer[stop:].lstrip()[:1]
    # "approx. 12" and "Acme Ltd. was" go on; a mark after the stop settles that it was one.
    if not marked and following.islower():
        return 0
    return stop


def _after_marks(buffer: str, position: int, *, final: bool) -> tuple[int, bool] | None:
    """Past the marks that follow, and whether there were any; None to wait for more."""
    end, marked = position, False
    while True:
        ahead = end
        while ahead < len(buffer) and buffer[ahead].isspace():
            ahead += 1
        if ahead == len(buffer):
            return (end, marked) if final else None
        if buffer[ahead] not in _OPENERS:
            return end, marked
        mark = _MARK.match(buffer, ahead)
        if mark is not None:
            end, marked = mark.end(), True
            # "[1]." after a newline, or a stop that stands behind its mark.
            if end < len(buffer) and buffer[end] in ".!?":
                end += 1
            elif end == len(buffer) and not final:
                return None
            continue
        rest = buffer[ahead:]
        if not final and len(rest) < _LONGEST_MARK and _UNFINISHED.match(rest):
            return None
        return end, marked
