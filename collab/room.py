"""One document's life: load, serve, take in, store, settle, end.

A room works on one event loop. A small message is handled from first byte to last without another
coming between. What is large is worked on in a thread, while nobody else touches the document; and
what may wait, the store and the sockets, is in tasks of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from collab.awareness import Awareness
from collab.blocks import is_of_library, project
from collab.contents import Contents
from collab.errors import OtherEpoch, UnknownDocument
from collab.fanout import Fanout
from collab.guard import Guard
from collab.journal import Journal, Taken
from collab.model import CloseReason, DocumentId, Limits, Projection, Snapshot, Stored, Update
from collab.ports import Settled, UpdateStore
from collab.reception import Reception
from collab.relay import Relay
from collab.replica import HALVED, NOTHING, Broken, News, Replica
from collab.replication import Replication
from collab.settling import Settling
from collab.visitor import Visitor

log = logging.getLogger(__name__)


class Room:
    """A document in memory and the visitors who share it."""

    def __init__(
        self,
        document: DocumentId,
        store: UpdateStore,
        stored: Stored,
        replica: Replica,
        *,
        limits: Limits,
        relay: Relay,
        on_settled: Settled | None = None,
    ) -> None:
        self.document = document
        self.epoch = stored.epoch
        self.closed = False
        self.ended = asyncio.Event()
        self.vacant = asyncio.Event()  # since ``left_at``
        self.vacant.set()
        self.left_at = asyncio.get_running_loop().time()
        self._limits = limits
        self._relay = relay
        self._fanout = Fanout()
        self._journal = Journal(document, store, stored, limits=limits, relay=relay)
        self.awareness = Awareness(limits, self._fanout, relay)
        self.settling = Settling(self, limits, relay, on_settled)
        self.reception = Reception(self, self.awareness, limits)
        self.replication = Replication(
            self, self._journal, self.awareness, self.settling, limits=limits, relay=relay
        )
        self._work = asyncio.Event()
        self.guard = Guard(document, replica, self.wake)
        self._halving: Taken | None = None  # what cuts a character in two, until it is made again
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
            replica = await asyncio.to_thread(Replica.of, stored.updates)
            room = cls(
                document, store, stored, replica, limits=limits, relay=relay, on_settled=on_settled
            )
        except BaseException:
            await relay.close()
            raise
        relay.hand_to(room.replication.hear)
        relay.ask()
        return room

    async def leave_the_bus(self) -> None:
        await self._relay.close()

    @property
    def visitors(self) -> set[Visitor]:
        return self._fanout.visitors

    @property
    def through(self) -> int:
        """Every stored update up to this number is part of the document."""
        return self._journal.rows.through

    def wake(self) -> None:
        """There is something to do beside the visitors."""
        self._work.set()

    async def serve(self, visitor: Visitor) -> None:
        """Attend to a visitor until it leaves or is dropped."""
        if self.closed:
            visitor.drop(CloseReason.GOING_AWAY)
        elif len(self.visitors) >= self._limits.visitors:
            visitor.drop(CloseReason.FULL)
        self.visitors.add(visitor)
        self.vacant.clear()
        try:
            await visitor.attend(self)
        finally:
            self.visitors.discard(visitor)
            self.awareness.forget(visitor)
            if not self.visitors:
                self.left_at = asyncio.get_running_loop().time()
                self.vacant.set()
                self.settling.soon()

    # The document

    @property
    def replica(self) -> Replica:
        return self.guard.replica

    async def ready(self) -> None:
        """Wait until the document is free, and not too much is applied that is not stored."""
        while not (self._journal.drained.is_set() and self.guard.free):
            await self._journal.drained.wait()
            await self.guard.until_free()

    async def encode(self, state: bytes, then: Callable[[Update], None]) -> None:
        """Hand over what the document has beyond ``state``, before anybody changes it.

        ``Malformed`` for no state vector, ``Broken`` where the library cannot say.
        """
        apart = self.replica.slow_to_say(state)
        await self.guard.on(lambda replica: replica.beyond(state), then, apart=apart)

    async def take(self, visitor: Visitor, update: Update, contents: Contents) -> None:
        """Take in what a visitor sent, tell the others, and leave it to the writer."""
        received = visitor.received

        def pass_on(news: News) -> None:
            if news is HALVED:
                # The next message of anybody waits until the document is made with it.
                self._halving = Taken(update, visitor, received)
                self.guard.give_up()
                return
            self._pass_on(Taken(news, visitor, received))
            if update in self.replica.early:
                self.reception.ask(visitor)

        apart = self.replica.slow_to_take(update, contents)
        await self.guard.on(lambda replica: replica.take(update, contents), pass_on, apart=apart)

    async def adopt(self, update: Update, contents: Contents) -> bool:
        """Take in what another process has stored; False where the document has to be remade."""
        if not await self.guard.whole_when_idle():
            return False
        apart = self.replica.slow_to_take(update, contents)
        await self.guard.on(
            lambda replica: replica.take(update, contents), self._adopted, apart=apart
        )
        return self.guard.whole

    def adopt_now(self, update: Update, contents: Contents) -> bool:
        """The same at once; False also where that would take long."""
        if not self.guard.free or self.replica.slow_to_take(update, contents):
            return False
        self._adopted(self.guard.now(lambda replica: replica.take(update, contents)))
        return self.guard.whole

    def _pass_on(self, taken: Taken) -> None:
        if taken.update is not None:
            self.awareness.editors.note(taken.visitor)
            self.settling.edited()
            self._fanout.update(taken.update, but=taken.visitor)
        self._journal.add(taken)
        self._work.set()

    def _adopted(self, news: News) -> None:
        if news is HALVED:
            self.guard.give_up()
        elif news is not None:
            self._fanout.update(news)
            self.settling.edited_elsewhere()

    # The writer

    async def _write(self) -> None:
        """The single writer: appends in order, says "saved", compacts."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._journal.waiting:
                    await self._journal.write_batch()
                    self.replication.await_gap()
                    if self._journal.overlong:  # edited without pause
                        await self._compact()
                if self.replication.due:
                    await self.replication.catch_up()
                if self.guard.idle and not self.guard.whole:
                    await self._reload()
                if self.settling.due:
                    self.settling.due = False
                    if self._journal.worth_compacting(last_chance=not self.visitors):
                        await self._compact()
                    self.settling.tell()
                if self.closed and self.guard.idle and not self._journal.waiting:
                    return
        except UnknownDocument:
            log.info("The document %s was deleted while it was open", self.document)
            self.evict(CloseReason.GONE)
        except OtherEpoch as error:
            log.warning("%s Its visitors are asked to come back.", error)
            self.evict(CloseReason.CHANGED)
        except Exception:
            # Visitors return to a room loaded from the store, and bring what it does not have.
            log.exception("The document %s could not be stored", self.document)
            self.evict(CloseReason.STORE_FAILED)
        finally:
            self.closed = True
            self.replication.close()
            self.settling.settled_elsewhere()
            self._journal.drained.set()
            self.guard.close()
            self.ended.set()

    async def _reload(self) -> None:
        stored = await self._journal.load()
        # Of what others stored, the visitors here have heard nothing yet.
        news = (await self._journal.lacking()).updates if stored.last > self.through else ()
        halving, self._halving = self._halving, None
        if halving is None or halving.update is None:
            replica = await asyncio.to_thread(Replica.of, stored.updates)
        else:
            try:
                updates = (*stored.updates, halving.update)
                replica = await asyncio.to_thread(Replica.of, updates, last_is_new=True)
            except BaseException as error:
                if not is_of_library(error):
                    raise
                log.info("A visitor of %s sent what cannot be applied: %s", self.document, error)
                halving.visitor.drop(CloseReason.MALFORMED)
                replica = await asyncio.to_thread(Replica.of, stored.updates)
                halving = None
        self._journal.rows.reach(stored.last)
        self.guard.replace(replica)
        for update in news:
            self._fanout.update(update)
        if halving is not None:
            self._pass_on(halving)

    async def _compact(self) -> None:
        if not await self.guard.whole_when_idle():  # another time, when it is made again
            return
        through = self.through
        try:
            update = await self._encoded()
        except Broken:
            return
        await self._journal.compact(Snapshot(update, through), self.replica.early)
        self.replication.await_gap()

    async def _encoded(self) -> Update:
        encoded: list[Update] = []
        await self.encode(NOTHING, encoded.append)
        return encoded[0]

    async def projection(self) -> Projection:
        """The document as it stands, read in a thread from a copy."""
        await self.guard.until_free()
        try:
            update = await self._encoded()
        except Broken:
            await self.guard.until_free()
            update = await self._encoded()
        return await asyncio.to_thread(project, (update,))

    # Endings

    def evict(self, reason: CloseReason) -> None:
        """Stop at once: everybody out, what is not stored dropped."""
        self.closed = True
        self._journal.forget()
        self._halving = None
        self.settling.due = False
        self._journal.drained.set()
        self.guard.close()
        for visitor in list(self.visitors):
            visitor.drop(reason)
        self._work.set()

    async def close(self, reason: CloseReason) -> None:
        """Take no more, store what was taken, then end."""
        self.closed = True
        for visitor in list(self.visitors):
            visitor.drop(reason)
        self.awareness.close()
        self.settling.close()
        self._work.set()
        await asyncio.shield(self._writer)
        await self.settling.finish()
