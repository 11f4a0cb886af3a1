"""Exports to Notion, over the real HTTP API of a small Notion."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx
import pytest

from exporters.memory import MemoryBudget
from exporters.model import Brief, Item, Reference, Span
from tests.remotes.notion_world import (
    World,
    brief,
    in_data_source,
    paragraph,
    under_page,
)


def whole() -> Brief:
    """One of everything."""
    cell = lambda key, text, header=False: Item(  # noqa: E731
        key, "cell", children=(paragraph(key + "p", text),), header=header
    )
    return brief(
        Item("h1", "heading", (Span("Why"),), level=2),
        Item("p1", "paragraph", (Span("Sales "), Span("rose", bold=True), Span(cite="c1"))),
        Item(
            "l1",
            "bullet_list",
            children=(
                Item(
                    "li1",
                    "list_item",
                    children=(
                        paragraph("li1p", "First"),
                        Item(
                            "l2",
                            "ordered_list",
                            children=(
                                Item("li2", "list_item", children=(paragraph("li2p", "Inner"),)),
                            ),
                        ),
                    ),
                ),
                Item("li3", "list_item", children=(paragraph("li3p", "Second"),)),
            ),
        ),
        Item("q1", "quote", children=(paragraph("q1p", "So be it"), paragraph("q1q", "and more"))),
        Item("k1", "code", (Span("x = 1"),), language="py"),
        Item("r1", "rule"),
        Item(
            "t1",
            "table",
            children=(
                Item("t1a", "row", children=(cell("c11", "Year", True), cell("c12", "Sum", True))),
                Item("t1b", "row", children=(cell("c21", "2025"), cell("c22", "7"))),
            ),
        ),
        Item("a1", "action", (Span("Call the bank"),), owner="Mara Lind", due=date(2026, 4, 1)),
        references=[
            Reference(1, "c1", "Report.pdf", "Sales rose by 4 %", 3, link="https://s.example/e/1")
        ],
    )


@pytest.fixture(params=[in_data_source, under_page])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.param()
    return made


async def test_a_brief_is_a_page_block_by_block(world: World) -> None:
    """Everything a brief has stands on the page, in order, its evidence at the end."""
    await world.export(whole())
    shown = world.shown()
    assert shown[0][1].startswith("From StratMaster: the brief")
    assert shown[1:] == [
        ("heading_2", "Why"),
        ("paragraph", "Sales rose[1]"),
        ("bulleted_list_item", "First", [("numbered_list_item", "Inner")]),
        ("bulleted_list_item", "Second"),
        ("quote", "So be it", [("paragraph", "and more")]),
        ("code", "x = 1"),
        ("divider", ""),
        ("table", "", [("table_row", "Year | Sum"), ("table_row", "2025 | 7")]),
        ("to_do", "Call the bank · Mara Lind · 2026-04-01"),
        ("heading_2", "References"),
        ("paragraph", "[1] Report.pdf, page 3: “Sales rose by 4 %” open"),
    ]
    assert not world.server.refused


async def test_an_unchanged_export_writes_nothing(world: World) -> None:
    """Pressing Export again plans no call, and takes note of nothing."""
    await world.export(whole())
    again = await world.plan(whole())
    assert again.empty, (again.steps, again.settlements)


async def test_only_what_changed_is_sent(world: World) -> None:
    """A changed paragraph is one call, to that block alone."""
    await world.export(whole())
    changed = whole()
    items = tuple(
        replace(item, spans=(Span("Sales fell"),)) if item.key == "p1" else item
        for item in changed.items
    )
    planned = await world.export(replace(changed, items=items))
    assert [step.keys for step in planned.steps] == [("p1",)]
    assert ("paragraph", "Sales fell") in world.shown()


async def test_over_httpx_itself_it_is_the_same(world: World) -> None:
    """The line that these tests use saves time, and changes nothing."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=world.faults)) as client:
        world.http = client
        world.line = world.api(MemoryBudget(world.adapter.paces, world.clock))
        await world.export(whole())
        calls = list(world.server.calls)
        assert (await world.plan(whole())).empty
    again = in_data_source() if "data_source" in world.where else under_page()
    await again.export(whole())
    assert again.server.calls == calls
    assert again.shown() == world.shown()
