"""What goes out with less behind it than its readers would think is listed before."""

import pytest

from backend.exports.guard import NAMED, guarded
from exporters.model import Reference


def references(count: int, state: str) -> list[Reference]:
    return [Reference(n, f"cit_{n}", "Study", "It grew.", state=state) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "named"),
    [
        (1, "Reference 1 goes out"),
        (2, "References 1 and 2 go out"),
        (3, "References 1, 2 and 3 go out"),
        (NAMED, "References 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 12 go out"),
        (NAMED + 1, "References 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 1 more go out"),
    ],
)
def test_references_are_named_by_number(count: int, named: str) -> None:
    """As many as one line bears, and how many more there are."""
    (loss,) = guarded(references(count, "deleted"))
    assert loss.what == f"{named} although the source was deleted."


def test_each_reason_has_its_line() -> None:
    """What its source still says, and what the asker may see, is not in the list."""
    states = ["current", "stale", "unknown", "current", "stale"]
    found = guarded(
        [Reference(n, f"cit_{n}", "", "", state=state) for n, state in enumerate(states, start=1)]
    )
    assert [loss.what for loss in found] == [
        "Reference 3 goes out only as a number: you may not see the evidence, or it is not known "
        "here any more.",
        "References 2 and 5 go out although a newer version of the source no longer says so.",
    ]
    assert guarded(references(3, "current")) == ()
