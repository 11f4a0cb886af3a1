"""Trello: a card for the overview and one for each action, in lists by status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exporters.choices import Account, MappingChoice, PlaceFound
from exporters.model import Brief
from exporters.ports import Api, Done, NotDone, NotKnown, Pace, Response
from exporters.records import (
    Change,
    Entry,
    Found,
    Intent,
    Json,
    Loss,
    Place,
    Rendering,
    Seen,
    Step,
)
from exporters.trello import cards, guide, looking, render
from exporters.trello.steps import steps

# For each token: https://developer.atlassian.com/cloud/trello/guides/rest-api/rate-limits
PACE: Final = Pace(100, timedelta(seconds=10))
_LABELS: Final = {
    "name": "Name",
    "desc": "Description",
    "status": "List",
    "complete": "Marked complete",
    "checked": "Ticked",
    "due": "Due date",
    "members": "Members",
    "labels": "Labels",
    "text": "Comment",
}
_STATUSES: Final = {"open": "Open", "doing": "In work", "done": "Done"}


@dataclass(frozen=True, slots=True)
class Trello:
    """Boards, reached with an application's key and a person's token."""

    @property
    def kind(self) -> str:
        return "trello"

    @property
    def paces(self) -> Sequence[Pace]:
        return (PACE,)

    async def check(self, api: Api) -> Account:
        return await guide.check(api)

    async def places(self, api: Api, query: str) -> Sequence[PlaceFound]:
        return await guide.places(api, query)

    async def choices(self, api: Api, place: Place) -> Sequence[MappingChoice]:
        return await guide.choices(api, place)

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        return await guide.learn(api, place, brief)

    def render(self, brief: Brief, place: Place) -> Rendering:
        return render.rendering(brief, place)

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        return await cards.read(api, place, entries)

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        return list(steps(changes, place, entries, found))

    def unable(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Loss]:
        return ()

    async def receipt(
        self, api: Api, place: Place, step: Step, answer: Response
    ) -> Mapping[str, Seen]:
        return await looking.receipt(api, place, step, answer)

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        return await looking.look(api, place, intent, entries, now)

    def words(self, part: str, value: Json) -> str:
        match part, value:
            case _, None:
                return "none"
            case _, bool():
                return "yes" if value else "no"
            case "status", {"list": name}:
                return f"In the list “{name}”"
            case "status", str():
                return _STATUSES.get(value, value)
            case "due", str():
                return value.removesuffix("T12:00:00.000Z")
            case "members", list():
                return ", ".join(f"@{one}" for one in value) or "none"
            case "labels", list():
                return "the label chosen" if value else "none"
            case _:
                return str(value)

    def label(self, part: str) -> str:
        return _LABELS.get(part, part)
