"""Which words are matched, and in which language."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from evals.datasets import load
from retrieval import terms
from retrieval.language import STOP_WORDS, guess, spoken
from retrieval.model import Passage, Query
from retrieval.terms import MAX_QUERY_TERMS, analyze, asked, indexed, matched, words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The market grew because demand was strong in the north.", "en"),
        ("Der Markt wuchs, weil die Nachfrage im Norden stark war.", "de"),
        ("Le marché a progressé parce que la demande était forte dans le nord.", "fr"),
        ("El mercado creció porque la demanda era fuerte en el norte.", "es"),
        ("Рынок вырос, потому что спрос был высоким и на севере.", "ru"),
        ("市场增长了。", "und"),
        ("Q1 Q2 Q3 Q4 120 130 140 EMEA APAC", "und"),
        ("", "und"),
        ("Market", "und"),
    ],
)
def test_a_sentence_tells_its_language_and_a_table_does_not(text: str, language: str) -> None:
    assert guess(text) == language


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("policies", "Policy", "en"),
        ("Häuser", "haus", "de"),
        ("stratégies", "strategie", "fr"),
        ("l’entreprise", "entreprises", "fr"),
        ("análisis", "analisis", "es"),
        ("рынка", "рынку", "ru"),
        ("1,200", "1200", "en"),
        ("12,1 %", "12.1", "de"),
        ("U.S.", "US", "en"),
        ("figures", "figure", "und"),
        ("e\u0301tude", "étude", "fr"),
        ("strat\u00adegy", "strategy", "en"),
        ("ﬁnance", "finance", "en"),
        ("company’s", "company", "en"),
    ],
)
def test_forms_of_one_word_are_one_term(one: str, other: str, language: str) -> None:
    assert analyze(one, language) == analyze(other, language) != []


def test_figures_stay_whole() -> None:
    assert analyze("12.1 and 12 and 1", "en") == ["12.1", "12", "1"]


def test_text_without_spaces_is_matched_by_pairs() -> None:
    assert analyze("北京大学", "und") == ["北京", "京大", "大学"]
    assert analyze("大", "und") == ["大"]


def test_a_question_has_a_limit_of_different_words() -> None:
    def words(many: int) -> Query:
        return Query(" ".join(f"w{number}x" for number in range(many)))

    def english(query: Query) -> int:
        return sum(term.startswith("en:") for term in asked(query))

    assert english(words(MAX_QUERY_TERMS)) == MAX_QUERY_TERMS
    assert english(words(MAX_QUERY_TERMS + 1)) == MAX_QUERY_TERMS


def test_matched_names_the_question_s_own_words_that_found_the_passage() -> None:
    passage = Passage("p", "t", "s", "x", "v", 0, "Policies changed.", 0, 17, headings=("Market",))
    query = Query("Which policy changes the markets of France?")
    assert matched(query, passage) == ["policy", "changes", "markets"]


@given(st.text(), st.sampled_from(["en", "de", "fr", "es", "ru", "und", "xx"]))
def test_terms_are_never_empty_and_hold_no_space(text: str, language: str) -> None:
    """The lexical index parts them by white space."""
    passage = Passage("p", "t", "s", "x", "v", 0, text, 0, len(text), language=language)
    for term in indexed(passage):
        assert term.split() == [term]
        assert term.split(":", 1)[1]


@given(st.text(max_size=80))
def test_a_passage_is_found_by_its_own_words(text: str) -> None:
    """Whatever its language and whatever the question's is taken to be, short of stop words."""
    for language in ("de", "ru", "und"):
        passage = Passage("p", "t", "s", "x", "v", 0, text, 0, len(text), language=language)
        assert set(indexed(passage)) <= set(asked(Query(text, "und")))


def test_a_question_is_taken_for_english_only_where_it_does_not_show_another_language() -> None:
    """Its own stop words are left out, so that "der" finds no English paper on Derwent."""
    assert spoken("Wie hoch war der Umsatz in der Schweiz?") == "de"
    assert spoken("What was the revenue in the north?") == "en"
    assert spoken("Revenue 2025?") == "en"
    asks = asked(Query("Wie war der Umsatz in der Schweiz?", "de"))
    assert not any(term.endswith(":der") for term in asks)


@given(st.text(alphabet="aZé09.,'’_- \n\u00adßİﬁ①Ж") | st.text())
def test_a_sign_of_a_script_without_spaces_changes_no_other_word(text: str) -> None:
    assert words(f"{text} 大") == [*words(text), "大"]


@pytest.mark.parametrize("language", ["english", "german", "french", "spanish", "russian"])
def test_words_are_stemmed_as_snowball_itself_stems_them(language: str, shared_data: Path) -> None:
    """The compiled stemmer and the generated Python agree over a collection and real stop words:
    every question's words meet every language's stemmer."""
    said = {word for one in load(shared_data / "cranfield").passages for word in words(one.text)}
    said |= frozenset[str]().union(*STOP_WORDS.values())
    module = import_module(f"snowballstemmer.{language}_stemmer")
    reference = getattr(module, f"{language.title()}Stemmer")()
    stemmer = Stemmer.Stemmer(language, 0)
    differ = [word for word in said if stemmer.stemWord(word) != reference.stemWord(word)]
    assert len(said) > 5_000
    assert differ == []


def test_so_many_words_terms_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "MAX_KEPT", 3)
    kept = terms._Terms("en")
    assert [kept[word] for word in ("policies", "the", "margins")] == ["polici", "", "margin"]
    assert len(kept) == 3
    assert kept["changed"] == "chang"
    assert len(kept) == 1
    assert kept["policies"] == "polici"
