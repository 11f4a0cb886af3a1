"""Briefs and images at the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from backend.briefs.service import Brief
from backend.sent import Sent
from collab import Access


class NewBrief(Sent):
    title: str = Field(max_length=1_000)
    template: str | None = Field(
        None, max_length=100, description="The name of one of ours, or the id of one of the space."
    )


class BriefOut(BaseModel):
    id: str
    space: str
    title: str
    epoch: str = Field(description="Changes only when the brief was rebuilt on the server.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, brief: Brief) -> BriefOut:
        return cls(**brief.json())


class OpenedBrief(BriefOut):
    access: Access


class ImageOut(BaseModel):
    src: str = Field(description="For the image block's src attribute.")
    width: int
    height: int
