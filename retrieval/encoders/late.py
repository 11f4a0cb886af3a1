"""A dense encoder that opens when it is first needed, so that a start does not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.model import Side
from retrieval.ports import DenseEncoder


class ClosableEncoder(DenseEncoder, Protocol):
    def close(self) -> None: ...


class LateEncoder:
    """What is known of an encoder before it is open; the rest waits for the opening.

    ``opening`` blocks and runs in a thread, once: on ``warm`` or with the first text. What it
    raises is raised by every call that needs the encoder.
    """

    def __init__(
        self, opening: Callable[[], ClosableEncoder], *, fingerprint: str, dimensions: int
    ) -> None:
        self.fingerprint = fingerprint
        self.dimensions = dimensions
        self._open = opening
        self._opening: asyncio.Task[ClosableEncoder] | None = None

    @property
    def warm(self) -> bool:
        """Whether it is open. Raises what opening it raised."""
        if self._opening is None or not self._opening.done():
            return False
        self._opening.result()
        return True

    async def opened(self) -> ClosableEncoder:
        """The encoder itself, opened by now."""
        if self._opening is None:
            self._opening = asyncio.create_task(asyncio.to_thread(self._open), name="open encoder")
        # Whoever asked first may leave; the others still want it.
        return await asyncio.shield(self._opening)

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        return await (await self.opened()).encode(texts, side=side)

    async def close(self) -> None:
        """Close what was opened. Safe to repeat."""
        if self._opening is None:
            return
        await asyncio.wait({self._opening})
        if not self._opening.cancelled() and self._opening.exception() is None:
            await asyncio.to_thread(self._opening.result().close)
