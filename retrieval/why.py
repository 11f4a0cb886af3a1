"""Why a passage was not among the hits: what a search can say of any passage. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from retrieval.model import LegState, PassageId


class Reason(StrEnum):
    FOUND = "found"
    COLLAPSED = "collapsed"  # a hit says the same
    BELOW = "below"  # fused, behind the last hit
    BEYOND = "beyond"  # only found by legs asked for more than a search asks for
    NOT_NEAR = "not_near"  # by no leg
    FILTERED = "filtered"  # by a field of the question
    UNQUOTED = "unquoted"  # it lacks quoted words
    NOT_INDEXED = "not_indexed"  # or not of this scope


@dataclass(frozen=True, slots=True)
class LegPlace:
    """Where one leg has it: a rank from 1 of ``asked`` passages, None when not among these.

    ``cut`` is how many of them a search fuses.
    """

    leg: str
    state: LegState
    rank: int | None
    score: float | None
    asked: int
    cut: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """``rank`` and ``score`` are the fused ones, ``last`` the score of the last hit.

    ``language`` is the passage's where it is not the question's: words rarely match across.
    ``within`` is the hit that it collapsed into.
    """

    passage: PassageId
    reason: Reason
    message: str = ""
    legs: tuple[LegPlace, ...] = ()
    rank: int | None = None
    score: float | None = None
    last: float | None = None
    limit: int = 0
    within: PassageId | None = None
    language: str | None = None


def told(why: WhyNot) -> WhyNot:
    """With its message in words."""
    match why.reason:
        case Reason.FOUND:
            message = f"It is hit {why.rank} of {why.limit}."
        case Reason.COLLAPSED:
            message = f"It says the same as the hit {why.within}, which names its place."
        case Reason.BELOW:
            message = f"It ranks {why.rank} after fusion; {why.limit} are shown"
            message += "." if why.last is None else f", the last with {why.last:.4f}."
            if why.score is not None:
                message += f" Its score is {why.score:.4f}."
        case Reason.BEYOND:
            message = f"No leg has it among the first {_cut(why)}, which are fused."
        case Reason.NOT_NEAR:
            asked = max((leg.asked for leg in why.legs), default=0)
            message = f"No leg has it among its first {asked}."
        case _:
            message = why.message
    down = [leg.leg for leg in why.legs if leg.state is not LegState.OK]
    if down:
        message += f" Not asked of: {', '.join(down)}."
    if why.language is not None and why.reason not in (Reason.FOUND, Reason.COLLAPSED):
        message += f" It is in another language ({why.language}) than the question."
    return replace(why, message=message)


def _cut(why: WhyNot) -> int:
    return max((leg.cut for leg in why.legs), default=0)
