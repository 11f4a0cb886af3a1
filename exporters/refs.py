"""Ids of objects that were not made yet when a request was written. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from exporters.records import Entry, Json, Request

_IN_PATH: Final = re.compile(r"\{\$ref:([^{}]+)\}")


def resolved(request: Request, entries: Mapping[str, Entry]) -> Request:
    """The request as it is sent; see ``records.Ref``. Raises KeyError for what was not made."""
    path = _IN_PATH.sub(lambda match: quote(entries[match[1]].ref, safe=""), request.path)
    return replace(request, path=path, body=_within(request.body, entries))


def _within(value: Json, entries: Mapping[str, Entry]) -> Json:
    match value:
        case {"$ref": str(key), **others} if not others:
            return entries[key].ref
        case dict():
            return {name: _within(each, entries) for name, each in value.items()}
        case list():
            return [_within(each, entries) for each in value]
        case _:
            return value
