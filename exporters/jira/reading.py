"""An issue as Jira tells of it, as an engine reads it: parts in their canonical form. Pure.

Each issue is read by itself: the parent is known by ``Entry.within``, what it links to by the
property that every issue of ours carries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporters.jira import adf
from exporters.jira.target import Target, listed, record, status, word
from exporters.records import OVERVIEW, Entry, Fields, Found, Json, Standing

FIELDS: Final[Sequence[Json]] = (
    "summary",
    "description",
    "status",
    "duedate",
    "assignee",
    "labels",
    "parent",
    "issuelinks",
    "project",
    "creator",
    "created",
    "archiveddate",
)


def outward(issue: Json, target: Target) -> dict[str, Json]:
    """The ids of the issues to which it links as our links do, and those of the links."""
    fields = record(record(issue).get("fields"))
    return {
        word(record(one.get("outwardIssue")).get("id")): one.get("id")
        for one in map(record, listed(fields.get("issuelinks")))
        if target.is_ours(one.get("type")) and one.get("outwardIssue")
    }


def found(
    issue: Json,
    target: Target,
    entry: Entry | None = None,
    sends: Fields | None = None,
    keys: Mapping[str, str] | None = None,
) -> Found:
    """The issue of an entry; ``sends`` is what is being written to it just now, ``keys`` those of
    the issues of ours by id.

    Of labels and links only ours count: those that people added are theirs, and no difference.
    """
    fields = record(record(issue).get("fields"))
    project = record(fields.get("project"))
    standing, where = Standing.LIVE, ""
    if fields.get("archiveddate"):
        standing, where = Standing.ARCHIVED, "Jira's archive"
    elif word(project.get("id")) != target.project:
        standing, where = Standing.MOVED, word(project.get("name")) or word(project.get("key"))
    sent = entry.sent if entry else {}
    ours = {*listed(sent.get("labels")), *listed((sends or {}).get("labels"))}
    ids = outward(issue, target)
    links = {key: ids[id] for id, key in (keys or {}).items() if id in ids}
    description = fields.get("description")
    labels = [word(label) for label in listed(fields.get("labels"))]
    said: dict[str, Json] = {
        "summary": word(fields.get("summary")),
        "description": adf.canonical(description) if isinstance(description, dict) else None,
        "status": target.workflow.stage(status(fields.get("status"))),
        "due": word(fields.get("duedate")) or None,
        "assignee": word(record(fields.get("assignee")).get("accountId")) or None,
        "labels": [*sorted(label for label in labels if label in ours)],
        "parent": _parent(word(record(fields.get("parent")).get("id")), entry, sends),
        "links": [*sorted(links)],
    }
    extra: dict[str, Json] = {
        "transitions": record(issue).get("transitions"),
        "status": fields.get("status"),
        "labels": [*labels],
        "links": {**links},
        "linked": len(ids),
        "parent": word(record(fields.get("parent")).get("id")),
        "creator": word(record(fields.get("creator")).get("accountId")),
        "created": word(fields.get("created")),
        "properties": {**record(record(issue).get("properties"))},
    }
    return Found(
        word(record(issue).get("id")),
        said,
        standing,
        target.url(word(record(issue).get("key"))),
        where,
        extra,
        returns=standing is not Standing.MOVED,  # only people can move an issue
    )


def _parent(ref: str, entry: Entry | None, sends: Mapping[str, Json] | None) -> Json:
    """OVERVIEW where it lies in our epic as we put it there, else the id of what it lies in."""
    if ref and entry is not None and ref == entry.within:
        return OVERVIEW
    if ref and sends and sends.get("parent") == OVERVIEW:
        return OVERVIEW
    return ref or None
