"""Calls that are lost, cut, refused or answered late: one object per item, whatever happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporters import apply
from exporters.errors import NotConnected, RemoteError
from exporters.model import Brief, Item, Span
from exporters.records import OVERVIEW, Decisions, Standing, Way
from tests.remotes import notion
from tests.remotes.faults import Fault, Killed
from tests.remotes.notion_world import (
    World,
    brief,
    in_data_source,
    paragraph,
    under_page,
    with_rows,
    without_property,
)


def _brief() -> Brief:
    cells = (Item("c1", "cell", (Span("A"),)), Item("c2", "cell", (Span("B"),)))
    inner = (paragraph("l1p", "Outer"), paragraph("l1q", "Within"))
    return brief(
        paragraph("p1", "One"),
        Item("l0", "bullet_list", children=(Item("l1", "list_item", children=inner),)),
        Item("t1", "table", children=(Item("r1", "row", children=cells),)),
        Item("a1", "action", (Span("Call"),)),
    )


DONE = apply.Result.DONE
_SHOWN = [
    ("paragraph", "One"),
    ("bulleted_list_item", "Outer", [("paragraph", "Within")]),
    ("table", "", [("table_row", "A | B")]),
    ("to_do", "Call"),
]


WORLDS = {
    "data source": in_data_source,
    "page": under_page,
    "rows": with_rows,
    "no property": without_property,
}


async def _until_done(world: World, given: Brief) -> None:
    """Press Export, whatever happens, until everything is done."""
    for _ in range(8):
        try:
            await world.reconcile()
            ran = await world.run(await world.plan(given))
        except (Killed, RemoteError):
            continue
        if ran.wait_until is None and all(one.outcome is DONE for one in ran.outcomes):
            return
    raise AssertionError("never done")


def _assert_one_of_each(world: World) -> None:
    """Everything is there once: on the page, in data sources, and in the ledger."""
    pages = [node for node in world.server.nodes.values()
             if node.type == "child_page" and node.made_by == world.server.bot]  # fmt: skip
    rows = 1 if "actions" in world.mapping else 0
    assert len(pages) == 1 + rows
    shown = [("bulleted_list_item", "Call") if rows and one == ("to_do", "Call") else one
             for one in _SHOWN]  # fmt: skip
    assert world.shown()[1:] == shown
    made = {node.id for node in world.server.nodes.values()
            if node.made_by == world.server.bot and not node.in_trash}  # fmt: skip
    assert made == {entry.ref for entry in world.books.entries.values()}
    assert not world.books.intents


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("fault", Fault)
async def test_a_fault_at_any_call_leaves_one_object_per_item(kind: str, fault: Fault) -> None:
    """Exported first with that fault at each of its calls; then an export has nothing to do."""
    clean = WORLDS[kind]()
    await _until_done(clean, _brief())
    for call in range(1, clean.faults.calls + 1):
        world = WORLDS[kind]()
        world.strike({call: fault})
        await _until_done(world, _brief())
        await world.faults.arrived()
        assert (await world.plan(_brief())).empty, call
        _assert_one_of_each(world)


@pytest.mark.parametrize("fault", Fault)
async def test_a_fault_at_any_call_of_a_change_loses_nothing(fault: Fault) -> None:
    """Changed, removed, put elsewhere and added, with that fault at each call."""
    items = _brief().items
    later = brief(
        items[2], paragraph("p1", "Uno"), paragraph("p9", "New"), *items[3:], title="Plan B"
    )
    clean = in_data_source()
    await clean.export(_brief())
    clean.strike({})
    await clean.export(later)
    wanted, calls = clean.shown(), clean.faults.calls
    for call in range(1, calls + 1):
        world = in_data_source()
        await world.export(_brief())
        world.strike({call: fault})
        await _until_done(world, later)
        await world.faults.arrived()
        assert (await world.plan(later)).empty, call
        assert world.shown() == wanted


@pytest.mark.parametrize("kind", WORLDS)
async def test_a_collision_with_somebody_elses_write_is_got_over_by_the_run_itself(
    kind: str,
) -> None:
    """Notion answers 409 at each of its writes in turn: looked for, not there, and made again
    without another press."""
    clean = WORLDS[kind]()
    await clean.export(_brief())
    writes = [at for at, (method, path) in enumerate(clean.faults.log, 1)
              if method == "PATCH" or path == "/v1/pages"]  # fmt: skip
    assert writes
    for call in writes:
        world = WORLDS[kind]()
        world.strike({call: Fault.COLLIDED})
        await world.export(_brief())
        assert not world.faults.faults
        _assert_one_of_each(world)


@pytest.mark.parametrize("kind", WORLDS)
async def test_what_a_person_duplicated_meanwhile_is_not_taken_for_ours(kind: str) -> None:
    """A copy has our marker and everything else but its maker."""
    clean = WORLDS[kind]()
    await clean.export(_brief())
    making = clean.faults.log.index(("POST", "/v1/pages")) + 1
    world = WORLDS[kind]()
    world.strike({making: Fault.LOSE_RESPONSE})

    def copy() -> None:
        for node in list(world.server.nodes.values()):
            if node.type == "child_page" and node.made_by == world.server.bot:
                world.server.duplicate(node.id)

    world.faults.edits = {making + 1: copy}
    await _until_done(world, _brief())
    _assert_one_of_each(world)
    copies = [node for node in world.server.nodes.values()
              if node.type == "child_page" and node.made_by == world.server.person]  # fmt: skip
    assert len(copies) == (2 if kind == "page" else 1)  # a page of theirs is above ours there


async def test_blocks_edited_and_taken_away_before_they_were_seen_are_known() -> None:
    """The answer to an append is lost; meanwhile a person edits one block, drops one, adds one."""
    world = under_page()
    given = brief(*(paragraph(f"p{n}", f"Text {n}") for n in range(4)))
    plain = under_page()
    await plain.export(given)
    appends = 1 + plain.faults.log.index(
        next(one for one in plain.faults.log if one[0] == "PATCH" and one[1].endswith("children"))
    )
    world.strike({appends: Fault.LOSE_RESPONSE})

    def meddle() -> None:
        page = next(n for n in world.server.nodes.values()
                    if n.type == "child_page" and n.made_by == world.server.bot)  # fmt: skip
        blocks = world.server.children(page.id)
        world.server.write(blocks[2].id, "Edited")
        world.server.delete(blocks[3].id)
        world.server.insert(page.id, "Text 3", after=blocks[0].id)

    world.faults.edits = {appends + 1: meddle}
    await _until_done(world, given)
    planned = await world.export(given)
    texts = [one[1] for one in world.shown()]
    assert texts[1:] == ["Text 3", "Text 0", "Edited", "Text 2", "Text 3"]
    assert {item.key for item in planned.items if item.change == "drift"} == {"p1"}


async def test_an_answer_that_does_not_name_everything_is_not_believed() -> None:
    """What was made is looked for on the page instead, and nothing is made twice."""
    world = in_data_source()
    world.server.vague = True
    await world.export(_brief())
    assert (await world.plan(_brief())).empty
    _assert_one_of_each(world)


async def test_a_token_that_is_revoked_midway_stops_and_goes_on_later() -> None:
    """What was made stays known; with a new token the rest is made, and nothing twice."""
    clean = in_data_source()
    await clean.export(_brief())
    for call in range(1, clean.faults.calls + 1):
        world = in_data_source()

        def revoke(world: World = world) -> None:
            world.server.token = "another"

        world.faults.edits = {call: revoke}
        with pytest.raises(NotConnected):
            await world.export(_brief())
        world.server.token = notion.TOKEN
        await _until_done(world, _brief())
        _assert_one_of_each(world)


async def test_nothing_is_made_while_a_call_is_looked_for() -> None:
    """Until the outcome is known, every run says so, and sends nothing that writes."""
    world = in_data_source(query_lag=3600.0)
    world.strike({})
    await world.plan(_brief())
    create = world.faults.calls + 1
    world.strike({create: Fault.LOSE_RESPONSE})
    planned = await world.plan(_brief())
    ran = await world.run(planned, patience=timedelta(0))
    assert apply.Result.RECONCILING in {one.outcome for one in ran.outcomes}
    before = len(world.server.calls)
    ran = await world.run(planned, patience=timedelta(0))
    assert ran.wait_until is not None
    writes = [method for method, path in world.server.calls[before:]
              if (method, path) == ("POST", "/v1/pages") or method == "PATCH"]  # fmt: skip
    assert not writes
    assert OVERVIEW not in world.books.entries


async def test_what_was_left_behind_is_not_taken_for_what_replaces_it() -> None:
    """A page that was hidden, given up and shared again has our marker and our name on it: when
    the answer about its replacement is lost, only the replacement is found."""
    world = under_page()
    await world.export(_brief())
    left = world.ref()
    world.server.nodes[left].shared = False
    decided = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.FORBIDDEN)})
    planned = await world.plan(_brief(), decided)

    def share() -> None:
        world.server.nodes[left].shared = True

    world.strike({1: Fault.LOSE_REQUEST})
    world.faults.edits = {2: share}
    await world.run(planned)
    assert world.ref() != left
    assert world.shown()[1:] == _SHOWN
    assert (await world.plan(_brief())).empty
