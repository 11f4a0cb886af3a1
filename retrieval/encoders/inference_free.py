"""A sparse encoder that runs no model: a tokenizer, a count and a table.

Terms are the dense model's own sub-words, with case and leading space folded away. On the passage
side a term weighs its BM25-saturated count; on the query side its rarity in English, read from its
place in the vocabulary: byte-pair merges were learnt most frequent first, so the id is a frequency
rank. No statistics of the indexed passages enter, so a vector never goes stale.

As a third leg beside BM25 and the dense leg it has not helped on any collection measured (see
evals/README.md), so it is off unless a setting names it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer

from retrieval.errors import WeightsError
from retrieval.model import Side, SparseVector

FORMAT = 1
SATURATION = 1.2  # BM25's k1
LENGTH = 0.75  # BM25's b
USUAL_TOKENS = 200  # the length at which a passage is neither favoured nor penalised
STEEPNESS = 3  # of rarity over the logarithm of the rank; chosen on dev halves
_COMMON = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with what which who how when where does do did"
)
COMMON = frozenset(_COMMON.split(" "))


class InferenceFreeEncoder:
    """Satisfies ``SparseEncoder``. A query costs a tokenizer call (well under 0.1 ms)."""

    def __init__(self, tokenizer: Tokenizer, fingerprint: str) -> None:
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._fingerprint = fingerprint
        self._terms, self._rarity = _tables(tokenizer)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open over the tokenizer of a model's folder. Blocking (about 0.2 s)."""
        path = folder / "tokenizer.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise WeightsError(f"{path} is missing; run `./stratmaster setup`") from None
        digest = hashlib.sha256(content).hexdigest()[:16]
        return cls(Tokenizer.from_buffer(content), f"inference-free:{FORMAT}:{digest}")

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        return await asyncio.to_thread(lambda: [self._one(text, side) for text in texts])

    def _one(self, text: str, side: Side) -> SparseVector:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        counts = Counter(self._terms[id] for id in ids if id in self._terms)
        length = counts.total()
        if side is Side.QUERY:
            weights = {
                term: count * self._rarity[term]
                for term, count in counts.items()
                if self._rarity[term] > 0
            }
        else:
            norm = SATURATION * (1 - LENGTH + LENGTH * length / USUAL_TOKENS)
            weights = {
                term: count * (SATURATION + 1) / (count + norm) for term, count in counts.items()
            }
        indices = sorted(weights)
        return SparseVector(tuple(indices), tuple(weights[index] for index in indices))


def _tables(tokenizer: Tokenizer) -> tuple[Mapping[int, int], Mapping[int, float]]:
    """From token id to term, and from term to rarity between 0 and 1."""
    terms: dict[int, int] = {}
    rarity: dict[int, float] = {}
    first: dict[str, int] = {}
    vocabulary = tokenizer.get_vocab()
    most = math.log1p(max(vocabulary.values()))
    for token, id in sorted(vocabulary.items(), key=lambda item: item[1]):
        word = tokenizer.decode([id]).strip().lower()
        if "\N{REPLACEMENT CHARACTER}" in word:
            word = token  # part of a character of another script: a term as it is
        elif not any(letter.isalnum() for letter in word) or token.startswith("<"):
            continue
        term = first.setdefault(word, id)
        terms[id] = term
        if term == id:
            rarity[term] = 0.0 if word in COMMON else (math.log1p(id) / most) ** STEEPNESS
    return terms, rarity
