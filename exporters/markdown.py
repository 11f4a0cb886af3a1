"""A brief as Markdown: CommonMark with GitHub's tables, strikethrough and task lists. Pure.

Citations are plain numbers in square brackets and a References section at the end, not ``[^1]``
footnotes: those show as raw text wherever the footnote extension is missing, and brackets survive
every renderer, mail program and paste.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from exporters.errors import TooDeep
from exporters.model import Brief, Item, Span
from exporters.references import HEADING, UNKNOWN, place, provenance, quotation

DEEPEST = 40  # levels of nesting
_LISTS = ("bullet_list", "ordered_list", "action")
# What may stand around ** or _ for every renderer to read it as emphasis; else tags are written.
_MAY_PRECEDE = frozenset("( \n")
_MAY_FOLLOW = frozenset(".,;:!?) \n")
_SPECIAL = re.compile(r"[\\`*\[\]<~]")
_LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LINKS = re.compile(r"(?:https?:|mailto:|/|#|\?)", re.IGNORECASE)
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")


def render(brief: Brief, *, images: Mapping[str, str] | None = None, html: bool = True) -> str:
    """The whole brief, its title first and its references last, ending in a newline.

    ``images`` are addresses by the key of their item; an image without one stands within the text
    as data. Without ``html`` no tags are written, for readers that would show them as they are:
    underlining is left out, and emphasis within a word keeps its signs.
    """
    writer = _Writer(brief, images or {}, html)
    parts = []
    title = writer.inline((Span(brief.title),), line_break=" ")
    if title:
        parts.append(f"# {_heading_text(title)}")
    body = writer.blocks(brief.items)
    if body:
        parts.append(body)
    if brief.references:
        parts.append(f"## {HEADING}")
        parts.extend(writer.reference(number) for number in range(len(brief.references)))
    return "\n\n".join(parts) + "\n"


class _Writer:
    def __init__(self, brief: Brief, images: Mapping[str, str], html: bool) -> None:
        self._brief = brief
        self._images = images
        self._html = html
        self._numbers = {reference.cite: reference.number for reference in brief.references}

    def blocks(self, items: Sequence[Item], depth: int = 0, *, tight: bool = False) -> str:
        """Blocks one after another, empty ones left out."""
        if depth > DEEPEST:
            raise TooDeep(items[0].key if items else "", DEEPEST)
        written = ""
        previous: Item | None = None
        marker = 0
        for run in _runs(items):
            # Two lists side by side would be read as one; another marker keeps them two.
            follows = previous is not None and _one_list(previous, run[0])
            marker = 1 - marker if follows else 0
            text = self._run(run, depth, marker)
            if not text:
                continue
            if not written:
                written = text
            elif (
                self._html
                and previous is not None
                and previous.kind == "quote"
                and run[0].kind == "quote"
            ):
                written += f"\n\n<!-- -->\n\n{text}"
            else:
                written += f"\n{text}" if tight and _may_interrupt(run[0], text) else f"\n\n{text}"
            previous = run[-1]
        return written

    def _run(self, run: Sequence[Item], depth: int, marker: int) -> str:
        if run[0].kind == "action":
            return "\n".join(self._action(item, "-*"[marker]) for item in run)
        return self._block(run[0], depth, marker)

    def _block(self, item: Item, depth: int, marker: int) -> str:
        match item.kind:
            case "heading":
                text = self.inline(item.spans, line_break=" ")
                return f"{'#' * min(max(item.level, 1), 6)} {_heading_text(text)}" if text else ""
            case "bullet_list":
                return self._list(item, depth, lambda _: "-*"[marker])
            case "ordered_list":
                start = max(item.start, 0)
                return self._list(item, depth, lambda index: f"{start + index}{'.)'[marker]}")
            case "quote":
                inner = self.blocks(item.children, depth + 1) if item.children else ""
                inner = inner or _guarded(self.inline(item.spans))
                return _prefixed(inner, "> ") if inner else ""
            case "code":
                return _fenced(_plain(item.spans), item.language)
            case "rule":
                return "___"
            case "table":
                return self._table(item, depth)
            case "image":
                return _image(item, self._images)
            case _:
                text = _guarded(self.inline(item.spans))
                inner = self.blocks(item.children, depth + 1) if item.children else ""
                return "\n\n".join(part for part in (text, inner) if part)

    def _list(self, item: Item, depth: int, marker: Callable[[int], str]) -> str:
        lines = []
        loose = any(_is_loose(child) for child in item.children)
        for index, child in enumerate(item.children):
            mark = marker(index)
            own = (
                (replace(child, kind="paragraph", children=()), *child.children)
                if child.spans
                else child.children
            )
            inner = self.blocks(own, depth + 1, tight=not loose)
            pad = " " * (len(mark) + 1)
            first = f"{mark} {inner}".split("\n", 1)[0]
            # Empty lists in one another would be "- - -", which is a rule.
            gap = f"\n{pad}" if inner and _RULE.fullmatch(first) else " "
            lines.append(f"{mark}{gap}{_indented(inner, pad)}" if inner else mark)
        return ("\n\n" if loose else "\n").join(lines)

    def _action(self, item: Item, marker: str) -> str:
        done = "x" if item.status == "done" else " "
        notes = []
        if item.owner:
            notes.append(f"owner: {_escaped(item.owner)}")
        if item.due is not None:
            notes.append(f"due: {item.due.isoformat()}")
        if item.status == "doing":
            notes.append("status: doing")
        text = self.inline(item.spans, line_break=" ")
        noted = f"({', '.join(notes)})" if notes else ""
        return " ".join(part for part in (f"{marker} [{done}]", text, noted) if part)

    def _table(self, table: Item, depth: int) -> str:
        rows = [[self._cell(cell, depth + 1) for cell in row.children] for row in table.children]
        width = max((len(row) for row in rows), default=0)
        if not width:
            return ""
        headed = bool(table.children[0].children) and all(
            cell.header for cell in table.children[0].children
        )
        if not headed:
            # The format has no table without a header; an empty one promotes nobody's data.
            rows.insert(0, [])
        padded = [row + [""] * (width - len(row)) for row in rows]
        lines = [f"| {' | '.join(row)} |" for row in padded]
        lines.insert(1, f"|{' --- |' * width}")
        return "\n".join(lines)

    def _cell(self, cell: Item, depth: int) -> str:
        return "<br>".join(self._cell_lines(cell, depth)).replace("|", "\\|")

    def _cell_lines(self, item: Item, depth: int) -> Iterable[str]:
        """What a cell holds, a line per block: a table has no room for blocks."""
        if depth > DEEPEST:
            raise TooDeep(item.key, DEEPEST)
        if item.kind == "code":
            for line in _plain(item.spans).split("\n"):
                if line.strip():
                    yield _code_span(line)
            return
        if item.kind == "image":
            yield _image(item, self._images)
            return
        text = self.inline(item.spans, line_break="<br>")
        if text:
            yield text
        for index, child in enumerate(item.children):
            lines = list(self._cell_lines(child, depth + 1))
            if lines and item.kind in ("bullet_list", "ordered_list"):
                mark = "•" if item.kind == "bullet_list" else f"{item.start + index}."
                lines[0] = f"{mark} {lines[0]}"
            yield from lines

    def reference(self, index: int) -> str:
        reference = self._brief.references[index]
        parts = [f"\\[{reference.number}\\]", f"{_escaped(place(reference))}:"]
        quote = quotation(reference)
        parts.append(_escaped(quote) if quote else "no quote")
        known = provenance(reference)
        if known:
            parts.append(f"({_escaped(known)})")
        if reference.link and _LINKS.match(reference.link):
            parts.append(f"[open]({_destination(reference.link)})")
        return " ".join(parts)

    def inline(self, spans: Sequence[Span], *, line_break: str = "\\\n") -> str:
        pieces = _pieces(spans)
        text = self._marked(pieces, ("href", "bold", "italic", "strike", "underline"), " ", " ")
        return text.replace("\n", line_break)

    def _marked(self, pieces: Sequence[Span], marks: Sequence[str], before: str, after: str) -> str:
        """Pieces with the marks left to write, outermost first, so that tags always nest."""
        if not marks:
            return "".join(self._leaf(piece) for piece in pieces)
        mark, rest = marks[0], marks[1:]
        groups = [(key, list(group)) for key, group in groupby(pieces, lambda p: getattr(p, mark))]
        if len(groups) == 1 and not groups[0][0]:
            return self._marked(pieces, rest, before, after)
        # Written without neighbours first: what stands beside a group is all that matters here.
        bare = [self._marked(group, rest, " ", " ") for _, group in groups]
        written = ""
        for index, (value, group) in enumerate(groups):
            left = written[-1:] or before
            following = next((text for text in bare[index + 1 :] if text), "")
            follower = groups[index + 1][0] if index + 1 < len(groups) else None
            right = ("*" if follower else following[:1]) or after
            if not value:
                written += self._marked(group, rest, left, right)
            elif mark == "href":
                inner = self._marked(group, rest, " ", " ")
                url = str(value)
                written += f"[{inner}]({_destination(url)})" if _LINKS.match(url) else inner
            else:
                inner = self._marked(group, rest, left, right)
                opening, closing = _tags(mark, left, right, self._html)
                written += f"{opening}{inner}{closing}"
        return written

    def _leaf(self, piece: Span) -> str:
        if piece.cite is not None:
            return f"\\[{self._numbers.get(piece.cite, UNKNOWN)}\\]"
        if piece.line_break:
            return "\n"
        return _code_span(piece.text) if piece.code else _escaped(piece.text)


def _runs(items: Sequence[Item]) -> list[list[Item]]:
    """Actions that follow one another are one list; other blocks stand alone."""
    runs: list[list[Item]] = []
    for item in items:
        if runs and item.kind == "action" == runs[-1][0].kind:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs


def _tags(mark: str, left: str, right: str, html: bool) -> tuple[str, str]:
    if mark == "underline":
        return ("<u>", "</u>") if html else ("", "")  # Markdown has none
    sign, tag = {"bold": ("**", "strong"), "italic": ("_", "em"), "strike": ("~~", "del")}[mark]
    if left in _MAY_PRECEDE and right in _MAY_FOLLOW:
        return sign, sign
    if not html:
        sign = "*" if mark == "italic" else sign  # underscores within a word are no emphasis
        return sign, sign
    return f"<{tag}>", f"</{tag}>"


def _pieces(spans: Sequence[Span]) -> list[Span]:
    """Spans with white space outside their marks, no empty ones, no breaks at the ends."""
    found: list[Span] = []
    for span in spans:
        if span.cite is not None:
            found.append(Span(cite=span.cite))
        elif span.line_break:
            found.append(Span(line_break=True))
        elif span.code:
            text = " ".join(span.text.split("\n"))
            found.extend([replace(span, text=text)] if text.strip() else [Span(text)])
        else:
            text = re.sub(r"[\r\n\t\0]+", " ", span.text)
            core = text.strip(" ")
            lead = len(text) - len(text.lstrip(" "))
            if not core:
                found.append(Span(text))
                continue
            found.append(Span(text[:lead]))
            found.append(replace(span, text=core))
            found.append(Span(text[lead + len(core) :]))
    found = [one for one in found if one.text or one.cite is not None or one.line_break]
    while found and _blank(found[0]):
        found.pop(0)
    while found and _blank(found[-1]):
        found.pop()
    # White space beside a break, or at an end, would be lost or read as indentation.
    clean: list[Span] = []
    for index, one in enumerate(found):
        edge = index == 0 or found[index - 1].line_break
        if one.text and not one.code and edge:
            one = replace(one, text=one.text.lstrip())
        if one.text and not one.code and index + 1 < len(found) and found[index + 1].line_break:
            one = replace(one, text=one.text.rstrip())
        if one.text or one.cite is not None or one.line_break:
            # Between two spans of one mark, the space between them carries it too.
            clean.append(one)
    return _merged(clean)


def _merged(pieces: Sequence[Span]) -> list[Span]:
    """A space between two pieces of the same marks joins them: ``**a b**``, not ``**a** **b**``."""
    found: list[Span] = []
    for index, piece in enumerate(pieces):
        neighbours = found and index + 1 < len(pieces)
        if piece.text and not piece.text.strip() and not piece.code and neighbours:
            left, right = found[-1], pieces[index + 1]
            if left.text and not left.code and replace(left, text="") == replace(right, text=""):
                piece = replace(left, text=piece.text)
        if (
            found
            and found[-1].text
            and piece.text
            and (replace(found[-1], text="") == replace(piece, text=""))
        ):
            found[-1] = replace(piece, text=found[-1].text + piece.text)
        else:
            found.append(piece)
    return found


def _blank(span: Span) -> bool:
    return span.line_break or (span.cite is None and not span.code and not span.text.strip())


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(lambda match: f"\\{match.group()}", text)
    text = _LONE_UNDERSCORE.sub(r"\\_", text)
    return _ENTITY.sub(r"\\&", text)


def _guarded(text: str) -> str:
    """Text whose lines cannot be taken for the start of a block."""
    return "\n".join(_guarded_line(line) for line in text.split("\n"))


def _guarded_line(line: str) -> str:
    line = line.lstrip(" ")
    numbered = re.match(r"\d{1,9}(?=[.)](?:\s|\\?$))", line)
    if numbered:
        return f"{numbered.group()}\\{line[numbered.end() :]}"
    if re.match(r"#{1,6}(?:\s|\\?$)|>|[-+](?:\s|\\?$)|=+\s*\\?$|[-:|\s]+\\?$", line):
        return f"\\{line}"
    return line


def _heading_text(text: str) -> str:
    # A heading's closing hashes would vanish.
    return re.sub(r"(#+)(?=\s*$)", lambda match: "\\#" * len(match.group()), text.strip())


def _plain(spans: Sequence[Span]) -> str:
    return "".join("\n" if span.line_break else span.text for span in spans)


def _fenced(code: str, language: str) -> str:
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    fence = "`" * max(3, _longest_run(code) + 1)
    info = re.sub(r"[`\s]+", "-", language.strip())
    return f"{fence}{info}\n{code}\n{fence}" if code else f"{fence}{info}\n{fence}"


def _code_span(code: str) -> str:
    fence = "`" * (_longest_run(code) + 1)
    pads = code.startswith("`") or code.endswith("`")
    pads = pads or (code.startswith(" ") and code.endswith(" ") and bool(code.strip()))
    return f"{fence} {code} {fence}" if pads else f"{fence}{code}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _destination(url: str) -> str:
    return re.sub(r"[\s<>()\\\x00-\x1f|]", lambda match: f"%{ord(match.group()):02X}", url.strip())


def _image(item: Item, addresses: Mapping[str, str]) -> str:
    image = item.image
    alt = " ".join(_escaped(image.alt).split()) if image else ""
    if item.key in addresses:
        return f"![{alt}]({_destination(addresses[item.key])})"
    if image is None or image.content is None or image.media_type is None:
        return f"\\[Image: {alt or 'not available'}\\]"
    # Within the file, so that one download is the whole brief.
    content = base64.b64encode(image.content).decode()
    return f"![{alt}](data:{image.media_type};base64,{content})"


def _prefixed(text: str, prefix: str) -> str:
    return "\n".join(f"{prefix}{line}".rstrip() if not line else f"{prefix}{line}"
                     for line in text.split("\n"))  # fmt: skip


def _indented(text: str, pad: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"{pad}{line}" if line else "" for line in rest)])


def _one_list(previous: Item, item: Item) -> bool:
    """Whether two neighbours would be read as one list if they had the same marker."""
    bullets = ("bullet_list", "action")
    if previous.kind in bullets and item.kind in bullets:
        return True
    return previous.kind == item.kind == "ordered_list"


def _may_interrupt(item: Item, text: str) -> bool:
    """Whether a list can stand directly under a paragraph: it must not start empty, or at 2."""
    if item.kind == "bullet_list":
        return bool(re.match(r"[-*] \S", text))
    return item.kind == "ordered_list" and bool(re.match(r"1[.)] \S", text))


def _is_loose(item: Item) -> bool:
    """Whether an item holds more than a line and the lists beneath it."""
    own = (1 if item.spans else 0) + sum(child.kind not in _LISTS for child in item.children)
    return own > 1 or any(child.kind == "action" for child in item.children)
