"""A Word document opens again with the structure that was written."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import docx
import pytest
from docx.oxml.ns import qn
from PIL import Image as Picture

from exporters import Brief, Image, Item, Reference, Span, TooDeep
from exporters.docx import DEEPEST, render


def paragraph(*spans: Span | str) -> Item:
    return Item("p", "paragraph", tuple(Span(s) if isinstance(s, str) else s for s in spans))


def item(*children: Item) -> Item:
    return Item("li", "list_item", children=children)


def listed(kind: str, *items: Item, start: int = 1) -> Item:
    return Item("l", kind, children=items, start=start)


def png() -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (4, 3), "red").save(out, "PNG")
    return out.getvalue()


BRIEF = Brief(
    "brf_1",
    "Q3 market \x00entry",
    (
        Item("h", "heading", (Span("Market"),), level=2),
        paragraph(
            "Revenue grew ", Span("12 %", bold=True), Span(cite="cit_a"), " & ",
            Span("more", href="https://example.org/?a=1&b=2"), Span(cite="cit_x"),
        ),
        listed("ordered_list", item(paragraph("third"),
               listed("bullet_list", item(paragraph("inner")))), start=3),
        listed("ordered_list", item(paragraph("first"))),
        Item("t", "table", children=(
            Item("r", "row", children=(
                Item("c", "cell", children=(paragraph("Head"),), header=True),
                Item("c", "cell", children=(paragraph("Two"),), header=True))),
            Item("r", "row", children=(
                Item("c", "cell", children=(paragraph("a"), paragraph("b"))),)))),
        Item("c", "code", (Span("one\ntwo"),)),
        Item("q", "quote", children=(paragraph("quoted"),)),
        Item("r", "rule"),
        Item("i", "image", image=Image("A chart", "image/png", png())),
        Item("i", "image", image=Image("Lost")),
        Item("i", "image", image=Image("Odd", "image/webp", b"not a picture")),
        Item("a", "action", (Span("Call Ana"),), owner="Ben", due=date(2026, 3, 1)),
    ),
    (Reference(1, "cit_a", "Study.pdf", "grew 12.1 %", 14, "ab" * 32),),
)  # fmt: skip


def test_it_opens_again_with_its_structure() -> None:
    """Headings, lists, tables, pictures and properties are Word's own."""
    made = docx.Document(io.BytesIO(render(BRIEF)))
    assert made.core_properties.title == "Q3 market entry"
    texts = [(one.style.name if one.style else "", one.text) for one in made.paragraphs]
    assert texts[0] == ("Title", "Q3 market entry")
    assert ("Heading 2", "Market") in texts
    assert ("List Number", "third") in texts
    assert ("List Bullet", "inner") in texts
    assert ("Code", "two") in texts
    assert ("Intense Quote", "quoted") in texts
    assert ("Normal", "☐ Call Ana (owner: Ben, due: 2026-03-01)") in texts
    assert ("Normal", "[Image: Lost]") in texts
    assert ("Normal", "[Image: Odd]") in texts
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows] == [
        ["Head", "Two"],
        ["a\nb", ""],
    ]
    assert len(made.inline_shapes) == 1
    assert texts[-1][1] == "[1] Study.pdf, page 14: “grew 12.1 %” (version abababababab)"


def test_citations_link_to_their_references() -> None:
    """A superscript number leads to a bookmark that exists; an unknown one leads nowhere."""
    made = docx.Document(io.BytesIO(render(BRIEF)))
    body = made.element.body
    anchors = [link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))]
    marks = [mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))]
    assert [anchor for anchor in anchors if anchor] == ["ref_1"] == marks
    assert "Revenue grew 12 %[1] & more[?]" in [one.text for one in made.paragraphs]
    targets = {one.target_ref for one in made.part.rels.values() if one.is_external}
    assert "https://example.org/?a=1&b=2" in targets


def test_each_list_numbers_for_itself() -> None:
    """A second list does not go on with the first one's numbers, and one may start at three."""
    made = docx.Document(io.BytesIO(render(BRIEF)))
    ids = {}
    for one in made.paragraphs:
        properties = one._element.pPr
        if properties is not None and properties.numPr is not None:
            ids[one.text] = properties.numPr.numId.val
    assert len({ids["third"], ids["first"], ids["inner"]}) == 3
    numbering = made.part.numbering_part.element
    starts = {
        number.numId: number.find(f".//{qn('w:startOverride')}").get(qn("w:val"))
        for number in numbering.num_lst
        if number.find(f".//{qn('w:startOverride')}") is not None
    }
    assert starts[ids["third"]] == "3"
    assert starts[ids["first"]] == "1"
    # Word refuses a file whose list definitions come after their uses.
    tags = [child.tag for child in numbering]
    first_use = tags.index(qn("w:num"))
    assert qn("w:abstractNum") not in tags[first_use:]


def test_every_part_is_sound_xml() -> None:
    import xml.dom.minidom

    with zipfile.ZipFile(io.BytesIO(render(BRIEF))) as file:
        for name in file.namelist():
            if name.endswith((".xml", ".rels")):
                xml.dom.minidom.parseString(file.read(name))


def nested(levels: int) -> Item:
    inner = paragraph("deep")
    for _ in range(levels):
        inner = Item("q", "quote", children=(inner,))
    return inner


def test_the_deepest_brief_is_written_and_one_deeper_is_refused() -> None:
    render(Brief("b", "t", (nested(DEEPEST),)))
    with pytest.raises(TooDeep):
        render(Brief("b", "t", (nested(DEEPEST + 2),)))
