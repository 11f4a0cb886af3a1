"""A space's own templates: made of its briefs, used, renamed and deleted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.auth.policy import Action, can
from backend.auth.principal import Principal
from backend.briefs.service import Briefs
from backend.clock import new_id, now
from backend.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from backend.spaces.service import Space, Spaces
from backend.store.engine import Store
from backend.store.tables import spaces, templates
from backend.templates.builtin import TEMPLATES
from backend.templates.own import Line, kept, preview, read, size, written
from backend.templates.parts import numbered
from collab import Block, Rooms

NAME = 120  # characters
TEMPLATES_IN_A_SPACE = 50
BLOCKS = 2_000
BYTES = 1_000_000  # of a template as JSON

# All but the blocks, which only a brief's beginning needs.
_TOLD = [column for column in templates.c if column.name != "blocks"]


@dataclass(frozen=True, slots=True)
class OwnTemplate:
    """``changeable`` is whether the asker may rename and delete it."""

    id: str
    space: str
    name: str
    created_at: datetime
    created_by: str
    preview: Sequence[Line]
    changeable: bool


class Templates:
    def __init__(self, store: Store, spaces: Spaces, briefs: Briefs, rooms: Rooms) -> None:
        self._store = store
        self._spaces = spaces
        self._briefs = briefs
        self._rooms = rooms

    async def list(self, principal: Principal, space: str) -> Sequence[OwnTemplate]:
        """A space's own templates by name."""
        opened = await self._spaces.open(principal, space, Action.READ)
        async with self._store.reading() as connection:
            rows = (
                await connection.execute(
                    select(*_TOLD)
                    .where(templates.c.tenant == opened.tenant, templates.c.space == opened.id)
                    .order_by(templates.c.name, templates.c.id)
                )
            ).all()
        return [_template(row, principal, opened) for row in rows]

    async def save(self, principal: Principal, brief: str, name: str) -> OwnTemplate:
        """A template of what the brief says now, for its space.

        Citations, comments, suggestions and dates stay behind.
        """
        found, space = await self._briefs.get(principal, brief, Action.EDIT)
        name = _name(name)
        made = await asyncio.to_thread(_made, await self._rooms.blocks(found.id))
        if made.size > BLOCKS:
            raise TooLarge(
                f"{found.title!r} has {made.size} blocks, and a template has at most {BLOCKS}.",
                "Copy what the template needs into a brief of its own, and save that.",
            )
        if made.bytes > BYTES:
            raise TooLarge(
                f"{found.title!r} would be a template of {made.bytes} bytes; at most {BYTES} are "
                "kept.",
                "Copy what the template needs into a brief of its own, and save that.",
            )
        async with self._store.writing() as connection:
            # One at a time: two could both be the last that fits.
            await connection.execute(
                select(spaces.c.id).where(spaces.c.id == space.id).with_for_update(key_share=True)
            )
            count = await connection.scalar(
                select(func.count()).where(templates.c.space == space.id)
            )
            if (count or 0) >= TEMPLATES_IN_A_SPACE:
                raise Invalid(
                    f"{space.name!r} has {count} templates, which is as many as a space may have.",
                    "Delete one that is no longer used.",
                )
            identity = new_id("tpl")
            try:
                row = (
                    await connection.execute(
                        insert(templates)
                        .values(
                            id=identity,
                            tenant=space.tenant,
                            space=space.id,
                            name=name,
                            blocks=made.blocks,
                            preview=made.preview,
                            created_at=now(),
                            created_by=principal.subject,
                        )
                        .returning(*_TOLD)
                    )
                ).one()
            except IntegrityError:
                raise _taken(name) from None
        return _template(row, principal, space)

    async def rename(self, principal: Principal, template: str, name: str) -> OwnTemplate:
        row, space = await self._changeable(principal, template)
        name = _name(name)
        async with self._store.writing() as connection:
            try:
                renamed = (
                    await connection.execute(
                        update(templates)
                        .where(templates.c.id == row.id)
                        .values(name=name)
                        .returning(*_TOLD)
                    )
                ).one_or_none()
            except IntegrityError:
                raise _taken(name) from None
        if renamed is None:  # deleted meanwhile
            raise NotFound("template", template)
        return _template(renamed, principal, space)

    async def delete(self, principal: Principal, template: str) -> None:
        """Delete a template; the briefs that were begun with it stay as they are."""
        row, _ = await self._changeable(principal, template)
        async with self._store.writing() as connection:
            await connection.execute(delete(templates).where(templates.c.id == row.id))

    async def blocks(self, principal: Principal, space: str, template: str) -> Sequence[Block]:
        """What a brief begins with: one of our templates by name, or one of the space by id."""
        if template in TEMPLATES:
            return TEMPLATES[template].blocks(now().date())
        opened = await self._spaces.open(principal, space, Action.READ)
        async with self._store.reading() as connection:
            said = await connection.scalar(
                select(templates.c.blocks).where(
                    templates.c.tenant == opened.tenant,
                    templates.c.space == opened.id,
                    templates.c.id == template,
                )
            )
        if said is None:
            raise Invalid(
                f"There is no template {template[:100]!r} in {opened.name!r}.",
                "Use one of the space, or one of: " + ", ".join(TEMPLATES) + ".",
            )
        blocks = await asyncio.to_thread(lambda: numbered(read(said)))
        return blocks or TEMPLATES["blank"].blocks(now().date())

    async def _changeable(self, principal: Principal, template: str) -> tuple[Row[Any], Space]:
        async with self._store.reading() as connection:
            row = (
                await connection.execute(
                    select(*_TOLD).where(
                        templates.c.tenant == principal.tenant, templates.c.id == template
                    )
                )
            ).one_or_none()
        if row is None:
            raise NotFound("template", template)
        try:
            space = await self._spaces.open(principal, row.space, Action.EDIT)
        except NotFound:  # of the space, whose id the asker did not name
            raise NotFound("template", template) from None
        if not _may_change(row, principal, space):
            raise Forbidden(
                f"The template {row.name!r} was made by somebody else.",
                "Ask who made it, or an admin of the space.",
            )
        return row, space


class _Made(NamedTuple):
    """A template to be stored, and how large it is."""

    blocks: list[dict[str, Any]]
    preview: list[dict[str, Any]]
    size: int  # blocks, with those within them
    bytes: int


def _made(blocks: Sequence[Block]) -> _Made:
    left = kept(blocks)
    said = written(left)
    length = len(json.dumps(said, ensure_ascii=False).encode())
    return _Made(said, [asdict(line) for line in preview(left)], size(left), length)


def _may_change(row: Row[Any], principal: Principal, space: Space) -> bool:
    if not can(principal, Action.EDIT, space.resource):
        return False
    by: str = row.created_by
    return by == principal.subject or can(principal, Action.MANAGE_SPACE, space.resource)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME:
        raise Invalid(
            f"A template's name has {len(name)} characters.", f"Give it 1 to {NAME} characters."
        )
    return name


def _taken(name: str) -> Conflict:
    return Conflict(
        f"This space already has a template {name!r}.", "Choose another name, or delete that one."
    )


def _template(row: Row[Any], principal: Principal, space: Space) -> OwnTemplate:
    return OwnTemplate(
        row.id,
        row.space,
        row.name,
        row.created_at,
        row.created_by,
        [Line(**line) for line in row.preview],
        _may_change(row, principal, space),
    )
