"""Words that no passage holds, and those a letter away that some do. Pure.

A question's word that the reader's passages hold in no form is searched for with another letter,
too: of all words one edit away the one that most of these passages hold. Quoted words, names and
what looks like a code stay as they are written. Measured by ``python -m evals.understanding``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, Protocol, runtime_checkable

from retrieval.language import STOP_WORDS
from retrieval.model import Correction, Query, Scope, Understood
from retrieval.query import unquoted
from retrieval.terms import MAX_QUERY_CHARACTERS, asked, words

SHORTEST: Final = 5  # letters; of shorter words, too many are one letter from another
LONGEST: Final = 32  # letters; each is tried with some sixty others
MAX_CHECKED: Final = 64  # different words of a question
MAX_UNKNOWN: Final = 4  # of them; with more it is of another language or of nothing here

_LETTERS: Final = (string.ascii_lowercase, "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "äöüéèêàçñ")
_STOP: Final = frozenset[str]().union(*STOP_WORDS.values())
_RUN: Final = re.compile(r"\S+")
_CODE: Final = re.compile(r"[\d_@\\]|://|\w\.\w")
_WORD: Final = re.compile(r"[^\W\d_]+")


@runtime_checkable
class Spells(Protocol):
    """What knows the words of passages as they are written: the lexical leg."""

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        """Of each word that no passage of the scope holds in any form, the words of ``once`` that
        some hold, and how many do. Nothing when more than MAX_UNKNOWN are held in no form."""
        ...


def written(said: Sequence[str]) -> set[str]:
    """Of the words of a passage, those that another may be one letter from."""
    parted = {part for word in said if "'" in word for part in word.split("'")}
    return {
        word
        for word in parted.union(said)
        if SHORTEST - 1 <= len(word) <= LONGEST + 1 and word.isalpha()
    }


def checked(text: str) -> Mapping[str, str]:
    """The words of a question that may be misspelt: folded as ``written`` has them, and as typed.

    A capital makes a name, and that nothing mentions one is an answer.
    """
    found: dict[str, str] = {}
    for word, start, end in _doubtful(text):
        if len(found) == MAX_CHECKED:
            break
        found.setdefault(word, text[start:end])
    return found


def forms(word: str) -> Sequence[str]:
    """The terms by which passages are found that hold a word in any form."""
    return tuple(asked(Query(word)))


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


def chosen(
    near: Mapping[str, Mapping[str, int]], typed: Mapping[str, str]
) -> tuple[Correction, ...]:
    """For each word that one is near to, the one that most passages hold."""
    return tuple(
        Correction(typed[word], max(others, key=lambda other: (others[other], other)))
        for word, others in near.items()
        if others
    )


def corrected(text: str, corrections: Sequence[Correction]) -> str:
    """The text with each correction before what was typed: behind it, a dense leg gains less."""
    instead = {one.written: one.searched for one in corrections}
    said: list[str] = []
    done = 0
    for _, start, end in _doubtful(text):
        other = instead.get(text[start:end])
        if other is not None:
            said += [text[done:start], other, " ", text[start:end]]
            done = end
    return "".join([*said, text[done:]])


def meant(understood: Understood) -> str:
    """What was searched for without the words as typed beside their corrections."""
    text = understood.text
    for one in understood.corrections:
        text = text.replace(f"{one.searched} {one.written}", one.searched)
    return text


def _doubtful(text: str) -> Iterator[tuple[str, int, int]]:
    """The words that may be misspelt, folded, and where each stands."""
    for start, end in unquoted(text[:MAX_QUERY_CHARACTERS]):
        for run in _RUN.finditer(text, start, end):
            if _CODE.search(run.group()):
                continue
            for match in _WORD.finditer(text, run.start(), run.end()):
                said = match.group()
                if len(said) < SHORTEST or said != said.lower():
                    continue
                folded = words(said)  # of a script without spaces, several
                if len(folded) == 1 and len(folded[0]) <= LONGEST and folded[0] not in _STOP:
                    yield folded[0], match.start(), match.end()
