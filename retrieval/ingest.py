"""Passages into every leg: words first, so that they can be found, then meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from retrieval.errors import RetrievalError
from retrieval.model import Passage, SourceId, VersionHash
from retrieval.rebuild import Standing
from retrieval.shared import Shared

if TYPE_CHECKING:  # ports bring numpy, which a process that only reads files can spare
    from retrieval.ports import Leg

BATCH: Final = 32  # passages between two looks at cancellation; about a second of encoding


class LegsFailed(RetrievalError):
    """Some legs did not follow a change. ``failures`` has each one's name and what it said.

    The legs not named followed it whole; asking for the same change again completes the rest.
    """

    def __init__(self, failures: dict[str, Exception]) -> None:
        said = "; ".join(
            f"{leg}: {str(error) or type(error).__name__}" for leg, error in failures.items()
        )
        super().__init__(f"the change did not reach every leg ({said}); try again")
        self.failures = failures


class Ingester:
    """Feeds the lexical leg first and the others, which encode, after it and one by one.

    ``put`` does it all; ``words`` and ``meaning`` are its halves, for whoever has many sources and
    wants all of them found by words before any is encoded. Every step replaces by id, so a put
    that was cut short is simply put again.
    """

    def __init__(self, lexical: Leg, others: Sequence[Leg] = ()) -> None:
        self._lexical = lexical
        self._others = tuple(others)

    async def put(
        self,
        passages: Sequence[Passage],
        *,
        searchable: Callable[[], Awaitable[None]] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Index the passages; ``searchable`` is awaited as soon as they are found by words.

        ``progress`` hears how many passages are done in every leg together, and of how many. A
        failure of the lexical leg raises at once. When another leg fails the rest go on, and
        LegsFailed names it at the end. Cancelling takes effect between two batches.
        """
        many = len(passages)
        total = many * (1 + len(self._standing()))
        await self.words(passages)
        if progress is not None:
            progress(many, total)
        if searchable is not None:
            await searchable()
        await self.meaning(
            passages,
            progress=(lambda done, _: progress(many + done, total)) if progress else None,
        )

    async def words(self, passages: Sequence[Passage]) -> None:
        """The first half of ``put``: afterwards the passages are found by their words."""
        await self._lexical.put(passages)

    async def meaning(
        self, passages: Sequence[Passage], *, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """The second half of ``put``, which takes nearly all of its time."""
        others = self._standing()
        total = len(passages) * len(others)
        done = 0
        failures: dict[str, Exception] = {}
        for leg in others:
            for first in range(0, len(passages), BATCH):
                await asyncio.sleep(0)  # a leg that never waits must not hide a cancellation
                batch = passages[first : first + BATCH]
                try:
                    await leg.put(batch)
                except Exception as error:  # the other legs still take theirs
                    failures[leg.name] = error
                    break
                done += len(batch)
                if progress is not None:
                    progress(done, total)
        if failures:
            raise LegsFailed(failures)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        """Forget a source in every leg, or all but one version of it. Safe to repeat.

        Every leg is asked even when one fails; LegsFailed then names those that still know it.
        """
        failures: dict[str, Exception] = {}
        for leg in (self._lexical, *self._standing()):
            try:
                await leg.drop(source, keep=keep)
            except Exception as error:  # a dead leg must not keep the living ones from forgetting
                failures[leg.name] = error
        if failures:
            raise LegsFailed(failures)

    def _standing(self) -> Sequence[Leg]:
        """The other legs but those without an index now: what they miss is made from the store."""
        return [leg for leg in self._others if not _broken(leg)]


def _broken(leg: Leg) -> bool:
    asked = leg.leg if isinstance(leg, Shared) else leg
    return isinstance(asked, Standing) and asked.broken is not None
