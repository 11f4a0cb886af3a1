"""What is inside a Yjs update, read without applying it.

The CRDT library is lenient where a browser is not: it takes trailing bytes, client ids past
2^53 and content kinds that Yjs has never heard of. Stored and fanned out, such an update would
break every browser that opens the document, for good. So an update is read here first, whole.

It is lenient in one thing that no browser could do without. Yjs counts text in UTF-16 units, and
an edit may fall between the two units of one character (an emoji): Yjs then turns each half into
U+FFFD, which is one unit long. The library keeps UTF-8 and leaves the character whole on one side,
so its lengths and its text disagree, and what it encodes from then on no browser can read. Before
such updates are given to it, the halves are replaced here, as Yjs does (``mend``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple, TypeAlias

from collab.errors import Malformed
from collab.model import Update
from collab.wire import Reader, chunk

_GC, _SKIP = 0, 10
_DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC = range(1, 10)
_XML_ELEMENT, _XML_HOOK, _LAST_TYPE = 3, 5, 6
_DEPTH = 64  # of arrays and objects inside one value
_WIDE = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")  # in UTF-8, what is two units in UTF-16
_HALF = "\N{REPLACEMENT CHARACTER}"

Place: TypeAlias = tuple[int, int]  # before the unit that this client wrote at this clock


class Wide(NamedTuple):
    """A text with characters of two UTF-16 units: where it begins and, in the update, ends."""

    client: int
    clock: int
    text: str
    end: int


@dataclass(frozen=True, slots=True)
class Contents:
    """How far an update reaches: for each client, the clock after its last struct and deletion."""

    structs: Mapping[int, int]
    deletes: Mapping[int, int]
    wide: Sequence[Wide] = ()
    cuts: frozenset[Place] = frozenset()  # where it parts what it or others wrote
    needs: Mapping[int, int] = field(default_factory=dict)  # how far each client has to be known
    starts: Mapping[int, int] = field(default_factory=dict)  # where its structs begin, past gaps
    begins: Mapping[int, int] = field(default_factory=dict)  # where those before any gap begin
    gaps: bool = False  # whether it leaves out some of what a client wrote in between

    @property
    def pairs(self) -> frozenset[Place]:
        """The places in the midst of a character."""
        return frozenset(place for wide in self.wide for place in _midst(wide))

    @property
    def highest(self) -> int:
        """The highest clock that it writes, deletes or refers to."""
        return max((*self.structs.values(), *self.needs.values()), default=0)

    @property
    def empty(self) -> bool:
        return not self.structs and not self.deletes

    def ready(self, known: Mapping[int, int]) -> bool:
        """Whether nothing it builds on is missing."""
        return self.follows(known) and all(
            max(known.get(client, 0), self.structs.get(client, 0)) >= at
            for client, at in self.needs.items()
        )

    def follows(self, known: Mapping[int, int]) -> bool:
        """Whether its own structs begin where what is known ends, or before."""
        return all(known.get(client, 0) >= at for client, at in self.starts.items())

    def advances(self, known: Mapping[int, int]) -> bool:
        """Whether any of it may follow on what is known."""
        return any(
            at <= known.get(client, 0) < self.structs[client] for client, at in self.begins.items()
        )

    def awaits(self, clients: Iterable[int]) -> bool:
        """Whether it builds on any of these clients, or on what they wrote before."""
        return any(client in self.needs or client in self.structs for client in clients)

    def within(self, known: Mapping[int, int]) -> bool:
        """Whether it touches nothing that lies beyond ``known``."""
        return all(known.get(client, 0) >= end for client, end in self.structs.items()) and all(
            known.get(client, 0) >= end for client, end in self.deletes.items()
        )

    def refused(self, known: Mapping[int, int]) -> bool:
        """Whether it builds on nothing missing and is not there all the same: the library would not
        have it."""
        return (
            not self.gaps
            and self.ready(known)
            and any(known.get(client, 0) < end for client, end in self.structs.items())
        )


def read(update: Update) -> Contents:
    """The contents of an update; ``Malformed`` if a Yjs client could not read it whole."""
    reader = Reader(update)
    structs: dict[int, int] = {}
    wide: list[Wide] = []
    cuts: set[Place] = set()
    needs: dict[int, int] = {}
    starts: dict[int, int] = {}
    begins: dict[int, int] = {}
    gaps = False
    for _ in range(reader.integer()):
        count = reader.integer()
        client = reader.integer()
        clock = reader.integer()
        if client in structs:
            raise Malformed(f"Client {client} has two runs of structs in one update.")
        cuts.add((client, clock))
        if count:
            starts[client] = begins[client] = clock
        for _ in range(count):
            gap = reader.next == _SKIP
            clock += _struct(reader, client, clock, wide, cuts, needs)
            cuts.add((client, clock))
            if gap:
                starts[client] = clock
                gaps = True
        if count:
            structs[client] = clock
    deletes: dict[int, int] = {}
    for _ in range(reader.integer()):
        client = reader.integer()
        for _ in range(reader.integer()):
            clock = reader.integer()
            end = clock + reader.integer()
            deletes[client] = max(end, deletes.get(client, 0))
            needs[client] = max(end, needs.get(client, 0))
            cuts.update(((client, clock), (client, end)))
    reader.end()
    return Contents(structs, deletes, wide, frozenset(cuts), needs, starts, begins, gaps)


def mend(updates: Sequence[Update]) -> Sequence[Update]:
    """The updates of a document, each character that one of them cuts in two replaced by two
    U+FFFD. Everything else is as it was, and mostly all of it.

    Takes as long as the updates are large; call it in a thread.
    """
    if not any(map(_WIDE.search, updates)):
        return updates
    contents = [read(update) for update in updates]
    pairs = frozenset[Place]().union(*(each.pairs for each in contents))
    cut = frozenset[Place]().union(*(pairs & each.cuts for each in contents))
    return list(map(_without, updates, contents, repeat(cut))) if cut else updates


def _without(update: Update, contents: Contents, cut: Set[Place]) -> Update:
    pieces: list[bytes] = []
    done = 0
    for wide in contents.wide:
        if cut.isdisjoint(_midst(wide)):
            continue
        halved, clock = [], wide.clock
        for character in wide.text:
            if character <= "\uffff":
                clock += 1
            else:
                clock += 2
                if (wide.client, clock - 1) in cut:
                    character = _HALF * 2
            halved.append(character)
        begin = wide.end - len(chunk(wide.text.encode()))
        pieces += (update[done:begin], chunk("".join(halved).encode()))
        done = wide.end
    return b"".join((*pieces, update[done:]))


def _midst(wide: Wide) -> Sequence[Place]:
    places, clock = [], wide.clock
    for character in wide.text:
        if character > "\uffff":
            places.append((wide.client, clock + 1))
            clock += 1
        clock += 1
    return places


def split(update: Update) -> tuple[Update, bytes]:
    """An update in two: what it brings as bytes, and what it deletes, as bytes too."""
    reader = Reader(update)
    for _ in range(reader.integer()):
        count, client, clock = reader.integer(), reader.integer(), reader.integer()
        for _ in range(count):
            clock += _struct(reader, client, clock, [], set(), {})
    return update[: reader.at], update[reader.at :]


class Struct(NamedTuple):
    """What one client wrote at a run of clocks, as it stands in an update."""

    client: int
    clock: int
    end: int
    needs: Sequence[tuple[int, int]]  # how far other clients have to be known
    encoded: bytes


def structs_of(update: Update) -> tuple[list[Struct], int]:
    """The structs of an update, without the gaps between them, and where its deletions begin."""
    reader = Reader(update)
    structs: list[Struct] = []
    for _ in range(reader.integer()):
        count, client, clock = reader.integer(), reader.integer(), reader.integer()
        for _ in range(count):
            gap, begin = reader.next == _SKIP, reader.at
            needs: dict[int, int] = {}
            end = clock + _struct(reader, client, clock, [], set(), needs)
            if not gap:
                needs.pop(client, None)  # only what it said before, see ``_earlier``
                encoded = update[begin : reader.at]
                structs.append(Struct(client, clock, end, tuple(needs.items()), encoded))
            clock = end
    return structs, reader.at


def clocks(state: bytes) -> dict[int, int]:
    """A state vector as a dictionary."""
    reader = Reader(state)
    return {reader.integer(): reader.integer() for _ in range(reader.integer())}


def _struct(
    reader: Reader,
    client: int,
    clock: int,
    wide: list[Wide],
    cuts: set[Place],
    needs: dict[int, int],
) -> int:
    """Pass over one struct; its length in clock ticks."""
    info = reader.byte()
    kind = info & 0x1F
    if kind in (_GC, _SKIP):
        return _positive(reader.integer())
    if info & 0x80:  # what it stands after
        other, at = _earlier(reader, client, clock, needs)
        cuts.add((other, at + 1))
    if info & 0x40:  # what it stands before
        cuts.add(_earlier(reader, client, clock, needs))
    if not info & 0xC0:
        if reader.integer() == 1:
            reader.text()
        else:
            _earlier(reader, client, clock, needs)
        if info & 0x20:
            reader.text()
    if kind != _STRING:
        return _content(reader, kind)
    text = reader.text()
    # Clocks count UTF-16 units.
    length = _positive(len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2)
    if length > len(text):
        wide.append(Wide(client, clock, text, reader.at))
    return length


def _earlier(reader: Reader, client: int, clock: int, needs: dict[int, int]) -> Place:
    """Pass over a reference. Yjs waits for what another client has yet to say, but takes it for
    granted that a client refers only to what it said before."""
    other, at = reader.integer(), reader.integer()
    if other == client and at >= clock:
        raise Malformed(f"Client {client} refers at {clock} to its own future, {at}.")
    if at >= needs.get(other, 0):
        needs[other] = at + 1
    return other, at


def _content(reader: Reader, kind: int) -> int:
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
