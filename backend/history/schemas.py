"""Versions and differences at the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.history.model import Size, Version
from backend.sent import Sent
from collab import Block, Inline, Projection
from collab.difference import Attribute, Difference, Row, label, summary
from collab.wording import Run

Value = str | int | bool | None


class SaveIn(Sent):
    name: str | None = Field(None, max_length=1_000, description="1 to 120 characters, or none.")
    restored: int | None = Field(
        None, description="The version that was just brought back, if this is its result."
    )


class VersionNameIn(Sent):
    name: str | None = Field(max_length=1_000, description="None takes the name away.")


class EditorOut(BaseModel):
    subject: str
    name: str


class BriefVersionOut(BaseModel):
    number: int
    at: str
    kind: Literal["auto", "named", "restore"]
    name: str | None
    restored: int | None = Field(description="The version that this one brought back.")
    editors: list[EditorOut]
    summary: str = Field(description="What changed since the version before, in words.")
    bytes: int


class VersionsOut(BaseModel):
    """The latest first. ``bytes`` is what all of the brief's versions take in the store."""

    versions: list[BriefVersionOut]
    more: bool
    total: int
    bytes: int


class InlineOut(BaseModel):
    type: str
    text: str
    marks: list[str]
    attrs: dict[str, Value]


class BlockOut(BaseModel):
    id: str
    type: str
    attrs: dict[str, Value]
    inline: list[InlineOut]
    children: list[BlockOut]


class VersionTextOut(BriefVersionOut):
    title: str
    blocks: list[BlockOut]


class WordRunOut(BaseModel):
    how: Literal["same", "inserted", "deleted", "formatted"]
    text: str
    marks: list[str]
    cite: str | None


class AttributeOut(BaseModel):
    name: str
    before: str | None
    after: str | None


class RowOut(BaseModel):
    """A block, and what became of it; ``label`` says so in words."""

    block: str
    type: str
    within: list[str]
    attrs: dict[str, Value]
    change: Literal["same", "added", "removed", "changed"]
    moved: bool
    label: str
    attributes: list[AttributeOut]
    runs: list[WordRunOut]


class BriefDifferenceOut(BaseModel):
    before: int | None
    after: int | None = Field(description="None for the brief as it is now.")
    summary: str
    title: list[WordRunOut]
    rows: list[RowOut]


def version_out(version: Version) -> BriefVersionOut:
    kind: Literal["auto", "named", "restore"] = (
        "restore" if version.restored is not None else "named" if version.name else "auto"
    )
    return BriefVersionOut(
        number=version.number,
        at=iso(version.at),
        kind=kind,
        name=version.name,
        restored=version.restored,
        editors=[EditorOut(subject=one.subject, name=one.name) for one in version.editors],
        summary=version.summary,
        bytes=version.bytes,
    )


def versions_out(versions: Sequence[Version], size: Size, *, more: bool) -> VersionsOut:
    return VersionsOut(
        versions=[version_out(one) for one in versions],
        more=more,
        total=size.versions,
        bytes=size.bytes,
    )


def version_text_out(version: Version, said: Projection) -> VersionTextOut:
    return VersionTextOut(
        **version_out(version).model_dump(),
        title=said.title,
        blocks=[_block(block) for block in said.blocks],
    )


def difference_out(
    found: Difference, *, before: int | None, after: int | None
) -> BriefDifferenceOut:
    return BriefDifferenceOut(
        before=before,
        after=after,
        summary=summary(found),
        title=[_run(run) for run in found.title],
        rows=[_row(row) for row in found.rows],
    )


def _block(block: Block) -> BlockOut:
    return BlockOut(
        id=block.id,
        type=block.type,
        attrs=dict(block.attrs),
        inline=[_inline(part) for part in block.inline],
        children=[_block(child) for child in block.children],
    )


def _inline(part: Inline) -> InlineOut:
    return InlineOut(
        type=part.type,
        text=part.text,
        marks=[mark.type for mark in part.marks],
        attrs=dict(part.attrs),
    )


def _row(row: Row) -> RowOut:
    return RowOut(
        block=row.block,
        type=row.type,
        within=list(row.within),
        attrs=dict(row.attrs),
        change=row.change.value,
        moved=row.moved,
        label=label(row),
        attributes=[_attribute(one) for one in row.attributes],
        runs=[_run(run) for run in row.runs],
    )


def _attribute(one: Attribute) -> AttributeOut:
    return AttributeOut(name=one.name, before=one.before, after=one.after)


def _run(run: Run) -> WordRunOut:
    return WordRunOut(how=run.how.value, text=run.text, marks=list(run.marks), cite=run.cite)
