"""Web pages: what a reader would see of the main part. Nothing they point to is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from retrieval.blocks import BlockKind
from retrieval.counted import counted
from retrieval.reading import refusals
from retrieval.reading.decode import decode
from retrieval.reading.draft import Draft
from retrieval.reading.formats import Progress
from retrieval.reading.tables import add_table

UNSEEN = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "embed"}
    | {"canvas", "audio", "video", "head", "select", "button", "input", "textarea", "dialog"}
)
AROUND = frozenset({"nav", "footer", "aside"})  # left out: the same on every page of a site
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i"}
    | {"img", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub"}
    | {"sup", "time", "tt", "u", "var", "wbr"}
)
UNCLOSED = 25  # times the limit on depth
_TAG = re.compile(
    r"<(/?)(?:a|article|b|big|blockquote|center|code|div|em|font|i|main|ol|s|section|small|span|strong"
    r"|table|u|ul)\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.I)
_CHARSET = re.compile(rb"""<meta[^>]{0,300}charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.I)
_SPACE = re.compile(r"[ \t\n\r\f]+")


def read(path: Path, draft: Draft, progress: Progress) -> None:
    content = path.read_bytes()
    declared = _CHARSET.search(content[:4096])
    text, warnings = decode(content, declared[1].decode("ascii") if declared else None)
    for warning in warnings:
        draft.warn(warning)
    _check_tags(text, draft)
    tree = LexborHTMLParser(text)
    if tree.body is None:
        return
    _check_depth(tree.body, draft)
    if (title := tree.css_first("head > title")) is not None:
        draft.title = title.text()
    _Page(draft, tree.body).add()
    progress(1, 1)


def _check_tags(text: str, draft: Draft) -> None:
    """Refuse early what the parser would spend its time on: tags opened and never closed.

    Far above the limit on depth, because careless pages leave many open that end by themselves.
    """
    open_tags = 0
    for found in _TAG.finditer(text):
        open_tags = max(0, open_tags + (-1 if found[1] else 1))
        if open_tags > draft.limits.depth * UNCLOSED:
            raise refusals.too_deep(draft.name, draft.limits.depth)


def _check_depth(root: LexborNode, draft: Draft) -> None:
    depth, node = 0, root
    while True:
        if (child := node.child) is not None:
            node, depth = child, depth + 1
            if depth > draft.limits.depth:
                raise refusals.too_deep(draft.name, draft.limits.depth)
            continue
        while node.next is None:
            parent = node.parent
            if depth <= 0 or parent is None:
                return
            node, depth = parent, depth - 1
        if depth == 0:
            return
        node = node.next


class _Page:
    """Walks the tree once, gathering inline text until a block begins or ends."""

    def __init__(self, draft: Draft, body: LexborNode) -> None:
        self._draft = draft
        self._text: list[str] = []
        self._kind = BlockKind.PARAGRAPH
        self._level: int | None = None
        self._lists: list[int | None] = []
        self._mark = ""
        main = body.css_first("main, [role=main]")
        if main is None and len(articles := body.css("article")) == 1:
            main = articles[0]
        whole = len(body.text())
        self._root = main if main is not None and len(main.text()) * 2 > whole else body
        if self._root is not body:
            draft.skip("around the main part", "navigation, footers and the like")
        self._left_out: dict[str, int] = {}

    def add(self) -> None:
        self._children(self._root)
        self._flush()
        for name, count in sorted(self._left_out.items()):
            self._draft.skip(name, f"{counted(count, 'part')} not shown, or not text")

    def _children(self, node: LexborNode) -> None:
        # As deep as the limit on depth allows, which _check_depth has made sure of.
        child = node.child
        while child is not None:
            self._visit(child)
            child = child.next

    def _visit(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._text.append(node.text_content or "")
        elif tag.startswith(("-", "_", "!")):
            return
        elif tag in UNSEEN or _hidden(node) or tag in AROUND:
            if tag not in ("script", "style", "head", "noscript"):
                name = tag if tag in UNSEEN or tag in AROUND else "hidden parts"
                self._left_out[name] = self._left_out.get(name, 0) + 1
        elif tag == "br":
            self._text.append("\ue000")  # a line break that survives the folding of spaces
        elif tag == "img":
            self._text.append(node.attributes.get("alt") or "")
        elif tag in INLINE:
            self._children(node)
        else:
            self._flush()
            self._block(node, tag)
            self._flush()

    def _block(self, node: LexborNode, tag: str) -> None:
        if tag == "table":
            rows = list(_rows(node))
            if any(len(row) > 1 for row in rows):
                add_table(self._draft, rows)
            else:
                self._children(node)
        elif tag == "pre":
            self._draft.add(BlockKind.CODE, node.text())
        elif tag in ("ul", "ol", "menu"):
            start = node.attributes.get("start") or "1"
            self._lists.append((int(start) if start.isdigit() else 1) if tag == "ol" else None)
            self._children(node)
            self._flush()
            self._lists.pop()
        elif tag == "li":
            number = self._lists[-1] if self._lists else None
            self._mark = "• " if number is None else f"{number}. "
            if self._lists and number is not None:
                self._lists[-1] = number + 1
            self._children(node)
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            kind, level = self._kind, self._level
            self._kind, self._level = BlockKind.HEADING, int(tag[1])
            self._children(node)
            self._flush()
            self._kind, self._level = kind, level
        elif tag in ("figcaption", "caption"):
            self._kind = BlockKind.CAPTION
            self._children(node)
            self._flush()
            self._kind = BlockKind.PARAGRAPH
        else:
            self._children(node)

    def _flush(self) -> None:
        text = _SPACE.sub(" ", "".join(self._text)).replace(" \ue000", "\n").replace("\ue000", "\n")
        self._text.clear()
        if not text.strip():
            return
        if self._lists and self._kind is BlockKind.PARAGRAPH:
            text = self._mark + text.strip()
            self._draft.add(BlockKind.LIST_ITEM, text, level=len(self._lists))
            self._mark = ""
        else:
            self._draft.add(self._kind, text, level=self._level)


def _hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style") or ""))
    )


def _rows(table: LexborNode) -> Iterator[list[str]]:
    for row in table.css("tr"):
        owner = row.parent
        while owner is not None and owner.tag != "table":
            owner = owner.parent
        if owner is None or owner.mem_id != table.mem_id or _hidden(row):
            continue
        cells, child = [], row.child
        while child is not None:
            if child.tag in ("td", "th"):
                cells.append(child.text(separator=" "))
            child = child.next
        yield cells
