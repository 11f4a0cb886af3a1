"""Spelling by an index of whole words, as a lexical index could keep them beside its terms.

A word that the reader's passages hold in no form is replaced by one letter's difference from what
they do hold. Both are asked in the scope: that a word is only in another space must neither offer
it nor let it pass for known.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final

import tantivy
from tantivy import Occur
from tantivy import Query as Clause

from retrieval.language import STOP_WORDS
from retrieval.model import Passage, Query, Scope
from retrieval.terms import MAX_QUERY_CHARACTERS, asked, indexed, words

SHORTEST: Final = 5  # letters; of shorter words, too many are one letter from another
MAX_CORRECTED: Final = 4  # words of a question
FEED: Final = 1_000  # passages between two commits, as the bench of the leg feeds it

_LETTERS: Final = (string.ascii_lowercase, "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "äöüßéèêàçñ")
_STOP: Final = frozenset[str]().union(*STOP_WORDS.values())
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Instead:
    """What was written, and what is searched for in its place."""

    written: str
    searched: str


class Spelling:
    """The words and the terms of some passages. ``scoped`` asks in the scope always; else, as the
    leg does, only where it leaves a passage out."""

    def __init__(self, passages: Sequence[Passage], *, scoped: bool = False) -> None:
        builder = tantivy.SchemaBuilder()
        for name in ("tenant", "space"):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        for name in ("words", "terms"):
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
        self._schema = builder.build()
        self._owners = frozenset((one.tenant, one.space) for one in passages)
        self._scoped = scoped
        index = tantivy.Index(self._schema)  # in memory
        writer = index.writer(64 << 20, 1)
        for number, passage in enumerate(passages, 1):
            said = words(f"{passage.context}\n{passage.text}")
            document = tantivy.Document()
            document.add_text("tenant", passage.tenant)
            document.add_text("space", passage.space)
            document.add_text("words", " ".join({word for word in said if word.isalpha()}))
            document.add_text("terms", " ".join(indexed(passage)))
            writer.add_document(document)
            if number % FEED == 0:
                writer.commit()
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def corrected(self, query: Query, *, scope: Scope) -> tuple[str, tuple[Instead, ...]]:
        """The text with each word that no passage of the scope has in any form replaced by one
        that some have; of several, by the one that most have.

        Names, which have a capital within a sentence, stay: that nothing mentions one is an answer.
        """
        count = self._counting(scope)
        found: list[Instead] = []

        def mended(match: re.Match[str]) -> str:
            written = match.group()
            if (
                len(found) == MAX_CORRECTED
                or len(written) < SHORTEST
                or written != written.lower()
                or written in _STOP
                or any(count("terms", term) for term in asked(Query(written)))
            ):
                return written
            near = [(count("words", other), other) for other in once(written)]
            times, nearest = max(near)
            if not times:
                return written
            found.append(Instead(written, nearest))
            return nearest

        head = _WORD.sub(mended, query.text[:MAX_QUERY_CHARACTERS])
        return head + query.text[MAX_QUERY_CHARACTERS:], tuple(found)

    def _counting(self, scope: Scope) -> Callable[[str, str], int]:
        """How many passages of the scope have a word or a term."""
        own = {(scope.tenant, space) for space in scope.spaces}
        if self._owners <= own and not self._scoped:
            return self._searcher.doc_freq
        spaces = [(Occur.Should, self._exactly("space", space)) for space in sorted(scope.spaces)]
        within = [
            (Occur.Must, self._exactly("tenant", scope.tenant)),
            (Occur.Must, Clause.boolean_query(spaces)),
        ]

        def count(field: str, value: str) -> int:
            if not self._searcher.doc_freq(field, value):
                return 0
            wanted = Clause.boolean_query([*within, (Occur.Must, self._exactly(field, value))])
            found = self._searcher.search(wanted, 1)
            return found.count or 0  # type: ignore[attr-defined]  # its types leave it out

        return count

    def _exactly(self, field: str, value: str) -> Clause:
        return Clause.term_query(self._schema, field, value, "basic")


def once(word: str) -> Set[str]:
    """Every word one edit away that begins alike; swapped neighbours are one edit."""
    letters = next((of for of in _LETTERS if word[1] in of), "")
    cut = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    found = {head + tail[1:] for head, tail in cut if tail}
    found |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cut if len(tail) > 1}
    for sign in letters:
        found.update(head + sign + tail[1:] for head, tail in cut if tail)
        found.update(head + sign + tail for head, tail in cut)
    found.discard(word)
    return found
