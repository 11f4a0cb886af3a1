"""A brief as a Word document: real headings, lists, tables and links.

Citations are superscript numbers that link to their entry under References.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.image.exceptions import UnrecognizedImageError
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from PIL import Image as Pillow

from exporters.errors import TooDeep
from exporters.model import Brief, Image, Item, Span
from exporters.references import HEADING, UNKNOWN, place, provenance, quotation

DEEPEST = 40  # levels of nesting
_STYLED_DEPTH = 9  # levels a Word list can number
_WIDEST = 15.5  # cm of text on the page
_LINKS = re.compile(r"(?:https?:|mailto:)", re.IGNORECASE)
# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CODE_FONT = "Consolas"


def render(brief: Brief, *, made_at: datetime | None = None) -> bytes:
    """The document's bytes. Takes as long as the brief is large; call it in a thread."""
    writer = _Writer(brief)
    writer.write(made_at or datetime.now(UTC))
    out = io.BytesIO()
    writer.document.save(out)
    return out.getvalue()


class _Writer:
    def __init__(self, brief: Brief) -> None:
        self.document: Document = docx.Document()
        self._brief = brief
        self._numbers = {reference.cite: reference.number for reference in brief.references}
        self._abstract: dict[bool, int] = {}

    def write(self, made_at: datetime) -> None:
        properties = self.document.core_properties
        properties.title = _text(self._brief.title)[:255]
        properties.author = "StratMaster"
        properties.comments = ""
        properties.created = made_at.replace(tzinfo=None)
        properties.modified = made_at.replace(tzinfo=None)
        self._styles()
        self.document.add_paragraph(_text(self._brief.title), style="Title")
        for item in self._brief.items:
            self._block(item, self.document, 0, None)
        if self._brief.references:
            self.document.add_heading(HEADING, level=1)
            for reference in self._brief.references:
                paragraph = self.document.add_paragraph()
                _bookmark(paragraph, f"ref_{reference.number}", reference.number)
                paragraph.add_run(f"[{reference.number}] ")
                paragraph.add_run(_text(place(reference))).bold = True
                quote = quotation(reference)
                paragraph.add_run(f": {_text(quote) if quote else 'no quote'}")
                known = provenance(reference)
                if known:
                    paragraph.add_run(f" ({_text(known)})").italic = True

    def _styles(self) -> None:
        styles = self.document.styles
        code: Any = styles.add_style("Code", WD_STYLE_TYPE.PARAGRAPH)
        code.base_style = styles["Normal"]
        code.font.name = _CODE_FONT
        code.font.size = Pt(9)
        code.paragraph_format.space_after = Pt(0)

    def _block(self, item: Item, into: Document | _Cell, depth: int, indent: float | None) -> None:
        if depth > DEEPEST:
            raise TooDeep(item.key, DEEPEST)
        match item.kind:
            case "heading":
                paragraph = into.add_paragraph(style=f"Heading {min(max(item.level, 1), 9)}")
                self._inline(paragraph, item.spans)
            case "bullet_list" | "ordered_list":
                self._list(item, into, depth, 0)
            case "quote":
                if item.spans:
                    self._inline(into.add_paragraph(style="Intense Quote"), item.spans)
                for child in item.children:
                    if child.kind == "paragraph":
                        self._inline(into.add_paragraph(style="Intense Quote"), child.spans)
                    else:
                        self._block(child, into, depth + 1, indent)
            case "code":
                code = "".join("\n" if span.line_break else span.text for span in item.spans)
                for line in code.split("\n"):
                    into.add_paragraph(_text(line), style="Code")
            case "rule":
                _rule(into.add_paragraph())
            case "table":
                self._table(item, into, depth)
            case "image":
                self._image(item, into)
            case "action":
                self._action(item, into)
            case _:
                if item.spans or not item.children:
                    paragraph = into.add_paragraph()
                    if indent is not None:
                        paragraph.paragraph_format.left_indent = Cm(indent)
                    self._inline(paragraph, item.spans)
                for child in item.children:
                    self._block(child, into, depth + 1, indent)

    def _list(self, item: Item, into: Document | _Cell, depth: int, level: int) -> None:
        if depth > DEEPEST:
            raise TooDeep(item.key, DEEPEST)
        ordered = item.kind == "ordered_list"
        # A numbering of its own, so that each list starts where it says and none goes on another's.
        numbering = self._numbering(ordered, min(level, _STYLED_DEPTH - 1), item.start)
        style = "List Number" if ordered else "List Bullet"
        for child in item.children:
            own = child.children
            spans: Sequence[Span] = child.spans
            if not spans and own and own[0].kind == "paragraph":
                spans, own = own[0].spans, own[1:]
            paragraph = into.add_paragraph(style=style)
            _number(paragraph, numbering, min(level, _STYLED_DEPTH - 1))
            self._inline(paragraph, spans)
            for inner in own:
                if inner.kind in ("bullet_list", "ordered_list"):
                    self._list(inner, into, depth + 1, level + 1)
                else:
                    self._block(inner, into, depth + 1, 0.63 * (level + 2))

    def _numbering(self, ordered: bool, level: int, start: int) -> int:
        """A new list in the numbering part; its id."""
        part: Any = self.document.part.numbering_part.element
        abstract = self._abstract.get(ordered)
        if abstract is None:
            abstract = 1000 + int(ordered)
            self._abstract[ordered] = abstract
            # Definitions come before their uses in this part, or Word calls the file broken.
            part.insert(0, _abstract_numbering(abstract, ordered))
        number = part.add_num(abstract)
        override = number.add_lvlOverride(ilvl=level)
        override.add_startOverride(max(start, 0))
        return int(number.numId)

    def _action(self, item: Item, into: Document | _Cell) -> None:
        paragraph = into.add_paragraph()
        paragraph.add_run("☒ " if item.status == "done" else "☐ ")
        self._inline(paragraph, item.spans)
        notes = []
        if item.owner:
            notes.append(f"owner: {item.owner}")
        if item.due is not None:
            notes.append(f"due: {item.due.isoformat()}")
        if item.status == "doing":
            notes.append("status: doing")
        if notes:
            paragraph.add_run(_text(f" ({', '.join(notes)})")).italic = True

    def _table(self, item: Item, into: Document | _Cell, depth: int) -> None:
        width = max((len(row.children) for row in item.children), default=0)
        if not width:
            return
        table: Any = into.add_table(rows=0, cols=width)
        if not isinstance(into, _Cell):
            table.style = "Table Grid"
        for row in item.children:
            cells = table.add_row().cells
            for index, cell in enumerate(row.children):
                target = cells[index]
                # A new cell holds one empty paragraph, which ours replace.
                first = target.paragraphs[0]
                for child in cell.children or ((cell,) if cell.spans else ()):
                    kind = (
                        child if child.kind != "cell" else Item(child.key, "paragraph", child.spans)
                    )
                    self._block(kind, target, depth + 1, None)
                if len(target.paragraphs) > 1:
                    first._element.getparent().remove(first._element)
                if cell.header:
                    for paragraph in target.paragraphs:
                        for run in paragraph.runs:
                            run.bold = True
        if item.children and all(cell.header for cell in item.children[0].children):
            _repeat_header(table.rows[0])

    def _image(self, item: Item, into: Document | _Cell) -> None:
        image = item.image
        paragraph = into.add_paragraph()
        if image is not None and image.content is not None:
            try:
                picture = paragraph.add_run().add_picture(_picture(image))
            except (UnrecognizedImageError, OSError):
                pass  # no picture that can be read; its text stands in
            else:
                if picture.width > Cm(_WIDEST):
                    ratio = Cm(_WIDEST) / picture.width
                    picture.height = int(picture.height * ratio)
                    picture.width = Cm(_WIDEST)
                described: Any = picture._inline.docPr
                described.set("descr", _text(image.alt))
                return
        alt = image.alt if image is not None else ""
        paragraph.add_run(f"[Image: {_text(alt) or 'not available'}]").italic = True

    def _inline(self, paragraph: Paragraph, spans: Sequence[Span]) -> None:
        for span in spans:
            if span.cite is not None:
                self._citation(paragraph, span.cite)
            elif span.line_break:
                paragraph.add_run().add_break()
            elif span.text:
                run = self._run(paragraph, span)
                run.bold = span.bold or None
                run.italic = span.italic or None
                run.underline = span.underline or (True if span.href else None)
                run.font.strike = span.strike or None
                if span.code:
                    run.font.name = _CODE_FONT

    def _run(self, paragraph: Paragraph, span: Span) -> Any:
        run = paragraph.add_run(_text(span.text))
        if span.href and _LINKS.match(span.href):
            target = self.document.part.relate_to(
                _text(span.href), RELATIONSHIP_TYPE.HYPERLINK, is_external=True
            )
            link = OxmlElement("w:hyperlink")
            link.set(qn("r:id"), target)
            run.font.color.rgb = RGBColor(0x05, 0x63, 0xC1)
            link.append(run._element)
            paragraph._element.append(link)
        return run

    def _citation(self, paragraph: Paragraph, cite: str) -> None:
        number = self._numbers.get(cite)
        run = paragraph.add_run(f"[{number if number is not None else UNKNOWN}]")
        run.font.superscript = True
        if number is not None:
            link = OxmlElement("w:hyperlink")
            link.set(qn("w:anchor"), f"ref_{number}")
            link.append(run._element)
            paragraph._element.append(link)


def _picture(image: Image) -> io.BytesIO:
    """The image in a format that Word draws."""
    if image.media_type != "image/webp":
        return io.BytesIO(image.content or b"")
    made = io.BytesIO()
    with Pillow.open(io.BytesIO(image.content or b"")) as picture:
        picture.save(made, "PNG")
    made.seek(0)
    return made


def _text(text: str) -> str:
    return _UNWRITABLE.sub("", text)


def _bookmark(paragraph: Paragraph, name: str, id: int) -> None:
    start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
    start.set(qn("w:id"), str(id))
    start.set(qn("w:name"), name)
    end.set(qn("w:id"), str(id))
    paragraph._element.append(start)
    paragraph._element.append(end)


def _number(paragraph: Paragraph, numbering: int, level: int) -> None:
    properties: Any = paragraph._element.get_or_add_pPr()
    number = properties.get_or_add_numPr()
    number.get_or_add_ilvl().val = level
    number.get_or_add_numId().val = numbering


def _abstract_numbering(id: int, ordered: bool) -> Any:
    """Nine levels of numbers or bullets, each indented beneath the one before."""
    abstract = OxmlElement("w:abstractNum")
    abstract.set(qn("w:abstractNumId"), str(id))
    kind = OxmlElement("w:multiLevelType")
    kind.set(qn("w:val"), "hybridMultilevel")
    abstract.append(kind)
    for level in range(_STYLED_DEPTH):
        one = OxmlElement("w:lvl")
        one.set(qn("w:ilvl"), str(level))
        formats = ("decimal", "lowerLetter", "lowerRoman") if ordered else ("bullet",)
        marks = (f"%{level + 1}.",) if ordered else ("•", "◦", "▪")
        for tag, value in (
            ("w:start", "1"),
            ("w:numFmt", formats[level % len(formats)]),
            ("w:lvlText", marks[level % len(marks)]),
            ("w:lvlJc", "left"),
        ):
            child = OxmlElement(tag)
            child.set(qn("w:val"), value)
            one.append(child)
        properties, indent = OxmlElement("w:pPr"), OxmlElement("w:ind")
        indent.set(qn("w:left"), str(360 * (level + 1)))
        indent.set(qn("w:hanging"), "360")
        properties.append(indent)
        one.append(properties)
        abstract.append(one)
    return abstract


def _repeat_header(row: Any) -> None:
    properties = row._tr.get_or_add_trPr()
    header = OxmlElement("w:tblHeader")
    header.set(qn("w:val"), "true")
    properties.append(header)


def _rule(paragraph: Paragraph) -> None:
    properties: Any = paragraph._element.get_or_add_pPr()
    borders, bottom = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "auto")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    properties.append(borders)
