"""Trello in miniature: its HTTP API over state of its own, held to the published document.

What the document leaves open is as the guides say it, and where they say nothing, as unhelpful as
it may be: a card's answer has no members, and adding what is there already is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import jsonschema_rs
from starlette.types import Receive, Scope, Send

Object = dict[str, Any]

KEY, TOKEN = "app-key", "alices-token"
TOKEN_LIMIT, KEY_LIMIT, MEMBERS_LIMIT = 100, 300, 100
WINDOW, MEMBERS_WINDOW = timedelta(seconds=10), timedelta(seconds=900)
REFUSALS = 200  # of one key in a window; more, and the key is blocked for its rest
LONGEST = 16_384
LINES = 200
OPEN_CARDS = 5_000


class Now(Protocol):
    def now(self) -> datetime: ...


class Refused(Exception):
    def __init__(self, status: int, message: str, error: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: Object = {"message": message, **({"error": error} if error else {})}


class Document:
    """The OpenAPI document as far as it can say: parameters of a call, and some answers.

    It writes every parameter into the query. The API takes the same names in a JSON body, where a
    description of 16,384 characters fits.
    """

    def __init__(self, path: Path) -> None:
        self._whole = json.loads(path.read_text())
        self._calls: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}
        for template, methods in self._whole["paths"].items():
            shared = methods.get("parameters", [])
            for method, call in methods.items():
                if method == "parameters":
                    continue
                named = {
                    one["name"]: (
                        one["in"],
                        one.get("required"),
                        _separated(one),
                        self._validator(one["schema"]),
                    )
                    for one in [*shared, *call.get("parameters", [])]
                }
                answer = call["responses"].get("200", {}).get("content", {})
                schema = answer.get("application/json", {}).get("schema")
                said = self._validator(schema) if schema else None
                self._calls[method.upper(), template.rstrip("/")] = named, said

    def asked(self, method: str, template: str, path: Object, said: Object) -> Iterable[str]:
        """What is wrong with a call."""
        if (method, template) not in self._calls:
            yield f"{method} {template} is not in the document"
            return
        named, _ = self._calls[method, template]
        if not named.keys() >= said.keys() and _tells_parameters(method, template):
            yield f"{method} {template} has no {said.keys() - named.keys()}"
        for name, (where, required, separated, validator) in named.items():
            if (template, name) == ("/members/{id}/boards", "id"):
                continue  # its words allow a user name, its pattern does not
            given = path if where == "path" else said
            if name not in given:
                if required:
                    yield f"{method} {template} wants {name}"
                continue
            value = given[name]
            values = value.split(",") if separated and isinstance(value, str) else [value]
            for one in values if value != "" else ():
                read = [[one]] if separated == "array" else _readings(one)
                if not any(validator.is_valid(each) for each in read):
                    yield f"{method} {template}: {name} may not be {one!r}"

    def answered(self, method: str, template: str, body: Any) -> Iterable[str]:
        _, validator = self._calls[method, template]
        if validator is not None:
            for error in validator.iter_errors(body):
                yield f"{method} {template} answers {error}"

    def _validator(self, schema: Any) -> Any:
        root = {**_nullable(schema), "components": _nullable(self._whole["components"])}
        # It calls dates what its own examples show as times.
        return jsonschema_rs.Draft4Validator(root, validate_formats=False)


def _separated(parameter: Object) -> str:
    """Whether it is a list in one text, and how its schema says so."""
    if parameter["schema"].get("type") == "array":
        return "array"
    listed = parameter.get("style") == "form" or parameter["name"].endswith("fields")
    return "form" if listed else ""


def _readings(value: Any) -> list[Any]:
    """A text of a query may mean a number or a flag."""
    try:
        return [value, json.loads(value)] if isinstance(value, str) else [value]
    except ValueError:
        return [value]


def _tells_parameters(method: str, template: str) -> bool:
    """Some reading calls take parameters that the document tells only in its guides."""
    return method != "GET" or template not in ("/boards/{id}/cards/{filter}", "/boards/{id}")


def _nullable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _nullable(one) for name, one in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"enum": [None]}]} if schema.get("nullable") is True else plain


@cache
def document(path: Path) -> Document:
    return Document(path)


class Trello:
    """The server. ``wrong`` gathers what neither side may say; a test looks that it stays empty."""

    def __init__(self, clock: Now, document: Document | None = None) -> None:
        self._clock = clock
        self._document = document
        self._count = 0
        self._asked: list[datetime] = []
        self._asked_members: list[datetime] = []
        self._refused: list[datetime] = []
        self.tokens = {TOKEN}
        self.wrong: list[str] = []
        self.writes: list[tuple[str, str, Object]] = []
        self.too_many = 0
        self.boards: dict[str, Object] = {}
        self.lists: dict[str, Object] = {}
        self.labels: dict[str, Object] = {}
        self.members: dict[str, Object] = {}
        self.cards: dict[str, Object] = {}
        self.checklists: dict[str, Object] = {}
        self.actions: dict[str, Object] = {}
        self.hidden: set[str] = set()  # boards that the token may not see
        self.copies: set[str] = set()  # cards that people made from ours
        self.overwritten: set[str] = set()  # what we wrote over, or put away, that people wrote
        self._theirs: dict[str, set[str]] = {}  # what of an object people changed
        self._ours: dict[str, set[str]] = {}  # see wrote
        self.me = self.member("Alice Adams", "alice")

    # What is there, and what people do.

    def member(self, name: str, username: str, *boards: str) -> str:
        id = self._new()
        self.members[id] = {"id": id, "fullName": name, "username": username}
        for board in boards:
            self.boards[board]["members"].append(id)
        return id

    def board(self, name: str, lists: Iterable[str] = ("To do", "Doing", "Done")) -> str:
        id = self._new()
        url = f"https://trello.com/b/{id}"
        self.boards[id] = {
            "id": id, "name": name, "closed": False, "url": url, "members": [self.me]
        }  # fmt: skip
        for one in lists:
            self.list(id, one)
        return id

    def list(self, board: str, name: str) -> str:
        id = self._new()
        self.lists[id] = {"id": id, "name": name, "closed": False, "idBoard": board, "pos": 1.0}
        return id

    def label(self, board: str, name: str, color: str = "blue") -> str:
        id = self._new()
        self.labels[id] = {"id": id, "idBoard": board, "name": name, "color": color}
        return id

    def list_named(self, board: str, name: str) -> str:
        found = (i for i, one in self.lists.items() if one["idBoard"] == board)
        return next(i for i in found if self.lists[i]["name"] == name)

    def duplicate(self, card: str) -> str:
        """A person copies a card with all that is on it."""
        id = self._new()
        self.cards[id] = {**json.loads(json.dumps(self.cards[card])), "id": id, "idChecklists": []}
        self.copies.add(id)
        self._act("copyCard", {"card": {"id": id}, "cardSource": {"id": card}})
        return id

    def edit(self, what: Object, name: str, value: str) -> None:
        """A person changes one thing; back to what we wrote is nothing of theirs."""
        what[name] = value
        theirs = self._theirs.setdefault(what["id"], set())
        if value in self._ours.get(what["id"], ()):
            theirs.discard(name)
        else:
            theirs.add(name)

    def wrote(self, id: str) -> set[str]:
        """All that we ever wrote into an object."""
        return self._ours.get(id, set())

    def put_on(self, card: Object, member: str) -> None:
        if member not in card["idMembers"]:
            card["idMembers"].append(member)

    def take_off(self, card: Object) -> None:
        card["idMembers"].clear()

    def _write(self, what: Object, said: Object, ref: str = "") -> None:
        """We change an object: note what of a person's that replaces."""
        theirs = self._theirs.get(what["id"], set())
        for name, value in said.items():
            if name in theirs and what.get(name) != value:
                self.overwritten.add(ref or what["id"])
            theirs.discard(name)
            self._ours.setdefault(what["id"], set()).add(str(value))
        what.update(said)

    def delete(self, card: str) -> None:
        del self.cards[card]
        gone = [i for i, one in self.checklists.items() if one["idCard"] == card]
        for id in gone:
            del self.checklists[id]
        for id, action in list(self.actions.items()):
            if action["data"].get("card", {}).get("id") == card:
                del self.actions[id]

    def on_board(self, board: str) -> list[Object]:
        return [card for card in self.cards.values() if card["idBoard"] == board]

    def comments(self, card: str) -> list[Object]:
        return [
            one
            for one in self.actions.values()
            if one["type"] == "commentCard" and one["data"]["card"]["id"] == card
        ]

    def lines(self, card: str) -> list[Object]:
        of_card = [one for one in self.checklists.values() if one["idCard"] == card]
        return [line for one in of_card for line in one["checkItems"]]

    def _new(self) -> str:
        self._count += 1
        return f"{int(self._clock.now().timestamp()):08x}{0xFAC0DE:010x}{self._count:06x}"

    def _act(self, type: str, data: Object) -> Object:
        id = self._new()
        date = self._clock.now().isoformat()
        self.actions[id] = {
            "id": id, "type": type, "date": date, "data": data, "idMemberCreator": self.me
        }  # fmt: skip
        return self.actions[id]

    # The API.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            status, body = 200, self._serve(scope, raw)
        except Refused as refused:
            status, body = refused.status, refused.body
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _serve(self, scope: Scope, raw: bytes) -> Any:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if {"key", "token"} & query.keys():
            self.wrong.append("a secret stands in an address")
        path = scope["path"].removeprefix("/1")
        self._limit(path)
        signed = re.fullmatch(
            r'OAuth oauth_consumer_key="([^"]*)", oauth_token="([^"]*)"',
            headers.get("authorization", ""),
        )
        if signed is None or signed[1] != KEY or signed[2] not in self.tokens:
            raise Refused(401, "invalid token")
        said = json.loads(raw) if raw else {}
        if scope["method"] != "GET":
            self.writes.append((scope["method"], path, said))
        return self._call(scope["method"], path, {**query, **said})

    def _limit(self, path: str) -> None:
        now = self._clock.now()
        self._asked = [at for at in self._asked if at > now - WINDOW]
        self._refused = [at for at in self._refused if at > now - WINDOW]
        blocked = len(self._refused) > REFUSALS
        if path.startswith("/members"):
            start = now - MEMBERS_WINDOW
            self._asked_members = [at for at in self._asked_members if at > start] + [now]
            blocked = blocked or len(self._asked_members) > MEMBERS_LIMIT
        self._asked.append(now)
        if blocked or len(self._asked) > TOKEN_LIMIT:
            self._refused.append(now)
            self.too_many += 1
            raise Refused(429, "Rate limit exceeded", "API_TOKEN_LIMIT_EXCEEDED")

    def _call(self, method: str, path: str, said: Object) -> Any:
        for pattern, template, serve in routes():
            if template[0] == method and (found := pattern.fullmatch(path)):
                where = {name: unquote(value) for name, value in found.groupdict().items()}
                if self._document is not None:
                    self.wrong += self._document.asked(*template, where, said)
                answer = serve(self, where, said)
                if self._document is not None:
                    self.wrong += self._document.answered(*template, answer)
                return answer
        self.wrong.append(f"{method} {path} is none of the calls that are served here")
        raise Refused(404, "Cannot " + method)

    def _batch(self, where: Object, said: Object) -> Any:
        paths = said["urls"].split(",")
        if not 1 <= len(paths) <= 10:
            raise Refused(400, "too many urls")
        answers: list[Any] = []
        for one in paths:
            path, _, query = one.partition("?")
            try:
                answer = self._call("GET", path, dict(parse_qsl(query)))
                answers.append({"200": json.loads(json.dumps(answer))})
            except Refused as refused:
                name = {401: "UnauthorizedError", 404: "NotFoundError"}.get(refused.status, "Error")
                answers.append(
                    {"name": name, "message": str(refused), "statusCode": refused.status}
                )
        return answers

    def _board(self, id: str) -> Object:
        if id in self.hidden:
            raise Refused(401, "unauthorized permission requested")
        if id not in self.boards:
            raise Refused(404, "The requested resource was not found.")
        return self.boards[id]

    def _card(self, id: str) -> Object:
        if id not in self.cards:
            raise Refused(404, "The requested resource was not found.")
        if self.cards[id]["idBoard"] in self.hidden:
            raise Refused(401, "unauthorized card permission requested")
        return self.cards[id]

    def _open_card(self, id: str) -> Object:
        card = self._card(id)
        if self.boards[card["idBoard"]]["closed"]:
            raise Refused(403, "The board is closed.")
        return card

    def _get_board(self, where: Object, said: Object) -> Any:
        board = self._board(where["id"])
        plain = {k: v for k, v in board.items() if k != "members"}
        if said.get("lists") == "open":
            of_board = (one for one in self.lists.values() if one["idBoard"] == board["id"])
            plain["lists"] = [one for one in of_board if not one["closed"]]
        if said.get("labels") == "all":
            of_board = (one for one in self.labels.values() if one["idBoard"] == board["id"])
            plain["labels"] = list(of_board)[: int(said.get("labels_limit", 50))]
        if said.get("members") == "all":
            plain["members"] = [self.members[id] for id in board["members"]]
        return plain

    def _get_board_cards(self, where: Object, said: Object) -> Any:
        self._board(where["id"])
        fields = said.get("fields", "").split(",")
        limit = min(int(said.get("limit", 1000)), 1000)
        cards = sorted(self.on_board(where["id"]), key=lambda card: card["id"])
        if "before" in said:
            cards = [card for card in cards if card["id"] < said["before"]]
        attached = ["attachments"] if said.get("attachments") == "true" else []
        return [{k: card[k] for k in ("id", *fields, *attached)} for card in cards[-limit:]]

    def _get_card(self, where: Object, said: Object) -> Any:
        card = self._card(where["id"])
        plain = self._plain(card)
        if said.get("board") == "true":
            plain["board"] = {k: self.boards[card["idBoard"]][k] for k in ("id", "name", "closed")}
        if said.get("list") == "true":
            plain["list"] = self.lists[card["idList"]]
        if said.get("members") == "true":
            plain["members"] = [self.members[id] for id in card["idMembers"]]
        return plain

    def _plain(self, card: Object) -> Object:
        return {k: v for k, v in card.items() if k != "attachments"}

    def _post_card(self, where: Object, said: Object) -> Any:
        inside = self._list_of(said["idList"])
        board = self._board(inside["idBoard"])
        if board["closed"]:
            raise Refused(403, "The board is closed.")
        opened = sum(not card["closed"] for card in self.on_board(board["id"]))
        if opened >= OPEN_CARDS:
            raise Refused(403, "The board has reached its limit of open cards.")
        id = self._new()
        link = f"https://trello.com/c/{id[-8:]}"
        self.cards[id] = {
            "id": id,
            "name": "",
            "desc": "",
            "closed": False,
            "due": None,
            "dueComplete": False,
            "idBoard": board["id"],
            "idList": inside["id"],
            "idMembers": [],
            "idLabels": [],
            "idChecklists": [],
            "shortUrl": link,
            "url": link,
            "attachments": [],
        }
        try:
            self._set(self.cards[id], {k: v for k, v in said.items() if k != "urlSource"})
            if not self.cards[id]["name"]:
                raise Refused(400, "invalid value for name")
        except Refused:
            del self.cards[id]
            raise
        if url := said.get("urlSource"):
            self.cards[id]["attachments"].append({"id": self._new(), "url": url})
        self._act("createCard", {"card": {"id": id}})
        return self._plain(self.cards[id])

    def _put_card(self, where: Object, said: Object) -> Any:
        card = self._open_card(where["id"])
        self._set(card, said)
        return self._plain(card)

    def _set(self, card: Object, said: Object) -> None:
        changed = dict(card)
        if "idBoard" in said:
            changed["idBoard"] = self._board(said["idBoard"])["id"]
            changed["idMembers"], changed["idLabels"] = [], []
        for name in ("name", "desc"):
            if name in said:
                if len(said[name].encode("utf-16-le")) // 2 > LONGEST:
                    raise Refused(400, f"invalid value for {name}")
                changed[name] = said[name].strip()
        if "idList" in said:
            inside = self._list_of(said["idList"])
            if inside["idBoard"] != changed["idBoard"] or inside["closed"]:
                raise Refused(400, "invalid value for idList")
            changed["idList"] = inside["id"]
        for name in ("closed", "dueComplete"):
            if name in said:
                changed[name] = bool(said[name])
        if "due" in said:
            changed["due"] = said["due"]
        for name, known in (("idMembers", self.members), ("idLabels", self.labels)):
            if said.get(name):
                changed[name] = said[name].split(",")
                if not set(changed[name]) <= known.keys():
                    raise Refused(400, f"invalid value for {name}")
        if changed["closed"] and not card["closed"] and self._theirs.get(card["id"]):
            self.overwritten.add(card["id"])
        if said.get("closed") is False:
            card.update(changed)  # a person asked for it to be brought back to where it was
        else:
            self._write(card, changed)

    def _list_of(self, id: str) -> Object:
        if id not in self.lists:
            raise Refused(404, "list not found")
        return self.lists[id]

    def _put_on(self, where: Object, said: Object) -> Any:
        card = self._open_card(where["id"])
        name = where["what"]
        if said["value"] in card[name]:
            raise Refused(400, "it is already on the card")
        card[name].append(said["value"])
        return list(card[name])

    def _take_off(self, where: Object, said: Object) -> Any:
        card = self._open_card(where["id"])
        if where["one"] not in card[where["what"]]:
            raise Refused(400, "it is not on the card")
        card[where["what"]].remove(where["one"])
        return None

    def _get_actions(self, where: Object, said: Object) -> Any:
        self._card(where["id"])
        found = [
            one
            for one in self.actions.values()
            if one["type"] == said["filter"] and one["data"]["card"]["id"] == where["id"]
        ]
        return sorted(found, key=lambda one: one["id"], reverse=True)[:50]

    def _post_comment(self, where: Object, said: Object) -> Any:
        self._open_card(where["id"])
        if not 1 <= len(said["text"].encode("utf-16-le")) // 2 <= LONGEST:
            raise Refused(400, "invalid value for text")
        return self._act("commentCard", {"text": said["text"], "card": {"id": where["id"]}})

    def _action(self, id: str) -> Object:
        if id not in self.actions:
            raise Refused(404, "The requested resource was not found.")
        self._card(self.actions[id]["data"]["card"]["id"])
        return self.actions[id]

    def _get_action(self, where: Object, said: Object) -> Any:
        return self._action(where["id"])

    def _put_action(self, where: Object, said: Object) -> Any:
        action = self._action(where["id"])
        if len(said["text"].encode("utf-16-le")) // 2 > LONGEST:
            raise Refused(400, "invalid value for text")
        self._ours.setdefault(action["id"], set()).add(said["text"])
        action["data"]["text"] = said["text"]
        return action

    def _checklist(self, id: str) -> Object:
        if id not in self.checklists:
            raise Refused(404, "The requested resource was not found.")
        self._card(self.checklists[id]["idCard"])
        return self.checklists[id]

    def _get_checklists(self, where: Object, said: Object) -> Any:
        self._card(where["id"])
        return [one for one in self.checklists.values() if one["idCard"] == where["id"]]

    def _get_checklist(self, where: Object, said: Object) -> Any:
        return self._checklist(where["id"])

    def _post_checklist(self, where: Object, said: Object) -> Any:
        card = self._open_card(said["idCard"])
        id = self._new()
        made = {"id": id, "idCard": card["id"], "idBoard": card["idBoard"], "name": said["name"]}
        self.checklists[id] = {**made, "checkItems": []}
        card["idChecklists"].append(id)
        return self.checklists[id]

    def _put_checklist(self, where: Object, said: Object) -> Any:
        checklist = self._checklist(where["id"])
        self._write(checklist, {"name": said["name"]})
        return checklist

    def _post_line(self, where: Object, said: Object) -> Any:
        checklist = self._checklist(where["id"])
        self._open_card(checklist["idCard"])
        if len(checklist["checkItems"]) >= LINES:
            raise Refused(403, "The checklist has reached its limit of items.")
        if not said["name"].strip():
            raise Refused(400, "invalid value for name")
        state = "complete" if said.get("checked") else "incomplete"
        line = {"id": self._new(), "name": said["name"], "state": state}
        self._ours[line["id"]] = {said["name"], state}
        checklist["checkItems"].append(line)
        return {**line, "idChecklist": checklist["id"]}

    def _put_line(self, where: Object, said: Object) -> Any:
        self._open_card(where["id"])
        for checklist in self._get_checklists(where, {}):
            for line in checklist["checkItems"]:
                if line["id"] == where["idCheckItem"]:
                    given = {k: said[k] for k in ("name", "state") if k in said}
                    self._write(line, given, f"{checklist['id']}/{line['id']}")
                    return {**line, "idChecklist": checklist["id"]}
        raise Refused(404, "The requested resource was not found.")

    def _get_me(self, where: Object, said: Object) -> Any:
        return {**self.members[self.me], "url": "https://trello.com/alice"}

    def _get_my_boards(self, where: Object, said: Object) -> Any:
        mine = (one for one in self.boards.values() if self.me in one["members"])
        return [{k: b[k] for k in ("id", "name", "url")} for b in mine if not b["closed"]]


Serve = Callable[[Trello, Object, Object], Any]


@cache
def routes() -> list[tuple[re.Pattern[str], tuple[str, str], Serve]]:
    said: list[tuple[str, str, Serve]] = [
        ("GET", "/batch", Trello._batch),
        ("GET", "/cards/{id}", Trello._get_card),
        ("PUT", "/cards/{id}", Trello._put_card),
        ("POST", "/cards", Trello._post_card),
        ("GET", "/checklists/{id}", Trello._get_checklist),
        ("GET", "/actions/{id}", Trello._get_action),
        ("GET", "/boards/{id}", Trello._get_board),
        ("GET", "/boards/{id}/cards/{filter}", Trello._get_board_cards),
        ("POST", "/checklists/{id}/checkItems", Trello._post_line),
        ("PUT", "/cards/{id}/checkItem/{idCheckItem}", Trello._put_line),
        ("POST", "/cards/{id}/actions/comments", Trello._post_comment),
        ("GET", "/cards/{id}/actions", Trello._get_actions),
        ("GET", "/cards/{id}/checklists", Trello._get_checklists),
        ("PUT", "/actions/{id}", Trello._put_action),
        ("POST", "/checklists", Trello._post_checklist),
        ("PUT", "/checklists/{id}", Trello._put_checklist),
        ("GET", "/members/{id}", Trello._get_me),
        ("GET", "/members/{id}/boards", Trello._get_my_boards),
        *(_on_and_off("idMembers", "idMember")),
        *(_on_and_off("idLabels", "idLabel")),
    ]
    return [
        (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), (method, path), serve)
        for method, path, serve in said
    ]


def _on_and_off(what: str, one: str) -> list[tuple[str, str, Serve]]:
    def put_on(trello: Trello, where: Object, said: Object) -> Any:
        return trello._put_on({**where, "what": what}, said)

    def take_off(trello: Trello, where: Object, said: Object) -> Any:
        return trello._take_off({**where, "what": what, "one": where[one]}, said)

    return [
        ("POST", f"/cards/{{id}}/{what}", put_on),
        ("DELETE", f"/cards/{{id}}/{what}/{{{one}}}", take_off),
    ]
