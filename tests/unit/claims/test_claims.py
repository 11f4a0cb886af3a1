"""Sentences become claims, and a verdict follows the text and its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from backend.claims.claims import (
    Cited,
    Claim,
    Verdict,
    cites_of,
    claim_hash,
    claims_of,
    cover,
    evidence_hash,
    judge,
)
from backend.evidence.model import EvidenceState
from collab.model import Block, Inline


def split(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\s].*?(?:[.!?](?=\s|$)|\n|$)", text)]


def block(*parts: str | Inline, type: str = "paragraph", id: str = "b1") -> Block:
    inline = tuple(Inline("text", part) if isinstance(part, str) else part for part in parts)
    return Block(id, type, inline=inline)


def chip(cite: str) -> Inline:
    return Inline("citation", attrs={"cite": cite})


def cited(quote: str, cite: str = "cit_1", around: str = "", state: str = "current") -> Cited:
    return Cited(cite, "Study", quote, around or quote, EvidenceState(state))


def verdict(text: str, *evidence: Cited) -> tuple[Verdict, str]:
    claim = Claim("h", "b", text, tuple(one.cite for one in evidence), 0)
    judged = judge(claim, {one.cite: one for one in evidence})
    return judged.verdict, judged.reason


def found(*blocks: Block) -> list[tuple[str, tuple[str, ...]]]:
    return [(claim.text, claim.cites) for claim in claims_of(blocks, split)]


def test_a_chip_after_the_stop_belongs_to_the_sentence_before() -> None:
    """In the sentence, right after its stop, or after a space: it is the same sentence's."""
    for parts in (
        ("Revenue grew by 12 %", chip("a"), ". Costs fell by a third."),
        ("Revenue grew by 12 %.", chip("a"), " Costs fell by a third."),
        ("Revenue grew by 12 %. ", chip("a"), "Costs fell by a third."),
        ("Revenue grew by 12 %.", chip("a"), "Costs fell by a third."),
    ):
        assert found(block(*parts)) == [
            ("Revenue grew by 12 %.", ("a",)),
            ("Costs fell by a third.", ()),
        ]


def test_several_chips_and_one_at_the_very_start() -> None:
    assert found(block(chip("a"), "Revenue grew by 12 %.", chip("b"), chip("a"))) == [
        ("Revenue grew by 12 %.", ("a", "b"))
    ]


def test_what_states_nothing_is_no_claim() -> None:
    """Headings, code, actions, questions, fragments and lead-ins are passed over."""
    assert (
        found(
            block("Revenue grew by twelve percent.", type="heading"),
            block("revenue = grow(by=12, year=2025)", type="codeBlock"),
            block("Call the four installers today.", type="action"),
            block("Did revenue grow this year at all?"),
            block("In short"),
            block("These are the reasons we found:"),
            block(chip("a")),
        )
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "Ask a question on the left, read where each sentence comes from, and insert what holds.",
        "This brief prepares the decision of 18 March 2026.",
        "Please read the market study before the meeting.",
        "Dieses Papier beschreibt die beiden Möglichkeiten.",
    ],
)
def test_what_speaks_to_the_reader_or_of_the_text_is_no_claim(text: str) -> None:
    assert found(block(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Use of leasing grew by a quarter in a year.",
        "Mark Haugen presented the unaudited results.",
        "This report shows that revenue fell in the south.",
        "Open questions remain about the dealer margin.",
        "Read-outs of the meters were late in the winter.",
    ],
)
def test_what_only_looks_like_an_instruction_is_a_claim(text: str) -> None:
    assert found(block(text)) == [(text, ())]


def test_sentences_in_lists_quotes_and_tables_are_claims() -> None:
    inner = block("Installers want shorter delivery times.", id="p1")
    tree = [
        Block("l", "bulletList", children=(Block("i", "listItem", children=(inner,)),)),
        Block("q", "blockquote", children=(block("Margins fell in the south.", id="p2"),)),
    ]
    assert [(claim.block, claim.order) for claim in claims_of(tree, split)] == [
        ("p1", 0),
        ("p2", 1),
    ]


def test_editing_one_sentence_leaves_the_hash_of_the_other() -> None:
    """A hash is the sentence's own: not its place's, its chips' or its neighbours'."""
    before = claims_of([block("Revenue grew by 12 %. Costs fell by 3 %.")], split)
    after = claims_of([block("Costs fell by", chip("a"), " 3 %. Revenue grew by 13 %.")], split)
    assert before[1].hash == after[0].hash
    assert before[0].hash != after[1].hash
    assert claim_hash("A  b") == claim_hash("A b")
    assert claim_hash("A b") != claim_hash("a b")
    assert re.fullmatch(r"[0-9a-f]{16}", before[0].hash)


def test_the_same_sentence_twice_is_one_claim() -> None:
    blocks = [block("Revenue grew by 12 %.", chip("a")), block("Revenue grew by 12 %.", chip("b"))]
    assert found(*blocks) == [("Revenue grew by 12 %.", ("a", "b"))]


QUOTE = "Heat pump revenue of Nordwind grew 12.1 % in 2025, driven by renovation subsidies."


@pytest.mark.parametrize(
    "text",
    [
        "Heat pump revenue of Nordwind grew 12.1 % in 2025.",
        "Nordwind's heat pump revenue grew 12 % in 2025.",
        "In 2025, heat pump revenue grew by 12.1 percent.",
        "Renovation subsidies drove heat pump revenue.",
    ],
)
def test_what_the_quote_says_is_supported(text: str) -> None:
    """Verbatim, rounded to what the claim says, or in other forms of the words."""
    assert verdict(text, cited(QUOTE))[0] is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Heat pump revenue of Nordwind grew 9 % in 2025.", "The quote says 12.1 %, the claim 9 %"),
        ("Heat pump revenue of Nordwind grew 12.4 % in 2025.", "the claim 12.4 %"),
        ("Heat pump revenue of Nordwind fell 12.1 % in 2025.", "“grew”"),
        ("Heat pump revenue of Nordwind did not grow 12.1 % in 2025.", "denies"),
        (
            "Heat pump revenue of Nordwind grew 12.1 % in 2024.",
            "The quote says 2025, the claim 2024",
        ),
        ("The canteen serves lunch until two o'clock.", "something else"),
    ],
)
def test_what_the_quote_does_not_say_is_unsupported(text: str, reason: str) -> None:
    """Other figures, the opposite, a denial or another subject; the reason names it."""
    judged, said = verdict(text, cited(QUOTE))
    assert judged is Verdict.UNSUPPORTED
    assert reason in said


@pytest.mark.parametrize(
    ("text", "around", "reason"),
    [
        ("Heat pump revenue of Vestas grew 12.1 % in 2025.", "", "vestas"),
        ("Heat pump revenue grew 12.1 % with 140 installers.", f"{QUOTE} It has 140 installers.",
         "140"),
        ("Heat pump revenue grew thanks to marketing, pricing, hiring and training efforts.", "",
         "Only"),
        ("Heat pump revenue grew 12.1 % in Q3.", "", "Q3"),
    ],
)  # fmt: skip
def test_what_the_quote_says_in_part_is_partial(text: str, around: str, reason: str) -> None:
    """A name, figure or period that is missing or stands elsewhere, or words of its own."""
    judged, said = verdict(text, cited(QUOTE, around=around))
    assert judged is Verdict.PARTIAL
    assert reason in said


def test_two_quotes_carry_a_claim_together() -> None:
    """Each brings a part; one that is silent does not speak against it."""
    text = "Heat pump revenue grew 12.1 % and installers number 140."
    evidence = cited(QUOTE), cited("The company has 140 installers.", "cit_2")
    assert verdict(text, *evidence)[0] is Verdict.SUPPORTED


def test_without_evidence_there_is_no_support() -> None:
    assert verdict("Nordwind leads the market clearly.") == (
        Verdict.UNSUPPORTED,
        "No evidence is cited.",
    )
    claim = Claim("h", "b", "Nordwind leads the market.", ("cit_gone",), 0)
    assert judge(claim, {}).verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize(("state", "reason"), [("stale", "no longer says"), ("deleted", "deleted")])
def test_evidence_that_is_gone_makes_a_claim_stale(state: str, reason: str) -> None:
    judged, said = verdict(QUOTE, cited(QUOTE, state=state))
    assert judged is Verdict.STALE
    assert reason in said


def test_an_opinion_needs_no_evidence() -> None:
    claim = Claim("h", "b", "We should enter the market.", (), 0)
    assert judge(claim, {}, opinion=True).verdict is Verdict.OPINION


@pytest.mark.parametrize(
    "text",
    [
        "We think that Austria is the better first step.",
        "In our view, Iberia can wait for another year.",
        "We strongly recommend a stock of spare parts.",
        "Wir empfehlen den Einstieg in Österreich.",
    ],
)
def test_an_uncited_view_is_told_the_way_out(text: str) -> None:
    """It stays unsupported until a person marks it: "we think" alone waives no evidence."""
    judged, reason = verdict(text)
    assert judged is Verdict.UNSUPPORTED
    assert "mark it as an opinion" in reason


def test_a_figure_is_not_only_a_view() -> None:
    assert verdict("We think that revenue grew 40 % in 2025.")[1] == "No evidence is cited."


def test_coverage_counts_every_claim_once() -> None:
    texts: Sequence[tuple[str, tuple[str, ...]]] = [
        ("Heat pump revenue of Nordwind grew 12.1 % in 2025.", ("cit_1",)),
        ("Heat pump revenue of Nordwind grew 9 % in 2025.", ("cit_1",)),
        ("Nordwind leads the market.", ()),
    ]
    claims = [Claim(str(n), "b", text, cites, n) for n, (text, cites) in enumerate(texts)]
    counted = cover([(claim, judge(claim, {"cit_1": cited(QUOTE)})) for claim in claims])
    assert (counted.claims, counted.cited, counted.supported, counted.unsupported) == (3, 2, 1, 2)


def test_a_verdict_expires_with_what_it_was_judged_against() -> None:
    """A stale source, another quote or another citation makes another hash; order does not."""
    one, two = cited(QUOTE), cited("The company has 140 installers.", "cit_2")
    assert evidence_hash([one, two]) == evidence_hash([two, one])
    assert evidence_hash([one]) != evidence_hash([one, two])
    assert evidence_hash([one]) != evidence_hash([cited(QUOTE, state="stale")])


def test_citations_are_found_in_reading_order_with_their_blocks() -> None:
    tree = [
        block("Text", chip("b"), id="p1"),
        Block("l", "bulletList", children=(block(chip("a"), chip("b"), id="p2"),)),
    ]
    assert cites_of(tree) == (("b", "p1"), ("a", "p2"), ("b", "p2"))
