"""Who edits a document, for who keeps its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from collab.wire import Presence

if TYPE_CHECKING:
    from collab.presences import Presences
    from collab.visitor import Visitor

NAME = 60  # characters of a name; the rest is left out


class Editor(NamedTuple):
    """A person: who they are to the server, and what they call themselves in the room."""

    subject: str
    name: str


class Editors:
    """Who has edited since this was last asked: those who visit this process."""

    def __init__(self, presences: Presences) -> None:
        self._presences = presences
        self._found: dict[Visitor, str] = {}

    def note(self, visitor: Visitor) -> None:
        """It has edited."""
        if visitor not in self._found:
            self._found[visitor] = name_in(self._presences.of(visitor))

    def moved(self, visitor: Visitor) -> None:
        """It said something of itself: its name perhaps, after its first edit."""
        if self._found.get(visitor) == "":
            self._found[visitor] = name_in(self._presences.of(visitor))

    def take(self) -> frozenset[Editor]:
        found = frozenset(Editor(one.subject, name) for one, name in self._found.items())
        self._found.clear()
        return found


def name_in(presences: Iterable[Presence]) -> str:
    """The name that one of a visitor's clients says in its awareness; empty where none does."""
    for presence in presences:
        try:
            said = json.loads(presence.state)["user"]["name"]
        except (ValueError, TypeError, LookupError, RecursionError):
            continue
        if isinstance(said, str):
            whole = said.replace("\0", "").encode("utf-8", "replace").decode()
            if name := " ".join(whole.split())[:NAME]:
                return name
    return ""
