"""A plan as it was approved, as bytes: to be carried out so whatever happens between."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields
from typing import Any

from exporters.compare import Settlement
from exporters.records import Entry, Json, Op, Place, Record, Request, Step


@dataclass(frozen=True, slots=True)
class Approved:
    """What of a plan is carried out, and where: as it was when a person said yes."""

    place: Place
    steps: tuple[Step, ...]
    settlements: tuple[Settlement, ...]


def pack(approved: Approved) -> bytes:
    """Takes a moment where steps are large: call it in a thread."""
    return _squeeze(
        {
            "place": _members(approved.place),
            "steps": [_step(step) for step in approved.steps],
            "settlements": [
                {"before": _entry(one.before), "after": one.after and _entry(one.after)}
                for one in approved.settlements
            ],
        }
    )


def unpack(content: bytes) -> Approved:
    said = _stretch(content)
    return Approved(
        Place(**said["place"]),
        tuple(_step_of(one) for one in said["steps"]),
        tuple(
            Settlement(entry_of(one["before"]), one["after"] and entry_of(one["after"]))
            for one in said["settlements"]
        ),
    )


def pack_step(step: Step) -> bytes:
    return _squeeze(_step(step))


def unpack_step(content: bytes) -> Step:
    return _step_of(_stretch(content))


def text(value: object, *, sort: bool = True) -> str:
    """JSON in ASCII alone, which every database keeps as it is."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=sort)


def entry_text(entry: Entry) -> str:
    return text(_entry(entry))


def entry_of(said: Mapping[str, Any]) -> Entry:
    return Entry(**{**said, "left": frozenset(said["left"])})


def _squeeze(value: object) -> bytes:
    # As it was approved: what a call makes lies over there in the order in which it sends it.
    return zlib.compress(text(value, sort=False).encode("ascii"), 6)


def _stretch(content: bytes) -> Any:
    return json.loads(zlib.decompress(content))


def _members(value: Entry | Place | Step | Record | Request) -> dict[str, Any]:
    """By name, whatever the value comes to have."""
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_members(one) if isinstance(one, Record) else _plain(one) for one in value]
    return _members(value) if isinstance(value, Request) else value


_entry = _members
_step = _members


def _step_of(said: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **said,
            "op": Op(said["op"]),
            "request": Request(**said["request"]),
            "records": tuple(Record(**record) for record in said["records"]),
            "needs": tuple(said["needs"]),
        }
    )
