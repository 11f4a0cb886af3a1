"""The reader pane's data: stored text around a quote, and pages as they look."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from backend.auth.principal import Principal
from backend.errors import Invalid, NotFound
from backend.ports import BlobStore
from backend.sources.schemas import ReaderOut, Segment, Window
from backend.sources.service import Sources
from backend.sources.texts import Texts, original_key
from backend.store.sources import SourceRow, VersionRow
from retrieval.blocks import BlockKind, Reading
from retrieval.reading import PageBoxes, boxes, render_page

REACH = 6_000  # code points shown before and after a quote
LONGEST_MARK = 20_000  # code points that can be marked at once
PICTURES = 2  # pages drawn at once

_KINDS: dict[BlockKind, Literal["heading", "paragraph", "list_item", "table_row", "code"]] = {
    BlockKind.HEADING: "heading",
    BlockKind.PARAGRAPH: "paragraph",
    BlockKind.LIST_ITEM: "list_item",
    BlockKind.TABLE_ROW: "table_row",
    BlockKind.CODE: "code",
    BlockKind.CAPTION: "paragraph",
}


@runtime_checkable
class OnDisk(Protocol):
    """A blob store whose blobs are files already."""

    def path(self, key: str) -> Path: ...


@asynccontextmanager
async def as_file(blobs: BlobStore, key: str, temporary: Path) -> AsyncIterator[Path]:
    """A blob as a file that must not be changed; a copy only where the store has no files."""
    if isinstance(blobs, OnDisk):
        yield blobs.path(key)
        return
    await asyncio.to_thread(temporary.mkdir, parents=True, exist_ok=True)
    copy = temporary / key.replace("/", "-")
    try:
        file = await asyncio.to_thread(copy.open, "wb")
        with file:
            async for chunk in blobs.open(key):
                await asyncio.to_thread(file.write, chunk)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def segments(reading: Reading, start: int, end: int) -> list[Segment]:
    """The blocks between two offsets; one that is cut says where it is cut."""
    first = max(0, bisect_right(reading.blocks, start, key=lambda block: block.start) - 1)
    shown = []
    for block in reading.blocks[first:]:
        if block.start >= end:
            break
        begin, stop = max(block.start, start), min(block.end, end)
        if begin >= stop:
            continue
        shown.append(
            Segment(
                start=begin,
                page=block.page,
                heading=block.level if block.kind is BlockKind.HEADING else None,
                kind=_KINDS[block.kind],
                text=reading.text[begin:stop],
            )
        )
    return shown


def window(reading: Reading, start: int, end: int) -> tuple[int, int]:
    """What to show of a text around a quote: whole blocks, unless one alone is too long."""
    low, high = max(0, start - REACH), min(len(reading.text), end + REACH)
    for block in reading.blocks:
        if block.start < low < block.end and low - block.start < REACH:
            low = block.start
        if block.start < high < block.end and block.end - high < REACH:
            high = block.end
        if block.start >= high:
            break
    return low, high


class SourceReader:
    """Opens versions for reading. What it shows is what was stored, never the file again."""

    def __init__(
        self, *, sources: Sources, texts: Texts, blobs: BlobStore, temporary: Path
    ) -> None:
        self._sources = sources
        self._texts = texts
        self._blobs = blobs
        self._temporary = temporary
        self._drawing = asyncio.Semaphore(PICTURES)

    async def around(
        self, principal: Principal, source_id: str, hash: str, start: int, end: int
    ) -> ReaderOut:
        source, version, reading = await self._open(principal, source_id, hash)
        total = len(reading.text)
        placed = 0 <= start < end <= total and end - start <= LONGEST_MARK
        if placed:
            placed = bool(reading.text[start:end].strip())
        at = min(max(start, 0), total)
        low, high = window(reading, at, end if placed else at)
        return ReaderOut(
            source=source.id,
            title=source.title,
            version=version.hash,
            number=version.number,
            current=source.version == version.hash,
            media_type=version.media_type,
            page=page_of(version, at),
            pages=reading.pages,
            segments=await asyncio.to_thread(segments, reading, low, high),
            start=start,
            end=end,
            quote=reading.text[start:end] if placed else "",
            placed=placed,
            window=Window(start=low, end=high, total=total),
        )

    async def picture(
        self, principal: Principal, source_id: str, hash: str, page: int, scale: float
    ) -> bytes:
        """A page as PNG. Raises NotFound for what has no pages."""
        source, version = await self._paged(principal, source_id, hash, page)
        key = original_key(source.tenant, version.hash)
        async with self._drawing, as_file(self._blobs, key, self._temporary) as file:
            return await render_page(file, page, scale=scale)

    async def boxes(
        self, principal: Principal, source_id: str, hash: str, page: int, start: int, end: int
    ) -> PageBoxes:
        """A page's size, and where on it a stretch of the stored text stands.

        A quote that runs over a page's end is looked for with what of it is on this page.
        """
        source, version = await self._paged(principal, source_id, hash, page)
        text = await self._texts.text(source.tenant, source.id, version.hash)
        quote = ""
        if 0 <= start < end <= len(text) and end - start <= LONGEST_MARK:
            begins = (*version.page_starts, len(text))
            quote = text[max(start, begins[page - 1]) : min(end, begins[page])]
        key = original_key(source.tenant, version.hash)
        async with self._drawing, as_file(self._blobs, key, self._temporary) as file:
            return await boxes(file, page, quote)

    async def _paged(
        self, principal: Principal, source_id: str, hash: str, page: int
    ) -> tuple[SourceRow, VersionRow]:
        source, version = await self._sources.version(principal, source_id, hash)
        if version.media_type != "application/pdf" or not 1 <= page <= (version.pages or 0):
            raise NotFound("page", f"{source.title} p. {page}")
        return source, version

    async def _open(
        self, principal: Principal, source_id: str, hash: str
    ) -> tuple[SourceRow, VersionRow, Reading]:
        source, version = await self._sources.version(principal, source_id, hash)
        if not version.read:
            raise Invalid(
                f"{source.title!r} has not been read yet; it is {source.state}.",
                "Wait until it is searchable, or retry it.",
                code="not_read",
            )
        return source, version, await self._texts.reading(source.tenant, source.id, version.hash)


def page_of(version: VersionRow, offset: int) -> int | None:
    """The page that holds an offset; None where there are no pages."""
    if not version.page_starts:
        return None
    return max(1, bisect_right(version.page_starts, offset))
