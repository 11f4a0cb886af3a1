"""What a document says while suggestions are pending."""

from __future__ import annotations

import json

import pycrdt

from collab.blocks import BODY, project
from collab.model import Block, Inline, Mark
from collab.suggestions import agreed, pending

ADA = {"id": "s1", "author": "ada", "name": "Ada", "kind": "person", "at": "", "color": ""}
BO = ADA | {"id": "s2", "author": "bo"}


def stamp(who: dict[str, str] = ADA, **more: object) -> str:
    return json.dumps({**who, **more})


def text(words: str, *marks: Mark) -> Inline:
    return Inline("text", words, marks)


def paragraph(id: str, *inline: Inline, **attrs: str) -> Block:
    return Block(id, "paragraph", attrs, inline)


def said(blocks: tuple[Block, ...]) -> list[str]:
    return [block.text or said(block.children)[0] for block in blocks]


def test_a_word_struck_out_in_part_is_one_run() -> None:
    """Whoever compares versions by words must not see another word where a part is struck out."""
    block = paragraph("a", text("compl"), text("aint", Mark("deletion", ADA)), text(" heard"))
    assert agreed([block])[0].inline == (text("complaint heard"),)
    bold = paragraph("a", text("a", Mark("bold")), text("b", Mark("deletion", ADA)))
    assert agreed([bold])[0].inline == (text("a", Mark("bold")), text("b"))


def test_pending_words_are_left_out_and_struck_ones_still_count() -> None:
    """What somebody would add is not yet said; what somebody would delete is still said."""
    block = paragraph(
        "a",
        text("Revenue grew "),
        text("12", Mark("deletion", ADA)),
        text("14", Mark("insertion", ADA)),
        text(" %."),
        Inline("citation", attrs={"cite": "c1", "deleted": stamp()}),
        Inline("citation", attrs={"cite": "c2", "inserted": stamp()}),
    )
    (read,) = agreed([block])
    assert read.text == "Revenue grew 12 %."
    assert [part.attrs for part in read.inline if part.type == "citation"] == [{"cite": "c1"}]
    assert all(part.marks == () for part in read.inline)
    assert pending([block]) == {"s1"}


def test_formatting_is_as_it_was_below_every_layer() -> None:
    """Formatting that two people suggested one over the other leaves what neither touched."""
    first = Mark("formatting", {**ADA, "before": json.dumps([{"type": "italic"}])})
    below = [
        {"type": "bold"},
        {"type": "formatting", "attrs": dict(first.attrs)},
    ]
    over = Mark("formatting", {**BO, "before": json.dumps(below)})
    (read,) = agreed([paragraph("a", text("so", Mark("underline"), over))])
    assert read.inline == (text("so", Mark("italic")),)


def test_whole_blocks_follow_their_attributes() -> None:
    """A block to be added is left out; one to be deleted, joined or changed is what it was."""
    before = {"type": "paragraph", "attrs": {"level": None}}
    read = agreed(
        [
            paragraph("a", text("stays"), deleted=stamp()),
            paragraph("b", text("new"), inserted=stamp()),
            paragraph("c", text("own"), joined=stamp(of="a")),
            Block("d", "heading", {"level": 2, "changed": stamp(before=before)}, (text("was"),)),
            Block(
                "l",
                "bulletList",
                {},
                (),
                (Block("i", "listItem", {"inserted": stamp()}, (), (paragraph("p", text("x")),)),),
            ),
        ]
    )
    assert [(block.type, block.text) for block in read] == [
        ("paragraph", "stays"),
        ("paragraph", "own"),
        ("paragraph", "was"),
    ]
    assert all(not set(block.attrs) & {"deleted", "joined", "changed"} for block in read)


def test_a_split_block_is_whole_however_often_it_is_split() -> None:
    """Parts return in reading order, parts of parts too, without what was typed into them."""
    read = agreed(
        [
            paragraph("a", text("one ")),
            paragraph("c", text("two "), split=stamp(of="a")),
            paragraph("n", text("new"), inserted=stamp()),
            paragraph(
                "b", text("typed ", Mark("insertion", BO)), text("three "), split=stamp(of="a")
            ),
            paragraph("d", text("four"), split=stamp(BO, of="b")),
            paragraph("e", text("homeless"), split=stamp(of="gone")),
        ]
    )
    assert said(read) == ["one two three four", "homeless"]


def test_split_list_items_are_one_item() -> None:
    """A list item that somebody would split is one item, and no empty one is left."""
    item = Block("i", "listItem", {}, (), (paragraph("p", text("one ")),))
    half = Block("j", "listItem", {"split": stamp(of="p")}, (), (paragraph("q", text("two")),))
    (read,) = agreed([Block("l", "bulletList", {}, (), (item, half))])
    assert said(read.children) == ["one two"]


def test_nonsense_is_no_suggestion_and_no_error() -> None:
    """Attributes that another client wrote wrongly hide nothing that was agreed on."""
    blocks = [
        paragraph("a", text("one"), split="{", changed="[]", joined="7"),
        paragraph("b", text("two"), split=stamp(of="b"), changed=stamp(before={"type": 3})),
        paragraph("c", text("three", Mark("formatting", {"before": "null"}))),
        paragraph("d", text("four", Mark("formatting", {"before": "[" * 9999})), split="[" * 9999),
    ]
    assert said(agreed(blocks)) == ["one", "two", "three", "four"]
    assert pending(blocks)


def test_without_suggestions_nothing_is_touched() -> None:
    """Blocks without suggestions are handed back as they are, unknown marks included."""
    blocks = (paragraph("a", text("one", Mark("sparkle", {"n": 1}))),)
    assert agreed(blocks) == blocks


def test_a_projection_says_what_is_agreed_on() -> None:
    """The words in a document's own format: marks over text and attributes of elements."""
    document: pycrdt.Doc[object] = pycrdt.Doc()
    body = document.get(BODY, type=pycrdt.XmlFragment)
    element = body.children.append(pycrdt.XmlElement("paragraph"))
    element.attributes["id"] = "a"
    run = element.children.append(pycrdt.XmlText("Costs never fell."))
    run.format(6, 12, {"insertion": ADA})
    added = body.children.append(pycrdt.XmlElement("paragraph"))
    added.attributes["inserted"] = stamp()
    added.children.append(pycrdt.XmlText("New."))
    read = project([document.get_update()])
    assert [block.text for block in read.blocks] == ["Costs fell."]
