"""What a passage says of whom, read without a model: by capitals, stop words and the title.

Names are runs of capitalised words; phrases are runs of two or three words between stop words,
kept where a text uses them twice. Where a script has no capitals, phrases, the title and what
stands in Latin letters remain. Reading one passage depends on that passage alone and takes time
in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from retrieval.graph.headers import without_headers
from retrieval.graph.model import EntityKey, Facts, Kind, Mention, Relation
from retrieval.graph.names import MAX_WORDS, key
from retrieval.language import STOP_WORDS
from retrieval.model import Passage
from retrieval.sentences import sentences

EXTRACTION: Final = "cooccurrence-2"  # 2 takes what heads a column for no name

MAX_CHARACTERS: Final = 20_000  # of a passage are read; chunks are a tenth of it
MAX_ENTITIES: Final = 96  # of a passage, the first ones; more are a table or an index of names
MAX_PER_SENTENCE: Final = 12  # of these every pair is related: 66 pairs at most
MAX_ASKED: Final = 64  # words of a question that names are looked for in
MAX_ASKED_CHARACTERS: Final = 2_000
MAX_TITLE: Final = 500  # code points of a title or heading
MAX_TITLE_WORDS: Final = MAX_WORDS  # a longer title is a sentence, and read as one

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W_]+)*")
_JOINS = re.compile(r"[ \u00a0]?(?:[-–&/]|[ \u00a0])[ \u00a0]?|\n")  # between words of one name
_INITIAL = re.compile(r"\. ?")
_FILE = re.compile(  # a source without a title is called as its file
    r"\.(?:pdf|docx?|pptx?|xlsx?|csv|tsv|txt|md|markdown|html?|json|xml|eml|epub|rtf|od[tps])$",
    re.I,
)
_BRACKETED = re.compile(r"\s*\([^()]*\)\s*$")
_ACRONYM = re.compile(r"\(\s*([^\W\d_a-z][^\W_]{1,9})\s*\)")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_HONORIFICS: Final = _set("st dr mr mrs ms jr sr prof")
_PARTICLES: Final = _set(
    "of the de la le du des del della di da do dos das van von der den ter zu zur y e et und & for "
    "al el bin ibn"
)
_CALENDAR: Final = _set(
    """january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday januar februar märz mai juni juli
    oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag janvier février
    mars avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo
    junio julio agosto septiembre octubre noviembre diciembre"""
)
_OPENERS: Final = _set(  # capital only because a sentence begins with them
    """now however meanwhile today later yet still although since despite according thus therefore
    moreover furthermore additionally finally first second third many several much another former
    unlike like given instead often sometimes initially originally currently recently eventually
    jedoch zudem heute derzeit laut trotz cependant toutefois selon malgré enfin además"""
)
_STOP: Final = frozenset[str]().union(*STOP_WORDS.values())


@dataclass(slots=True)
class _Word:
    text: str
    folded: str
    start: int
    end: int
    possessive: bool
    first: bool  # of its sentence

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def shouted(self) -> bool:
        return len(self.text) > 1 and self.text.isupper()


@dataclass(slots=True)
class _Found:
    names: dict[EntityKey, str] = field(default_factory=dict)
    times: dict[EntityKey, int] = field(default_factory=dict)
    subjects: set[EntityKey] = field(default_factory=set)
    relations: dict[Relation, None] = field(default_factory=dict)

    def mention(self, entity: EntityKey, name: str, *, subject: bool = False) -> bool:
        if entity not in self.names:
            if len(self.names) >= MAX_ENTITIES:
                return False
            self.names[entity] = " ".join(name.split())
        self.times[entity] = self.times.get(entity, 0) + 1
        if subject:
            self.subjects.add(entity)
        return True


def read(passage: Passage) -> Facts:
    """The entities a passage names and which of them it names in one sentence."""
    found = _Found()
    text = without_headers(passage.text[:MAX_CHARACTERS])
    stop = STOP_WORDS.get(passage.language, frozenset()) | STOP_WORDS["en"]
    for title in (passage.title, *passage.headings[-1:]):
        _title(found, title, stop)
    spoken = [_words(text, start, end) for start, end in sentences(text)]
    lower = {word.folded for words in spoken for word in words if not word.capital}
    named = {
        word.folded for words in spoken for word in words if word.capital and not word.first
    } | {word.casefold() for word in _WORD.findall(passage.title)}
    aliases = _aliases(text)
    twice = _repeated(spoken, text, stop)
    surnames = {  # "Lionel Messi" above, "Messi" below: the same
        entity.rpartition(" ")[2]: entity for entity in found.names if " " in entity
    }
    for words in spoken:
        here: dict[EntityKey, None] = {}
        for run in _runs(words, text, stop):
            if len(run) == 1 and not _single(run[0], lower, named):
                continue
            name = text[run[0].start : run[-1].end]
            if run[-1].possessive:
                name = name[:-2] if name[-2:-1] in "'’" else name
            entity = key(name)
            if len(run) == 1:
                entity = surnames.get(entity, entity)
            elif entity:
                surnames.setdefault(entity.rpartition(" ")[2], entity)
            if entity and found.mention(entity, name):
                here[entity] = None
        for entity, name in _phrases(words, text, stop):
            if entity in twice and found.mention(entity, name):
                here[entity] = None
        for one, other in combinations(sorted(list(here)[:MAX_PER_SENTENCE]), 2):
            found.relations[Relation(one, Kind.CO_OCCURS, other)] = None
    for short, long, name in aliases:
        if short in found.names and (long in found.names or found.mention(long, name)):
            found.relations[Relation(short, Kind.ALIAS, long)] = None
    return Facts.of(
        passage,
        mentions=tuple(
            Mention(entity, found.names[entity], found.times[entity], entity in found.subjects)
            for entity in sorted(found.names)
        ),
        relations=tuple(
            sorted(found.relations, key=lambda one: (one.subject, one.kind, one.object))
        ),
    )


def asked(text: str) -> list[EntityKey]:
    """The keys a question may mean, longest first: every run of its words that is not all stops.

    Short forms count as names only where they are written in capitals: "WHO", not "who".
    """
    words = _words(text, 0, min(len(text), MAX_ASKED_CHARACTERS))[:MAX_ASKED]
    found: dict[EntityKey, None] = {}
    for size in range(min(MAX_WORDS, len(words)), 0, -1):
        for at in range(len(words) - size + 1):
            run = words[at : at + size]
            if all(word.folded in _STOP and not word.shouted for word in run):
                continue
            if size > 1 and (run[0].folded in _STOP and run[-1].folded in _STOP):
                continue
            entity = key(text[run[0].start : run[-1].end])
            if entity:
                found[entity] = None
    return list(found)


def keys_in(text: str) -> frozenset[EntityKey]:
    """The keys that any run of a text's words makes: for telling which known names stand in it."""
    words = _words(text, 0, len(text))
    return frozenset(
        key(text[words[at].start : words[at + size].end])
        for at in range(len(words))
        for size in range(min(MAX_WORDS, len(words) - at))
    )


def _title(found: _Found, title: str, stop: frozenset[str]) -> None:
    title = _FILE.sub("", title[:MAX_TITLE])
    bare = _BRACKETED.sub("", title)
    for part, subject in ((bare, True), (title[len(bare) :], False)):
        words = _words(part, 0, len(part))
        if not words:
            continue
        if subject and len(words) <= MAX_TITLE_WORDS:
            entity = key(part)
            if entity:
                found.mention(entity, part.strip(), subject=True)
            continue
        for run in _runs(words, part, stop):
            name = part[run[0].start : run[-1].end]
            entity = key(name)
            if entity and (len(run) > 1 or run[0].folded not in stop):
                found.mention(entity, name)


def _words(text: str, start: int, end: int) -> list[_Word]:
    found: list[_Word] = []
    for match in _WORD.finditer(text, start, end):
        word = match.group()
        possessive = word[-2:] in ("'s", "’s", "'S", "’S")
        bare = word[:-2] if possessive else word
        found.append(
            _Word(
                bare,
                bare.casefold(),
                match.start(),
                match.end(),
                possessive,
                not found,
            )
        )
    return found


def _runs(words: list[_Word], text: str, stop: frozenset[str]) -> Iterator[list[_Word]]:
    """Capitalised words in a row; particles, figures and initials may stand between them."""
    run: list[_Word] = []
    held: list[_Word] = []  # particles that count only if a capital follows

    def whole() -> list[_Word]:
        """A capital article or stop word opens a sentence, not a name."""
        begun = 0
        while (
            begun < len(run)
            and not run[begun].shouted
            and (run[begun].folded in stop or (run[begun].first and run[begun].folded in _OPENERS))
        ):
            begun += 1
        return run[begun : begun + MAX_WORDS]

    for at, word in enumerate(words):
        if run:
            before = words[at - 1]
            gap = text[before.end : word.start]
            joined = (
                _JOINS.fullmatch(gap) is not None
                or (
                    _INITIAL.fullmatch(gap) is not None
                    and (len(before.text) == 1 or before.folded in _HONORIFICS)
                )
                or (gap == " " and before.text.endswith("."))
            )
            if not joined or before.possessive:
                if kept := whole():
                    yield kept
                run, held = [], []
        if word.capital and word.folded not in _CALENDAR:
            # "In" within a run of capitals is a headline's; before one it opens the sentence.
            run.extend(held)
            run.append(word)
            held = []
        elif run and word.text.isdigit() and not held:
            run.append(word)
        elif run and word.folded in _PARTICLES and len(held) < 2:
            held.append(word)
        else:
            if run and (kept := whole()):
                yield kept
            run, held = [], []
    if run and (kept := whole()):
        yield kept


def _single(word: _Word, lower: set[str], named: set[str]) -> bool:
    """Whether one capitalised word is a name: not where it merely opens a sentence."""
    if word.folded in _STOP and not word.shouted:
        return False
    if len(word.text) < 2:
        return False
    if word.shouted or any(sign.isdigit() for sign in word.text):
        return True
    return not word.first or (word.folded in named and word.folded not in lower)


def _phrases(
    words: list[_Word], text: str, stop: frozenset[str]
) -> Iterator[tuple[EntityKey, str]]:
    run: list[_Word] = []
    for at, word in enumerate([*words, None]):
        fits = (
            word is not None
            and not (word.capital and not word.first)
            and word.folded not in stop
            and len(word.text) > 2
            and word.text.isalpha()
        )
        broken = bool(run) and word is not None and text[words[at - 1].end : word.start] not in " -"
        if not fits or broken:
            if 2 <= len(run) <= 3:
                name = text[run[0].start : run[-1].end]
                entity = key(name)
                if entity:
                    yield entity, name
            run = []
        if fits and word is not None:
            run.append(word)


def _repeated(spoken: list[list[_Word]], text: str, stop: frozenset[str]) -> set[EntityKey]:
    once: set[EntityKey] = set()
    twice: set[EntityKey] = set()
    for words in spoken:
        for entity, _ in _phrases(words, text, stop):
            (twice if entity in once else once).add(entity)
    return twice


def _aliases(text: str) -> list[tuple[EntityKey, EntityKey, str]]:
    """Short forms in brackets after what they are short for: "European Central Bank (ECB)"."""
    found = []
    for match in _ACRONYM.finditer(text):
        short = match.group(1)
        letters = [sign for sign in short.rstrip("s").casefold() if sign.isalpha()]
        if len(letters) < 2 or sum(sign.isupper() for sign in short) < 2:
            continue
        begin = max(0, match.start() - 160)
        before = list(_WORD.finditer(text, begin, match.start()))
        at = len(before)
        left = list(letters)
        while left and at:
            at -= 1
            word = before[at].group().casefold()
            if word[0] == left[-1]:
                left.pop()
            elif word not in _PARTICLES and word != "and":
                break
        if left:
            continue
        name = text[before[at].start() : match.start()].strip()
        one, other = key(short), key(name)
        if one and other and one != other:
            found.append((one, other, name))
    return found
