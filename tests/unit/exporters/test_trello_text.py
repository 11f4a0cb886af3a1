"""What Trello is given to show, and what it tells by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.model import Brief, Item, Reference, Span
from exporters.records import OVERVIEW, Place
from exporters.trello import Trello, hooks
from exporters.trello.cards import RETIRED, struck
from exporters.trello.render import COMMENT, LINE
from exporters.trello.text import LIMIT, parts, shortened, shown, units

LETTERS = st.text(st.sampled_from("ab é😀`\n#-*"), max_size=400)


@given(LETTERS, st.integers(12, 60))
@settings(max_examples=300)
def test_parts_fit_and_lose_no_letter(text: str, limit: int) -> None:
    """Every part is within the limit, and no character of the text is missing or torn."""
    made = parts(text, limit)
    assert all(units(part) <= limit for part in made)
    kept = [one for one in "".join(made) if one in "aé😀b#*-"]
    assert kept == [one for one in text if one in "aé😀b#*-"]


@pytest.mark.parametrize(("more", "count"), [(0, 1), (1, 2)])
def test_a_text_at_the_limit_is_one_part_and_one_longer_two(more: int, count: int) -> None:
    """Counted as Trello counts: an emoji is two."""
    text = "😀" * (LIMIT // 2) + "x" * more
    assert units(text) == LIMIT + more
    assert len(parts(text)) == count


def test_blocks_stay_whole_where_they_can() -> None:
    """A cut comes between blocks; an empty line within code is no end of it."""
    code = "```py\na = 1\n\nb = 2\n```"
    assert parts(f"one\n\n{code}\n\ntwo", 30) == [f"one\n\n{code}", "two"]


def test_code_that_is_cut_is_code_in_both_parts() -> None:
    made = parts("````\n" + "\n".join(f"line {n}" for n in range(9)) + "\n````", 40)
    assert len(made) > 1
    assert all(part.startswith("````\n") and part.endswith("\n````") for part in made)


def test_a_name_is_shortened_between_characters() -> None:
    assert shortened("😀" * 5, 10) == "😀" * 5
    assert shortened("😀" * 6, 10) == "😀" * 4 + "…"


def test_lists_code_quotes_and_links_are_what_trello_reads() -> None:
    """Markdown without tags; a table and a picture become text."""
    inner = Item("l2", "ordered_list", children=(_item("li2", "two", bold=True),))
    first = Item("li1", "list_item", spans=(Span("one"),), children=(inner,))
    said = shown(
        [
            Item("l1", "bullet_list", children=(first,)),
            Item("q", "quote", children=(Item("qp", "paragraph", (Span("so"),)),)),
            Item("k", "code", (Span("x = 1"),), language="py"),
            Item("p", "paragraph", (Span("see", href="https://a.example"), Span(cite="c1"))),
            Item("a1", "action", (Span("do it"),), status="done", owner="Bob"),
            Item("a2", "action", (Span("and that"),)),
        ],
        [Reference(1, "c1", "Report", "quote")],
    )
    assert said == (
        "- one\n  1. **two**\n\n> so\n\n```py\nx = 1\n```\n\n[see](https://a.example)\\[1\\]\n\n"
        "- do it\n- and that\n\n## References\n\n\\[1\\] Report: “quote”"
    )


def _item(key: str, text: str, *, bold: bool = False) -> Item:
    return Item(key, "list_item", spans=(Span(text, bold=bold),))


def test_the_overview_does_not_tell_how_actions_stand() -> None:
    """A new status is a change of one card, not of the overview's text."""
    place = Place("trello", "t", {"board": "b"}, link="https://s.example", brief="b1")
    known = {status: f"{status}-list" for status in ("open", "doing", "done")}
    place = Place(place.kind, "t", place.where, {}, place.link, "b1", {"lists": known})
    open_, done = (
        Trello().render(Brief("b1", "T", (Item("a", "action", (Span("x"),), status=s),)), place)
        for s in ("open", "done")
    )
    assert open_.records[0] == done.records[0]
    assert open_.records[0].key == OVERVIEW
    assert open_.records[1].fields["status"] == "open"


def test_a_line_at_its_longest_can_still_be_struck_through() -> None:
    """What leaves the brief gets longer by what says so, and must fit even then."""
    place = Place("trello", "t", {"board": "b"}, link="https://s.example", brief="b1")
    brief = Brief("b1", "T", (Item("a", "action", (Span("x" * LIMIT),)),))
    lines = [r for r in Trello().render(brief, place).records if r.kind == LINE]
    assert units(struck(lines[0].fields["name"])) <= LIMIT
    long = Brief("b1", "T", (Item("p", "paragraph", (Span("word " * 10_000),)),))
    comments = [r for r in Trello().render(long, place).records if r.kind == COMMENT]
    assert len(comments) > 1
    assert all(units(f"{RETIRED}{one.fields['text']}") <= LIMIT for one in comments)


def test_words_for_people() -> None:
    trello = Trello()
    assert trello.words("due", "2026-04-01T12:00:00.000Z") == "2026-04-01"
    assert trello.words("due", "2026-04-01T09:30:00.000Z") == "2026-04-01T09:30:00.000Z"
    assert trello.words("members", ["bob"]) == "@bob"
    assert trello.words("members", []) == "none"
    assert trello.words("complete", True) == "yes"
    assert trello.words("status", "doing") == "In work"
    assert trello.label("desc") == "Description"
    assert RETIRED.endswith("\n\n")


SECRET, CALLBACK = "s3cret", "https://strat.example/api/hooks/c1"


def test_only_trello_s_own_words_are_verified() -> None:
    """The signature is over the body and the address exactly as the webhook was made with."""
    body = '{"action":{"type":"updateCard"},"ü":1}'.encode()
    digest = hmac.new(SECRET.encode(), body + CALLBACK.encode(), hashlib.sha1).digest()
    signature = base64.b64encode(digest).decode()
    assert hooks.verified(SECRET, CALLBACK, body, signature)
    assert not hooks.verified(SECRET, CALLBACK, body + b" ", signature)
    assert not hooks.verified(SECRET, CALLBACK + "/", body, signature)
    assert not hooks.verified("other", CALLBACK, body, signature)
    assert not hooks.verified(SECRET, CALLBACK, body, "")
    assert not hooks.verified(SECRET, CALLBACK, body, "ü")


def test_what_changed_is_named_by_id() -> None:
    """A card, and of what lies on it a checklist, a line or a comment; a board names none."""
    moved = {"action": {"id": "x1", "type": "updateCard", "data": {"card": {"id": "c1"}}}}
    assert hooks.changed(moved) == ("c1",)
    assert hooks.delivery(moved) == "x1"
    ticked = {"card": {"id": "c1"}, "checklist": {"id": "l1"}, "checkItem": {"id": "i1"}}
    assert hooks.changed({"action": {"data": ticked}}) == ("c1", "l1", "l1/i1")
    said = {"id": "m1", "type": "commentCard", "data": {"card": {"id": "c1"}}}
    assert hooks.changed({"action": said}) == ("c1", "m1")
    assert hooks.changed({"action": {"type": "updateBoard", "data": {"board": {"id": "b"}}}}) == ()
    assert hooks.changed({"model": {}}) == ()
