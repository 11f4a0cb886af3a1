"""What a look at a target found, and what it is remembered as."""

from __future__ import annotations

from backend.exports.differences import findings, remembered
from backend.exports.model import Astray, Findings
from exporters.compare import compare
from exporters.judge import Verdict
from exporters.records import Entry, Found, Record, Rendering, Standing

SENT = Entry("a", "card", "1", {"name": "N", "due": None}, {"name": "n"}, url="https://x/1")


def test_what_reads_as_it_was_left_is_no_finding() -> None:
    """As it read back, not as it was sent: the other side may have its own way of writing."""
    found = {"a": Found("1", {"name": "n", "due": None, "theirs": "x"})}
    assert findings({"a": SENT}, found) == Findings()


def test_what_changed_is_found_by_part() -> None:
    """Truth is not one, and what is no longer there is a change, too."""
    entries = {"a": SENT, "b": Entry("b", "card", "2", {"done": True}, {})}
    found = {"a": Found("1", {"name": "new"}), "b": Found("2", {"done": 1})}
    assert findings(entries, found) == Findings({"a": {"name": "new"}, "b": {"done": 1}})


def test_what_is_not_in_place_is_found_by_its_standing() -> None:
    """Its parts are nobody's business then."""
    found = {"a": Found("1", {"name": "new"}, Standing.MOVED, where="“B”")}
    assert findings({"a": SENT}, found) == Findings(astray={"a": Astray(Standing.MOVED, "“B”")})


def test_what_is_remembered_compares_as_what_was_found() -> None:
    """A comparison that asks nobody comes to the same as one that did."""
    entries = {
        "a": SENT,
        "b": Entry("b", "card", "2", {"name": "B"}, {}),
        "c": Entry("c", "card", "3", {"name": "C"}, {"name": "C"}),
    }
    found = {
        "a": Found("1", {"name": "theirs", "due": None}, url="https://x/1"),
        "b": Found("2", {"name": "B"}, Standing.ARCHIVED),
        "c": Found("3", {"name": "C"}),
    }
    rendering = Rendering(
        (
            Record("a", "card", {"name": "ours", "due": None}),
            Record("b", "card", {"name": "B"}),
            Record("c", "card", {"name": "C2"}),
        )
    )
    asked = compare(rendering, entries, found)
    known = compare(rendering, entries, remembered(entries, findings(entries, found)))
    assert [(one.key, one.change) for one in known.items] == [
        ("a", "conflict"), ("b", "astray"), ("c", "update"),
    ]  # fmt: skip
    assert [(one.key, one.change) for one in asked.items] == [
        (one.key, one.change) for one in known.items
    ]
    parts = {part.part: part.change for part in known.items[0].parts}
    assert parts == {"name": Verdict.CONFLICT, "due": Verdict.KEEP}
