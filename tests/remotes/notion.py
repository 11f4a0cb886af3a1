"""A small Notion: pages, blocks and data sources behind the real HTTP API.

It keeps state and order, enforces the published limits in Notion's words, gives times in whole
minutes, lets its queries lag, and holds every request and answer to the published document.
``People`` do what people do over there while nobody looks.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from tests.remotes import notion_spec

VERSION = "2026-03-11"
MOVE = "/v1/pages/{page_id}/move"
TOKEN = "ntn_of_the_test"
CALLS_A_MINUTE = 180
HOLDERS = (
    "paragraph", "bulleted_list_item", "numbered_list_item", "quote", "to_do", "toggle", "table",
)  # fmt: skip

Json = dict[str, Any]


class Clock(Protocol):
    def now(self) -> datetime: ...


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "object": "error",
            "status": status,
            "code": code,
            "message": message,
            "request_id": "00000000-0000-4000-8000-000000000000",
            **more,
        }


def invalid(message: str) -> Refused:
    return Refused(400, "validation_error", f"body failed validation: {message}")


@dataclass
class Node:
    """A page or a block."""

    id: str
    type: str  # child_page for a page
    body: Json
    parent: tuple[str, str]  # page_id, block_id, data_source_id or workspace, and its id
    made: datetime
    made_by: str
    edited_by: str
    inner: list[str] = field(default_factory=list)
    in_trash: bool = False
    properties: Json = field(default_factory=dict)  # of a page, by the property's id
    shared: bool = True  # with the connection
    by_people: set[str] = field(default_factory=set)  # what a person changed since we wrote it
    written: set[str] = field(default_factory=set)  # all that we ever wrote into it


@dataclass
class Source:
    """A data source. ``properties`` are its schema, by id."""

    id: str
    title: str
    properties: Json


class Notion:
    """The server: an ASGI application."""

    def __init__(
        self, clock: Clock, *, query_lag: float = 20.0, paced: bool = False, seed: int = 0
    ) -> None:
        self._clock = clock
        self._chance = random.Random(seed)
        self._query_lag = timedelta(seconds=query_lag)
        self._paced = paced
        self.token = TOKEN
        self.bot = self.new_id()
        self.person = self.new_id()
        self.users: list[Json] = [
            {
                "object": "user",
                "id": self.person,
                "type": "person",
                "name": "Mara Lind",
                "person": {"email": "mara@example.org"},
            },
            {"object": "user", "id": self.bot, "type": "bot", "name": "StratMaster", "bot": {}},
        ]
        self.nodes: dict[str, Node] = {}
        self.sources: dict[str, Source] = {}
        self.overloaded: set[int] = set()  # numbers of calls that are answered with 529
        self.vague = False  # an answer to an append names the last block alone
        self.calls: list[tuple[str, str]] = []
        self.refused: list[Json] = []
        self.writes = 0  # calls of ours that changed something
        self.overwritten: set[str] = set()  # where we replaced or trashed a person's words
        self._minute: tuple[int, int] = (0, 0)  # and the calls in it

    # What a test prepares.

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def page(self, title: str, parent: tuple[str, str] = ("workspace", ""), by: str = "") -> str:
        properties = {"title": {"title": [_text(title)]}}
        return self._new("child_page", {}, parent, by or self.person, properties).id

    def data_source(self, title: str, **properties: Json) -> str:
        """``properties`` are like ``Due={"type": "date"}``; the title is there already."""
        known: Json = {"title": {"id": "title", "name": "Name", "type": "title", "title": {}}}
        for name, given in properties.items():
            # Their ids are short and wild, and hold what an address must escape.
            id = f"{name[:2]}%3D{len(known)}"
            kind = given["type"]
            inner = {key: value for key, value in given.items() if key != "type"}
            known[id] = {"id": id, "name": name, "type": kind, kind: inner}
        source = Source(self.new_id(), title, known)
        self.sources[source.id] = source
        return source.id

    # What tests look at.

    def children(self, id: str) -> list[Node]:
        found = [self.nodes[inner] for inner in self.nodes[id].inner]
        return [one for one in found if not one.in_trash]

    def pages_in(self, source: str) -> list[Node]:
        return [
            one
            for one in self.nodes.values()
            if one.parent == ("data_source_id", source) and not one.in_trash
        ]

    def walk(self, id: str) -> Iterator[Node]:
        for child in self.children(id):
            yield child
            yield from self.walk(child.id)

    # The application.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw, more = b"", True
        while more:
            message = await receive()
            raw += message.get("body", b"")
            more = message.get("more_body", False)
        status, body = self.answer(
            scope["method"],
            scope["path"],
            dict(parse_qsl(scope["query_string"].decode())),
            {name.decode(): value.decode() for name, value in scope["headers"]},
            raw,
        )
        headers = [(b"content-type", b"application/json")]
        if "retry_after" in body:
            headers.append((b"retry-after", str(body.pop("retry_after")).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        raw: bytes,
    ) -> tuple[int, Json]:
        """Status and body; the one as the other is held to the published document."""
        self.calls.append((method, path))
        known = notion_spec.operation(method, path)
        try:
            self._admit(headers, raw)
            if known is None:
                raise Refused(400, "invalid_request_url", "Invalid request URL.")
            operation, given = known
            body = json.loads(raw) if raw else None
            if complaint := operation.complaint(query.keys(), body):
                raise Refused(400, "validation_error", complaint)
            answer = self._do(method, operation.template, given, body or {}, query)
        except Refused as refusal:
            self.refused.append(refusal.body)
            if known is not None:
                known[0].check(refusal.status, refusal.body)
            return refusal.status, dict(refusal.body)
        operation.check(200, answer)
        if method == "PATCH" or operation.template in ("/v1/pages", MOVE):
            self.writes += 1
        return 200, answer

    def _admit(self, headers: Mapping[str, str], raw: bytes) -> None:
        if headers.get("authorization") != f"Bearer {self.token}":
            raise Refused(401, "unauthorized", "API token is invalid.")
        version = headers.get("notion-version")
        if version != VERSION:
            said = (
                "should be defined, instead was `undefined`" if not version else f"is `{version}`"
            )
            raise Refused(400, "missing_version", f"Notion-Version header {said}.")
        if len(self.calls) in self.overloaded:
            raise Refused(529, "service_overload", "Notion is busy.", retry_after=2)
        if self._paced:
            now = int(self._clock.now().timestamp())
            minute, count = self._minute
            self._minute = (now // 60, count + 1 if minute == now // 60 else 1)
            if self._minute[1] > CALLS_A_MINUTE:
                raise Refused(
                    429,
                    "rate_limited",
                    "You have been rate limited. Please try again in a few minutes.",
                    additional_data={"rate_limit_reason": "connection"},
                    retry_after=60 - now % 60,
                )
        if len(raw) > 500_000:
            raise Refused(413, "validation_error", "Request body is larger than 500KB.")

    def _do(
        self,
        method: str,
        template: str,
        given: Mapping[str, str],
        body: Json,
        query: Mapping[str, str],
    ) -> Json:
        match method, template:
            case "GET", "/v1/users/me":
                return self.users[-1]
            case "GET", "/v1/users":
                return self._listing(self.users, query)
            case "POST", "/v1/search":
                return self._search(body)
            case "GET", "/v1/blocks/{block_id}/children":
                node = self._node(given["block_id"])
                shown = [self._shown(one) for one in self.children(node.id)]
                return self._listing(shown, query)
            case "PATCH", "/v1/blocks/{block_id}/children":
                return self._append(self._node(given["block_id"]), body)
            case "GET", "/v1/blocks/{block_id}":
                return self._shown(self._node(given["block_id"]))
            case "PATCH", "/v1/blocks/{block_id}":
                return self._change(self._node(given["block_id"]), body)
            case "GET", "/v1/pages/{page_id}":
                return self._shown_page(self._page(given["page_id"]))
            case "PATCH", "/v1/pages/{page_id}":
                return self._change_page(self._page(given["page_id"]), body)
            case "POST", "/v1/pages":
                return self._create(body)
            case "POST", path if path == MOVE:
                page = self._page(given["page_id"])
                self.move(page.id, *self._parent(body["parent"]))
                return self._shown_page(page)
            case "GET", "/v1/data_sources/{data_source_id}":
                return self._shown_source(self._source(given["data_source_id"]))
            case "POST", "/v1/data_sources/{data_source_id}/query":
                return self._query(self._source(given["data_source_id"]), body)
        raise Refused(400, "invalid_request", f"Unsupported request: {method} {template}.")

    def _node(self, id: str) -> Node:
        node = self.nodes.get(id)
        if node is None or not self._is_shared(node):
            raise Refused(
                404,
                "object_not_found",
                f"Could not find block with ID: {id}. Make sure the relevant pages and databases "
                "are shared with your integration.",
            )
        return node

    def _page(self, id: str) -> Node:
        node = self._node(id)
        if node.type != "child_page":
            raise Refused(400, "validation_error", f"Provided ID {id} is a block, not a page.")
        return node

    def _source(self, id: str) -> Source:
        if id not in self.sources:
            raise Refused(404, "object_not_found", f"Could not find data_source with ID: {id}.")
        return self.sources[id]

    def _is_shared(self, node: Node) -> bool:
        while node.shared:
            if node.parent[1] not in self.nodes:
                return True
            node = self.nodes[node.parent[1]]
        return False

    def _parent(self, given: Json) -> tuple[str, str]:
        if "data_source_id" in given:
            return "data_source_id", self._source(given["data_source_id"]).id
        return "page_id", self._page(given["page_id"]).id

    def _new(
        self,
        type: str,
        body: Json,
        parent: tuple[str, str],
        by: str,
        properties: Json | None = None,
        at: int | None = None,
    ) -> Node:
        node = Node(
            self.new_id(),
            type,
            body,
            parent,
            self._clock.now(),
            by,
            by,
            properties=properties or {},
        )
        self.nodes[node.id] = node
        if parent[1] in self.nodes:
            inner = self.nodes[parent[1]].inner
            inner.insert(len(inner) if at is None else at, node.id)
        return node

    def _append(self, parent: Node, body: Json) -> Json:
        self._editable(parent)
        if parent.type not in (*HOLDERS, "child_page"):
            raise invalid(f"Block type {parent.type} does not support children.")
        self._count(body["children"])
        position = body.get("position", {"type": "end"})
        at = len(parent.inner)
        if position["type"] == "start":
            at = 0
        elif position["type"] == "after_block":
            before = position["after_block"]["id"]
            if before not in parent.inner or self.nodes[before].in_trash:
                raise invalid(f"Could not find block {before} among the children of {parent.id}.")
            at = parent.inner.index(before) + 1
        for child in body["children"]:
            self._sound(child, parent)
        made = []
        for offset, child in enumerate(body["children"]):
            made.append(self._make(child, parent, at + offset))
        return self._listing([self._shown(one) for one in made[-1 if self.vague else 0 :]], {})

    def _make(self, given: Json, parent: Node, at: int | None = None) -> Node:
        kind = _kind(given)
        body = {key: value for key, value in given[kind].items() if key != "children"}
        lies = ("page_id" if parent.type == "child_page" else "block_id", parent.id)
        node = self._new(kind, body, lies, self.bot, at=at)
        _wrote(node, body)
        for child in given[kind].get("children", []):
            self._make(child, node)
        return node

    def _sound(self, given: Json, parent: Node | None, width: int = 0) -> None:
        """A new block holds to the limits that the document's schemas do not say."""
        kind = _kind(given)
        body = given[kind]
        if kind == "table_row":
            width = parent.body["table_width"] if parent and parent.type == "table" else width
            if not width:
                raise invalid("table_row blocks must be the children of a table.")
            if len(body["cells"]) != width:
                raise invalid("Number of cells in table row must match the table width.")
        elif width or (parent and parent.type == "table"):
            raise invalid("Tables hold table_row blocks alone.")
        for text in [body.get("rich_text", []), *body.get("cells", [])]:
            _sound_text(text)
        for child in body.get("children", []):
            self._sound(child, None, body.get("table_width", 0))

    def _count(self, children: Sequence[Json]) -> None:
        def count(block: Json) -> int:
            return 1 + sum(map(count, block[_kind(block)].get("children", [])))

        if sum(map(count, children)) > 1000:
            raise invalid("body.children: more than 1000 blocks in one request.")

    def _editable(self, node: Node) -> None:
        if node.in_trash:
            raise Refused(
                400,
                "validation_error",
                "Can't edit block that is archived. You must unarchive the block before editing.",
            )
        if node.parent[1] in self.nodes:
            self._editable(self.nodes[node.parent[1]])

    def _change(self, node: Node, body: Json) -> Json:
        if "in_trash" in body:
            self._put_to_trash(node, body["in_trash"])
        for kind, given in body.items():
            if kind == "in_trash":
                continue
            self._editable(node)
            if kind != node.type:
                raise invalid(f"Block type cannot be changed from {node.type} to {kind}.")
            for text in [given.get("rich_text", []), *given.get("cells", [])]:
                _sound_text(text)
            if "cells" in given and len(given["cells"]) != len(node.body["cells"]):
                raise invalid("Number of cells in table row must match the table width.")
            self._overwrite(node, node.body, given)
            node.body = {**node.body, **given}
        node.edited_by = self.bot
        return self._shown(node)

    def _overwrite(self, node: Node, before: Json, given: Json) -> None:
        if any(part in node.by_people and before.get(part) != given[part] for part in given):
            self.overwritten.add(node.id)
        node.by_people -= given.keys()
        _wrote(node, given)

    def _put_to_trash(self, node: Node, gone: bool) -> None:
        if gone and not self.is_trashed(node):
            for one in (node, *self.walk(node.id)):
                if one.by_people or one.made_by != self.bot:
                    self.overwritten.add(one.id)
        node.in_trash = gone

    def is_trashed(self, node: Node) -> bool:
        """By itself, or with what it lies in."""
        above = self.nodes.get(node.parent[1])
        return node.in_trash or (above is not None and self.is_trashed(above))

    def _create(self, body: Json) -> Json:
        parent = self._parent(body["parent"])
        if parent[0] == "page_id":
            self._editable(self.nodes[parent[1]])
        properties = self._sound_properties(parent, body["properties"])
        self._count(body.get("children", []))
        for child in body.get("children", []):
            self._sound(child, None)
        page = self._new("child_page", {}, parent, self.bot, properties)
        _wrote(page, properties)
        for child in body.get("children", []):
            self._make(child, page)
        return self._shown_page(page)

    def _change_page(self, page: Node, body: Json) -> Json:
        if "in_trash" in body:
            self._put_to_trash(page, body["in_trash"])
        if "properties" in body:
            self._editable(page)
            given = self._sound_properties(page.parent, body["properties"])
            self._overwrite(page, page.properties, given)
            page.properties |= given
        page.edited_by = self.bot
        return self._shown_page(page)

    def _sound_properties(self, parent: tuple[str, str], given: Json) -> Json:
        known: Json = {"title": {"id": "title", "name": "title", "type": "title", "title": {}}}
        if parent[0] == "data_source_id":
            known = self.sources[parent[1]].properties
        found = {}
        for key, value in given.items():
            named = [one for one in known.values() if key in (one["id"], one["name"])]
            if not named:
                raise Refused(400, "validation_error", f"{key} is not a property that exists.")
            kind = named[0]["type"]
            if kind not in value:
                raise Refused(400, "validation_error", f"{key} is expected to be {kind}.")
            _sound_text(value.get("title") or value.get("rich_text") or [])
            if kind == "url" and value["url"] and _units(value["url"]) > 2000:
                raise invalid(f"{key}.url.length should be ≤ `2000`.")
            if kind in ("status", "select") and value[kind]:
                self._option(named[0], value[kind])
            if kind == "people" and any(
                one["id"] not in {user["id"] for user in self.users} for one in value["people"]
            ):
                raise Refused(400, "validation_error", f"{key}: user does not exist.")
            found[named[0]["id"]] = value
        return found

    def _option(self, known: Json, given: Json) -> Json:
        kind = known["type"]
        for option in known[kind]["options"]:
            if option["id"] == given.get("id") or option["name"] == given.get("name"):
                found: Json = option
                return found
        raise Refused(400, "validation_error", f"{known['name']}: {kind} option does not exist.")

    def _query(self, source: Source, body: Json) -> Json:
        """Finds nothing younger than its lag."""
        seen = self._clock.now() - self._query_lag
        wanted = body.get("filter") or {}
        if "rich_text" in wanted and wanted["property"] not in source.properties:
            raise invalid(f"Could not find property with name or id: {wanted['property']}")

        def fits(page: Node) -> bool:
            if "created_time" in wanted:
                since = datetime.fromisoformat(wanted["created_time"]["on_or_after"])
                return page.made.replace(second=0, microsecond=0) >= since
            if "rich_text" in wanted:
                value = page.properties.get(wanted["property"], {}).get("rich_text", [])
                text = "".join(one["text"]["content"] for one in value)
                return bool(text == wanted["rich_text"]["equals"])
            return True

        shared = [one for one in self.pages_in(source.id) if self._is_shared(one)]
        found = [one for one in shared if one.made <= seen and fits(one)]
        found.reverse()  # the youngest first: nobody may count on the first being the original
        return self._listing([self._shown_page(one) for one in found], body)

    def _search(self, body: Json) -> Json:
        wanted = body.get("query", "").lower()
        only = body.get("filter", {}).get("value")
        pages = [one for one in self.nodes.values() if one.type == "child_page"]
        shown = [self._shown_page(one) for one in pages if self._is_shared(one)]
        shown += [self._shown_source(one) for one in self.sources.values()]
        found = [
            one
            for one in shown
            if wanted in json.dumps(one).lower() and only in (None, one["object"])
        ]
        return self._listing(found, body)

    def _listing(self, shown: Sequence[Json], asked: Mapping[str, Any]) -> Json:
        size = int(asked.get("page_size", 100))
        if not 1 <= size <= 100:
            raise invalid(f"body.page_size should be ≤ `100`, instead was `{size}`.")
        cursor = asked.get("start_cursor")
        ids = [one["id"] for one in shown]
        if cursor and cursor not in ids:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        start = ids.index(cursor) if cursor else 0
        more = ids[start + size] if start + size < len(ids) else None
        return {
            "object": "list",
            "results": list(shown[start : start + size]),
            "next_cursor": more,
            "has_more": more is not None,
        }

    # How things read.

    def _shown(self, node: Node) -> Json:
        if node.type == "child_page":
            title = _plain(node.properties.get("title", {}).get("title", []))
            body: Json = {"title": title}
        else:
            body = dict(node.body)
            if "rich_text" in body:
                body["rich_text"] = _shown_text(body["rich_text"])
            if "cells" in body:
                body["cells"] = [_shown_text(cell) for cell in body["cells"]]
            if node.type in HOLDERS[:-1]:
                body.setdefault("color", "default")
            if node.type == "to_do":
                body.setdefault("checked", False)
        return {
            "object": "block",
            **self._common(node),
            "has_children": bool(self.children(node.id)),
            "type": node.type,
            node.type: body,
        }

    def _shown_page(self, page: Node) -> Json:
        known: Json = {"title": {"id": "title", "name": "title", "type": "title", "title": {}}}
        if page.parent[0] == "data_source_id":
            known = self.sources[page.parent[1]].properties
        return {
            "object": "page",
            **self._common(page),
            "url": f"https://www.notion.so/{page.id.replace('-', '')}",
            "properties": {
                one["name"]: {
                    "id": id,
                    "type": one["type"],
                    one["type"]: self._shown_value(one, page.properties.get(id, {})),
                }
                for id, one in known.items()
            },
        }

    def _shown_value(self, known: Json, value: Json) -> Any:
        kind = known["type"]
        match kind:
            case "title" | "rich_text":
                return _shown_text(value.get(kind, []))
            case "people":
                ids = [one["id"] for one in value.get(kind, [])]
                return [user for user in self.users if user["id"] in ids]
            case "status" | "select":
                given = value.get(kind)
                return {**self._option(known, given), "color": "default"} if given else None
            case "date":
                given = value.get(kind)
                return {"end": None, "time_zone": None, **given} if given else None
            case "checkbox":
                return value.get(kind, False)
        return value.get(kind)

    def _shown_source(self, source: Source) -> Json:
        return {
            "object": "data_source",
            "id": source.id,
            "title": _shown_text([_text(source.title)]),
            "parent": {"type": "database_id", "database_id": source.id},
            "url": f"https://www.notion.so/{source.id.replace('-', '')}",
            "properties": {one["name"]: one for one in source.properties.values()},
        }

    def _common(self, node: Node) -> Json:
        kind, id = node.parent
        made = node.made.replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {
            "id": node.id,
            "created_time": made,
            "last_edited_time": made,
            "created_by": {"object": "user", "id": node.made_by},
            "last_edited_by": {"object": "user", "id": node.edited_by},
            "in_trash": node.in_trash,
            "parent": {"type": kind, kind: id or True},
        }

    # What people do.

    def write(self, id: str, text: str) -> None:
        """A person writes another text into a block, or another title above a page."""
        node = self.nodes[id]
        if node.type == "child_page":
            self.set(id, title={"title": [_text(text)]})
        elif node.type == "table_row":
            self.set(id, cells=[[_text(text)], *node.body["cells"][1:]])
        else:
            self.set(id, rich_text=[_text(text)])

    def set(self, id: str, **parts: Any) -> None:
        """A person changes parts of a block's body, or properties of a page. Back to what we wrote
        is nothing of theirs."""
        node = self.nodes[id]
        node.edited_by = self.person
        held = node.properties if node.type == "child_page" else node.body
        for part, value in parts.items():
            if held.get(part) != value:
                held[part] = value
                node.by_people.discard(part)
                if _said(part, value) not in node.written:
                    node.by_people.add(part)

    def insert(self, parent: str, text: str, *, after: str | None = None) -> str:
        """A person writes a paragraph of their own."""
        lies = self.nodes[parent]
        at = 0 if after is None else lies.inner.index(after) + 1
        kind = "page_id" if lies.type == "child_page" else "block_id"
        body = {"rich_text": [_text(text)]}
        return self._new("paragraph", body, (kind, parent), self.person, at=at).id

    def trash(self, id: str) -> None:
        self.nodes[id].in_trash = True

    def delete(self, id: str) -> None:
        """For good, with all that lies within."""
        for inner in list(self.nodes[id].inner):
            self.delete(inner)
        node = self.nodes.pop(id)
        if node.parent[1] in self.nodes:
            self.nodes[node.parent[1]].inner.remove(id)

    def move(self, id: str, kind: str, parent: str) -> None:
        node = self.nodes[id]
        if node.parent[1] in self.nodes:
            self.nodes[node.parent[1]].inner.remove(id)
        node.parent = (kind, parent)
        if parent in self.nodes:
            self.nodes[parent].inner.append(id)

    def duplicate(self, id: str, parent: tuple[str, str] | None = None) -> str:
        """A person's copy: the same but for its ids, its maker and its time. It stands before the
        original."""
        node = self.nodes[id]
        around = self.nodes.get(node.parent[1])
        made = self._new(
            node.type,
            deepcopy(node.body),
            parent or node.parent,
            self.person,
            deepcopy(node.properties),
            around.inner.index(id) if around and parent is None else None,
        )
        for child in self.children(id):
            kind = "page_id" if made.type == "child_page" else "block_id"
            self.duplicate(child.id, (kind, made.id))
        return made.id


def _said(part: str, value: Any) -> str:
    return json.dumps([part, value], sort_keys=True)


def _wrote(node: Node, given: Json) -> None:
    node.written.update(_said(part, value) for part, value in given.items())


def _kind(block: Json) -> str:
    return next(key for key in block if key not in ("object", "type"))


def _text(content: str) -> Json:
    return {"type": "text", "text": {"content": content}}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _plain(text: Sequence[Json]) -> str:
    return "".join(
        one["text"]["content"] if "text" in one else one["mention"]["date"]["start"] for one in text
    )


def _sound_text(text: Sequence[Json]) -> None:
    for one in text:
        if "text" not in one:
            continue
        if (length := _units(one["text"]["content"])) > 2000:
            raise invalid(f"text.content.length should be ≤ `2000`, instead was `{length}`.")
        link = (one["text"].get("link") or {}).get("url")
        if link is not None and not link.startswith(("http://", "https://", "mailto:")):
            raise invalid("Invalid URL for link.")
        if link is not None and _units(link) > 2000:
            raise invalid("text.link.url.length should be ≤ `2000`.")


def _shown_text(text: Sequence[Json]) -> list[Json]:
    """Neighbours that look alike come back as one, and everything is said of each."""
    shown: list[Json] = []
    for one in text:
        plain = {"bold": False, "italic": False, "strikethrough": False, "underline": False}
        annotations = {**plain, "code": False, "color": "default", **one.get("annotations", {})}
        if "text" in one:
            link = one["text"].get("link")
            if shown and shown[-1]["type"] == "text":
                last = shown[-1]
                if last["annotations"] == annotations and last["text"]["link"] == link:
                    last["text"]["content"] += one["text"]["content"]
                    last["plain_text"] = last["text"]["content"]
                    continue
            inner: Json = {"text": {"content": one["text"]["content"], "link": link}}
            href = link["url"] if link else None
            words = one["text"]["content"]
        else:
            when = {"end": None, "time_zone": None, **one["mention"]["date"]}
            inner = {"mention": {"type": "date", "date": when}}
            href, words = None, when["start"]
        kind = "text" if "text" in one else "mention"
        shown.append(
            {"type": kind, **inner, "annotations": annotations, "plain_text": words, "href": href}
        )
    return shown
