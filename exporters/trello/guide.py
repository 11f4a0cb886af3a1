"""What of a board decides how a brief is shown there, and what people may choose about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from exporters.choices import Account, MappingChoice, Option, PlaceFound
from exporters.errors import BadMapping
from exporters.model import Brief
from exporters.ports import Api
from exporters.records import Json, Place, Request
from exporters.trello import cards
from exporters.trello.render import STATUSES, actions_of, folded

_NAMES: Final = {
    "open": ("to do", "todo", "open", "backlog", "not started", "next"),
    "doing": ("doing", "in progress", "started", "in work"),
    "done": ("done", "complete", "completed", "finished"),
}
_LABELS: Final = {"open": "Open actions", "doing": "Actions in work", "done": "Done actions"}


async def check(api: Api) -> Account:
    """Whose token it is. One of the hundred calls to /members in fifteen minutes."""
    response = await api.read(Request("GET", "/members/me"))
    body: Any = response.body
    return Account(body.get("fullName") or body["username"], body["id"], body.get("url") or "")


async def places(api: Api, query: str) -> Sequence[PlaceFound]:
    """Open boards, those with all words of the query in their names; by name."""
    path = "/members/me/boards?filter=open&fields=name,url,closed"
    response = await api.read(Request("GET", path))
    boards: Any = response.body
    words = query.casefold().split()
    found = [
        PlaceFound(board["name"], {"board": board["id"]}, "Board", board.get("url") or "")
        for board in boards
        if all(word in board["name"].casefold() for word in words)
    ]
    return sorted(found, key=lambda place: place.name.casefold())


async def choices(api: Api, place: Place) -> Sequence[MappingChoice]:
    """Lists for the overview and each status, a label for all cards, and the checklist."""
    board = await _board(api, place)
    lists = [Option(one["id"], one["name"]) for one in board["lists"]]
    meant = {status: _list(board, status, {}) for status in STATUSES}
    labels = [Option(one["id"], _label_name(one)) for one in board["labels"]]
    return [
        MappingChoice("overview", "Overview", options=lists, default=_overview(board, {})),
        *(
            MappingChoice(status, _LABELS[status], options=lists, default=meant[status])
            for status in STATUSES
        ),
        MappingChoice(
            "label",
            "Label",
            options=[Option("", "None"), *labels],
            default="",
            help="Put on every card that comes from a brief.",
        ),
        MappingChoice(
            "checklist",
            "Checklist of actions",
            "flag",
            default=True,
            help="The overview's card lists all actions and counts those that are done.",
        ),
    ]


async def learn(api: Api, place: Place, brief: Brief) -> Place:
    """The board's lists and people; raises BadMapping for what is chosen and is there no longer."""
    board = await _board(api, place)
    lists: dict[str, Json] = {s: _list(board, s, place.mapping) for s in STATUSES}
    names = Counter(folded(one["fullName"]) for one in board["members"])
    people: dict[str, Json] = {
        folded(one["fullName"]): one["username"]
        for one in board["members"]
        if names[folded(one["fullName"])] == 1  # a name that two people have is nobody's
    }
    people |= {folded(one["username"]): one["username"] for one in board["members"]}
    owners: dict[str, Json] = {
        action.key: people[folded(action.owner)]
        for action in actions_of(brief.items)
        if folded(action.owner) in people
    }
    label = place.mapping.get("label") or None
    if label and label not in [one["id"] for one in board["labels"]]:
        raise BadMapping("The label chosen for the cards is no longer on the board.")
    known: dict[str, Json] = {
        "lists": lists,
        "overview": _overview(board, place.mapping),
        "people": people,
        "ids": {one["username"]: one["id"] for one in board["members"]},
        "owners": owners,
        "label": label,
    }
    return replace(place, known=known)


async def _board(api: Api, place: Place) -> Mapping[str, Any]:
    id = place.where.get("board")
    path = f"/boards/{id}?lists=open&labels=all&labels_limit=1000&members=all"
    (answer,) = await cards.fetched(api, [path])
    if answer.status != 200:
        raise BadMapping(
            "Trello does not show us the board: it was deleted, or this account is no longer one of"
            " its members. Have the account added to it again, or choose another board."
        )
    board: Mapping[str, Any] = answer.body
    if board.get("closed"):
        name = board.get("name")
        raise BadMapping(f"The board “{name}” is closed. Open it again, or choose another board.")
    if not board.get("lists"):
        raise BadMapping(f"The board “{board.get('name')}” has no list; add one for the actions.")
    return board


def _list(board: Mapping[str, Any], status: str, mapping: Mapping[str, Json]) -> str:
    """The list chosen for a status, else the one so called, else the first, or the last for done,
    and for doing the one after the first."""
    lists = board["lists"]
    if chosen := mapping.get(status):
        return _still_there(board, status, chosen)
    for name in _NAMES[status]:
        for one in lists:
            if folded(one["name"]) == name:
                return str(one["id"])
    return str(lists[{"open": 0, "doing": min(1, len(lists) - 1), "done": -1}[status]]["id"])


def _overview(board: Mapping[str, Any], mapping: Mapping[str, Json]) -> str:
    if chosen := mapping.get("overview"):
        return _still_there(board, "overview", chosen)
    return str(board["lists"][0]["id"])


def _still_there(board: Mapping[str, Any], what: str, chosen: Json) -> str:
    if chosen not in [one["id"] for one in board["lists"]]:
        raise BadMapping(f"The list chosen for “{what}” is no longer on the board; choose another.")
    return str(chosen)


def _label_name(label: Mapping[str, Any]) -> str:
    return label.get("name") or f"({label.get('color') or 'no color'})"
