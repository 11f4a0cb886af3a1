"""What goes into which property of a page or a row, and what a connection can choose from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from exporters.errors import BadMapping, NotConnected
from exporters.markers import marker
from exporters.model import Brief, Item, Span
from exporters.records import OVERVIEW, Choice, Decisions, Op, Standing, Way
from tests.remotes.notion_world import (
    LINK,
    PROPERTIES,
    STATUS,
    World,
    brief,
    in_data_source,
    paragraph,
    under_page,
    with_rows,
    without,
)


def _action(key: str, text: str, **more: Any) -> Item:
    return Item(key, "action", (Span(text),), **more)


def _actions() -> Brief:
    return brief(
        paragraph("p1", "To do:"),
        _action("a1", "Call", owner="mara lind", due=date(2026, 4, 1), status="doing"),
        _action("a2", "Write", owner="Nobody Here", status="done"),
        _action("a3", "Wait"),
    )


def _values(world: World, key: str) -> dict[str, Any]:
    """A page's properties as they read, by name."""
    page = world.server._shown_page(world.server.nodes[world.ref(key)])
    found = {}
    for name, one in page["properties"].items():
        value = one[one["type"]]
        if one["type"] in ("title", "rich_text"):
            value = "".join(text["plain_text"] for text in value)
        elif one["type"] == "people":
            value = [user["name"] for user in value]
        elif one["type"] in ("status", "select"):
            value = value and value["name"]
        elif one["type"] == "date":
            value = value and value["start"]
        found[name] = value
    return found


async def test_values_go_to_the_properties_that_are_named_for_them() -> None:
    """Nothing has to be chosen; a property that nothing is meant for stays empty."""
    world = in_data_source()
    await world.export(_actions())
    assert _values(world, OVERVIEW) == {
        "Name": "Plan",
        "external_id": marker(world.place, "brief1", OVERVIEW),
        "Status": "In progress",
        "Due": "2026-04-01",
        "Owner": [],
        "Link": LINK,
        "Open actions": 2,
        "Budget": None,
    }


async def test_a_page_under_a_page_has_its_marker_in_its_first_block() -> None:
    """There is no property for it: the call that makes the page brings the block along."""
    world = under_page()
    planned = await world.export(_actions())
    body: Any = planned.steps[0].request.body
    sign = marker(world.place, "brief1", OVERVIEW)
    assert body["children"][0]["paragraph"]["rich_text"][-1] == {
        "type": "text",
        "text": {"content": sign},
        "annotations": {"code": True},
    }
    assert world.shown()[0] == ("paragraph", f"From StratMaster: the brief {sign}")


async def test_actions_are_rows_where_that_was_chosen() -> None:
    """A row for each, and a line of text where it stands in the page; the unknown owner is said."""
    world = with_rows()
    planned = await world.export(_actions())
    assert _values(world, "a1") == {
        "Name": "Call",
        "external_id": marker(world.place, "brief1", "a1"),
        "Status": "In progress",
        "Due": "2026-04-01",
        "Owner": ["Mara Lind"],
        "Link": LINK,
        "Open actions": None,
        "Budget": None,
    }
    assert _values(world, "a2")["Status"] == "Done"
    assert ("bulleted_list_item", "Call") in world.shown()
    assert [loss.what for loss in planned.losses if loss.key == "a2"] == [
        "Nobody in Notion is called Nobody Here: no owner is set."
    ]
    assert (await world.plan(_actions())).empty


async def test_a_status_changed_in_a_row_is_their_change() -> None:
    """Shown as what it means here; one of the same meaning is no change at all."""
    world = with_rows()
    await world.export(_actions())
    row = world.server.nodes[world.ref("a1")]
    status = next(id for id, one in world.server.sources[str(world.mapping["actions"])]
                  .properties.items() if one["name"] == "Status")  # fmt: skip
    row.properties[status] = {"status": {"id": "s3"}}  # Blocked, which is in progress, too
    assert (await world.plan(_actions())).empty
    row.properties[status] = {"status": {"id": "s4"}}
    planned = await world.plan(_actions())
    part = next(p for i in planned.items if i.key == "a1" for p in i.parts if p.part == "status")
    assert (part.change.value, part.ours, part.theirs) == ("drift", "doing", "done")
    assert world.adapter.words("status", part.theirs) == "Done"
    ours = Decisions({("a1", "status"): (Choice.OURS, "done")})
    await world.export(_actions(), ours)
    assert _values(world, "a1")["Status"] == "In progress"


async def test_a_box_ticked_on_the_page_is_their_change() -> None:
    world = in_data_source()
    await world.export(_actions())
    world.server.nodes[world.ref("a3")].body["checked"] = True
    planned = await world.plan(_actions())
    part = next(p for i in planned.items if i.key == "a3" for p in i.parts if p.part == "status")
    assert (part.change.value, part.ours, part.theirs) == ("drift", "open", "done")


async def test_a_removed_action_takes_its_row_to_the_trash() -> None:
    world = with_rows()
    await world.export(_actions())
    row = world.ref("a3")
    planned = await world.export(without(_actions(), "a3"))
    assert {step.keys: step.op for step in planned.steps}[("a3",)] is Op.ARCHIVE
    assert world.server.nodes[row].in_trash
    assert (await world.plan(without(_actions(), "a3"))).empty


async def test_what_follows_a_row_that_is_to_become_a_block_finds_its_place() -> None:
    """A person edited the row, so it stays one until somebody decides: no block can follow it."""
    world = with_rows()
    await world.export(_actions())
    world.server.write(world.ref("a3"), "Theirs")
    changed = brief(*_actions().items[:3], paragraph("a3", "Ours"), paragraph("p2", "After"))
    planned = await world.export(changed)
    assert [item.change for item in planned.items if item.key == "a3"] == ["conflict"]
    assert world.shown()[-1] == ("paragraph", "After")
    assert not world.server.refused


async def test_a_row_moved_away_is_moved_back_as_decided() -> None:
    world = with_rows()
    await world.export(_actions())
    other = world.server.data_source("Elsewhere", **PROPERTIES)
    world.server.move(world.ref("a1"), "data_source_id", other)
    planned = await world.plan(_actions())
    item = next(item for item in planned.items if item.key == "a1")
    assert (item.standing, item.where) == (Standing.MOVED, "in another data source")
    await world.export(_actions(), Decisions(ways={"a1": (Way.RESTORE, Standing.MOVED)}))
    assert (await world.plan(_actions())).empty


async def test_a_renamed_property_is_still_known() -> None:
    """By its id, once it was chosen."""
    world = in_data_source()
    properties = world.server.sources[str(world.where["data_source"])].properties
    due = next(id for id, one in properties.items() if one["name"] == "Due")
    world.mapping["due"] = due
    await world.export(_actions())
    properties[due]["name"] = "Deadline of ours"
    assert (await world.plan(_actions())).empty
    later = brief(_action("a1", "Call", due=date(2026, 5, 1)))
    await world.export(later)
    assert _values(world, OVERVIEW)["Deadline of ours"] == "2026-05-01"


async def test_a_property_known_by_its_name_is_missed_when_that_changes() -> None:
    """Nothing was chosen, so nothing else is known of it; the plan names it, and goes on."""
    world = in_data_source()
    await world.export(_actions())
    properties = world.server.sources[str(world.where["data_source"])].properties
    due = next(one for one in properties.values() if one["name"] == "Due")
    due["name"] = "When"
    planned = await world.export(_actions())
    assert ["Due date" in loss.what for loss in planned.losses] == [True]
    world.mapping["due"] = due["id"]
    assert not (await world.plan(_actions())).losses
    world.mapping["due"] = ""
    assert not (await world.plan(_actions())).losses


@pytest.mark.parametrize("fate", ["gone", "retyped"])
async def test_a_chosen_property_that_is_gone_or_retyped_is_named(fate: str) -> None:
    """With the way out; nothing is planned until then, and it can be chosen anew."""
    world = in_data_source()
    properties = world.server.sources[str(world.where["data_source"])].properties
    due = next(id for id, one in properties.items() if one["name"] == "Due")
    world.mapping["due"] = due
    await world.export(_actions())
    if fate == "gone":
        del properties[due]
    else:
        properties[due] = {"id": due, "name": "Due", "type": "number", "number": {}}
    with pytest.raises(BadMapping, match=r"“Due date”.*Choose another one"):
        await world.plan(_actions())
    choices = await world.adapter.choices(world.line, world.place)
    assert "due" in {choice.key for choice in choices}
    world.mapping["due"] = ""
    assert not (await world.plan(_actions())).steps


async def test_a_data_source_that_is_not_to_be_seen_is_named() -> None:
    """And another one can be chosen in its place."""
    world = with_rows()
    world.server.sources.pop(str(world.mapping["actions"]))
    with pytest.raises(BadMapping, match="Share its database with the connection"):
        await world.plan(_actions())
    choices = await world.adapter.choices(world.line, world.place)
    assert {"due", "actions"} <= {choice.key for choice in choices}


async def test_rows_need_a_property_that_tells_whose_they_are() -> None:
    world = in_data_source()
    world.mapping["actions"] = world.server.data_source("Actions", Status=STATUS)
    with pytest.raises(BadMapping, match="external_id"):
        await world.plan(_actions())


async def test_a_status_without_an_option_is_said_and_left_out() -> None:
    """A select of theirs gets no option that nobody made."""
    world = in_data_source()
    kinds = {"type": "select", "options": [{"id": "o1", "name": "Open"}]}
    source = world.server.data_source("Other", external_id={"type": "rich_text"}, Status=kinds)
    world.where = {"data_source": source}
    planned = await world.export(_actions())
    assert _values(world, OVERVIEW)["Status"] is None
    assert "no option for the status doing" in planned.losses[0].what


async def test_a_box_and_texts_hold_values_too() -> None:
    """A data source whose status is a checkbox and whose dates and owners are plain text."""
    world = in_data_source()
    world.mapping["actions"] = world.server.data_source(
        "Actions",
        external_id={"type": "rich_text"},
        Done={"type": "checkbox"},
        Due={"type": "rich_text"},
        Owner={"type": "rich_text"},
    )
    await world.export(_actions())
    shown = [_values(world, key) for key in ("a1", "a2")]
    assert [(one["Done"], one["Due"], one["Owner"]) for one in shown] == [
        (False, "2026-04-01", "mara lind"),
        (True, "", "Nobody Here"),
    ]
    assert (await world.plan(_actions())).empty


async def test_the_page_is_told_what_can_be_chosen() -> None:
    """Which properties can hold a value, which is meant, and what each status is called."""
    world = with_rows()
    choices = {one.key: one for one in await world.adapter.choices(world.line, world.place)}
    assert [option.name for option in choices["due"].options] == [
        "Leave out",
        "external_id",
        "Due",
    ]
    assert choices["due"].default == choices["due"].options[2].id
    assert choices["statuses"].default == {"open": "s1", "doing": "s2", "done": "s4"}
    assert {option.name for option in choices["actions"].options} == {
        "To-dos in the page",
        "Rows of Briefs",
        "Rows of Actions",
    }
    assert choices["action_owner"].label == "Action: Owner"
    world.mapping["statuses"] = {"open": "s1", "doing": "s3", "done": "s4"}
    await world.export(_actions())
    assert _values(world, OVERVIEW)["Status"] == "Blocked"


async def test_places_are_found_by_their_names() -> None:
    world = under_page()
    world.server.data_source("Team tasks")
    found = await world.adapter.places(world.line, "team")
    assert [(one.name, one.kind_name) for one in found] == [
        ("Team tasks", "Data source"),
        ("Team home", "Page"),
    ]
    assert found[1].where == world.where


async def test_a_connection_says_whose_it_is() -> None:
    world = in_data_source()
    account = await world.adapter.check(world.line)
    assert (account.name, account.id) == ("StratMaster", world.server.bot)
    world.server.token = "another"
    with pytest.raises(NotConnected):
        await world.adapter.check(world.line)


async def test_without_an_address_there_is_no_link_and_that_is_said() -> None:
    world = in_data_source()
    world.link = ""
    planned = await world.export(_actions())
    assert _values(world, OVERVIEW)["Link"] is None
    assert "no link back" in planned.losses[0].what
    assert (await world.plan(_actions())).empty


async def test_a_title_of_2001_units_is_cut() -> None:
    world = in_data_source()
    long = replace(_actions(), title="😀" * 1001)
    planned = await world.export(long)
    assert _values(world, OVERVIEW)["Name"] == "😀" * 1000
    assert "cut" in planned.losses[0].what
    assert (await world.plan(long)).empty
