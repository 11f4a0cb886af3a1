"""What a brief must say after many have edited it at random, whatever befell them.

Each word is ``{client.number}`` and each citation ``cit_client.number``: written once, by one
change. A block is known by its ``made`` attribute, which is another where it was moved to or split
off; where a block's owner takes a word along, the word's place is the new block from then on, and
what others did to it in the old one is without effect, as it is in Yjs. So exactly the words whose
place stands, and that were not deleted there, are to be seen, once each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from collab import Block, Projection

WORD = r"\{\d+\.\d+\}"


@dataclass(frozen=True, slots=True)
class Model:
    where: dict[str, str]  # word or citation → place
    deleted: set[str]  # "word@place"
    removed: set[str]  # places
    within: dict[str, str]  # place → the place around it

    @staticmethod
    def told(by_node: dict[str, Any]) -> Model:
        """As the crowd in Node tells it."""
        return Model(
            by_node["where"],
            set(by_node["deleted"]),
            set(by_node["removed"]),
            by_node["within"],
        )

    def alive(self, word: str) -> bool:
        place: str | None = self.where[word]
        if f"{word}@{place}" in self.deleted:
            return False
        while place is not None:
            if place in self.removed:
                return False
            place = self.within.get(place)
        return True

    def expected(self) -> set[str]:
        return {word for word in self.where if self.alive(word)}


def held(projection: Projection) -> Counter[str]:
    """How often each word and citation is in a brief."""
    return Counter(_words(projection.blocks))


def _words(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield from re.findall(WORD, block.text)
        for part in block.inline:
            if part.type == "citation":
                yield str(part.attrs["cite"])
        yield from _words(block.children)


def check(found: Counter[str], model: Model) -> None:
    """Nothing lost, nothing doubled, nothing that should be gone."""
    doubled = {word: count for word, count in found.items() if count > 1}
    assert not doubled, f"doubled: {doubled}"
    expected = model.expected()
    lost, risen = expected - found.keys(), found.keys() - expected
    assert not lost, f"{len(lost)} lost: {sorted(lost)[:20]}"
    assert not risen, f"{len(risen)} are there although they were deleted: {sorted(risen)[:20]}"


def check_saved(found: Counter[str], model: Model, saved: Iterable[tuple[str, bool]]) -> int:
    """Of what clients were told is saved, all is there; how many words that was."""
    count = 0
    for word, there in saved:
        if there and model.alive(word):
            assert found[word] == 1, f"{word} was called saved and is there {found[word]} times"
            count += 1
        elif not there and not model.alive(word):
            assert found[word] == 0, f"that {word} was deleted was called saved"
    return count
