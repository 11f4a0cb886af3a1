"""Twin questions, asked of a leg at once."""

from __future__ import annotations

import asyncio

from retrieval.memory import MemoryLexical
from retrieval.model import Query, Run, Scope
from retrieval.shared import Shared

SCOPE = Scope("acme", frozenset({"spc_1"}))
OTHER = Scope("acme", frozenset({"spc_2"}))


class Slow(MemoryLexical):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.asked: list[tuple[str, Scope, int]] = []
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.error = error

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.asked.append((query.text, scope, limit))
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return Run(f"{query.text} {limit}", ())


async def test_twins_are_asked_once_and_others_apart() -> None:
    """Same words, scope and limit share one search; any other scope has its own."""
    leg = Slow()
    shared = Shared(leg)
    asks = [("a", SCOPE, 5), ("a", SCOPE, 5), ("a", OTHER, 5), ("a", SCOPE, 6), ("b", SCOPE, 5)]
    tasks = [
        asyncio.create_task(shared.search(Query(text), scope=scope, limit=limit))
        for text, scope, limit in asks
    ]
    await leg.begun.wait()
    leg.go_on.set()
    runs = await asyncio.gather(*tasks)
    assert [run.leg for run in runs] == ["a 5", "a 5", "a 5", "a 6", "b 5"]
    assert sorted(leg.asked, key=str) == sorted(set(asks), key=str)


async def test_an_answer_is_not_kept() -> None:
    """Asked again later, the leg is asked again."""
    leg = Slow()
    leg.go_on.set()
    shared = Shared(leg)
    for _ in range(2):
        await shared.search(Query("a"), scope=SCOPE, limit=5)
    assert len(leg.asked) == 2


async def test_one_who_leaves_does_not_take_the_others_answer() -> None:
    """The search goes on for whoever still waits, and ends when nobody does."""
    leg = Slow()
    shared = Shared(leg)
    first, second = (
        asyncio.create_task(shared.search(Query("a"), scope=SCOPE, limit=5)) for _ in range(2)
    )
    await leg.begun.wait()
    first.cancel()
    await asyncio.wait([first])
    leg.go_on.set()
    assert (await second).leg == "a 5"
    assert leg.cancelled == 0

    leg.go_on.clear()
    leg.begun.clear()
    alone = asyncio.create_task(shared.search(Query("a"), scope=SCOPE, limit=5))
    await leg.begun.wait()
    alone.cancel()
    await asyncio.wait([alone])
    again = asyncio.create_task(shared.search(Query("a"), scope=SCOPE, limit=5))
    leg.go_on.set()
    assert (await again).leg == "a 5"
    assert leg.cancelled == 1


async def test_a_failure_reaches_all_who_wait() -> None:
    """Each of the twins hears why, and the next to ask is served anew."""
    leg = Slow(ValueError("engine is down"))
    shared = Shared(leg)
    leg.go_on.set()
    answers = await asyncio.gather(
        *(shared.search(Query("a"), scope=SCOPE, limit=5) for _ in range(2)),
        return_exceptions=True,
    )
    assert [str(answer) for answer in answers] == ["engine is down"] * 2
    leg.error = None
    assert (await shared.search(Query("a"), scope=SCOPE, limit=5)).leg == "a 5"
