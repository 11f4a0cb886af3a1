"""Text as Jira takes and counts it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from exporters.model import Span

SUMMARY_LIMIT: Final = 255  # UTF-16 units; "Summary can't exceed 255 characters."
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
_LONE = re.compile("[\ud800-\udfff]")  # half of a pair, which no encoding can say
_CUT = "…"


def clean(text: str) -> str:
    """Without what JSON or Jira cannot hold; line ends are line feeds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _LONE.sub("\ufffd", _CONTROLS.sub(" ", text))


def units(text: str) -> int:
    """How long Jira finds a text: in UTF-16 units, as Java counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def head(text: str, limit: int) -> str:
    """The beginning that fits, no character halved."""
    taken = 0
    for index, character in enumerate(text):
        taken += 2 if character > "\uffff" else 1
        if taken > limit:
            return text[:index]
    return text


def plain(spans: Sequence[Span]) -> str:
    """Words on one line, without citations."""
    words = "".join(" " if span.line_break else span.text for span in spans if span.cite is None)
    return " ".join(clean(words).split())


def summary(text: str) -> tuple[str, bool]:
    """A title that Jira takes, and whether words were cut off."""
    line = " ".join(clean(text).split()) or "Untitled"
    if units(line) <= SUMMARY_LIMIT:
        return line, False
    return head(line, SUMMARY_LIMIT - len(_CUT)).rstrip() + _CUT, True
