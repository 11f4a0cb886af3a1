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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pycrdt

from collab import messages, wire
from collab.blocks import is_of_library, load_sound, project
from collab.contents import Contents, Place, clocks, mend, read
from collab.editors import Editors
from collab.errors import Malformed, OtherEpoch, Refused, UnknownDocument
from collab.model import (
    Access,
    CloseReason,
    DocumentId,
    Head,
    Limits,
    Projection,
    Snapshot,
    Stored,
    Update,
)
from collab.order import placeable
from collab.ports import Settled, UpdateStore
from collab.presences import Presences
from collab.relay import Relay
from collab.visitor import Visitor

log = logging.getLogger(__name__)

NOTHING = b"\x00"  # the state vector of an empty document
MAX_CLOCK = 2**31 - 1  # the library counts to 2^32, and a browser shifts bits in 32
LARGE = 16 * 1024  # bytes of an update; from here on it is looked through in a thread
TOLD_AT_ONCE = 128  # visitors; each takes some 20 microseconds of the event loop
AT_ONCE = 32  # updates of another process taken in before others have their turn


class _Broken(Exception):
    """The library can no longer encode what it has; the document is being made again."""


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
        early: Mapping[Update, Contents],
        pairs: Iterable[Place],
        *,
        limits: Limits,
        relay: Relay,
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
        self._relay = relay
        self._events: list[Update] = []
        # Up to where each client's history is in the document without a gap.
        self._known: dict[int, int] = {}
        # Updates that are not in the document, because something they build on has not come. They
        # are told after every first sync, and stay in the tail when it is compacted.
        self._early: dict[Update, Contents] = {}
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
        self._rows = messages.Numbers(stored.last)
        sizes = [len(update) for update in stored.updates]
        self._snapshot_bytes = sizes[0] if sizes else 0
        self._tail_bytes = sum(sizes[1:])
        self._tail = len(sizes) - 1
        self._unsettled = False
        self._edited_at = self._settled_at = asyncio.get_running_loop().time()
        self._look_due = False
        self._gap_timer: asyncio.TimerHandle | None = None
        self._elsewhere_timer: asyncio.TimerHandle | None = None
        self._presences = Presences(limits)
        self.editors = Editors(self._presences)
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
        relay: Relay | None = None,
        on_settled: Settled | None = None,
    ) -> Room:
        """Load a document; ``UnknownDocument`` where the store has none of that id."""
        relay = relay or Relay(document)
        # Before loading, so that nothing falls in between.
        await relay.open()
        try:
            stored = await store.load(document)
            if stored is None:
                raise UnknownDocument(
                    f"There is no document {document!r}; it may have been deleted."
                )
            loaded = await asyncio.to_thread(_load, stored.updates)
            room = cls(
                document, store, stored, *loaded, limits=limits, relay=relay, on_settled=on_settled
            )
        except BaseException:
            await relay.close()
            raise
        relay.hand_to(room.hear)
        relay.ask()
        return room

    async def leave_the_bus(self) -> None:
        await self._relay.close()

    def _take(
        self, doc: pycrdt.Doc[Any], early: Mapping[Update, Contents], pairs: Iterable[Place]
    ) -> None:
        self._doc = doc
        doc.observe(lambda event: self._events.append(event.update))
        self._known = clocks(doc.get_state())
        self._early = dict(early)
        self._pairs = set(pairs)
        self._encoding = None

    # Visitors

    async def serve(self, visitor: Visitor) -> None:
        """Attend to a visitor until it leaves or is dropped."""
        if self.closed:
            visitor.drop(CloseReason.GOING_AWAY)
        elif len(self.visitors) >= self._limits.visitors:
            visitor.drop(CloseReason.FULL)
        self.visitors.add(visitor)
        try:
            await visitor.attend(self)
        finally:
            self.visitors.discard(visitor)
            if self._presences.forget(visitor):
                self._tell_moved_soon()
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
                wait = visitor.sync_pace.wait(monotonic())
                if wait > 0 and await self._slowed(visitor, wait):
                    return
                await self._sync(visitor, state)
            case wire.Change(update=update) if len(update) < LARGE:
                wait = visitor.update_pace.wait(monotonic())
                if wait > 0 and await self._slowed(visitor, wait):
                    return
                self._change(visitor, update, read(update))
            case wire.Change(update=update):
                contents = await asyncio.to_thread(read, update)
                await self.ready()
                if not visitor.gone:
                    self._change(visitor, update, contents)
            case wire.Presences(entries=entries):
                wait = visitor.presence_pace.wait(monotonic())
                if wait > 0 and await self._slowed(visitor, wait):
                    return
                self._move(visitor, entries)
            case wire.QueryPresences():
                wait = visitor.presence_pace.wait(monotonic())
                if wait > 0 and await self._slowed(visitor, wait):
                    return
                # Answered where nobody is here too: so a quiet client asks whether the room is.
                visitor.tell(wire.presences(self._presences.here()))

    async def _slowed(self, visitor: Visitor, seconds: float) -> bool:
        """Make a visitor who is too fast wait, and nobody else; whether it is gone since."""
        await asyncio.sleep(seconds)
        await self.ready()
        return visitor.gone

    async def ready(self) -> None:
        """Wait while too much is applied that the store has not taken, or while reloading."""
        while not (self._drained.is_set() and self._whole_again.is_set()):
            await self._drained.wait()
            await self._whole_again.wait()

    async def _sync(self, visitor: Visitor, state: bytes) -> None:
        if visitor.estranged:
            raise Refused(
                "A copy of another epoch cannot be merged into this document; "
                "say hello with an empty epoch and sync an empty copy."
            )
        try:
            missing = self._missing(state)
        except _Broken:
            await self.ready()
            missing = self._missing(state)
        if visitor.gone:
            return
        visitor.tell(wire.step_2(missing))
        for update in self._early:
            visitor.tell(wire.update(update))
        if visitor.synced:
            if any(end > self._known.get(client, 0) for client, end in clocks(state).items()):
                self._ask(visitor)
            return
        visitor.synced = True
        # What a reader has is not asked for, since it could not be taken.
        if visitor.access is Access.WRITE:
            visitor.tell(wire.step_1(self._doc.get_state()))
        self._tell_presences(visitor)

    def _ask(self, visitor: Visitor) -> None:
        """Ask for what of a visitor's has not come, as over a line that loses messages.

        Yjs clients answer at any time, and bring all that the document lacks.
        """
        if visitor.synced and visitor.access is Access.WRITE and visitor.may_be_asked():
            visitor.tell(wire.step_1(self._doc.get_state()))

    def _missing(self, state: bytes) -> Update:
        if state == NOTHING:
            return self._encoded()
        try:
            return self._encode(state)
        except ValueError as error:
            raise Malformed(f"A state vector cannot be read: {error}") from error

    def _encoded(self) -> Update:
        if self._encoding is None:
            self._encoding = self._encode(NOTHING)
        return self._encoding

    def _encode(self, state: bytes) -> Update:
        """What the document has beyond ``state``; ``_Broken`` where the library cannot say."""
        try:
            return self._doc.get_update(state)
        except ValueError:
            raise
        except BaseException as error:
            if not is_of_library(error):
                raise
            self._remake(error)
            raise _Broken from None

    def _remake(self, error: object) -> None:
        """Have the document made again from the store: what is in memory cannot be trusted, and
        all that was taken is stored or waiting to be."""
        log.warning("The document %s broke: %s", self.document, error)
        self._encoding = None
        self._whole_again.clear()
        self._work.set()

    # Edits

    def _change(self, visitor: Visitor, update: Update, contents: Contents) -> None:
        if visitor.estranged:
            raise Refused("An update from a copy of another epoch is not taken.")
        if visitor.access is Access.READ:
            if contents.empty:
                return
            raise Refused("A visitor with read access sent an edit.")
        if contents.highest > MAX_CLOCK:
            raise Malformed(f"A clock of {contents.highest} is past {MAX_CLOCK}.")
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
        if update in self._early:
            self._ask(visitor)

    def _pass_on(self, taken: _Pending) -> None:
        """Tell the others what was taken in, and leave it to the writer."""
        if taken.update is not None:
            self._unsettled = True
            self.editors.note(taken.visitor)
            self._edited_at = asyncio.get_running_loop().time()
            self._settle_soon()
            self._tell_update(taken.update, but=taken.visitor)
            self._backlog += len(taken.update)
            if self._backlog > self._limits.backlog_bytes:
                self._drained.clear()
        # One that brought nothing is answered in its turn too: what it repeats may be waiting.
        self._pending.append(taken)
        self._work.set()

    def _apply(self, update: Update, contents: Contents) -> Update | None:
        """Take an update in; what of it is to be stored and told, None if all was known."""
        if contents.gaps or not contents.ready(self._known):
            return self._apply_early(update, contents)
        before = dict(self._known) if self._early else {}
        self._integrate((update,))
        if not self._events:
            return None
        self._pairs |= self._fresh_pairs(contents)
        event = self._events[0]
        brought = contents if event == update else None if len(event) >= LARGE else read(event)
        if brought is None:
            self._known = clocks(self._doc.get_state())
        else:
            for client, end in brought.structs.items():
                self._known[client] = max(end, self._known.get(client, 0))
        if not contents.within(self._known):
            # Its clocks cannot be trusted any more, while what it was given can.
            self._remake("it keeps back what builds on nothing missing")
            return update
        if before:
            moved = [client for client, end in self._known.items() if end > before.get(client, 0)]
            if any(kept.awaits(moved) for kept in self._early.values()):
                self._place_early()
        # What was news, without the history that a returning client repeats.
        return event

    def _apply_early(self, update: Update, contents: Contents) -> Update | None:
        """The same for one of which something waits for what has not come, or did."""
        if update in self._early:
            return None
        self._pairs |= self._fresh_pairs(contents)
        self._early[update] = contents
        self._events.clear()
        if contents.advances(self._known) or contents.within(self._known):
            self._place_early()
        return update if self._events or update in self._early else None

    def _place_early(self) -> None:
        """Take in what waited for what came now; it is stored and told as it came."""
        try:
            self._integrate(placeable(self._early.items(), self._known))
        except Malformed as error:
            # Forged, perhaps by somebody else and long ago: not the end of who brought the rest.
            log.info("What came early to %s is refused: %s", self.document, error)
            return  # the document is made again, without it
        self._known = clocks(self._doc.get_state())
        self._early = {
            update: contents
            for update, contents in self._early.items()
            if not contents.within(self._known) and not contents.refused(self._known)
        }

    def _integrate(self, updates: Iterable[Update]) -> None:
        """Have the document take these in; what was news of them is one of the events."""
        self._events.clear()
        try:
            with self._doc.transaction():
                for update in updates:
                    self._doc.apply_update(update)
        except ValueError as error:  # not decoded, so nothing was applied
            raise Malformed(f"An update cannot be read: {error}") from error
        except BaseException as error:
            if not is_of_library(error):
                raise
            self._remake(error)  # half of it may be applied
            raise Malformed(f"An update cannot be applied: {error}") from None
        if self._events:
            self._encoding = None

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
        early = (kept.cuts for kept in self._early.values())
        return not pairs.isdisjoint(contents.cuts.union(self._known.items(), *early))

    async def _write(self) -> None:
        """The single writer: appends in order, says "saved", compacts."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._pending:
                    await self._write_batch()
                if self._look_due:
                    self._look_due = False
                    await self._catch_up()
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
        except OtherEpoch as error:
            log.warning("%s Its visitors are asked to come back.", error)
            self.evict(CloseReason.CHANGED)
        except Exception:
            log.exception("The document %s could not be stored", self.document)
            self.fail()
        finally:
            self.closed = True
            for timer in (self._gap_timer, self._elsewhere_timer):
                if timer is not None:
                    timer.cancel()
            self._drained.set()
            self._whole_again.set()
            self.ended.set()

    async def _reload(self) -> None:
        stored = await self._store.load(self.document)
        if stored is None:
            raise UnknownDocument(f"There is no document {self.document!r} any more.")
        if stored.epoch != self.epoch:
            raise OtherEpoch(f"The document {self.document!r} was rebuilt.")
        # Of what others stored, the visitors here have heard nothing yet.
        elsewhere = (await self._lacking()).updates if stored.last > self._rows.through else ()
        halving, self._halving = self._halving, None
        if halving is None or halving.update is None:
            loaded = await asyncio.to_thread(_load, stored.updates)
        else:
            try:
                news = (*stored.updates, halving.update)
                loaded = await asyncio.to_thread(_load, news, last_is_new=True)
            except BaseException as error:
                if not is_of_library(error):
                    raise
                log.info("A visitor of %s sent what cannot be applied: %s", self.document, error)
                halving.visitor.drop(CloseReason.MALFORMED)
                loaded = await asyncio.to_thread(_load, stored.updates)
                halving = None
        self._take(*loaded)
        self._rows.reach(stored.last)
        self._whole_again.set()
        for update in elsewhere:
            self._tell_update(update)
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
            await self._append(updates)
            self._tail_bytes += size
            self._tail += len(updates)
            self._backlog -= size
            if self._backlog <= self._limits.backlog_bytes:
                self._drained.set()
        for visitor, received in {entry.visitor: entry.received for entry in batch}.items():
            if visitor.greeted:
                visitor.tell(wire.saved(received))
        if self._tail_bytes > 2 * max(self._snapshot_bytes, self._limits.tail_bytes):
            await self._compact()  # edited without pause: stay within three times the document

    async def _append(self, updates: Sequence[Update]) -> None:
        last = await self._store.append(self.document, updates, epoch=self.epoch)
        first = last - len(updates) + 1
        if first <= self._rows.through:
            raise OtherEpoch(f"The store has less of {self.document!r} than it once had.")
        self._rows.take(first, last)
        self._relay.rows(self.epoch, first, updates)
        if self._rows.behind:  # another process has appended meanwhile
            self._await_gap()

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
            through = self._rows.through
            await told(self.document, await self.projection())
            self._relay.settled(through)
            if self._rows.through > through:
                # Others may have told more of it already, and this was the last word.
                self._unsettled = True
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
        try:
            through, update = self._rows.through, self._encoded()
        except _Broken:  # another time, when it is made again
            return
        early = list(self._early)
        if early:  # again, behind what the snapshot replaces
            await self._append(early)
        await self._store.compact(self.document, Snapshot(update, through), epoch=self.epoch)
        self._snapshot_bytes = len(update)
        self._tail_bytes, self._tail = sum(map(len, early)), len(early)

    async def projection(self) -> Projection:
        """The document as it stands, read in a thread from a copy."""
        await self._whole_again.wait()
        try:
            update = self._encoded()
        except _Broken:
            await self._whole_again.wait()
            update = self._encoded()
        return await asyncio.to_thread(project, (update,))

    # Presence

    def _move(self, visitor: Visitor, entries: Iterable[wire.Presence]) -> None:
        if self._presences.move(visitor, entries):
            self.editors.moved(visitor)
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
        moved, here = self._presences.take_moved()
        if not moved:
            return
        message = wire.presences(moved)
        clients = {entry.client for entry in moved}
        now = self._few(message)
        for visitor in self.visitors:
            if visitor.synced and not clients <= visitor.presences:
                visitor.tell(message, now=now)
        self._relay.moved(here)

    def _tell_presences(self, visitor: Visitor) -> None:
        here = self._presences.here()
        if here:
            visitor.tell(wire.presences(here))

    def look_for_the_lost(self) -> None:
        """Let those go whose process has said nothing for long: it may have been killed."""
        if self._presences.lose(asyncio.get_running_loop().time()):
            self._tell_moved_soon()

    # Other processes

    def hear(self, message: bytes | None) -> None:
        """What a room of this document in another process says; None where something was missed."""
        if self.closed:
            return
        if message is None:
            self.look()
            self._relay.ask()
            # What was stored here meanwhile the others have not been told of.
            self._relay.rows(self.epoch, self._rows.latest + 1, ())
            return
        try:
            told = messages.decode(message)
        except Malformed as error:
            log.warning(
                "Another process says of %s what is not understood: %s", self.document, error
            )
            return
        match told:
            case messages.Rows():
                self._hear_rows(told)
            case messages.Moved(origin=origin, entries=entries):
                if self._presences.hear(origin, entries, asyncio.get_running_loop().time()):
                    self._tell_moved_soon()
            case messages.Asked():
                self._relay.moved(self._presences.ours())
            case messages.SettledElsewhere(through=through):
                if through >= self._rows.through:
                    self._settled_elsewhere()

    def look(self) -> None:
        """Load what others have stored, if there is any."""
        self._look_due = True
        self._work.set()

    @property
    def through(self) -> int:
        """Every stored update up to this number is part of the document."""
        return self._rows.through

    def learn(self, head: Head | None, *, before: int) -> None:
        """Go by how far the store is; ``before`` is how far the room was when it was asked."""
        if head is None:
            self.evict(CloseReason.GONE)
        elif head.epoch != self.epoch or head.last < before:
            self.evict(CloseReason.CHANGED)
        else:
            self._rows.know_of(head.last)
            if self._rows.behind:
                self.look()

    def _hear_rows(self, told: messages.Rows) -> None:
        if told.epoch != self.epoch:
            return
        self._rows.know_of(told.last)
        if told.updates and sum(map(len, told.updates)) < LARGE and self._whole_again.is_set():
            try:
                for number, update in enumerate(told.updates, told.first):
                    if not self._rows.has(number) and not self._adopt(update, read(update)):
                        break
                    self._rows.take(number, number)
            except Malformed as error:
                log.warning(
                    "What another process stored of %s fails here: %s", self.document, error
                )
            if not self._rows.behind:
                return
            self._await_gap()
            return
        if self._rows.behind:
            self.look()

    def _await_gap(self) -> None:
        """What lies between may still be on its way here."""
        if self._gap_timer is None and not self.closed:
            loop = asyncio.get_running_loop()
            self._gap_timer = loop.call_later(self._limits.gap_seconds, self._close_gap)

    def _close_gap(self) -> None:
        self._gap_timer = None
        if self._rows.behind:
            self.look()

    def _adopt(self, update: Update, contents: Contents) -> bool:
        """Take in what another process has stored; False where the document has to be remade."""
        if self._halves(contents):
            self._whole_again.clear()
            self._work.set()
            return False
        news = self._apply(update, contents)
        if news is not None:
            self._tell_update(news)
            self._settle_if_nobody_does()
        return True

    def _tell_update(self, update: Update, *, but: Visitor | None = None) -> None:
        message = wire.update(update)
        now = self._few(message)
        for visitor in self.visitors:
            if visitor is not but and visitor.synced:
                visitor.tell(message, now=now)

    def _few(self, message: bytes) -> bool:
        """Whether all can be told at once without holding up the event loop."""
        return len(self.visitors) <= TOLD_AT_ONCE and len(message) <= LARGE

    async def _catch_up(self) -> None:
        """Load what the store has and this room has not."""
        stored = await self._lacking()
        contents = await asyncio.to_thread(_read_all, stored.updates)
        for at, (update, brought) in enumerate(zip(stored.updates, contents, strict=True)):
            if at % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            # Where the document broke or must be remade, it is loaded again as a whole.
            try:
                if not self._whole_again.is_set() or not self._adopt(update, brought):
                    return
            except Malformed as error:
                log.warning(
                    "What another process stored of %s fails here: %s", self.document, error
                )
                return
        self._rows.reach(stored.last)

    async def _lacking(self) -> Stored:
        stored = await self._store.since(self.document, self._rows.through)
        if stored is None:
            raise UnknownDocument(f"There is no document {self.document!r} any more.")
        if stored.epoch != self.epoch:
            raise OtherEpoch(f"The document {self.document!r} was rebuilt.")
        return stored

    def _settle_if_nobody_does(self) -> None:
        """The process that took an edit sees to what follows from it, unless it died."""
        if self._elsewhere_timer is None and self._on_settled is not None:
            loop = asyncio.get_running_loop()
            patience = self._limits.restless_seconds + 2 * self._limits.quiet_seconds
            self._elsewhere_timer = loop.call_later(patience, self._settle_for_another)

    def _settle_for_another(self) -> None:
        self._elsewhere_timer = None
        self._unsettled = True
        self._settle_soon()

    def _settled_elsewhere(self) -> None:
        if self._elsewhere_timer is not None:
            self._elsewhere_timer.cancel()
            self._elsewhere_timer = None

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
        self._tell_moved()
        self._settle_due = not self._writer.done()
        self._work.set()
        await asyncio.shield(self._writer)
        while self._teller is not None and not self._teller.done():
            await asyncio.shield(self._teller)
            self._tell_settled()


def _read_all(updates: Sequence[Update]) -> list[Contents]:
    return [read(update) for update in updates]


def _load(
    updates: Sequence[Update], *, last_is_new: bool = False
) -> tuple[pycrdt.Doc[Any], dict[Update, Contents], set[Place]]:
    """The document of these updates, those of them it could not place yet, and the places in the
    midst of its characters. Raises Malformed where the last is not stored yet and is refused."""
    rows = {update: read(update) for update in mend(updates)}
    doc, refused = load_sound(list(rows))
    if last_is_new and next(reversed(rows)) in refused:
        raise Malformed("It would not be applied.")
    known = clocks(doc.get_state())
    early = {
        update: contents
        for update, contents in rows.items()
        if not contents.within(known) and not contents.refused(known)
    }
    return doc, early, set[Place]().union(*(contents.pairs for contents in rows.values()))
