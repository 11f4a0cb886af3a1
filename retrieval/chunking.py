"""A reading to passages. Pure; the work grows with the text and no faster.

We cut ourselves rather than with a splitting library: passages must follow the reading's blocks
(headings, tables, pages), carry what stands above them, and be exact stretches of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from retrieval.blocks import BlockKind, Reading, TextBlock
from retrieval.language import UNDETERMINED, guess
from retrieval.model import Passage, SourceId, VersionHash
from retrieval.sentences import sentences

CHUNKER: Final = "blocks-2"  # raise when the same reading would be cut elsewhere: `reindex` looks

# Sizes are words. A passage of about 200 answers one question, fits an encoder's 512 tokens with
# its headings, and leaves eight of them room in a prompt.
ENOUGH: Final = 180  # at the next block's end a passage of this size is closed
MOST: Final = 220  # a sentence that would go beyond this begins the next passage
HALF: Final = 90  # from here on a minor heading or a new page closes it
TAIL: Final = 50  # a shorter rest joins the passage before it, which may then have MOST + TAIL
LETTERS: Final = 10  # code points counted as a word where spaces are rare: CJK, base64, figures
MAJOR: Final = 2  # headings up to this level are never inside a passage
HEADER: Final = 200  # code points of a table's first row that its later parts carry along

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut: a sentence, a line, a row. Never longer than MOST."""

    start: int
    end: int
    size: int
    block: TextBlock
    last: bool  # of its block


@dataclass(slots=True)
class _Draft:
    units: list[_Unit] = field(default_factory=list)
    headings: tuple[str, ...] = ()
    size: int = 0

    def add(self, unit: _Unit) -> None:
        self.units.append(unit)
        self.size += unit.size


def cut(
    reading: Reading,
    *,
    tenant: str,
    space: str,
    source: SourceId,
    version: VersionHash,
    title: str,
) -> list[Passage]:
    """The passages of a version, in order; the same reading always makes the same ones.

    No passage crosses a heading of level 1 or 2. Sentences, lines of code and rows stay whole
    unless one alone exceeds MOST words. The later parts of a split table carry its first row
    among their headings.
    """
    language = reading.language if reading.language != UNDETERMINED else guess(reading.text)
    return [
        Passage(
            id=f"{source}.{version[:12]}.{ordinal:05d}",
            tenant=tenant,
            space=space,
            source=source,
            version=version,
            ordinal=ordinal,
            text=reading.text[draft.units[0].start : draft.units[-1].end],
            start=draft.units[0].start,
            end=draft.units[-1].end,
            title=title,
            headings=draft.headings,
            page=draft.units[0].block.page,
            last_page=draft.units[-1].block.page,
            language=language,
        )
        for ordinal, draft in enumerate(_drafts(reading))
    ]


def size(text: str) -> int:
    """Words, or a tenth of the code points where that is more."""
    return max(sum(1 for _ in _WORD.finditer(text)), -(-len(text) // LETTERS))


def _drafts(reading: Reading) -> list[_Draft]:
    sections = _sections(reading)
    return [draft for section in sections for draft in _packed(reading.text, section)]


@dataclass(frozen=True, slots=True)
class _Section:
    """What lies between two major headings, and the headings above it."""

    above: tuple[tuple[int, str], ...]
    blocks: tuple[TextBlock, ...]


def _sections(reading: Reading) -> Iterator[_Section]:
    """A heading with nothing under it is a section of its own: its words must be found too."""
    above: list[tuple[int, str]] = []
    inside: list[TextBlock] = []
    last: TextBlock | None = None  # the major heading that nothing has followed yet
    for block in reading.blocks:
        if not _major(block):
            inside.append(block)
            last = None
            continue
        if inside:
            yield _Section(tuple(above), tuple(inside))
            inside = []
        if last is not None and _level(block) <= _level(last):
            yield _Section(tuple(above[:-1]), (last,))
        above = [(level, text) for level, text in above if level < _level(block)]
        above.append((_level(block), _line(reading.text[block.start : block.end])))
        last = block
    if inside:
        yield _Section(tuple(above), tuple(inside))
    elif last is not None:
        yield _Section(tuple(above[:-1]), (last,))


def _packed(text: str, section: _Section) -> list[_Draft]:
    """Fill passages one after another; the closing rules stand in the constants above."""
    above = list(section.above)
    done: list[_Draft] = []
    draft = _Draft(headings=_texts(above))
    header = ""

    def close(*, with_heading: bool = False) -> None:
        nonlocal draft
        # A heading at the end belongs to what follows, which names it among its headings; one
        # that another of its level has displaced is named there no more, and stays.
        while (
            not with_heading
            and len(draft.units) > 1
            and (last := draft.units[-1].block).kind is BlockKind.HEADING
            and (_level(last), _line(text[last.start : last.end])) in above
        ):
            draft.units.pop()
        if draft.units:
            done.append(draft)
        draft = _Draft(headings=_texts(above))

    blocks = section.blocks
    alone = len(blocks) == 1 and _major(blocks[0])  # a section that is nothing but its heading
    for index, block in enumerate(blocks):
        row = block.kind is BlockKind.TABLE_ROW
        begins = row and (index == 0 or blocks[index - 1].kind is not BlockKind.TABLE_ROW)
        if begins:
            header = _line(text[block.start : block.end])[:HEADER]
            if draft.size and draft.size + _table(text, blocks, index) > MOST:
                close()
        if block.kind is BlockKind.HEADING:
            if draft.size >= HALF:
                close(with_heading=True)
            if not alone:
                above = [pair for pair in above if pair[0] < _level(block)]
                above.append((_level(block), _line(text[block.start : block.end])))
        elif draft.size >= HALF and block.page != draft.units[-1].block.page:
            close()
        for unit in _units(text, block):
            if draft.size and draft.size + unit.size > MOST:
                close(with_heading=block.kind is BlockKind.HEADING)
            if not draft.units:
                spoken = block.kind is BlockKind.HEADING and not alone
                inner = _texts(above[:-1] if spoken else above)
                draft.headings = inner
                if row and not (begins and unit.start == block.start) and header:
                    draft.headings = (*inner, header)
            draft.add(unit)
        # Whether anything follows a heading is not known yet, so it never closes by itself.
        full = draft.size >= ENOUGH and block.kind is not BlockKind.HEADING
        if full and not (row and _followed(blocks, index)):
            close()
    if draft.units:
        done.append(draft)
    return _joined(done)


def _joined(drafts: list[_Draft]) -> list[_Draft]:
    """The section's short rest joined to what stands before it."""
    if len(drafts) > 1 and drafts[-1].size < TAIL:
        rest, before = drafts[-1], drafts[-2]
        if before.size + rest.size <= MOST + TAIL:
            joined = replace(
                before, units=[*before.units, *rest.units], size=before.size + rest.size
            )
            return [*drafts[:-2], joined]
    return drafts


def _units(text: str, block: TextBlock) -> Iterator[_Unit]:
    if block.kind is BlockKind.CODE:
        spans: Sequence[tuple[int, int]] = [
            match.span() for match in re.finditer(r"[^\n]+", text[block.start : block.end])
        ]
    elif block.kind in (BlockKind.TABLE_ROW, BlockKind.HEADING):
        spans = [(0, block.end - block.start)]
    else:
        spans = sentences(text[block.start : block.end])
    pieces = [
        piece
        for start, end in spans
        for piece in _cut_long(text, block.start + start, block.start + end)
        if not text[piece[0] : piece[1]].isspace()
    ]
    for number, (start, end, words) in enumerate(pieces, 1):
        yield _Unit(start, end, words, block, number == len(pieces))


def _cut_long(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The stretch itself, or, where it exceeds MOST, pieces of it cut between words."""
    whole = size(text[start:end])
    if whole <= MOST:
        yield start, end, whole
        return
    begun, reached, words = start, start, 0
    for match in _WORD.finditer(text, start, end):
        first, last = match.span()
        if reached > begun and (words == MOST or last - begun > MOST * LETTERS):
            yield begun, reached, size(text[begun:reached])
            begun, words = first, 0
        while last - begun > MOST * LETTERS:  # a "word" longer than a passage
            middle = _between_signs(text, begun, begun + MOST * LETTERS)
            yield begun, middle, size(text[begun:middle])
            begun, words = middle, 0
        reached, words = last, words + 1
    if reached > begun:
        yield begun, reached, size(text[begun:reached])


def _between_signs(text: str, start: int, at: int) -> int:
    """A place at or shortly before ``at`` that does not part a letter from its marks."""
    for place in range(at, max(start + 1, at - 16), -1):
        sign = text[place] if place < len(text) else " "
        joined = unicodedata.combining(sign) or sign in "\u200d\ufe0f\u200c"
        if not joined and text[place - 1] != "\u200d":
            return place
    return at


def _table(text: str, blocks: Sequence[TextBlock], index: int) -> int:
    """The size of the table that begins here, counted no further than matters."""
    total = 0
    for block in blocks[index : index + MOST + 1]:
        if block.kind is not BlockKind.TABLE_ROW or total > MOST:
            break
        total += size(text[block.start : block.end])
    return total


def _followed(blocks: Sequence[TextBlock], index: int) -> bool:
    """Whether the next block is a row as well: a table is cut only when it must be."""
    return index + 1 < len(blocks) and blocks[index + 1].kind is BlockKind.TABLE_ROW


def _major(block: TextBlock) -> bool:
    return block.kind is BlockKind.HEADING and _level(block) <= MAJOR


def _level(block: TextBlock) -> int:
    return block.level if block.level is not None else 1


def _line(text: str) -> str:
    return " ".join(text.split())


def _texts(above: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in above)
