"""Jira Cloud in miniature: its REST API v3 over state of its own, held to the published document.

What the document leaves open is as Atlassian's guides say it: searching lags, an issue takes 20
writes in 2 seconds, what may not be seen answers as if it was not there.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope, Send

from exporters.jira import adf
from tests.remotes import adf_schema
from tests.remotes.jira_spec import FILE, operation

Object = dict[str, Any]

TOKEN = "ada's token"
ME, ADA, BOB, GRACE, TWIN = "acc-me", "acc-ada", "acc-bob", "acc-grace", "acc-twin"
SITE = "https://acme.atlassian.test"
PROJECT, OTHER_PROJECT = "10000", "10001"
EPIC, TASK, BUG, SUBTASK = "1", "2", "3", "4"
TODO, DOING, REVIEW, DONE = "100", "101", "102", "103"
SUMMARY, DESCRIPTION, LABEL = 255, 32_767, 255
PER_ISSUE = ((20, timedelta(seconds=2)), (100, timedelta(seconds=30)))
BURST = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}  # a second, of each endpoint
MOST_BULK = 100

PRIORITIES = [{"id": id, "name": name} for id, name in (("1", "High"), ("3", "Medium"))]
_CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
_UNSEEN = "Issue does not exist or you do not have permission to see it."


class Now(Protocol):
    def now(self) -> datetime: ...


class Refused(Exception):
    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(str(messages or errors))
        self.status = status
        self.body: Object = {"errorMessages": list(messages), "errors": errors}
        self.headers: dict[str, str] = {}


@dataclass
class Status:
    id: str
    name: str
    category: str


@dataclass
class Issue:
    id: str
    key: str
    project: str
    type: str
    status: str
    creator: str
    created: datetime
    fields: Object  # as they were set: summary, description, duedate, assignee, priority, …
    labels: list[str] = field(default_factory=list)
    parent: str | None = None
    properties: Object = field(default_factory=dict)
    archived: bool = False
    by_people: set[str] = field(default_factory=set)  # what a person changed since we wrote it
    written: list[tuple[str, Any]] = field(default_factory=list)  # all that we ever wrote into it


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a search knows of an issue."""

    project: str
    issuetype: str
    status: str
    parent: str | None
    labels: tuple[str, ...]


@dataclass
class Link:
    id: str
    type: str
    inward: str
    outward: str


class Jira:
    """The server, as an ASGI application. ``wrong`` gathers what neither side may say: a test looks
    that it stays empty."""

    def __init__(
        self, clock: Now, *, lag: Callable[[], float] = lambda: 0.0, check: bool = True
    ) -> None:
        """``lag``: seconds until a search knows of a change. ``check``: hold it to the document,
        where that is at hand."""
        self._clock = clock
        self.lag = lag
        self._check = check and FILE.exists()
        self._last = 10_000
        self._indexed: list[tuple[datetime, str, Indexed | None]] = []
        self._writes: dict[str, deque[datetime]] = {}
        self._calls: dict[tuple[str, str], deque[datetime]] = {}
        self.refusals: Counter[str] = Counter()  # 429s by their reason
        self.tokens = {TOKEN}
        self.wrong: list[str] = []
        self.overwritten: set[str] = set()  # issues in which we replaced what a person had written
        self.scopes: set[str] = set()  # that a sign-in needs for what was called
        self.writes = 0
        self.points = 0
        self.quota: int | None = None  # points until all calls are refused
        self.forbidden: set[str] = set()  # projects that the token may not see
        self.users = {
            ME: ("Export", "export@acme.test"),
            ADA: ("Ada Lovelace", "ada@acme.test"),
            BOB: ("Bob", "bob@acme.test"),
            GRACE: ("Grace", "grace@acme.test"),
            TWIN: ("Grace", "grace2@acme.test"),
        }
        self.projects = {PROJECT: ("PLAN", "Planning"), OTHER_PROJECT: ("OPS", "Operations")}
        self.types = {EPIC: ("Epic", 1), TASK: ("Task", 0), BUG: ("Bug", 0), SUBTASK: ("Sub", -1)}
        self.statuses = {
            one.id: one
            for one in (
                Status(TODO, "To Do", "new"),
                Status(DOING, "In Progress", "indeterminate"),
                Status(REVIEW, "In Review", "indeterminate"),
                Status(DONE, "Done", "done"),
            )
        }
        # From every status but itself, as in Jira's own simple workflow.
        self.transitions = {"11": TODO, "21": DOING, "31": DONE}
        self.closed_ways: set[tuple[str, str]] = set()  # from and to, of what the workflow lacks
        self.screens = {
            type: {
                "summary": True,
                "description": False,
                "labels": False,
                "duedate": False,
                "assignee": False,
                "priority": False,
                "parent": False,
            }
            for type in self.types
        }
        self.lead: str | None = None  # who is assigned what nobody is
        self.asks: dict[str, str] = {}  # fields that no screen has a default for, by type
        self.after_creation: Callable[[Issue], None] = lambda issue: None  # a quick person
        self.issues: dict[str, Issue] = {}
        self.links: dict[str, Link] = {}

    # What people do there.

    def issue(self, id_or_key: str) -> Issue:
        """By its id, or by its present key."""
        for issue in self.issues.values():
            if id_or_key in (issue.id, issue.key):
                return issue
        raise Refused(404, _UNSEEN)

    def seed(self, **fields: Any) -> Issue:
        """One that somebody made long ago."""
        return self._make(BOB, fields.pop("type", TASK), {"summary": "Theirs", **fields})

    def edit(self, issue: Issue, **fields: Any) -> None:
        """A person sets fields: labels and status, and those of Jira by name."""
        for name, value in fields.items():
            of_issue = name in ("labels", "status", "parent", "project", "archived")
            if value == (getattr(issue, name) if of_issue else issue.fields.get(name)):
                continue
            if of_issue:
                setattr(issue, name, value)
            else:
                issue.fields[name] = value
            # Back to what we wrote is nothing of theirs.
            if (name, value) in issue.written:
                issue.by_people.discard(name)
            elif name not in ("labels", "project", "archived"):
                issue.by_people.add(name)
        self._index(issue)

    def move(self, issue: Issue, project: str = OTHER_PROJECT) -> None:
        issue.key = f"{self.projects[project][0]}-{issue.id}"
        self.edit(issue, project=project, parent=None)

    def delete(self, issue: Issue) -> None:
        del self.issues[issue.id]
        for link in [one for one in self.links.values() if issue.id in (one.inward, one.outward)]:
            del self.links[link.id]
        for child in self.issues.values():
            if child.parent == issue.id:
                child.parent = None
        self._indexed.append((self._known_at(), issue.id, None))

    def clone(self, issue: Issue, creator: str = BOB, *, properties: bool = True) -> Issue:
        """A person duplicates it: marker, label and all."""
        copy = self._make(creator, issue.type, {**deepcopy(issue.fields)})
        copy.labels, copy.parent, copy.status = [*issue.labels], issue.parent, issue.status
        copy.properties = deepcopy(issue.properties) if properties else {}
        self._index(copy)
        return copy

    # HTTP.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        try:
            body = json.loads(raw) if raw else None
            status, answer = self.answer(scope["method"], scope["path"], query, body, headers)
            extra: dict[str, str] = {}
        except Refused as refused:
            status, answer, extra = refused.status, refused.body, refused.headers
        said = b"" if answer is None else json.dumps(answer).encode()
        extra = {"content-type": "application/json;charset=UTF-8", **extra}
        extra["date"] = self._clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        pairs = [(name.encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": said})

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if headers.get("authorization") not in {f"Bearer {token}" for token in self.tokens}:
            raise Refused(401, "Client must be authenticated to access this resource.")
        template, arguments, call = _route(method, path)
        self._charge(method, template)
        if self._check:
            self.scopes |= operation(method, template).scopes
            self._complain(f"{method} {path}", self.complaints(method, path, query, body))
        try:
            status, answer = call(self, query, body, *arguments)
        except Refused as refused:
            if self._check:
                said = operation(method, template).answered(refused.status, refused.body)
                self._complain(f"{method} {path} answers {refused.status}", said)
            raise
        if self._check:
            said = operation(method, template).answered(status, answer)
            self._complain(f"{method} {path} answers {status}", said)
        return status, answer

    def complaints(self, method: str, path: str, query: dict[str, str], body: Any) -> list[str]:
        """What the document does not allow about a request."""
        template, _, _ = _route(method, path)
        return operation(method, template).asked(query, body)

    def _complain(self, about: str, said: list[str]) -> None:
        self.wrong += [f"{about}: {one}" for one in said]

    def _charge(self, method: str, template: str) -> None:
        now = self._clock.now()
        if self.quota is not None and self.points >= self.quota:
            wait = timedelta(hours=1) - timedelta(minutes=now.minute, seconds=now.second)
            raise self._too_many(wait, "jira-quota-global-based")
        most, second = BURST[method], timedelta(seconds=1)
        made = self._calls.setdefault((method, template), deque(maxlen=most))
        if len(made) >= most and now - made[0] < second:
            raise self._too_many(made[0] + second - now, "jira-burst-based")
        made.append(now)
        self.points += 1

    def _count_write(self, issue: Issue) -> None:
        """At most so many in a window that slides; those turned down do not count."""
        now = self._clock.now()
        made = self._writes.setdefault(issue.id, deque(maxlen=PER_ISSUE[-1][0]))
        for most, window in PER_ISSUE:
            if len(made) >= most and now - made[-most] < window:
                raise self._too_many(made[-most] + window - now, "jira-per-issue-on-write")
        made.append(now)

    def _too_many(self, wait: timedelta, reason: str) -> Refused:
        self.refusals[reason] += 1
        refused = Refused(429, "Rate limit exceeded.")
        seconds = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
        refused.headers = {"retry-after": str(seconds), "ratelimit-reason": reason}
        return refused

    # Reading.

    def _myself(self, query: Object, body: Any) -> tuple[int, Any]:
        return 200, self._user(ME)

    def _server_info(self, query: Object, body: Any) -> tuple[int, Any]:
        return 200, {"baseUrl": SITE, "deploymentType": "Cloud"}

    def _project_search(self, query: Object, body: Any) -> tuple[int, Any]:
        wanted = query.get("query", "").casefold()
        found = [
            self._project(id)
            for id, (key, name) in self.projects.items()
            if id not in self.forbidden and wanted in f"{key} {name}".casefold()
        ]
        return 200, _page(found, query, "values")

    def _project_get(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        return 200, self._project(self._visible(id))

    def _project_types(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        self._visible(id, 400)
        found = [
            {
                "self": f"{SITE}/rest/api/3/issuetype/{type}",
                "id": type,
                "name": name,
                "subtask": level < 0,
                "hierarchyLevel": level,
            }
            for type, (name, level) in self.types.items()
        ]
        page = _page(found, query, "issueTypes")
        return 200, {key: page[key] for key in ("issueTypes", "startAt", "maxResults", "total")}

    def _project_fields(self, query: Object, body: Any, id: str, type: str) -> tuple[int, Any]:
        self._visible(id, 400)
        found = [
            {
                "fieldId": name,
                "key": name,
                "name": name.title(),
                "required": required,
                "hasDefaultValue": False,
                "operations": ["set"],
                "schema": {"type": "string", "system": name},
                **({"allowedValues": PRIORITIES} if name == "priority" else {}),
            }
            for name, required in {
                **self.screens[type],
                **({self.asks[type]: True} if type in self.asks else {}),
            }.items()
        ]
        page = _page(found, query, "fields")
        return 200, {key: page[key] for key in ("fields", "startAt", "maxResults", "total")}

    def _project_statuses(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        self._visible(id)
        return 200, [
            {
                "self": f"{SITE}/rest/api/3/issuetype/{type}",
                "id": type,
                "name": name,
                "subtask": level < 0,
                "statuses": [self._status(one) for one in self.statuses],
            }
            for type, (name, level) in self.types.items()
        ]

    def _people(self, query: Object, body: Any) -> tuple[int, Any]:
        self._visible(query.get("project", ""))
        wanted = query.get("query", "").casefold()
        return 200, [
            self._user(id)
            for id, (name, mail) in self.users.items()
            if name.casefold().startswith(wanted) or mail.casefold().startswith(wanted)
        ]

    def _link_types(self, query: Object, body: Any) -> tuple[int, Any]:
        names = {"5000": "Blocks", "5001": "Relates"}
        return 200, {"issueLinkTypes": [{"id": id, "name": name} for id, name in names.items()]}

    def _bulk(self, query: Object, body: Object) -> tuple[int, Any]:
        wanted = body["issueIdsOrKeys"]
        if len(wanted) > MOST_BULK:
            raise Refused(400, "Only 100 issues can be fetched at once.")
        found = {issue.id: issue for one in wanted if (issue := self._sees(one))}
        self.points += len(found)
        issues = [self._issue(found[id], body) for id in sorted(found, key=int)]
        return 200, {"issues": issues, "issueErrors": []}

    def _get(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        issue = self._sees(id)
        if issue is None:
            raise Refused(404, _UNSEEN)
        asked = {name: value.split(",") for name, value in query.items()}
        return 200, self._issue(issue, asked)

    def _search(self, query: Object, body: Object) -> tuple[int, Any]:
        """Each issue as the index knew it a while ago; the fields asked for as they are now."""
        matching = _query(body.get("jql", ""))
        known: dict[str, Indexed | None] = {}
        for at, id, issue in self._indexed:
            if at <= self._clock.now():
                known[id] = issue
        ids = [
            id
            for id, issue in known.items()
            if issue and matching(issue) and self._sees(id) and not self.issues[id].archived
        ]
        ids.sort(key=int, reverse=True)
        at, size = int(body.get("nextPageToken", "0")), min(body.get("maxResults", 50), 100)
        rows = [self._issue(self.issues[id], body) for id in ids[at : at + size]]
        self.points += len(rows)
        page: Object = {"issues": rows, "isLast": at + size >= len(ids)}
        if not page["isLast"]:
            page["nextPageToken"] = str(at + size)
        return 200, page

    # Writing.

    def _create(self, query: Object, body: Object) -> tuple[int, Any]:
        fields = dict(body["fields"])
        project = self._visible(fields.pop("project")["id"], 400)
        type = fields.pop("issuetype")["id"]
        if type not in self.types:
            raise Refused(400, issuetype="The issue type selected is invalid.")
        if type in self.asks:
            raise Refused(400, **{self.asks[type]: f"{self.asks[type]} is required."})
        self._validate(fields, type)
        issue = self._make(ME, type, {})
        issue.written.append(("status", TODO))
        issue.project = project
        if self.lead:
            issue.fields["assignee"] = {"accountId": self.lead}
        self._set(issue, fields)
        for one in body.get("properties", ()):
            if len(one["key"]) > 255 or len(json.dumps(one["value"])) > 32_768:
                raise Refused(400, "The property is too long.")
            issue.properties[one["key"]] = one["value"]
        self._index(issue)
        self.after_creation(issue)
        self.writes += 1
        return 201, {
            "id": issue.id,
            "key": issue.key,
            "self": f"{SITE}/rest/api/3/issue/{issue.id}",
        }

    def _edit(self, query: Object, body: Object, id: str) -> tuple[int, Any]:
        issue = self._writable(id)
        fields, update = dict(body.get("fields", {})), body.get("update", {})
        if fields.keys() & update.keys():
            raise Refused(400, "A field is set and updated at once.")
        self._validate(fields, issue.type)
        labels = [*issue.labels]
        for change in update.get("labels", ()):
            for verb, label in change.items():
                if verb == "add" and label not in labels:
                    labels.append(label)
                elif verb == "remove" and label in labels:
                    labels.remove(label)
        self._validate({"labels": labels}, issue.type)
        self._set(issue, {**fields, "labels": labels})
        self._index(issue)
        self.writes += 1
        return (200, self._issue(issue, {})) if query.get("returnIssue") == "true" else (204, None)

    def _transitions(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        issue = self._sees(id)
        if issue is None:
            raise Refused(404, _UNSEEN)
        return 200, {"transitions": self._ways(issue)}

    def _transit(self, query: Object, body: Object, id: str) -> tuple[int, Any]:
        issue = self._writable(id)
        way = body["transition"]["id"]
        if way not in {one["id"] for one in self._ways(issue)}:
            raise Refused(400, "It seems that you have tried to perform an illegal operation.")
        self._overwrite(issue, "status", self.transitions[way])
        issue.status = self.transitions[way]
        self._index(issue)
        self.writes += 1
        return 204, None

    def _link(self, query: Object, body: Object) -> tuple[int, Any]:
        types = {"5000": "Blocks", "5001": "Relates"}
        said = body["type"]
        type = next(
            (i for i, n in types.items() if said.get("id") == i or said.get("name") == n), ""
        )
        if not type:
            raise Refused(404, "No issue link type with that name was found.")
        ends = [self._writable(body[side]["id"]) for side in ("inwardIssue", "outwardIssue")]
        same = (type, ends[0].id, ends[1].id)
        self.writes += 1
        if same not in {(one.type, one.inward, one.outward) for one in self.links.values()}:
            link = Link(str(self._next()), *same)
            self.links[link.id] = link
        return 201, None

    def _unlink(self, query: Object, body: Any, id: str) -> tuple[int, Any]:
        if id not in self.links:
            raise Refused(404, "No issue link with that id exists.")
        self._writable(self.links[id].inward)
        del self.links[id]
        self.writes += 1
        return 204, None

    def _unarchive(self, query: Object, body: Object) -> tuple[int, Any]:
        found = [issue for one in body["issueIdsOrKeys"] if (issue := self._sees(one))]
        for issue in found:
            self.edit(issue, archived=False)
        self.writes += 1
        return 200, {"numberOfIssuesUpdated": len(found), "errors": {}}

    # State.

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _make(self, creator: str, type: str, fields: Object) -> Issue:
        id = str(self._next())
        issue = Issue(id, f"PLAN-{id}", PROJECT, type, TODO, creator, self._clock.now(), {**fields})
        self.issues[id] = issue
        self._index(issue)
        return issue

    def _set(self, issue: Issue, fields: Object) -> None:
        for name, value in fields.items():
            self._overwrite(issue, name, value)
            match name:
                case "labels":
                    issue.labels = sorted(set(value))
                case "parent":
                    issue.parent = self.issue(value["id"]).id if value else None
                case _:
                    issue.fields[name] = value

    def _overwrite(self, issue: Issue, name: str, value: Any) -> None:
        """Take note of what we write, and of a person's that it replaces."""
        if name == "parent" and value:
            value = value["id"]
        now = {"status": issue.status, "parent": issue.parent}.get(name, issue.fields.get(name))
        if name in issue.by_people and now != value:
            self.overwritten.add(issue.id)
        issue.by_people.discard(name)
        issue.written.append((name, value))

    def _validate(self, fields: Object, type: str) -> None:
        unknown = fields.keys() - self.screens[type].keys()
        if unknown:
            name = min(unknown)
            said = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            raise Refused(400, **{name: said})
        if "summary" in fields:
            summary = fields["summary"]
            if not summary or "\n" in summary:
                raise Refused(400, summary="The summary is invalid: it has no line breaks.")
            if _units(summary) > SUMMARY:
                raise Refused(400, summary="Summary can't exceed 255 characters.")
        if (description := fields.get("description")) is not None:
            if adf_schema.complaints(description):
                raise Refused(400, description="Operation value must be an Atlassian Document")
            if adf.length(description) > DESCRIPTION:
                said = "The entered text is too long. It exceeds the allowed limit of 32,767"
                raise Refused(400, description=f"{said} characters.")
        for label in fields.get("labels", ()):
            if re.search(r"\s", label) or not 0 < len(label) <= LABEL:
                raise Refused(400, labels=f"The label '{label}' contains spaces.")
        if (assignee := fields.get("assignee")) and assignee.get("accountId") not in self.users:
            raise Refused(400, assignee="User does not exist.")
        if (due := fields.get("duedate")) and not re.fullmatch(r"\d{4}-\d\d-\d\d", due):
            raise Refused(400, duedate="Error parsing date string.")
        if (parent := fields.get("parent")) and not self._sees(parent["id"]):
            raise Refused(400, parent="The parent issue was not found.")

    def _index(self, issue: Issue) -> None:
        known = Indexed(issue.project, issue.type, issue.status, issue.parent, tuple(issue.labels))
        self._indexed.append((self._known_at(), issue.id, known))

    def _known_at(self) -> datetime:
        """Never before an earlier change of it."""
        last = max((at for at, _, _ in self._indexed[-1:]), default=self._clock.now())
        return max(last, self._clock.now() + timedelta(seconds=self.lag()))

    def _visible(self, project: str, status: int = 404) -> str:
        for id, (key, _) in self.projects.items():
            if project in (id, key) and id not in self.forbidden:
                return id
        raise Refused(status, "No project could be found with that key or id.")

    def _sees(self, id_or_key: str) -> Issue | None:
        try:
            issue = self.issue(id_or_key)
        except Refused:
            return None
        return None if issue.project in self.forbidden else issue

    def _writable(self, id_or_key: str) -> Issue:
        issue = self._sees(id_or_key)
        if issue is None:
            raise Refused(404, _UNSEEN)
        if issue.archived:
            raise Refused(400, "The issue is archived.")
        self._count_write(issue)
        return issue

    # As JSON.

    def _user(self, id: str) -> Object:
        name, mail = self.users[id]
        return {
            "accountId": id,
            "accountType": "atlassian",
            "displayName": name,
            "emailAddress": mail,
            "active": True,
        }

    def _project(self, id: str) -> Object:
        key, name = self.projects[id]
        return {"id": id, "key": key, "name": name, "projectTypeKey": "software"}

    def _status(self, id: str) -> Object:
        one = self.statuses[id]
        number, name, color = _CATEGORIES[one.category]
        category = {"id": number, "key": one.category, "name": name, "colorName": color}
        return {"id": one.id, "name": one.name, "statusCategory": category}

    def _ways(self, issue: Issue) -> list[Object]:
        return [
            {
                "id": id,
                "name": f"To {self.statuses[to].name}",
                "to": self._status(to),
                "isAvailable": True,
            }
            for id, to in self.transitions.items()
            if to != issue.status and (issue.status, to) not in self.closed_ways
        ]

    def _issue(self, issue: Issue, asked: Object) -> Object:
        wanted = asked.get("fields")
        fields: Object = {
            **issue.fields,
            "description": _as_read(issue.fields.get("description")),
            "assignee": self._assignee(issue),
            "priority": issue.fields.get("priority") or {"id": "3", "name": "Medium"},
            "labels": issue.labels,
            "status": self._status(issue.status),
            "project": self._project(issue.project),
            "creator": self._user(issue.creator),
            "created": issue.created.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
            "issuetype": {"id": issue.type, "name": self.types[issue.type][0]},
            "issuelinks": list(self._links_of(issue)),
            "archiveddate": "2026-03-02T09:00:00.000+0000" if issue.archived else None,
        }
        if issue.parent:
            fields["parent"] = {"id": issue.parent, "key": self.issues[issue.parent].key}
        if wanted is not None:
            fields = {name: value for name, value in fields.items() if name in wanted}
        made: Object = {
            "id": issue.id,
            "key": issue.key,
            "self": f"{SITE}/rest/api/3/issue/{issue.id}",
            "fields": fields,
        }
        if "transitions" in (asked.get("expand") or ""):
            made["transitions"] = self._ways(issue)
        if wanted_properties := asked.get("properties"):
            made["properties"] = {
                name: value for name, value in issue.properties.items() if name in wanted_properties
            }
        return made

    def _assignee(self, issue: Issue) -> Object | None:
        said = issue.fields.get("assignee")
        return self._user(said["accountId"]) if said else None

    def _links_of(self, issue: Issue) -> Iterator[Object]:
        names = {"5000": "Blocks", "5001": "Relates"}
        for link in self.links.values():
            type = {"id": link.type, "name": names[link.type]}
            if link.inward == issue.id:
                yield {"id": link.id, "type": type, "outwardIssue": {"id": link.outward}}
            elif link.outward == issue.id:
                yield {"id": link.id, "type": type, "inwardIssue": {"id": link.inward}}


def _as_read(description: Object | None) -> Object | None:
    """Jira's editor gives tables a layout, and every block an id."""
    if description is None:
        return None
    blocks = []
    for index, block in enumerate(description["content"]):
        attrs = {**block.get("attrs", {})}
        if block["type"] == "table":
            attrs |= {"isNumberColumnEnabled": False, "layout": "default"}
        if block["type"] in ("table", "paragraph"):
            attrs["localId"] = f"local-{index}"
        blocks.append({**block, "attrs": attrs} if attrs else block)
    return {**description, "content": blocks}


def _page(rows: list[Object], query: Object, name: str) -> Object:
    at, size = int(query.get("startAt", 0)), int(query.get("maxResults", 50))
    return {
        name: rows[at : at + size],
        "startAt": at,
        "maxResults": size,
        "total": len(rows),
        "isLast": at + size >= len(rows),
    }


_CLAUSE = re.compile(r'(project|issuetype|status|labels|parent) = (?:"((?:[^"\\]|\\.)*)"|(\d+))')


def _query(jql: str) -> Callable[[Indexed], bool]:
    """The few queries that are asked here: clauses joined by AND, and one OR within brackets."""
    text, ordered, _ = jql.partition(" ORDER BY ")
    if not text.strip() or not ordered:
        raise Refused(400, "Unbounded JQL queries are not allowed here.")

    def clause(said: str) -> Callable[[Indexed], bool]:
        match = _CLAUSE.fullmatch(said.strip())
        if match is None:
            raise Refused(400, f"Error in the JQL Query: {said}")
        name, value = match[1], match[2] if match[2] is not None else match[3]
        if name == "labels":
            return lambda known: value in known.labels
        return lambda known: getattr(known, name) == value

    parts = [
        [clause(one) for one in part.strip().strip("()").split(" OR ")]
        for part in text.split(" AND ")
    ]
    return lambda known: all(any(one(known) for one in part) for part in parts)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


_ROUTES: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = [
    ("GET", "/myself", Jira._myself),
    ("GET", "/serverInfo", Jira._server_info),
    ("GET", "/project/search", Jira._project_search),
    ("GET", "/project/{projectIdOrKey}", Jira._project_get),
    ("GET", "/project/{projectIdOrKey}/statuses", Jira._project_statuses),
    ("GET", "/issue/createmeta/{projectIdOrKey}/issuetypes", Jira._project_types),
    ("GET", "/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}", Jira._project_fields),
    ("GET", "/user/assignable/search", Jira._people),
    ("GET", "/issueLinkType", Jira._link_types),
    ("POST", "/issue/bulkfetch", Jira._bulk),
    ("POST", "/search/jql", Jira._search),
    ("PUT", "/issue/unarchive", Jira._unarchive),
    ("POST", "/issue", Jira._create),
    ("GET", "/issue/{issueIdOrKey}", Jira._get),
    ("PUT", "/issue/{issueIdOrKey}", Jira._edit),
    ("GET", "/issue/{issueIdOrKey}/transitions", Jira._transitions),
    ("POST", "/issue/{issueIdOrKey}/transitions", Jira._transit),
    ("POST", "/issueLink", Jira._link),
    ("DELETE", "/issueLink/{linkId}", Jira._unlink),
]
_PATTERNS = [
    (method, template, re.compile(re.sub(r"\{\w+\}", "([^/]+)", template)), call)
    for method, template, call in _ROUTES
]


def _route(method: str, path: str) -> tuple[str, list[str], Callable[..., tuple[int, Any]]]:
    path = path.removeprefix("/rest/api/3")
    for known, template, pattern, call in _PATTERNS:
        if known == method and (match := pattern.fullmatch(path)):
            return template, [unquote(one) for one in match.groups()], call
    raise Refused(404, f"{method} {path} is not served here.")
