"""What a first start begins with: a space with a fictional company's papers, ready to be asked."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from backend.auth.dev import YOU
from backend.services import Services
from backend.sources.upload import written
from backend.store.tables import briefs, meta, spaces
from backend.templates.parts import new_block_id
from collab import Block, Inline

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "sample"
MADE = "sample_made"  # the key in `meta`: once made, never again, even when it was deleted


@dataclass(frozen=True, slots=True)
class Sample:
    """The manifest beside the sample's files. ``questions`` are ones that its papers answer."""

    name: str
    files: tuple[str, ...]
    questions: tuple[str, ...]
    title: str
    blocks: tuple[Block, ...]


@cache
def sample() -> Sample:
    """What ``backend/sample/sample.json`` says. Blocking."""
    said: dict[str, Any] = json.loads((FOLDER / "sample.json").read_bytes())
    return Sample(
        name=said["name"],
        files=tuple(said["files"]),
        questions=tuple(said["questions"]),
        title=said["brief"]["title"],
        blocks=tuple(_block(block) for block in said["brief"]["blocks"]),
    )


def _block(said: Mapping[str, Any]) -> Block:
    attributes: dict[str, str | int | bool | None] = {
        name: value for name, value in said.items() if name not in {"kind", "text"}
    }
    return Block(new_block_id(), said["kind"], attributes, (Inline("text", said["text"]),))


async def first_start(services: Services) -> None:
    """Make the sample space on a store that never had one. Safe to be cut off and begin again."""
    try:
        if services.settings.sample and not await _made(services):
            await _make(services, await asyncio.to_thread(sample))
    except Exception:
        log.exception("the sample space could not be made; the product works without it")


async def _made(services: Services) -> bool:
    async with services.store.reading() as connection:
        found = await connection.execute(select(meta).where(meta.c.key == MADE))
        return found.first() is not None


async def _make(services: Services, wanted: Sample) -> None:
    async with services.store.reading() as connection:
        begun = await connection.scalar(
            select(spaces.c.id).where(spaces.c.tenant == YOU.tenant, spaces.c.sample)
        )
        has_brief = begun is not None and await connection.scalar(
            select(briefs.c.id).where(briefs.c.space == begun)
        )
    space = begun or (await services.spaces.create(YOU, wanted.name, sample=True)).id
    if not has_brief:
        await services.briefs.create(YOU, space, wanted.title, blocks=wanted.blocks)
    for name in wanted.files:
        content = await asyncio.to_thread((FOLDER / name).read_bytes)
        async with written(
            name, content, folder=services.sources.uploads, limit=services.sources.limit
        ) as upload:
            await services.sources.add(YOU, space, upload, name)
    async with services.store.writing() as connection:
        await connection.execute(insert(meta).values(key=MADE, value=space))
