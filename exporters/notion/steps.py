"""What is to be done, as calls. Pure.

New blocks of one parent that follow each other are one call. Each call fills one parent only, so
its answer has the id of everything it made; the rows of a new table alone lie a level deeper, since
Notion takes no table without rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporters.notion import blocks, limits, properties, shape
from exporters.notion.kinds import ROW_KIND, is_page, prefix
from exporters.notion.possible import sendable
from exporters.plan import step_id
from exporters.records import (
    OVERVIEW,
    Archive,
    Change,
    Create,
    Entry,
    Fields,
    Found,
    Json,
    Op,
    Place,
    Record,
    Ref,
    Rendering,
    Request,
    Restore,
    Standing,
    Step,
    Update,
)


def steps(
    changes: Sequence[Change],
    place: Place,
    rendering: Rendering,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
) -> list[Step]:
    return list(_Steps(changes, place, rendering, entries, found).all())


def _outermost(changes: Sequence[Change]) -> dict[str, list[str]]:
    """What goes to the trash, and what goes along with it: one call takes a table and its rows."""
    going = {one.entry.key: one.entry for one in changes if isinstance(one, Archive)}
    groups: dict[str, list[str]] = {}
    for key in going:
        outer = key
        while (parent := going[outer].parent) is not None and parent in going:
            outer = parent
        groups.setdefault(outer, []).append(key)
    return groups


@dataclass(slots=True)
class _Batch:
    """Blocks for one call, each with the rows that go along."""

    tops: list[Record] = field(default_factory=list)
    inner: dict[str, list[Record]] = field(default_factory=dict)
    blocks: int = 0
    bytes: int = 0

    def takes(self, count: int, weight: int) -> bool:
        return (
            self.blocks + count <= limits.BLOCKS
            and self.bytes + weight <= limits.BYTES
            and len(self.tops) < limits.ARRAY
        )


class _Steps:
    def __init__(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> None:
        self._changes = changes
        self._place = place
        self._entries = entries
        self._found = found
        self._siblings: dict[str | None, list[str]] = defaultdict(list)
        for record in rendering.records:
            self._siblings[record.parent].append(record.key)
        self._creates: dict[str, list[Create]] = defaultdict(list)
        self._making: set[str] = set()
        for change in changes:
            if not isinstance(change, Create):
                continue
            record = change.record
            self._making.add(record.key)
            if not is_page(record.kind):
                self._creates[record.parent or OVERVIEW].append(change)
        self._made: set[str] = set()
        self._outermost = _outermost(changes)

    def all(self) -> Iterator[Step]:
        for change in self._changes:
            match change:
                case Restore(entry, standing):
                    yield self._restore(entry, standing)
                case Archive(entry) if entry.key in self._outermost:
                    body: dict[str, Json] = {"in_trash": True}
                    request = Request("PATCH", _path(entry.kind, entry.ref), body)
                    keys = self._outermost[entry.key]
                    yield self._step(Op.ARCHIVE, request, {key: {} for key in keys})
                case Update(record, parts):
                    yield from self._update(record, parts)
                case Create(record) if is_page(record.kind):
                    yield self._page(record)
                case Create(record) if record.key not in self._made:
                    yield from self._blocks(record.parent or OVERVIEW)

    def _restore(self, entry: Entry, standing: Standing) -> Step:
        if standing is Standing.MOVED:
            request = Request(
                "POST", f"{_path(entry.kind, entry.ref)}/move", {"parent": self._home(entry.kind)}
            )
        else:
            request = Request("PATCH", _path(entry.kind, entry.ref), {"in_trash": False})
        return self._step(Op.RESTORE, request, {entry.key: {}})

    def _update(self, record: Record, parts: Fields) -> Iterator[Step]:
        now = self._found[record.key]
        sends = sendable(record, parts, now)
        if not sends:
            return
        if is_page(record.kind):
            body: Json = {"properties": self._properties(record.kind, sends)}
        else:
            # A person may have made another type of it: then that is what is changed.
            kind = shape.text(now.fields.get("type"))
            body = {kind: blocks.changed(kind, sends)}
        request = Request("PATCH", _path(record.kind, self._entries[record.key].ref), body)
        base = {part: now.fields.get(part) for part in sends}
        yield self._step(Op.UPDATE, request, {record.key: sends}, records=(record,), base=base)

    def _page(self, record: Record) -> Step:
        body: dict[str, Json] = {
            "parent": self._home(record.kind),
            "properties": self._properties(record.kind, record.fields),
        }
        records = [record]
        if record.key == OVERVIEW:
            # The marker must be in this call, and may have no place but the first block.
            first = [one for one in self._creates[OVERVIEW] if one.record.key == blocks.ORIGIN]
            records += [create.record for create in first]
            self._creates[OVERVIEW] = [one for one in self._creates[OVERVIEW] if one not in first]
            if first:
                body["children"] = [blocks.sent(create.record) for create in first]
        self._made.update(one.key for one in records)
        return self._step(
            Op.CREATE,
            Request("POST", "/v1/pages", body),
            {one.key: one.fields for one in records},
            records=records,
            reads=len(records) - 1,
        )

    def _home(self, kind: str) -> dict[str, Json]:
        if kind == ROW_KIND:
            return {"type": "data_source_id", "data_source_id": self._place.mapping["actions"]}
        if "data_source" in self._place.where:
            return {"type": "data_source_id", "data_source_id": self._place.where["data_source"]}
        return {"type": "page_id", "page_id": self._place.where["page"]}

    def _properties(self, kind: str, parts: Fields) -> dict[str, Json]:
        chosen = properties.columns(self._place, prefix(kind))
        made: dict[str, Json] = {}
        for part, value in parts.items():
            if part == properties.TITLE:
                made["title"] = properties.title(value)
            elif part in chosen:
                column = chosen[part]
                made[column.id] = properties.written(self._place, prefix(kind), part, column, value)
        return made

    def _blocks(self, parent: str) -> Iterator[Step]:
        """All new blocks of one parent, in as few calls as they fit in."""
        waiting = [one for one in self._creates[parent] if one.record.key not in self._made]
        run: list[Record] = []
        for number, create in enumerate(waiting):
            run.append(create.record)
            ends = number + 1 == len(waiting) or waiting[number + 1].after != create.record.key
            if ends:
                yield from self._run(parent, run)
                run = []

    def _run(self, parent: str, run: Sequence[Record]) -> Iterator[Step]:
        batch = _Batch()
        for record in run:
            inner = self._rows_along(record)
            weight = shape.size(blocks.sent(record, inner))
            if batch.tops and not batch.takes(1 + len(inner), weight):
                yield self._append(parent, batch)
                batch = _Batch()
            batch.tops.append(record)
            batch.inner[record.key] = inner
            batch.blocks += 1 + len(inner)
            batch.bytes += weight
        yield self._append(parent, batch)

    def _rows_along(self, record: Record) -> list[Record]:
        """The rows that a new table is made with; those that do not fit are added afterwards."""
        rows: list[Record] = []
        if blocks.type_of(record.kind) != "table":
            return rows
        weight = shape.size(blocks.sent(record))
        for create in self._creates[record.key]:
            weight += shape.size(blocks.sent(create.record))
            if rows and (len(rows) == limits.ARRAY or weight > limits.BYTES):
                break
            rows.append(create.record)
        return rows

    def _append(self, parent: str, batch: _Batch) -> Step:
        needs: list[str] = []
        if parent in self._made:
            path = f"/v1/blocks/{{$ref:{parent}}}/children"
            needs.append(parent)
        else:
            path = f"/v1/blocks/{self._entries[parent].ref}/children"
        children = [blocks.sent(top, batch.inner[top.key]) for top in batch.tops]
        position = self._position(parent, batch.tops[0].key, needs)
        records = [one for top in batch.tops for one in (top, *batch.inner[top.key])]
        self._made.update(one.key for one in records)
        return self._step(
            Op.CREATE,
            Request("PATCH", path, {"children": children, "position": position}),
            {one.key: one.fields for one in records},
            records=records,
            needs=needs,
            reads=sum(1 for inner in batch.inner.values() if inner),
        )

    def _position(self, parent: str, key: str, needs: list[str]) -> dict[str, Json]:
        """After the nearest of ours before it; where it is the first of ours, after what people
        have put above ours."""
        siblings = self._siblings[parent]
        for before in reversed(siblings[: siblings.index(key)]):
            if before in self._made:
                needs.append(before)
                return _after(Ref(before).json())
            if before not in self._making and self._lies(before, parent):
                return _after(self._found[before].ref)
        for other in siblings:
            above = self._lies(other, parent) and self._found[other].extra.get("above")
            if above:
                return _after(above)
        return {"type": "start"}

    def _lies(self, key: str, parent: str) -> bool:
        """Whether it is there, and in this parent: what is to become a block may be a row yet, and
        nothing lies in what is only to be made."""
        entry = self._entries.get(key)
        there = entry is not None and entry.parent == parent and parent not in self._making
        return there and self._found[key].standing is Standing.LIVE

    def _step(
        self,
        op: Op,
        request: Request,
        sends: Mapping[str, Fields],
        *,
        records: Sequence[Record] = (),
        base: Fields | None = None,
        needs: Sequence[str] = (),
        reads: int = 0,
    ) -> Step:
        if op is Op.CREATE:
            # What this plan leaves behind has all marks of what is made instead.
            base = {key: one.ref for key, one in self._found.items() if key not in self._entries}
        else:
            reads = sum(self._listings(key, sends) for key in sends)
        id = step_id(self._place, op, tuple(sends), request)
        return Step(id, op, request, sends, tuple(records), base or {}, tuple(needs), reads)

    def _listings(self, key: str, along: Collection[str]) -> int:
        """The calls that list what lies in an object that is read by itself."""
        entry = self._entries[key]
        ours = [one.key for one in self._entries.values() if one.parent == key]
        inside = len(ours) + len(shape.items(self._found[key].fields.get("inside")))
        asked = "inside" in entry.sent and (inside > 0 or is_page(entry.kind))
        if not asked and not set(along).intersection(ours):
            return 0
        return max(1, -(-inside // limits.PAGE))


def _after(id: Json) -> dict[str, Json]:
    return {"type": "after_block", "after_block": {"id": id}}


def _path(kind: str, ref: str) -> str:
    return f"/v1/{'pages' if is_page(kind) else 'blocks'}/{ref}"
