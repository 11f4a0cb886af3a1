"""Atlassian Document Format: its nodes, one way to write each, and how long Jira finds them. Pure.

The schema is published as ``@atlaskit/adf-schema`` (json-schema/v1/full.json); what is made here is
held against it in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from exporters.jira.text import units
from exporters.records import Json

Node: TypeAlias = "dict[str, Json]"

DESCRIPTION_LIMIT: Final = 32_767
"""UTF-16 units; "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
Jira does not say what of a document it counts: ``length`` counts all that can be read in it."""

# Of these, Jira gives ids and widths of its own to what has none; they say nothing.
_VOLATILE: Final = frozenset({"localId", "layout", "width", "isNumberColumnEnabled", "displayMode"})
_NAMED: Final = frozenset({"taskList", "taskItem", "decisionList", "decisionItem"})
_DEFAULTS: Final[dict[str, Json]] = {"colspan": 1, "rowspan": 1, "order": 1, "language": ""}


def node(kind: str, content: Sequence[Node] | None = None, **attrs: Json) -> Node:
    made: Node = {"type": kind}
    if attrs:
        made["attrs"] = attrs
    if content is not None:
        made["content"] = list(content)
    return made


def text(words: str, *marks: Node) -> Node:
    made: Node = {"type": "text", "text": words}
    if marks:
        made["marks"] = sorted(marks, key=_mark_order)
    return made


def mark(kind: str, **attrs: Json) -> Node:
    return {"type": kind, "attrs": attrs} if attrs else {"type": kind}


def paragraph(*inline: Node) -> Node:
    return node("paragraph", inline)


def doc(blocks: Sequence[Node]) -> Node:
    return canonical({"type": "doc", "version": 1, "content": list(blocks)})


def children(of: Node) -> list[Node]:
    content = of.get("content")
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []


def marks(of: Node) -> list[Node]:
    found = of.get("marks")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def attr(of: Node, name: str) -> Json:
    attrs = of.get("attrs")
    return attrs.get(name) if isinstance(attrs, dict) else None


def canonical(document: Node) -> Node:
    """The one form of all documents that read alike: what is compared, and what is sent.

    Jira gives nodes ids of its own, joins text, orders marks and leaves out what is empty.
    """
    made: Node = {"type": document.get("type")}
    kind = document.get("type")
    if kind == "doc":
        made["version"] = 1
    attrs = document.get("attrs")
    if isinstance(attrs, dict):
        kept: dict[str, Json] = {
            name: value
            for name, value in attrs.items()
            if value is not None
            and (name not in _VOLATILE or kind in _NAMED)
            and not (name in _DEFAULTS and value == _DEFAULTS[name])
        }
        if kept:
            made["attrs"] = kept
    if kind == "text":
        made["text"] = document.get("text")
    kept_marks = [canonical(one) for one in marks(document)]
    if kept_marks:
        made["marks"] = sorted(kept_marks, key=_mark_order)
    if "content" in document:
        content = _joined(canonical(one) for one in children(document))
        if content or kind not in ("paragraph", "heading", "codeBlock", "taskItem"):
            made["content"] = content
    return made


def length(document: Node) -> int:
    """Characters as Jira counts them: all words, addresses and line ends."""
    own = document.get("text")
    found = units(own) if isinstance(own, str) else 0
    for one in marks(document):
        href = attr(one, "href")
        found += units(href) if isinstance(href, str) else 0
    if document.get("type") not in ("doc", "text"):
        found += 1
    return found + sum(length(one) for one in children(document))


def _joined(nodes: Iterator[Node]) -> list[Json]:
    """Runs of text with the same marks as one."""
    joined: list[Json] = []
    for one in nodes:
        last = joined[-1] if joined else None
        if one["type"] == "text":
            if not one["text"]:
                continue
            if (
                isinstance(last, dict)
                and last["type"] == "text"
                and last.get("marks") == one.get("marks")
            ):
                joined[-1] = {**last, "text": f"{last['text']}{one['text']}"}
                continue
        joined.append(one)
    return joined


def _mark_order(one: Json) -> str:
    """By kind; of those with attributes, a text has one at most."""
    return str(one.get("type")) if isinstance(one, dict) else ""
