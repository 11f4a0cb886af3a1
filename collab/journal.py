"""What a room has taken in on its way to the store: in order, in batches, compacted when long."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collab import wire
from collab.errors import OtherEpoch, UnknownDocument
from collab.messages import Numbers
from collab.model import DocumentId, Limits, Snapshot, Stored, Update
from collab.ports import UpdateStore
from collab.relay import Relay
from collab.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Taken:
    """What awaits the store: an update (or nothing new), and whom to tell "saved"."""

    update: Update | None
    visitor: Visitor
    received: int


class Journal:
    """One document's place in the store. All its methods that wait are for the room's one writer.

    They raise ``UnknownDocument`` where it was deleted and ``OtherEpoch`` where it was rebuilt.
    """

    def __init__(
        self,
        document: DocumentId,
        store: UpdateStore,
        stored: Stored,
        *,
        limits: Limits,
        relay: Relay,
    ) -> None:
        self.epoch = stored.epoch
        self.rows = Numbers(stored.last)
        self.drained = asyncio.Event()  # of as much as may wait
        self.drained.set()
        self._document = document
        self._store = store
        self._limits = limits
        self._relay = relay
        self._waiting: deque[Taken] = deque()
        self._backlog = 0  # bytes that wait
        sizes = [len(update) for update in stored.updates]
        self._snapshot_bytes = sizes[0] if sizes else 0
        self._tail_bytes = sum(sizes[1:])
        self._tail = len(sizes) - 1

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def add(self, taken: Taken) -> None:
        if taken.update is not None:
            self._backlog += len(taken.update)
            if self._backlog > self._limits.backlog_bytes:
                self.drained.clear()
        # One that brought nothing is answered in its turn too: what it repeats may be waiting.
        self._waiting.append(taken)

    def forget(self) -> None:
        """Drop what is not stored."""
        self._waiting.clear()

    async def write_batch(self) -> None:
        """Store the next of what waits, and say "saved" of it."""
        batch: list[Taken] = []
        size = count = 0
        while (
            self._waiting and count < self._limits.batch_updates and size < self._limits.batch_bytes
        ):
            taken = self._waiting.popleft()
            batch.append(taken)
            if taken.update is not None:
                size += len(taken.update)
                count += 1
        updates = [taken.update for taken in batch if taken.update is not None]
        if updates:
            await self._append(updates)
            self._tail_bytes += size
            self._tail += len(updates)
            self._backlog -= size
            if self._backlog <= self._limits.backlog_bytes:
                self.drained.set()
        for visitor, received in {taken.visitor: taken.received for taken in batch}.items():
            if visitor.greeted:
                visitor.tell(wire.saved(received))

    @property
    def overlong(self) -> bool:
        """Whether the store could hold more than three times the document."""
        return self._tail_bytes > 2 * max(self._snapshot_bytes, self._limits.tail_bytes)

    def worth_compacting(self, *, last_chance: bool) -> bool:
        return bool(self._tail) and (
            last_chance or self._tail_bytes > max(self._snapshot_bytes, self._limits.tail_bytes)
        )

    async def compact(self, snapshot: Snapshot, early: Iterable[Update]) -> None:
        """Replace the tail by a snapshot, which may hold edits past its number: they are told
        again by their own rows, and an update applied twice is applied once."""
        again = list(early)  # behind what the snapshot replaces
        if again:
            await self._append(again)
        await self._store.compact(self._document, snapshot, epoch=self.epoch)
        self._snapshot_bytes = len(snapshot.update)
        self._tail_bytes, self._tail = sum(map(len, again)), len(again)

    async def load(self) -> Stored:
        """All that is stored."""
        return self._same(await self._store.load(self._document))

    async def lacking(self) -> Stored:
        """What is stored and not applied here."""
        return self._same(await self._store.since(self._document, self.rows.through))

    def _same(self, stored: Stored | None) -> Stored:
        if stored is None:
            raise UnknownDocument(f"There is no document {self._document!r} any more.")
        if stored.epoch != self.epoch:
            raise OtherEpoch(f"The document {self._document!r} was rebuilt.")
        return stored

    async def _append(self, updates: Sequence[Update]) -> None:
        last = await self._store.append(self._document, updates, epoch=self.epoch)
        first = last - len(updates) + 1
        if first <= self.rows.through:
            raise OtherEpoch(f"The store has less of {self._document!r} than it once had.")
        self.rows.take(first, last)
        self._relay.rows(self.epoch, first, updates)
