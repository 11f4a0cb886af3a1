"""Templates at the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from backend.clock import iso, now
from backend.sent import Sent
from backend.templates.own import Line, preview
from backend.templates.parts import Template
from backend.templates.service import OwnTemplate


class NamedTemplate(Sent):
    name: str = Field(max_length=1_000)


class LineOut(BaseModel):
    kind: Literal["heading", "text", "prompt", "item", "action", "table"]
    text: str
    level: int = Field(description="Of a heading, from 1; else 0.")

    @classmethod
    def of(cls, line: Line) -> LineOut:
        return cls.model_validate(line, from_attributes=True)


class TemplateOut(BaseModel):
    name: str = Field(description="What a new brief names as its template.")
    title: str
    description: str
    preview: Sequence[LineOut] = Field(description="The first lines of such a brief.")

    @classmethod
    def of(cls, template: Template) -> TemplateOut:
        lines = preview(template.blocks(now().date())) if template.parts else ()
        return cls(
            name=template.name,
            title=template.title,
            description=template.description,
            preview=[LineOut.of(line) for line in lines],
        )


class OwnTemplateOut(BaseModel):
    id: str = Field(description="What a new brief names as its template.")
    space: str
    name: str
    created_at: str
    preview: Sequence[LineOut]
    changeable: bool = Field(description="Whether you may rename and delete it.")

    @classmethod
    def of(cls, template: OwnTemplate) -> OwnTemplateOut:
        return cls(
            id=template.id,
            space=template.space,
            name=template.name,
            created_at=iso(template.created_at),
            preview=[LineOut.of(line) for line in template.preview],
            changeable=template.changeable,
        )
