"""Updates that come in any order make the same document, as far as nothing is missing."""

from __future__ import annotations

import random
from typing import Any

import pycrdt
import pytest

from collab.blocks import load
from collab.contents import Contents, clocks, read, structs_of
from collab.model import Update
from collab.order import placeable
from collab.wire import integer

TITLE = "title"


def written(seed: int) -> list[Update]:
    """The updates of three people who type and delete, and hear of each other late; the first one
    is the document they began with."""
    rng = random.Random(seed)
    begun: pycrdt.Doc[Any] = pycrdt.Doc(client_id=1)
    begun.get(TITLE, type=pycrdt.Text).insert(0, "begun")
    updates = [begun.get_update()]
    peers = [_Peer(client) for client in (7, 8, 9)]
    for _ in range(60):
        peer = rng.choice(peers)
        late = rng.randint(peer.heard, len(updates))
        for update in updates[peer.heard : max(late, 1)]:
            peer.doc.apply_update(update)
        peer.heard = max(late, 1)
        peer.told.clear()
        title = peer.doc.get(TITLE, type=pycrdt.Text)
        if rng.random() < 0.3 and len(title) > 3:
            at = rng.randrange(len(title) - 2)
            del title[at : at + 2]
        else:
            title.insert(rng.randint(0, len(title)), rng.choice(["a", "bc", "def"]))
        updates += peer.told
    return updates


class _Peer:
    def __init__(self, client: int) -> None:
        self.doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=client)
        self.told: list[Update] = []
        self.heard = 0
        self.doc.observe(lambda event: self.told.append(event.update))


def made(updates: list[Update]) -> tuple[str, dict[int, int]]:
    doc = load(updates)
    return str(doc.get(TITLE, type=pycrdt.Text)), clocks(doc.get_state())


def made_of(updates: list[Update]) -> pycrdt.Doc[Any]:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def joined(*updates: Update) -> Update:
    """Updates of one client as Yjs merges them, with a gap where what lies between is missing;
    what the last one deletes is deleted."""
    pieces: list[bytes] = []
    client = begin = end = at = 0
    for update in updates:
        structs, at = structs_of(update)
        if not pieces:
            client, begin = structs[0].client, structs[0].clock
        elif structs[0].clock > end:
            pieces.append(b"\x0a" + integer(structs[0].clock - end))
        pieces += [struct.encoded for struct in structs]
        end = structs[-1].end
    head = b"".join(map(integer, (1, len(pieces), client, begin)))
    return b"".join((head, *pieces, updates[-1][at:]))


def reads(updates: list[Update]) -> list[tuple[Update, Contents]]:
    return [(update, read(update)) for update in updates]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_which_updates_come_makes_no_difference(seed: int) -> None:
    """Shuffled, some of them doubled, some merged with a gap: the document is the same."""
    rng = random.Random(seed)
    first, *rest = written(seed)
    whole = made([first, *rest])
    by_client: dict[int, list[Update]] = {}
    for update in rest:
        for client in read(update).structs:
            by_client.setdefault(client, []).append(update)
    merged = [
        joined(before, after)
        for own in by_client.values()
        for before, after in zip(own, own[2:], strict=False)
    ]
    come = rest + rng.choices(rest, k=10) + rng.sample(merged, 5)
    rng.shuffle(come)
    assert made([first, *come]) == whole


@pytest.mark.parametrize("seed", range(20))
def test_what_lacks_something_is_not_placed(seed: int) -> None:
    """Where updates are missing, the document is what it is of those that lack nothing, and stands
    where their clocks say."""
    rng = random.Random(seed)
    first, *rest = written(seed)
    come = [update for update in rest if rng.random() < 0.9]
    rng.shuffle(come)
    known = clocks(made_of([first]).get_state())
    sound: list[Update] = [first]
    left = come
    while ready := [update for update in left if read(update).ready(known)]:
        for update in ready[:1]:
            sound.append(update)
            left = [other for other in left if other is not update]
            known = clocks(made_of(sound).get_state())
    assert made([first, *come])[1] == known


def test_updates_that_build_on_each_other_are_taken_apart() -> None:
    """Two people who answered each other, each of whose changes came as one update with a gap: all
    but what lies behind the gaps is placed."""
    ann, bob = _Peer(7), _Peer(8)
    for n in range(4):
        writer, other = (ann, bob) if n % 2 == 0 else (bob, ann)
        title = writer.doc.get(TITLE, type=pycrdt.Text)
        title.insert(len(title), str(n))
        other.doc.apply_update(writer.told[-1])
    texts = [update for update in ann.told if read(update).structs.keys() == {7}]
    others = [update for update in bob.told if read(update).structs.keys() == {8}]
    assert len(texts) == len(others) == 2
    both = [joined(*texts), joined(*others)]
    assert not any(contents.ready({}) for _, contents in reads(both)[1:])
    doc = made_of(placeable(reads(both), {}))
    assert str(doc.get(TITLE, type=pycrdt.Text)) == "0123"
