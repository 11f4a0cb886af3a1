"""What a room asks of the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from collab.model import CloseReason, DocumentId, Projection, Snapshot, Stored, Update


class Channel(Protocol):
    """One visitor's connection: whole binary messages, in order."""

    async def send(self, message: bytes) -> None: ...

    async def close(self, reason: CloseReason) -> None: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class UpdateStore(Protocol):
    """Keeps documents. What a method did is durable when it returns."""

    async def load(self, document: DocumentId) -> Stored | None:
        """Snapshot first, then the tail, in order; None where there is no such document."""
        ...

    async def append(self, document: DocumentId, updates: Sequence[Update]) -> int:
        """Add these in order, all or none; the sequence number of the last."""
        ...

    async def compact(self, document: DocumentId, snapshot: Snapshot) -> None:
        """Put the snapshot in place of what it covers, in one transaction."""
        ...


class Settled(Protocol):
    """Told of a document that has come to rest after edits."""

    async def __call__(self, document: DocumentId, projection: Projection) -> None: ...
