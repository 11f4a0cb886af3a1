"""Text to the terms that are matched: the one analysis that indexing and asking share.

We analyse here rather than in an engine, so that every engine ranks the same terms and a hit can
say which words matched. Raise ANALYZER when a change makes other terms of the same text: indexes
made before it are then refused and remade.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

import Stemmer  # type: ignore[import-not-found]  # a compiled module without types

from retrieval.language import LANGUAGES, STOP_WORDS, UNDETERMINED
from retrieval.model import Passage, Query

ANALYZER: Final = "words-1"

MAX_QUERY_CHARACTERS: Final = 8_192  # of a question are read; a pasted document is not a question
MAX_QUERY_TERMS: Final = 128  # different words of it are looked up
MAX_TERM: Final = 64  # code points; longer "words" are encoded data, kept by their beginning

MAX_KEPT: Final = 65_536  # words of each language whose terms are kept, at about 150 bytes

_SNOWBALL = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ru": "russian"}
_local = threading.local()  # a stemmer keeps its word in itself: one for each thread

_CJK: Final = "\u2e80-\u2fdf\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED: Final = re.compile(f"[{_CJK}]")
_PLAIN: Final = re.compile(r"\d+(?:[.,]\d+)+|(?:[^\W\d_]\.){2,}|[^\W_]+(?:'[^\W_]+)*")
_TOKEN: Final = re.compile(  # the same, several times as slow, where some is written without spaces
    rf"(?P<cjk>[{_CJK}]+)"
    r"|(?P<number>\d+(?:[.,]\d+)+)"  # 12.1 is one term, not a 12 and a 1
    r"|(?P<acronym>(?:[^\W\d_]\.){2,})"  # U.S. is us
    rf"|(?P<word>(?:(?![{_CJK}])[^\W_])+(?:'(?:(?![{_CJK}])[^\W_])+)*)"
)
_THOUSANDS: Final = re.compile(r",(?=\d{3}(?!\d))")
_ELISION: Final = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'")
_CYRILLIC: Final = re.compile("[\u0400-\u04ff]")
_APOSTROPHES: Final = str.maketrans(
    {"’": "'", "ʼ": "'", "＇": "'", "\u00ad": None, "\u200b": None, "\u200c": None,
     "\u200d": None, "\u2060": None, "\ufeff": None}
)  # fmt: skip
_TRANSLATED: Final = re.compile(f"[{''.join(map(chr, _APOSTROPHES))}]")


def words(text: str) -> list[str]:
    """The words and figures of a text, folded, in order, before any is left out or stemmed."""
    folded = _folded(text)
    if not folded.isascii() and _UNSPACED.search(folded):
        return [word for match in _TOKEN.finditer(folded) for word in _cut(match)]
    return [
        token if token.isalnum() and len(token) <= MAX_TERM else _token(token)
        for token in _PLAIN.findall(folded)
    ]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text)
    if _TRANSLATED.search(text):
        text = text.translate(_APOSTROPHES)
    return text.casefold()


def _cut(match: re.Match[str]) -> Sequence[str]:
    token = match.group()
    if match.lastgroup != "cjk":
        return (_token(token),)
    return [token[i : i + 2] for i in range(max(1, len(token) - 1))]


def _token(token: str) -> str:
    if token.endswith("."):  # an acronym
        token = token.replace(".", "")
    elif "'" not in token:
        token = _THOUSANDS.sub("", token).replace(",", ".")
    return token[:MAX_TERM]


def analyze(text: str, language: str) -> list[str]:
    """The terms of a text in order: folded, without stop words, stemmed by Snowball.

    Where the language is not one of ours, no word is left out, Cyrillic words are stemmed as
    Russian and all others as English: tables and short notes are rarely guessed, and "figures"
    should still find "figure".
    """
    return _terms(words(text), language)


def _terms(words: Sequence[str], language: str) -> list[str]:
    return list(filter(None, map(_TERMS[known(language)].__getitem__, words)))


def words_of(passage: Passage) -> list[str]:
    """The words of a passage and of its headings."""
    return words(f"{passage.context}\n{passage.text}")


def indexed(passage: Passage, words: Sequence[str] | None = None) -> list[str]:
    """The terms a passage is found by: its headings and its words, each marked by language.

    Headings stand in the same field, once: they say what a passage is about as its words do, and
    a field of their own would want a weight tuned for each collection. ``words`` are those it
    holds, where whoever asks has them.
    """
    language = known(passage.language)
    terms = _terms(words_of(passage) if words is None else words, language)
    return [f"{language}:{term}" for term in terms]


def asked(query: Query) -> Counter[str]:
    """The terms a question looks for, in every language's form, and how often each was said.

    A passage holds marked terms of one language, so the forms never count twice. What is a stop
    word of the question's own language is left out of every form: "the" in a German report
    would be a rare word there.
    """
    text = query.text[:MAX_QUERY_CHARACTERS]
    own = known(query.language)
    spoken = STOP_WORDS.get(own, frozenset())
    counted = Counter(word for word in words(text) if word not in spoken)
    kept = islice(counted.items(), MAX_QUERY_TERMS)
    return Counter(form for word, times in kept for form in _forms(word) * times)


@lru_cache(maxsize=8_192)  # words of questions; about 4 MB
def _forms(word: str) -> tuple[str, ...]:
    """What passages of each language hold where they hold the word, marked as in ``indexed``."""
    again = words(word)  # folding may not end at once: "İ" becomes two signs
    return tuple(
        f"{language}:{term}"
        for language in (*LANGUAGES, UNDETERMINED)
        for term in _terms(again, language)
    )


def phrased(phrase: str) -> list[list[str]]:
    """The terms of a phrase in order, in each language's form; a passage may hold any of them.

    Words that an analysis leaves out are no part of the order: "state of the art" is held where
    "state art" would be.
    """
    text = phrase[:MAX_QUERY_CHARACTERS]
    forms = []
    for language in (*LANGUAGES, UNDETERMINED):
        terms = analyze(text, language)[:MAX_QUERY_TERMS]
        if terms:
            forms.append([f"{language}:{term}" for term in terms])
    return forms


def matched(query: Query, passage: Passage) -> list[str]:
    """Words of the question, as asked, that the passage is found by; in the question's order."""
    held = frozenset(indexed(passage))
    language = known(passage.language)
    spoken = STOP_WORDS.get(known(query.language), frozenset())
    found: dict[str, None] = {}
    for word in words(query.text[:MAX_QUERY_CHARACTERS]):
        if word not in spoken and any(f"{language}:{t}" in held for t in analyze(word, language)):
            found[word] = None
    return list(found)


def known(language: str) -> str:
    return language if language in STOP_WORDS else UNDETERMINED


class _Terms(dict[str, str]):
    """What a language makes of a word: its term, or nothing of a stop word. Kept as it is asked;
    a dict's own look-up takes a third of the time of a cached call, and a passage has hundreds."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._stop = STOP_WORDS.get(language, frozenset())

    def __missing__(self, word: str) -> str:
        bare = _ELISION.sub("", word) if self._language == "fr" else word
        term = "" if bare in self._stop else _term(bare, self._language)
        if len(self) >= MAX_KEPT:
            self.clear()
        self[word] = term
        return term


_TERMS: Final = {language: _Terms(language) for language in (*LANGUAGES, UNDETERMINED)}


def _term(word: str, language: str) -> str:
    if language == UNDETERMINED:
        language = "ru" if _CYRILLIC.search(word) else "en"
    stemmers = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(_SNOWBALL[language], 0)  # what we keep is enough
    stem: str = stemmers[language].stemWord(word)
    return _unaccented(stem) or word


def _unaccented(stem: str) -> str:
    """Latin, Greek and Cyrillic without marks, since people type them so; no other script."""
    if stem.isascii():
        return stem
    kept: list[str] = []
    for sign in unicodedata.normalize("NFD", stem):
        if unicodedata.combining(sign) and kept and kept[-1] < "\u0530":
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))
