"""Notion as a target: a brief is a page, its blocks are blocks, its actions to-dos or rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from exporters.choices import Account, MappingChoice, PlaceFound
from exporters.model import Brief
from exporters.notion import (
    guide,
    limits,
    looking,
    possible,
    properties,
    rendering,
    rich_text,
    shape,
)
from exporters.notion import steps as planning
from exporters.notion.reading import Reading, learned
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

_LABELS = {
    "title": "Title",
    "text": "Text",
    "type": "Kind of block",
    "inside": "Added inside",
    "cells": "Cells",
    "language": "Language",
    "header": "Header row",
    "row_header": "Header column",
}
_STATUSES = {"open": "Open", "doing": "Doing", "done": "Done"}


class Notion:
    """The adapter: see ``exporters.ports.Adapter`` and ``exporters.choices.Guide``."""

    kind = "notion"
    paces: Sequence[Pace] = (Pace(limits.CALLS, timedelta(seconds=1)),)

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        return await learned(api, place, rendering.owners(brief))

    def render(self, brief: Brief, place: Place) -> Rendering:
        return rendering.render(brief, place)

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        return await Reading(api, place, entries).all()

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        return planning.steps(changes, place, rendering, entries, found)

    def unable(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Loss]:
        return possible.unable(changes, place, rendering, entries, found)

    async def receipt(
        self, api: Api, place: Place, step: Step, answer: Response
    ) -> Mapping[str, Seen]:
        return await looking.receipt(api, place, step, answer)

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        return await looking.look(api, place, intent, entries, now)

    def words(self, part: str, value: Json) -> str:
        match part:
            case "title" | "text":
                return rich_text.words(value)
            case "cells":
                return " | ".join(rich_text.words(cell) for cell in shape.items(value))
            case "inside":
                inner = map(shape.fields, shape.items(value))
                return "\n".join(f"- {rich_text.words(one.get('text'))}".strip() for one in inner)
            case "status":
                return _STATUSES.get(shape.text(value), shape.text(value))
            case "type":
                return shape.text(value).replace("_", " ")
            case "owner" if isinstance(value, list):
                people = map(shape.fields, value)
                return ", ".join(shape.text(one.get("name")) or "somebody" for one in people)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "" if value is None else str(value)

    def label(self, part: str) -> str:
        value = properties.VALUES.get(part)
        return value.label if value else _LABELS.get(part, part)

    async def check(self, api: Api) -> Account:
        return await guide.check(api)

    async def places(self, api: Api, query: str) -> Sequence[PlaceFound]:
        return await guide.places(api, query)

    async def choices(self, api: Api, place: Place) -> Sequence[MappingChoice]:
        return await guide.choices(api, place)
