"""A brief's blocks as records of Notion blocks, and such a record as Notion takes it. Pure.

Notion has no lists, only list items side by side, and no block without a type of its own; a block's
type and a table's width cannot be changed later, so they are a record's kind. A text too long for
one block goes on in the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exporters import markers
from exporters.errors import TooDeep, TooMuch
from exporters.model import Brief, Item, Span
from exporters.notion import limits, rich_text, shape
from exporters.notion.languages import language
from exporters.records import OVERVIEW, Fields, Json, Loss, Place, Record
from exporters.references import HEADING, provenance, quotation
from exporters.references import place as whence

DEEPEST = 40  # levels of nesting
# Keys of blocks that are in no brief; those of its blocks have ten letters and digits.
ORIGIN = "origin"  # the first block: where the page comes from
APPENDIX = "references-heading"
TITLE_LENGTH = 80  # characters by which people know a block
HEADINGS = 4  # levels that Notion has

# Notion lets people put blocks of theirs inside these, and rows of theirs into tables.
HOLDS = frozenset(
    {"paragraph", "bulleted_list_item", "numbered_list_item", "quote", "to_do", "table"}
)


def type_of(kind: str) -> str:
    """A record's kind is its block's type, and for a table its width: ``table:3``."""
    return kind.split(":")[0]


def width(kind: str) -> int:
    return int(kind.split(":")[1])


class Writer:
    """Makes the records of one brief, and keeps what is lost on the way."""

    def __init__(self, brief: Brief, place: Place, *, rows: bool) -> None:
        self._brief = brief
        self._place = place
        self._rows = rows  # actions are rows of a data source: here they are lines of text
        self._numbers = {reference.cite: reference.number for reference in brief.references}
        self._links = {ref.cite: rich_text.link(ref.link) for ref in brief.references}
        self.records: list[Record] = []
        self.losses: list[Loss] = []

    def origin(self, *, marked: bool) -> None:
        """The first block: a link back. ``marked``: it carries the marker, nothing else can."""
        runs: list[Json] = []
        href = rich_text.link(self._place.link)
        if href:
            runs += [rich_text.run("From StratMaster: "), rich_text.run("the brief", href=href)]
        else:
            self.lose(OVERVIEW, "There is no link back: this server has no public address.")
        if marked:
            sign = markers.marker(self._place, self._place.brief, OVERVIEW)
            runs += [rich_text.run(" ") if runs else rich_text.run("From StratMaster ")]
            runs += [rich_text.run(sign, marks=["code"])]
        if runs:
            self._text(ORIGIN, "paragraph", rich_text.joined(runs), OVERVIEW)

    def body(self) -> None:
        self._blocks(self._brief.items, OVERVIEW, 0)

    def appendix(self) -> None:
        """The evidence: a numbered paragraph for each reference."""
        if not self._brief.references:
            return
        self._text(APPENDIX, "heading_2", [rich_text.run(HEADING)], OVERVIEW)
        for reference in self._brief.references:
            runs = [
                rich_text.run(f"[{reference.number}] "),
                rich_text.run(whence(reference), marks=["bold"]),
                rich_text.run(f": {quotation(reference) or 'no quote'}"),
            ]
            known = provenance(reference)
            if known:
                runs += [rich_text.run(" "), rich_text.run(f"({known})", marks=["italic"])]
            href = self._links[reference.cite]
            if href:
                runs += [rich_text.run(" "), rich_text.run("open", href=href)]
            key = f"reference-{reference.cite}"
            self._text(key, "paragraph", rich_text.joined(runs), OVERVIEW)

    def lose(self, key: str, what: str) -> None:
        loss = Loss(key, what)
        if loss not in self.losses:
            self.losses.append(loss)

    def runs(self, item: Item, spans: Sequence[Span] | None = None) -> list[Json]:
        given = item.spans if spans is None else spans
        return rich_text.of_spans(
            given, self._numbers, self._links, lambda what: self.lose(item.key, what)
        )

    def _blocks(self, items: Sequence[Item], parent: str, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeep(items[0].key if items else "", DEEPEST)
        for item in items:
            self._block(item, parent, depth)

    def _block(self, item: Item, parent: str, depth: int) -> None:
        match item.kind:
            case "heading":
                level = min(max(item.level, 1), HEADINGS)
                if item.level > HEADINGS:
                    self.lose(item.key, f"A heading of level {item.level} is shown as level 4.")
                if item.spans:
                    self._text(item.key, f"heading_{level}", self.runs(item), parent)
            case "bullet_list":
                for child in item.children:
                    self._holder(child, "bulleted_list_item", parent, depth + 1)
            case "ordered_list":
                if item.start != 1:
                    self.lose(item.key, f"A list that starts at {item.start} starts at 1.")
                for child in item.children:
                    self._holder(child, "numbered_list_item", parent, depth + 1)
            case "quote":
                self._holder(item, "quote", parent, depth)
            case "code":
                self._code(item, parent)
            case "rule":
                self._add(item.key, "divider", {}, parent)
            case "table":
                self._table(item, parent)
            case "image":
                alt = item.image.alt if item.image else ""
                self.lose(item.key, "An image is shown by its text alone: it has no address.")
                shown = rich_text.run(f"[Image: {alt or 'not available'}]", marks=["italic"])
                self._text(item.key, "paragraph", [shown], parent)
            case "action":
                self._action(item, parent)
            case _:
                if item.spans or item.children:
                    self._holder(item, "paragraph", parent, depth)

    def _holder(self, item: Item, kind: str, parent: str, depth: int) -> None:
        """A block with text of its own and blocks within; its first paragraph is its text."""
        spans, inner = item.spans, item.children
        if not spans and inner and inner[0].kind == "paragraph" and not inner[0].children:
            spans, inner = inner[0].spans, inner[1:]
        self._text(item.key, kind, self.runs(item, spans), parent)
        self._blocks(inner, item.key, depth + 1)

    def _action(self, item: Item, parent: str) -> None:
        runs = self.runs(item)
        if self._rows:
            self._text(item.key + "-line", "bulleted_list_item", runs, parent)
            return
        if item.owner:
            runs.append(rich_text.run(f" · {item.owner}", marks=["italic"]))
        if item.due is not None:
            runs += [rich_text.run(" · ", marks=["italic"]), rich_text.day(item.due)]
        if item.status == "doing":
            runs.append(rich_text.run(" · doing", marks=["italic"]))
        more: dict[str, Json] = {"status": "done" if item.status == "done" else "open"}
        self._text(item.key, "to_do", rich_text.joined(runs), parent, more)

    def _code(self, item: Item, parent: str) -> None:
        text = "".join("\n" if span.line_break else span.text for span in item.spans)
        known = language(item.language)
        if item.language and known is None:
            self.lose(item.key, f"Code in {item.language} is shown without colours.")
        runs = rich_text.joined([rich_text.run(text)])
        self._text(item.key, "code", runs, parent, {"language": known or "plain text"})

    def _text(
        self,
        key: str,
        kind: str,
        runs: Sequence[Json],
        parent: str,
        more: Fields | None = None,
    ) -> None:
        pieces = rich_text.pieces(list(runs))
        if len(pieces) > 1:
            self.lose(key, f"A block too long for Notion is shown as {len(pieces)} blocks.")
        for number, piece in enumerate(pieces):
            fields: dict[str, Json] = {"text": piece, **(more or {})}
            self._add(key if not number else f"{key}-{number + 1}", kind, fields, parent)

    def _add(self, key: str, kind: str, fields: Fields, parent: str, title: str = "") -> None:
        whole: dict[str, Json] = {"type": type_of(kind), **fields}
        if type_of(kind) in HOLDS:
            whole["inside"] = []
        shown = title or rich_text.plain(fields.get("text"))[:TITLE_LENGTH]
        self.records.append(Record(key, kind, whole, shown, parent, ordered=True))

    def _table(self, table: Item, parent: str) -> None:
        rows = [row for row in table.children if row.children]
        columns = max((len(row.children) for row in rows), default=0)
        if not columns:
            return
        if columns > limits.ARRAY:
            raise TooMuch(
                f"Table {table.key!r} has {columns} columns and Notion takes {limits.ARRAY}: split "
                "it into two tables."
            )
        head = all(cell.header for cell in rows[0].children)
        side = all(row.children[0].header for row in rows) and (columns > 1 or not head)
        if any(cell.header for row in rows[1:] for cell in row.children[1:]):
            self.lose(table.key, "Only a table's first row and first column can be headers.")
        self._add(
            table.key,
            f"table:{columns}",
            {"header": head, "row_header": side},
            parent,
            title=f"Table of {len(rows)} rows",
        )
        for row in rows:
            cells: list[Json] = [self._cell(cell) for cell in row.children]
            cells += [[] for _ in range(columns - len(cells))]
            title = " | ".join(rich_text.plain(cell) for cell in cells)[:TITLE_LENGTH]
            self._add(row.key, "table_row", {"cells": cells}, table.key, title)
            if shape.size([rich_text.elements(cell) for cell in cells]) > limits.BYTES // 2:
                raise TooMuch(
                    f"Row {row.key!r} of a table is larger than {limits.BYTES // 2_000} KB, more "
                    "than Notion takes: split it."
                )

    def _cell(self, cell: Item) -> list[Json]:
        runs: list[Json] = []
        for line in self._lines(cell, 0):
            runs += [rich_text.run("\n"), *line] if runs else line
        runs = rich_text.joined(runs)
        if len(rich_text.elements(runs)) > limits.ARRAY:
            self.lose(cell.key, "A table cell with very many marks is shown without them.")
            runs = [rich_text.run(rich_text.plain(runs))]
            if len(rich_text.elements(runs)) > limits.ARRAY:
                raise TooMuch(
                    f"Cell {cell.key!r} has more than {limits.ARRAY * limits.TEXT} characters, "
                    "more than Notion takes: split it."
                )
        return runs

    def _lines(self, item: Item, depth: int) -> Iterable[list[Json]]:
        """What a cell holds, a line for each block: a cell has room for text only."""
        if depth > DEEPEST:
            raise TooDeep(item.key, DEEPEST)
        if item.kind not in ("cell", "paragraph"):
            self.lose(item.key, "Lists, code and images in a table are shown as lines of text.")
        if item.kind == "image":
            alt = item.image.alt if item.image else ""
            yield [rich_text.run(f"[Image: {alt or 'not available'}]", marks=["italic"])]
        elif item.spans:
            yield self.runs(item)
        for number, child in enumerate(item.children):
            lines = list(self._lines(child, depth + 1))
            if lines and item.kind in ("bullet_list", "ordered_list"):
                mark = "• " if item.kind == "bullet_list" else f"{item.start + number}. "
                lines[0] = [rich_text.run(mark), *lines[0]]
            yield from lines


def sent(record: Record, inner: Sequence[Record] = ()) -> Json:
    """A new block with the rows of a table within."""
    kind = type_of(record.kind)
    body = changed(record.kind, record.fields)
    if kind == "table":
        body = {**body, "table_width": width(record.kind), "children": [sent(one) for one in inner]}
    return {"object": "block", "type": kind, kind: body}


def changed(kind: str, parts: Fields) -> dict[str, Json]:
    """These parts of a block as Notion takes them."""
    body: dict[str, Json] = {}
    for part, value in parts.items():
        match part:
            case "text":
                body["rich_text"] = rich_text.elements(value)
            case "status":
                body["checked"] = value == "done"
            case "language":
                body["language"] = value
            case "header":
                body["has_column_header"] = value
            case "row_header":
                body["has_row_header"] = value
            case "cells":
                body["cells"] = [rich_text.elements(cell) for cell in shape.items(value)]
    return body


def read(block: Mapping[str, Json]) -> dict[str, Json]:
    """A block's parts as they are now, without what lies inside it."""
    kind = shape.text(block.get("type"))
    body = shape.fields(block.get(kind))
    found: dict[str, Json] = {"type": kind}
    if "rich_text" in body:
        found["text"] = rich_text.read(body["rich_text"])
    if "checked" in body:
        found["status"] = "done" if body["checked"] else "open"
    if "language" in body:
        found["language"] = body["language"]
    if kind == "table":
        found["header"] = bool(body.get("has_column_header"))
        found["row_header"] = bool(body.get("has_row_header"))
    if kind == "table_row":
        found["cells"] = [rich_text.read(cell) for cell in shape.items(body.get("cells"))]
    return found
