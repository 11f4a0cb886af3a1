"""Questions as typed: what is quoted, where to look, and what stays a word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BadQuery
from retrieval.query import MAX_PARTS, MAX_PHRASES, Filters, read, split


def day(year: int, month: int = 1, date: int = 1) -> datetime:
    return datetime(year, month, date, tzinfo=UTC)


def test_filters_leave_the_question_and_quotes_stay_in_it() -> None:
    reading = read('"net retention" title:"Annual report" source:a.pdf after:2024-03 how high?')
    assert reading.text == '"net retention" how high?'
    assert reading.preferred == ("net retention",)
    assert reading.filters == Filters(("Annual report",), ("a.pdf",), after=day(2024, 3))
    assert reading.written == ('title:"Annual report"', "source:a.pdf", "after:2024-03")


@pytest.mark.parametrize(
    "text",
    [
        "what is http://example.org/title:x about?",
        "author:smith on churn",
        "the title: a market",
        'it cost 5" more',
        "subtitle:x",
        'an empty "" quote',
        "title:??? why",
    ],
)
def test_what_only_looks_like_a_filter_or_quote_stays_as_it_is(text: str) -> None:
    reading = read(text)
    assert (reading.text, reading.required, reading.preferred) == (text, (), ())
    assert not reading.filters


@pytest.mark.parametrize(
    ("text", "asked", "written"),
    [
        ("What changed after:2024?", "What changed?", "after:2024"),
        ("Did rent (source:10-K.pdf) rise?", "Did rent () rise?", "source:10-K.pdf"),
        ("In title:minutes, what fell?", "In, what fell?", "title:minutes"),
        ('What fell title:"in May?"', "What fell", 'title:"in May?"'),
    ],
)
def test_what_ends_a_sentence_is_no_part_of_a_filter(text: str, asked: str, written: str) -> None:
    reading = read(text)
    assert (reading.text, reading.written) == (asked, (written,))


def test_a_mark_that_is_never_closed_opens_no_quote() -> None:
    """The quote is what the nearest marks hold; whatever opened before them is passed over."""
    assert read("the “net and “gross margin” fell").preferred == ("gross margin",)
    assert read("der „Netto und „Umsatz“ fiel").preferred == ("Umsatz",)
    assert read("le «net et «chiffre d'affaires» a baissé").preferred == ("chiffre d'affaires",)
    assert read("“" * 9).preferred == ()


def test_a_quote_of_nothing_but_stop_words_is_no_phrase() -> None:
    assert read('"to be or not" is a question').preferred == ()
    assert read("“net retention” „netto Umsatz“ «chiffre d'affaires»?").required == (
        "net retention",
        "netto Umsatz",
        "chiffre d'affaires",
    )


@pytest.mark.parametrize(
    ("text", "required", "preferred", "strict"),
    [
        ('"net retention"', ("net retention",), (), False),
        ('"net retention" title:report', ("net retention",), (), False),
        ('who sang "net retention"?', (), ("net retention",), False),
        ('who sang +"net retention"?', ("net retention",), (), True),
        ('+"net retention" and "churn"', ("net retention",), ("churn",), True),
        ('"churn" why +"churn"', ("churn",), (), True),
        ('C+"churn" why', (), ("churn",), False),
    ],
)
def test_quotes_are_required_where_nothing_else_is_asked_or_a_plus_says_so(
    text: str, required: tuple[str, ...], preferred: tuple[str, ...], strict: bool
) -> None:
    reading = read(text)
    assert (reading.required, reading.preferred) == (required, preferred)
    assert reading.strict is strict


def test_as_many_phrases_as_allowed_and_no_more() -> None:
    quoted = [f'"word{number}"' for number in range(MAX_PHRASES + 1)]
    for said in (quoted[:-1], quoted):
        assert len(read(" ".join(said)).required) == MAX_PHRASES
        assert len(read(" ".join(said) + " why?").preferred) == MAX_PHRASES
    both = read("+" + " ".join(quoted))
    assert (len(both.required), len(both.preferred)) == (1, MAX_PHRASES - 1)


@pytest.mark.parametrize("value", ["yesterday", "2024-13", "2024-02-30", "24-01-01", "0000"])
def test_a_date_that_is_none_is_named_with_the_form_it_should_have(value: str) -> None:
    with pytest.raises(BadQuery) as caught:
        read(f"churn before:{value}")
    assert f"before:{value}" in caught.value.message
    assert "before:2024-03-31" in caught.value.remedy


def test_several_dates_bound_from_both_sides_and_the_narrower_holds() -> None:
    filters = read("churn after:2023 After:2024-02-01 before:2025 before:2024-06").filters
    assert (filters.after, filters.before) == (day(2024, 2), day(2024, 6))
    fits = {
        came: filters.fits(title="", path="", came=came)
        for came in (day(2024, 1, 31), day(2024, 2), day(2024, 5, 31), day(2024, 6))
    }
    assert list(fits.values()) == [False, True, True, False]


def test_a_title_is_looked_for_by_its_words_and_a_source_by_its_letters() -> None:
    came = day(2024)
    title = Filters(titles=("annual REPORTS", "minutes"))
    assert title.fits(title="The annual report 2024", path="x.pdf", came=came)
    assert title.fits(title="Minutes", path="x.pdf", came=came)
    assert not title.fits(title="Report, annual", path="annual report.pdf", came=came)
    source = Filters(sources=("Board/2024",))
    assert source.fits(title="Minutes", path="board/2024-03.docx", came=came)
    assert not source.fits(title="Minutes", path="2024/board.docx", came=came)


def test_a_title_alone_is_what_is_looked_for_and_a_date_alone_is_refused() -> None:
    assert read('title:"market size"').text == "market size"
    with pytest.raises(BadQuery, match="after:2024"):
        read("after:2024 ?")


@given(st.text(max_size=200) | st.text(alphabet='"“”„«» title:source:after:2024-', max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except BadQuery:
        return
    assert reading.filters or reading.text == text


def test_a_megabyte_is_read_by_its_beginning() -> None:
    text = '"' * 1_000_000
    assert read(text).text == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("What is ARR? How did prices grow?", ("What is ARR?", "How did prices grow?")),
        ("What is ARR? How did it grow?", ()),
        ("What is churn and how are prices set?", ("What is churn", "how are prices set?")),
        ("What is churn and how is it counted?", ()),
        ("churn in 2024; margin in 2025", ("churn in 2024;", "margin in 2025")),
        ("Is churn high, and why?", ()),
        ("When was the region that lies where Israel is and who rules there founded?", ()),
        ("Is it possible to predict when and how prices will stop?", ()),
        ("The company and how prices grew", ()),
        ("the effect of slight rarefaction (the ?slip? effect)", ()),
        ("What is churn?", ()),
        ("", ()),
    ],
)
def test_a_question_is_split_where_it_surely_asks_more_than_one(
    text: str, parts: tuple[str, ...]
) -> None:
    assert split(text) == parts


def test_as_many_parts_as_allowed_and_one_more_is_a_text() -> None:
    asked = [f"What is word{number}?" for number in range(MAX_PARTS + 1)]
    assert split(" ".join(asked[:-1])) == tuple(asked[:-1])
    assert split(" ".join(asked)) == ()
