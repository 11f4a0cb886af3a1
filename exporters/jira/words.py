"""An Atlassian document as Markdown, for previews and differences. Pure.

For reading alone, so also for what people wrote over there: nodes that a brief has not are named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from exporters.jira.adf import Node, attr, children, marks

_SPECIAL = re.compile(r"[\\`*_\[\]<>~|]")
_ESCAPED = r"\\\g<0>"
_ADDRESS = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_BREAKS = re.compile(r"[\s<>()\\\x00-\x1f]")
_SIGNS = {"strong": "**", "em": "_", "strike": "~~"}


def markdown(document: Node) -> str:
    return _blocks(children(document))


def _blocks(nodes: Sequence[Node], between: str = "\n\n") -> str:
    return between.join(text for one in nodes if (text := _block(one)))


def _block(one: Node) -> str:
    kind = one.get("type")
    inner = children(one)
    match kind:
        case "paragraph" | "decisionItem" | "caption":
            return _inline(inner)
        case "heading":
            level = attr(one, "level")
            return f"{'#' * (level if isinstance(level, int) else 1)} {_inline(inner)}"
        case "bulletList" | "decisionList":
            return "\n".join(_entry("-", child) for child in inner)
        case "orderedList":
            order = attr(one, "order")
            start = order if isinstance(order, int) else 1
            return "\n".join(_entry(f"{start + at}.", child) for at, child in enumerate(inner))
        case "taskList":
            return "\n".join(_task(child) for child in inner)
        case "blockquote" | "panel":
            return "\n".join(f"> {line}".rstrip() for line in _blocks(inner).split("\n"))
        case "codeBlock":
            code = "".join(str(child.get("text", "")) for child in inner)
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", code))])
            return f"{fence}{attr(one, 'language') or ''}\n{code}\n{fence}"
        case "rule":
            return "---"
        case "table":
            return _table(inner)
        case _:
            return _blocks(inner) if inner else f"_({kind})_"


def _entry(sign: str, item: Node) -> str:
    text = _blocks(children(item), "\n") if item.get("type") == "listItem" else _block(item)
    pad = " " * (len(sign) + 1)
    return f"{sign} " + text.replace("\n", f"\n{pad}")


def _task(item: Node) -> str:
    if item.get("type") != "taskItem":
        return "  " + _block(item).replace("\n", "\n  ")
    return f"- [{'x' if attr(item, 'state') == 'DONE' else ' '}] {_inline(children(item))}"


def _table(rows: Sequence[Node]) -> str:
    lines = []
    for index, row in enumerate(rows):
        cells = [_blocks(children(cell), "<br>").replace("\n", "<br>") for cell in children(row)]
        lines.append(f"| {' | '.join(cells)} |")
        if index == 0:
            lines.append(f"|{' --- |' * len(cells)}")
    return "\n".join(lines)


def _inline(nodes: Sequence[Node]) -> str:
    return "".join(_word(one) for one in nodes)


def _word(one: Node) -> str:
    match one.get("type"):
        case "text":
            return _marked(one)
        case "hardBreak":
            return "\\\n"
        case "mention" | "status" | "emoji":
            return _SPECIAL.sub(_ESCAPED, str(attr(one, "text") or ""))
        case "inlineCard":
            url = str(attr(one, "url") or "")
            return _linked(_SPECIAL.sub(_ESCAPED, url), url)
        case kind:
            return f"_({kind})_"


def _marked(one: Node) -> str:
    words = str(one.get("text", ""))
    kinds = {str(found.get("type")): found for found in marks(one)}
    shown = f"`{words}`" if "code" in kinds else _SPECIAL.sub(_ESCAPED, words)
    # White space at the edge of a mark would show its sign.
    core = shown.strip()
    if not core:
        return shown
    lead, trail = shown[: len(shown) - len(shown.lstrip())], shown[len(shown.rstrip()) :]
    for kind, sign in _SIGNS.items():
        if kind in kinds:
            core = f"{sign}{core}{sign}"
    if "underline" in kinds:
        core = f"<u>{core}</u>"
    if "link" in kinds:
        core = _linked(core, str(attr(kinds["link"], "href") or ""))
    return f"{lead}{core}{trail}"


def _linked(words: str, href: str) -> str:
    """Whatever people there linked to, only addresses can be followed from a preview."""
    if not _ADDRESS.match(href):
        return f"{words} ({_SPECIAL.sub(_ESCAPED, href)})"
    return f"[{words}]({_BREAKS.sub(lambda found: f'%{ord(found[0]):02X}', href)})"
