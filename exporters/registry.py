"""Every kind of target by its name; each is loaded with its first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from exporters.choices import Guide
from exporters.ports import Adapter


class Target(Adapter, Guide, Protocol):
    """An adapter, which shows people what may be chosen, too."""


_MADE: Final[Mapping[str, tuple[str, str]]] = {
    "notion": ("exporters.notion", "Notion"),
    "jira": ("exporters.jira", "Jira"),
    "trello": ("exporters.trello", "Trello"),
}
KINDS: Final = tuple(_MADE)


def target(kind: str) -> Target:
    """Raises KeyError for a kind that there is not."""
    module, name = _MADE[kind]
    make = cast(Callable[[], Target], getattr(import_module(module), name))
    return make()
