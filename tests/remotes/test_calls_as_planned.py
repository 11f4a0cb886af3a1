"""An export takes the calls that its plan said, reading and writing ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from exporters.model import Brief, Item, Span
from tests.remotes import folder_world, jira_world, notion_world, trello_world
from tests.remotes.world import LINK, World

WORLDS: dict[str, Callable[[], World[Any]]] = {
    "jira": jira_world.World,
    "notion data source": notion_world.in_data_source,
    "notion page": notion_world.under_page,
    "notion rows": notion_world.with_rows,
    "notion without a property": notion_world.without_property,
    "trello": trello_world.World,
    "folder": folder_world.FolderWorld,
}


def _block(key: str, kind: str, text: str = "", *children: Item, **more: Any) -> Item:
    return Item(key, kind, (Span(text),) if text else (), children, **more)


FIRST = _block("a1", "action", "Call the bank", status="done", owner="Bob")
SECOND = Item("a2", "action", (Span("Then "), Span("write", href=f"{LINK}?sel=block:a1")))
ITEMS = (
    _block("p1", "paragraph", "Hello"),
    FIRST,
    replace(SECOND, due=date(2026, 5, 1)),
    _block("t1", "table", "", *(
        _block(f"r{row}", "row", "", _block(f"c{row}", "cell", f"Row {row}")) for row in range(120)
    )),
    _block("l0", "bullet_list", "", _block(
        "l1", "list_item", "", _block("l1p", "paragraph", "Outer"), _block("l1q", "quote", "Inner")
    )),
)  # fmt: skip


@pytest.mark.parametrize("kind", WORLDS)
async def test_an_export_takes_the_calls_that_its_plan_said(kind: str) -> None:
    """Made, changed, and taken away again."""
    world = WORLDS[kind]()
    whole = Brief("brief1", "Plan", ITEMS)
    first, second = (
        replace(FIRST, spans=(Span("Ring"),), status="open"),
        _block("a2", "action", "x"),
    )
    anew = (ITEMS[0], first, second, *ITEMS[3:])
    for given in (whole, replace(whole, items=anew, title="Plan B"), replace(whole, items=())):
        planned = await world.plan(given)
        assert planned.counts["writes"] > 0
        world.strike({})
        await world.run(planned)
        assert world.faults.calls == planned.counts["writes"] + planned.counts["reads"]
    assert (await world.plan(given)).empty
