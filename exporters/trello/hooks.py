"""What Trello tells by itself. Pure.

Before it takes up a webhook, Trello asks its address with HEAD and wants 200.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, TypeGuard

from exporters.records import Json

SIGNATURE: Final = "x-trello-webhook"  # the header with the signature


def verified(secret: str, callback_url: str, body: bytes, signature: str) -> bool:
    """Whether Trello sent this: ``secret`` is that of the application, ``callback_url`` the address
    exactly as the webhook was made with (HMAC-SHA1 over body and address, in base64)."""
    signed = hmac.new(secret.encode(), body + callback_url.encode(), hashlib.sha1).digest()
    return hmac.compare_digest(base64.b64encode(signed), signature.strip().encode())


def delivery(event: Mapping[str, Json]) -> str:
    """The id of what happened, the same each time it is told; empty where there is none."""
    action = event.get("action")
    return str(action.get("id") or "") if isinstance(action, dict) else ""


def changed(event: Mapping[str, Json]) -> tuple[str, ...]:
    """The refs of the objects that it may concern: a card, and what of it was changed.

    A list or board that was closed concerns every card on it: then none is named.
    """
    action = event.get("action")
    if not isinstance(action, dict) or not isinstance(data := action.get("data"), dict):
        return ()
    named = {name: str(one["id"]) for name, one in data.items() if _has_id(one)}
    refs = [named[name] for name in ("card", "cardSource", "checklist", "action") if name in named]
    if "checklist" in named and "checkItem" in named:
        refs.append(f"{named['checklist']}/{named['checkItem']}")
    if action.get("type") == "commentCard" and action.get("id"):
        refs.append(str(action["id"]))
    return tuple(dict.fromkeys(refs))


def _has_id(one: Json) -> TypeGuard[dict[str, Json]]:
    return isinstance(one, dict) and bool(one.get("id"))
