"""A brief as an Atlassian document: valid by Atlassian's own schema, and within its limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters import Brief, Image, Item, Reference, Span, TooDeep
from exporters.jira import adf
from exporters.jira.adf import DESCRIPTION_LIMIT, Node, canonical, doc, length, paragraph, text
from exporters.jira.fitting import fitted
from exporters.jira.text import SUMMARY_LIMIT, head, summary, units
from exporters.jira.words import markdown
from exporters.jira.writing import DEEPEST, Writer, cites
from tests.remotes.adf_schema import complaints

SOURCE = Reference(
    1, "c1", "Report.pdf", "Churn fell.", page=4, link="https://sm.test/s/a/b/b?sel=x"
)


def item(kind: str, *content: Span | str | Item, key: str = "k", **more: object) -> Item:
    spans = tuple(
        Span(part) if isinstance(part, str) else part
        for part in content
        if not isinstance(part, Item)
    )
    inner = tuple(part for part in content if isinstance(part, Item))
    return Item(key, kind, spans, inner, **more)  # type: ignore[arg-type]  # a Node's attributes


def written(*items: Item, references: tuple[Reference, ...] = ()) -> tuple[Node, list[str]]:
    writer = Writer(Brief("brf_1", "", items, references))
    made = doc(writer.blocks(items))
    return made, [loss.what for loss in writer.losses]


def words_of(one: Node) -> str:
    own = one.get("text")
    return (own if isinstance(own, str) else "") + "".join(map(words_of, adf.children(one)))


def kinds_of(one: Node) -> Iterator[str]:
    yield str(one["type"])
    for child in adf.children(one):
        yield from kinds_of(child)


marks = st.sampled_from(["bold", "italic", "underline", "strike", "code"])
spans = st.one_of(
    st.builds(
        lambda words, on, href: Span(words, href=href, **dict.fromkeys(on, True)),
        st.text(max_size=12),
        st.sets(marks, max_size=3),
        st.sampled_from([None, "https://a.test/x", "mailto:a@b.test", "javascript:alert(1)", "#x"]),
    ),
    st.sampled_from([Span(cite="c1"), Span(cite="lost"), Span(line_break=True)]),
)
lines = st.lists(spans, max_size=4).map(tuple)
LEAVES = ("paragraph", "heading", "code", "rule", "image", "action", "quote")
HOLDERS = ("bullet_list", "ordered_list", "list_item", "quote", "table", "row", "cell", "paragraph")
leaves = st.builds(
    lambda kind, line, level, status: Item(
        "leaf",
        kind,
        line,
        level=level,
        status=status,
        owner="Ada" if level % 2 else "",
        due=date(2026, 3, 1) if level > 2 else None,
        language="py thon",
        image=Image("A chart") if level > 1 else None,
    ),
    st.sampled_from(LEAVES),
    lines,
    st.integers(0, 9),
    st.sampled_from(["open", "doing", "done"]),
)
items = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, line, children, header, start: Item(
            "holder", kind, line, tuple(children), header=header, start=start
        ),
        st.sampled_from(HOLDERS),
        lines,
        st.lists(inner, max_size=4),
        st.booleans(),
        st.integers(-2, 9),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items, max_size=5))
def test_whatever_a_brief_holds_is_a_document_by_the_published_schema(drawn: list[Item]) -> None:
    """Lists in quotes in tables, empty ones, odd marks: Atlassian's schema takes them all."""
    made, _ = written(*drawn, references=(SOURCE,))
    assert complaints(made) == []


def test_the_schema_can_refuse() -> None:
    """The check above is one that a wrong document fails."""
    assert complaints(doc([adf.node("heading", [text("x")], level=7)])) != []
    assert complaints(doc([adf.node("listItem", [paragraph()])])) != []


@settings(max_examples=100, deadline=None)
@given(st.lists(items, max_size=4))
def test_sending_again_what_was_read_back_changes_nothing(drawn: list[Item]) -> None:
    """A document's canonical form is its own canonical form, and stays valid."""
    made, _ = written(*drawn)
    assert canonical(made) == made


def test_what_jira_adds_of_its_own_is_no_difference() -> None:
    """Ids, layouts, split text and reordered marks read back as what was sent."""
    strong, em = adf.mark("strong"), adf.mark("em")
    sent = doc(
        [
            paragraph(text("one two", strong, em)),
            adf.node("table", [adf.node("tableRow", [adf.node("tableCell", [paragraph()])])]),
        ]
    )
    back: Node = {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "attrs": {"localId": "8f0c"},
                "content": [
                    {"type": "text", "text": "one ", "marks": [strong, em]},
                    {"type": "text", "text": "two", "marks": [em, strong]},
                ],
            },
            {
                "type": "table",
                "attrs": {"isNumberColumnEnabled": False, "layout": "default", "localId": "1"},
                "content": [
                    {
                        "type": "tableRow",
                        "content": [
                            {
                                "type": "tableCell",
                                "attrs": {"colspan": 1, "rowspan": 1},
                                "content": [{"type": "paragraph", "content": []}],
                            }
                        ],
                    }
                ],
            },
        ],
    }
    assert canonical(back) == sent


def test_a_changed_word_or_mark_is_a_difference() -> None:
    """The canonical form hides nothing that can be seen."""
    one = doc([paragraph(text("one"))])
    assert doc([paragraph(text("two"))]) != one
    assert doc([paragraph(text("one", adf.mark("strong")))]) != one
    assert doc([adf.node("orderedList", [adf.node("listItem", [paragraph()])], order=2)]) != doc(
        [adf.node("orderedList", [adf.node("listItem", [paragraph()])], order=3)]
    )


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("heading", "paragraph"), ("quote", "paragraph"), ("table", "paragraph")],
)
def test_what_may_not_stand_in_a_list_is_said_there_otherwise(kind: str, shown: str) -> None:
    """No word is lost, and the loss is named."""
    inner = {
        "heading": item("heading", "Words", level=2),
        "quote": item("quote", "Words"),
        "table": item("table", item("row", item("cell", "Wo"), item("cell", "rds"))),
    }[kind]
    made, losses = written(item("bullet_list", item("list_item", "First", inner)))
    assert words_of(made).replace(" | ", "") == "FirstWords"
    assert "table" not in kinds_of(made)
    assert shown in kinds_of(made)
    assert len(losses) == 1


def test_a_citation_is_its_number_and_leads_to_its_evidence() -> None:
    """[1] links to the passage; one whose evidence is gone is a question mark."""
    made, _ = written(
        item("paragraph", "Churn fell", Span(cite="c1"), Span(cite="gone")), references=(SOURCE,)
    )
    assert markdown(made) == f"Churn fell[\\[1\\]]({SOURCE.link})\\[?\\]"


def test_evidence_says_where_it_stands_and_what_became_of_it() -> None:
    """Number, source, page, quote, version and state, under one heading, by number."""
    second = Reference(2, "c2", "Plan.docx", "", version="0123456789abcdef", state="stale")
    writer = Writer(Brief("brf_1", "", (), (SOURCE, second)))
    assert markdown(doc(writer.evidence(["c2", "c1", "none"]))) == (
        "## References\n\n"
        f"\\[1\\] **Report.pdf, page 4**: “Churn fell.” [open]({SOURCE.link})\n\n"
        "\\[2\\] **Plan.docx**: no quote _(version 0123456789ab; a newer version of the source"
        " no longer says this)_"
    )


def test_a_link_that_is_no_address_is_words() -> None:
    """A script or a place within the brief is not sent as a link, and that is said."""
    made, losses = written(item("paragraph", Span("run", href="javascript:alert(1)")))
    assert made["content"] == [paragraph(text("run"))]
    assert losses == ["A link that leads nowhere from Jira is shown as its words."]


def test_only_addresses_can_be_followed_from_a_preview() -> None:
    """What people over there linked to is shown; a script is no link, and no bracket ends one."""
    script = text("run", adf.mark("link", href="javascript:alert(1)"))
    wiki = text("it", adf.mark("link", href="https://a.test/b_(c) d"))
    card = adf.node("inlineCard", url="https://a.test/")
    assert markdown(doc([paragraph(script)])) == "run (javascript:alert(1))"
    assert markdown(doc([paragraph(wiki)])) == "[it](https://a.test/b_%28c%29%20d)"
    assert markdown(doc([paragraph(card)])) == "[https://a.test/](https://a.test/)"


def test_an_image_is_its_description() -> None:
    """The file stays; what it shows is said."""
    made, losses = written(item("image", image=Image("A chart", "image/png", b"png")))
    assert words_of(made) == "[Image: A chart]"
    assert losses == ["An image is shown by its description: files stay in the brief."]


def test_actions_of_a_brief_are_tasks() -> None:
    """Those side by side are one list, ticked where they are done."""
    made, _ = written(
        item("action", "Call", key="a", status="done"),
        item("action", "Write", key="b", owner="Ada", due=date(2026, 3, 1)),
        item("paragraph", "x"),
    )
    assert markdown(made) == "- [x] Call\n- [ ] Write (Ada, 2026-03-01)\n\nx"
    assert complaints(made) == []


def test_code_keeps_its_lines() -> None:
    """Line breaks are characters in code, and its language is kept."""
    made, _ = written(item("code", "a = 1", Span(line_break=True), "b", language="python"))
    assert markdown(made) == "```python\na = 1\nb\n```"


def test_a_description_at_the_limit_is_whole() -> None:
    """32,767 characters are sent as they are; a character outside the first plane counts twice."""
    writer = Writer(Brief("brf_1", "", ()))
    wide = "😀" * 100
    body = [paragraph(text(wide + "x" * (DESCRIPTION_LIMIT - 1 - 200)))]
    made = fitted(body, [], writer)
    assert made is not None
    assert length(made) == DESCRIPTION_LIMIT
    assert made == doc(body)
    assert writer.losses == ()


def test_a_description_past_the_limit_is_cut_and_says_so() -> None:
    """One character more: the words are cut, the evidence is kept, and the loss is named."""
    writer = Writer(Brief("brf_1", "", ()))
    body = [paragraph(text("x" * 20_000)), paragraph(text("😀" * 10_000))]
    tail = [paragraph(text("evidence"))]
    made = fitted(body, tail, writer)
    assert made is not None
    assert DESCRIPTION_LIMIT - 2 <= length(made) <= DESCRIPTION_LIMIT
    assert words_of(made).startswith("x" * 20_000 + "😀")
    assert words_of(made).endswith("😀… The rest stands in the brief.evidence")
    assert [loss.what for loss in writer.losses] == [
        "A description has at most 32,767 characters: the rest is cut."
    ]
    assert complaints(made) == []


def test_evidence_past_the_limit_leaves_room_for_the_brief() -> None:
    """References take at most half of a description that is too long."""
    writer = Writer(Brief("brf_1", "", ()))
    body, tail = [paragraph(text("b" * 30_000))], [paragraph(text("t" * 1_000))] * 40
    made = fitted(body, tail, writer)
    assert made is not None
    assert length(made) <= DESCRIPTION_LIMIT
    assert words_of(made).count("b") > DESCRIPTION_LIMIT / 2 - 1_000
    assert words_of(made).count("t") > DESCRIPTION_LIMIT / 2 - 2_000


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items, max_size=5), st.integers(40, 300))
def test_however_much_there_is_it_fits_and_is_valid(drawn: list[Item], limit: int) -> None:
    """Cut within lists, tables and words: a valid document of no more than the limit."""
    writer = Writer(Brief("brf_1", "", (), (SOURCE,)))
    tail = writer.evidence(["c1"])
    made = fitted(writer.blocks(drawn), tail, writer, limit=limit)
    assert made is not None
    assert length(made) <= limit
    assert complaints(made) == []
    was_cut = any("the rest is cut" in loss.what for loss in writer.losses)
    assert was_cut is (length(doc([*writer.blocks(drawn), *tail])) > limit)


def test_of_a_long_list_the_items_that_fit_are_kept() -> None:
    """One block larger than all of a description is not left out as a whole."""
    writer = Writer(Brief("brf_1", "", ()))
    entries = [item("list_item", "x" * 99, key=f"l{number}") for number in range(400)]
    made = fitted(writer.blocks([item("bullet_list", *entries)]), [], writer)
    assert made is not None
    assert DESCRIPTION_LIMIT - 102 < length(made) <= DESCRIPTION_LIMIT


def test_nothing_to_say_is_no_description() -> None:
    """Not an empty document, which Jira reads back as none."""
    assert fitted([], [], Writer(Brief("brf_1", "", ()))) is None


def test_a_summary_at_its_limit_is_whole_and_past_it_cut() -> None:
    """255 UTF-16 units on one line, no character halved."""
    assert summary("x" * SUMMARY_LIMIT) == ("x" * SUMMARY_LIMIT, False)
    cut, was_cut = summary("x" * (SUMMARY_LIMIT - 2) + "😀x")
    assert was_cut
    assert cut == "x" * (SUMMARY_LIMIT - 2) + "…"
    assert summary(" a\nb \x00 \t c ") == ("a b c", False)
    assert summary(" \n ") == ("Untitled", False)


@given(st.text(), st.integers(0, 40))
def test_a_head_fits_and_halves_nothing(words: str, limit: int) -> None:
    """The longest beginning within so many UTF-16 units."""
    cut = head(words, limit)
    assert words.startswith(cut)
    assert units(cut) == len(cut.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    assert cut == words or units(cut + words[len(cut)]) > limit


def test_what_no_document_can_hold_is_replaced() -> None:
    """Half characters, which no encoding can say, and controls."""
    made, _ = written(item("paragraph", "a\ud800b\x00c\r\nd"))
    assert words_of(made) == "a\ufffdb c d"


def test_a_brief_too_deep_is_refused() -> None:
    """At the limit it is written, one level past it the block is named."""

    def nested(levels: int) -> Item:
        one = item("paragraph", "end", key="deep")
        for _ in range(levels):
            one = item("bullet_list", item("list_item", one))
        return one

    assert words_of(written(nested(DEEPEST))[0]) == "end"
    with pytest.raises(TooDeep, match="deep"):
        written(nested(DEEPEST + 1))


def test_citations_are_found_wherever_they_stand() -> None:
    """In order, each once."""
    cell = item("cell", item("paragraph", Span(cite="b"), Span(cite="a")))
    assert cites([item("paragraph", Span(cite="a")), item("table", item("row", cell))]) == [
        "a",
        "b",
    ]
