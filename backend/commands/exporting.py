"""A brief as a file, from the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from backend.commands.client import Refused, find_space, product, told
from backend.settings import Settings

FORMATS = ("md", "docx")
LISTED = 20  # briefs named in an error


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
        found = []
        wanted = await find_space(client, space) if space else None
        for one in await told(await client.get("/api/spaces")):
            if wanted in (None, one["id"]):
                found += await told(await client.get(f"/api/spaces/{one['id']}/briefs"))
        named = [one for one in found if one["id"] == brief] or [
            one for one in found if one["title"] == brief
        ]
        if len(named) != 1:
            known = ", ".join(f"{one['id']} ({one['title']})" for one in (named or found)[:LISTED])
            raise Refused(
                f"{len(named)} briefs are called {brief!r}.",
                f"Name one by its id: {known or 'there is no brief yet'}.",
            )
        answer = await client.get(
            f"/api/briefs/{named[0]['id']}/download", params={"format": format}
        )
        if not answer.is_success:
            await told(answer)
        given = answer.headers.get("content-disposition", "")
        coded = re.search(r"filename\*=UTF-8''([^;]+)", given)
        name = unquote(coded[1]) if coded else f"{named[0]['id']}.{format}"
        return Exported(named[0]["id"], named[0]["title"], name.replace("/", "-"), answer.content)
