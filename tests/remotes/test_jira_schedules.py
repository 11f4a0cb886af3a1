"""Exports to Jira under faults drawn by chance, and under every fault at every call."""

from __future__ import annotations

import os
from functools import partial

import pytest

from exporters.model import Item, Span
from tests.remotes.jira_world import LINK, JiraWorld, action, brief, draw_brief, revise_brief
from tests.remotes.schedules import run_every_call, run_schedules

pytestmark = pytest.mark.timeout(600)

COUNT = 2_000  # 100,000 by python -m tests.remotes.soak --kind jira
SEED = int(os.environ.get("STRATMASTER_TEST_SEED", "1"))


async def test_whatever_befalls_an_export_pressing_again_makes_it_right() -> None:
    """One issue for each action, each as previewed, and nothing of a person's overwritten."""
    await run_schedules(JiraWorld, COUNT, SEED, draw=draw_brief, revise=revise_brief)


async def test_every_fault_at_every_call_leaves_one_issue_for_each_action() -> None:
    """An epic and two linked issues, one of them done."""
    to = Span("the first", href=f"{LINK}?sel=block:a1")
    whole = brief(action("a1", status="done"), Item("a2", "action", (Span("After "), to)))
    learning = partial(JiraWorld, learned=False)
    assert await run_every_call(learning, whole) > 100
