"""Exports to Notion under faults drawn by chance, and under every fault at every call."""

from __future__ import annotations

import os
import random

import pytest

from tests.remotes.faults import Fault
from tests.remotes.notion_world import NotionWorld, draw_brief, revise_brief
from tests.remotes.schedules import run_every_call, run_schedules

COUNT = int(os.environ.get("STRATMASTER_TEST_SCHEDULES", "2000"))
PARTS = 8  # so that none comes near the time limit of a test


@pytest.mark.parametrize("part", range(PARTS))
async def test_whatever_befalls_an_export_pressing_again_makes_it_right(part: int) -> None:
    """One object for each item, each as previewed, nothing of a person's overwritten, and nothing
    sent once nothing changed."""
    each = COUNT // PARTS
    await run_schedules(NotionWorld, each, part * each, draw=draw_brief, revise=revise_brief)


async def test_every_fault_at_every_call_leaves_one_object_per_item() -> None:
    """Of a brief with lists, a table and citations."""
    brief = draw_brief(random.Random(6))
    assert await run_every_call(NotionWorld, brief) > len(Fault)
