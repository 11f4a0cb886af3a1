"""What a room asks of the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from collab.model import CloseReason, DocumentId, Head, Projection, Snapshot, Stored, Update


class Channel(Protocol):
    """One visitor's connection: whole binary messages, in order."""

    async def send(self, message: bytes) -> None: ...

    def offer(self, message: bytes) -> bool:
        """Send it now, where it need not wait for what was sent before. False: it was not sent."""
        ...

    async def close(self, reason: CloseReason) -> None: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class UpdateStore(Protocol):
    """Keeps documents. What a method did is durable when it returns.

    Several processes may write to one document: the store numbers their updates in one row.
    ``UnknownDocument`` where there is none to write to, ``OtherEpoch`` where it is another one by
    now.
    """

    async def load(self, document: DocumentId) -> Stored | None:
        """Snapshot first, then the tail, in order; None where there is no such document."""
        ...

    async def since(self, document: DocumentId, number: int) -> Stored | None:
        """Only what came after this number, led by the snapshot where that has taken some of it.

        ``last`` is then the highest number among it, or this one.
        """
        ...

    async def heads(self, documents: Sequence[DocumentId]) -> Mapping[DocumentId, Head]:
        """How far each is; those that do not exist are left out."""
        ...

    async def append(self, document: DocumentId, updates: Sequence[Update], *, epoch: str) -> int:
        """Add these in order, all or none; the number of the last.

        It is higher than expected where another process has appended meanwhile.
        """
        ...

    async def compact(self, document: DocumentId, snapshot: Snapshot, *, epoch: str) -> None:
        """Put the snapshot in place of what it covers, in one transaction.

        Nothing happens where one that covers as much is there already.
        """
        ...


Hears: TypeAlias = Callable[[bytes | None], None]
"""Is told a message; None where some may have been lost, because the bus was away."""


class Bus(Protocol):
    """Carries messages between processes. It may lose them; it does not alter or reorder those of
    one sender."""

    @property
    def payload_bytes(self) -> int:
        """The largest message; ``ValueError`` for a larger one."""
        ...

    @property
    def away(self) -> bool:
        """Whether messages are being lost now."""
        ...

    def publish(self, topic: str, message: bytes) -> None:
        """Tell the other processes, without waiting; never oneself."""
        ...

    async def subscribe(self, topic: str, hears: Hears) -> Callable[[], Awaitable[None]]:
        """From the return on, every message of the topic is heard; what is returned ends that.

        Where the bus is away it returns at once, and ``hears`` is called with None later.
        """
        ...


class Settled(Protocol):
    """Told of a document that has come to rest after edits."""

    async def __call__(self, document: DocumentId, projection: Projection) -> None: ...
