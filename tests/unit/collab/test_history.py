"""A document's versions as a chain: each is had again as it stood, and costs what it changed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pycrdt
import pytest

from collab.blocks import project, seed
from collab.contents import read
from collab.history import CHAIN, Link, replay, take, thin
from collab.model import Block, Inline, Projection
from collab.wire import integer

SEEDS = range(12)


class Writer:
    """People who edit one document at random, and delete about as much as they write."""

    def __init__(self, chance: random.Random, people: int = 2, blocks: int = 6) -> None:
        self.chance = chance
        first = seed("T", [paragraph(n) for n in range(blocks)])
        self.docs: list[pycrdt.Doc[Any]] = []
        for n in range(people):
            doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=n + 1)
            doc.apply_update(first)
            self.docs.append(doc)
        self.made = people * 1000

    @property
    def update(self) -> bytes:
        for doc in self.docs:
            for other in self.docs:
                if other is not doc:
                    doc.apply_update(other.get_update(doc.get_state()))
        return self.docs[0].get_update()

    def edit(self, times: int) -> None:
        for _ in range(times):
            doc = self.chance.choice(self.docs)
            title = doc.get("title", type=pycrdt.Text)
            body = doc.get("body", type=pycrdt.XmlFragment)
            count = len(body.children)
            match self.chance.randrange(10):
                case 0:
                    self.made += 1
                    at = self.chance.randrange(count + 1)
                    node = pycrdt.XmlElement("paragraph", {"id": f"n{self.made:09d}"})
                    body.children.insert(at, node)
                    node.children.append(pycrdt.XmlText("fresh words"))
                case 1 if count > 3:
                    del body.children[self.chance.randrange(count)]
                case 2:
                    title += self.chance.choice("abc")
                case 3 if len(title) > 2:
                    del title[0:1]
                case 4:
                    text = self.text(body)
                    text.format(0, min(3, len(text)), {"bold": {}})
                case 5 | 6 | 7:
                    text = self.text(body)
                    text.insert(self.chance.randrange(len(text) + 1), f"w{self.chance.random()} ")
                case _:
                    text = self.text(body)
                    if len(text) > 4:
                        at = self.chance.randrange(len(text) - 3)
                        del text[at : at + 3]

    def text(self, body: pycrdt.XmlFragment) -> pycrdt.XmlText:
        element = body.children[self.chance.randrange(len(body.children))]
        assert isinstance(element, pycrdt.XmlElement)
        text = element.children[0]
        assert isinstance(text, pycrdt.XmlText)
        return text


def paragraph(n: int, words: str = "Some words that stand for a sentence. ") -> Block:
    return Block(f"b{n:09d}", "paragraph", {}, (Inline("text", words),))


def session(chance: random.Random, versions: int) -> tuple[list[Link], list[Projection]]:
    """A chain from the first version on, and what the document said at each."""
    writer = Writer(chance)
    links: list[Link] = []
    said: list[Projection] = []
    for _ in range(versions):
        update = writer.update
        taken = take([update], chain_to(links, len(links) - 1))
        assert taken.after == project([update])
        assert taken.before == (said[-1] if said else None)
        links.append(taken.link)
        said.append(taken.after)
        writer.edit(chance.randrange(1, 25))
    return links, said


def chain_to(links: Sequence[Link], place: int) -> Sequence[Link]:
    """What is needed for the version at this place: from the last whole one on."""
    first = max((at for at in range(place + 1) if links[at].whole), default=0)
    return links[first : place + 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_version_is_had_again_as_it_stood(seed: int) -> None:
    """Random edits and deletions by two people: each link and those before it give its version."""
    links, said = session(random.Random(seed), versions=20)
    assert links[0].whole
    for place in range(len(links)):
        assert project([replay(chain_to(links, place))]) == said[place], (seed, place)


@pytest.mark.parametrize("seed", SEEDS)
def test_thinned_versions_leave_the_others_as_they_stood(seed: int) -> None:
    """Whichever versions go, each that is kept is had again from what is left."""
    chance = random.Random(seed)
    links, said = session(chance, versions=16)
    kept = sorted({len(links) - 1, *chance.sample(range(len(links)), 6)})
    begins = [place for place, link in enumerate(links) if link.whole]
    left: dict[int, Link] = {}
    for begin, end in zip(begins, [*begins[1:], len(links)], strict=True):
        chain = links[begin:end]
        keep = {place - begin for place in kept if begin <= place < end}
        changed = thin(chain, keep)
        assert set(changed) <= keep
        left |= {begin + at: changed.get(at, chain[at]) for at in keep}
    thinned = [left[place] for place in sorted(left)]
    for at, place in enumerate(kept):
        assert project([replay(chain_to(thinned, at))]) == said[place], (seed, place)


def test_a_version_without_the_first_of_its_chain_becomes_whole() -> None:
    """Where the whole one goes, the next that is kept takes its part."""
    writer = Writer(random.Random(1), blocks=200)
    first = take([writer.update]).link
    writer.edit(3)
    second = take([writer.update], [first]).link
    assert not second.whole
    changed = thin([first, second], {1})
    assert changed[1].whole
    assert project([replay([changed[1]])]) == project([writer.update])
    assert thin([first, second], {0, 1}) == {}


def test_a_chain_ends_after_so_many_links() -> None:
    """The version after ``CHAIN`` links is whole, the last of them is not."""
    writer = Writer(random.Random(2), blocks=400)
    chain = [take([writer.update]).link]
    for _ in range(CHAIN):
        writer.edit(1)
        chain.append(take([writer.update], chain).link)
    assert [link.whole for link in chain] == [True, *[False] * CHAIN]
    writer.edit(1)
    assert take([writer.update], chain).link.whole


def test_a_version_repeats_no_deletion() -> None:
    """After thousands of edits, a version of one more edit is as small as after none."""
    writer = Writer(random.Random(3), people=1, blocks=40)
    writer.edit(3_000)
    chain = [take([writer.update]).link]
    writer.edit(1)
    link = take([writer.update], chain).link
    assert len(link.update) < 200 < len(chain[0].update) / 50


def test_what_changed_and_changed_back_is_told() -> None:
    """Words typed and deleted again leave the same words, which is how nothing new is noticed."""
    writer = Writer(random.Random(4), people=1)
    chain = [take([writer.update]).link]
    text = writer.text(writer.docs[0].get("body", type=pycrdt.XmlFragment))
    text.insert(0, "typed")
    del text[0:5]
    taken = take([writer.update], chain)
    assert taken.before == taken.after


def test_a_character_cut_in_two_later_stands_whole_in_the_version_before() -> None:
    """An emoji that a later edit halves is whole in its own version and halved after."""
    emoji = seed("\N{GRINNING FACE}", [])
    (client,) = read(emoji).structs
    half = b"\0" + b"".join(map(integer, (1, client, 1, 1, 1)))  # deletes one unit of its two
    chain = [take([emoji]).link]
    chain.append(take([emoji, half], chain).link)
    assert project([replay(chain[:1])]).title == "\N{GRINNING FACE}"
    assert project([replay(chain)]).title == "\N{REPLACEMENT CHARACTER}"
