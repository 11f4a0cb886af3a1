"""What Notion tells by webhook: that something changed, not what. Pure."""

from __future__ import annotations

import hashlib
import hmac

from exporters.notion import shape
from exporters.records import Json

SIGNATURE = "X-Notion-Signature"
_PREFIX = "sha256="


def verified(token: str, body: bytes, signature: str) -> bool:
    """Whether a message is Notion's: ``signature`` is the header's value, ``token`` what the
    subscription's first message brought. An empty token verifies nothing."""
    if not token or not signature.startswith(_PREFIX):
        return False
    told = signature.removeprefix(_PREFIX).lower()
    made = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), told.encode())


def handshake(body: Json) -> str | None:
    """The verification token, if this is the first message of a subscription. A person types it
    into Notion once more; until then nothing else arrives."""
    message = shape.fields(body)
    token = shape.text(message.get("verification_token"))
    return token if token and "type" not in message else None


def delivery(body: Json) -> str:
    """The event's id, the same at every attempt to deliver it."""
    return shape.text(shape.fields(body).get("id"))


def changed(body: Json) -> tuple[str, ...]:
    """The ids of pages and blocks that an event is about, as ledgers keep them."""
    event = shape.fields(body)
    data = shape.fields(event.get("data"))
    about = [event.get("entity"), data.get("parent"), *shape.items(data.get("updated_blocks"))]
    ids = [shape.text(shape.fields(one).get("id")) for one in about]
    ids.append(shape.text(data.get("page_id")))
    return tuple(dict.fromkeys(id for id in ids if id))
