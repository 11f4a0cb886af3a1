"""Where a reranker could help: how much of the room to do better lies under each margin.

Needs no reranker. For every question the best order of the first ``TOP`` passages is known from
the judgements; what it has over the order that stands (nDCG@10) is the room. A gate at a margin is
good when the questions under it hold nearly all of the room and are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.datasets import Split, load
from evals.metrics import ndcg
from evals.systems import open_encoder, open_legs
from retrieval.fusion import rrf
from retrieval.model import Query
from retrieval.rerank import TOP, margin
from retrieval.search import POOL

GATES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


@dataclass(frozen=True, slots=True)
class Gate:
    """One threshold: the share of questions under it, and of the room that these hold."""

    threshold: float
    asked: float
    room: float


@dataclass(frozen=True, slots=True)
class Room:
    """One collection; ``whole`` is the mean nDCG@10 that a perfect order would add."""

    collection: str
    questions: int
    whole: float
    gates: tuple[Gate, ...]


def gates(seen: Sequence[tuple[float, float]]) -> tuple[Gate, ...]:
    """From (margin, room) of each question to the gates."""
    whole = sum(room for _, room in seen)
    return tuple(
        Gate(
            at,
            sum(ahead < at for ahead, _ in seen) / len(seen),
            sum(room for ahead, room in seen if ahead < at) / whole if whole else 0.0,
        )
        for at in GATES
    )


async def measure(
    data: Path,
    *,
    collections: Sequence[str],
    split: Split,
    models: Path,
    out: Path,
    legs: Sequence[str],
) -> Sequence[Room]:
    found = []
    async with open_encoder(models) as encoder:
        for name in collections:
            collection = load(data / name)
            seen = []
            async with open_legs(
                collection, encoder=encoder, models=models, out=out, names=legs
            ) as opened:
                for query in collection.of(split):
                    asked = Query(collection.queries[query])
                    runs = [
                        await leg.search(asked, scope=collection.scope, limit=POOL)
                        for leg in opened.values()
                    ]
                    fused = rrf(runs)
                    judged = collection.judged[query]
                    stands = [line.passage for line in fused]
                    best = sorted(stands[:TOP], key=lambda passage: -judged.get(passage, 0))
                    seen.append(
                        (
                            margin([line.score for line in fused]),
                            ndcg([*best, *stands[TOP:]], judged) - ndcg(stands, judged),
                        )
                    )
            found.append(
                Room(name, len(seen), sum(room for _, room in seen) / len(seen), gates(seen))
            )
    return found


def markdown(rooms: Sequence[Room]) -> str:
    """A row a collection: at each margin the share of questions under it, and of the room."""
    head = ["collection", "questions", "room", *(f"{at:g}" for at in GATES)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += [
        "| "
        + " | ".join(
            [
                room.collection,
                str(room.questions),
                f"{room.whole:.3f}",
                *(f"{gate.asked:.0%}, {gate.room:.0%}" for gate in room.gates),
            ]
        )
        + " |"
        for room in rooms
    ]
    return "\n".join(lines)
