"""What becomes of each object, from the outside in. Pure.

An object is made anew where the target could not get there otherwise: its kind changed, or it
stands in the wrong order or the wrong parent and cannot be moved. That never happens to one that a
person has changed, or that something lies in which is to stay.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from exporters.judge import Judged
from exporters.records import Decisions, Entry, Found, Record, Standing, Way


class Fate(Enum):
    """What becomes of a record's object."""

    STAY = auto()  # perhaps changed
    MAKE = auto()
    ANEW = auto()  # archive it, and make another
    STUCK = auto()  # that would lose what a person changed
    RESTORE = auto()
    UNREAD = auto()  # it comes back with what it lies in, and is compared then
    ASTRAY = auto()  # a person has to say
    WAIT = auto()  # it lies in what is astray, stuck or waits
    RELEASED = auto()


_BLOCKED = (Fate.ASTRAY, Fate.WAIT, Fate.STUCK)
_STAYING = (Fate.STAY, Fate.STUCK, Fate.RESTORE, Fate.UNREAD)
_CLOSED = (*_BLOCKED, Fate.RELEASED)  # nothing is made in these, nor put into them
_REPLACED = (Fate.MAKE, Fate.ANEW)
_WAYS = {
    Standing.ARCHIVED: (Way.RESTORE, Way.RECREATE, Way.RELEASE),
    Standing.MOVED: (Way.RESTORE, Way.RECREATE, Way.RELEASE),
    Standing.GONE: (Way.RECREATE, Way.RELEASE),
    Standing.FORBIDDEN: (Way.RECREATE, Way.RELEASE),
    Standing.LIVE: (Way.RECREATE, Way.RELEASE),  # of one that is stuck
}


class Fates:
    """Decided once, when made. ``after`` is the key of the sibling that an ordered object follows;
    ``moved`` are those that are put into another parent, ``released`` those that are let go of."""

    def __init__(
        self,
        records: Mapping[str, Record],
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
        judged: Mapping[str, Judged],
        decisions: Decisions,
    ) -> None:
        self._records = records
        self._entries = entries
        self._found = found
        self._judged = judged
        self._decisions = decisions
        self._pinned: set[str] = set()  # would take along what stays, if they were made anew
        self.of: dict[str, Fate] = {}
        self.after: dict[str, str | None] = {}
        self.moved: set[str] = set()
        self.released: set[str] = set()
        self.decided: set[str] = set()  # whose way, as a person chose it, is taken
        self.children: dict[str, list[str]] = defaultdict(list)
        for entry in entries.values():
            if entry.parent is not None:
                self.children[entry.parent].append(entry.key)
        self._decide()

    @property
    def staying(self) -> set[str]:
        """The keys of those that stay in the object in which they lie now."""
        return {key for key, fate in self.of.items() if fate in _STAYING and key not in self.moved}

    def _decide(self) -> None:
        inside: dict[str | None, list[Record]] = defaultdict(list)
        for record in self._records.values():
            inside[record.parent].append(record)
        while True:
            self.of.clear()
            self.moved.clear()
            self.decided.clear()
            self.released.clear()
            self._decide_inwards(inside)
            renewed = [key for key, fate in self.of.items() if fate is Fate.ANEW]
            pinned = {key for key in renewed if self._takes_along(key)}
            if not pinned:
                break
            self._pinned |= pinned  # there are more each time, so this ends
        if orphans := self._records.keys() - self.of.keys():
            raise ValueError(f"records whose parent is no record: {sorted(orphans)}")

    def _decide_inwards(self, inside: Mapping[str | None, Sequence[Record]]) -> None:
        parents: deque[str | None] = deque([None])
        while parents:
            parent = parents.popleft()
            siblings = inside.get(parent, ())
            for record in siblings:
                self.of[record.key] = self._fate(record)
            if parent is None or self.of[parent] not in _CLOSED:
                self._keep_order([record for record in siblings if record.ordered])
            parents.extend(record.key for record in siblings)

    def _takes_along(self, key: str) -> bool:
        """Whether something that is to stay lies in the object that would be archived."""
        staying, within, seen = self.staying, list(self.children[key]), {key}
        while within:
            at = within.pop()
            if at in seen or not self.live(at):
                continue
            seen.add(at)
            if at not in self._records:
                within += self.children[at]
            elif at in staying:
                return True
        return False

    def _fate(self, record: Record) -> Fate:
        parent = None if record.parent is None else self.of[record.parent]
        entry = self._entries.get(record.key)
        if record.key in self._decisions.released or (entry is None and parent is Fate.RELEASED):
            return Fate.RELEASED
        if entry is None:
            return Fate.WAIT if parent in _BLOCKED else Fate.MAKE
        if not self.live(record.key):
            return self._fate_astray(record, parent)
        if parent in _CLOSED:
            return Fate.STAY if entry.kind == record.kind else self._stuck(record.key)
        moved = parent in _REPLACED or self._lies_elsewhere(record, entry)
        if entry.kind != record.kind or (moved and record.ordered):
            return self._renew(record.key)
        if moved:
            self.moved.add(record.key)
        return Fate.STAY

    def _fate_astray(self, record: Record, parent: Fate | None) -> Fate:
        way = self.way(record.key)
        if way is None and parent is not None and self._astray(record.parent):
            match parent:  # it went with what it lies in, and comes with it
                case Fate.RELEASED | Fate.MAKE:
                    return parent
                case Fate.RESTORE | Fate.UNREAD:
                    return Fate.UNREAD
                case _:
                    return Fate.WAIT
        if way is None:
            return Fate.ASTRAY
        if way is Way.RELEASE:
            self.released.add(record.key)
            return Fate.RELEASED
        if way is Way.RECREATE:
            return Fate.MAKE
        entry = self._entries[record.key]
        elsewhere = parent in _REPLACED or self._lies_elsewhere(record, entry)
        anew = record.ordered and elsewhere and parent not in _CLOSED
        return Fate.MAKE if anew else Fate.RESTORE

    def _renew(self, key: str) -> Fate:
        return self._stuck(key) if self._held(key) else Fate.ANEW

    def _stuck(self, key: str) -> Fate:
        match self.way(key):
            case Way.RECREATE:
                return Fate.MAKE
            case Way.RELEASE:
                self.released.add(key)
                return Fate.RELEASED
            case _:
                return Fate.STUCK

    def _keep_order(self, siblings: Sequence[Record]) -> None:
        """Those that are out of order are made anew, unless they are held; what is made follows one
        that is in its place."""
        there = [record for record in siblings if self._lies_here(record)]
        staying = in_order([self._entries[record.key].order for record in there])
        placed = {record.key for index, record in enumerate(there) if index in staying}
        last: str | None = None
        for record in siblings:
            key = record.key
            if self.of[key] is Fate.STAY and key not in placed and not self._held(key):
                self.of[key] = Fate.ANEW
            self.after[key] = last
            if key in placed or self.of[key] in _REPLACED:
                last = key

    def _lies_here(self, record: Record) -> bool:
        match self.of[record.key]:
            case Fate.STAY | Fate.RESTORE | Fate.UNREAD:
                return True
            case Fate.STUCK:
                return not self._lies_elsewhere(record, self._entries[record.key])
            case _:
                return False

    def _lies_elsewhere(self, record: Record, entry: Entry) -> bool:
        if entry.parent != record.parent:
            return True
        parent = self._entries.get(record.parent) if record.parent is not None else None
        return parent is not None and bool(entry.within) and entry.within != parent.ref

    def _held(self, key: str) -> bool:
        """Whether archiving it would take along something of a person's, or that stays."""
        within, seen = [key], set[str]()
        while within:
            at = within.pop()
            theirs = self._judged[at].held or self._found[at].keeps
            if at in self._pinned or (self.live(at) and theirs):
                return True
            if at not in seen:
                seen.add(at)
                within += self.children[at]
        return False

    def _astray(self, key: str | None) -> bool:
        return key is not None and key in self._entries and not self.live(key)

    def live(self, key: str) -> bool:
        return self._found[key].standing is Standing.LIVE

    def way(self, key: str) -> Way | None:
        """What was decided, if the object still stands as it was decided about."""
        way, about = self._decisions.ways.get(key, (None, None))
        if way is None or about is not self._found[key].standing or way not in self.ways(key):
            return None
        self.decided.add(key)
        return way

    def ways(self, key: str) -> tuple[Way, ...]:
        """What may be decided. One cannot come back without a call for it, nor without what it lies
        in, be that away or left behind; one that is no longer in the brief, or would lie in what is
        not there, is not made again."""
        cannot: set[Way] = set()
        record, entry = self._records.get(key), self._entries[key]
        around = self._entries.get(entry.parent or "")
        behind = bool(entry.within) and (around is None or around.ref != entry.within)
        stays = not self._found[key].returns or (behind and record is not None and record.ordered)
        if stays or self.taken_along(entry):
            cannot.add(Way.RESTORE)
        if record is None or (record.parent and self.of[record.parent] in _CLOSED):
            cannot.add(Way.RECREATE)
        return tuple(way for way in _WAYS[self._found[key].standing] if way not in cannot)

    def taken_along(self, entry: Entry) -> bool:
        return any(not self.live(around.key) for around in self.around(entry))

    def around(self, entry: Entry) -> Iterator[Entry]:
        """What it lies in, outwards."""
        seen = {entry.key}
        while entry.parent is not None and entry.parent not in seen:
            seen.add(entry.parent)
            if (around := self._entries.get(entry.parent)) is None:
                return
            entry = around
            yield entry


def in_order(orders: Sequence[int]) -> frozenset[int]:
    """The indices of a longest run that does not fall: those that may stay where they are."""
    ends: list[int] = []  # by length, the index at which such a run ends lowest
    lows: list[int] = []
    before: list[int | None] = []
    for index, order in enumerate(orders):
        length = bisect_right(lows, order)
        before.append(ends[length - 1] if length else None)
        ends[length:] = [index, *ends[length + 1 :]]
        lows[length:] = [order, *lows[length + 1 :]]
    staying = set()
    at = ends[-1] if ends else None
    while at is not None:
        staying.add(at)
        at = before[at]
    return frozenset(staying)
