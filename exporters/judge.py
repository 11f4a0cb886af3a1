"""Three ways to look at every part: as it was sent, as it is over there, as the brief has it. Pure.

Nothing of a part that changed over there is ever sent unless a person decided so. What changed on
one side only goes its way or is shown; what changed on both, and not to the same, is a question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from exporters.records import Choice, Decisions, Entry, Fields, Found, Json, Record, encode


class Verdict(StrEnum):
    """What becomes of one part."""

    KEEP = "keep"
    SEND = "send"
    DRIFT = "drift"  # changed over there alone
    CONFLICT = "conflict"  # changed on both sides


@dataclass(frozen=True, slots=True)
class PartPlan:
    """``base`` is what was sent last; None where nothing was, or nothing is there."""

    part: str
    change: Verdict
    base: Json
    ours: Json
    theirs: Json


@dataclass(frozen=True, slots=True)
class Judged:
    """All parts of one object.

    ``entry`` is what the ledger should say of it before anything is sent. ``held``: it says
    something of a person's that may not be lost. ``asks``: a person has to decide about a part.
    """

    plans: tuple[PartPlan, ...]
    send: Fields
    entry: Entry
    decided: frozenset[str] = frozenset()
    held: bool = False
    left: bool = False  # of one that is removed here: a person said to leave theirs

    @property
    def asks(self) -> bool:
        return any(plan.change in (Verdict.DRIFT, Verdict.CONFLICT) for plan in self.plans)


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1."""
    return one == other and (isinstance(one, str) or encode(one) == encode(other))


def kept(record: Record, entry: Entry, found: Found, decisions: Decisions) -> Judged:
    """The parts of an object that the brief still has."""
    plans: list[PartPlan] = []
    send: dict[str, Json] = {}
    sent, seen, left = dict(entry.sent), dict(entry.seen), set(entry.left)
    decided: set[str] = set()
    for part, ours in record.fields.items():
        base, theirs = entry.sent.get(part), found.fields.get(part)
        here = part not in entry.sent or not same(ours, base)
        there = not same(theirs, entry.seen.get(part, base))
        verdict = Verdict.KEEP
        if (here or there) and same(ours, theirs):
            sent[part], seen[part] = ours, theirs
            left.discard(part)
        elif there or (here and part in entry.left):
            verdict = Verdict.CONFLICT if here else Verdict.DRIFT
            choice = _choice(decisions, record.key, part, theirs)
            if choice is Choice.OURS:
                verdict = Verdict.SEND
            elif choice is Choice.THEIRS:
                verdict = Verdict.KEEP
                sent[part], seen[part] = ours, theirs
                left.add(part)
            if choice is not None:
                decided.add(part)
        elif here:
            verdict = Verdict.SEND
        if verdict is Verdict.SEND:
            send[part] = ours
        plans.append(PartPlan(part, verdict, base, ours, theirs))
    # Another kind is made anew: what only the old one says, and a person changed, would be lost.
    old = [part for part in entry.sent if part not in record.fields and part in found.fields]
    for part in old if entry.kind != record.kind else ():
        base, theirs = entry.sent[part], found.fields[part]
        there = not same(theirs, entry.seen.get(part, base))
        choice = _choice(decisions, record.key, part, theirs) if there or part in left else None
        if choice is not None:
            decided.add(part)
        if choice is Choice.OURS:
            left.discard(part)
            continue
        if choice is Choice.THEIRS:
            seen[part] = theirs
            left.add(part)
        if there or part in left:
            verdict = Verdict.KEEP if choice is not None or not there else Verdict.CONFLICT
            plans.append(PartPlan(part, verdict, base, None, theirs))
    return Judged(
        tuple(plans),
        send,
        replace(entry, sent=sent, seen=seen, left=frozenset(left)),
        frozenset(decided),
        held=any(
            plan.change in (Verdict.DRIFT, Verdict.CONFLICT)
            or (plan.part in left and plan.part not in send)
            for plan in plans
        ),
    )


def removed(entry: Entry, found: Found, decisions: Decisions) -> Judged:
    """The parts that changed over there, of an object that the brief no longer has."""
    plans: list[PartPlan] = []
    decided: set[str] = set()
    held = left = False
    for part, base in entry.sent.items():
        theirs = found.fields.get(part)
        if part not in found.fields or (
            same(theirs, entry.seen.get(part, base)) and part not in entry.left
        ):
            continue
        choice = _choice(decisions, entry.key, part, theirs)
        if choice is not None:
            decided.add(part)
        if choice is not Choice.OURS:
            held = True
            left = left or choice is Choice.THEIRS
            plans.append(PartPlan(part, Verdict.CONFLICT, base, None, theirs))
    return Judged(tuple(plans), {}, entry, frozenset(decided), held, left)


def _choice(decisions: Decisions, key: str, part: str, theirs: Json) -> Choice | None:
    """What was decided, if theirs still is what it was decided about."""
    choice, about = decisions.parts.get((key, part), (None, None))
    return choice if choice is not None and same(about, theirs) else None
