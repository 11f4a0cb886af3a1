"""A question as it was typed, read: quoted words, field filters, and the rest. Pure.

    "net retention" title:report after:2024-03 how did it change?

Passages that hold quoted words in their order are ranked once more beside the others. They are all
that is found where the question is a quotation and nothing else, or says so: +"net retention". A
filter narrows the sources before anything is ranked. What only looks like a filter stays a word: an
unknown field, or one without a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from retrieval.errors import BadQuery
from retrieval.terms import MAX_QUERY_CHARACTERS, analyze, known, words

MAX_PHRASES: Final = 8  # quoted words beyond these are words like any other

MAX_PARTS: Final = 4  # of a question; more than these are a text, and are asked as one
PART_WORDS: Final = 2  # fewer ask nothing of their own

# None holds its own opening mark: a text of these alone would be read to its end from each.
_QUOTED = r'"(?P<{0}1>[^"\n]*)"|“(?P<{0}2>[^“”\n]*)”|„(?P<{0}3>[^„“”\n]*)[“”]|«(?P<{0}4>[^«»\n]*)»'
_FIELD: Final = re.compile(
    r"(?<![^\s(])(?P<field>title|source|after|before):"
    rf'(?:{_QUOTED.format("value")}|(?P<value>[^\s"“„«]+))',
    re.IGNORECASE,
)
_PHRASE: Final = re.compile(rf"(?P<must>(?<!\S)\+)?(?:{_QUOTED.format('words')})")
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_ENDS: Final = re.compile(r"(?<=\?)\s+|(?<=;)\s+")
_ASKS: Final = "what|how|why|when|who"
_BEGINS_AGAIN: Final = re.compile(
    rf"(?P<first>(?:{_ASKS}|where|which|is|are|was|were|do|does|did|can|will|has|have)\b.+?),?\s+and\s+"
    rf"(?P<second>(?:{_ASKS})\b.+)",
    re.IGNORECASE | re.DOTALL,
)
_WITHIN: Final = re.compile(rf"\s(?:{_ASKS}|where|which)\b", re.IGNORECASE)
_POINTS_BACK: Final = frozenset(
    (
        *("it", "its", "they", "them", "their", "he", "him", "his", "she", "her"),
        *("this", "that", "these", "those", "both"),
    )
)
_LEFT_OVER: Final = " \t\r\n?!.,;:()"
_LOOSE: Final = re.compile(r" (?=[?!.,;:)]+(?: |$))")


@dataclass(frozen=True, slots=True)
class Filters:
    """Where to look. A source fits when it fits each field that is there.

    ``titles`` and ``sources`` are alternatives among themselves. The moments bound when the
    source's current version came: at ``after`` or later, earlier than ``before``.
    """

    titles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    def __bool__(self) -> bool:
        return self != Filters()

    def fits(self, *, title: str, path: str, came: datetime) -> bool:
        """``title:`` wants its words in a title, in this order and any form; ``source:`` its
        letters anywhere in a title or a file's path."""
        if self.after is not None and came < self.after:
            return False
        if self.before is not None and came >= self.before:
            return False
        if self.titles:
            terms = analyze(title, "")
            if not any(_within(analyze(wanted, ""), terms) for wanted in self.titles):
                return False
        if self.sources:
            held = f"{title}\n{path}".casefold()
            return any(wanted.casefold() in held for wanted in self.sources)
        return True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question says. ``text`` is without its filters, ``written`` are these as typed.

    Passages with a ``preferred`` phrase are wanted before others, those without a ``required`` one
    not at all; ``strict`` says that the question asked for that with a plus.
    """

    text: str
    required: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    strict: bool = False
    filters: Filters = Filters()
    written: tuple[str, ...] = ()


def read(text: str, language: str = "en") -> Reading:
    """Read a question; raises BadQuery for a date that is none and for filters with no question.

    Quoted words that an index leaves out, such as "to be", are no phrase.
    """
    text = _sayable(text)
    begun, rest = text[:MAX_QUERY_CHARACTERS], text[MAX_QUERY_CHARACTERS:]
    fields: dict[str, list[str]] = {"title": [], "source": [], "after": [], "before": []}
    written: list[str] = []

    def take(match: re.Match[str]) -> str:
        value = " ".join(_said(match, "value").split())
        field = match["field"].lower()
        if not words(value):
            return match.group()
        bare = match["value"] or ""  # what ends the sentence or the bracket is no part of it
        ending = bare[len(bare.rstrip(_LEFT_OVER)) :]
        value = value.removesuffix(ending)
        fields[field].append(value)
        written.append(f'{field}:"{value}"' if " " in value else f"{field}:{value}")
        return f"{ending} "

    left = _FIELD.sub(take, begun)
    filters = Filters(
        tuple(fields["title"]),
        tuple(fields["source"]),
        max((_day("after", value) for value in fields["after"]), default=None),
        min((_day("before", value) for value in fields["before"]), default=None),
    )
    if not filters:
        left = begun
    elif not left.strip(_LEFT_OVER):
        # What a title says is what is looked for, too; a date says nothing of that.
        left = " ".join(fields["title"] + fields["source"])
        if not left:
            raise BadQuery(
                f"{' '.join(written)} says when, and not what to look for",
                "Add the words to search for.",
            )
    spoken = known(language)
    phrases: dict[str, bool] = {}
    for match in _PHRASE.finditer(left):
        phrase = " ".join(_said(match, "words").split())
        if analyze(phrase, spoken):
            phrases[phrase] = phrases.get(phrase, False) or match["must"] is not None
    strict = tuple(phrase for phrase, must in phrases.items() if must)[:MAX_PHRASES]
    others = tuple(phrase for phrase, must in phrases.items() if not must)
    others = others[: MAX_PHRASES - len(strict)]
    asked = _LOOSE.sub("", " ".join(left.split())) + rest if filters else text
    if others and not strict and not words(_PHRASE.sub(" ", left)):
        return Reading(asked, required=others, filters=filters, written=tuple(written))
    return Reading(asked, strict, others, bool(strict), filters, tuple(written))


def _sayable(text: str) -> str:
    """With U+FFFD for half a surrogate pair, which is no UTF-8: a command line can hold one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _said(match: re.Match[str], name: str) -> str:
    """The group that took part, of those that stand for one thing."""
    return next(
        (said for key, said in match.groupdict().items() if key.startswith(name) and said), ""
    )


def _day(field: str, value: str) -> datetime:
    """The beginning of a day, a month or a year in UTC."""
    match = _DAY.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        year, month, day = match.groups()
        return datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    except ValueError:
        raise BadQuery(
            f"{field}:{value} names no date",
            f"Write it as {field}:2024-03-31, {field}:2024-03 or {field}:2024.",
        ) from None


def _within(wanted: Sequence[str], terms: Sequence[str]) -> bool:
    return bool(wanted) and any(
        list(terms[at : at + len(wanted)]) == list(wanted) for at in range(len(terms))
    )


def unquoted(text: str) -> Iterator[tuple[int, int]]:
    """Where the parts of a text stand that are not quoted."""
    begin = 0
    for match in _PHRASE.finditer(text):
        yield begin, match.start()
        begin = match.end()
    yield begin, len(text)


def split(text: str) -> tuple[str, ...]:
    """The questions that a text asks, where it is more than one; else none.

    They end in a question mark or a semicolon, or begin again: "What is churn and how are prices
    set?" is two. What might be a clause of the one question is left in it, and so is what points
    back, "and how is it counted": alone it asks for nothing that can be found.
    """
    # Gaps made one space: of thousands in a row the pattern below would try every two.
    text = " ".join(text[:MAX_QUERY_CHARACTERS].split())
    parts = [part.strip() for part in _ENDS.split(text) if part.strip()]
    if len(parts) == 1:
        match = _BEGINS_AGAIN.fullmatch(parts[0])
        if match is not None and not _WITHIN.search(match["first"]):
            parts = [match["first"].strip(), match["second"].strip()]
    if not 1 < len(parts) <= MAX_PARTS:
        return ()
    if any(len(words(part)) < PART_WORDS for part in parts):
        return ()
    if any(_POINTS_BACK.intersection(words(part)) for part in parts[1:]):
        return ()
    return tuple(parts)
