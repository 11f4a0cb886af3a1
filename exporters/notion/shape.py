"""Reading JSON that others wrote: what is not of the shape that was meant counts as empty. Pure."""

from __future__ import annotations

from exporters.records import Json, encode


def fields(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def size(value: Json) -> int:
    """Bytes of a value as it is sent."""
    return len(encode(value))
