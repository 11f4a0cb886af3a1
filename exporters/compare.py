"""What would have to be done for a target to show a brief. Pure.

An object is made anew where the target could not get there otherwise: its kind changed, or it
stands in the wrong order or the wrong parent and cannot be moved. That never happens to one that a
person has changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Literal, TypeAlias

from exporters import judge
from exporters.judge import Judged, PartPlan, Verdict
from exporters.records import (
    Archive,
    Change,
    Create,
    Decisions,
    Entry,
    Found,
    Record,
    Rendering,
    Restore,
    Standing,
    Update,
    Way,
)

ItemChange: TypeAlias = Literal[
    "create", "update", "archive", "keep", "conflict", "drift", "astray"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """One item for people. ``ways`` are those that may be chosen; ``note`` says what the change by
    itself does not."""

    key: str
    kind: str
    title: str
    change: ItemChange
    url: str = ""
    parts: tuple[PartPlan, ...] = ()
    standing: Standing = Standing.LIVE
    where: str = ""
    ways: tuple[Way, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The ledger takes note without a call: where it still says ``before``, it says ``after`` from
    now on; None forgets the key."""

    before: Entry
    after: Entry | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``decided_parts`` and ``decided_ways`` are the decisions that this carries out: once that is
    done they are spent. ``released`` are keys that a person lets go of now, never to be made."""

    changes: tuple[Change, ...]
    settlements: tuple[Settlement, ...]
    items: tuple[ItemPlan, ...]
    decided_parts: frozenset[tuple[str, str]]
    decided_ways: frozenset[str]
    released: frozenset[str]


def compare(
    rendering: Rendering,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
    decisions: Decisions | None = None,
) -> Comparison:
    """Every entry has to be found; every parent has to be a record before its children."""
    return _Comparing(rendering, entries, found, decisions or Decisions()).compared()


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


class _Fate(Enum):
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


_BLOCKED = (_Fate.ASTRAY, _Fate.WAIT, _Fate.STUCK)
_STAYING = (_Fate.STAY, _Fate.STUCK, _Fate.RESTORE, _Fate.UNREAD)
_CLOSED = (*_BLOCKED, _Fate.RELEASED)  # nothing is made in these, nor put into them
_REPLACED = (_Fate.MAKE, _Fate.ANEW)
_WAYS = {
    Standing.ARCHIVED: (Way.RESTORE, Way.RECREATE, Way.RELEASE),
    Standing.MOVED: (Way.RESTORE, Way.RECREATE, Way.RELEASE),
    Standing.GONE: (Way.RECREATE, Way.RELEASE),
    Standing.FORBIDDEN: (Way.RECREATE, Way.RELEASE),
    Standing.LIVE: (Way.RECREATE, Way.RELEASE),  # of one that is stuck
}


class _Comparing:
    def __init__(
        self,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
        decisions: Decisions,
    ) -> None:
        self._records = {record.key: record for record in rendering.records}
        self._entries = entries
        self._found = found
        self._decisions = decisions
        self._judged = {key: self._judge(entry) for key, entry in entries.items()}
        self._children: dict[str, list[str]] = defaultdict(list)
        for entry in entries.values():
            if entry.parent is not None:
                self._children[entry.parent].append(entry.key)
        self._fates: dict[str, _Fate] = {}
        self._after: dict[str, str | None] = {}
        self._moved: set[str] = set()
        self._pinned: set[str] = set()  # would take along what stays, if they were made anew
        self._restores: list[Change] = []
        self._archives: list[Archive] = []  # of what is made anew, and what is removed within it
        self._changes: list[Change] = []
        self._settlements: list[Settlement] = []
        self._items: list[ItemPlan] = []
        self._decided_parts: set[tuple[str, str]] = set()
        self._decided_ways: set[str] = set()
        self._released: set[str] = set()

    def compared(self) -> Comparison:
        self._decide()
        for record in self._records.values():
            self._plan(record)
        self._plan_removed()
        self._archives.sort(key=lambda archive: self._depth(archive.entry), reverse=True)
        return Comparison(
            (*self._restores, *self._archives, *self._changes),
            tuple(self._settlements),
            tuple(self._items),
            frozenset(self._decided_parts),
            frozenset(self._decided_ways),
            frozenset(self._released),
        )

    def _judge(self, entry: Entry) -> Judged:
        found = self._found[entry.key]
        if found.standing is not Standing.LIVE and not found.fields:
            return Judged((), {}, entry)
        record = self._records.get(entry.key)
        if record is None:
            return judge.removed(entry, found, self._decisions)
        return judge.kept(record, entry, found, self._decisions)

    # Fates, from the outside in.

    def _decide(self) -> None:
        inside: dict[str | None, list[Record]] = defaultdict(list)
        for record in self._records.values():
            inside[record.parent].append(record)
        while True:
            self._fates.clear()
            self._moved.clear()
            self._decided_ways.clear()
            self._released.clear()
            self._decide_inwards(inside)
            renewed = [key for key, fate in self._fates.items() if fate is _Fate.ANEW]
            pinned = {key for key in renewed if self._takes_along(key)}
            if not pinned:
                break
            self._pinned |= pinned  # there are more each time, so this ends
        if orphans := self._records.keys() - self._fates.keys():
            raise ValueError(f"records whose parent is no record: {sorted(orphans)}")

    def _decide_inwards(self, inside: Mapping[str | None, Sequence[Record]]) -> None:
        parents: deque[str | None] = deque([None])
        while parents:
            parent = parents.popleft()
            siblings = inside.get(parent, ())
            for record in siblings:
                self._fates[record.key] = self._fate(record)
            if parent is None or self._fates[parent] not in _CLOSED:
                self._keep_order([record for record in siblings if record.ordered])
            parents.extend(record.key for record in siblings)

    def _takes_along(self, key: str) -> bool:
        """Whether something that is to stay lies in the object that would be archived."""
        within, seen = list(self._children[key]), {key}
        while within:
            at = within.pop()
            if at in seen or not self._live(at):
                continue
            seen.add(at)
            if at not in self._records:
                within += self._children[at]
            elif self._fates[at] in _STAYING and at not in self._moved:
                return True
        return False

    def _fate(self, record: Record) -> _Fate:
        parent = None if record.parent is None else self._fates[record.parent]
        entry = self._entries.get(record.key)
        if record.key in self._decisions.released or (entry is None and parent is _Fate.RELEASED):
            return _Fate.RELEASED
        if entry is None:
            return _Fate.WAIT if parent in _BLOCKED else _Fate.MAKE
        if not self._live(record.key):
            return self._fate_astray(record, parent)
        if parent in _CLOSED:
            return _Fate.STAY if entry.kind == record.kind else self._stuck(record.key)
        moved = parent in _REPLACED or self._lies_elsewhere(record, entry)
        if entry.kind != record.kind or (moved and record.ordered):
            return self._renew(record.key)
        if moved:
            self._moved.add(record.key)
        return _Fate.STAY

    def _fate_astray(self, record: Record, parent: _Fate | None) -> _Fate:
        way = self._way(record.key)
        if way is None and parent is not None and self._astray(record.parent):
            match parent:  # it went with what it lies in, and comes with it
                case _Fate.RELEASED | _Fate.MAKE:
                    return parent
                case _Fate.RESTORE | _Fate.UNREAD:
                    return _Fate.UNREAD
                case _:
                    return _Fate.WAIT
        if way is None:
            return _Fate.ASTRAY
        if way is Way.RELEASE:
            self._released.add(record.key)
            return _Fate.RELEASED
        if way is Way.RECREATE:
            return _Fate.MAKE
        entry = self._entries[record.key]
        elsewhere = parent in _REPLACED or self._lies_elsewhere(record, entry)
        anew = record.ordered and elsewhere and parent not in _CLOSED
        return _Fate.MAKE if anew else _Fate.RESTORE

    def _renew(self, key: str) -> _Fate:
        return self._stuck(key) if self._held(key) else _Fate.ANEW

    def _stuck(self, key: str) -> _Fate:
        match self._way(key):
            case Way.RECREATE:
                return _Fate.MAKE
            case Way.RELEASE:
                self._released.add(key)
                return _Fate.RELEASED
            case _:
                return _Fate.STUCK

    def _keep_order(self, siblings: Sequence[Record]) -> None:
        """Those that are out of order are made anew, unless they are held; what is made follows one
        that is in its place."""
        there = [record for record in siblings if self._lies_here(record)]
        staying = in_order([self._entries[record.key].order for record in there])
        placed = {record.key for index, record in enumerate(there) if index in staying}
        last: str | None = None
        for record in siblings:
            key = record.key
            if self._fates[key] is _Fate.STAY and key not in placed and not self._held(key):
                self._fates[key] = _Fate.ANEW
            self._after[key] = last
            if key in placed or self._fates[key] in _REPLACED:
                last = key

    def _lies_here(self, record: Record) -> bool:
        match self._fates[record.key]:
            case _Fate.STAY | _Fate.RESTORE | _Fate.UNREAD:
                return True
            case _Fate.STUCK:
                return not self._lies_elsewhere(record, self._entries[record.key])
            case _:
                return False

    def _lies_elsewhere(self, record: Record, entry: Entry) -> bool:
        if entry.parent != record.parent:
            return True
        parent = self._entries.get(record.parent) if record.parent is not None else None
        return parent is not None and bool(entry.within) and entry.within != parent.ref

    def _held(self, key: str) -> bool:
        """Whether archiving it would take along something that a person changed, or that stays."""
        within, seen = [key], set[str]()
        while within:
            at = within.pop()
            if at in self._pinned or (self._live(at) and self._judged[at].held):
                return True
            if at not in seen:
                seen.add(at)
                within += self._children[at]
        return False

    def _astray(self, key: str | None) -> bool:
        return key is not None and key in self._entries and not self._live(key)

    def _live(self, key: str) -> bool:
        return self._found[key].standing is Standing.LIVE

    def _way(self, key: str) -> Way | None:
        """What was decided, if the object still stands as it was decided about."""
        way, about = self._decisions.ways.get(key, (None, None))
        if way is None or about is not self._found[key].standing or way not in self._ways(key):
            return None
        self._decided_ways.add(key)
        return way

    def _ways(self, key: str) -> tuple[Way, ...]:
        """What may be decided. One cannot come back without what it lies in, be that away or left
        behind; one that is no longer in the brief, or would lie in what is not there, is not made
        again."""
        cannot: set[Way] = set()
        record, entry = self._records.get(key), self._entries[key]
        around = self._entries.get(entry.parent or "")
        behind = bool(entry.within) and (around is None or around.ref != entry.within)
        if self._taken_along(entry) or (behind and record is not None and record.ordered):
            cannot.add(Way.RESTORE)
        if record is None or (record.parent and self._fates[record.parent] in _CLOSED):
            cannot.add(Way.RECREATE)
        return tuple(way for way in _WAYS[self._found[key].standing] if way not in cannot)

    def _taken_along(self, entry: Entry) -> bool:
        return any(not self._live(around.key) for around in self._around(entry))

    # What follows from them.

    def _plan(self, record: Record) -> None:
        fate, entry = self._fates[record.key], self._entries.get(record.key)
        if fate in (_Fate.MAKE, _Fate.ANEW):
            after = self._after.get(record.key)
            self._changes.append(Create(replace(record, after=after), after))
        if entry is None:
            if fate is _Fate.MAKE:
                self._item(record, "create", parts=_whole(record))
            elif fate is _Fate.WAIT:
                self._item(record, "astray", note="It waits for what it lies in.")
            return
        match fate:
            case _Fate.MAKE:
                self._settlements.append(Settlement(entry, None))
                self._item(
                    record, "create", parts=_whole(record), note="The old one is left alone."
                )
            case _Fate.RELEASED:
                self._settlements.append(Settlement(entry, None))
            case _Fate.ANEW:
                self._spend(record.key)
                self._archives.append(Archive(entry, anew=True))
                self._item(record, "update", note="It is made anew, as it cannot be moved there.")
            case _Fate.UNREAD:
                self._item(record, "update", note="It comes back with what it lies in.")
            case _Fate.ASTRAY:
                self._item(record, "astray", ways=self._ways(record.key))
            case _Fate.WAIT:
                self._item(record, "astray", note="It waits for what it lies in.")
            case _Fate.RESTORE:
                self._restores.append(Restore(entry, self._found[record.key].standing))
                self._change(record, entry)
                self._item(record, "update", note="It is brought back.")
            case _Fate.STUCK:
                same_kind = entry.kind == record.kind
                if same_kind:
                    self._change(record, entry)
                asks = not same_kind or self._judged[record.key].asks
                self._item(
                    record,
                    "conflict" if asks else "keep",
                    ways=self._ways(record.key),
                    note="It would have to be made anew, and something in it changed over there.",
                )
            case _:
                self._change(record, entry)
                self._item(record, self._said(record.key))

    def _change(self, record: Record, entry: Entry) -> None:
        judged, moved = self._judged[record.key], record.key in self._moved
        self._spend(record.key)
        if judged.entry != entry:
            self._settlements.append(Settlement(entry, judged.entry))
        if judged.send or moved:
            self._changes.append(Update(record, judged.send, moved))

    def _said(self, key: str) -> ItemChange:
        verdicts = {plan.change for plan in self._judged[key].plans}
        if Verdict.CONFLICT in verdicts:
            return "conflict"
        if Verdict.SEND in verdicts or key in self._moved:
            return "update"
        return "drift" if Verdict.DRIFT in verdicts else "keep"

    def _spend(self, key: str) -> None:
        self._decided_parts.update((key, part) for part in self._judged[key].decided)

    def _plan_removed(self) -> None:
        """The innermost first: what stays in an object keeps it from being archived."""
        staying = {
            key for key, fate in self._fates.items() if fate in _STAYING and key not in self._moved
        }
        let_go: set[str] = set()
        gone = [entry for key, entry in self._entries.items() if key not in self._records]
        for entry in sorted(gone, key=self._depth, reverse=True):
            found, judged = self._found[entry.key], self._judged[entry.key]
            way = self._way(entry.key)
            live = self._live(entry.key)
            # What a person keeps over there keeps what it lies in.
            keeps = live and (judged.left or not let_go.isdisjoint(self._children[entry.key]))
            if way is Way.RELEASE or keeps:
                self._spend(entry.key)
                self._settlements.append(Settlement(entry, None))
                self._released.add(entry.key)
                if live:
                    let_go.add(entry.key)
            elif found.standing in (Standing.ARCHIVED, Standing.GONE):
                # It may come back with what it lies in, and what lies in it with it: not forgotten.
                forgotten = {s.before.key for s in self._settlements if s.after is None}
                holds = not forgotten.issuperset(self._children[entry.key])
                if not holds and not self._taken_along(entry):
                    self._settlements.append(Settlement(entry, None))
            elif not live:
                if way is Way.RESTORE:
                    self._restores.append(Restore(entry, found.standing))
                    self._item(entry, "update", note="It is brought back, to be archived next.")
                else:
                    ways, note = self._ways(entry.key), "Its block is no longer here."
                    self._item(entry, "astray", ways=ways, note=note)
            elif judged.held or not staying.isdisjoint(self._children[entry.key]):
                staying.add(entry.key)
                note = "Its block is no longer here, and something in it stays or changed there."
                self._item(entry, "conflict", ways=(Way.RELEASE,), note=note)
            else:
                self._spend(entry.key)
                renewed = any(
                    self._fates.get(around.key) is _Fate.ANEW for around in self._around(entry)
                )
                (self._archives if renewed else self._changes).append(Archive(entry))
                self._item(entry, "archive")

    def _depth(self, entry: Entry) -> int:
        return sum(1 for _ in self._around(entry))

    def _around(self, entry: Entry) -> Iterator[Entry]:
        """What it lies in, outwards."""
        seen = {entry.key}
        while entry.parent is not None and entry.parent not in seen:
            seen.add(entry.parent)
            if (around := self._entries.get(entry.parent)) is None:
                return
            entry = around
            yield entry

    def _item(
        self,
        of: Record | Entry,
        change: ItemChange,
        *,
        parts: tuple[PartPlan, ...] | None = None,
        ways: tuple[Way, ...] = (),
        note: str = "",
    ) -> None:
        entry, found = self._entries.get(of.key), self._found.get(of.key)
        self._items.append(
            ItemPlan(
                of.key,
                of.kind,
                of.title or (entry.title if entry else ""),
                change,
                (found.url if found else "") or (entry.url if entry else ""),
                parts if parts is not None else self._judged[of.key].plans if entry else (),
                found.standing if found else Standing.LIVE,
                found.where if found else "",
                ways,
                note,
            )
        )


def _whole(record: Record) -> tuple[PartPlan, ...]:
    return tuple(
        PartPlan(part, Verdict.SEND, None, ours, None) for part, ours in record.fields.items()
    )
