"""What a person may choose about a target, as values for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from exporters.ports import Api
from exporters.records import Json, Place


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is."""

    name: str
    id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """Somewhere that a connection can put a brief. ``where`` goes into ``Place.where``."""

    name: str
    where: Mapping[str, Json]
    kind_name: str = ""  # what such a place is called over there: "Board", "Project"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """One thing that may be chosen. ``key`` is its key in ``Place.mapping``.

    kind: select (the id of one of ``options``), text, flag (true or false), map (for each of
    ``rows`` the id of one of ``options``). ``default`` is what is meant where nothing was chosen.
    """

    key: str
    label: str
    kind: Literal["select", "text", "flag", "map"] = "select"
    options: Sequence[Option] = ()
    default: Json = None
    help: str = ""
    rows: Sequence[Option] = ()  # of a map: what is mapped


class Guide(Protocol):
    """Shows people what one connection can reach. Every adapter is one, too."""

    async def check(self, api: Api) -> Account:
        """Who the token is; raises NotConnected."""
        ...

    async def places(self, api: Api, query: str) -> Sequence[PlaceFound]:
        """Where the connection can put a brief; an empty query lists the likeliest first."""
        ...

    async def choices(self, api: Api, place: Place) -> Sequence[MappingChoice]:
        """What may be chosen there; ``place.mapping`` is what was chosen so far."""
        ...
