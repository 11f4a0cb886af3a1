"""What a blob may be called, whatever keeps it."""

from __future__ import annotations

import re

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def checked(key: str) -> str:
    """The key, if it can only ever name something inside the store; ValueError if not."""
    parts = key.split("/")
    if not 2 <= len(parts) <= 8 or not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(f"{key!r} is no blob key: two to eight plain names joined by '/'")
    return key
