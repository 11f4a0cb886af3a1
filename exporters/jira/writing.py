"""A brief's blocks as an Atlassian document. Pure.

Where a block may not stand in another (a heading in a list, a table in a quote), it is said with
one that may, and the loss is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, Literal, TypeAlias

from exporters.errors import TooDeep
from exporters.jira.adf import (
    Node,
    mark,
    node,
    paragraph,
    text,
)
from exporters.jira.text import clean
from exporters.model import Brief, Item, Reference, Span
from exporters.records import Loss
from exporters.references import HEADING, UNKNOWN, place, provenance, quotation

DEEPEST: Final = 40  # levels of nesting
_LINKS: Final = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_MARKS: Final = {"bold": "strong", "italic": "em", "underline": "underline", "strike": "strike"}

Room: TypeAlias = Literal["doc", "list", "quote", "cell"]
# Of @atlaskit/adf-schema: what each of them may hold of what a brief has.
_TAKES: Final[dict[Room, frozenset[str]]] = {
    "doc": frozenset({"heading", "quote", "rule", "table", "action"}),
    "list": frozenset({"action"}),
    "quote": frozenset(),
    "cell": frozenset({"heading", "quote", "rule", "action"}),
}
_INSTEAD: Final = {
    "heading": "A heading within a list or a quote is shown as a bold line.",
    "quote": "A quote within a list or a quote is shown without its line.",
    "rule": "A rule within a list or a quote is left out.",
    "table": "A table within another block is shown row by row.",
    "action": "An action within a quote is shown as a line.",
}


class Writer:
    """Writes one brief; ``losses`` gathers what could not be said, each thing once per block."""

    def __init__(self, brief: Brief) -> None:
        self._references = {reference.cite: reference for reference in brief.references}
        self._losses: dict[tuple[str, str], Loss] = {}

    @property
    def losses(self) -> tuple[Loss, ...]:
        return tuple(self._losses.values())

    def lose(self, key: str, what: str) -> None:
        self._losses.setdefault((key, what), Loss(key, what))

    def blocks(self, items: Sequence[Item], room: Room = "doc", depth: int = 0) -> list[Node]:
        """Blocks one after another, in a place of that kind."""
        if items and depth > DEEPEST:
            raise TooDeep(items[0].key, DEEPEST)
        made: list[Node] = []
        for is_action, run in groupby(items, lambda item: item.kind == "action"):
            together = list(run)
            if is_action and "action" in _TAKES[room]:
                made.append(self._tasks(together))
            else:
                made.extend(one for item in together for one in self._block(item, room, depth))
        return made

    def _block(self, item: Item, room: Room, depth: int) -> Iterator[Node]:
        if item.kind in _INSTEAD and item.kind not in _TAKES[room]:
            self.lose(item.key, _INSTEAD[item.kind])
            yield from self._instead(item, room, depth)
            return
        match item.kind:
            case "heading":
                yield node("heading", self.inline(item), level=min(max(item.level, 1), 6))
            case "bullet_list" | "ordered_list":
                entries = [self._entry(child, depth) for child in item.children]
                if not entries:
                    return
                if item.kind == "bullet_list":
                    yield node("bulletList", entries)
                else:
                    yield node("orderedList", entries, order=max(item.start, 0))
            case "quote":
                own = [paragraph(*self.inline(item))] if item.spans else []
                yield node(
                    "blockquote",
                    [*own, *self.blocks(item.children, "quote", depth + 1)] or [paragraph()],
                )
            case "code":
                yield _code(item)
            case "rule":
                yield node("rule")
            case "table":
                yield from self._table(item, depth)
            case "image":
                yield paragraph(*self._image(item))
            case _:
                if item.spans or not item.children:
                    yield paragraph(*self.inline(item))
                yield from self.blocks(item.children, room, depth + 1)

    def _instead(self, item: Item, room: Room, depth: int) -> Iterator[Node]:
        match item.kind:
            case "heading":
                spans = tuple(replace(span, bold=span.cite is None) for span in item.spans)
                yield paragraph(*self.inline(replace(item, spans=spans)))
            case "quote":
                if item.spans:
                    yield paragraph(*self.inline(item))
                yield from self.blocks(item.children, room, depth + 1)
            case "table":
                for row in item.children:
                    line = [
                        inline
                        for index, cell in enumerate(row.children)
                        for inline in ([text(" | ")] if index else []) + self._flat(cell, depth + 1)
                    ]
                    yield paragraph(*line)
            case "action":
                yield paragraph(text("☑ " if item.status == "done" else "☐ "), *self._said(item))

    def _entry(self, item: Item, depth: int) -> Node:
        own = [paragraph(*self.inline(item))] if item.spans else []
        inner = [*own, *self.blocks(item.children, "list", depth + 1)]
        # Jira's editor draws the bullet beside a paragraph or code.
        if not inner or inner[0]["type"] not in ("paragraph", "codeBlock"):
            inner.insert(0, paragraph())
        return node("listItem", inner)

    def _tasks(self, actions: Sequence[Item]) -> Node:
        tasks = [
            node(
                "taskItem",
                self._said(action),
                localId=action.key,
                state="DONE" if action.status == "done" else "TODO",
            )
            for action in actions
        ]
        return node("taskList", tasks, localId=f"{actions[0].key}-list")

    def _said(self, action: Item) -> list[Node]:
        """An action on one line: who has it and by when is in its issue, and here for reading."""
        notes = [action.owner, action.due.isoformat() if action.due else ""]
        noted = ", ".join(clean(note) for note in notes if note)
        inline = self.inline(action)
        return [*inline, text(f" ({noted})")] if noted else inline

    def _table(self, item: Item, depth: int) -> Iterator[Node]:
        width = max((len(row.children) for row in item.children), default=0)
        if not width:
            return
        rows = []
        for row in item.children:
            cells = [
                node(
                    "tableHeader" if cell.header else "tableCell",
                    self._cell(cell, depth + 1) or [paragraph()],
                )
                for cell in row.children
            ]
            missing = [node("tableCell", [paragraph()])] * (width - len(cells))
            rows.append(node("tableRow", [*cells, *missing]))
        yield node("table", rows)

    def _cell(self, cell: Item, depth: int) -> list[Node]:
        own = [paragraph(*self.inline(cell))] if cell.spans else []
        return [*own, *self.blocks(cell.children, "cell", depth)]

    def _flat(self, item: Item, depth: int) -> list[Node]:
        """All words of a block and of what lies in it, on one line."""
        if depth > DEEPEST:
            raise TooDeep(item.key, DEEPEST)
        line = self._image(item) if item.kind == "image" else self.inline(item)
        for child in item.children:
            inner = self._flat(child, depth + 1)
            line = [*line, text(" "), *inner] if line and inner else [*line, *inner]
        return line

    def _image(self, item: Item) -> list[Node]:
        self.lose(item.key, "An image is shown by its description: files stay in the brief.")
        alt = " ".join(clean(item.image.alt).split()) if item.image else ""
        return [text(f"[Image: {alt or 'not described'}]", mark("em"))]

    def inline(self, item: Item) -> list[Node]:
        return [one for span in item.spans for one in self._span(item.key, span)]

    def _span(self, key: str, span: Span) -> Iterator[Node]:
        if span.cite is not None:
            reference = self._references.get(span.cite)
            number = f"[{reference.number if reference else UNKNOWN}]"
            yield text(number, *_link(reference.link if reference else None))
            return
        if span.line_break:
            yield node("hardBreak")
            return
        words = re.sub(r"[\n\t]+", " ", clean(span.text))
        if not words:
            return
        if span.href and not _LINKS.match(span.href):
            self.lose(key, "A link that leads nowhere from Jira is shown as its words.")
        marks = [mark(kind) for name, kind in _MARKS.items() if getattr(span, name)]
        if span.code:
            if marks:
                self.lose(key, "Code within a line is shown without bold, italic or other marks.")
            marks = [mark("code")]
        yield text(words, *marks, *_link(span.href))

    def reference(self, reference: Reference) -> Node:
        """One entry of the evidence: number, place, quote, what is known of it, the way back."""
        words = [text(f"[{reference.number}] "), text(clean(place(reference)), mark("strong"))]
        quote = clean(quotation(reference))
        words.append(text(f": {quote}" if quote else ": no quote"))
        if known := provenance(reference):
            words.append(text(f" ({clean(known)})", mark("em")))
        if link := _link(reference.link):
            words += [text(" "), text("open", *link)]
        return paragraph(*words)

    def evidence(self, cites: Sequence[str], *, heading: bool = True) -> list[Node]:
        """The references behind these citations by number, under their heading."""
        cited = {self._references[cite].number: cite for cite in cites if cite in self._references}
        entries = [self.reference(self._references[cited[number]]) for number in sorted(cited)]
        title = [node("heading", [text(HEADING)], level=2)] if heading and entries else []
        return [*title, *entries]


def linked(words: str, href: str) -> list[Node]:
    """A paragraph that is a link, or nothing where there is no address."""
    link = _link(href)
    return [paragraph(text(words, *link))] if link else []


def cites(items: Sequence[Item]) -> list[str]:
    """The citations of blocks and what lies in them, each once, in order."""
    found: dict[str, None] = {}
    for item in items:
        found |= dict.fromkeys(span.cite for span in item.spans if span.cite is not None)
        found |= dict.fromkeys(cites(item.children))
    return list(found)


def is_plain(inline: Sequence[Node]) -> bool:
    """Whether a line of text says all of it."""
    return all(one["type"] == "text" and not one.get("marks") for one in inline)


def _code(item: Item) -> Node:
    words = "".join("\n" if span.line_break else clean(span.text) for span in item.spans)
    language = "".join(re.findall(r"[\w+#.-]", item.language.strip()))
    made = node("codeBlock", [text(words)] if words else [])
    return {**made, "attrs": {"language": language}} if language else made


def _link(href: str | None) -> list[Node]:
    return [mark("link", href=clean(href).strip())] if href and _LINKS.match(href) else []
