"""A dry run: what would be sent, byte for byte, for a person to approve. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporters import pace
from exporters.compare import Comparison, ItemPlan, Settlement, compare
from exporters.errors import UnsafePlan
from exporters.ports import Adapter
from exporters.records import (
    Archive,
    Create,
    Decisions,
    Entry,
    Found,
    Json,
    Loss,
    Op,
    Place,
    Rendering,
    Request,
    Step,
    Update,
    encode,
)

__all__ = ["Comparison", "Plan", "compare", "make", "refuse_if_unsafe", "step_id"]

ARCHIVES: Final = 10  # more than so many need a second yes


@dataclass(frozen=True, slots=True)
class Plan:
    """``steps`` and ``settlements`` are what ``apply.run`` carries out; the rest is to be shown.

    ``archives`` are those that leave nothing in their place. ``seconds`` is the least that the
    calls take under the target's limits.
    """

    steps: tuple[Step, ...]
    settlements: tuple[Settlement, ...]
    released: frozenset[str]
    decided_parts: frozenset[tuple[str, str]]
    decided_ways: frozenset[str]
    items: tuple[ItemPlan, ...]
    losses: tuple[Loss, ...]
    counts: Mapping[str, int]
    archives: int
    seconds: float
    checksum: str

    @property
    def empty(self) -> bool:
        """Nothing to send and nothing to take note of."""
        return not (self.steps or self.noted)

    @property
    def noted(self) -> bool:
        """Whether there is something to take note of; without ``steps`` it needs nobody's yes."""
        return bool(self.settlements or self.released)


def step_id(place: Place, op: Op, keys: Sequence[str], request: Request) -> str:
    """The same for the same step: for adapters. ``make`` tells the same step of two plans apart."""
    return _digest(
        [place.target, place.brief, op.value, list(keys)],
        [request.method, request.path, request.body],
    )[:32]


def make(
    adapter: Adapter,
    place: Place,
    rendering: Rendering,
    entries: Mapping[str, Entry],
    found: Mapping[str, Found],
    decisions: Decisions | None = None,
    *,
    version: str,
    turn: int,
) -> Plan:
    """``version`` is the brief's. ``turn`` grows with every run that was begun for this brief and
    target: text that is sent, taken back and sent again makes the same step twice, and the second
    is not done because the first was."""
    compared = compare(rendering, entries, found, decisions)
    settled = dict(entries)
    for settlement in compared.settlements:
        settled.pop(settlement.before.key, None)
        if settlement.after is not None:
            settled[settlement.before.key] = settlement.after
    given = compared.changes, place, rendering, settled, found
    made = {c.record.key: c.record for c in compared.changes if isinstance(c, Create)}
    moved = {c.record.key for c in compared.changes if isinstance(c, Update) and c.moved}
    steps = tuple(
        replace(
            step,
            id=_digest([turn, index, step.id])[:32],
            records=tuple(made.get(record.key, record) for record in step.records),
            base=step.base or _base(step, found),
            moved=step.op is Op.UPDATE and not moved.isdisjoint(step.keys),
        )
        for index, step in enumerate(adapter.steps(*given))
    )
    writes = len(steps)
    reads = sum(step.reads + (step.op is not Op.CREATE) for step in steps)
    counts: Counter[str] = Counter(item.change for item in compared.items)
    return Plan(
        steps,
        compared.settlements,
        compared.released,
        compared.decided_parts,
        compared.decided_ways,
        compared.items,
        (*rendering.losses, *adapter.unable(*given)),
        {**counts, "writes": writes, "reads": reads},
        sum(isinstance(change, Archive) and not change.anew for change in compared.changes),
        pace.seconds(adapter.paces, writes + reads),
        _checksum(place, version, steps, compared),
    )


def refuse_if_unsafe(plan: Plan, *, limit: int = ARCHIVES, yes: bool = False) -> None:
    """Raises UnsafePlan for more archives than ``limit`` without a second yes."""
    if plan.archives > limit and not yes:
        raise UnsafePlan(
            f"This would archive {plan.archives} items, more than {limit}. "
            "Look at them, and say yes a second time if that is what you want."
        )


def _base(step: Step, found: Mapping[str, Found]) -> Mapping[str, Json]:
    """How the one object that a step changes reads now."""
    if step.op is Op.CREATE or len(step.keys) != 1 or step.keys[0] not in found:
        return {}
    return found[step.keys[0]].fields


def _checksum(place: Place, version: str, steps: Sequence[Step], compared: Comparison) -> str:
    """Over all that is approved: what is sent, to where, over what, by whose decisions."""
    return _digest(
        [place.kind, place.target, place.brief, dict(place.where), version],
        [
            [
                [step.id, step.op.value, step.request.method, step.request.path, step.request.body],
                {key: dict(fields) for key, fields in step.sends.items()},
                dict(step.base),
                list(step.needs),
            ]
            for step in steps
        ],
        [
            [s.before.key, s.before.ref, None if s.after is None else dict(s.after.sent)]
            for s in compared.settlements
        ],
        [*sorted(compared.released)],
        [list(decided) for decided in sorted(compared.decided_parts)],
        [*sorted(compared.decided_ways)],
    )


def _digest(*said: Json) -> str:
    return hashlib.sha256(encode(list(said))).hexdigest()
