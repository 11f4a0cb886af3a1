"""What the comparisons with others rest on."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from evals.bench import peers
from evals.bench.peers import Ratio, System, order, overlap, race, ratio, spread, table, tied
from evals.bench.peers_sparse import exact_scores
from retrieval.model import Passage, Scope, SparseVector
from retrieval.stores.exact import ExactVectors


def test_a_ratio_is_formed_within_a_round() -> None:
    """A round in which the machine was half as fast for both moves no ratio."""
    assert ratio([100.0, 50.0, 300.0], [50.0, 25.0, 100.0]) == Ratio(2.0, 2.0, 3.0)


def test_rounds_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 rounds of ours beside 1 of theirs"):
        ratio([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"0 rounds of ours"):
        ratio([], [])


def test_a_spread_names_the_lowest_and_the_highest() -> None:
    assert str(spread([3.0, 1.0, 2.0])) == "2.00 (1.00–3.00)"


def test_everyone_begins_equally_often_and_is_asked_once_a_round() -> None:
    rounds = [order(3, number) for number in range(6)]
    assert all(sorted(places) == [0, 1, 2] for places in rounds)
    assert Counter(places[0] for places in rounds) == {0: 2, 1: 2, 2: 2}


def test_what_ties_with_the_tenth_is_as_right_as_the_tenth() -> None:
    scores = [(f"p{place:02d}", 20.0 - place) for place in range(9)]
    scores += [("tenth", 5.0), ("eleventh", 5.0), ("below", 4.9)]
    right = tied(scores)
    assert {"tenth", "eleventh"} <= right
    assert "below" not in right
    nine = [id for id, _ in scores[:9]]
    assert overlap([[*nine, "eleventh"]], [right]) == 1.0
    assert overlap([[*nine, "below"]], [right]) == 0.9


def test_agreement_asks_for_no_more_than_there_is() -> None:
    """Three right passages are found whole by three; a question without any counts for nothing."""
    assert overlap([["a", "b", "c"], []], [frozenset("abc"), frozenset()]) == 1.0
    assert overlap([["a", "x"]], [tied([("a", 2.0), ("b", 1.0)])]) == 0.5
    assert tied([]) == frozenset()


async def test_a_race_asks_all_of_all_and_keeps_answers_in_order() -> None:
    """Blocking systems are asked from as many threads as ask at once, the others on the loop."""
    asked: Counter[tuple[str, int]] = Counter()
    inside: set[str] = set()

    def blocking(number: int) -> Sequence[str]:
        asked["peer", number] += 1
        inside.add(threading.current_thread().name)
        return [f"peer {number}"]

    async def waiting(number: int) -> Sequence[str]:
        await asyncio.sleep(0)
        asked["ours", number] += 1
        return [f"ours {number}"]

    systems = [System("ours", waiting, ours=True), System("peer", blocking)]
    raced = await race(systems, questions=20, rounds=3)
    assert raced.answers["peer"] == [[f"peer {number}"] for number in range(20)]
    assert raced.answers["ours"] == [[f"ours {number}"] for number in range(20)]
    # Once to warm up, then three rounds at 1 and at 8 at once.
    assert set(asked.values()) == {7}
    assert threading.current_thread().name not in inside
    shown = table(systems, raced, {"recall@10": {"ours": 1.0, "peer": 0.98}})
    assert "| **ours** | 1.000 |" in shown
    assert "| peer | 0.980 |" in shown


def test_a_peer_that_is_not_there_is_named_with_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert peers.peer("no_such_peer.index", "no-such-peer") is None
    said = capsys.readouterr().out
    assert "no-such-peer is not installed" in said
    assert "requirements/peers.txt" in said


async def test_the_exact_sparse_scores_are_those_of_the_twin() -> None:
    vectors = [
        SparseVector((1, 3), (0.5, 2.0)),
        SparseVector((2, 3), (1.0, 1.0)),
        SparseVector((7,), (4.0,)),
    ]
    question = SparseVector((1, 3, 9), (1.0, 0.25, 5.0))
    ids = ["a", "b", "c"]
    twin = ExactVectors()
    await twin.put([_passage(id) for id in ids], vectors)
    found = await twin.search(question, scope=Scope("t", frozenset({"s"})), limit=10)
    assert dict(exact_scores(ids, vectors)(question)) == {
        line.passage: pytest.approx(line.score) for line in found
    }


def _passage(id: str) -> Passage:
    return Passage(
        id=id, tenant="t", space="s", source=id, version="0", ordinal=0, text="", start=0, end=0
    )
