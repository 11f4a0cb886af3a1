"""Text with marks as Notion has it, and as it is compared here. Pure.

The form that is compared is a list of *runs*: ``{"text": …, "marks": […], "link": …}``, neighbours
that look alike joined, so that it does not matter how Notion cuts the text. Colours and mentions
that people put there are kept in it: a change of theirs is seen, and never written over unasked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from exporters import markdown
from exporters.model import Brief, Item, Span
from exporters.notion import limits, shape
from exporters.records import Json
from exporters.references import UNKNOWN

MARKS = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strike": "strikethrough",
    "code": "code",
}
_LINKS = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
# C0 but for tab and line feed, and halves of surrogate pairs: no text, and no UTF-8.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_OPEN_CITATION = re.compile(r"\[\d*$")
_REST_OF_CITATION = re.compile(r"\d*\]")
_FEW = 20  # elements
_LOOK_BACK = 200  # characters before a cut in which a space is looked for
_ZERO_WIDTH_JOINER = "\u200d"

Runs = list[Json]


def clean(text: str) -> str:
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def units(text: str) -> int:
    """UTF-16 units, which is how Notion counts."""
    return len(text.encode("utf-16-le")) // 2


def link(href: str | None) -> str:
    """An address that Notion takes, or nothing."""
    if not href:
        return ""
    address = re.sub(r"[\s\x00-\x1f]", lambda match: f"%{ord(match.group()):02X}", href.strip())
    address = clean(address)
    return address if _LINKS.match(address) and units(address) <= limits.URL else ""


def run(text: str, *, marks: Sequence[str] = (), href: str = "") -> Json:
    made: dict[str, Json] = {"text": clean(text)}
    if marks:
        made["marks"] = list(marks)
    if href:
        made["link"] = href
    return made


def day(when: date) -> Json:
    """A mention of a date, which Notion shows and reminds of in each reader's way."""
    return {"date": when.isoformat()}


def joined(runs: Sequence[Json]) -> Runs:
    """Runs without empty ones, neighbours that look alike made one."""
    found: Runs = []
    for one in runs:
        now = shape.fields(one)
        if "text" in now and not now["text"]:
            continue
        last = shape.fields(found[-1]) if found else {}
        if found and "text" in now and _look(last) == _look(now) and "kind" not in now:
            found[-1] = {**last, "text": shape.text(last["text"]) + shape.text(now["text"])}
        else:
            found.append(dict(now))
    return found


def _look(one: Mapping[str, Json]) -> Mapping[str, Json]:
    return {key: value for key, value in one.items() if key != "text"}


def of_spans(
    spans: Sequence[Span],
    numbers: Mapping[str, int],
    links: Mapping[str, str],
    lose: Callable[[str], None],
) -> Runs:
    """A block's text. ``numbers`` and ``links`` are of its citations; ``lose`` hears of losses."""
    made: Runs = []
    for span in spans:
        if span.cite is not None:
            number = numbers.get(span.cite)
            shown = UNKNOWN if number is None else str(number)
            made.append(run(f"[{shown}]", href=links.get(span.cite, "")))
        elif span.line_break:
            made.append(run("\n"))
        elif span.text:
            href = link(span.href)
            if span.href and not href:
                lose("A link that Notion does not take is shown as plain text.")
            marks = [name for name in MARKS if getattr(span, name)]
            made.append(run(span.text, marks=marks, href=href))
    return joined(made)


def plain(runs: Json) -> str:
    found = [shape.fields(one) for one in shape.items(runs)]
    return "".join(shape.text(one.get("text")) or shape.text(one.get("date")) for one in found)


def elements(runs: Json) -> list[Json]:
    """What is sent: rich text objects, none longer than Notion takes."""
    made: list[Json] = []
    for one in _units(shape.items(runs)):
        now = shape.fields(one)
        if "date" in now:
            made.append({"type": "mention", "mention": {"date": {"start": now["date"]}}})
            continue
        marks = shape.items(now.get("marks"))
        text: dict[str, Json] = {"content": now.get("text")}
        if now.get("link"):
            text["link"] = {"url": now["link"]}
        element: dict[str, Json] = {"type": "text", "text": text}
        annotations: dict[str, Json] = {
            theirs: True for ours, theirs in MARKS.items() if ours in marks
        }
        if annotations:
            element["annotations"] = annotations
        made.append(element)
    return made


def pieces(runs: Json) -> list[Runs]:
    """The text cut into as many blocks as it needs: at least one."""
    cut_up = _units(shape.items(runs))
    if len(cut_up) <= _FEW and len(plain(cut_up)) <= limits.TEXT:
        return [joined(cut_up)]  # surely fits, whatever it links to
    found: list[Runs] = [[]]
    weight = 0
    for one in cut_up:
        more = sum(shape.size(element) for element in elements([one]))
        full = len(found[-1]) >= limits.ARRAY or weight + more > limits.BLOCK_BYTES
        if found[-1] and full:
            found.append([])
            weight = 0
        found[-1].append(one)
        weight += more
    return [joined(piece) for piece in found]


def _units(runs: Sequence[Json]) -> Runs:
    """Runs cut to what one rich text object holds."""
    found: Runs = []
    for one in runs:
        now = shape.fields(one)
        text = shape.text(now.get("text"))
        if "text" not in now:
            found.append(one)
        while text:
            end = cut(text, limits.TEXT)
            found.append({**now, "text": text[:end]})
            text = text[end:]
    return found


def cut(text: str, limit: int) -> int:
    """Where to cut a text so that the first part has at most ``limit`` UTF-16 units.

    After a space, if one is near; else never within a citation or a character that is drawn as one.
    """
    if units(text) <= limit:
        return len(text)
    end = len(text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore"))
    near = max(0, end - _LOOK_BACK)
    space = max(text.rfind(" ", near, end), text.rfind("\n", near, end))
    if space >= 0:
        return space + 1
    for place in range(end, near, -1):
        if not _belongs_together(text, place):
            return place
    return end


def _belongs_together(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _ZERO_WIDTH_JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    opened = _OPEN_CITATION.search(text, max(0, at - 8), at)
    return bool(opened and _REST_OF_CITATION.match(text, at))


def read(rich_text: Json) -> Runs:
    """What Notion says a text is, as it is compared."""
    return joined([_read_one(shape.fields(one)) for one in shape.items(rich_text)])


def _read_one(element: Mapping[str, Json]) -> Json:
    annotations = shape.fields(element.get("annotations"))
    marks: list[Json] = [ours for ours, theirs in MARKS.items() if annotations.get(theirs)]
    kind = shape.text(element.get("type")) or "text"
    mention = shape.fields(element.get("mention"))
    if "date" in mention:
        when = shape.fields(mention["date"])
        if not when.get("end") and not when.get("time_zone"):
            return {"date": when.get("start")}
    if kind == "text":
        inner = shape.fields(element.get("text"))
        made: dict[str, Json] = {"text": shape.text(inner.get("content"))}
        href = shape.text(shape.fields(inner.get("link")).get("url"))
    else:
        made = {"text": shape.text(element.get("plain_text")) or kind, "kind": kind}
        href = shape.text(element.get("href"))
    if marks:
        made["marks"] = marks
    if href:
        made["link"] = href
    color = shape.text(annotations.get("color"))
    if color and color != "default":
        made["color"] = color
    return made


def words(runs: Json) -> str:
    """The text in Markdown, for people to compare."""
    spans: list[Span] = []
    for one in shape.items(runs):
        now = shape.fields(one)
        marks = shape.items(now.get("marks"))
        for number, line in enumerate(plain([one]).split("\n")):
            if number:
                spans.append(Span(line_break=True))
            span = Span(
                line,
                bold="bold" in marks,
                italic="italic" in marks,
                underline="underline" in marks,
                strike="strike" in marks,
                code="code" in marks,
                href=shape.text(now.get("link")) or None,
            )
            spans.append(span)
    return markdown.render(Brief("", "", (Item("", "paragraph", tuple(spans)),))).strip()
