"""Claims in the languages that are read: the same check, by each one's own words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from backend.claims.claims import Cited, Claim, Verdict, judge
from backend.evidence.model import EvidenceState
from backend.evidence.words import asked, content, figures, held, names

GERMAN = (
    "Der österreichische Markt für Lastenräder wuchs 2025 um 12,1 % auf 13.900 Räder, "
    "weil die Förderung verlängert wurde."
)
AROUND = f"{GERMAN} Die Händler rechnen mit einer Marge von 32 Prozent."


def verdict(text: str, quote: str, around: str) -> tuple[Verdict, str]:
    evidence = Cited("cit_1", "Studie", quote, around, EvidenceState.CURRENT)
    made = judge(Claim("h", "b", text, ("cit_1",), 0), {"cit_1": evidence})
    return made.verdict, made.reason


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        ("Der Markt in Österreich wuchs 2025 um 12 %.", Verdict.SUPPORTED, "words"),
        ("Die Märkte für Lastenräder sind 2025 auf 13.900 Räder gewachsen.",
         Verdict.SUPPORTED, "words"),
        ("Der österreichische Markt für Lastenräder wuchs 2025 um 9 %.",
         Verdict.UNSUPPORTED, "12,1 %"),
        ("Der österreichische Markt für Lastenräder wuchs 2025 nicht um 12,1 %.",
         Verdict.UNSUPPORTED, "denies"),
        ("Der österreichische Markt für Lastenräder sank 2025 um 12,1 %.",
         Verdict.UNSUPPORTED, "“wuchs”"),
        ("Der österreichische Markt für Lastenräder wuchs bei 32 % Marge.",
         Verdict.PARTIAL, "32 %"),
        ("Die Kantine serviert mittags warme Suppe.", Verdict.UNSUPPORTED, "something else"),
    ],
)  # fmt: skip
def test_a_german_claim_is_judged_as_an_english_one_is(
    text: str, expected: Verdict, reason: str
) -> None:
    """Other forms of the words, decimal commas, dots in thousands, "nicht" and "sank"."""
    judged, said = verdict(text, GERMAN, AROUND)
    assert (judged, reason in said) == (expected, True), said


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Le marché autrichien a progressé de 12 % en 2025.",
         "Selon l'étude, le marché autrichien des vélos a progressé de 12,1 % en 2025."),
        ("El mercado austriaco creció un 12 por ciento en 2025.",
         "El mercado austriaco de las bicicletas creció un 12,1 % en 2025, según el estudio."),
        ("Рынок Австрии вырос на 12 процентов в 2025 году.",
         "По данным исследования, рынок Австрии вырос на 12,1 % в 2025 году."),
    ],
)  # fmt: skip
def test_so_are_french_spanish_and_russian_ones(text: str, quote: str) -> None:
    judged, said = verdict(text, quote, quote)
    assert judged is Verdict.SUPPORTED, said


@pytest.mark.parametrize(
    ("text", "language", "value", "unit"),
    [
        ("13.900 Räder", "de", "13900", ""),
        ("13.900 metres", "en", "13.900", ""),
        ("1.250.000,50 Euro", "de", "1250000.50", "EUR"),
        ("1,250,000.50 euros", "en", "1250000.50", "EUR"),
        ("3,4 Mio. Euro", "de", "3400000", "EUR"),
        ("12,5 Prozent", "de", "12.5", "%"),
        ("2,5 Prozentpunkte", "de", "2.5", "pp"),
        ("3 milliards d'euros", "fr", "3000000000", ""),
        ("4 млн евро", "ru", "4000000", "EUR"),
    ],
)
def test_a_figure_is_read_as_its_language_writes_it(
    text: str, language: str, value: str, unit: str
) -> None:
    (figure,) = figures(text, language)
    assert (figure.value, figure.unit) == (Decimal(value), unit)


def test_a_german_noun_is_no_name() -> None:
    """Else a claim would be partial because its source uses another noun."""
    assert names("Der Markt von NovaGrid in Österreich wuchs.", "de") == ("novagrid",)
    assert names("The market of NovaGrid in Austria grew.", "en") == ("novagrid", "austria")


def test_a_questions_words_are_found_in_their_passages_language() -> None:
    words = asked("Wie schnell wuchs der Markt für Lastenräder?")
    assert "der" not in words
    assert {"markt", "lastenräder"} <= held(words, "Die Märkte der Lastenräder", "de")


def test_units_are_no_words_of_their_own() -> None:
    """Two sums of money share their currency, not their subject."""
    assert content("The budget is EUR 0.6 million.", "en") == {"budget"}
