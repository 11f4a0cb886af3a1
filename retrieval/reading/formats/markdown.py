"""Markdown, as the text a reader sees when it is rendered."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.blocks import BlockKind
from retrieval.counted import counted
from retrieval.reading import refusals
from retrieval.reading.decode import decode
from retrieval.reading.draft import Draft, clean
from retrieval.reading.formats import Progress
from retrieval.reading.tables import add_table

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)


def read(path: Path, draft: Draft, progress: Progress) -> None:
    text, warnings = decode(path.read_bytes())
    for warning in warnings:
        draft.warn(warning)
    text = clean(text)
    if front := _FRONT_MATTER.match(text):
        if title := _TITLE.search(front[1]):
            draft.title = title[1]
        draft.skip("front matter", f"{counted(front[1].count(chr(10)) + 1, 'line')} of properties")
        text = text[front.end() :]
    depth = draft.limits.depth
    # Beyond maxNesting the parser drops text in silence, so we let it go one further and refuse.
    parser = MarkdownIt("commonmark", {"maxNesting": depth + 2}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    if any(token.level > depth for token in tokens):
        raise refusals.too_deep(draft.name, depth)
    _add(tokens, draft)
    progress(1, 1)


def _add(tokens: list[Token], draft: Draft) -> None:
    lists: list[int | None] = []  # the next number of each open list, None for bullets
    mark = ""
    heading: int | None = None
    rows: list[list[str]] | None = None
    for token in tokens:
        if token.type == "bullet_list_open":
            lists.append(None)
        elif token.type == "ordered_list_open":
            lists.append(int(token.attrs.get("start", 1)))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            mark = "• " if number is None else f"{number}. "
            lists[-1] = None if number is None else number + 1
        elif token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type == "heading_close":
            heading = None
        elif token.type == "table_open":
            rows = []
        elif token.type == "table_close":
            add_table(draft, rows or [])
            rows = None
        elif token.type == "tr_open" and rows is not None:
            rows.append([])
        elif token.type == "inline":
            text = _rendered(token)
            if rows is not None:
                rows[-1].append(text)
            elif heading is not None:
                draft.add(BlockKind.HEADING, text, level=heading)
            elif lists:
                draft.add(BlockKind.LIST_ITEM, mark + text, level=len(lists))
                mark = ""
            else:
                draft.add(BlockKind.PARAGRAPH, text)
        elif token.type in ("fence", "code_block"):
            draft.add(BlockKind.CODE, token.content)
        elif token.type == "html_block":
            draft.add(BlockKind.PARAGRAPH, _TAG.sub(" ", token.content))


def _rendered(token: Token) -> str:
    parts = []
    for child in token.children or []:
        if child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak":
            parts.append("\n")
    return "".join(parts)
