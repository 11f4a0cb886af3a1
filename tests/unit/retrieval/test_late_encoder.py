"""An encoder that opens late: once, for whoever comes first, and with its fault told to all."""

import asyncio
import threading

import pytest

from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.late import LateEncoder
from retrieval.errors import WeightsError
from retrieval.memory import MemoryPassages
from retrieval.model import Passage, Query, Ranked, Run, Scope, Side
from retrieval.search import Searcher


class Closable(HashingEncoder):
    closed = False

    def close(self) -> None:
        self.closed = True


def late(opening: object) -> LateEncoder:
    known = HashingEncoder()
    return LateEncoder(opening, fingerprint=known.fingerprint, dimensions=known.dimensions)  # type: ignore[arg-type]  # tests raise from it


async def test_all_who_come_while_it_opens_share_one_opening() -> None:
    """Many texts at once open the encoder once, and one that gives up takes nothing away."""
    gate, openings = threading.Event(), []

    def opening() -> Closable:
        gate.wait()
        openings.append(1)
        return Closable()

    encoder = late(opening)
    assert not encoder.warm
    impatient = asyncio.create_task(encoder.encode(["a"], side=Side.QUERY))
    others = [asyncio.create_task(encoder.encode(["a"], side=Side.QUERY)) for _ in range(3)]
    await asyncio.sleep(0)
    impatient.cancel()
    gate.set()
    vectors = await asyncio.gather(*others)
    assert [vector.shape for vector in vectors] == [(1, encoder.dimensions)] * 3
    assert openings == [1]
    assert encoder.warm
    inside = await encoder.opened()
    await encoder.close()
    await encoder.close()
    assert isinstance(inside, Closable)
    assert inside.closed


async def test_what_opening_raised_is_told_to_every_caller() -> None:
    """Spoiled weights are named by the first text, by the second, and by health."""

    def opening() -> Closable:
        raise WeightsError("the weights are spoiled")

    encoder = late(opening)
    for _ in range(2):
        with pytest.raises(WeightsError, match="spoiled"):
            await encoder.encode(["a"], side=Side.QUERY)
    with pytest.raises(WeightsError, match="spoiled"):
        _ = encoder.warm
    await encoder.close()


async def test_one_never_used_is_closed_without_being_opened() -> None:
    """A start and a stop without a question load no weights."""

    def opening() -> Closable:
        raise AssertionError("opened for nothing")

    await late(opening).close()


class Words:
    name = "words"

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        return Run(self.name, (Ranked("p", 1.0),))


async def test_a_search_waits_for_the_opening_outside_its_deadline() -> None:
    """One that comes too early is answered by every leg, however short the legs' deadline."""
    gate = asyncio.Event()
    passage = Passage("p", "t", "s", "src", "v", 0, "words", 0, 5)
    searcher = Searcher([Words()], MemoryPassages([passage]), deadline_s=0.01, ready=gate.wait)
    asked = asyncio.create_task(searcher.search(Query("words"), scope=Scope("t", frozenset({"s"}))))
    done, _ = await asyncio.wait({asked}, timeout=0.05)
    assert not done
    gate.set()
    found = await asked
    assert [leg.state for leg in found.trace.legs] == ["ok"]
    assert [hit.passage.id for hit in found.hits] == ["p"]


async def test_telling_why_a_passage_is_not_shown_waits_for_the_opening_too() -> None:
    """Else the leg that is being opened would be said to be down."""
    opened: list[bool] = []

    class Late(Words):
        async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
            if not opened:
                raise WeightsError("not open yet")
            return await super().search(query, scope=scope, limit=limit)

    async def opening() -> None:
        opened.append(True)

    passage = Passage("p", "t", "s", "src", "v", 0, "words", 0, 5)
    searcher = Searcher([Late()], MemoryPassages([passage]), ready=opening)
    why = await searcher.why_not(Query("words"), "p", scope=Scope("t", frozenset({"s"})))
    assert [(leg.state, leg.rank) for leg in why.legs] == [("ok", 1)]


async def test_a_search_goes_on_when_the_opening_failed() -> None:
    """The other legs answer; the leg that lacks its encoder names the fault itself."""

    async def fails() -> None:
        raise WeightsError("the weights are spoiled")

    passage = Passage("p", "t", "s", "src", "v", 0, "words", 0, 5)
    searcher = Searcher([Words()], MemoryPassages([passage]), ready=fails)
    found = await searcher.search(Query("words"), scope=Scope("t", frozenset({"s"})))
    assert found.hits
