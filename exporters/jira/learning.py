"""What has to be asked of Jira before a brief can be shown there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from exporters.errors import BadMapping
from exporters.jira.steps import API
from exporters.jira.target import Target, jql, listed, record, status, word
from exporters.jira.text import clean
from exporters.model import Brief, Item
from exporters.ports import Api
from exporters.records import Json, Place, Request

PAGE: Final = 50
MOST_OWNERS: Final = 200  # people looked up for one plan; more are named in the description
_ASKED: Final = ("duedate", "assignee", "priority", "description", "labels", "parent")
# Jira fills these, or the request does.
_GIVEN: Final = frozenset({"project", "issuetype", "summary", "reporter", *_ASKED})
_EPIC: Final = 1  # hierarchyLevel


async def get(api: Api, path: str, **query: Json) -> Json:
    """A reading that must succeed; what answers 404 or 403 is said as BadMapping."""
    asked = urlencode({name: str(value) for name, value in query.items()})
    answer = await api.read(Request("GET", f"{API}{path}{'?' if asked else ''}{asked}"))
    if answer.status != 200:
        raise BadMapping(
            f"Jira answers {answer.status} for {path}: it is not there, or this connection may not"
            " see it. Choose the project again, or ask for the right to browse it."
        )
    return answer.body


async def learn(api: Api, place: Place, brief: Brief) -> Place:
    target = Target(place)
    project = f"/issue/createmeta/{quote(target.project, safe='')}/issuetypes"
    types = [record(one) for one in await pages(api, project, "issueTypes")]
    issue, overview = issue_types(types, place)
    fields: dict[str, Json] = {}
    for name, kind in (("issue", issue), ("overview", overview)):
        shown = await pages(api, f"{project}/{quote(word(kind.get('id')), safe='')}", "fields")
        fields[name] = _fields([record(one) for one in shown], word(kind.get("name")))
    flows = await get(api, f"/project/{quote(target.project, safe='')}/statuses")
    statuses = statuses_of(flows, word(issue.get("id")))
    gone = {one: id for one, id in target.workflow.named.items() if id not in statuses}
    if gone:
        raise BadMapping(
            f"The status chosen for “{next(iter(gone))}” is no longer in the workflow of"
            f" “{word(issue.get('name'))}” in {target.key or target.project}; choose another."
        )
    start = _start(statuses)
    begins = status(start).id
    known: dict[str, Json] = {
        "me": word(record(await get(api, "/myself")).get("accountId")),
        "issue_type": word(issue.get("id")),
        "overview_type": word(overview.get("id")),
        "nests": _level(overview) > _level(issue) and "parent" in listed(fields["issue"]),
        "fields": fields,
        "people": await _people(api, target.project, _owners(brief.items)),
        "start": start,
        "moves": await _moves(api, target.project, word(issue.get("id")), begins)
        if begins
        else None,
    }
    return replace(place, known=known)


def issue_types(
    types: Sequence[Mapping[str, Json]], place: Place
) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """The types of an action's issue and of the overview."""
    whole = [one for one in types if one.get("subtask") is not True]
    usual = [one for one in whole if _level(one) == 0]
    usual.sort(key=lambda one: word(one.get("name")) not in ("Task", "Story"))
    chosen = _chosen(whole, word(place.mapping.get("issue_type")), "actions")
    issue = chosen or next(iter(usual or whole), None)
    if issue is None:
        raise BadMapping(
            "This connection may not create issues in the project; ask for the right to, or choose"
            " another project."
        )
    epic = next((one for one in whole if _level(one) == _EPIC), issue)
    return issue, _chosen(whole, word(place.mapping.get("overview_type")), "the overview") or epic


def _chosen(types: Sequence[Mapping[str, Json]], id: str, what: str) -> Mapping[str, Json] | None:
    if not id:
        return None
    for one in types:
        if one.get("id") == id:
            return one
    raise BadMapping(f"The issue type chosen for {what} is no longer in the project; choose again.")


def _level(kind: Mapping[str, Json]) -> int:
    level = kind.get("hierarchyLevel")
    return level if isinstance(level, int) else _EPIC if kind.get("name") == "Epic" else 0


def _fields(shown: Sequence[Mapping[str, Json]], kind: str) -> Json:
    """Those of a type's screen that we fill. Refuses a type that asks for more."""
    ids = {word(one.get("fieldId")) for one in shown}
    asked = [
        word(one.get("name"))
        for one in shown
        if one.get("required") is True
        and one.get("hasDefaultValue") is not True
        and word(one.get("fieldId")) not in _GIVEN
    ]
    if asked:
        raise BadMapping(
            f"“{kind}” asks for {', '.join(asked)}, which a brief has not. Give it a default in"
            " Jira, or choose another issue type."
        )
    if "labels" not in ids:
        raise BadMapping(
            f"“{kind}” has no labels on the screen that makes one, and by its label an issue is"
            " found again. Add Labels to the screen, or choose another issue type."
        )
    return [*sorted(ids & {*_ASKED})]


def statuses_of(flows: Json, issue_type: str) -> dict[str, Json]:
    """The statuses that an issue of the type can have, by id, in the order of its workflow."""
    for flow in map(record, listed(flows)):
        if flow.get("id") == issue_type:
            return {word(record(one).get("id")): one for one in listed(flow.get("statuses"))}
    return {}


def _start(statuses: Mapping[str, Json]) -> Json:
    """Where new issues begin. Jira does not say; it is the first that is not begun."""
    fresh = (one for one in statuses.values() if status(one).category == "new")
    found = next(fresh, None)
    return found if found is not None else next(iter(statuses.values()), None)


async def _moves(api: Api, project: str, issue_type: str, start: str) -> Json:
    """The transitions of a new issue, as the newest one that is still where it began shows them;
    None where there is none."""
    body: dict[str, Json] = {
        "jql": f"project = {jql(project)} AND issuetype = {jql(issue_type)}"
        f" AND status = {jql(start)} ORDER BY created DESC",
        "fields": ["status"],
        "expand": "transitions",
        "maxResults": 1,
    }
    answer = await api.read(Request("POST", f"{API}/search/jql", body))
    for issue in map(record, listed(record(answer.body).get("issues"))):
        # The search may be behind: it has moved on since.
        if status(record(issue.get("fields")).get("status")).id == start:
            return issue.get("transitions")
    return None


async def _people(api: Api, project: str, owners: Sequence[str]) -> dict[str, Json]:
    """The account of each owner to whom exactly one person answers, by e-mail address or name."""
    found: dict[str, Json] = {}
    for owner in owners[:MOST_OWNERS]:
        said = await get(
            api, "/user/assignable/search", project=project, query=clean(owner), maxResults=PAGE
        )
        wanted = owner.strip().casefold()
        ids = {
            word(one.get("accountId"))
            for one in map(record, listed(said))
            if one.get("active") is not False
            and wanted
            in (
                word(one.get("emailAddress")).casefold(),
                word(one.get("displayName")).strip().casefold(),
            )
        }
        if len(ids) == 1:
            found[owner] = ids.pop()
    return found


def _owners(items: Sequence[Item]) -> list[str]:
    found: dict[str, None] = {}
    for item in items:
        if item.kind == "action" and item.owner.strip():
            found[item.owner] = None
        found |= dict.fromkeys(_owners(item.children))
    return list(found)


async def pages(api: Api, path: str, name: str) -> list[Json]:
    """Every page of a listing that counts by ``startAt``."""
    found: list[Json] = []
    while True:
        page = record(await get(api, path, startAt=len(found), maxResults=PAGE))
        rows = listed(page.get(name))
        found += rows
        total = page.get("total")
        ended = page.get("isLast") is True or (isinstance(total, int) and len(found) >= total)
        if not rows or ended or (total is None and len(rows) < PAGE):
            return found
