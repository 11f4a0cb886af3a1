"""The flow of an answer over a small library: what is said, cited, declined and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from backend.answers.answer import LONGEST_QUESTION, Question
from backend.answers.events import (
    AnswerEvent,
    Cited,
    Declined,
    Failed,
    Finished,
    Notice,
    Retrieved,
    Sentence,
    Started,
    Token,
)
from backend.answers.runs import RunState
from backend.errors import Invalid
from backend.llm.errors import ModelFailed
from backend.ports import Usage
from retrieval.errors import AllLegsFailed
from retrieval.model import Scope

SCOPE = Scope("local", frozenset({"spc_1"}))
GROWTH = "How much did heat pump revenue of Nordwind grow in 2025?"
E = TypeVar("E", bound=AnswerEvent)


def those(events: Sequence[AnswerEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


async def test_an_extractive_answer_is_quotes_and_each_is_cited(library: Any) -> None:
    """Every sentence stands verbatim in the stored text at its evidence's place."""
    events = await library.ask(GROWTH)
    assert isinstance(events[0], Started)
    assert events[0].kind == "extractive"
    assert isinstance(events[1], Retrieved)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.uncited == ()
    sentences = those(events, Sentence)
    cited = those(events, Cited)
    assert len(sentences) == len(cited) >= 2
    for sentence, chip in zip(sentences, cited, strict=True):
        record = chip.evidence.record
        key = record.source, record.version
        stored = (await library.versions.versions([key], scope=SCOPE)).get(key)
        assert stored.text[record.start : record.end] == record.quote == sentence.text


async def test_sources_that_disagree_stand_side_by_side(library: Any) -> None:
    """12 % and 9 % of one thing come one after the other, and the reader is told."""
    events = await library.ask(GROWTH)
    assert ["12 %" in one.text or "9 %" in one.text for one in those(events, Sentence)][:2] == [
        True,
        True,
    ]
    (notice,) = those(events, Notice)
    assert notice.code == "figures_differ"
    assert notice.sentences == (0, 1)
    assert "Board minutes" in notice.message


async def test_a_name_that_nothing_mentions_is_told_before_the_answer(library: Any) -> None:
    """A market elsewhere is not passed off as the one asked for; the run keeps the word of it."""
    events = await library.ask("How much did heat pump revenue of Nordwind grow in Poland?")
    kinds = [type(event) for event in events]
    told = those(events, Notice)[0]
    assert (told.code, told.message) == ("not_mentioned", "Nothing found mentions “Poland”.")
    assert kinds.index(Notice) < kinds.index(Sentence)
    run = await library.answers().get(events[0].answer, scope=SCOPE)
    assert run.notices[0].message == told.message


async def test_an_off_topic_question_is_declined_with_the_nearest_passages(library: Any) -> None:
    """Nothing is said, and what was searched is."""
    events = await library.ask("Which enzyme repairs double strand breaks in heat stressed yeast?")
    (declined,) = those(events, Declined)
    assert events[-1] is declined
    assert declined.legs == ("bm25",)
    assert declined.nearest
    assert not those(events, Sentence)
    assert "enzyme" in declined.reason
    run = await library.answers().get(declined.answer, scope=SCOPE)
    assert run.state is RunState.DECLINED


async def test_a_question_that_nothing_matches_is_declined(library: Any) -> None:
    (declined,) = those(await library.ask("Zebras?"), Declined)
    assert declined.nearest == ()


async def test_a_model_answer_shows_chips_only_for_quotes_found(
    library: Any, scripted: Any
) -> None:
    """A cited sentence whose passage does not carry it stays, without a chip."""
    model = scripted(
        [
            "Heat pump revenue of Nordwind grew 12 % in 2025 [2]. ",
            "Its founder retired to Portugal [1]. ",
            "Revenue grew 35 % [2].",
        ]
    )
    events = await library.ask(GROWTH, model)
    assert those(events, Token)
    assert [one.index for one in those(events, Cited)] == [0]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.uncited == (1, 2)
    assert finished.usage is not None
    run = await library.answers().get(finished.answer, scope=SCOPE)
    assert run.prompt_hash == model.asked[0].digest


async def test_numbers_swapped_between_passages_get_no_chip(library: Any, scripted: Any) -> None:
    """12 % cited to the passage that says 9 % is not supported, word for word as it may be."""
    events = await library.ask(GROWTH)
    order = [hit.passage.source for hit in those(events, Retrieved)[0].hits]
    minutes = order.index("src_minutes") + 1
    study = order.index("src_study") + 1
    model = scripted(
        [f"Heat pump revenue of Nordwind grew 12 % in 2025 [{minutes}]. It grew 12 % [{study}]."]
    )
    events = await library.ask(GROWTH, model)
    assert [one.index for one in those(events, Cited)] == [1]


@pytest.mark.parametrize(
    "said",
    [
        "NOT ENOUGH EVIDENCE",
        "Not enough evidence.",
        "The passages do not contain information about this.",
        "The capital of France is Paris. It is large [1].",
    ],
)
async def test_a_model_that_cannot_answer_declines(library: Any, scripted: Any, said: str) -> None:
    """A refusal, or an answer of which nothing is found, leaves nothing behind but its cost."""
    events = await library.ask(GROWTH, scripted([said]))
    assert isinstance(events[-1], Declined)
    assert not those(events, Cited)
    run = await library.answers().get(events[-1].answer, scope=SCOPE)
    assert run.sentences == ()
    assert run.usage == Usage("scripted", 100, 20, 0.0)


async def test_a_model_that_fails_at_once_gives_way_to_quotes(library: Any, scripted: Any) -> None:
    """The fallback is said, and its sentences are cited like any extract."""
    error = ModelFailed("The model is over its rate limit.", "Wait.", code="model_busy")
    events = await library.ask(GROWTH, scripted(["Half a sen"], error))
    notice = those(events, Notice)[0]
    assert notice.code == "fell_back"
    assert "rate limit" in notice.message
    assert isinstance(events[-1], Finished)
    assert those(events, Cited)
    run = await library.answers().get(events[-1].answer, scope=SCOPE)
    assert run.notices[0].code == "fell_back"
    assert run.error is not None
    assert run.error["code"] == "model_busy"


async def test_a_model_cut_after_a_sentence_fails_and_keeps_it(library: Any, scripted: Any) -> None:
    """Half an answer is not mixed with quotes; what was checked is kept in the run."""
    error = ModelFailed("The stream broke off.", "Ask again.", code="model_cut")
    model = scripted(["Heat pump revenue of Nordwind grew 12 % in 2025 [1]. And then"], error)
    events = await library.ask(GROWTH, model)
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "model_cut"
    run = await library.answers().get(failed.answer, scope=SCOPE)
    assert run.state is RunState.FAILED
    assert len(run.sentences) == 1


async def test_closing_an_answer_cancels_it_and_its_model(library: Any, scripted: Any) -> None:
    """The model's stream is closed, and the run says cancelled."""
    model = scripted(["One. ", "Two. ", "Three. "])
    answers = library.answers(model)
    stream = answers.ask(Question(GROWTH, "spc_1", "ana"), scope=SCOPE)
    async for event in stream:
        if isinstance(event, Token):
            break
    await stream.aclose()
    await answers.close()
    (run,) = await answers.recent("spc_1", scope=SCOPE, limit=5)
    assert run.state is RunState.CANCELLED
    assert model.closed


async def test_a_task_that_is_cancelled_still_keeps_its_run(library: Any) -> None:
    """Cancelling in the middle of the search leaves a run that says so."""
    asked = asyncio.Event()

    async def never(*args: object, **kwargs: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    library.search.search = never
    task = asyncio.create_task(library.ask(GROWTH))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = await library.runs.recent("spc_1", scope=SCOPE, limit=5)
    assert run.state is RunState.CANCELLED


async def test_a_search_that_fails_is_told_and_kept(library: Any) -> None:
    async def down(*args: object, **kwargs: object) -> None:
        raise AllLegsFailed("no leg answered")

    library.search.search = down
    events = await library.ask(GROWTH)
    assert isinstance(events[-1], Failed)
    assert events[-1].remedy
    run = await library.answers().get(events[-1].answer, scope=SCOPE)
    assert run.state is RunState.FAILED


async def test_a_passage_that_the_stored_text_does_not_hold_is_not_quoted(library: Any) -> None:
    """An index that fell behind its store invents nothing."""
    library.versions.delete("src_minutes")
    events = await library.ask(GROWTH)
    assert {one.evidence.record.source for one in those(events, Cited)} == {"src_study"}
    assert not [one for one in those(events, Sentence) if "9 %" in one.text]


async def test_a_replay_repeats_byte_for_byte(library: Any) -> None:
    """Nothing changed, so nothing differs."""
    answers = library.answers()
    events = await library.ask(GROWTH)
    replay = await answers.replay(events[0].answer, scope=SCOPE, actor="ben")
    assert replay.identical
    assert replay.differences == ()
    assert replay.answer.replay_of == events[0].answer


async def test_a_replay_names_what_changed(library: Any) -> None:
    """A new version of a source shows as that, and as what follows from it."""
    events = await library.ask(GROWTH)
    library.put("src_minutes", "Heat pump revenue of Nordwind grew 10 % in 2025.", version="b" * 64)
    replay = await library.answers().replay(events[0].answer, scope=SCOPE, actor="ana")
    assert not replay.identical
    named = [one.what for one in replay.differences]
    assert "version of source src_minutes" in named
    assert "answer" in named


async def test_another_model_is_named_by_a_replay(library: Any, scripted: Any) -> None:
    events = await library.ask(GROWTH)
    model = scripted(["Heat pump revenue of Nordwind grew 12 % in 2025 [1]."])
    replay = await library.answers(model).replay(events[0].answer, scope=SCOPE, actor="ana")
    assert replay.differences[0].what == "model"


async def test_an_answer_is_invisible_from_another_space(library: Any) -> None:
    events = await library.ask(GROWTH)
    other = Scope("local", frozenset({"spc_2"}))
    with pytest.raises(Exception, match="no answer"):
        await library.answers().get(events[0].answer, scope=other)


async def test_an_estimate_learns_from_what_was_asked(library: Any) -> None:
    """Time is unknown before the first answer, and free answers cost nothing."""
    answers = library.answers()
    before = await answers.estimate(GROWTH, space="spc_1", scope=SCOPE)
    assert before.seconds is None
    assert before.cost_usd == 0.0
    await library.ask(GROWTH)
    after = await answers.estimate(GROWTH, space="spc_1", scope=SCOPE)
    assert after.seconds is not None


@pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST_QUESTION + 1)])
async def test_a_question_that_cannot_be_asked_is_refused(library: Any, text: str) -> None:
    with pytest.raises(Invalid):
        await library.ask(text)


async def test_the_longest_question_is_asked(library: Any) -> None:
    events = await library.ask("x" * LONGEST_QUESTION)
    assert isinstance(events[-1], Declined)
