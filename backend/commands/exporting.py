"""A brief as a file, from the command line."""

from __future__ import annotations

import re
from urllib.parse import unquote

from backend.commands.client import Refused, product, told
from backend.settings import Settings

FORMATS = ("md", "docx")
LISTED = 20  # briefs named in an error


async def export(settings: Settings, brief: str, format: str, space: str) -> tuple[str, bytes]:
    """The file's name and content; the brief is named by id, or by title where only one has it."""
    if format not in FORMATS:
        raise Refused(f"There is no format {format!r}.", f"Use one of: {', '.join(FORMATS)}.")
    async with product(settings) as client:
        found = []
        for one in await told(await client.get("/api/spaces")):
            if not space or space in (one["id"], one["name"]):
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
        return name.replace("/", "-"), answer.content
