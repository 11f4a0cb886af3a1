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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple, TypeAlias

from collab.errors import Malformed
from collab.model import Update
from collab.wire import Reader, chunk, integer

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
    starts: Mapping[int, int] = field(default_factory=dict)  # where its own structs begin
    gaps: bool = False  # whether it leaves out some of what a client wrote in between

    @property
    def pairs(self) -> frozenset[Place]:
        """The places in the midst of a character."""
        return frozenset(place for wide in self.wide for place in _midst(wide))

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

    def within(self, known: Mapping[int, int]) -> bool:
        """Whether it touches nothing that lies beyond ``known``."""
        return all(known.get(client, 0) >= end for client, end in self.structs.items()) and all(
            known.get(client, 0) >= end for client, end in self.deletes.items()
        )


def read(update: Update) -> Contents:
    """The contents of an update; ``Malformed`` if a Yjs client could not read it whole."""
    reader = Reader(update)
    structs: dict[int, int] = {}
    wide: list[Wide] = []
    cuts: set[Place] = set()
    needs: dict[int, int] = {}
    starts: dict[int, int] = {}
    gaps = False
    for _ in range(reader.integer()):
        count = reader.integer()
        client = reader.integer()
        clock = reader.integer()
        if client in structs:
            raise Malformed(f"Client {client} has two runs of structs in one update.")
        cuts.add((client, clock))
        if count:
            starts[client] = clock
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
    return Contents(structs, deletes, wide, frozenset(cuts), needs, starts, gaps)


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


def pieces(update: Update, contents: Contents) -> Sequence[Update]:
    """The same as updates without gaps, which the library takes for gaps in what it has."""
    if not contents.gaps:
        return (update,)
    reader = Reader(update)
    parts: list[Update] = []
    for _ in range(reader.integer()):
        count, client, clock = reader.integer(), reader.integer(), reader.integer()
        begin, at, structs = clock, reader.at, 0
        for left in range(count, 0, -1):
            gap = reader.next == _SKIP
            here = reader.at
            clock += _struct(reader, client, clock, [], set(), {})
            structs += not gap
            if gap or left == 1:
                if structs:
                    head = b"".join(map(integer, (1, structs, client, begin)))
                    parts.append(head + update[at : here if gap else reader.at] + b"\0")
                begin, at, structs = clock, reader.at, 0
    return (*parts, b"\0" + update[reader.at :])


Read: TypeAlias = tuple[Update, Contents]


def in_order(waiting: Iterable[Read], known: Mapping[int, int]) -> Iterator[Read]:
    """Those of the updates that can be placed, each after what it builds on; where several build on
    one another, those together."""
    reached, left = dict(known), list(waiting)
    while left:
        ready: list[Read] = []
        still: list[Read] = []
        for one in left:
            if one[1].ready(reached):
                _reach(one, reached)
                ready.append(one)
            else:
                still.append(one)
        if not ready:
            ready = _closed(left, reached)
            if not ready:
                return
            for one in ready:
                _reach(one, reached)
            there = set(map(id, ready))
            still = [one for one in left if id(one) not in there]
        yield from ready
        left = still


def _closed(left: list[Read], reached: Mapping[int, int]) -> list[Read]:
    """The most of these updates that together lack nothing."""
    while True:
        reach, before = dict(reached), None
        while reach != before:
            before = dict(reach)
            for _, contents in left:
                for client, start in contents.starts.items():
                    if start <= reach.get(client, 0):
                        reach[client] = max(contents.structs[client], reach.get(client, 0))
        kept = [one for one in left if one[1].ready(reach)]
        if len(kept) == len(left):
            return kept
        left = kept


def _reach(one: Read, reached: dict[int, int]) -> None:
    for client, end in one[1].structs.items():
        reached[client] = max(end, reached.get(client, 0))


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
