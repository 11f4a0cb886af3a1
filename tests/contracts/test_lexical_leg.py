"""What every lexical leg promises: the in-memory twin, tantivy and OpenSearch alike."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import IndexInUse, IndexMismatch, RetrievalError
from retrieval.memory import MemoryLexical
from retrieval.model import Passage, PassageId, Query, Run, Scope, SourceId, VersionHash
from retrieval.ports import Leg
from retrieval.search import HoldsPhrases
from retrieval.spelling import MAX_UNKNOWN, Spells
from retrieval.stores.opensearch import OpenSearch, Server
from retrieval.stores.opensearch_generations import OpenSearchGenerations
from retrieval.stores.tantivy import Tantivy

OpenLeg = Callable[[], AbstractAsyncContextManager[Leg]]
V1, V2 = "a" * 64, "b" * 64
ALL = Scope("acme", frozenset({"s1"}))


def passage(
    ordinal: int,
    text: str,
    *,
    tenant: str = "acme",
    space: str = "s1",
    source: SourceId = "src_1",
    version: VersionHash = V1,
    headings: tuple[str, ...] = (),
    language: str = "en",
) -> Passage:
    id = f"{source}.{version[:12]}.{ordinal:05d}"
    return Passage(
        id, tenant, space, source, version, ordinal, text, 0, len(text), "", headings,
        language=language,
    )  # fmt: skip


def ids(run: Run) -> list[PassageId]:
    return [line.passage for line in run.ranked]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Leg]:
    yield MemoryLexical()


@asynccontextmanager
async def on_disk() -> AsyncIterator[Leg]:
    with TemporaryDirectory() as folder:
        leg = await asyncio.to_thread(Tantivy.open, Path(folder) / "lexical")
        try:
            yield leg
        finally:
            await asyncio.to_thread(leg.close)


@asynccontextmanager
async def on_server(address: str) -> AsyncIterator[Leg]:
    """An index of its own, which looks for new passages often so that no put waits for long."""
    name = f"lexical-{secrets.token_hex(6)}"
    leg = await asyncio.to_thread(lambda: OpenSearch.open(Server(address), name, refresh="20ms"))
    try:
        yield leg
    finally:
        await asyncio.to_thread(leg.close)
        await asyncio.to_thread(OpenSearchGenerations(Server(address), name).erase)


@pytest.fixture(params=["memory", "tantivy", "opensearch"])
def open_leg(request: pytest.FixtureRequest) -> OpenLeg:
    match request.param:
        case "memory":
            return in_memory
        case "tantivy":
            return on_disk
        case _:
            return partial(on_server, request.getfixturevalue("opensearch_address"))


@pytest.fixture
async def leg(open_leg: OpenLeg) -> AsyncIterator[Leg]:
    async with open_leg() as opened:
        yield opened


async def test_what_was_put_is_found_at_once_by_any_form_of_its_words(leg: Leg) -> None:
    await leg.put([passage(0, "The policies were changed."), passage(1, "Margins fell.")])
    run = await leg.search(Query("policy CHANGES"), scope=ALL, limit=5)
    assert ids(run) == [passage(0, "").id]
    assert run.leg == leg.name == "bm25"


async def test_headings_find_a_passage(leg: Leg) -> None:
    await leg.put([passage(0, "It rose by a tenth.", headings=("Market size",))])
    assert ids(await leg.search(Query("market"), scope=ALL, limit=5)) == [passage(0, "").id]


async def test_the_same_id_replaces_also_within_one_put(leg: Leg) -> None:
    await leg.put([passage(0, "apples"), passage(0, "pears")])
    await leg.put([passage(0, "plums")])
    assert await leg.count() == 1
    assert ids(await leg.search(Query("apples pears"), scope=ALL, limit=5)) == []
    assert ids(await leg.search(Query("plums"), scope=ALL, limit=5)) == [passage(0, "").id]


async def test_drop_forgets_a_source_and_no_other_and_may_be_repeated(leg: Leg) -> None:
    kept = passage(0, "apples", source="src_2")
    await leg.put([passage(0, "apples"), passage(1, "apples"), kept])
    for _ in range(2):
        await leg.drop("src_1")
        assert await leg.count() == 1
        assert ids(await leg.search(Query("apples"), scope=ALL, limit=5)) == [kept.id]


async def test_drop_keeps_the_version_it_is_told_to(leg: Leg) -> None:
    old, new = passage(0, "apples"), passage(0, "apples", version=V2)
    await leg.put([old, new])
    await leg.drop("src_1", keep=V2)
    assert ids(await leg.search(Query("apples"), scope=ALL, limit=5)) == [new.id]


async def test_equal_scores_stand_in_order_of_passage_id_also_at_the_cut(leg: Leg) -> None:
    made = [passage(ordinal, "apples") for ordinal in range(60)]
    for start in (40, 20, 0):  # several commits, against the order of ids
        await leg.put(made[start : start + 20][::-1])
    run = await leg.search(Query("apples"), scope=ALL, limit=10)
    assert ids(run) == [one.id for one in made[:10]]


@pytest.mark.parametrize("text", ["", "   ", "the of and", "?!*:()[]", "\u200b"])
async def test_a_question_without_a_word_to_look_for_finds_nothing(leg: Leg, text: str) -> None:
    await leg.put([passage(0, "The cost of apples and pears")])
    assert ids(await leg.search(Query(text), scope=ALL, limit=5)) == []


@pytest.mark.parametrize(
    "text",
    [
        "title:apples",
        "apples AND NOT pears",
        '"apples pears',
        "apples^5 ~ * \\",
        "id:* apples [a TO z]",
        "+tenant:other apples",
        "apples) OR (space:s2",
    ],
)
async def test_operators_are_plain_words(leg: Leg, text: str) -> None:
    await leg.put([passage(0, "apples"), passage(1, "apples", tenant="other")])
    assert ids(await leg.search(Query(text), scope=ALL, limit=5)) == [passage(0, "").id]


async def test_a_megabyte_is_asked_by_its_beginning(leg: Leg) -> None:
    await leg.put([passage(0, "apples")])
    text = "apples " + " ".join(f"word{number}" for number in range(120_000))
    assert len(text) > 1_000_000
    assert ids(await leg.search(Query(text), scope=ALL, limit=5)) == [passage(0, "").id]


async def test_each_passage_is_found_in_its_own_language(leg: Leg) -> None:
    german = passage(0, "Die Umsätze der Häuser stiegen.", language="de")
    await leg.put(
        [german, passage(1, "Sales rose."), passage(2, "Выручка выросла.", language="ru")]
    )
    assert ids(await leg.search(Query("Umsatz Haus", "de"), scope=ALL, limit=5)) == [german.id]
    assert ids(await leg.search(Query("Umsatz Haus", "en"), scope=ALL, limit=5)) == [german.id]


async def held(leg: Leg, *phrases: str, scope: Scope = ALL, limit: int = 10) -> list[PassageId]:
    assert isinstance(leg, HoldsPhrases)
    return list(await leg.holding(Query("revenue"), phrases, scope=scope, limit=limit))


async def test_quoted_words_are_found_in_their_order_in_any_form(leg: Leg) -> None:
    """Stop words are no part of the order; a heading may hold the words as well as the text."""
    await leg.put(
        [
            passage(0, "Net retention of revenues fell."),
            passage(1, "Retention net of revenue."),
            passage(2, "It fell.", headings=("Net retentions",)),
            passage(3, "Die netto Umsätze der Häuser", language="de"),
        ]
    )
    assert set(await held(leg, "NET retention")) == {passage(0, "").id, passage(2, "").id}
    assert await held(leg, "retention of the revenue") == [passage(0, "").id]
    assert await held(leg, "Umsatz des Hauses") == [passage(3, "").id]
    assert await held(leg, "net retention", "revenue fell") == [passage(0, "").id]
    assert await held(leg, "fell") != []
    assert await held(leg, "revenue net") == []


async def test_of_too_many_that_hold_quoted_words_the_querys_best_are_given(leg: Leg) -> None:
    await leg.put([passage(number, "net retention") for number in range(5)])
    await leg.put([passage(7, "revenue: net retention")])
    assert await held(leg, "net retention", limit=1) == [passage(7, "").id]
    assert len(await held(leg, "net retention", limit=6)) == 6


async def test_quoted_words_stay_within_the_scope(leg: Leg) -> None:
    await leg.put(
        [
            passage(0, "net retention"),
            passage(0, "net retention", tenant="other", source="src_2"),
            passage(0, "net retention", space="s2", source="src_3"),
            passage(0, "net retention", source="src_4"),
        ]
    )
    assert set(await held(leg, "net retention")) == {
        "src_1." + "a" * 12 + ".00000",
        "src_4." + "a" * 12 + ".00000",
    }
    one = Scope("acme", frozenset({"s1"}), frozenset({"src_4"}))
    assert await held(leg, "net retention", scope=one) == ["src_4." + "a" * 12 + ".00000"]
    assert await held(leg, "net retention", scope=Scope("acme", frozenset())) == []


@pytest.mark.parametrize("phrase", ["the", '" OR terms:*', "en:net", "…", ""])
async def test_quoted_operators_are_words_and_nothing_finds_nothing(leg: Leg, phrase: str) -> None:
    await leg.put([passage(0, "net retention")])
    assert await held(leg, phrase) == []


async def near(leg: Leg, *words: str, scope: Scope = ALL) -> Mapping[str, Mapping[str, int]]:
    assert isinstance(leg, Spells)
    return await leg.near(words, scope=scope)


async def test_a_word_held_in_no_form_has_those_a_letter_away_and_how_many_hold_them(
    leg: Leg,
) -> None:
    """Words of headings count; another form of a word that is held is known."""
    await leg.put(
        [
            passage(0, "Margins rose; the margins of policies."),
            passage(1, "They fell.", headings=("Margins",)),
            passage(2, "Marginal costs, and a margind."),
            passage(3, "Umsätze", language="de"),
        ]
    )
    assert await near(leg, "marginz", "zzzzzz", "policy", "umsatze", "umsätez", "margins") == {
        "marginz": {"margins": 2, "margind": 1},
        "zzzzzz": {},
        "umsätez": {"umsätze": 1},
    }


async def test_what_only_others_hold_is_neither_offered_nor_known(leg: Leg) -> None:
    """Of another space, another tenant, or a source out of reach: as if it were not there."""
    await leg.put(
        [
            passage(0, "Margins rose."),
            passage(0, "Acquisition. Marginss. Marginx.", space="s2", source="src_2"),
            passage(0, "Acquisition. Marginss. Marginy.", tenant="other", source="src_3"),
            passage(0, "Acquisition.", source="src_4"),
        ]
    )
    asked = ("acquisitoin", "marginss", "margint")
    one = replace(ALL, sources=frozenset({"src_1"}))
    assert await near(leg, *asked, scope=one) == {
        "acquisitoin": {},
        "marginss": {"margins": 1},
        "margint": {"margins": 1},
    }
    both = Scope("acme", frozenset({"s1", "s2"}))
    assert await near(leg, *asked, scope=both) == {
        "acquisitoin": {"acquisition": 2},
        "margint": {"margins": 1, "marginx": 1},
    }
    assert await near(leg, *asked, scope=Scope("acme", frozenset())) == {}
    alone = replace(ALL, passages=frozenset({passage(0, "").id}))
    assert (await near(leg, "acquisitoin", scope=alone)) == {"acquisitoin": {}}


async def test_what_was_dropped_or_replaced_is_no_longer_offered_or_known(leg: Leg) -> None:
    await leg.put([passage(0, "Margins."), passage(0, "Retention.", source="src_2")])
    assert await near(leg, "margint", "retentoin") == {
        "margint": {"margins": 1},
        "retentoin": {"retention": 1},
    }
    await leg.put([passage(0, "Prices.")])
    await leg.drop("src_2")
    assert await near(leg, "margint", "retentoin", "margins") == {
        "margint": {},
        "retentoin": {},
        "margins": {},
    }


async def test_a_question_of_words_that_nothing_holds_is_left_alone(leg: Leg) -> None:
    """It is of another language, or of something else: four may be misspelt, and five are not."""
    await leg.put([passage(0, "apples pears plums cherries grapes")])
    wrong = ("applez", "pearsz", "plumsz", "cherriesz", "grapesz")
    assert len(await near(leg, *wrong[:MAX_UNKNOWN])) == MAX_UNKNOWN
    assert await near(leg, *wrong[: MAX_UNKNOWN + 1]) == {}
    assert await near(leg) == {}


async def test_a_scope_of_passages_ranks_only_these(leg: Leg) -> None:
    """The cut comes after the filter: a passage that ranks last is first where it is alone."""
    await leg.put([passage(number, "apples " * (20 - number)) for number in range(20)])
    last = passage(19, "").id
    alone = replace(ALL, passages=frozenset({last, "unknown"}))
    assert ids(await leg.search(Query("apples"), scope=alone, limit=1)) == [last]
    none = replace(ALL, passages=frozenset[PassageId]())
    assert ids(await leg.search(Query("apples"), scope=none, limit=1)) == []


NAMES = st.sampled_from(["a", "b", "c"])
HELD = st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=20)
SCOPES = st.builds(
    Scope,
    NAMES,
    st.frozensets(NAMES, max_size=3),
    st.none() | st.frozensets(NAMES, max_size=3),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(held=HELD, scopes=st.lists(SCOPES, min_size=1, max_size=6))
def test_exactly_what_lies_in_the_scope_is_found_and_counted(
    open_leg: OpenLeg, held: list[tuple[str, str, str]], scopes: list[Scope]
) -> None:
    """Tenant, space and source names repeat across levels, so no level can stand for another."""
    made = [
        passage(ordinal, "apples", tenant=tenant, space=space, source=source)
        for ordinal, (tenant, space, source) in enumerate(held)
    ]

    async def check() -> None:
        async with open_leg() as leg:
            await leg.put(made)
            for scope in scopes:
                run = await leg.search(Query("apples"), scope=scope, limit=50)
                inside = {
                    one.id
                    for one in made
                    if scope.admits(tenant=one.tenant, space=one.space, source=one.source)
                }
                assert set(ids(run)) == inside
                offered = {"apples": len(inside)} if inside else {}
                assert (await near(leg, "applez", scope=scope)) == (
                    {} if scope.empty else {"applez": offered}
                )

    asyncio.run(check())


# What engines add.


def remembered(length: int) -> int:
    """A length as Lucene and tantivy keep it in a byte: SmallFloat.intToByte4 and back."""
    if length < 40:
        return length
    rest = length - 24
    shift = rest.bit_length() - 4
    return 24 + (rest >> shift << shift)


WORDS = [f"{a}{b}n" for a in "bdfgklm" for b in "aiou"]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=90), min_size=1, max_size=40
    ),
    question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
)
def test_every_engine_ranks_by_exactly_bm25(
    open_leg: OpenLeg, texts: list[list[str]], question: list[str]
) -> None:
    """Ids and scores of the top ten are the formula's, once lengths are kept as engines keep them.

    The twin, which keeps them whole, is compared by its own length."""
    made = [passage(ordinal, " ".join(words)) for ordinal, words in enumerate(texts)]
    query = Query(" ".join(question))

    async def check() -> None:
        async with open_leg() as leg:
            exact = (
                MemoryLexical()
                if isinstance(leg, MemoryLexical)
                else MemoryLexical(length=remembered)
            )
            await exact.put(made)
            expected = (await exact.search(query, scope=ALL, limit=50)).ranked
            await leg.put(made)
            found = (await leg.search(query, scope=ALL, limit=10)).ranked
        scores = {line.passage: line.score for line in expected}
        assert [line.score for line in found] == pytest.approx(
            [line.score for line in expected[:10]], rel=1e-5
        )
        for line in found:
            assert line.score == pytest.approx(scores[line.passage], rel=1e-5)

    asyncio.run(check())


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Tantivy]:
    leg = Tantivy.open(folder)
    try:
        yield leg
    finally:
        leg.close()


async def test_it_is_all_there_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path) as leg:
        await leg.put([passage(0, "apples"), passage(1, "pears"), passage(0, "x", source="src_2")])
        await leg.drop("src_2")
    with opened(tmp_path) as leg:
        assert await leg.count() == 2
        assert ids(await leg.search(Query("pears"), scope=ALL, limit=5)) == [passage(1, "").id]


PUT_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from retrieval.model import Passage
from retrieval.stores.tantivy import Tantivy
leg = Tantivy.open(Path(sys.argv[1]))
asyncio.run(leg.put([Passage("src_1.x.00000", "acme", "s1", "src_1", "x", 0, "apples", 0, 6)]))
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_an_index_from_before_spelling_answers_all_but_that(tmp_path: Path) -> None:
    """And is not taken for one that spells."""
    before = Tantivy.open(tmp_path, spells=False)
    await before.put([passage(0, "apples")])
    assert ids(await before.search(Query("apple"), scope=ALL, limit=5)) == [passage(0, "").id]
    assert await held(before, "apples") == [passage(0, "").id]
    with pytest.raises(RetrievalError, match="being rebuilt"):
        await near(before, "applez")
    before.close()
    with pytest.raises(IndexMismatch, match="'format': 2"):
        Tantivy.open(tmp_path)


async def test_a_servers_index_from_before_spelling_answers_all_but_that(
    opensearch_address: str,
) -> None:
    name = f"lexical-{secrets.token_hex(6)}"

    def opened(*, spells: bool) -> OpenSearch:
        return OpenSearch.open(Server(opensearch_address), name, refresh="20ms", spells=spells)

    before = await asyncio.to_thread(lambda: opened(spells=False))
    try:
        await before.put([passage(0, "apples")])
        assert ids(await before.search(Query("apple"), scope=ALL, limit=5)) == [passage(0, "").id]
        with pytest.raises(RetrievalError, match="being rebuilt"):
            await near(before, "applez")
        with pytest.raises(IndexMismatch, match="'format': 2"):
            await asyncio.to_thread(lambda: opened(spells=True))
    finally:
        await asyncio.to_thread(before.close)
        await asyncio.to_thread(OpenSearchGenerations(Server(opensearch_address), name).erase)


async def test_what_was_put_survives_a_kill(tmp_path: Path) -> None:
    """The lock of the dead process is no obstacle either."""
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PUT_AND_DIE, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert died.returncode == -9
    with opened(tmp_path) as leg:
        assert ids(await leg.search(Query("apples"), scope=ALL, limit=5)) == ["src_1.x.00000"]


async def test_a_folder_that_is_open_elsewhere_is_named(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(IndexInUse, match=tmp_path.name):
        Tantivy.open(tmp_path)
    with opened(tmp_path):
        pass  # and is free again


async def test_another_analysis_is_refused_and_reindex_named(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    described = tmp_path / "manifest.json"
    described.write_text(json.dumps({**json.loads(described.read_text()), "analyzer": "words-0"}))
    with pytest.raises(IndexMismatch, match=r"words-0.*stratmaster reindex"):
        Tantivy.open(tmp_path)
    described.unlink()
    with pytest.raises(IndexMismatch, match=r"manifest.json is missing"):
        Tantivy.open(tmp_path)
