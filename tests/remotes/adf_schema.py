"""Atlassian's own schema of its documents, as npm brings it; fetched by tests/servers/fetch.py."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from tests.conftest import missing
from tests.servers.serve import SERVERS


@cache
def validator() -> jsonschema_rs.Draft4Validator:
    """Compiled once. Skips where it was not fetched."""
    path = SERVERS / "adf-schema" / "full.json"
    if not path.exists():
        missing("no ADF schema; run python tests/servers/fetch.py adf-schema")
    schema: dict[str, Any] = json.loads(path.read_text())
    return jsonschema_rs.Draft4Validator(schema)


def complaints(document: object) -> list[str]:
    return [
        f"{error.instance_path}: {error.message}" for error in validator().iter_errors(document)
    ]
