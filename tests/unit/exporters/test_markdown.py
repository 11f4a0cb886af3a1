"""What is written as Markdown reads back as the brief that was written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from exporters import Brief, Image, Item, Reference, Span, TooDeep
from exporters.markdown import DEEPEST, render

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TAGS = {"<strong>": "strong", "<em>": "em", "<del>": "s", "<u>": "u"}


def paragraph(*spans: Span | str, key: str = "p") -> Item:
    return Item(key, "paragraph", tuple(Span(s) if isinstance(s, str) else s for s in spans))


def written(*items: Item) -> str:
    return render(Brief("brf_1", "", items))


def inline_of(token: Token) -> list[tuple[str, frozenset[str]]]:
    """Characters of an inline token's text with the marks upon them."""
    found: list[tuple[str, frozenset[str]]] = []
    marks: list[str] = []
    for child in token.children or []:
        match child.type:
            case "text":
                found += [(character, frozenset(marks)) for character in child.content]
            case "code_inline":
                found += [(c, frozenset([*marks, "code"])) for c in child.content]
            case "hardbreak" | "softbreak":
                found.append(("\n", frozenset()))
            case "strong_open" | "em_open" | "s_open" | "link_open":
                marks.append(child.type.removesuffix("_open"))
            case "strong_close" | "em_close" | "s_close" | "link_close":
                marks.remove(child.type.removesuffix("_close"))
            case "html_inline" if child.content == "<br>":
                found.append(("\n", frozenset()))
            case "html_inline" if child.content in TAGS:
                marks.append(TAGS[child.content])
            case "html_inline":
                marks.remove(TAGS[child.content.replace("/", "")])
            case other:
                raise AssertionError(f"unexpected {other}: {child.content}")
    return found


def meant(spans: list[Span]) -> list[tuple[str, frozenset[str]]]:
    found: list[tuple[str, frozenset[str]]] = []
    for span in spans:
        names = {"bold": "strong", "italic": "em", "strike": "s", "underline": "u"}
        marks = {tag for name, tag in names.items() if getattr(span, name)}
        marks |= {"code"} if span.code else set()
        marks |= {"link"} if span.href else set()
        if span.line_break:
            found.append(("\n", frozenset()))
        found += [(character, frozenset(marks)) for character in span.text]
    return found


def visible(characters: list[tuple[str, frozenset[str]]]) -> list[tuple[str, frozenset[str]]]:
    """Marks upon a space cannot be seen, and are free."""
    return [one for one in characters if not one[0].isspace()]


def lines(characters: list[tuple[str, frozenset[str]]]) -> list[list[str]]:
    """The words of each line."""
    text = "".join(character for character, _ in characters)
    return [line.split() for line in text.strip().split("\n") if line.split()]


TEXT = st.text(
    st.sampled_from("ab1 *_`[]()<>#+-.!|~\\&;:=\"'é€\t,?") | st.characters(categories=["L", "P"]),
    max_size=12,
)
SPAN = st.builds(
    Span,
    text=TEXT,
    bold=st.booleans(),
    italic=st.booleans(),
    underline=st.booleans(),
    strike=st.booleans(),
    href=st.sampled_from([None, None, "https://example.org/a_(b)?c=d e"]),
) | st.just(Span(line_break=True))


@settings(max_examples=400)
@given(st.lists(SPAN, max_size=6))
def test_marked_text_reads_back_with_its_marks(spans: list[Span]) -> None:
    """Whatever the characters and however marks meet, text, breaks and marks come back."""
    tokens = PARSER.parse(written(paragraph(*spans)))
    inline = [token for token in tokens if token.type == "inline"]
    expected = meant(spans)
    if not lines(expected):
        assert not inline
        return
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    found = inline_of(inline[0])
    assert lines(found) == lines(expected)
    assert visible(found) == visible(expected)


@given(st.lists(st.text(st.sampled_from("a `|"), min_size=1, max_size=6), min_size=1, max_size=4))
def test_code_keeps_its_backticks(texts: list[str]) -> None:
    """A code span is fenced by more backticks than it holds."""
    spans: list[Span | str] = []
    for text in texts:
        spans += ["x ", Span(text, code=True), " y"]
    tokens = PARSER.parse(written(paragraph(*spans)))
    codes = [c.content for token in tokens for c in token.children or [] if c.type == "code_inline"]
    assert codes == [text for text in texts if text.strip()]


@given(TEXT, TEXT)
def test_a_table_cell_keeps_its_text_and_its_column(first: str, second: str) -> None:
    """Pipes and breaks stay inside the cell."""
    rows = (
        Item("r1", "row", children=(
            Item("c1", "cell", children=(paragraph("Head"),), header=True),
            Item("c2", "cell", children=(paragraph("Two"),), header=True))),
        Item("r2", "row", children=(
            Item("c3", "cell", children=(paragraph(first), paragraph(second))),
            Item("c4", "cell", children=(paragraph("end"),)))),
    )  # fmt: skip
    tokens = PARSER.parse(written(Item("t", "table", children=rows)))
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in cells[:2]] == ["Head", "Two"]
    assert lines(inline_of(cells[2])) == [line.split() for line in (first, second) if line.split()]
    assert cells[3].content == "end"


def leaf(number: int) -> Item:
    return paragraph(f"text {number}", key=f"p{number}")


BLOCKS: st.SearchStrategy[Item] = st.recursive(
    st.sampled_from(
        [
            leaf(1),
            leaf(2),
            Item("h", "heading", (Span("Head"),), level=2),
            Item("c", "code", (Span("one\n\n```\ntwo"),), language="py"),
            Item("r", "rule"),
        ]
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda items, kind, start: Item("l", kind, children=tuple(items), start=start),
            st.lists(
                st.lists(inner, min_size=0, max_size=3).map(
                    lambda children: Item("li", "list_item", children=tuple(children))
                ),
                min_size=1,
                max_size=3,
            ),
            st.sampled_from(["bullet_list", "ordered_list"]),
            st.sampled_from([1, 4]),
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda children: Item("q", "quote", children=tuple(children))
        ),
    ),
    max_leaves=8,
)
KINDS = {
    "paragraph": "paragraph",
    "heading": "heading",
    "bullet_list": "bullet_list",
    "ordered_list": "ordered_list",
    "list_item": "list_item",
    "blockquote": "quote",
}


def shape(tokens: list[Token]) -> list[object]:
    """The tree of blocks as nested lists."""
    root: list[object] = []
    stack = [root]
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type in ("fence", "hr"):
            stack[-1].append("code" if token.type == "fence" else "rule")
        elif token.nesting == 1:
            node: list[object] = [KINDS[name]]
            stack[-1].append(node)
            stack.append(node)
        elif token.nesting == -1:
            stack.pop()
        elif token.type == "inline":
            stack[-1].append(token.content)
    return root


def meant_shape(items: tuple[Item, ...]) -> list[object]:
    found: list[object] = []
    for item in items:
        match item.kind:
            case "code" | "rule":
                found.append(item.kind)
            case "paragraph" | "heading":
                found.append([item.kind, item.spans[0].text])
            case "quote" if not _holds(item):
                pass
            case _:
                found.append([item.kind, *meant_shape(item.children)])
    return found


def _holds(item: Item) -> bool:
    """Whether anything of a quote can be seen."""
    if item.kind == "quote":
        return any(_holds(child) for child in item.children)
    return True


def test_empty_lists_in_one_another_are_no_rule() -> None:
    """Three markers on one line would draw a line across the page."""
    nested = Item("l", "bullet_list", children=(Item("li", "list_item"),))
    for _ in range(3):
        nested = Item("l", "bullet_list", children=(Item("li", "list_item", children=(nested,)),))
    assert shape(PARSER.parse(written(nested))) == meant_shape((nested,))


@settings(max_examples=300)
@given(st.lists(BLOCKS, min_size=1, max_size=4))
def test_blocks_read_back_in_the_same_tree(items: list[Item]) -> None:
    """Nested and neighbouring lists, quotes and code keep their shape."""
    assert shape(PARSER.parse(written(*items))) == meant_shape(tuple(items))


def test_a_whole_brief() -> None:
    """Title, text with citations, a task, and the references with their provenance."""
    brief = Brief(
        "brf_1",
        "Q3 *entry* #",
        (
            Item("h", "heading", (Span("Market"),), level=2),
            paragraph("Revenue grew 12 %", Span(cite="cit_a"), Span(cite="cit_b"), "."),
            paragraph("Gone ", Span(cite="cit_x"), "."),
            Item("a", "action", (Span("Call Ana"),), owner="Ben", due=date(2026, 3, 1)),
            Item("b", "action", (Span("Sign"),), status="done"),
            Item("l", "bullet_list", children=(
                Item("i", "list_item", children=(paragraph("point"),)),)),
        ),
        (
            Reference(1, "cit_a", "Study.pdf", "Revenue grew\n12.1 %", 14, "ab" * 32),
            Reference(2, "cit_b", "Notes", "flat [sic]", None, "cd" * 32, state="stale"),
        ),
    )  # fmt: skip
    assert render(brief) == (
        "# Q3 \\*entry\\* \\#\n\n"
        "## Market\n\n"
        "Revenue grew 12 %\\[1\\]\\[2\\].\n\n"
        "Gone \\[?\\].\n\n"
        "- [ ] Call Ana (owner: Ben, due: 2026-03-01)\n"
        "- [x] Sign\n\n"
        "* point\n\n"
        "## References\n\n"
        "\\[1\\] Study.pdf, page 14: “Revenue grew 12.1 %” (version abababababab)\n\n"
        "\\[2\\] Notes: “flat \\[sic\\]” (version cdcdcdcdcdcd; a newer version of the source no "
        "longer says this)\n"
    )


@pytest.mark.parametrize(
    "text",
    ["1. not a list", "# not a heading", "- no", "+ no", "> no", "---", "===", "=", "    four",
     "12) no", "* star", "```", "~~~", "&amp; stays", "[a]: http://b", "<div>", "| a |", "_x_"],
)  # fmt: skip
def test_text_is_never_taken_for_a_block(text: str) -> None:
    """What looks like Markdown at a line's start stays text, also after a line break."""
    for item in (paragraph(text), paragraph("first", Span(line_break=True), text)):
        tokens = PARSER.parse(written(item))
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
        characters = "".join(character for character, _ in inline_of(tokens[1]))
        assert characters.split("\n")[-1] == text.strip()


def test_a_link_to_a_script_is_only_text() -> None:
    assert written(paragraph(Span("click", href="javascript:alert(1)"))) == "click\n"


def test_an_image_travels_inside_the_file() -> None:
    image = Image("A chart", "image/png", b"\x89PNG")
    assert (
        written(Item("i", "image", image=image)) == "![A chart](data:image/png;base64,iVBORw==)\n"
    )
    assert written(Item("i", "image", image=Image("A chart"))) == "\\[Image: A chart\\]\n"


def nested(levels: int) -> Item:
    item = leaf(1)
    for _ in range(levels):
        item = Item("q", "quote", children=(item,))
    return item


def test_the_deepest_brief_is_written_and_one_deeper_is_refused() -> None:
    assert written(nested(DEEPEST)).count(">") == DEEPEST
    with pytest.raises(TooDeep):
        written(nested(DEEPEST + 1))


def test_without_html_no_tag_is_written() -> None:
    """Where tags would show as they are, underlining goes and emphasis within a word has signs."""
    item = Item(
        "a",
        "paragraph",
        spans=(
            Span("in"),
            Span("side", bold=True),
            Span("out "),
            Span("d", italic=True),
            Span("t"),
        ),
    )
    lined = Item("b", "paragraph", spans=(Span("lined", underline=True),))
    quotes = tuple(Item(key, "quote", spans=(Span(key),)) for key in "cd")
    text = render(Brief("1", "", (item, lined, *quotes)), html=False)
    assert text == "in**side**out *d*t\n\nlined\n\n> c\n\n> d\n"


def test_an_image_beside_the_text_is_named_by_its_address() -> None:
    """An address given for an image stands in place of its bytes, safe within its parentheses."""
    image = Item("pic", "image", image=Image("A (small) plan", "image/png", b"bytes"))
    text = render(Brief("1", "", (image,)), images={"pic": "plan (1).png"})
    assert text == "![A (small) plan](plan%20%281%29.png)\n"
