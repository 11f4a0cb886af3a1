"""The lexical index leaves out what holds for every passage it has, and never more than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrieval.model import Passage, Query, Scope
from retrieval.stores.tantivy import FEW, SPARE, Tantivy


def passage(id: str, *, tenant: str = "acme", space: str = "s0", source: str = "a") -> Passage:
    text = "margins rose"
    return Passage(id, tenant, space, source, "v" * 64, 0, text, 0, len(text))


def scope(*spaces: str, tenant: str = "acme") -> Scope:
    return Scope(tenant, frozenset(spaces))


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Tantivy]:
    opened = Tantivy.open(tmp_path / "lexical")
    yield opened
    opened.close()


async def found(index: Tantivy, scope: Scope, limit: int = 100) -> set[str]:
    run = await index.search(Query("margins"), scope=scope, limit=limit)
    held = await index.holding(Query("margins"), ["margins rose"], scope=scope, limit=limit)
    assert {line.passage for line in run.ranked} == set(held)
    return set(held)


async def test_another_owner_s_passages_are_left_out_from_the_change_that_brings_them(
    index: Tantivy,
) -> None:
    await index.put([passage("own")])
    assert await found(index, scope("s0")) == {"own"}
    await index.put([passage("theirs", tenant="other"), passage("hidden", space="s1")])
    assert await found(index, scope("s0")) == {"own"}
    assert await found(index, scope("s0", "s1")) == {"own", "hidden"}
    assert await found(index, scope("s0", tenant="other")) == {"theirs"}
    assert await found(index, scope("s0", tenant="nobody")) == set()


async def test_what_another_owner_puts_is_never_seen_while_it_comes(index: Tantivy) -> None:
    await index.put([passage("own")])

    async def come() -> None:
        for number in range(20):
            await index.put([passage(f"theirs{number}", tenant="other", space=f"s{number}")])

    coming = asyncio.create_task(come())
    while not coming.done():
        assert await found(index, scope("s0")) == {"own"}
    await coming


async def test_owners_are_known_after_an_index_is_opened_again(tmp_path: Path) -> None:
    first = Tantivy.open(tmp_path / "lexical")
    await first.put([passage("own"), passage("theirs", tenant="other")])
    first.close()
    again = Tantivy.open(tmp_path / "lexical")
    assert await found(again, scope("s0")) == {"own"}
    again.close()


@pytest.mark.parametrize("many", [1, 2, FEW, FEW + 1])
async def test_a_scope_of_few_spaces_and_of_many_finds_theirs_alone(
    index: Tantivy, many: int
) -> None:
    await index.put([passage(f"p{number}", space=f"s{number}") for number in range(FEW + 3)])
    own = scope(*(f"s{number}" for number in range(many)))
    assert await found(index, own) == {f"p{number}" for number in range(many)}


@pytest.mark.parametrize("more", [SPARE, SPARE + 1, 20 * SPARE])
async def test_equal_passages_stand_by_id_however_many_there_are(index: Tantivy, more: int) -> None:
    await index.put([passage(f"p{number:04d}") for number in reversed(range(3 + more))])
    run = await index.search(Query("margins"), scope=scope("s0"), limit=3)
    assert [line.passage for line in run.ranked] == ["p0000", "p0001", "p0002"]


async def test_a_word_that_comes_with_a_later_passage_is_found(index: Tantivy) -> None:
    """That no passage has a term is remembered for as long as it is so."""
    await index.put([passage("own")])
    asked = Query("retention")
    assert (await index.search(asked, scope=scope("s0"), limit=3)).ranked == ()
    text = "Retention fell."
    await index.put([Passage("new", "acme", "s0", "b", "v" * 64, 0, text, 0, len(text))])
    run = await index.search(asked, scope=scope("s0"), limit=3)
    assert [line.passage for line in run.ranked] == ["new"]
