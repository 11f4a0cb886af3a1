"""Jira's published OpenAPI document as validators of single calls."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.conftest import ROOT

Schema = dict[str, Any]
SPECS = Path(os.environ.get("STRATMASTER_TEST_SPECS", ROOT.parent / "shared/specs"))
FILE = SPECS / "jira-swagger-v3.examples-parsed.json"


class Operation:
    """What one call may be asked, and how it may answer."""

    def __init__(self, document: Schema, said: Schema) -> None:
        self.scopes = {scope for way in said.get("security", ()) for scope in way.get("OAuth2", ())}
        self.query: dict[str, Any] = {}
        self.required: set[str] = set()
        for parameter in said.get("parameters", ()):
            if parameter["in"] == "query":
                schema = parameter["schema"]
                self.query[parameter["name"]] = (
                    schema.get("type"),
                    _validator(document, schema),
                )
                if parameter.get("required"):
                    self.required.add(parameter["name"])
        body = said.get("requestBody", {}).get("content", {}).get("application/json", {})
        self.body = _validator(document, body["schema"]) if "schema" in body else None
        self.answers: dict[int, Any] = {}
        for status, answer in said["responses"].items():
            content = answer.get("content", {}).get("application/json", {})
            schema = content.get("schema")
            self.answers[int(status)] = _validator(document, schema) if schema else None

    def asked(self, query: dict[str, str], body: Any) -> list[str]:
        """What is wrong with a request."""
        wrong = [f"no query parameter {name}" for name in query.keys() - self.query.keys()]
        wrong += [f"{name} is missing" for name in self.required - query.keys()]
        for name in query.keys() & self.query.keys():
            kind, validator = self.query[name]
            value: Any = query[name]
            if kind == "integer":
                value = int(value) if value.lstrip("-").isdigit() else value
            elif kind == "boolean":
                value = {"true": True, "false": False}.get(value, value)
            elif kind == "array":
                value = value.split(",")
            wrong += [f"{name}: {error.message}" for error in validator.iter_errors(value)]
        if self.body is None:
            wrong += ["a body where none is taken"] if body is not None else []
        else:
            wrong += [f"{e.instance_path}: {e.message}" for e in self.body.iter_errors(body)]
        return wrong

    def answered(self, status: int, body: Any) -> list[str]:
        """What is wrong with an answer."""
        if status not in self.answers and status != 429:
            return [f"status {status} is not published"]
        validator = self.answers.get(status)
        if validator is None:
            return []
        return [f"{e.instance_path}: {e.message}" for e in validator.iter_errors(body)]


@cache
def operation(method: str, path: str) -> Operation:
    """The call of this template below /rest/api/3."""
    whole = document()
    return Operation(whole, whole["paths"][f"/rest/api/3{path}"][method.lower()])


@cache
def document() -> Schema:
    """The whole of it. Skips where it is not."""
    if not FILE.exists():
        pytest.skip(f"no {FILE}; name its folder in STRATMASTER_TEST_SPECS")
    read: Schema = json.loads(FILE.read_text())
    return read


def _validator(document: Schema, schema: Schema) -> Any:
    """With no more of the document than it refers to: the whole takes a second to compile."""
    names: set[str] = set()
    _gather(document, schema, names)
    schemas = document["components"]["schemas"]
    components = {"schemas": {name: _plain(schemas[name]) for name in names}}
    return jsonschema_rs.Draft4Validator({**_plain(schema), "components": components})


def _gather(document: Schema, said: Any, names: set[str]) -> None:
    if isinstance(said, list):
        for one in said:
            _gather(document, one, names)
    elif isinstance(said, dict):
        ref = said.get("$ref")
        if isinstance(ref, str):
            name = ref.rpartition("/")[2]
            if name not in names:
                names.add(name)
                _gather(document, document["components"]["schemas"][name], names)
        for one in said.values():
            _gather(document, one, names)


def _plain(said: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so, examples are left out."""
    if isinstance(said, list):
        return [_plain(one) for one in said]
    if not isinstance(said, dict):
        return said
    plain = {k: _plain(v) for k, v in said.items() if k not in ("example", "nullable", "xml")}
    return {"anyOf": [plain, {"type": "null"}]} if said.get("nullable") is True else plain
