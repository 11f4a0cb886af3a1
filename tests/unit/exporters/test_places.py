"""A place names one thing that can be a place of its kind."""

from __future__ import annotations

import pytest

from exporters import places
from exporters.errors import BadMapping
from exporters.records import Json


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("notion", {"page": "1f2e-3d"}),
        ("notion", {"data_source": "a" * 100}),
        ("jira", {"project": "10001", "key": "PLAN"}),
        ("trello", {"board": "5f"}),
        ("folder", {"folder": "Briefs of 2026"}),
    ],
)
def test_a_place_that_can_be_one_is_taken(kind: str, where: dict[str, Json]) -> None:
    places.check(kind, where)


@pytest.mark.parametrize(
    ("kind", "where", "said"),
    [
        ("notion", {}, "data_source or its page"),
        ("notion", {"page": "a", "data_source": "b"}, "data_source or its page"),
        ("notion", {"data_source": "a" * 101}, "is no data_source"),
        ("jira", {"key": "PLAN"}, "names its project"),
        ("trello", {"board": "../members/me"}, "'../members/me' is no board"),
        ("trello", {"board": 7}, "7 is no board"),
        ("folder", {"folder": ""}, "names its folder"),
    ],
)
def test_what_can_be_no_place_is_named(kind: str, where: dict[str, Json], said: str) -> None:
    with pytest.raises(BadMapping, match=said):
        places.check(kind, where)
