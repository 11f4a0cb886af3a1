"""Names to keys: the one folding that extraction and linking share.

Raise NAMES when a change makes other keys of the same names: graphs made before it are remade.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from retrieval.graph.model import EntityKey
from retrieval.terms import analyze, words

NAMES: Final = "names-1"

MAX_WORDS: Final = 8  # of a name; longer runs of capitals are headlines
_VOWEL = re.compile("[aeiouy]")
ARTICLES: Final = frozenset(["the", "a", "an", "der", "die", "das", "le", "les"])  # not Los, La


def key(name: str) -> EntityKey:
    """NFKC, casefolded, without a leading article, accents and plural or genitive endings.

    Empty where the name has no letter. Cyrillic words are stemmed, since Russian names inflect.
    """
    found = words(name)
    while len(found) > 1 and found[0] in ARTICLES:
        del found[0]
    if not any(sign.isalpha() for word in found for sign in word):
        return ""
    return " ".join(light(word) for word in found[:MAX_WORDS])


@lru_cache(maxsize=100_000)  # words; about 15 MB
def light(word: str) -> str:
    """One folded word without its accents, possessive and plural."""
    if "\u0400" <= word[:1] <= "\u04ff":
        return (analyze(word, "ru") or [word])[0]
    word = word.removesuffix("'s").removesuffix("'")
    bare = "".join(
        sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign)
    )
    # "ies" to "y" and "s" off: figures, cities; not glass, status, analysis, and not DHHS.
    if len(bare) > 4 and bare.endswith("ies"):
        return bare[:-3] + "y"
    if len(bare) > 3 and bare.endswith("s") and bare[-2] not in "sui" and _VOWEL.search(bare):
        return bare[:-1]
    return unicodedata.normalize("NFC", bare) or word
