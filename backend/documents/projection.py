"""A document's blocks as a brief for export, with its references. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import quote

from backend.claims.claims import cites_of
from backend.evidence.model import Evidence
from collab.model import Block, Inline
from exporters import Brief, Image, Item, Reference, Span

# The editor's names for blocks, and the exporters'. An unknown one keeps its text as a paragraph.
_KINDS = {
    "paragraph": "paragraph",
    "heading": "heading",
    "bulletList": "bullet_list",
    "orderedList": "ordered_list",
    "listItem": "list_item",
    "blockquote": "quote",
    "codeBlock": "code",
    "horizontalRule": "rule",
    "table": "table",
    "tableRow": "row",
    "tableHeader": "cell",
    "tableCell": "cell",
    "image": "image",
    "action": "action",
}


def to_brief(
    id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    evidence: Mapping[str, Evidence],
    images: Mapping[str, Image] | None = None,
    link: str = "",
) -> Brief:
    """The brief as exporters see it. ``images`` are by their ``src``; ``link`` is the address of
    the brief in this product, empty where it has none."""
    known = images or {}
    return Brief(
        id=id,
        title=" ".join(title.split()) or "Untitled",
        items=tuple(_item(block, known) for block in blocks),
        references=references(blocks, evidence, link),
    )


def references(
    blocks: Sequence[Block], evidence: Mapping[str, Evidence], link: str = ""
) -> tuple[Reference, ...]:
    """A reference for every citation, numbered by first appearance, as the editor numbers them.

    Each links to its citation in the brief, where the brief has an address.
    """
    cites = dict.fromkeys(cite for cite, _ in cites_of(blocks))
    found = []
    for number, cite in enumerate(cites, start=1):
        one = evidence.get(cite)
        back = f"{link}?sel=cite:{quote(cite, safe='')}" if link else ""
        if one is None:
            found.append(Reference(number, cite, "", "", link=back, state="unknown"))
            continue
        record = one.record
        found.append(
            Reference(
                number,
                cite,
                record.source_title,
                record.quote,
                record.page,
                record.version,
                back,
                state=one.state.value,
            )
        )
    return tuple(found)


def image_sources(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The ``src`` of every image, each once."""
    found: dict[str, None] = {}
    for block in blocks:
        if block.type == "image" and block.attrs.get("src"):
            found[str(block.attrs["src"])] = None
        found.update(dict.fromkeys(image_sources(block.children)))
    return tuple(found)


def _item(block: Block, images: Mapping[str, Image]) -> Item:
    attrs = block.attrs
    return Item(
        key=block.id,
        kind=_KINDS.get(block.type, "paragraph"),
        spans=tuple(_span(part) for part in block.inline),
        children=tuple(_item(child, images) for child in block.children),
        level=_integer(attrs.get("level"), 0),
        start=_integer(attrs.get("start"), 1),
        header=block.type == "tableHeader",
        language=str(attrs.get("language") or ""),
        owner=str(attrs.get("owner") or ""),
        due=_date(attrs.get("due")),
        status=str(attrs.get("status") or "open"),
        image=_image(block, images) if block.type == "image" else None,
    )


def _image(block: Block, images: Mapping[str, Image]) -> Image:
    alt = str(block.attrs.get("alt") or "")
    stored = images.get(str(block.attrs.get("src") or ""))
    return Image(alt, stored.media_type, stored.content) if stored is not None else Image(alt)


def _span(part: Inline) -> Span:
    if part.type == "citation":
        return Span(cite=str(part.attrs.get("cite") or ""))
    if part.type == "hardBreak":
        return Span(line_break=True)
    marks = {mark.type: mark for mark in part.marks}
    href = marks["link"].attrs.get("href") if "link" in marks else None
    return Span(
        text=part.text,
        bold="bold" in marks,
        italic="italic" in marks,
        underline="underline" in marks,
        strike="strike" in marks,
        code="code" in marks,
        href=str(href) if href else None,
    )


def _integer(value: object, otherwise: int) -> int:
    # Yjs keeps numbers as floats, and some editors keep attributes as text.
    try:
        return int(float(str(value))) if value is not None else otherwise
    except (ValueError, OverflowError):
        return otherwise


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
