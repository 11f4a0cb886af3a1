"""Two states of a document, told apart: what came, went, moved and changed, in a reader's words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from collab import difference as module
from collab.difference import Attribute, Change, Difference, Row, difference, label, summary
from collab.model import Block, Inline, Mark, Projection
from collab.wording import How


def block(
    identity: str, *inline: str | Inline, kind: str = "paragraph", **attrs: str | int
) -> Block:
    parts = tuple(Inline("text", part) if isinstance(part, str) else part for part in inline)
    return Block(identity, kind, attrs, parts)


def cite(identity: str) -> Inline:
    return Inline("citation", attrs={"cite": identity})


def state(*blocks: Block, title: str = "T") -> Projection:
    return Projection(title, blocks)


def said(row: Row) -> str:
    """A row as one line: what went in brackets with -, what came with +, other looks with ~."""
    signs = {How.DELETED: "-", How.INSERTED: "+", How.FORMATTED: "~"}
    return "".join(
        f"[{signs[run.how]}{run.cite or run.text}]" if run.how in signs else run.cite or run.text
        for run in row.runs
    )


def rows(found: Difference) -> list[tuple[str, str]]:
    return [(row.block, row.change.value + (" moved" if row.moved else "")) for row in found.rows]


BEFORE = state(
    block("a", "The market grew by 9.8 % in 2025."),
    block("b", "Nobody knows why."),
    block("c", "Prices", kind="heading", level=2),
    block("d", "Prices fell."),
)


def test_words_that_changed_stand_in_their_sentence() -> None:
    """A number that changed is told within what stayed, as one word."""
    after = replace(
        BEFORE, blocks=(block("a", "The market grew by 12.1 % in 2025."), *BEFORE.blocks[1:])
    )
    found = difference(BEFORE, after)
    assert said(found.rows[0]) == "The market grew by [-9.8][+12.1] % in 2025."
    assert rows(found)[1:] == [("b", "same"), ("c", "same"), ("d", "same")]
    assert summary(found) == "1 paragraph changed"


def test_added_removed_and_moved_blocks_are_told_where_they_stand() -> None:
    """What is gone stands where it stood, what moved where it is now, and moving is no change."""
    a, _, c, d = BEFORE.blocks
    found = difference(BEFORE, state(d, a, block("n", "New."), c))
    assert rows(found) == [
        ("d", "same moved"), ("a", "same"), ("b", "removed"), ("n", "added"), ("c", "same"),
    ]  # fmt: skip
    assert summary(found) == "1 paragraph added, 1 paragraph removed, 1 paragraph moved"
    assert [label(row) for row in found.rows] == [
        "Paragraph moved", "Paragraph unchanged", "Paragraph removed", "Paragraph added",
        "Heading unchanged",
    ]  # fmt: skip


def test_how_a_block_stands_is_told_by_its_attributes() -> None:
    """A heading's level, an action's status, owner and day, and what a block became."""
    before = state(
        block("h", "Prices", kind="heading", level=2),
        block("x", "Call them", kind="action", status="open", owner="Ann"),
        block("p", "Was text"),
    )
    after = state(
        block("h", "Prices", kind="heading", level=3),
        block("x", "Call them", kind="action", status="done", due="2026-12-01"),
        block("p", "Was text", kind="heading", level=1),
    )
    found = difference(before, after)
    assert [row.attributes for row in found.rows] == [
        (Attribute("level", "2", "3"),),
        (
            Attribute("due", None, "2026-12-01"),
            Attribute("owner", "Ann", None),
            Attribute("status", "open", "done"),
        ),
        (Attribute("kind", "paragraph", "heading"),),
    ]
    assert label(found.rows[0]) == "Heading changed: level 2 to 3"
    assert summary(found) == "2 headings changed, 1 action changed"


def test_citations_that_came_and_went_are_told() -> None:
    """A citation is a word of its own, and counted in the summary."""
    before = state(block("a", "It grew ", cite("cit_1"), ". So it did."))
    after = state(block("a", "It grew ", cite("cit_2"), cite("cit_3"), ". So it did."))
    found = difference(before, after)
    assert said(found.rows[0]) == "It grew [-cit_1][+cit_2][+cit_3]. So it did."
    assert summary(found) == "1 paragraph changed, 2 citations added, 1 citation removed"


def test_words_that_only_look_otherwise_are_told_as_such() -> None:
    """Bold is told as a look; a mark that readers do not see is nothing."""
    before = state(block("a", "It grew fast."))
    bold = state(block("a", "It ", Inline("text", "grew", (Mark("bold"),)), " fast."))
    found = difference(before, bold)
    assert said(found.rows[0]) == "It [~grew] fast."
    other = state(
        block("a", "It ", Inline("text", "grew", (Mark("origin", {"by": "x"}),)), " fast.")
    )
    assert difference(before, other).empty


def test_a_block_written_anew_is_told_as_replaced() -> None:
    """Where hardly a word stayed, the old stands before the new and not in between."""
    found = difference(
        state(block("a", "The market grew by a tenth.")),
        state(block("a", "Nobody of the board believes in any of this.")),
    )
    assert [run.how for run in found.rows[0].runs] == [How.DELETED, How.INSERTED]


def test_blocks_within_blocks_are_told_by_what_is_around_them() -> None:
    """A paragraph in a list is a list item, and one that leaves the list is told so."""
    item = Block("i", "listItem", {}, (), (block("p", "One"),))
    before = state(Block("l", "bulletList", {}, (), (item,)))
    assert summary(difference(None, before)) == "Title changed, 1 list item added"
    found = difference(before, state(block("p", "One")))
    assert found.rows[0].attributes == (Attribute("kind", "list item", "paragraph"),)


def test_a_title_and_nothing_else() -> None:
    """The title is compared as words are."""
    found = difference(BEFORE, replace(BEFORE, title="T 2"))
    assert summary(found) == "Title changed"
    assert [run.text for run in found.title] == ["T", " 2"]
    assert difference(BEFORE, BEFORE).empty
    assert summary(difference(BEFORE, BEFORE)) == ""


def test_blocks_of_one_id_or_none_are_told_apart() -> None:
    """A document that any client wrote, with ids twice and without: every block is one row."""
    before = state(block("a", "One"), block("a", "Two"), block("", "Three"), block("", "Four"))
    after = state(block("a", "One"), block("", "Three"), block("", "Four"), block("", "Five"))
    found = difference(before, after)
    assert [(said(row), row.change) for row in found.rows] == [
        ("One", Change.SAME),
        ("[-Two]", Change.REMOVED),
        ("Three", Change.SAME),
        ("Four", Change.SAME),
        ("[+Five]", Change.ADDED),
    ]


WORDS = ("market", "grew", "fast", "slowly", "in", "2025", ",", "9.8", "%")


def drawn(chance: random.Random, identities: Sequence[str]) -> Projection:
    return state(
        *(
            block(one, " ".join(chance.choices(WORDS, k=chance.randrange(12))))
            for one in chance.sample(identities, chance.randrange(len(identities) + 1))
        ),
        title=" ".join(chance.choices(WORDS, k=3)),
    )


@pytest.mark.parametrize("seed", range(60))
def test_each_difference_holds_both_of_its_states(seed: int) -> None:
    """Without what went, the rows are the later state; without what came, each earlier block."""
    chance = random.Random(seed)
    identities = [f"b{n}" for n in range(9)]
    before, after = drawn(chance, identities), drawn(chance, identities)
    found = difference(before, after)
    later = [
        (row.block, "".join(run.text for run in row.runs if run.how is not How.DELETED))
        for row in found.rows
        if row.change is not Change.REMOVED
    ]
    assert later == [(one.id, one.text) for one in after.blocks]
    earlier = {
        row.block: "".join(run.text for run in row.runs if run.how is not How.INSERTED)
        for row in found.rows
        if row.change is not Change.ADDED
    }
    assert earlier == {one.id: one.text for one in before.blocks}
    staying = [row.block for row in found.rows if not row.moved and row.block in earlier]
    assert staying == [one.id for one in before.blocks if one.id in set(staying)]


def test_words_past_the_budget_are_told_as_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the steps are spent, a block is told as written anew; before, word by word."""
    before = state(block("x", "Once the market grew fast."))
    after = state(block("x", "So far the market grew fast, too."))
    assert said(difference(before, after).rows[0]).endswith("the market grew fast[+, too].")
    monkeypatch.setattr(module, "BUDGET", 0)
    assert said(difference(before, after).rows[0]).startswith("[-Once the market")
