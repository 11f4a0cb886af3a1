"""What a place has to name, by the kind of its target. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from exporters.errors import BadMapping
from exporters.records import Json

FOLDER: Final = "folder"  # the one kind that needs no connection
# One of these; ids become parts of addresses, so they hold nothing that leads out of one.
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "notion": ("data_source", "page"),
    "jira": ("project",),
    "trello": ("board",),
    FOLDER: ("folder",),
}
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


def check(kind: str, where: Mapping[str, Json]) -> None:
    """Raises BadMapping where a place names nothing that can be one. Whether it is there is told by
    asking the target."""
    wanted = _NAMED[kind]
    named = [key for key in wanted if where.get(key)]
    if len(named) != 1:
        raise BadMapping(f"A place of the kind {kind!r} names its {' or its '.join(wanted)}.")
    value = where[named[0]]
    if not isinstance(value, str) or (kind != FOLDER and not _ID.fullmatch(value)):
        raise BadMapping(f"{value!r} is no {named[0]} of the kind {kind!r}.")
