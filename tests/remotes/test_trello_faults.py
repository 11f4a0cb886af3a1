"""Exports to Trello under faults: whatever befalls them, there is one card for each action."""

from __future__ import annotations

import pytest

from tests.remotes.schedules import run_every_call, run_schedules
from tests.remotes.trello_world import SIMPLE, TrelloWorld, draw_brief, revise_brief


async def test_every_fault_at_every_call() -> None:
    """One at a time, through all of an export: one object for each item, as the preview said."""
    assert await run_every_call(TrelloWorld, SIMPLE) > 100


@pytest.mark.timeout(600)
async def test_schedules_drawn_by_chance() -> None:
    """Several faults, kills, two workers and people's edits over there, 2,000 times."""
    await run_schedules(TrelloWorld, 2_000, 0, draw=draw_brief, revise=revise_brief)
