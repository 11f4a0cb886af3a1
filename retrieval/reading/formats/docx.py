"""Word documents: the body in order, with styles telling what each paragraph is.

The tree is walked by hand: python-docx's own paragraphs leave out insertions under review, content
controls and whatever stands inside them, which would lose text without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement

from retrieval.blocks import BlockKind
from retrieval.reading import refusals
from retrieval.reading.draft import Draft
from retrieval.reading.formats import Progress
from retrieval.reading.tables import add_table

_P, _TBL, _TR, _TC, _T = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:t")
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# Text moved away shows at its new place; a fallback repeats what stands beside it.
_LEFT_OUT = frozenset(
    {qn("w:moveFrom"), qn("w:del"), qn("w:txbxContent"), qn("w:instrText"), qn("w:pPr")}
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_NOTES = (("/footnotes", "Footnote"), ("/endnotes", "Endnote"))


def read(path: Path, draft: Draft, progress: Progress) -> None:
    document = docx.Document(str(path))
    properties = document.core_properties
    draft.title = properties.title or None
    body = document.element.body
    # Styles are named in the language of the program; python-docx gives built-in ones in English.
    styles = {style.style_id: style for style in document.styles}
    kinds = {name: _of_style(style) for name, style in styles.items()}
    _walk(body, draft, kinds, 0)
    for box in body.iter(qn("w:txbxContent")):
        if not any(above.tag.endswith("}Fallback") for above in box.iterancestors()):
            for paragraph in box.iter(_P):
                draft.add(BlockKind.PARAGRAPH, _text(paragraph))
    for relation in document.part.rels.values():
        for ending, name in _NOTES:
            if relation.reltype.endswith(ending) and not relation.is_external:
                _add_notes(parse_xml(relation.target_part.blob), draft, name)
        if relation.reltype.endswith(("/oleObject", "/package")) and not relation.is_external:
            draft.skip(str(relation.target_part.partname), "an embedded file; add it by itself")
    pictures = sum(1 for _ in body.iter(qn("w:drawing")))
    if pictures:
        draft.skip("pictures", f"{pictures} pictures or drawings hold no text we read")
    if any(True for _ in body.iter(qn("w:del"), qn("w:ins"))):
        draft.warn("Changes under review are read as if accepted")
    progress(1, 1)


def _walk(
    parent: BaseOxmlElement,
    draft: Draft,
    kinds: dict[str, tuple[BlockKind, int | None]],
    depth: int,
) -> None:
    if depth > draft.limits.depth:
        raise refusals.too_deep(draft.name, draft.limits.depth)
    for child in parent:
        if child.tag == _P:
            _add_paragraph(child, draft, kinds)
        elif child.tag == _TBL:
            _add_table(child, draft)
        elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")):
            _walk(child, draft, kinds, depth + 1)


def _add_paragraph(
    paragraph: BaseOxmlElement, draft: Draft, kinds: dict[str, tuple[BlockKind, int | None]]
) -> None:
    text = _text(paragraph)
    if not text.strip():
        return
    kind, level = BlockKind.PARAGRAPH, None
    style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    if style is not None:
        kind, level = kinds.get(str(style.get(qn("w:val"))), (kind, level))
    outline = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
    if outline is not None and (value := int(outline.get(qn("w:val"), 9))) < 6:
        kind, level = BlockKind.HEADING, value + 1
    numbering = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
    if kind is not BlockKind.HEADING and numbering is not None:
        depth = numbering.find(qn("w:ilvl"))
        kind, level = (
            BlockKind.LIST_ITEM,
            int(depth.get(qn("w:val"), 0)) + 1 if depth is not None else 1,
        )
    if kind is BlockKind.LIST_ITEM:
        text = f"• {text.strip()}"
    draft.add(kind, text, level=level)


def _of_style(style: Any) -> tuple[BlockKind, int | None]:
    for _ in range(10):  # a style may be based on itself, in a circle
        if style is None:
            break
        name = (style.name or "").lower()
        if found := _HEADING.fullmatch(name):
            return BlockKind.HEADING, min(int(found[1]) or 1, 6)
        if name == "title":
            return BlockKind.HEADING, 1
        if name.startswith("list") and not name.startswith("list table"):
            digits = re.search(r"\d", name)
            return BlockKind.LIST_ITEM, int(digits[0]) if digits else 1
        if name == "caption":
            return BlockKind.CAPTION, None
        style = getattr(style, "base_style", None)
    return BlockKind.PARAGRAPH, None


def _text(element: BaseOxmlElement) -> str:
    return "".join(_pieces(element))


def _pieces(element: BaseOxmlElement) -> Iterator[str]:
    for child in element:
        if child.tag == _T:
            yield child.text or ""
        elif child.tag in _BREAKS:
            yield _BREAKS[child.tag]
        elif child.tag not in _LEFT_OUT:
            yield from _pieces(child)


def _add_table(table: BaseOxmlElement, draft: Draft) -> None:
    add_table(draft, ([_cell(cell) for cell in row.iter(_TC)] for row in _rows(table)))


def _rows(table: BaseOxmlElement) -> Iterator[BaseOxmlElement]:
    """The table's own rows; those of a table inside a cell belong to that cell."""
    for row in table.iter(_TR):
        if next(row.iterancestors(_TBL)) is table:
            yield row


def _cell(cell: BaseOxmlElement) -> str:
    return " ".join(_text(paragraph) for paragraph in cell.iter(_P))


def _add_notes(notes: BaseOxmlElement, draft: Draft, name: str) -> None:
    for note in notes:
        if note.get(qn("w:type")) in (None, "normal"):
            text = " ".join(_text(paragraph) for paragraph in note.iter(_P)).strip()
            if text:
                draft.add(BlockKind.PARAGRAPH, f"{name}: {text}")
