"""The sign that an object over there is ours."""

from __future__ import annotations

import re

from exporters.markers import marker
from exporters.records import Place

PLACE = Place("toy", "tgt_1", {})


def test_a_marker_is_the_same_for_ever() -> None:
    """Objects made years ago are found by it: this very value may never change."""
    assert marker(PLACE, "brf_1", "a") == "sm-d0bad6b7fb424a5d3e5c23ee"


def test_markers_differ_by_target_brief_and_key() -> None:
    """Also where the same letters are cut in other places."""
    markers = {
        marker(PLACE, "brf_1", "a"),
        marker(PLACE, "brf_1", "b"),
        marker(PLACE, "brf_2", "a"),
        marker(Place("toy", "tgt_2", {}), "brf_1", "a"),
        marker(PLACE, "brf_1a", ""),
        marker(PLACE, "brf_", "1a"),
    }
    assert len(markers) == 6


def test_every_target_takes_a_marker() -> None:
    """A label in Jira has no blanks; a word in a description ends at none of these characters."""
    assert re.fullmatch(r"sm-[0-9a-f]{24}", marker(PLACE, "brf_1", "é\0ü" * 1000))
