"""Text as Notion takes it, and as it reads back."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.model import Brief, Item, Reference, Span
from exporters.notion import blocks, hooks, limits, rich_text
from exporters.notion.languages import language
from exporters.records import Place, Record
from tests.remotes import notion

_PLACE = Place("notion", "t1", {"page": "p"}, link="https://s.example/b", brief="b1")

_LETTERS = st.sampled_from(["a", " ", "\n", "é", "e\u0301", "😀", "👩‍🚀", "👍🏽", "[12]", "字"])
_SPANS = st.lists(
    st.builds(
        Span,
        text=st.lists(_LETTERS, max_size=6).map("".join),
        bold=st.booleans(),
        italic=st.booleans(),
        underline=st.booleans(),
        strike=st.booleans(),
        code=st.booleans(),
        href=st.sampled_from([None, "https://example.org", "mailto:a@example.org", "/inside"]),
    )
    | st.builds(Span, cite=st.sampled_from(["c1", "c2"])),
    max_size=8,
)


def _nothing_lost(what: str) -> None:
    assert "link" in what.lower()


def _runs(spans: list[Span]) -> list[Any]:
    return rich_text.of_spans(spans, {"c1": 1}, {"c1": "https://s.example/1"}, _nothing_lost)


@given(_SPANS)
def test_what_is_sent_reads_back_as_what_is_compared(spans: list[Span]) -> None:
    """However Notion joins neighbours and whatever it adds: an unchanged text is unchanged."""
    runs = _runs(spans)
    shown = notion._shown_text(rich_text.elements(runs))  # type: ignore[arg-type]
    assert rich_text.read(shown) == runs


@given(st.lists(_LETTERS, min_size=1).map("".join), st.integers(20, 200))
def test_a_text_is_cut_within_its_limit_and_never_within_a_sign(text: str, limit: int) -> None:
    """The parts are the whole; none is longer; no accent, no citation is torn off."""
    text = text * 40
    parts = []
    while text_left := text[sum(map(len, parts)) :]:
        parts.append(text_left[: rich_text.cut(text_left, limit)])
    assert "".join(parts) == text
    for part in parts:
        assert 0 < rich_text.units(part) <= limit
        assert not part.startswith(("\u0301", "\u200d", "🏽"))
        assert part.count("[") == part.count("]")


@given(_SPANS, st.integers(1, 60))
def test_pieces_are_the_whole_text_and_fit_a_block(spans: list[Span], times: int) -> None:
    runs = _runs(spans * times)
    pieces = rich_text.pieces(runs)
    assert "".join(map(rich_text.plain, pieces)) == rich_text.plain(runs)
    assert all(len(rich_text.elements(piece)) <= limits.ARRAY for piece in pieces)


def test_halves_of_surrogates_and_control_characters_are_left_out() -> None:
    """They are no text, and cannot be sent."""
    assert rich_text.clean("a\ud800b\x00c\r\nd\te") == "abc\nd\te"


def test_a_mention_of_a_date_reads_back_and_others_are_kept_to_be_seen() -> None:
    """What a person mentions is part of the text that is compared, so it is never lost unseen."""
    assert rich_text.read(
        [
            {"type": "mention", "mention": {"date": {"start": "2026-04-01", "end": None}}},
            {"type": "mention", "mention": {"user": {}}, "plain_text": "@Mara", "href": None},
            {"type": "equation", "equation": {"expression": "x"}, "plain_text": "x"},
        ]
    ) == [
        {"date": "2026-04-01"},
        {"text": "@Mara", "kind": "mention"},
        {"text": "x", "kind": "equation"},
    ]


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("javascript:alert(1)", ""),
        ("#there", ""),
        (None, ""),
    ],
)
def test_only_addresses_that_notion_takes_are_links(given_: str | None, shown: str) -> None:
    assert rich_text.link(given_) == shown


def test_text_reads_as_markdown() -> None:
    runs = [
        rich_text.run("Sales ", marks=["bold"]),
        rich_text.run("rose\nagain", href="https://example.org"),
        {"date": "2026-04-01"},
    ]
    assert rich_text.words(runs) == (
        "**Sales** [rose](https://example.org)\\\n[again](https://example.org)2026-04-01"
    )


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("py", "python"), ("Python", "python"), ("c++", "c++"), ("brainfuck", None)],
)
def test_languages_have_the_names_that_notion_knows(name: str, theirs: str | None) -> None:
    assert language(name) == theirs


def _records(*items: Item, references: tuple[Reference, ...] = ()) -> blocks.Writer:
    writer = blocks.Writer(Brief("b1", "T", items, references), _PLACE, rows=False)
    writer.body()
    writer.appendix()
    return writer


def test_every_loss_is_said_with_its_block() -> None:
    """Headings too deep, lists that start elsewhere, images, unknown languages, links within."""
    inside = Item("li", "list_item", (Span("one", href="/s/team"),))
    writer = _records(
        Item("h", "heading", (Span("Deep"),), level=6),
        Item("l", "ordered_list", children=(inside,), start=5),
        Item("i", "image"),
        Item("k", "code", (Span("+"),), language="brainfuck"),
    )
    assert {loss.key: loss.what for loss in writer.losses} == {
        "h": "A heading of level 6 is shown as level 4.",
        "l": "A list that starts at 5 starts at 1.",
        "li": "A link that Notion does not take is shown as plain text.",
        "i": "An image is shown by its text alone: it has no address.",
        "k": "Code in brainfuck is shown without colours.",
    }


def test_what_a_cell_cannot_hold_is_lines_of_text() -> None:
    inner = Item("l", "bullet_list", children=(Item("li", "list_item", (Span("one"),)),))
    cell = Item("c", "cell", children=(Item("p", "paragraph", (Span("Of:"),)), inner))
    writer = _records(Item("t", "table", children=(Item("r", "row", children=(cell,)),)))
    row = writer.records[-1]
    assert rich_text.plain(row.fields["cells"][0]) == "Of:\n• one"  # type: ignore[index]
    assert [loss.key for loss in writer.losses] == ["l", "li"]


def test_evidence_that_is_gone_is_still_numbered() -> None:
    """As everywhere else: a citation without evidence is a question mark, its reference says so."""
    writer = _records(
        Item("p", "paragraph", (Span("So"), Span(cite="c1"), Span(cite="c9"))),
        references=(Reference(1, "c1", "", "", state="unknown"),),
    )
    assert [rich_text.plain(one.fields["text"]) for one in writer.records] == [
        "So[1][?]",
        "References",
        "[1] Unknown source: no quote (the evidence is not known here)",
    ]


def test_a_block_reads_back_as_it_was_made() -> None:
    """Every kind of block, but for what others may put inside."""
    cells = (Item("c1", "cell", (Span("A"),), header=True), Item("c2", "cell", (Span("B"),)))
    writer = _records(
        Item("p", "paragraph", (Span("x", bold=True),)),
        Item("a", "action", (Span("do"),), status="done"),
        Item("k", "code", (Span("x"),), language="py"),
        Item("r", "rule"),
        Item("t", "table", children=(Item("w", "row", children=cells),)),
    )
    for record in writer.records:
        made: Any = blocks.sent(record, _rows(writer, record))
        kind = made["type"]
        shown = {**made, kind: {**made[kind], "color": "default"}}
        read = blocks.read(shown)
        assert read == {part: value for part, value in record.fields.items() if part != "inside"}


def _rows(writer: blocks.Writer, record: Record) -> list[Record]:
    return [one for one in writer.records if one.parent == record.key]


_BODY = json.dumps({"id": "e1", "type": "page.content_updated"}).encode()


def _signature(body: bytes, token: str = "secret_x") -> str:
    return "sha256=" + hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


def test_only_what_notion_signed_is_notions() -> None:
    """Another body, another token, another form, or none at all, is not."""
    assert hooks.verified("secret_x", _BODY, _signature(_BODY))
    assert not hooks.verified("secret_x", _BODY + b" ", _signature(_BODY))
    assert not hooks.verified("secret_y", _BODY, _signature(_BODY))
    assert not hooks.verified("", _BODY, _signature(_BODY, ""))
    assert not hooks.verified("secret_x", _BODY, _signature(_BODY).removeprefix("sha256="))
    assert not hooks.verified("secret_x", _BODY, "sha256=ü")
    assert not hooks.verified("secret_x", _BODY, "")


def test_the_first_message_of_a_subscription_brings_its_token() -> None:
    assert hooks.handshake({"verification_token": "secret_x"}) == "secret_x"
    assert hooks.handshake({"verification_token": "secret_x", "type": "page.created"}) is None
    assert hooks.handshake(["verification_token"]) is None


def test_an_event_names_the_pages_and_blocks_it_is_about() -> None:
    event: Any = {
        "id": "e1",
        "type": "page.content_updated",
        "entity": {"id": "p1", "type": "page"},
        "data": {
            "parent": {"id": "d1", "type": "data_source"},
            "updated_blocks": [{"id": "b1", "type": "block"}, {"id": "b2", "type": "block"}],
        },
    }
    assert hooks.changed(event) == ("p1", "d1", "b1", "b2")
    assert hooks.delivery(event) == "e1"
    assert hooks.changed({"entity": "odd", "data": [1]}) == ()
