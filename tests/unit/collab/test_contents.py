"""Updates are read before they are applied: what passes here, every browser can read."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab.contents import clocks, read
from collab.errors import Malformed
from tests.yjs.peers import ask_node


def rich_document(seed: int) -> tuple[pycrdt.Doc[Any], list[bytes]]:
    """A document with every kind of content we use, and the updates that made it."""
    rng = random.Random(seed)
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=rng.randrange(1, 2**32))
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    title = doc.get("title", type=pycrdt.Text)
    body = doc.get("body", type=pycrdt.XmlFragment)
    for _ in range(20):
        match rng.randrange(5):
            case 0:
                # At an end or the start: the library counts bytes, and splits no character.
                title.insert(rng.choice([0, len(title)]), rng.choice(["a", "naïve ", "😀"]))
            case 1 if len(title):
                first = str(title)[0].encode()
                del title[0 : len(first)]
            case 2:
                node = body.children.append(pycrdt.XmlElement("heading", {"level": 2.0, "x": True}))
                node.children.append(pycrdt.XmlText("bold 😀 text"))
            case 3 if len(body.children):
                node = body.children[rng.randrange(len(body.children))]
                text = node.children[0]
                if isinstance(text, pycrdt.XmlText):
                    text.format(0, 4, {"bold": {}, "link": {"href": "https://example.org"}})
            case 4 if len(body.children) > 2:
                del body.children[0]
    return doc, updates


@pytest.mark.parametrize("seed", range(20))
def test_reads_how_far_an_update_reaches(seed: int) -> None:
    """The clocks read from a document's updates are those of the document."""
    doc, updates = rich_document(seed)
    assert dict(read(doc.get_update()).structs) == clocks(doc.get_state())
    reached: dict[int, int] = {}
    for update in updates:
        for client, end in read(update).structs.items():
            reached[client] = max(end, reached.get(client, 0))
    assert reached == clocks(doc.get_state())
    assert read(doc.get_update()).within(reached)


def test_knows_what_lies_beyond() -> None:
    """An update that builds on, or deletes, what is not there yet is not within what is known."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=7)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("t", type=pycrdt.Text)
    text += "ab"
    text += "c"
    del text[0:1]
    assert read(updates[0]).within({7: 2})
    assert not read(updates[1]).within({7: 2})
    assert read(updates[2]).within({7: 1})
    assert not read(updates[2]).within({})
    assert read(b"\x00\x00").empty


@pytest.mark.parametrize(
    ("what", "update"),
    [
        ("nothing", ""),
        ("bytes after the end", "0000ff"),
        ("a client id past 53 bits", "0101" + "ff" * 9 + "01" + "00040101740161" + "00"),
        ("a move, which Yjs has not", "01010500" + "0b" + "010174" + "00"),
        ("a shared type Yjs has not", "01010500" + "07" + "01" + "0174" + "07" + "00"),
        ("a struct of no length", "01010500" + "0000" + "00"),
        ("a format that is not JSON", "01010500" + "06" + "010174" + "0162" + "017b" + "00"),
        ("text that is not UTF-8", "01010500" + "04" + "010174" + "01ff" + "00"),
        ("values nested past the depth", "01010500" + "08" + "010174" + "01" + "7501" * 100 + "00"),
    ],
)
def test_refuses(what: str, update: str) -> None:
    """What the CRDT library would let pass, or a browser could not read, is Malformed."""
    with pytest.raises(Malformed):
        read(bytes.fromhex(update))


# The library's two ways: what it cannot decode, and what it cannot put into the document.
REFUSED = (ValueError, RuntimeError)


@settings(max_examples=300)
@given(st.integers(0, 5), st.randoms(use_true_random=False))
def test_damage_never_panics(seed: int, rng: random.Random) -> None:
    """A damaged update is refused here, or by the library with an error; it never aborts."""
    update = bytearray(rich_document(seed)[0].get_update())
    for _ in range(rng.randrange(1, 4)):
        update[rng.randrange(len(update))] = rng.randrange(256)
    try:
        read(bytes(update))
    except Malformed:
        return
    with suppress(*REFUSED):
        pycrdt.Doc().apply_update(bytes(update))


async def test_what_passes_yjs_can_read() -> None:
    """Of damaged updates, each one that is let in is one that Yjs reads too."""
    rng = random.Random(20261121)
    passed: list[bytes] = []
    tried = 0
    while len(passed) < 300:
        update = bytearray(rich_document(rng.randrange(50))[0].get_update())
        for _ in range(rng.randrange(1, 3)):
            update[rng.randrange(len(update))] = rng.randrange(256)
        tried += 1
        try:
            read(bytes(update))
            pycrdt.Doc().apply_update(bytes(update))
        except (Malformed, *REFUSED):
            continue
        passed.append(bytes(update))
    assert tried > len(passed)
    readable = await ask_node("apply.mjs", given=[update.hex() for update in passed])
    broken = [u.hex() for u, ok in zip(passed, readable, strict=True) if not ok]
    assert broken == []
