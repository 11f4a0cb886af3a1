"""A brief as cards. Pure.

The overview is a card; every action is one. A text that is too long for its card goes on in
comments. The overview's checklist has a line for every action.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from exporters import markers
from exporters.model import Brief, Item, Reference, Span
from exporters.records import OVERVIEW, Json, Loss, Place, Record, Rendering
from exporters.trello import text

CARD, COMMENT, CHECKLIST, LINE = "card", "comment", "checklist", "line"
STATUSES: Final = ("open", "doing", "done")
LINES: Final = 200  # check items of a checklist (limits object: checkItems.perChecklist)
_CONTINUED: Final = "**Continued, part {}**\n\n"
_ROOM: Final = 64  # characters for that line, for a marker's, and for saying that it is retired


def rendering(brief: Brief, place: Place) -> Rendering:
    """The cards of a brief, their comments, and the checklist of its actions."""
    actions = list(actions_of(brief.items))
    losses = list(_losses(brief.items))
    body = text.shown(brief.items, brief.references)
    records = list(_card(OVERVIEW, brief.title, body, {}, place))
    for action in actions:
        fields = _action_fields(action, place)
        if action.owner and not fields["members"]:
            why = f"“{action.owner}” is no member of the board: the name stands in the description."
            losses.append(Loss(action.key, why))
        body = _action_text(action, brief, named=bool(action.owner and not fields["members"]))
        records += _card(action.key, text.plain(action), body, fields, place)
    if actions and place.mapping.get("checklist") is not False:
        records += _checklists(actions)
    return Rendering(tuple(records), tuple(losses))


def mark(place: Place, key: str) -> str:
    """The address that a card carries as an attachment from the call that makes it: that of the
    brief, with our marker as its fragment. Empty where the product has no address; then the marker
    is the last line of the description."""
    if not place.link:
        return ""
    joint = "&" if "#" in place.link else "#"
    return f"{place.link}{joint}{markers.marker(place, place.brief, key)}"


def _card(
    key: str, name: str, body: str, fields: dict[str, Json], place: Place
) -> Iterator[Record]:
    title = " ".join(name.split())
    whole = text.shortened(title) or "Untitled"
    first, *more = text.parts(body, text.LIMIT - _ROOM)
    if not place.link:
        signed = f"`{markers.marker(place, place.brief, key)}`"
        first = f"{first}\n\n{signed}" if first else signed
    label = place.known.get("label")
    labels: list[Json] = [label] if label else []
    shown: dict[str, Json] = {"name": whole, "desc": first, "labels": labels}
    yield Record(key, CARD, {**shown, **fields}, title=whole)
    for number, piece in enumerate(more, start=2):
        words = f"{_CONTINUED.format(number)}{piece}"
        about = f"{whole}, part {number}"
        yield Record(f"{key}:part:{number}", COMMENT, {"text": words}, about, parent=key)


def _action_fields(action: Item, place: Place) -> dict[str, Json]:
    status = action.status if action.status in STATUSES else "open"
    people = place.known.get("people")
    member = people.get(folded(action.owner)) if isinstance(people, dict) else None
    return {
        "status": status,
        "complete": status == "done",
        "due": due(action.due),
        "members": [member] if member else [],
    }


def due(day: date | None) -> str | None:
    """Noon of that day in UTC: the same day from twelve hours west to eleven east of it."""
    return f"{day.isoformat()}T12:00:00.000Z" if day else None


def folded(name: str) -> str:
    return " ".join(name.casefold().removeprefix("@").split())


def _action_text(action: Item, brief: Brief, *, named: bool) -> str:
    """What the name of the card cannot say: marks, citations with their evidence, the owner."""
    cited = {span.cite for span in action.spans if span.cite is not None}
    references: list[Reference] = [ref for ref in brief.references if ref.cite in cited]
    name = text.plain(action)
    items: list[Item] = []
    if text.shortened(name) != name or any(map(_says_more, action.spans)):
        items.append(Item(action.key, "paragraph", spans=action.spans))
    if named:
        items.append(Item(action.key, "paragraph", spans=(Span(f"Owner: {action.owner}"),)))
    return text.shown(items, references)


def _says_more(span: Span) -> bool:
    marked = span.bold or span.italic or span.strike or span.code or span.href
    return bool(span.cite is not None or (marked and span.text.strip()))


def _checklists(actions: Sequence[Item]) -> Iterator[Record]:
    for start in range(0, len(actions), LINES):
        number = start // LINES + 1
        key = f"{OVERVIEW}:actions" if number == 1 else f"{OVERVIEW}:actions:{number}"
        name = "Actions" if number == 1 else f"Actions, part {number}"
        yield Record(key, CHECKLIST, {"name": name}, name, parent=OVERVIEW)
        for action in actions[start : start + LINES]:
            words = text.shortened(text.plain(action), text.LIMIT - _ROOM) or "Untitled"
            fields: dict[str, Json] = {"name": words, "checked": action.status == "done"}
            yield Record(f"{action.key}:line", LINE, fields, words, parent=key)


def actions_of(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if item.kind == "action":
            yield item
        yield from actions_of(item.children)


def _losses(items: Sequence[Item]) -> Iterator[Loss]:
    for item in items:
        if any(span.underline and span.text.strip() for span in item.spans):
            yield Loss(item.key, "Underlined words are shown without the line.")
        if item.kind == "image":
            yield Loss(item.key, "The image is named, not shown.")
        if item.kind == "table":
            yield Loss(item.key, "The table is shown as lines of text.")
        yield from _losses(item.children)
