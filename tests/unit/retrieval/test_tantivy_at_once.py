"""What the lexical index searches where it is asked, and that it finds there what it would."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.model import Passage, Query, Scope
from retrieval.stores import tantivy
from retrieval.stores.tantivy import AT_ONCE, SHALLOW, SHORT, SPARE, Tantivy, at_once

OURS = Scope("acme", frozenset({"s0", "s1"}))
WORDS = ("margin", "price", "tariff", "copper", "zinc", "demand", "supply", "rail", "audit")


def passage(number: int, text: str) -> Passage:
    space = f"s{number % 3}"
    return Passage(f"p{number:04d}", "acme", space, "a", "v" * 64, number, text, 0, len(text))


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Tantivy]:
    opened = Tantivy.open(tmp_path / "lexical")
    yield opened
    opened.close()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that searched, by name."""
    names: list[str] = []
    search = Tantivy._search

    def noted(*given: Any, **named: Any) -> Any:
        names.append(threading.current_thread().name)
        return search(*given, **named)

    monkeypatch.setattr(Tantivy, "_search", noted)
    return names


async def test_it_finds_here_what_a_thread_finds(
    index: Tantivy, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same passages with the same scores, in one space, in two and in all."""
    chance = random.Random(1)
    texts = [" ".join(chance.choices(WORDS, k=chance.randrange(3, 30))) for _ in range(300)]
    await index.put([passage(number, text) for number, text in enumerate(texts)])
    for _ in range(30):
        query = Query(" ".join(chance.choices(WORDS, k=3)), "en")
        for spaces in (["s0"], ["s0", "s1"], ["s0", "s1", "s2"]):
            scope = Scope("acme", frozenset(spaces))
            monkeypatch.setattr(tantivy, "AT_ONCE", 300)
            here = await index.search(query, scope=scope, limit=20)
            monkeypatch.setattr(tantivy, "AT_ONCE", 299)
            assert await index.search(query, scope=scope, limit=20) == here
            # The last may be two: a tie at the cut is looked at again, in a thread.
            assert threads[0] == "MainThread"
            assert threads[-1].startswith("bm25-searches")
            threads.clear()


async def test_a_long_tie_is_looked_at_in_a_thread(index: Tantivy, threads: list[str]) -> None:
    """As many equal ones as are fetched may be more: the smallest ids are found."""
    for more, where in ((0, ["MainThread"]), (1, ["MainThread", "bm25-searches_0"])):
        await index.put([passage(3 * number, "copper") for number in range(3 + SPARE + more - 1)])
        threads.clear()
        run = await index.search(Query("copper", "en"), scope=OURS, limit=3)
        assert [line.passage for line in run.ranked] == ["p0000", "p0003", "p0006"]
        assert threads == where


@pytest.mark.parametrize(
    ("passages", "characters", "limit", "here"),
    [
        (AT_ONCE, SHORT, SHALLOW, True),
        (AT_ONCE + 1, 1, 1, False),
        (1, SHORT + 1, 1, False),
        (1, 1, SHALLOW + 1, False),
    ],
)
def test_what_is_short(passages: int, characters: int, limit: int, here: bool) -> None:
    """At each limit, and one past it."""
    assert at_once(passages, Query("x" * characters), OURS, limit) is here


def test_a_scope_of_sources_or_passages_is_not_short() -> None:
    """It may name thousands, each of which the engine looks up."""
    for scope in (
        Scope("acme", OURS.spaces, sources=frozenset({"a"})),
        Scope("acme", OURS.spaces, passages=frozenset({"p0000"})),
    ):
        assert not at_once(1, Query("x"), scope, 1)
