"""What is read of a passage without a model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.graph.cooccurrence import (
    MAX_ENTITIES,
    MAX_PER_SENTENCE,
    asked,
    read,
)
from retrieval.graph.model import Facts, Kind
from retrieval.graph.names import MAX_WORDS, key
from retrieval.model import Passage


def passage(text: str, *, title: str = "", language: str = "en") -> Passage:
    return Passage(
        "src_a.v.00000", "acme", "spc_1", "src_a", "v", 0, text, 0, len(text), title,
        language=language,
    )  # fmt: skip


def names(facts: Facts) -> set[str]:
    return {mention.name for mention in facts.mentions}


def pairs(facts: Facts, kind: str = Kind.CO_OCCURS) -> set[tuple[str, str]]:
    return {(one.subject, one.object) for one in facts.relations if one.kind == kind}


def test_names_are_runs_of_capitals_with_what_joins_them() -> None:
    """Particles, figures and initials stay inside a name; commas and possessives end it."""
    facts = read(
        passage(
            "The merger of Boeing 747 makers with the University of Chicago, Illinois, was led by "
            "J. Smith and Charles de Gaulle in France's Brittany."
        )
    )
    assert names(facts) == {
        "Boeing 747", "University of Chicago", "Illinois", "J. Smith", "Charles de Gaulle",
        "France", "Brittany",
    }  # fmt: skip


def test_a_capital_that_opens_a_sentence_is_no_name() -> None:
    """Unless the same word stands in capitals elsewhere, and never small."""
    facts = read(passage("However, players left. The shares of Acme rose. Acme paid. Players won."))
    assert names(facts) == {"Acme"}


def test_months_and_weekdays_are_no_names() -> None:
    """They would join everything to everything."""
    facts = read(passage("It was sold on Monday to Acme in March, said Le Monde en janvier."))
    assert names(facts) == {"Acme", "Le Monde"}


def test_what_heads_a_column_is_no_name() -> None:
    """Neither above the rows nor before each cell; what stands in the rows is."""
    plain = "what was sold\n\nCountry | Bikes sold | Growth\nSpain | 8,600 | 18 %\nNorway | 9 | 1 %"
    assert names(read(passage(plain))) == {"Spain", "Norway"}
    header = "Maker | Home\n"
    rows = "Maker: Lastra; Home: Vienna\nMaker: Kargo & Sohn; Home: Graz\n"
    for text in (header + rows, rows):
        assert names(read(passage(text))) == {"Lastra", "Vienna", "Kargo & Sohn", "Graz"}
    alone = header + "Maker: Lastra; Home: Vienna"
    assert names(read(passage(alone))) == {"Lastra", "Vienna"}


def test_what_only_looks_like_the_head_of_a_column_stays_a_name() -> None:
    """Two columns of words alone may have no head, and "Brede: no" is no table."""
    assert "Kargo" in names(read(passage("makers:\nKargo | Brede\nLastra | Sund")))
    assert "Brede" in names(read(passage("We asked Brede: no; then Acme: yes; nobody else.")))


def test_a_surname_is_the_person_named_before() -> None:
    """In the text or the title; the count is of both."""
    facts = read(passage("The board thanked Ada Lovelace. Then Lovelace left with Messi.",
                         title="Lionel Messi"))  # fmt: skip
    assert {mention.entity: mention.times for mention in facts.mentions} == {
        "ada lovelace": 2,
        "lionel messi": 2,
    }


def test_the_title_is_what_a_passage_is_about() -> None:
    """Without the brackets after it; names in a title as long as a sentence are only named."""
    facts = read(passage("An album.", title="Green (Steve Hillage album)"))
    assert [(one.name, one.subject) for one in facts.mentions] == [
        ("Green", True),
        ("Steve Hillage", False),
    ]
    file = read(passage("A study.", title="Steve Hillage.PDF"))
    assert [(one.name, one.subject) for one in file.mentions] == [("Steve Hillage", True)]
    long = read(passage("A study.", title="How the board of Acme decided what to do about it all"))
    assert [(one.name, one.subject) for one in long.mentions] == [("Acme", False)]


def test_a_short_form_in_brackets_is_tied_to_its_long_one() -> None:
    """Initials must match, in order, over particles; other brackets tie nothing."""
    facts = read(
        passage("The European Central Bank (ECB) and the Bank of England (see above) met.")
    )
    assert pairs(facts, Kind.ALIAS) == {("ecb", "european central bank")}
    department = read(passage("The Department of Health and Human Services (DHHS) (OK) agreed."))
    assert pairs(department, Kind.ALIAS) == {("dhhs", "department of health and human service")}


def test_names_of_one_sentence_are_related_and_of_two_are_not() -> None:
    """Each pair once, the smaller key first."""
    facts = read(passage("They say Zed met Acme. Now Acme met Zed. They say Bolt stood alone."))
    assert pairs(facts) == {("acme", "zed")}


def test_phrases_count_where_a_text_uses_them_twice() -> None:
    """A passing pair of words is no entity."""
    facts = read(passage("It is the customer churn and net margin. The customer churn is high."))
    assert names(facts) == {"customer churn"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "BEATLES"),
        ("Müller & Co", "Muller Co"),
        ("ﬁnance", "Finance"),
        ("Cities", "city"),
        ("Deutschlands", "Deutschland"),
        ("Acme's", "Acme"),
        ("Москвы", "Москва"),
    ],
)
def test_a_name_has_one_key_however_it_is_written(one: str, other: str) -> None:
    """Case, accents, compatibility forms, articles, plurals and genitives do not part a name."""
    assert key(one) == key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("Los Angeles", "Angeles"), ("glass", "glas"), ("status", "statu")]
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    """Folding stops short of making two names one."""
    assert key(one) != key(other)


@pytest.mark.parametrize("name", ["", "12.1", "— …", "%", "\u200b"])
def test_what_has_no_letter_is_no_name(name: str) -> None:
    """Figures and signs name nothing."""
    assert key(name) == ""


def test_a_question_means_the_longest_runs_first() -> None:
    """Small letters are taken too; stop words alone mean nothing, unless in capitals."""
    keys = asked("who bought the Bank of England")
    assert keys.index("bank of england") < keys.index("bank") < len(keys)
    assert "who" not in keys
    assert "who" in asked("What did the WHO say")
    assert asked("") == asked("who is the of") == []


def test_passages_of_other_scripts_are_read() -> None:
    """German, Russian and Chinese text neither fails nor invents."""
    german = read(passage("Die Müller AG kaufte die Firma Schmidt.", language="de"))
    assert "Müller AG" in names(german)
    russian = read(passage("Компания Газпром купила завод в Москве.", language="ru"))
    assert {"газпром", "москв"} & {one.entity for one in russian.mentions}
    assert "NATO" in names(read(passage("这是一个关于 NATO 的文本。", language="und")))


def test_a_passage_of_names_alone_is_cut_at_its_limit() -> None:
    """At the limit all are kept, one past it the last is not; a sentence relates its first ones."""

    def listed(count: int) -> Facts:
        return read(passage("They met " + ", ".join(f"Q{at}x" for at in range(count)) + "."))

    assert len(listed(MAX_ENTITIES).mentions) == MAX_ENTITIES
    assert len(listed(MAX_ENTITIES + 1).mentions) == MAX_ENTITIES
    full = MAX_PER_SENTENCE * (MAX_PER_SENTENCE - 1) // 2
    assert len(listed(MAX_PER_SENTENCE).relations) == full
    assert len(listed(MAX_PER_SENTENCE + 1).relations) == full


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=400), title=st.text(max_size=60))
def test_any_text_is_read_the_same_each_time(text: str, title: str) -> None:
    """Whatever the signs: facts that hold together, no key too long, and always the same ones."""
    facts = read(passage(text, title=title))
    assert facts == read(passage(text, title=title))
    assert all(len(one.entity.split()) <= MAX_WORDS for one in facts.mentions)
    assert all(one.subject != one.object for one in facts.relations)
