"""A brief as an epic and its issues. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from urllib.parse import parse_qs, urlsplit

from exporters.jira.adf import Node, paragraph, text
from exporters.jira.fitting import fitted
from exporters.jira.target import Target
from exporters.jira.text import clean, plain, summary
from exporters.jira.writing import Writer, cites, is_plain, linked
from exporters.model import Brief, Item
from exporters.records import OVERVIEW, Json, Place, Record, Rendering

EPIC: Final = "overview"
ISSUE: Final = "action"
_FIELDS: Final = {"due": "duedate", "assignee": "assignee"}
_SAID: Final = {"due": "due date", "assignee": "assignee"}


def render(brief: Brief, place: Place) -> Rendering:
    """The overview first, then each action in the order of the brief."""
    target = Target(place)
    writer = Writer(brief)
    actions = list(_actions(brief.items))
    keys = frozenset(action.key for action in actions)
    if not place.link:
        writer.lose(OVERVIEW, "No links lead back to the brief: its public address is not set.")
    if actions and not target.nests:
        writer.lose(OVERVIEW, "Issues have no epic to lie in here: they stand beside the overview.")
    if actions and target.priority and not target.has("priority"):
        writer.lose(OVERVIEW, "Issues of this type have no field for the priority here.")
    records = [_overview(brief, place, target, writer)]
    for action in actions:
        records.append(_issue(action, place, target, writer, keys))
    return Rendering(tuple(records), writer.losses)


def _overview(brief: Brief, place: Place, target: Target, writer: Writer) -> Record:
    title, cut = summary(brief.title)
    if cut:
        writer.lose(OVERVIEW, "A summary has at most 255 characters: the title is cut.")
    tail = [
        *writer.evidence([reference.cite for reference in brief.references]),
        *linked("Open the brief", place.link),
    ]
    fields: dict[str, Json] = {"summary": title, "labels": [*target.labels]}
    if target.has("description", overview=True):
        fields["description"] = fitted(writer.blocks(brief.items), tail, writer)
    else:
        writer.lose(OVERVIEW, "Overviews have no description in this project.")
    return Record(OVERVIEW, EPIC, fields, title)


def _issue(
    action: Item, place: Place, target: Target, writer: Writer, keys: frozenset[str]
) -> Record:
    title, cut = summary(plain(action.spans))
    fields: dict[str, Json] = {
        "summary": title,
        "labels": [*target.labels],
        "status": action.status,
        "links": [*sorted(linked_actions(action, place.link, keys))] if target.link_type else [],
        "due": action.due.isoformat() if action.due else None,
        "assignee": target.account(action.owner) or None,
    }
    if target.nests:
        fields["parent"] = OVERVIEW
    owner = clean(action.owner)
    unknown = owner if not fields["assignee"] else ""
    if unknown:
        writer.lose(
            action.key,
            f"Nobody, or more than one, in Jira is called “{unknown}”: named in the description.",
        )
    if not target.has("assignee"):
        unknown = owner
    unsaid = [part for part, field in _FIELDS.items() if not target.has(field)]
    for part in unsaid:
        if fields.pop(part, None):
            writer.lose(
                action.key, f"Issues of this type have no field for the {_SAID[part]} here."
            )
    if target.has("description"):
        late = action.due if "due" in unsaid else None
        body = _description(action, writer, cut=cut, unknown=unknown, due=late)
        tail = [
            *writer.evidence(cites([action])),
            *linked("Open in the brief", place.link and f"{place.link}?sel=block:{action.key}"),
        ]
        fields["description"] = fitted(body, tail, writer, action.key)
    elif cut:
        writer.lose(action.key, "A summary has at most 255 characters: the rest is left out.")
    return Record(action.key, ISSUE, fields, title, parent=OVERVIEW if target.nests else None)


def _description(
    action: Item, writer: Writer, *, cut: bool, unknown: str, due: date | None
) -> list[Node]:
    """What the fields of an issue do not say."""
    inline = writer.inline(action)
    body: list[Node] = []
    if cut or not is_plain(inline):
        body.append(paragraph(*inline))
    body += writer.blocks(action.children)
    if unknown:
        body.append(paragraph(text(f"Owner: {unknown}")))
    if due:
        body.append(paragraph(text(f"Due: {due.isoformat()}")))
    return body


def _actions(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if item.kind == "action":
            yield item
        yield from _actions(item.children)


def linked_actions(action: Item, link: str, keys: frozenset[str]) -> set[str]:
    """The other actions of the brief to which the words of this one link."""
    found: set[str] = set()
    for span in action.spans:
        if not (link and span.href and span.href.startswith(f"{link}?")):
            continue
        for chosen in parse_qs(urlsplit(span.href).query).get("sel", []):
            kind, _, key = chosen.partition(":")
            if kind == "block" and key in keys and key != action.key:
                found.add(key)
    return found
