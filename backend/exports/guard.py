"""Which citations go out with less behind them than their readers would think. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exporters.model import Reference
from exporters.records import OVERVIEW, Loss

NAMED: Final = 12  # numbers of references in one line

_WHAT: Final = {
    "unknown": "only as a number: you may not see the evidence, or it is not known here any more",
    "stale": "although a newer version of the source no longer says so",
    "deleted": "although the source was deleted",
}


def guarded(references: Sequence[Reference]) -> tuple[Loss, ...]:
    """A line for each reason, with the numbers of the references it holds for."""
    found = []
    for state, what in _WHAT.items():
        numbers = [reference.number for reference in references if reference.state == state]
        if numbers:
            found.append(Loss(OVERVIEW, f"{_named(numbers)} {what}."))
    return tuple(found)


def _named(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"Reference {numbers[0]} goes out"
    named = [str(number) for number in numbers[:NAMED]]
    if len(numbers) > NAMED:
        named.append(f"{len(numbers) - NAMED} more")
    return f"References {', '.join(named[:-1])} and {named[-1]} go out"
