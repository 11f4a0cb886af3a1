"""Notion's published OpenAPI document as validators, with what it leaves out.

The document is of version 2025-09-03 and partial: it knows two kinds of blocks, text without
annotations, and no data source as a page's parent. What version 2026-03-11 and the types of
Notion's own JavaScript client say beyond it is added here, and nothing else is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Set
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.conftest import ROOT

Schema = dict[str, Any]

_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
_TEXTS = (
    "paragraph", "bulleted_list_item", "numbered_list_item", "quote", "to_do", "toggle",
    "heading_1", "heading_2", "heading_3", "heading_4",
)  # fmt: skip
_TYPES = (*_TEXTS, "code", "divider", "table", "table_row")


def _closed(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "maxItems": 100}


_ID: Schema = {"type": "string", "format": "uuid"}
_BOOLEAN: Schema = {"type": "boolean"}
_STRING: Schema = {"type": "string"}
_RICH_TEXT = _list(_ref("richTextRequest"))
_ANNOTATIONS = _closed(
    bold=_BOOLEAN,
    italic=_BOOLEAN,
    strikethrough=_BOOLEAN,
    underline=_BOOLEAN,
    code=_BOOLEAN,
    color={"enum": [*_COLORS, *(f"{color}_background" for color in _COLORS[1:])]},
)
_DATE = _closed(("start",), start=_STRING, end={"type": ["string", "null"]})
_OPTION: Schema = {
    "anyOf": [
        _closed(("id",), id=_STRING),
        _closed(("name",), name=_STRING),
        {"type": "null"},
    ]
}
_PROPERTIES: Schema = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            _closed(("title",), title=_RICH_TEXT),
            _closed(("rich_text",), rich_text=_RICH_TEXT),
            _closed(("number",), number={"type": ["number", "null"]}),
            _closed(("url",), url={"type": ["string", "null"], "minLength": 1}),
            _closed(("checkbox",), checkbox=_BOOLEAN),
            _closed(("select",), select=_OPTION),
            _closed(("status",), status=_OPTION),
            _closed(("date",), date={"anyOf": [_DATE, {"type": "null"}]}),
            _closed(("people",), people=_list(_closed(("id",), object={"const": "user"}, id=_ID))),
        ]
    },
}
_POSITION: Schema = {
    "oneOf": [
        _closed(
            ("type", "after_block"),
            type={"const": "after_block"},
            after_block=_closed(("id",), id=_ID),
        ),
        _closed(("type",), type={"enum": ["start", "end"]}),
    ]
}


def _content(kind: str, depth: int, *, new: bool) -> Schema:
    """What a block of a kind holds; ``depth`` levels may lie within it. ``new``: in a creation."""
    needed: tuple[str, ...] = (
        ("rich_text",) if kind not in ("divider", "table", "table_row") else ()
    )
    fields: Schema = {"rich_text": _RICH_TEXT}
    match kind:
        case "code":
            fields |= {"language": {"enum": _languages()}, "caption": _RICH_TEXT}
            needed += ("language",)
        case "divider":
            fields = {}
        case "table_row":
            fields, needed = {"cells": _list(_RICH_TEXT)}, ("cells",)
        case "table":
            fields = {"has_column_header": _BOOLEAN, "has_row_header": _BOOLEAN}
            if new:
                rows = {**_list(_ref("table_row_0")), "minItems": 1}
                fields |= {"table_width": {"type": "integer", "minimum": 1}, "children": rows}
                needed = ("table_width", "children")
        case _:
            fields |= {"color": {"enum": _ANNOTATIONS["properties"]["color"]["enum"]}}
            if kind == "to_do":
                fields["checked"] = _BOOLEAN
            if new and depth:
                fields["children"] = _list(_ref(f"block_{depth - 1}"))
    may_lack = not new and kind in ("to_do", "code", "table")
    return _closed(() if may_lack else needed, **fields)


def _languages() -> list[str]:
    """The client's types, as they were published."""
    known = (
        "abap abc agda arduino ascii_art assembly bash basic bnf c c# c++ clojure coffeescript "
        "coq css dart dhall diff docker ebnf elixir elm erlang f# flow fortran gherkin glsl go "
        "graphql groovy haskell hcl html idris java javascript json julia kotlin latex less "
        "lisp livescript llvm_ir lua makefile markdown markup matlab mathematica mermaid nix "
        "notion_formula objective-c ocaml pascal perl php plain_text powershell prolog protobuf "
        "purescript python r racket reason ruby rust sass scala scheme scss shell smalltalk "
        "solidity sql swift toml typescript vb.net verilog vhdl visual_basic webassembly xml "
        "yaml java/c/c++/c#"
    )
    return [name.replace("_", " ") for name in known.split()]


def _block(kind: str, depth: int) -> Schema:
    named = {"object": {"const": "block"}, "type": {"const": kind}}
    return _closed((kind,), **named, **{kind: _content(kind, depth, new=True)})


def _amended(document: Schema) -> Schema:
    document = deepcopy(document)
    schemas = document["components"]["schemas"]
    text = schemas["richTextRequest"]
    text["properties"]["annotations"] = _ANNOTATIONS
    mention = _closed(("date",), type={"const": "date"}, date=_DATE)
    schemas["richTextRequest"] = {
        "anyOf": [
            text,
            _closed(
                ("mention",), type={"const": "mention"}, mention=mention, annotations=_ANNOTATIONS
            ),
        ]
    }
    schemas["table_row_0"] = _block("table_row", 0)
    for depth in range(3):
        kinds = [kind for kind in _TYPES if kind not in ("table", "table_row") or depth]
        schemas[f"block_{depth}"] = {"anyOf": [_block(kind, depth) for kind in kinds]}
    schemas["blockObjectRequest"] = _ref("block_2")
    by_source = _closed(("data_source_id",), type={"const": "data_source_id"}, data_source_id=_ID)
    by_page = schemas["pageIdParentRequest"]
    by_page["properties"]["type"] = {"const": "page_id"}
    by_page["additionalProperties"] = False
    schemas["parentRequest"] = {"oneOf": [by_page, by_source]}
    schemas["movePageParentRequest"] = schemas["parentRequest"]

    paths = document["paths"]
    append = _body(paths["/v1/blocks/{block_id}/children"]["patch"])
    append["properties"].pop("after")
    append["properties"]["position"] = _POSITION
    append["properties"]["children"]["maxItems"] = 100
    append["additionalProperties"] = False

    page = _body(paths["/v1/pages"]["post"])
    page["properties"]["children"] = _list(_ref("blockObjectRequest"))
    page["properties"]["properties"] = _PROPERTIES
    page["additionalProperties"] = False

    changed = _body(paths["/v1/pages/{page_id}"]["patch"])
    changed["properties"].pop("archived")
    changed["properties"]["properties"] = _PROPERTIES
    changed["additionalProperties"] = False

    edited = _body(paths["/v1/blocks/{block_id}"]["patch"])
    edited["properties"] = {kind: _content(kind, 0, new=False) for kind in _TYPES}
    edited["properties"]["in_trash"] = _BOOLEAN
    edited |= {"additionalProperties": False, "minProperties": 1}
    return document


def _body(operation: Schema) -> Schema:
    schema: Schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


# What every answer of version 2026-03-11 has, by its ``object``; the document says nothing of it.
_USER = {"type": "object", "required": ["object", "id"]}
_ANSWERS: dict[str, Schema] = {
    "page": {
        "required": ["id", "created_time", "created_by", "in_trash", "parent", "properties", "url"],
        "properties": {"id": _ID, "created_by": _USER, "archived": False},
    },
    "block": {
        "required": ["id", "created_time", "created_by", "in_trash", "parent", "type"],
        "properties": {"id": _ID, "created_by": _USER, "archived": False},
    },
    "list": {"required": ["results", "has_more", "next_cursor"]},
    "data_source": {"required": ["id", "title", "properties", "parent"]},
    "user": {"required": ["id", "type"]},
    "error": {"required": ["status", "code", "message"]},
}


class Operation:
    """One method of one path, its inputs and answers checked."""

    def __init__(self, template: str, operation: Schema, document: Schema) -> None:
        self.template = template
        parameters = [
            document["components"]["parameters"]["notionVersion"] if "$ref" in one else one
            for one in operation.get("parameters", [])
        ]
        self._query = {one["name"] for one in parameters if one["in"] == "query"}
        components = {"components": document["components"]}
        self._body = None
        if "requestBody" in operation:
            self._body = jsonschema_rs.validator_for(
                {**_body(operation), **components}, validate_formats=True
            )
        self._answers = {
            int(status): jsonschema_rs.validator_for(
                {**answer["content"]["application/json"].get("schema", {}), **components}
            )
            for status, answer in operation["responses"].items()
        }

    def complaint(self, query: Set[str], body: object) -> str | None:
        """What is wrong with a request, in Notion's manner; None for a good one."""
        if unknown := query - self._query:
            return f"query.{min(unknown)} should be not present"
        if self._body is None:
            return None if body is None else "body should be not present"
        if self._body.is_valid(body):
            return None
        error = next(self._body.iter_errors(body))
        where = "".join(f".{part}" if isinstance(part, str) else f"[{part}]"
                        for part in error.instance_path)  # fmt: skip
        return f"body failed validation: body{where}: {error.message[:200]}"

    def check(self, status: int, body: dict[str, Any]) -> None:
        """An answer that the document would not know is a fault of the fake."""
        (self._answers.get(status) or self._answers[400]).validate(body)
        _answers()[body["object"]].validate(body)


@cache
def _answers() -> dict[str, Any]:
    return {name: jsonschema_rs.validator_for(schema) for name, schema in _ANSWERS.items()}


@cache
def document() -> Schema:
    """The whole, with what it leaves out. Skips where it is not there."""
    folder = Path(os.environ.get("STRATMASTER_TEST_SPECS", ROOT.parent / "shared/specs"))
    path = folder / "notion-openapi.json"
    if not path.exists():
        pytest.skip(f"no {path.name} in {folder}; name its folder in STRATMASTER_TEST_SPECS")
    return _amended(json.loads(path.read_text()))


@cache
def operations() -> list[tuple[str, re.Pattern[str], Operation]]:
    """Method, path and operation."""
    known = document()
    found = []
    # /v1/users/me before /v1/users/{user_id}
    for template, methods in sorted(known["paths"].items(), key=lambda one: "{" in one[0]):
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "$")
        for method, operation in methods.items():
            one = Operation(template, operation, known)
            found.append((method.upper(), pattern, one))
    return found


def operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    for known, pattern, one in operations():
        if known == method and (match := pattern.match(path)):
            return one, match.groupdict()
    return None
