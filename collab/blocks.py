"""Yjs XML to a plain tree of blocks, and a new document's first update.

The shape is the one y-prosemirror gives a document: elements are nodes, their attributes are the
node's, and runs of text carry marks as formatting attributes. Nodes and marks this module has
never heard of are kept as they are, so that an older server does not hide a newer editor's text.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pycrdt

from collab.contents import Contents, clocks, mend, read
from collab.errors import CollabError, Malformed
from collab.model import Block, Inline, Mark, Projection, Update
from collab.order import placeable
from collab.suggestions import agreed

log = logging.getLogger(__name__)

TITLE = "title"
BODY = "body"

INLINE_NODES = frozenset({"citation", "hardBreak", "mention"})
_DEPTH = 100  # of blocks within blocks; the editor makes a dozen at most

Attrs = Mapping[str, str | int | bool | None]


def project(updates: Sequence[Update]) -> Projection:
    """The title and blocks of a document, from its updates in order: what is agreed on in it.

    Takes as long as the document is large; call it in a thread.
    """
    return read_document(load(mend(updates)))


def read_document(document: pycrdt.Doc[Any]) -> Projection:
    """The title and blocks of a document in memory."""
    # One transaction: each read would otherwise open and commit its own.
    with document.transaction():
        title = str(document.get(TITLE, type=pycrdt.Text))
        body = document.get(BODY, type=pycrdt.XmlFragment)
        blocks = tuple(_blocks(body.children, 0))
    return Projection(title, agreed(blocks))


def load(updates: Sequence[Update]) -> pycrdt.Doc[Any]:
    """A document from its updates, which have been mended; the first of them stands by itself."""
    return load_sound(updates)[0]


def load_sound(updates: Sequence[Update]) -> tuple[pycrdt.Doc[Any], frozenset[Update]]:
    """The same, and what of the updates the library would not have and is left out.

    An update is stored before what it builds on has come, so that one may turn out to be forged
    (text within text, say) only when it is placed. It must not keep people from their document.
    Raises CollabError for bytes that are no update.
    """
    refused: set[Update] = set()
    while True:
        document: pycrdt.Doc[Any] = pycrdt.Doc()
        later: list[tuple[Update, Contents]] = []
        for number, update in enumerate(updates):
            try:
                if number == 0:
                    document.apply_update(update)
                else:
                    later.append((update, read(update)))
            except (ValueError, Malformed) as error:
                raise CollabError(
                    f"Stored update {number} ({len(update)} bytes) cannot be read: {error}. "
                    "Restore the document from a backup."
                ) from error
        placed = placeable(later, clocks(document.get_state()))
        if _placed(document, placed, refused):
            return document, frozenset(refused)


def _placed(document: pycrdt.Doc[Any], updates: Sequence[Update], refused: set[Update]) -> bool:
    """Whether the document can be trusted: where the library panicked, it has to be begun anew."""
    with document.transaction():
        for update in updates:
            if update in refused:
                continue
            try:
                document.apply_update(update)
            except BaseException as error:
                if not is_of_library(error):
                    raise
                log.warning("An update of %d bytes is left out: %s", len(update), error)
                refused.add(update)
                if not isinstance(error, Exception):
                    return False
    return True


def is_of_library(error: BaseException) -> bool:
    """Whether the CRDT library failed: where it panics, it raises what is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _blocks(children: Iterable[Any], depth: int) -> Iterable[Block]:
    if depth >= _DEPTH:
        return
    loose: list[Inline] = []
    for child in children:
        if isinstance(child, pycrdt.XmlElement) and child.tag not in INLINE_NODES:
            if loose:
                yield Block("", "paragraph", {}, tuple(loose))
                loose = []
            yield _block(child, depth)
        else:
            loose.extend(_inline(child))
    if loose:  # text where only blocks belong: shown rather than lost
        yield Block("", "paragraph", {}, tuple(loose))


def _block(element: pycrdt.XmlElement, depth: int) -> Block:
    attrs = _attrs(_items(element))
    identity = attrs.pop("id", None)
    children = list(element.children)
    holds_blocks = any(
        isinstance(child, pycrdt.XmlElement) and child.tag not in INLINE_NODES for child in children
    )
    return Block(
        identity if isinstance(identity, str) else "",
        element.tag or "",
        attrs,
        () if holds_blocks else tuple(part for child in children for part in _inline(child)),
        tuple(_blocks(children, depth + 1)) if holds_blocks else (),
    )


def _inline(node: Any) -> Iterable[Inline]:
    if isinstance(node, pycrdt.XmlText):
        for content, formatting in node.diff():
            if isinstance(content, str):
                marks = tuple(
                    Mark(name, _attrs(value.items()) if isinstance(value, Mapping) else {})
                    for name, value in sorted((formatting or {}).items())
                    if value is not None and value is not False
                )
                yield Inline("text", content, marks)
    elif isinstance(node, pycrdt.XmlElement):
        yield Inline(node.tag or "", "", (), _attrs(_items(node)))


def _items(element: pycrdt.XmlElement) -> Iterable[tuple[str, Any]]:
    # The view iterates pairs, but its annotation says it iterates iterables of them.
    return cast("Iterable[tuple[str, Any]]", element.attributes)


def _attrs(items: Iterable[tuple[str, Any]]) -> dict[str, str | int | bool | None]:
    """JavaScript has one kind of number; a whole one is an int here."""
    attrs: dict[str, str | int | bool | None] = {}
    for key, value in sorted(items):
        if isinstance(value, float):
            attrs[key] = int(value) if value.is_integer() else str(value)
        elif value is None or isinstance(value, str | int | bool):
            attrs[key] = value
        else:  # an array or an object: no node of ours has one
            attrs[key] = str(value)
    return attrs


def seed(title: str, blocks: Sequence[Block]) -> Update:
    """A new document's first update, for the store at creation and never for a living document.

    The same title and blocks give the same bytes, so that applying a seed twice is applying it
    once.
    """
    digest = hashlib.sha256(repr((title, tuple(blocks))).encode()).digest()
    # 32 bits, as Yjs 13 makes its own.
    document: pycrdt.Doc[Any] = pycrdt.Doc(client_id=int.from_bytes(digest[:4], "big") or 1)
    with document.transaction():
        text = document.get(TITLE, type=pycrdt.Text)
        body = document.get(BODY, type=pycrdt.XmlFragment)
        if title:
            text += title
        for block in blocks:
            _write(body, block)
    return document.get_update()


def _write(parent: pycrdt.XmlFragment | pycrdt.XmlElement, block: Block) -> None:
    element = parent.children.append(pycrdt.XmlElement(block.type))
    _write_attrs(element, {"id": block.id, **block.attrs})
    for child in block.children:
        _write(element, child)
    run: pycrdt.XmlText | None = None
    for part in block.inline:
        if part.type == "text":
            if part.text:
                # Neighbouring runs share one text node, as the editor writes them.
                run = run if run is not None else element.children.append(pycrdt.XmlText(""))
                start = len(run)
                run.insert(start, part.text)
                for mark in part.marks:
                    run.format(start, len(run), {mark.type: dict(mark.attrs)})
        else:
            run = None
            _write_attrs(element.children.append(pycrdt.XmlElement(part.type)), part.attrs)


def _write_attrs(element: pycrdt.XmlElement, attrs: Attrs) -> None:
    for key, value in sorted(attrs.items()):
        if value is None or (key == "id" and value == ""):
            continue
        # A Python int would reach the browser as a BigInt, which the editor cannot compare.
        whole = isinstance(value, int) and not isinstance(value, bool)
        element.attributes[key] = float(value) if whole else value
