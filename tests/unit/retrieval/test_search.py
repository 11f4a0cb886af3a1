"""The searcher: legs at once, one deadline, failures named, nothing outside the scope."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.errors import AllLegsFailed, EngineUnavailable
from retrieval.memory import MemoryLexical, MemoryPassages
from retrieval.model import (
    Correction,
    LegState,
    Passage,
    PassageId,
    Query,
    Ranked,
    Reranked,
    RerankState,
    Run,
    Scope,
)
from retrieval.query import Filters
from retrieval.rerank import Reranking
from retrieval.search import Searcher
from retrieval.twins import normalised
from retrieval.why import Reason

SCOPE = Scope("acme", frozenset({"s1"}))
QUESTION = Query("apples")


def passage(ordinal: int, text: str | None = None, *, space: str = "s1") -> Passage:
    said = f"apples number {ordinal}" if text is None else text
    return Passage(f"p{ordinal:02d}", "acme", space, "src_1", "v", ordinal, said, 0, len(said))


class Scripted:
    """Gives what it was told to, as often as it is asked."""

    def __init__(self, name: str, *ids: PassageId, error: Exception | None = None) -> None:
        self.name = name
        self.asked = 0
        self._ids = ids
        self._error = error

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return Run(self.name, tuple(Ranked(id, 1.0) for id in self._ids[:limit]))


class Stuck:
    """Never answers; says when it was asked and when it was let go."""

    name = "stuck"

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.released.set()
        raise AssertionError("unreachable")


async def test_legs_are_fused_and_each_part_of_a_score_is_named() -> None:
    held = [passage(0), passage(1), passage(2)]
    result = await Searcher(
        [Scripted("bm25", "p00", "p01"), Scripted("dense", "p01", "p02")], MemoryPassages(held)
    ).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p01", "p00", "p02"]
    assert [(c.leg, c.rank) for c in result.hits[0].contributions] == [("bm25", 2), ("dense", 1)]
    assert [(leg.leg, leg.state, leg.found) for leg in result.trace.legs] == [
        ("bm25", LegState.OK, 2),
        ("dense", LegState.OK, 2),
    ]
    assert set(result.trace.stages) == {
        "understand",
        "spell",
        "legs",
        "fuse",
        "hydrate",
        "rerank",
        "explain",
        "total",
    }
    assert not result.trace.degraded


async def test_a_failed_leg_is_named_with_its_words_and_the_others_answer() -> None:
    result = await Searcher(
        [Scripted("bm25", "p00"), Scripted("dense", error=OSError("disk gone"))],
        MemoryPassages([passage(0)]),
    ).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p00"]
    (failed,) = result.trace.degraded
    assert (failed.leg, failed.state, failed.error) == ("dense", LegState.FAILED, "disk gone")


async def test_a_late_leg_is_left_out_named_and_let_go() -> None:
    stuck = Stuck()
    result = await Searcher(
        [stuck, Scripted("bm25", "p00")], MemoryPassages([passage(0)]), deadline_s=0.05
    ).search(QUESTION, scope=SCOPE)
    assert stuck.released.is_set()
    assert [hit.passage.id for hit in result.hits] == ["p00"]
    (late,) = result.trace.degraded
    assert (late.leg, late.state, late.error) == (
        "stuck",
        LegState.LATE,
        "no answer within 0.05 s",
    )


async def test_when_no_leg_answers_the_search_fails_and_says_of_each_why() -> None:
    searcher = Searcher(
        [Stuck(), Scripted("dense", error=OSError("disk gone"))], MemoryPassages(), deadline_s=0.05
    )
    with pytest.raises(AllLegsFailed, match=r"stuck: no answer.*dense: disk gone"):
        await searcher.search(QUESTION, scope=SCOPE)


async def test_abandoning_a_search_lets_its_legs_go() -> None:
    stuck = Stuck()
    search = asyncio.create_task(
        Searcher([stuck], MemoryPassages(), deadline_s=60).search(QUESTION, scope=SCOPE)
    )
    await stuck.begun.wait()
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert stuck.released.is_set()


@pytest.mark.parametrize(
    "scope", [Scope("acme", frozenset()), Scope("acme", frozenset({"s1"}), frozenset())]
)
async def test_an_empty_scope_finds_nothing_and_asks_nobody(scope: Scope) -> None:
    leg = Scripted("bm25", "p00")
    result = await Searcher([leg], MemoryPassages([passage(0)])).search(QUESTION, scope=scope)
    assert (result.hits, result.runs, leg.asked) == ((), (), 0)


class Careless:
    """Gives every passage, whatever the scope."""

    def __init__(self, *passages: Passage) -> None:
        self._passages = passages

    async def get(self, ids: Sequence[PassageId], *, scope: Scope) -> Sequence[Passage]:
        return self._passages


async def test_an_engine_that_forgets_the_scope_is_not_believed() -> None:
    stray = passage(0, space="other")
    result = await Searcher([Scripted("bm25", "p00", "p01")], Careless(stray, passage(1))).search(
        QUESTION, scope=SCOPE
    )
    assert [hit.passage.id for hit in result.hits] == ["p01"]


async def test_the_vanished_and_the_twins_leave_their_place_to_the_next() -> None:
    """Five of eight are gone or say the same; the limit is still filled from further down."""
    ids = [f"p{number:02d}" for number in range(8)]
    twins = [passage(number, "The price: rose by 5 %!") for number in range(1, 4)]
    last = [passage(6, "the PRICE rose, by 5 %"), passage(7)]
    result = await Searcher([Scripted("bm25", *ids)], MemoryPassages([*twins, *last])).search(
        QUESTION, scope=SCOPE, limit=2
    )
    assert [hit.passage.id for hit in result.hits] == ["p01", "p07"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("up 1.5 %", "up 15 %"), ("+3", "-3"), ("5 %", "5"), ("2024", "2025"), ("!", "?")],
)
def test_what_differs_in_a_figure_is_no_twin(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


async def test_a_real_leg_answers_through_the_searcher() -> None:
    leg = MemoryLexical()
    held = [passage(0, "Apples are red."), passage(1, "Pears are green.")]
    await leg.put(held)
    result = await Searcher([leg], MemoryPassages(held)).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p00"]


class Telling(Scripted):
    """Says why, or is too ill to."""

    def __init__(self, *ids: PassageId, ill: str = "") -> None:
        super().__init__("graph", *ids)
        self.ill = ill

    async def explain(
        self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
    ) -> Mapping[PassageId, Sequence[str]]:
        if self.ill == "fails":
            raise RuntimeError("no graph")
        if self.ill == "dawdles":
            await asyncio.Event().wait()
        return {id: [f"to {id}, of {len(runs)} runs"] for id in passages}


@pytest.mark.parametrize(
    ("ill", "paths"),
    [("", ("to p01, of 2 runs",)), ("fails", ()), ("dawdles", ())],
)
async def test_only_what_a_leg_found_is_explained_by_it_and_reasons_cost_no_passage(
    ill: str, paths: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.search.EXPLAIN", 0.01 if ill else 60)
    result = await Searcher(
        [Scripted("bm25", "p00"), Telling("p01", ill=ill)], MemoryPassages([passage(0), passage(1)])
    ).search(QUESTION, scope=SCOPE)
    assert {hit.passage.id: hit.paths for hit in result.hits} == {"p00": (), "p01": paths}


@pytest.mark.parametrize("also", ["p01", "p00"], ids=["another hit", "a twin of it"])
async def test_paths_are_of_the_hits_also_where_these_are_not_the_first_that_were_found(
    also: PassageId,
) -> None:
    """Twins collapse after paths were asked for: then they are asked for again, of what stays."""

    class Counting(Telling):
        def __init__(self, *ids: PassageId) -> None:
            super().__init__(*ids)
            self.told: list[Sequence[PassageId]] = []

        async def explain(
            self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
        ) -> Mapping[PassageId, Sequence[str]]:
            self.told.append(passages)
            return {id: [f"to {id} of {len(passages)}"] for id in passages}

    held = [passage(0, "apples"), passage(1, "pears" if also == "p01" else "apples")]
    held.append(passage(2, "plums"))
    leg = Counting("p00", "p01", "p02")
    result = await Searcher([leg], MemoryPassages(held)).search(QUESTION, scope=SCOPE, limit=2)
    stay = ("p00", "p01") if also == "p01" else ("p00", "p02")
    assert {hit.passage.id: hit.paths for hit in result.hits} == {
        id: (f"to {id} of 2",) for id in stay
    }
    assert leg.told == [("p00", "p01")] if also == "p01" else leg.told[-1:] == [stay]


async def test_twins_leave_their_places_on_the_hit_that_stays() -> None:
    """The best of them stays; a twin that ranks behind the last hit is told as well."""
    words = [f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(60)]
    one, near = " ".join(words), " ".join(["another", *words[1:]])
    held = [passage(0, one), passage(1, "pears"), passage(2, near), passage(3, one)]
    result = await Searcher(
        [Scripted("bm25", "p00", "p01", "p02", "p03")], MemoryPassages(held)
    ).search(QUESTION, scope=SCOPE, limit=2)
    assert [hit.passage.id for hit in result.hits] == ["p00", "p01"]
    assert [place.passage for place in result.hits[0].elsewhere] == ["p02", "p03"]
    assert result.hits[1].elsewhere == ()


async def test_the_parts_of_every_score_add_up_to_it() -> None:
    ids = [f"p{number:02d}" for number in range(30)]
    legs = [Scripted("bm25", *ids), Scripted("dense", *reversed(ids)), Scripted("graph", *ids[7:])]
    result = await Searcher(legs, MemoryPassages([passage(n) for n in range(30)])).search(
        QUESTION, scope=SCOPE, limit=30
    )
    assert len(result.hits) == 30
    for hit in result.hits:
        assert hit.score == math.fsum(part.amount for part in hit.contributions)


class Deep(Scripted):
    """Scores that fall with the rank."""

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        found = await super().search(query, scope=scope, limit=limit)
        return Run(
            self.name,
            tuple(Ranked(line.passage, 1 / rank) for rank, line in enumerate(found.ranked, 1)),
        )


@pytest.mark.parametrize(
    ("id", "reason", "says"),
    [
        ("p00", Reason.FOUND, "hit 1 of 2"),
        ("p01", Reason.COLLAPSED, "p00"),
        ("p03", Reason.BELOW, "ranks 4 after fusion; 2 are shown, the last with"),
        ("p05", Reason.BEYOND, "among the first 4"),
        ("p06", Reason.NOT_NEAR, "among its first 1000"),
        ("p99", Reason.NOT_INDEXED, "not among what can be found"),
    ],
)
async def test_why_a_passage_is_not_shown(id: PassageId, reason: Reason, says: str) -> None:
    held = [passage(n) for n in range(7)]
    held[1] = passage(1, held[0].text)
    leg = Deep("bm25", *(f"p{n:02d}" for n in range(6)))
    why = await Searcher([leg], MemoryPassages(held), pool=4).why_not(
        QUESTION, id, scope=SCOPE, limit=2
    )
    assert (why.reason, says in why.message) == (reason, True), why.message
    if reason is Reason.BEYOND:
        (place,) = why.legs
        assert (place.rank, place.score, place.cut) == (6, 1 / 6, 4)


async def test_why_not_names_the_filter_the_quotes_the_language_and_the_leg_that_is_down() -> None:
    german = replace(passage(1, "Birnen"), language="de")
    held = [passage(0, "red apples"), german]
    words = MemoryLexical()
    await words.put(held)

    class Titles:
        async def matching(self, filters: Filters, *, scope: Scope) -> frozenset[str]:
            return frozenset({"src_1"} if filters.titles == ("fruit",) else ())

    searcher = Searcher(
        [words, Scripted("dense", error=OSError("disk gone"))],
        MemoryPassages(held),
        catalogue=Titles(),
    )
    unfit = await searcher.why_not(Query("apples title:nuts"), "p00", scope=SCOPE)
    assert (unfit.reason, unfit.message) == (Reason.FILTERED, "No source fits title:nuts.")
    quoted = await searcher.why_not(Query('title:fruit +"red apples"'), "p01", scope=SCOPE)
    assert quoted.reason is Reason.UNQUOTED
    assert "“red apples”" in quoted.message
    other = await searcher.why_not(QUESTION, "p01", scope=SCOPE)
    assert other.reason is Reason.NOT_NEAR
    assert "Not asked of: dense." in other.message
    assert "another language (de)" in other.message
    hidden = await searcher.why_not(QUESTION, "p01", scope=Scope("other", frozenset({"s1"})))
    assert hidden.reason is Reason.NOT_INDEXED


async def test_quoted_words_in_a_question_lift_what_holds_them_and_hide_nothing() -> None:
    """Those that hold more of them come first; the run has a name and its part in the score."""
    held = [passage(0, "apples"), passage(1, "red apples"), passage(2, "red apples, green pears")]
    words = MemoryLexical()
    await words.put(held)
    dense = Scripted("dense", "p00", "p01", "p02")
    searcher = Searcher([words, dense], MemoryPassages(held))
    found = await searcher.search(Query('which "red apples", "green pears"?'), scope=SCOPE)
    assert [hit.passage.id for hit in found.hits] == ["p02", "p01", "p00"]
    (quotes,) = [run for run in found.runs if run.leg == "quotes"]
    assert [line.passage for line in quotes.ranked] == ["p02", "p01"]
    assert found.trace.understood is not None
    assert found.trace.understood.preferred == ("red apples", "green pears")
    why = await searcher.why_not(Query('which "red apples"?'), "p00", scope=SCOPE, limit=1)
    assert {leg.leg: leg.rank for leg in why.legs}["quotes"] is None


async def test_what_holds_all_the_quotes_comes_first_though_it_is_late_for_each() -> None:
    """A long passage, behind more short ones than a leg is asked for; why-not has it there, too."""
    both = passage(0, "red apples " + "and then more of the harbour " * 200 + "green pears")
    alone = [passage(n, f"{'red apples' if n % 2 else 'green pears'} {n}") for n in range(1, 21)]
    words = MemoryLexical()
    await words.put([both, *alone])
    searcher = Searcher([words], MemoryPassages([both, *alone]), pool=5)
    asked = Query('which "red apples", "green pears"?')
    found = await searcher.search(asked, scope=SCOPE)
    (quotes,) = [run for run in found.runs if run.leg == "quotes"]
    assert quotes.ranked[0].passage == "p00"
    assert len(quotes.ranked) == 5
    why = await searcher.why_not(asked, "p00", scope=SCOPE)
    assert {leg.leg: leg.rank for leg in why.legs} == {"bm25": 21, "quotes": 1}


@pytest.mark.parametrize(
    ("text", "found", "note"),
    [
        ('"blue apples"', 2, "No passage holds “blue apples”; searched without the quotes."),
        ('why "blue apples"?', 2, "No passage holds “blue apples”; searched without the quotes."),
        (
            '"red apples" "apples sold"',
            2,
            "No passage holds “red apples” and “apples sold” together.",
        ),
        ('why +"blue apples"?', 0, "No passage holds “blue apples”."),
        ('"red apples"', 1, ""),
    ],
)
async def test_quotes_that_nothing_holds_are_left_out_and_said_so_unless_a_plus_insists(
    text: str, found: int, note: str
) -> None:
    held = [passage(0, "red apples"), passage(1, "apples sold")]
    words = MemoryLexical()
    await words.put(held)
    result = await Searcher([words], MemoryPassages(held)).search(Query(text), scope=SCOPE)
    assert len(result.hits) == found
    assert result.trace.understood is not None
    assert result.trace.understood.note == note


class Backwards:
    """A reranker that likes the last best."""

    fingerprint = "backwards"

    async def score(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        return np.arange(len(passages), dtype=np.float32)


async def test_a_reranker_looks_past_the_best_that_are_asked_for() -> None:
    legs = [Scripted("a", "p00", "p01", "p02"), Scripted("b", "p01", "p00", "p02")]
    searcher = Searcher(
        legs,
        MemoryPassages([passage(n) for n in range(3)]),
        reranking=Reranking(Backwards(), margin=0.9),
    )
    result = await searcher.search(QUESTION, scope=SCOPE, limit=1)
    assert [hit.passage.id for hit in result.hits] == ["p02"]
    assert result.hits[0].reranked == Reranked(score=2.0, before=3)
    assert result.trace.rerank is not None
    assert result.trace.rerank.state is RerankState.RAN
    why = await searcher.why_not(QUESTION, "p00", scope=SCOPE, limit=1)
    assert (why.reason, why.last) == (Reason.BELOW, None)
    found = await searcher.why_not(QUESTION, "p02", scope=SCOPE, limit=1)
    assert found.reason is Reason.FOUND


async def test_without_a_reranker_the_trace_names_none() -> None:
    searcher = Searcher([Scripted("a", "p00")], MemoryPassages([passage(0)]))
    result = await searcher.search(QUESTION, scope=SCOPE)
    assert result.trace.rerank is None


async def test_each_part_of_a_question_is_asked_by_itself_beside_the_whole() -> None:
    """A passage that only one part finds is shown; shares add up, each with its part."""
    held = [passage(0, "Apples are red."), passage(1, "Margins fell."), passage(2, "Pears.")]
    leg = MemoryLexical()
    await leg.put(held)
    searcher = Searcher([leg], MemoryPassages(held))
    result = await searcher.search(Query("Are apples red? Which margins fell?"), scope=SCOPE)
    assert {hit.passage.id for hit in result.hits} == {"p00", "p01"}
    assert [run.part for run in result.runs] == [0, 1, 2]
    understood = result.trace.understood
    assert understood is not None
    assert understood.parts == ("Are apples red?", "Which margins fell?")
    (trace,) = result.trace.legs
    assert (trace.leg, trace.found) == ("bm25", 2)
    for hit in result.hits:
        assert hit.contributions[0].part == 0
        assert hit.score == math.fsum(one.amount for one in hit.contributions)
    why = await searcher.why_not(
        Query("Are apples red? Which margins fell?"), "p01", scope=SCOPE, limit=1
    )
    assert [(leg.leg, leg.rank is not None) for leg in why.legs] == [
        ("bm25", True),
        ("bm25, part 1", False),
        ("bm25, part 2", True),
    ]


async def test_a_leg_that_fails_in_one_part_is_named_and_its_other_runs_count() -> None:
    class Moody(Scripted):
        async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
            if "margins" in query.text and "apples" not in query.text:
                raise OSError("disk gone")
            return await super().search(query, scope=scope, limit=limit)

    result = await Searcher([Moody("bm25", "p00")], MemoryPassages([passage(0)])).search(
        Query("Are apples red? Which margins fell?"), scope=SCOPE
    )
    (trace,) = result.trace.legs
    assert (trace.state, trace.error, trace.found) == (LegState.FAILED, "disk gone", 1)
    assert [run.part for run in result.runs] == [0, 1]


class Unfit:
    """Breaks what every leg promises of its run."""

    name = "unfit"

    def __init__(self, *ranked: Ranked) -> None:
        self._ranked = ranked

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        return Run(self.name, self._ranked)


@pytest.mark.parametrize(
    ("ranked", "says"),
    [
        ((Ranked("p00", 1.0), Ranked("p01", 0.5), Ranked("p00", 0.4)), "twice"),
        ((Ranked("p00", float("nan")),), "no number"),
        ((Ranked("p00", float("inf")), Ranked("p01", 1.0)), "no number"),
    ],
)
async def test_a_leg_that_ranks_what_cannot_be_fused_fails_alone(
    ranked: tuple[Ranked, ...], says: str
) -> None:
    result = await Searcher(
        [Scripted("bm25", "p01"), Unfit(*ranked)], MemoryPassages([passage(0), passage(1)])
    ).search(QUESTION, scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p01"]
    (failed,) = result.trace.degraded
    assert (failed.leg, failed.state) == ("unfit", LegState.FAILED)
    assert says in (failed.error or "")


class Holder:
    """An index of words that does not come to an answer."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        if self._error is None:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")
        raise self._error


@pytest.mark.parametrize(
    ("holder", "says"),
    [(Holder(), "no answer within"), (Holder(KeyError("garbage")), "failed: 'garbage'")],
)
async def test_quoted_words_wait_no_longer_than_the_legs_and_blame_their_index(
    holder: Holder, says: str
) -> None:
    searcher = Searcher(
        [Scripted("bm25", "p00")], MemoryPassages([passage(0)]), deadline_s=0.02, words=holder
    )
    with pytest.raises(EngineUnavailable, match=says):
        await searcher.search(Query('+"net retention" fell'), scope=SCOPE)


async def test_a_misspelt_word_is_searched_for_as_it_should_be_too_and_why_not_agrees() -> None:
    """Every leg, each part and the trace have the correction before the word as typed."""
    held = [passage(0, "Net retention fell."), passage(1, "Churn rose in margins.")]
    words = MemoryLexical()
    await words.put(held)
    asked: list[str] = []

    class Listening(Scripted):
        async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
            asked.append(query.text)
            return await super().search(query, scope=scope, limit=limit)

    searcher = Searcher([words, Listening("dense")], MemoryPassages(held))
    question = Query("Why did retentoin fall? What of churn in margens?")
    result = await searcher.search(question, scope=SCOPE)
    assert {hit.passage.id for hit in result.hits} == {"p00", "p01"}
    understood = result.trace.understood
    assert understood is not None
    assert understood.corrections == (
        Correction("retentoin", "retention"),
        Correction("margens", "margins"),
    )
    assert understood.text == (
        "Why did retention retentoin fall? What of churn in margins margens?"
    )
    assert understood.parts == (
        "Why did retention retentoin fall?",
        "What of churn in margins margens?",
    )
    assert asked == [understood.text, *understood.parts]
    why = await searcher.why_not(Query("retentoin"), "p00", scope=SCOPE)
    assert (why.reason, why.rank) == (Reason.FOUND, 1)
    quoted = await searcher.search(Query('"retentoin" fell'), scope=SCOPE)
    assert quoted.trace.understood is not None
    assert quoted.trace.understood.corrections == ()


async def test_a_word_that_filters_leave_out_is_not_misspelt_for_that() -> None:
    """Spelling is asked in all the reader sees, not in what the question narrows it to."""
    held = [replace(passage(0, "margins"), source="src_2"), passage(1, "marginz")]
    words = MemoryLexical()
    await words.put(held)

    class Titles:
        async def matching(self, filters: Filters, *, scope: Scope) -> frozenset[str]:
            return frozenset({"src_2"})

    searcher = Searcher([words], MemoryPassages(held), catalogue=Titles())
    result = await searcher.search(Query("marginz title:fruit"), scope=SCOPE)
    assert result.hits == ()
    assert result.trace.understood is not None
    assert result.trace.understood.corrections == ()


class Unlettered(MemoryLexical):
    """Fails at spelling, or takes for ever over it."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "no answer within 0.01 s"),
        (OSError("disk gone"), "disk gone"),
        (KeyError(), "KeyError"),
    ],
)
async def test_a_look_at_spelling_that_fails_or_dawdles_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, said: str
) -> None:
    monkeypatch.setattr("retrieval.search.SPELLING", 0.01)
    held = [passage(0, "retention")]
    words = Unlettered(error)
    await words.put(held)
    searcher = Searcher([words], MemoryPassages(held))
    result = await searcher.search(Query("retention, retentoin"), scope=SCOPE)
    assert [hit.passage.id for hit in result.hits] == ["p00"]
    understood = result.trace.understood
    assert understood is not None
    assert (understood.text, understood.corrections) == ("retention, retentoin", ())
    assert understood.unchecked == said
