"""In-memory twins of the ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from collab.errors import UnknownDocument
from collab.model import CloseReason, DocumentId, Snapshot, Stored, Update


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
        if document not in self._epochs:
            return None
        snapshot, tail = self._snapshots.get(document), self._tails[document]
        updates = (*((snapshot.update,) if snapshot else ()), *(update for _, update in tail))
        last = tail[-1][0] if tail else snapshot.through if snapshot else 0
        return Stored(self._epochs[document], updates, last)

    async def append(self, document: DocumentId, updates: Sequence[Update]) -> int:
        stored = await self.load(document)
        if stored is None:
            raise UnknownDocument(f"There is no document {document!r}; it may have been deleted.")
        tail = self._tails[document]
        tail.extend((stored.last + n, update) for n, update in enumerate(updates, 1))
        return stored.last + len(updates)

    async def compact(self, document: DocumentId, snapshot: Snapshot) -> None:
        if document not in self._epochs:
            raise UnknownDocument(f"There is no document {document!r}; it may have been deleted.")
        held = self._snapshots.get(document)
        if held is not None and held.through >= snapshot.through:
            return
        self._snapshots[document] = snapshot
        self._tails[document] = [
            entry for entry in self._tails[document] if entry[0] > snapshot.through
        ]


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
