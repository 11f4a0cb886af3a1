"""A bearer token that an application's secret signed: how Atlassian signs what calls in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any, Final

SKEW: Final = timedelta(minutes=5)  # between their clock and ours


def signed_bearer(header: str, secret: str, now: datetime) -> bool:
    """Whether an ``Authorization`` header holds a JWT of HS256 under this secret that has not
    expired. Any other algorithm is none of ours, ``none`` least of all."""
    scheme, _, token = header.strip().partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or not secret:
        return False
    made = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    try:
        if not hmac.compare_digest(made, _bytes(parts[2])):
            return False  # before anything of what a stranger wrote is read
        head, claims = (_object(part) for part in parts[:2])
    except ValueError:
        return False
    if head.get("alg") != "HS256":
        return False
    until = claims.get("exp")
    return until is None or (isinstance(until, int | float) and until > (now - SKEW).timestamp())


def _object(part: str) -> dict[str, Any]:
    said = json.loads(_bytes(part))
    if not isinstance(said, dict):
        raise ValueError
    return said


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error
