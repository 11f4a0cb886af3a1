"""The engine, on the smallest target there could be, whatever befalls it."""

from __future__ import annotations

import random

from tests.remotes.faults import Fault
from tests.remotes.schedules import draw_brief, run_every_call, run_schedules
from tests.remotes.toy import ToyWorld


async def test_an_export_survives_what_befalls_it() -> None:
    """2,000 schedules of lost calls, kills, two workers and people who edit over there: one object
    for each item, each as previewed, nobody's words overwritten, nothing sent once all is done."""
    await run_schedules(ToyWorld, 2000, seed=0)


async def test_every_fault_at_every_call() -> None:
    """Whatever happens to any one call of an export, pressing again makes it whole."""
    brief = draw_brief(random.Random(4))
    assert await run_every_call(ToyWorld, brief) > len(Fault)
