"""Versions of a document as a chain: one whole, then for each what came since the one before.

A link carries the structs that are new and the deletions that are new. Yjs itself would repeat
every deletion ever made in each of them, which after a day of writing is most of what they weigh.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pycrdt

from collab.blocks import load, read_document
from collab.contents import mend, split
from collab.model import Projection, Update
from collab.wire import Reader, integer

CHAIN = 50  # links after a whole one; so many are applied to show a version

Runs: TypeAlias = dict[int, list[tuple[int, int]]]
"""For each client, from where to where it is deleted: ascending, apart from each other."""

Stand: TypeAlias = tuple[bytes, Runs]
"""How far a document is: its state vector, and what is deleted of it."""


@dataclass(frozen=True, slots=True)
class Link:
    """One version, stored: compressed, and ``whole`` where it needs none before it."""

    packed: bytes
    whole: bool

    @property
    def update(self) -> Update:
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True)
class Taken:
    """A version just taken, and what the document and the version before it say."""

    link: Link
    after: Projection
    before: Projection | None


def take(updates: Sequence[Update], chain: Sequence[Link] = ()) -> Taken:
    """The version that a document of these updates is, after the chain's last one.

    Takes as long as the document is large; call it in a thread.
    """
    document = load(mend(updates))
    after = read_document(document)
    if not chain:
        return Taken(_whole(document), after, None)
    last = _document(chain)
    return Taken(_link(document, _stand(last), chain), after, read_document(last))


def replay(chain: Sequence[Link]) -> Update:
    """The document as the chain's last version has it, as one update.

    Takes as long as the document is large; call it in a thread.
    """
    return _document(chain).get_update()


def thin(chain: Sequence[Link], keep: Collection[int]) -> Mapping[int, Link]:
    """What the links kept, by their places in the chain, have to become when the others go.

    Only those that change are given. The chain begins with a whole one. Call it in a thread.
    """
    changed: dict[int, Link] = {}
    document: pycrdt.Doc[Any] = pycrdt.Doc()
    last: Stand | None = None
    behind = False  # whether the link before this one goes
    for place, update in enumerate(mend([link.update for link in chain])):
        document.apply_update(update)
        if place not in keep:
            behind = True
            continue
        if behind and not chain[place].whole:
            changed[place] = (
                _whole(document) if last is None else Link(_pack(_since(document, last)), False)
            )
        behind, last = False, _stand(document)
    return changed


def _document(chain: Sequence[Link]) -> pycrdt.Doc[Any]:
    return load(mend([link.update for link in chain]))


def _whole(document: pycrdt.Doc[Any]) -> Link:
    return Link(_pack(document.get_update()), whole=True)


def _link(document: pycrdt.Doc[Any], last: Stand, chain: Sequence[Link]) -> Link:
    """What came since; the whole where the chain is long, or weighs more than a whole one."""
    packed = _pack(_since(document, last))
    since = [len(link.packed) for link in chain[1:]] + [len(packed)]
    if len(since) > CHAIN or sum(since) > len(chain[0].packed):
        whole = _whole(document)
        if len(since) > CHAIN or sum(since) > len(whole.packed):
            return whole
    return Link(packed, whole=False)


def _stand(document: pycrdt.Doc[Any]) -> Stand:
    # A snapshot is what is deleted, then the state vector.
    deleted = _runs(Reader(pycrdt.Snapshot.from_doc(document).encode()))
    return document.get_state(), deleted


def _since(document: pycrdt.Doc[Any], last: Stand) -> Update:
    state, known = last
    structs, deleted = split(document.get_update(state))
    return structs + _written(_without(_runs(Reader(deleted)), known))


def _pack(update: Update) -> bytes:
    return zlib.compress(update, 6)


def _runs(reader: Reader) -> Runs:
    runs: Runs = {}
    for _ in range(reader.integer()):
        client = reader.integer()
        found = runs.setdefault(client, [])
        for _ in range(reader.integer()):
            begin = reader.integer()
            found.append((begin, begin + reader.integer()))
        found.sort()
    return runs


def _without(runs: Runs, known: Runs) -> Runs:
    """The parts of ``runs`` that are not in ``known``."""
    left: Runs = {}
    for client, found in runs.items():
        others = known.get(client, [])
        ends = [end for _, end in others]
        for begin, end in found:
            for at in range(bisect_right(ends, begin), len(others)):
                if others[at][0] >= end:
                    break
                if others[at][0] > begin:
                    left.setdefault(client, []).append((begin, others[at][0]))
                begin = max(begin, others[at][1])
            if begin < end:
                left.setdefault(client, []).append((begin, end))
    return left


def _written(runs: Runs) -> bytes:
    out = bytearray(integer(len(runs)))
    for client, found in runs.items():
        out += integer(client) + integer(len(found))
        for begin, end in found:
            out += integer(begin) + integer(end - begin)
    return bytes(out)
