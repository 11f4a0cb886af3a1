"""Jira Cloud as a target: a brief is an epic, and each of its actions an issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from exporters.choices import Account, MappingChoice, PlaceFound
from exporters.jira import guide, learning, looking, rendering
from exporters.jira.looking import issues, standings
from exporters.jira.reading import found as read_issue
from exporters.jira.steps import Planner
from exporters.jira.target import Target, record, word
from exporters.jira.words import markdown
from exporters.model import Brief
from exporters.ports import Api, Done, NotDone, NotKnown, Pace, Response
from exporters.records import (
    OVERVIEW,
    Change,
    Entry,
    Found,
    Intent,
    Json,
    Loss,
    Op,
    Place,
    Rendering,
    Seen,
    Step,
)

# developer.atlassian.com/cloud/jira/platform/rate-limiting: each endpoint takes 100 GET and POST,
# and 50 PUT and DELETE a second. An app has 65,000 points an hour: a writing call costs one, and a
# reading one 1 more for each issue in it. What else Jira asks for, it says with Retry-After.
PACES: Final = (
    Pace(50, timedelta(seconds=1)),
    Pace(65_000, timedelta(hours=1)),
)

_LABELS: Final = {
    "summary": "Summary",
    "description": "Description",
    "status": "Status",
    "due": "Due date",
    "assignee": "Assignee",
    "labels": "Labels",
    "parent": "Parent",
    "links": "Linked issues",
}
# A document is tidied up, and who has no assignee may get the project's own.
_KEPT_OTHERWISE: Final = {"description", "assignee"}
_STAGES: Final = {"open": "To do", "doing": "In progress", "done": "Done"}


class Jira:
    """Implements ``ports.Adapter`` and ``choices.Guide``."""

    kind = "jira"
    paces: Sequence[Pace] = PACES

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        return await learning.learn(api, place, brief)

    def render(self, brief: Brief, place: Place) -> Rendering:
        return rendering.render(brief, place)

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        return await standings(api, place, entries)

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        return Planner(place, entries, found).steps(changes)[0]

    def unable(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Loss]:
        return Planner(place, entries, found).steps(changes)[1]

    async def receipt(
        self, api: Api, place: Place, step: Step, answer: Response
    ) -> Mapping[str, Seen]:
        (key,) = step.keys
        target, sends, said = Target(place), step.sends[key], record(answer.body)
        if step.op is not Op.CREATE:
            # A transition or a link was made as it was sent; an edit answers with the whole issue.
            if not said.get("fields"):
                return {}
            return {key: _as_kept(read_issue(answer.body, target, sends=sends))}
        ref = word(said.get("id"))
        issue = (await issues(api, [ref])).get(ref)
        if issue is None:  # deleted since, as the next reading will say
            return {key: Seen(ref, {}, target.url(word(said.get("key"))))}
        return {key: _as_kept(read_issue(issue, target, sends=sends))}

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        if intent.step.op is Op.CREATE:
            return await looking.created(api, place, intent, entries, now)
        return await looking.changed(api, place, intent, entries, now)

    def words(self, part: str, value: Json) -> str:
        if value is None or value == []:
            return ""
        if part == "description" and isinstance(value, dict):
            return markdown(value)
        if part == "status":
            return _STAGES.get(word(value), word(value))
        if part == "parent":
            return "The brief’s epic" if value == OVERVIEW else f"Issue {word(value)}"
        if isinstance(value, list):
            return ", ".join(map(word, value))
        return word(value)

    def label(self, part: str) -> str:
        return _LABELS.get(part, part)

    async def check(self, api: Api) -> Account:
        return await guide.check(api)

    async def places(self, api: Api, query: str) -> Sequence[PlaceFound]:
        return await guide.places(api, query)

    async def choices(self, api: Api, place: Place) -> Sequence[MappingChoice]:
        return await guide.choices(api, place)


def _as_kept(about: Found) -> Seen:
    """How an issue reads back, in the parts that Jira keeps otherwise than they were sent: what
    else reads otherwise, somebody has changed already."""
    fields = {part: value for part, value in about.fields.items() if part in _KEPT_OTHERWISE}
    return Seen(about.ref, fields, about.url)
