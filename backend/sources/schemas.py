"""Sources as the API writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.sent import Sent
from backend.store.sources import SourceRow, SourceState, Use, VersionRow


class VersionOut(BaseModel):
    hash: str
    number: int
    bytes: int
    created_at: str

    @classmethod
    def of(cls, row: VersionRow) -> VersionOut:
        return cls(
            hash=row.hash, number=row.number, bytes=row.bytes, created_at=iso(row.created_at)
        )


class VersionListed(VersionOut):
    current: bool


class Skipped(BaseModel):
    where: str
    why: str


class ReceiptOut(BaseModel):
    """What reading a version came to. ``seconds`` is from its start to its being searchable."""

    format: str
    pages: int | None
    passages: int
    characters: int
    seconds: float
    language: str
    skipped: list[Skipped]
    warnings: list[str]


class Problem(BaseModel):
    code: str
    message: str
    remedy: str


class Progress(BaseModel):
    stage: str
    done: int
    total: int


class SourceOut(BaseModel):
    id: str
    space: str
    title: str
    path: str
    media_type: str
    state: SourceState
    searchable: bool
    progress: Progress | None
    version: VersionOut | None
    versions: int
    receipt: ReceiptOut | None
    error: Problem | None
    used_in_claims: int
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, row: SourceRow, progress: Mapping[str, Any] | None = None) -> SourceOut:
        shown = progress or row.progress
        latest = row.latest
        return cls(
            id=row.id,
            space=row.space,
            title=row.title,
            path=row.path,
            media_type=row.media_type,
            state=row.state,
            searchable=row.searchable,
            progress=Progress(**shown) if shown and row.state.busy else None,
            version=VersionOut.of(latest) if latest is not None else None,
            versions=row.versions,
            receipt=(
                ReceiptOut(**latest.receipt)
                if latest is not None and latest.receipt is not None
                else None
            ),
            error=Problem(**row.error) if row.error is not None else None,
            used_in_claims=row.used_in_claims,
            created_at=iso(row.created_at),
            updated_at=iso(row.updated_at),
        )


class UseOut(BaseModel):
    brief: str
    title: str
    claims: int

    @classmethod
    def all(cls, uses: Sequence[Use]) -> list[UseOut]:
        return [cls(brief=use.brief, title=use.title, claims=use.claims) for use in uses]


class Deleted(BaseModel):
    cited_in: list[UseOut]


class Paste(Sent):
    title: str = Field(max_length=200)
    text: str
    format: Literal["text", "markdown", "html"] = "text"


class Segment(BaseModel):
    """A block, or as much of it as lies in the window; ``start`` is its offset in the text."""

    start: int
    page: int | None
    heading: int | None
    kind: Literal["heading", "paragraph", "list_item", "table_row", "code"]
    text: str


class Window(BaseModel):
    start: int
    end: int
    total: int


class ReaderOut(BaseModel):
    """A stretch of stored text around a quote. ``placed`` is false where there is no such quote."""

    source: str
    title: str
    version: str
    number: int
    current: bool
    media_type: str
    page: int | None
    pages: int | None
    segments: list[Segment]
    start: int
    end: int
    quote: str
    placed: bool
    window: Window


class Box(BaseModel):
    x: float
    y: float
    w: float
    h: float


class PageOut(BaseModel):
    """A page's size in points, and the boxes of a quote on it as shares of that, from 0 to 1."""

    width: float
    height: float
    boxes: list[Box]
