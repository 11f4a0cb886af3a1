"""Blocks: what the editor writes is read, and what is seeded the editor reads."""

from __future__ import annotations

from typing import Any

import pycrdt
import pytest

from collab.blocks import project, seed
from collab.contents import read
from collab.errors import CollabError
from collab.model import Block, Inline, Mark, Projection
from tests.yjs.peers import ask_node

BOLD, ITALIC = Mark("bold"), Mark("italic")
BLOCKS = (
    Block("aaaaaaaaa1", "heading", {"level": 2}, (Inline("text", "Überschrift 😀"),)),
    Block(
        "aaaaaaaaa2",
        "paragraph",
        {},
        (
            Inline("text", "Plain, "),
            Inline("text", "bold 😀", (BOLD,)),
            Inline("text", " both", (BOLD, ITALIC)),
            Inline("text", " and "),
            Inline("text", "a link", (Mark("link", {"href": "https://example.org/?a=1&b=2"}),)),
            Inline("citation", attrs={"cite": "cit_0011223344556677"}),
            Inline("text", " after"),
            Inline("hardBreak"),
            Inline("text", "next line"),
        ),
    ),
    Block(
        "aaaaaaaaa3",
        "orderedList",
        {"start": 3},
        (),
        (
            Block(
                "aaaaaaaaa4",
                "listItem",
                {},
                (),
                (
                    Block("aaaaaaaaa5", "paragraph", {}, (Inline("text", "one"),)),
                    Block(
                        "aaaaaaaaa6",
                        "bulletList",
                        {},
                        (),
                        (
                            Block(
                                "aaaaaaaaa7",
                                "listItem",
                                {},
                                (),
                                (Block("aaaaaaaaa8", "paragraph"),),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
    Block("aaaaaaaaa9", "codeBlock", {"language": "python"}, (Inline("text", "x = 1\n  y"),)),
    Block("aaaaaaaab1", "horizontalRule"),
    Block("aaaaaaaab2", "image", {"src": "/api/images/ab", "alt": "A chart", "width": 320}),
    Block(
        "aaaaaaaab3",
        "action",
        {"owner": "Ann", "due": "2026-12-01", "status": "doing"},
        (Inline("text", "Call them"),),
    ),
    Block(
        "aaaaaaaab4",
        "table",
        {},
        (),
        (
            Block(
                "aaaaaaaab5",
                "tableRow",
                {},
                (),
                (
                    Block(
                        "aaaaaaaab6",
                        "tableHeader",
                        {},
                        (),
                        (Block("aaaaaaaab7", "paragraph", {}, (Inline("text", "H"),)),),
                    ),
                    Block(
                        "aaaaaaaab8",
                        "tableCell",
                        {},
                        (),
                        (Block("aaaaaaaab9", "paragraph", {}, (Inline("text", "c"),)),),
                    ),
                ),
            ),
        ),
    ),
)


def as_prosemirror(block: Block) -> dict[str, Any]:
    node: dict[str, Any] = {"type": block.type, "attrs": {"id": block.id, **block.attrs}}
    content = [as_prosemirror(child) for child in block.children]
    for part in block.inline:
        if part.type == "text":
            leaf: dict[str, Any] = {"type": "text", "text": part.text}
            if part.marks:
                leaf["marks"] = [
                    {"type": m.type, **({"attrs": dict(m.attrs)} if m.attrs else {})}
                    for m in part.marks
                ]
        else:
            leaf = {"type": part.type, **({"attrs": dict(part.attrs)} if part.attrs else {})}
        content.append(leaf)
    return node | ({"content": content} if content else {})


def plain(node: Any) -> Any:
    """ProseMirror JSON without the defaults it spells out."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: plain(value) for key, value in node.items()}
    if "attrs" in found:
        found["attrs"] = {k: v for k, v in found["attrs"].items() if v is not None}
    if "marks" in found:
        found["marks"] = sorted(found["marks"], key=lambda mark: mark["type"])
    return {key: value for key, value in found.items() if value not in ({}, [])}


async def test_reads_what_the_editors_binding_writes() -> None:
    """A document of every node and mark, made by the binding, becomes exactly these blocks."""
    json = {"type": "doc", "content": [as_prosemirror(block) for block in BLOCKS]}
    made = (await ask_node("documents.mjs", given={"make": [json], "read": []}))["made"][0]
    read(bytes.fromhex(made))
    assert project([bytes.fromhex(made)]) == Projection("Título 😀", BLOCKS)


async def test_the_editors_binding_reads_what_is_seeded() -> None:
    """The seed becomes the same document in ProseMirror, valid by its schema, numbers included."""
    first = seed("A title", BLOCKS)
    read(first)
    answer = await ask_node("documents.mjs", given={"make": [], "read": [first.hex()]})
    (back,) = answer["read"]
    assert back["title"] == "A title"
    assert plain(back["doc"]["content"]) == plain([as_prosemirror(block) for block in BLOCKS])


def test_a_seed_comes_back() -> None:
    """What is seeded is what is read, with neighbouring runs of one text node."""
    assert project([seed("A title", BLOCKS)]) == Projection("A title", BLOCKS)


def test_a_seed_applied_twice_is_applied_once() -> None:
    """The same content gives the same bytes, so repeating it doubles nothing."""
    first = seed("T", BLOCKS)
    assert seed("T", BLOCKS) == first
    assert seed("U", BLOCKS) != first
    assert project([first, first]) == Projection("T", BLOCKS)


def test_the_unknown_is_kept() -> None:
    """Nodes and marks of a newer editor, and text where only blocks belong, are not hidden."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    body = doc.get("body", type=pycrdt.XmlFragment)
    body.children.append("loose")
    chart = body.children.append(pycrdt.XmlElement("chart", {"id": "c1", "x": 1.5, "on": True}))
    inner = chart.children.append(pycrdt.XmlElement("paragraph", {"id": "p1"}))
    text = inner.children.append(pycrdt.XmlText("marked"))
    text.format(0, 6, {"glow": {"hue": 3.0}})
    assert project([doc.get_update()]).blocks == (
        Block("", "paragraph", {}, (Inline("text", "loose"),)),
        Block(
            "c1",
            "chart",
            {"on": True, "x": "1.5"},
            (),
            (
                Block(
                    "p1", "paragraph", {}, (Inline("text", "marked", (Mark("glow", {"hue": 3}),)),)
                ),
            ),
        ),
    )


def test_a_document_nested_without_end_is_cut() -> None:
    """Blocks a thousand deep are read as far as anyone could have meant them."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    parent: Any = doc.get("body", type=pycrdt.XmlFragment)
    for _ in range(1000):
        parent = parent.children.append(pycrdt.XmlElement("blockquote"))
    depth, blocks = 0, project([doc.get_update()]).blocks
    while blocks:
        depth, blocks = depth + 1, blocks[0].children
    assert depth == 100


def test_a_damaged_store_says_so() -> None:
    """A stored update that cannot be read is named, with the way out."""
    with pytest.raises(CollabError, match=r"Stored update 1 \(3 bytes\).*backup"):
        project([seed("T", ()), b"\x01\x02\x03"])
