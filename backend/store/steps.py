"""Steps of an export as bytes, to be carried out as they were approved whatever happens between."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from exporters.records import Json, Op, Record, Request, Step


def pack(value: Json) -> bytes:
    """JSON, exactly: half a surrogate pair and NUL come back as well."""
    return zlib.compress(text(value).encode("ascii"), 6)


def unpack(content: bytes) -> Any:
    return json.loads(zlib.decompress(content))


def text(value: object) -> str:
    """JSON in ASCII alone, which every database keeps as it is."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def pack_steps(steps: Sequence[Step]) -> bytes:
    """Takes a moment where steps are large: call it in a thread."""
    return pack([_step(step) for step in steps])


def unpack_steps(content: bytes) -> list[Step]:
    return [_step_of(one) for one in unpack(content)]


def _step(step: Step) -> dict[str, Json]:
    return {
        "id": step.id,
        "op": step.op.value,
        "request": {
            "method": step.request.method,
            "path": step.request.path,
            "body": step.request.body,
        },
        "sends": {key: dict(fields) for key, fields in step.sends.items()},
        "records": [_record(record) for record in step.records],
        "base": dict(step.base),
        "needs": list(step.needs),
        "reads": step.reads,
    }


def _record(record: Record) -> dict[str, Json]:
    return {
        "key": record.key,
        "kind": record.kind,
        "fields": dict(record.fields),
        "title": record.title,
        "parent": record.parent,
        "ordered": record.ordered,
    }


def _step_of(one: Mapping[str, Any]) -> Step:
    return Step(
        id=one["id"],
        op=Op(one["op"]),
        request=Request(**one["request"]),
        sends=one["sends"],
        records=tuple(Record(**record) for record in one["records"]),
        base=one["base"],
        needs=tuple(one["needs"]),
        reads=one["reads"],
    )
