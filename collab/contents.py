"""What is inside a Yjs update, read without applying it.

The CRDT library is lenient where a browser is not: it takes trailing bytes, client ids past
2^53 and content kinds that Yjs has never heard of. Stored and fanned out, such an update would
break every browser that opens the document, for good. So an update is read here first, whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from collab.errors import Malformed
from collab.model import Update
from collab.wire import Reader

_GC, _SKIP = 0, 10
_DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC = range(1, 10)
_XML_ELEMENT, _XML_HOOK, _LAST_TYPE = 3, 5, 6
_DEPTH = 64  # of arrays and objects inside one value


@dataclass(frozen=True, slots=True)
class Contents:
    """How far an update reaches: for each client, the clock after its last struct and deletion."""

    structs: Mapping[int, int]
    deletes: Mapping[int, int]

    @property
    def empty(self) -> bool:
        return not self.structs and not self.deletes

    def within(self, known: Mapping[int, int]) -> bool:
        """Whether it touches nothing that lies beyond ``known``."""
        return all(known.get(client, 0) >= end for client, end in self.structs.items()) and all(
            known.get(client, 0) >= end for client, end in self.deletes.items()
        )


def read(update: Update) -> Contents:
    """The contents of an update; ``Malformed`` if a Yjs client could not read it whole."""
    reader = Reader(update)
    structs: dict[int, int] = {}
    for _ in range(reader.integer()):
        count = reader.integer()
        client = reader.integer()
        clock = reader.integer()
        if client in structs:
            raise Malformed(f"Client {client} has two runs of structs in one update.")
        for _ in range(count):
            clock += _struct(reader, client, clock)
        if count:
            structs[client] = clock
    deletes: dict[int, int] = {}
    for _ in range(reader.integer()):
        client = reader.integer()
        for _ in range(reader.integer()):
            end = reader.integer() + reader.integer()
            deletes[client] = max(end, deletes.get(client, 0))
    reader.end()
    return Contents(structs, deletes)


def clocks(state: bytes) -> dict[int, int]:
    """A state vector as a dictionary."""
    reader = Reader(state)
    return {reader.integer(): reader.integer() for _ in range(reader.integer())}


def _struct(reader: Reader, client: int, clock: int) -> int:
    """Pass over one struct; its length in clock ticks."""
    info = reader.byte()
    kind = info & 0x1F
    if kind in (_GC, _SKIP):
        return _positive(reader.integer())
    if info & 0x80:
        _earlier(reader, client, clock)
    if info & 0x40:
        _earlier(reader, client, clock)
    if not info & 0xC0:
        if reader.integer() == 1:
            reader.text()
        else:
            _earlier(reader, client, clock)
        if info & 0x20:
            reader.text()
    return _content(reader, kind)


def _earlier(reader: Reader, client: int, clock: int) -> None:
    """Pass over a reference. Yjs waits for what another client has yet to say, but takes it for
    granted that a client refers only to what it said before."""
    other, at = reader.integer(), reader.integer()
    if other == client and at >= clock:
        raise Malformed(f"Client {client} refers at {clock} to its own future, {at}.")


def _content(reader: Reader, kind: int) -> int:
    if kind == _STRING:
        text = reader.text()
        # Clocks count UTF-16 units.
        return _positive(len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2)
    if kind == _DELETED:
        return _positive(reader.integer())
    if kind == _FORMAT:
        reader.text()
        _json(reader.text())
        return 1
    if kind == _TYPE:
        name = reader.integer()
        if name > _LAST_TYPE:
            raise Malformed(f"Shared type {name} is none that Yjs 13 knows (0 to 6).")
        if name in (_XML_ELEMENT, _XML_HOOK):
            reader.text()
        return 1
    if kind == _ANY:
        count = _positive(reader.integer())
        for _ in range(count):
            _any(reader, _DEPTH)
        return count
    if kind == _EMBED:
        _json(reader.text())
        return 1
    if kind == _JSON:
        count = _positive(reader.integer())
        for _ in range(count):
            text = reader.text()
            if text != "undefined":
                _json(text)
        return count
    if kind == _BINARY:
        reader.chunk()
        return 1
    if kind == _DOC:
        reader.text()
        _any(reader, _DEPTH)
        return 1
    raise Malformed(f"Content kind {kind} is none that Yjs 13 knows (0 to 10).")


def _positive(length: int) -> int:
    if length == 0:
        raise Malformed("A struct of no length cannot be placed in a document.")
    return length


def _json(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("A value in the update is not JSON.") from error


def _any(reader: Reader, depth: int) -> None:
    if depth == 0:
        raise Malformed(f"A value in the update is nested deeper than {_DEPTH}.")
    kind = reader.byte()
    if kind == 119:
        reader.text()
    elif kind in (120, 121, 126, 127):  # true, false, null, undefined
        pass
    elif kind == 125:
        reader.signed()
    elif kind == 124:
        reader.raw(4)
    elif kind in (122, 123):  # 64-bit integer, double
        reader.raw(8)
    elif kind == 118:
        for _ in range(reader.integer()):
            reader.text()
            _any(reader, depth - 1)
    elif kind == 117:
        for _ in range(reader.integer()):
            _any(reader, depth - 1)
    elif kind == 116:
        reader.chunk()
    else:
        raise Malformed(f"Value kind {kind} is none that lib0 knows (116 to 127).")
