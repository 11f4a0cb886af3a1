"""A brief as a file, from the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from backend.commands.client import Refused, find_brief, product, told
from backend.settings import Settings

FORMATS = ("md", "docx")


@dataclass(frozen=True, slots=True)
class Exported:
    """``brief`` is its id, ``name`` what a file of it is called."""

    brief: str
    title: str
    name: str
    content: bytes


async def export(settings: Settings, brief: str, format: str, space: str) -> Exported:
    """A brief as a file; it is named by id, or by title where only one has it."""
    if format not in FORMATS:
        raise Refused(f"There is no format {format!r}.", f"Use one of: {', '.join(FORMATS)}.")
    async with product(settings) as client:
        named = await find_brief(client, brief, space)
        answer = await client.get(f"/api/briefs/{named['id']}/download", params={"format": format})
        if not answer.is_success:
            await told(answer)
        given = answer.headers.get("content-disposition", "")
        coded = re.search(r"filename\*=UTF-8''([^;]+)", given)
        name = unquote(coded[1]) if coded else f"{named['id']}.{format}"
        return Exported(named["id"], named["title"], name.replace("/", "-"), answer.content)
