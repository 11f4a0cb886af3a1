"""What Jira tells unasked: whether a delivery is Jira's, and which issues it is about. Pure.

A delivery is a signal: what changed is read afterwards, by id.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from exporters.jira.target import listed, record, word
from exporters.records import Json

SIGNATURE: Final = "x-hub-signature"
DELIVERY: Final = "x-atlassian-webhook-identifier"  # stays the same when it is delivered again
_METHOD: Final = "sha256="


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether who sent this knows the secret: HMAC-SHA256 of the very bytes, as WebSub has it.

    An empty secret verifies nothing.
    """
    said = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "").strip()
    if not secret or not said.lower().startswith(_METHOD):
        return False
    due = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    # As bytes: a header may hold what compare_digest takes for no text.
    return hmac.compare_digest(
        due.encode(), said[len(_METHOD) :].lower().encode(errors="surrogateescape")
    )


def delivery(headers: Mapping[str, str]) -> str:
    """What a delivery is called, the first time and again; empty where it has no name."""
    return {name.lower(): value for name, value in headers.items()}.get(DELIVERY, "").strip()


def changed(event: Json) -> Sequence[str]:
    """The ids of the issues that an event is about, each once; empty for other events.

    An issue that was moved or deleted keeps its id. Links name both their ends.
    """
    return tuple(dict.fromkeys(id for id in _ids(record(event)) if id))


def _ids(event: Mapping[str, Json]) -> Iterator[str]:
    yield _id(record(event.get("issue")).get("id"))
    link = record(event.get("issueLink"))
    yield _id(link.get("sourceIssueId"))
    yield _id(link.get("destinationIssueId"))
    for one in listed(event.get("issues")):
        yield _id(record(one).get("id"))


def _id(value: Json) -> str:
    """Text in issue events, a number in those of links."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return word(value)
