"""In-memory twins of the ports."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from collab.errors import OtherEpoch, UnknownDocument
from collab.model import CloseReason, DocumentId, Head, Snapshot, Stored, Update
from collab.ports import Hears


class MemoryStore:
    """Keeps documents as long as the process lives, by the same rules as a durable store."""

    def __init__(self) -> None:
        self._epochs: dict[DocumentId, str] = {}
        self._snapshots: dict[DocumentId, Snapshot] = {}
        self._tails: dict[DocumentId, list[tuple[int, Update]]] = {}

    async def create(self, document: DocumentId, *, epoch: str, seed: Update) -> None:
        """Begin a document with its first update; one of the same id is replaced."""
        self._epochs[document] = epoch
        self._snapshots.pop(document, None)
        self._tails[document] = [(1, seed)]

    async def delete(self, document: DocumentId) -> None:
        self._epochs.pop(document, None)
        self._snapshots.pop(document, None)
        self._tails.pop(document, None)

    async def load(self, document: DocumentId) -> Stored | None:
        return await self.since(document, 0)

    async def since(self, document: DocumentId, number: int) -> Stored | None:
        if document not in self._epochs:
            return None
        snapshot, tail = self._snapshots.get(document), self._tails[document]
        covered = snapshot is not None and snapshot.through > number
        updates = (
            *((snapshot.update,) if snapshot and covered else ()),
            *(update for at, update in tail if at > number),
        )
        return Stored(self._epochs[document], updates, max(number, self._last(document)))

    async def heads(self, documents: Sequence[DocumentId]) -> Mapping[DocumentId, Head]:
        return {
            document: Head(self._epochs[document], self._last(document))
            for document in documents
            if document in self._epochs
        }

    async def append(self, document: DocumentId, updates: Sequence[Update], *, epoch: str) -> int:
        self._check(document, epoch)
        last = self._last(document)
        self._tails[document].extend(enumerate(updates, last + 1))
        return last + len(updates)

    async def compact(self, document: DocumentId, snapshot: Snapshot, *, epoch: str) -> None:
        self._check(document, epoch)
        held = self._snapshots.get(document)
        if held is not None and held.through >= snapshot.through:
            return
        self._snapshots[document] = snapshot
        self._tails[document] = [
            entry for entry in self._tails[document] if entry[0] > snapshot.through
        ]

    def _last(self, document: DocumentId) -> int:
        snapshot, tail = self._snapshots.get(document), self._tails[document]
        return tail[-1][0] if tail else snapshot.through if snapshot else 0

    def _check(self, document: DocumentId, epoch: str) -> None:
        if document not in self._epochs:
            raise UnknownDocument(f"There is no document {document!r}; it may have been deleted.")
        if self._epochs[document] != epoch:
            raise OtherEpoch(f"The document {document!r} was rebuilt.")


class MemoryExchange:
    """Joins the buses of several "processes" in one."""

    def __init__(self) -> None:
        self.buses: list[MemoryBus] = []
        self.away = False

    def cut(self) -> None:
        """Messages are lost from here on."""
        self.away = True

    def mend(self) -> None:
        self.away = False
        for bus in self.buses:
            bus.tell_missed()


class MemoryBus:
    """One process's bus; messages arrive when the loop next turns."""

    payload_bytes = 128 * 1024

    def __init__(self, exchange: MemoryExchange) -> None:
        self._exchange = exchange
        self._listeners: dict[str, list[Hears]] = defaultdict(list)
        exchange.buses.append(self)

    @property
    def away(self) -> bool:
        return self._exchange.away

    def publish(self, topic: str, message: bytes) -> None:
        if len(message) > self.payload_bytes:
            raise ValueError(f"A message of {len(message)} bytes is past {self.payload_bytes}.")
        if self._exchange.away:
            return
        loop = asyncio.get_running_loop()
        for bus in self._exchange.buses:
            if bus is not self:
                loop.call_soon(bus._deliver, topic, message)

    async def subscribe(self, topic: str, hears: Hears) -> Callable[[], Awaitable[None]]:
        self._listeners[topic].append(hears)

        async def end() -> None:
            self._listeners[topic].remove(hears)

        return end

    def tell_missed(self) -> None:
        for listeners in self._listeners.values():
            for hears in listeners:
                hears(None)

    def _deliver(self, topic: str, message: bytes) -> None:
        for hears in list(self._listeners[topic]):
            hears(message)


class MemoryChannel:
    """The server's end of a connection; ``client`` methods are the visitor's end."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.closed: CloseReason | None = None

    async def send(self, message: bytes) -> None:
        await self._flowing.wait()
        self._outbox.put_nowait(message)

    def offer(self, message: bytes) -> bool:
        if not self._flowing.is_set() or self.closed is not None:
            return False
        self._outbox.put_nowait(message)
        return True

    async def close(self, reason: CloseReason) -> None:
        if self.closed is None:
            self.closed = reason
            self._outbox.put_nowait(None)
            self._inbox.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._inbox.get()) is not None:
            yield message

    def client_send(self, message: bytes) -> None:
        self._inbox.put_nowait(message)

    async def client_receive(self) -> bytes | None:
        """The next message, or None once the server has closed."""
        return await self._outbox.get()

    def client_leave(self) -> None:
        self._inbox.put_nowait(None)

    def stall(self) -> None:
        """From here on the visitor reads nothing."""
        self._flowing.clear()
