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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from collab import Block, Projection
from collab.blocks import load
from collab.contents import clocks, mend, read
from collab.model import Update

WORD = r"\{\d+\.\d+\}"
CITE = r"cit_\d+\.\d+"


@dataclass(frozen=True, slots=True)
class Model:
    where: dict[str, str]  # word or citation → place
    deleted: set[str]  # "word@place"
    removed: set[str]  # places
    within: dict[str, str]  # place → the place around it

    @staticmethod
    def told(*crowds: dict[str, Any]) -> Model:
        """As the crowds tell it; the first moves the words of all, the others none."""
        model = Model({}, set(), set(), {})
        for told in reversed(crowds):
            model.where.update(told["where"])
            model.deleted.update(told["deleted"])
            model.removed.update(told["removed"])
            model.within.update(told["within"])
        return model

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
    return Counter(word for word, _ in placed(projection))


def placed(projection: Projection) -> list[tuple[str, str]]:
    """Each word and citation of a brief, with the place it is in."""
    return list(_words(projection.blocks))


def _words(blocks: Iterable[Block]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        place = str(block.attrs.get("made", "seed"))
        for word in re.findall(WORD, block.text):
            yield word, place
        for part in block.inline:
            if part.type == "citation":
                yield str(part.attrs["cite"]), place
        yield from _words(block.children)


def check(found: Counter[str], model: Model) -> None:
    """Nothing lost, nothing doubled, nothing that should be gone."""
    doubled = {word: count for word, count in found.items() if count > 1}
    assert not doubled, f"doubled: {doubled}"
    expected = model.expected()
    lost, risen = expected - found.keys(), found.keys() - expected
    assert not lost, f"{len(lost)} lost: {sorted(lost)[:20]}"
    assert not risen, f"{len(risen)} are there although they were deleted: {sorted(risen)[:20]}"


Saved: TypeAlias = tuple[str, bool, str, int]
"""A word, whether it was put or taken, in which place, and by which of its writer's changes."""


def waiting(updates: Sequence[Update]) -> set[str]:
    """The words in stored updates that build on something which has not come yet: whoever wrote
    that was not told it is saved, and brings it when they return."""
    rows = mend(updates)
    known = clocks(load(rows).get_state())
    texts = (row.decode("utf-8", "replace") for row in rows if not read(row).within(known))
    return {word for text in texts for word in re.findall(f"{WORD}|{CITE}", text)}


def check_saved(
    found: list[tuple[str, str]], unseen: set[str], model: Model, saved: Iterable[Saved]
) -> int:
    """Of what clients were told is saved, all is there; how many words that was.

    A word that its block's owner took along is where the owner's change is, which may be among
    those that wait (``unseen``). A deletion is of a word in one place: whoever had not seen it may
    have taken the word along to another, and what became of it there may not be in the store.
    """
    count = 0
    times = Counter(word for word, _ in found)
    pairs = set(found)
    for word, there, place, _ in saved:
        if there and model.alive(word):
            there_now = times[word] or word in unseen
            assert there_now == 1, f"{word} was called saved and is there {times[word]} times"
            count += 1
        elif not there and f"{word}@{place}" in model.deleted:
            assert (word, place) not in pairs, (
                f"that {word} was deleted in {place} was called saved;"
                f" it belongs to {model.where[word]}"
            )
            count += 1
    return count
