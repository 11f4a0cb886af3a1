"""All the legs of the search as one thing to feed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from retrieval.model import Passage, SourceId, VersionHash
from retrieval.ports import Index

FEED = 64  # passages put into a slow leg at a time, between two words about progress


class AllLegs:
    """Feeds legs one after another, in the order they are given: words first."""

    def __init__(self, legs: Sequence[Index]) -> None:
        self._legs = tuple(legs)

    async def put(
        self,
        passages: Sequence[Passage],
        *,
        searchable: Callable[[], Awaitable[None]],
        progress: Callable[[int, int], None],
    ) -> None:
        """Index in every leg; ``searchable`` is said as soon as the first one holds them all."""
        first, *others = self._legs
        await first.put(passages)
        await searchable()
        total = len(passages) * max(1, len(others))
        done = 0
        for leg in others:
            for begin in range(0, len(passages), FEED):
                part = passages[begin : begin + FEED]
                await leg.put(part)
                done += len(part)
                progress(done, total)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        for leg in self._legs:
            await leg.drop(source, keep=keep)
