"""What a record is: a page, a row, or a block of some type. Pure."""

from __future__ import annotations

from exporters.notion.properties import ACTION, PAGE

PAGE_KIND = "page"
ROW_KIND = "row"


def is_page(kind: str) -> bool:
    return kind in (PAGE_KIND, ROW_KIND)


def prefix(kind: str) -> str:
    return ACTION if kind == ROW_KIND else PAGE
