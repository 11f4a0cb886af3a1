"""One document's life: load, serve, apply, persist in order, fan out, settle.

Everything here runs on one event loop, so a message is handled from first byte to last without
another coming between; what may wait (the store, the sockets) is in tasks of its own. The CRDT
library holds the interpreter lock while it works, so a thread would not free the loop for its
share: a keystroke costs microseconds where it stands, and a large document is encoded once
between two edits, for all who join.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pycrdt

from collab import wire
from collab.blocks import load, project
from collab.contents import Contents, Place, clocks, mend, read
from collab.errors import Malformed, Refused, UnknownDocument
from collab.model import (
    Access,
    CloseReason,
    DocumentId,
    Limits,
    Projection,
    Snapshot,
    Stored,
    Update,
)
from collab.ports import Channel, Settled, UpdateStore

log = logging.getLogger(__name__)

NOTHING = b"\x00"  # the state vector of an empty document
LARGE = 16 * 1024  # bytes of an update; from here on it is looked through in a thread


class Visitor:
    """One connection to a room, with the queue of what it is still to be sent."""

    def __init__(self, channel: Channel, *, access: Access, subject: str, limits: Limits) -> None:
        self.access = access
        self.subject = subject
        self.greeted = False  # said hello, so it understands our own messages
        self.estranged = False  # its copy is of another epoch
        self.synced = False  # asked for the document
        self.received = 0  # update-bearing messages so far
        self.presences: set[int] = set()  # the clients it speaks for
        self._channel = channel
        self._limits = limits
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._waiting = asyncio.Event()
        self._ending: asyncio.Future[CloseReason | None] = (
            asyncio.get_running_loop().create_future()
        )

    @property
    def gone(self) -> bool:
        return self._ending.done()

    def tell(self, message: bytes) -> None:
        """Queue a message; a visitor whose queue is full is dropped."""
        if self.gone:
            return
        # A lone message may be larger than the outbox: a large document on joining.
        if self._outbox and (
            len(self._outbox) >= self._limits.outbox_messages
            or self._outbox_bytes + len(message) > self._limits.outbox_bytes
        ):
            self.drop(CloseReason.TOO_SLOW)
            return
        self._outbox.append(message)
        self._outbox_bytes += len(message)
        self._waiting.set()

    def drop(self, reason: CloseReason | None) -> None:
        """End the visit: ``None`` when it was the visitor who left."""
        if not self._ending.done():
            self._ending.set_result(reason)

    async def attend(self, room: Room) -> None:
        """Carry messages both ways until either side ends it."""
        reading = asyncio.create_task(self._read(room))
        sending = asyncio.create_task(self._send())
        try:
            reason = await self._ending
        finally:
            reading.cancel()
            sending.cancel()
            await asyncio.gather(reading, sending, return_exceptions=True)
        if reason is not None:
            await self._channel.close(reason)

    async def _read(self, room: Room) -> None:
        try:
            async for message in self._channel:
                await room.ready()
                if self.gone:
                    return
                await room.receive(self, message)
            self.drop(None)
        except Malformed as error:
            log.info("A visitor of %s sent what cannot be read: %s", room.document, error)
            self.drop(CloseReason.MALFORMED)
        except Refused as error:
            log.info("A visitor of %s was refused: %s", room.document, error)
            self.drop(CloseReason.REVOKED)
        except Exception:
            # A broken socket ends its own visit, whatever it raises, and nobody else's.
            log.debug("A visitor of %s is lost", room.document, exc_info=True)
            self.drop(None)

    async def _send(self) -> None:
        try:
            while True:
                while self._outbox:
                    message = self._outbox.popleft()
                    self._outbox_bytes -= len(message)
                    await self._channel.send(message)
                self._waiting.clear()
                await self._waiting.wait()
        except TimeoutError:
            self.drop(CloseReason.TOO_SLOW)
        except Exception:
            log.debug("A visitor cannot be sent to", exc_info=True)
            self.drop(None)


@dataclass(frozen=True, slots=True)
class _Pending:
    """What awaits the store, in order: an update (or nothing new), and whom to tell "saved"."""

    update: Update | None
    visitor: Visitor
    received: int


class Room:
    """A document in memory and the visitors who share it."""

    def __init__(
        self,
        document: DocumentId,
        store: UpdateStore,
        stored: Stored,
        doc: pycrdt.Doc[Any],
        early: Iterable[Update],
        pairs: Iterable[Place],
        *,
        limits: Limits,
        on_settled: Settled | None = None,
    ) -> None:
        self.document = document
        self.epoch = stored.epoch
        self.visitors: set[Visitor] = set()
        self.closed = False
        self.ended = asyncio.Event()
        self._store = store
        self._limits = limits
        self._on_settled = on_settled
        self._events: list[Update] = []
        # Up to where each client's history is in the document without a gap.
        self._known: dict[int, int] = {}
        # Updates the document holds back because something before them has not come. They are
        # not part of what it encodes, so they are added to every snapshot and first sync.
        self._early: list[Update] = []
        # Where an edit would fall in the midst of a character, which the library cannot take.
        self._pairs: set[Place] = set()
        self._halving: _Pending | None = None  # an edit that does, until the document is remade
        self._encoding: Update | None = None  # the document as one update, until the next edit
        self._take(doc, early, pairs)
        self._whole_again = asyncio.Event()
        self._whole_again.set()
        self._pending: deque[_Pending] = deque()
        self._backlog = 0
        self._work = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._durable = stored.last
        sizes = [len(update) for update in stored.updates]
        self._snapshot_bytes = sizes[0] if sizes else 0
        self._tail_bytes = sum(sizes[1:])
        self._tail = len(sizes) - 1
        self._unsettled = False
        self._edited_at = self._settled_at = asyncio.get_running_loop().time()
        self._presences: dict[int, wire.Presence] = {}
        self._moved: set[int] = set()
        self._moved_by: set[Visitor] = set()
        self._presence_timer: asyncio.TimerHandle | None = None
        self._presence_at = 0.0
        self._settle_timer: asyncio.TimerHandle | None = None
        self._settle_due = False
        self._teller: asyncio.Task[None] | None = None
        self._writer = asyncio.create_task(self._write(), name=f"writer of {document}")

    @classmethod
    async def open(
        cls,
        document: DocumentId,
        store: UpdateStore,
        *,
        limits: Limits,
        on_settled: Settled | None = None,
    ) -> Room:
        """Load a document; ``UnknownDocument`` where the store has none of that id."""
        stored = await store.load(document)
        if stored is None:
            raise UnknownDocument(f"There is no document {document!r}; it may have been deleted.")
        loaded = await asyncio.to_thread(_load, stored.updates)
        return cls(document, store, stored, *loaded, limits=limits, on_settled=on_settled)

    def _take(self, doc: pycrdt.Doc[Any], early: Iterable[Update], pairs: Iterable[Place]) -> None:
        self._doc = doc
        doc.observe(lambda event: self._events.append(event.update))
        self._known = clocks(doc.get_state())
        self._early = list(early)
        self._pairs = set(pairs)
        self._encoding = None

    # Visitors

    async def serve(self, visitor: Visitor) -> None:
        """Attend to a visitor until it leaves or is dropped."""
        if self.closed:
            visitor.drop(CloseReason.GOING_AWAY)
        elif len(self.visitors) >= self._limits.visitors:
            visitor.drop(CloseReason.TOO_SLOW)
        self.visitors.add(visitor)
        try:
            await visitor.attend(self)
        finally:
            self.visitors.discard(visitor)
            self._forget(visitor)
            if not self.visitors:
                self._settle_soon()

    async def receive(self, visitor: Visitor, frame: bytes) -> None:
        """Act on one message; ``Malformed`` and ``Refused`` are its sender's end."""
        message = wire.decode(frame, max_awareness=self._limits.awareness_bytes)
        match message:
            case wire.Hello(epoch=epoch):
                visitor.greeted = True
                visitor.estranged = epoch not in ("", self.epoch)
                visitor.tell(wire.welcome(self.epoch, visitor.access))
            case wire.StateVector(state=state):
                self._sync(visitor, state)
            case wire.Change(update=update) if len(update) < LARGE:
                self._change(visitor, update, read(update))
            case wire.Change(update=update):
                contents = await asyncio.to_thread(read, update)
                await self.ready()
                if not visitor.gone:
                    self._change(visitor, update, contents)
            case wire.Presences(entries=entries):
                self._move(visitor, entries)
            case wire.QueryPresences():
                # Answered where nobody is here too: so a quiet client asks whether the room is.
                visitor.tell(wire.presences(self._here()))

    async def ready(self) -> None:
        """Wait while too much is applied that the store has not taken, or while reloading."""
        while not (self._drained.is_set() and self._whole_again.is_set()):
            await self._drained.wait()
            await self._whole_again.wait()

    def _sync(self, visitor: Visitor, state: bytes) -> None:
        if visitor.estranged:
            raise Refused(
                "A copy of another epoch cannot be merged into this document; "
                "say hello with an empty epoch and sync an empty copy."
            )
        visitor.tell(wire.step_2(self._missing(state)))
        if visitor.synced:
            return
        visitor.synced = True
        # What a reader has is not asked for, since it could not be taken.
        if visitor.access is Access.WRITE:
            visitor.tell(wire.step_1(self._doc.get_state()))
        self._tell_presences(visitor)

    def _missing(self, state: bytes) -> Update:
        if state == NOTHING:
            return self._encoded()
        try:
            update = self._doc.get_update(state)
        except ValueError as error:
            raise Malformed(f"A state vector cannot be read: {error}") from error
        return self._with_early(update)

    def _encoded(self) -> Update:
        if self._encoding is None:
            self._encoding = self._with_early(self._doc.get_update())
        return self._encoding

    def _with_early(self, update: Update) -> Update:
        return pycrdt.merge_updates(update, *self._early) if self._early else update

    # Edits

    def _change(self, visitor: Visitor, update: Update, contents: Contents) -> None:
        if visitor.estranged:
            raise Refused("An update from a copy of another epoch is not taken.")
        if visitor.access is Access.READ:
            if contents.empty:
                return
            raise Refused("A visitor with read access sent an edit.")
        visitor.received += 1
        if self._halves(contents):
            # A legal edit, but applied as it is the library would no longer have what browsers
            # have. So the document is made again from the store and this, mended together; the
            # next message of anybody waits for that.
            self._halving = _Pending(update, visitor, visitor.received)
            self._whole_again.clear()
            self._work.set()
            return
        self._pass_on(_Pending(self._apply(update, contents), visitor, visitor.received))

    def _pass_on(self, taken: _Pending) -> None:
        """Tell the others what was taken in, and leave it to the writer."""
        if taken.update is not None:
            self._unsettled = True
            self._edited_at = asyncio.get_running_loop().time()
            self._settle_soon()
            message = wire.update(taken.update)
            for other in self.visitors:
                if other is not taken.visitor and other.synced:
                    other.tell(message)
            self._backlog += len(taken.update)
            if self._backlog > self._limits.backlog_bytes:
                self._drained.clear()
        # One that brought nothing is answered in its turn too: what it repeats may be waiting.
        self._pending.append(taken)
        self._work.set()

    def _apply(self, update: Update, contents: Contents) -> Update | None:
        """Take an update in; what of it is to be stored and told, None if all was known."""
        self._events.clear()
        try:
            self._doc.apply_update(update)
        except ValueError as error:  # not decoded, so nothing was applied
            raise Malformed(f"An update cannot be read: {error}") from error
        except BaseException as error:
            if not _is_of_library(error):
                raise
            # Half of it may be applied: what is in memory cannot be trusted. All that was taken
            # before is stored or waiting to be, so the document is made again from there.
            log.warning("The document %s broke on an update: %s", self.document, error)
            self._whole_again.clear()
            self._work.set()
            raise Malformed(f"An update cannot be applied: {error}") from None
        self._pairs |= self._fresh_pairs(contents)
        for event in self._events:
            self._encoding = None
            if len(event) >= LARGE:
                self._known = clocks(self._doc.get_state())
                continue
            brought = contents if event == update else read(event)
            for client, end in brought.structs.items():
                self._known[client] = max(end, self._known.get(client, 0))
        if self._early and self._events:
            self._early = [kept for kept in self._early if not read(kept).within(self._known)]
        if not contents.within(self._known):
            # Part of it waits for what has not come. As it is then: it would be lost otherwise.
            self._early.append(update)
            self._encoding = None
            return update
        if not self._events:
            return None
        # What was news, without the history that a returning client repeats.
        return self._events[0] if len(self._events) == 1 else update

    def _fresh_pairs(self, contents: Contents) -> set[Place]:
        known = self._known
        return {place for place in contents.pairs if place[1] >= known.get(place[0], 0)}

    def _halves(self, contents: Contents) -> bool:
        """Whether a character is cut in two: one that is here, or that the update brings."""
        if not self._pairs.isdisjoint(contents.cuts):
            return True
        pairs = self._fresh_pairs(contents)
        if not pairs:
            return False
        early = (read(kept).cuts for kept in self._early)
        return not pairs.isdisjoint(contents.cuts.union(self._known.items(), *early))

    async def _write(self) -> None:
        """The single writer: appends in order, says "saved", compacts."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._pending:
                    await self._write_batch()
                if not self._whole_again.is_set():
                    await self._reload()
                if self._settle_due:
                    self._settle_due = False
                    await self._compact_if_worth_it()
                    self._tell_settled()
                if self.closed and not self._pending:
                    return
        except UnknownDocument:
            log.info("The document %s was deleted while it was open", self.document)
            self.evict(CloseReason.GONE)
        except Exception:
            log.exception("The document %s could not be stored", self.document)
            self.fail()
        finally:
            self.closed = True
            self._drained.set()
            self._whole_again.set()
            self.ended.set()

    async def _reload(self) -> None:
        stored = await self._store.load(self.document)
        if stored is None:
            raise UnknownDocument(f"There is no document {self.document!r} any more.")
        halving, self._halving = self._halving, None
        if halving is None or halving.update is None:
            loaded = await asyncio.to_thread(_load, stored.updates)
        else:
            try:
                loaded = await asyncio.to_thread(_load, (*stored.updates, halving.update))
            except BaseException as error:
                if not _is_of_library(error):
                    raise
                log.info("A visitor of %s sent what cannot be applied: %s", self.document, error)
                halving.visitor.drop(CloseReason.MALFORMED)
                loaded = await asyncio.to_thread(_load, stored.updates)
                halving = None
        self._take(*loaded)
        self._whole_again.set()
        if halving is not None:
            self._pass_on(halving)

    async def _write_batch(self) -> None:
        batch: list[_Pending] = []
        size = count = 0
        while (
            self._pending and count < self._limits.batch_updates and size < self._limits.batch_bytes
        ):
            entry = self._pending.popleft()
            batch.append(entry)
            if entry.update is not None:
                size += len(entry.update)
                count += 1
        updates = [entry.update for entry in batch if entry.update is not None]
        if updates:
            self._durable = await self._store.append(self.document, updates)
            self._tail_bytes += size
            self._tail += len(updates)
            self._backlog -= size
            if self._backlog <= self._limits.backlog_bytes:
                self._drained.set()
        for visitor, received in {entry.visitor: entry.received for entry in batch}.items():
            if visitor.greeted:
                visitor.tell(wire.saved(received))
        if self._tail_bytes > 4 * max(self._snapshot_bytes, self._limits.tail_bytes):
            await self._compact()  # edited without pause: do not wait for quiet

    # Settling

    def _settle_soon(self) -> None:
        """Settle once quiet; at once when nobody is left."""
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        if not self.visitors:
            if self._settle_timer is not None:
                self._settle_timer.cancel()
                self._settle_timer = None
            self._settle_now()
        elif self._settle_timer is None:
            self._settle_timer = loop.call_later(self._limits.quiet_seconds, self._settle_if_quiet)

    def _settle_if_quiet(self) -> None:
        self._settle_timer = None
        loop = asyncio.get_running_loop()
        quiet_at = self._edited_at + self._limits.quiet_seconds
        restless_at = self._settled_at + self._limits.restless_seconds
        if loop.time() >= min(quiet_at, restless_at):
            self._settle_now()
        elif not self.closed:
            self._settle_timer = loop.call_at(min(quiet_at, restless_at), self._settle_if_quiet)

    def _settle_now(self) -> None:
        self._settle_due = True
        self._work.set()

    async def _compact_if_worth_it(self) -> None:
        if self._tail and (
            not self.visitors
            or self._tail_bytes > max(self._snapshot_bytes, self._limits.tail_bytes)
        ):
            await self._compact()

    def _tell_settled(self) -> None:
        """Tell what the document now says, beside the writer, so that nobody's "saved" waits."""
        self._settled_at = asyncio.get_running_loop().time()
        if self._on_settled is None or not self._unsettled:
            return
        if self._teller is None or self._teller.done():
            self._unsettled = False
            self._teller = asyncio.create_task(self._tell(self._on_settled))

    async def _tell(self, told: Settled) -> None:
        try:
            await told(self.document, await self.projection())
        except Exception:
            # Search and claims catch up at the next rest; the document itself is safe.
            log.exception("What follows from the document %s failed", self.document)
        if self._unsettled:  # edited meanwhile
            self._settle_soon()

    async def _compact(self) -> None:
        """Replace the tail by a snapshot. It may hold edits past ``through``: they are told
        again by their own rows, and an update applied twice is applied once."""
        if not self._whole_again.is_set():
            return
        through, update = self._durable, self._encoded()
        await self._store.compact(self.document, Snapshot(update, through))
        self._snapshot_bytes, self._tail_bytes, self._tail = len(update), 0, 0

    async def projection(self) -> Projection:
        """The document as it stands, read in a thread from a copy."""
        await self._whole_again.wait()
        return await asyncio.to_thread(project, (self._encoded(),))

    # Presence

    def _move(self, visitor: Visitor, entries: Iterable[wire.Presence]) -> None:
        for entry in entries:
            if not self._admit(visitor, entry):
                continue
            entry.check()
            self._presences[entry.client] = entry
            if entry.gone:
                visitor.presences.discard(entry.client)
            self._moved.add(entry.client)
            self._moved_by.add(visitor)
        if self._moved:
            self._tell_moved_soon()

    def _admit(self, visitor: Visitor, entry: wire.Presence) -> bool:
        """Whether this is news that this visitor may tell.

        Yjs clients repeat what they hear of others. Only news of a visitor's own clients is
        taken, so that a repetition ends here and nobody is moved or removed by another.
        """
        known = self._presences.get(entry.client)
        if entry.client in visitor.presences:
            assert known is not None
            return entry.clock > known.clock or (
                entry.clock == known.clock and entry.gone and not known.gone
            )
        if entry.gone or len(visitor.presences) >= self._limits.presences:
            return False
        if known is not None and not known.gone:
            # A client that lost its socket returns on a new one before the old is noticed.
            owner = next((v for v in self.visitors if entry.client in v.presences), None)
            if owner is not None:
                if owner.subject != visitor.subject or entry.clock <= known.clock:
                    return False
                owner.presences.discard(entry.client)
        visitor.presences.add(entry.client)
        return True

    def _forget(self, visitor: Visitor) -> None:
        """Announce that a visitor's clients are gone."""
        for client in visitor.presences:
            last = self._presences[client]
            self._presences[client] = wire.Presence(client, last.clock, b"null")
            self._moved.add(client)
        visitor.presences.clear()
        if self._moved and self.visitors:
            self._tell_moved_soon()

    def _tell_moved_soon(self) -> None:
        """The first change at once; those that follow travel together.

        A larger room waits longer: what is told grows with the visitors, not with their square.
        """
        if self._presence_timer is not None:
            return
        loop = asyncio.get_running_loop()
        pause = max(self._limits.presence_seconds, len(self.visitors) * 0.001)
        self._presence_timer = loop.call_at(
            max(loop.time(), self._presence_at + pause), self._tell_moved
        )

    def _tell_moved(self) -> None:
        self._presence_timer = None
        self._presence_at = asyncio.get_running_loop().time()
        message = wire.presences(self._presences[client] for client in sorted(self._moved))
        for visitor in self.visitors:
            if visitor.synced and not self._moved <= visitor.presences:
                visitor.tell(message)
        for client in self._moved:
            if self._presences[client].gone:
                del self._presences[client]
        self._moved.clear()
        self._moved_by.clear()

    def _tell_presences(self, visitor: Visitor) -> None:
        here = self._here()
        if here:
            visitor.tell(wire.presences(here))

    def _here(self) -> list[wire.Presence]:
        return [entry for entry in self._presences.values() if not entry.gone]

    # Endings

    def evict(self, reason: CloseReason) -> None:
        """Stop at once: everybody out, what is not stored dropped."""
        self.closed = True
        self._pending.clear()
        self._halving = None
        self._settle_due = False
        self._drained.set()
        self._whole_again.set()
        for visitor in list(self.visitors):
            visitor.drop(reason)
        self._work.set()

    def fail(self) -> None:
        """Stop rather than pretend. Visitors return to a room loaded from the store, and bring
        what it does not have."""
        self.evict(CloseReason.STORE_FAILED)

    async def close(self, reason: CloseReason) -> None:
        """Take no more, store what was taken, then end."""
        self.closed = True
        for visitor in list(self.visitors):
            visitor.drop(reason)
        for timer in (self._settle_timer, self._presence_timer):
            if timer is not None:
                timer.cancel()
        self._settle_due = not self._writer.done()
        self._work.set()
        await asyncio.shield(self._writer)
        while self._teller is not None and not self._teller.done():
            await asyncio.shield(self._teller)
            self._tell_settled()


def _is_of_library(error: BaseException) -> bool:
    """Whether the CRDT library failed: where it panics, it raises what is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _load(
    updates: Sequence[Update],
) -> tuple[pycrdt.Doc[Any], list[Update], set[Place]]:
    """The document of these updates, those of them it could not place yet, and the places in the
    midst of its characters."""
    mended = mend(updates)
    doc = load(mended)
    known = clocks(doc.get_state())
    early: list[Update] = []
    pairs: set[Place] = set()
    for update in mended:
        contents = read(update)
        pairs |= contents.pairs
        if not contents.within(known):
            early.append(update)
    return doc, early, pairs
