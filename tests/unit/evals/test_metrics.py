"""The numbers we report are the ones the field's own tool reports."""

from __future__ import annotations

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import bootstrap, ndcg, recall, reciprocal_rank

ids = st.integers(0, 150).map(lambda number: f"d{number:03d}")


@given(
    ranking=st.lists(ids, unique=True, min_size=1, max_size=150),
    judged=st.dictionaries(ids, st.integers(0, 3), min_size=1, max_size=40),
)
def test_agrees_with_trec_eval(ranking: list[str], judged: dict[str, int]) -> None:
    """Any ranking and any grades: the same numbers to a millionth."""
    evaluator = pytrec_eval.RelevanceEvaluator({"q": judged}, {"ndcg_cut.10", "recall.100"})
    run = {id: float(len(ranking) - place) for place, id in enumerate(ranking)}
    expected = evaluator.evaluate({"q": run})["q"]
    assert ndcg(ranking, judged) == pytest.approx(expected["ndcg_cut_10"], abs=1e-6)
    assert recall(ranking, judged) == pytest.approx(expected["recall_100"], abs=1e-6)


@given(
    ranking=st.lists(ids, unique=True, min_size=1, max_size=10),
    judged=st.dictionaries(ids, st.integers(0, 1), min_size=1, max_size=40),
)
def test_reciprocal_rank_agrees_with_trec_eval(ranking: list[str], judged: dict[str, int]) -> None:
    """Within its cut of ten, MRR is trec_eval's reciprocal rank."""
    evaluator = pytrec_eval.RelevanceEvaluator({"q": judged}, {"recip_rank"})
    run = {id: float(len(ranking) - place) for place, id in enumerate(ranking)}
    expected = evaluator.evaluate({"q": run})["q"]["recip_rank"]
    assert reciprocal_rank(ranking, judged) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("place", "expected"), [(10, 0.1), (11, 0.0)])
def test_reciprocal_rank_is_cut_at_ten(place: int, expected: float) -> None:
    """The tenth line counts and the eleventh does not."""
    ranking = [f"x{number}" for number in range(1, place)] + ["right"]
    assert reciprocal_rank(ranking, {"right": 1}) == pytest.approx(expected)


def test_bootstrap_is_seeded_and_holds_the_mean() -> None:
    """The same values give the same interval, and it lies around the mean."""
    values = [0.0, 0.1, -0.05, 0.2, 0.3, 0.0, 0.1]
    found = bootstrap(values)
    assert found == bootstrap(values)
    assert found.low < found.mean < found.high


def test_bootstrap_of_a_constant_has_no_width() -> None:
    """Two systems that differ by the same on every query differ by just that."""
    found = bootstrap([0.25] * 20)
    assert (found.low, found.mean, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_bootstrap_of_nothing_is_refused() -> None:
    """No queries, no interval."""
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])
