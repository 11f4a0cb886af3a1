"""What would have to be done for a target to show a brief. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from exporters import judge
from exporters.fates import Fate, Fates
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

_ANEW: Final = "It is made anew, as it cannot be changed or moved so over there."
_BY_HAND: Final = "No call can move it back: only people can, over there."
_WAITS: Final = "It waits for what it lies in."

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
        self._fates = Fates(self._records, entries, found, self._judged, decisions)
        self._restores: list[Change] = []
        self._archives: list[Archive] = []  # of what is made anew, and what is removed within it
        self._changes: list[Change] = []
        self._settlements: list[Settlement] = []
        self._forgotten: set[str] = set()
        self._items: list[ItemPlan] = []
        self._decided_parts: set[tuple[str, str]] = set()

    def compared(self) -> Comparison:
        for record in self._records.values():
            self._plan(record)
        self._plan_removed()
        self._archives.sort(key=lambda archive: self._depth(archive.entry), reverse=True)
        return Comparison(
            (*self._restores, *self._archives, *self._changes),
            tuple(self._settlements),
            tuple(self._items),
            frozenset(self._decided_parts),
            frozenset(self._fates.decided),
            frozenset(self._fates.released),
        )

    def _judge(self, entry: Entry) -> Judged:
        found = self._found[entry.key]
        if found.standing is not Standing.LIVE and not found.fields:
            return Judged((), {}, entry)
        record = self._records.get(entry.key)
        if record is None:
            return judge.removed(entry, found, self._decisions)
        return judge.kept(record, entry, found, self._decisions)

    def _plan(self, record: Record) -> None:
        fate, entry = self._fates.of[record.key], self._entries.get(record.key)
        if fate in (Fate.MAKE, Fate.ANEW):
            after = self._fates.after.get(record.key)
            self._changes.append(Create(replace(record, after=after), after))
        if entry is None:
            if fate is Fate.MAKE:
                self._item(record, "create", parts=_whole(record))
            elif fate is Fate.WAIT:
                self._item(record, "astray", note=_WAITS)
            return
        match fate:
            case Fate.MAKE:
                self._forget(entry)
                self._item(
                    record, "create", parts=_whole(record), note="The old one is left alone."
                )
            case Fate.RELEASED:
                self._forget(entry)
            case Fate.ANEW:
                self._spend(record.key)
                self._archives.append(Archive(entry, anew=True))
                self._item(record, "update", note=_ANEW)
            case Fate.UNREAD:
                note = "It comes back with what it lies in, and is compared then."
                self._item(record, "update", parts=(), note=note)
            case Fate.ASTRAY:
                self._item(
                    record, "astray", ways=self._fates.ways(record.key), note=self._kept_away(entry)
                )
            case Fate.WAIT:
                self._item(record, "astray", note=_WAITS)
            case Fate.RESTORE:
                self._restores.append(Restore(entry, self._found[record.key].standing))
                self._change(record, entry)
                self._item(record, "update", note="It is brought back.")
            case Fate.STUCK:
                same_kind = entry.kind == record.kind
                if same_kind:
                    self._change(record, entry)
                asks = not same_kind or self._judged[record.key].asks
                self._item(
                    record,
                    "conflict" if asks else "keep",
                    ways=self._fates.ways(record.key),
                    note="It would have to be made anew, and something in it changed over there.",
                )
            case _:
                self._change(record, entry)
                self._item(record, self._said(record.key))

    def _change(self, record: Record, entry: Entry) -> None:
        judged, moved = self._judged[record.key], record.key in self._fates.moved
        self._spend(record.key)
        if judged.entry != entry:
            self._settlements.append(Settlement(entry, judged.entry))
        if judged.send or moved:
            self._changes.append(Update(record, judged.send, moved))

    def _forget(self, entry: Entry) -> None:
        self._settlements.append(Settlement(entry, None))
        self._forgotten.add(entry.key)

    def _said(self, key: str) -> ItemChange:
        verdicts = {plan.change for plan in self._judged[key].plans}
        if Verdict.CONFLICT in verdicts:
            return "conflict"
        if Verdict.SEND in verdicts or key in self._fates.moved:
            return "update"
        return "drift" if Verdict.DRIFT in verdicts else "keep"

    def _spend(self, key: str) -> None:
        self._decided_parts.update((key, part) for part in self._judged[key].decided)

    def _plan_removed(self) -> None:
        """The innermost first: what stays in an object keeps it from being archived."""
        staying = self._fates.staying
        let_go: set[str] = set()
        gone = [entry for key, entry in self._entries.items() if key not in self._records]
        for entry in sorted(gone, key=self._depth, reverse=True):
            found, judged = self._found[entry.key], self._judged[entry.key]
            held = judged.held or found.keeps
            way = self._fates.way(entry.key)
            live = self._fates.live(entry.key)
            # What a person keeps over there keeps what it lies in.
            keeps = live and (judged.left or not let_go.isdisjoint(self._fates.children[entry.key]))
            if way is Way.RELEASE or keeps:
                self._spend(entry.key)
                self._forget(entry)
                self._fates.released.add(entry.key)
                if live:
                    let_go.add(entry.key)
            elif found.standing in (Standing.ARCHIVED, Standing.GONE):
                # It may come back with what it lies in, and what lies in it with it.
                forgotten = self._forgotten.issuperset(self._fates.children[entry.key])
                if forgotten and not self._fates.taken_along(entry):
                    self._forget(entry)
            elif not live:
                if way is Way.RESTORE:
                    self._restores.append(Restore(entry, found.standing))
                    self._item(entry, "update", note="It is brought back, to be archived next.")
                else:
                    staying.add(entry.key)  # unseen as it is, somebody may have written in it
                    ways, note = self._fates.ways(entry.key), "Its block is no longer here."
                    note = " ".join(filter(None, (note, self._kept_away(entry))))
                    self._item(entry, "astray", ways=ways, note=note)
            elif held or not staying.isdisjoint(self._fates.children[entry.key]):
                staying.add(entry.key)
                note = "Its block is no longer here, and something in it stays or changed there."
                self._item(entry, "conflict", ways=(Way.RELEASE,), note=note)
            else:
                self._spend(entry.key)
                renewed = any(
                    self._fates.of.get(around.key) is Fate.ANEW
                    for around in self._fates.around(entry)
                )
                (self._archives if renewed else self._changes).append(Archive(entry))
                self._item(entry, "archive")

    def _kept_away(self, entry: Entry) -> str:
        return "" if self._found[entry.key].returns else _BY_HAND

    def _depth(self, entry: Entry) -> int:
        return sum(1 for _ in self._fates.around(entry))

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
