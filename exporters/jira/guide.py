"""What a connection to Jira reaches, and what people may choose of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from exporters.choices import Account, MappingChoice, Option, PlaceFound
from exporters.errors import BadMapping
from exporters.jira.learning import PAGE, get, issue_types, pages, statuses_of
from exporters.jira.target import BY_NAME, LABEL, STAGES, Target, listed, record, status, word
from exporters.jira.text import clean
from exporters.ports import Api
from exporters.records import Json, Place

MOST_PLACES: Final = 200


async def check(api: Api) -> Account:
    me = record(await get(api, "/myself"))
    name = word(me.get("displayName")) or word(me.get("emailAddress")) or "unnamed"
    return Account(name, word(me.get("accountId")), await _site(api))


async def _site(api: Api) -> str:
    return word(record(await get(api, "/serverInfo")).get("baseUrl"))


async def places(api: Api, query: str) -> Sequence[PlaceFound]:
    site = await _site(api)
    found: list[PlaceFound] = []
    async for project in _projects(api, query):
        key = word(project.get("key"))
        found.append(
            PlaceFound(
                f"{word(project.get('name'))} ({key})",
                {"project": word(project.get("id")), "key": key, "site": site},
                "Project",
                f"{site}/browse/{key}",
            )
        )
    return found


async def _projects(api: Api, query: str) -> AsyncIterator[Mapping[str, Json]]:
    """Those where issues may be made, the lately changed ones first."""
    at = 0
    while at < MOST_PLACES:
        asked: dict[str, Json] = {"action": "create", "orderBy": "-lastIssueUpdatedDate"}
        if query:
            asked["query"] = clean(query)
        page = record(await get(api, "/project/search", startAt=at, maxResults=PAGE, **asked))
        rows = listed(page.get("values"))
        for one in rows:
            yield record(one)
        at += len(rows)
        if not rows or page.get("isLast") is True:
            return


async def choices(api: Api, place: Place) -> Sequence[MappingChoice]:
    target = Target(place)
    project = quote(target.project, safe="")
    types = [
        record(one)
        for one in await pages(api, f"/issue/createmeta/{project}/issuetypes", "issueTypes")
        if record(one).get("subtask") is not True
    ]
    try:
        issue, overview = issue_types(types, place)
    except BadMapping:  # a type that is gone: show the form as if nothing was chosen
        issue, overview = issue_types(types, replace(place, mapping={}))
    named = [Option(word(one.get("id")), word(one.get("name"))) for one in types]
    statuses = statuses_of(await get(api, f"/project/{project}/statuses"), word(issue.get("id")))
    shown = await pages(
        api,
        f"/issue/createmeta/{project}/issuetypes/{quote(word(issue.get('id')), safe='')}",
        "fields",
    )
    # With these a sign-in needs no right to configure Jira, which the list of all of them wants.
    priorities = [
        one
        for field in map(record, shown)
        if field.get("fieldId") == "priority"
        for one in listed(field.get("allowedValues"))
    ]
    links = listed(record(await get(api, "/issueLinkType")).get("issueLinkTypes"))
    return (
        MappingChoice("issue_type", "Actions become", options=named, default=word(issue.get("id"))),
        MappingChoice(
            "overview_type",
            "The overview becomes",
            options=named,
            default=word(overview.get("id")),
            help="An epic holds the issues of its actions.",
        ),
        MappingChoice(
            "statuses",
            "Statuses",
            "map",
            options=[Option(id, status(one).name) for id, one in statuses.items()],
            default={},
            help="Where none is chosen, any status of the same category will do.",
            rows=[
                Option(stage, name)
                for stage, name in zip(STAGES, ("Open", "Doing", "Done"), strict=True)
            ],
        ),
        MappingChoice(
            "priority",
            "Priority of new issues",
            options=[Option("", "Leave it to Jira"), *map(_option, priorities)],
            default="",
            help="A brief has no priorities: those of issues that are there stay as they are.",
        ),
        MappingChoice("labels", "Labels", "text", default=LABEL, help="With spaces between them."),
        MappingChoice(
            "link_type",
            "An action that links to another",
            options=[
                Option("", "No issue link"),
                Option(BY_NAME, BY_NAME),
                *(one for one in map(_option, links) if one.name != BY_NAME),
            ],
            default=BY_NAME,
        ),
        MappingChoice(
            "removed",
            "An action removed from the brief",
            options=[
                Option("done", "Close its issue, with a label"),
                Option("label", "Leave its issue open, with a label"),
            ],
            default="done",
            help="Issues are never deleted.",
        ),
    )


def _option(said: Json) -> Option:
    return Option(word(record(said).get("id")), word(record(said).get("name")))
