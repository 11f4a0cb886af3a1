"""One at a time at a room's document: on the event loop where that is quick, else in a thread.

The CRDT library holds the interpreter lock for its own share, which a thread cannot help: placing
20,000 scattered edits at once takes it some 30 ms. Reading them, which takes six times as long, and
putting them in order do not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from collab.model import DocumentId
from collab.replica import Replica

log = logging.getLogger(__name__)

T = TypeVar("T")


class Guard:
    """Holds the replica. It is ``free`` while it is whole and no thread is at it; whoever wants to
    work on it sees to that first, and says ``on`` what without waiting in between."""

    def __init__(self, document: DocumentId, replica: Replica, wake: Callable[[], None]) -> None:
        self.replica = replica
        self._document = document
        self._wake = wake
        self._whole, self._idle = asyncio.Event(), asyncio.Event()
        self._whole.set()
        self._idle.set()
        self._apart: asyncio.Task[None] | None = None  # held, for a loop holds tasks weakly

    @property
    def free(self) -> bool:
        return self.whole and self.idle

    @property
    def whole(self) -> bool:
        """Whether the replica need not be made again."""
        return self._whole.is_set()

    @property
    def idle(self) -> bool:
        """Whether no thread is at it."""
        return self._idle.is_set()

    async def until_free(self) -> None:
        while not self.free:
            await self._whole.wait()
            await self._idle.wait()

    async def whole_when_idle(self) -> bool:
        """For whoever makes it again, and would wait for itself until it is free."""
        while not self.idle:
            await self._idle.wait()
        return self.whole

    async def on(
        self, work: Callable[[Replica], T], then: Callable[[T], None], *, apart: bool
    ) -> None:
        """Work on the replica, and go on from there on the loop before anybody else does.

        ``apart`` in a thread. That goes on to its end although whoever waits for it is cancelled.
        """
        assert self.idle
        if not apart:
            then(self.now(work))
            return
        self._idle.clear()
        self._apart = asyncio.create_task(self._work_apart(work, then))
        await asyncio.shield(self._apart)

    def now(self, work: Callable[[Replica], T]) -> T:
        try:
            return work(self.replica)
        finally:
            self._look_whether_broken()

    async def _work_apart(self, work: Callable[[Replica], T], then: Callable[[T], None]) -> None:
        try:
            then(await asyncio.to_thread(work, self.replica))
        finally:
            self._idle.set()
            self._look_whether_broken()
            self._wake()

    def _look_whether_broken(self) -> None:
        if self.replica.broken is not None and self.whole:
            log.warning("The document %s broke: %s", self._document, self.replica.broken)
            self.give_up()

    def give_up(self) -> None:
        """Have the replica made again from the store: all that was taken is stored or waits to
        be."""
        self._whole.clear()
        self._wake()

    def replace(self, replica: Replica) -> None:
        """Here it is, whole."""
        self.replica = replica
        self._whole.set()

    def close(self) -> None:
        """Let nobody wait for one that is not made any more."""
        self._whole.set()
