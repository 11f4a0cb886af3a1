"""What people do in Notion to what we made there, and around it."""

from __future__ import annotations

import pytest

from exporters import apply
from exporters.model import Brief, Item, Span
from exporters.records import OVERVIEW, Choice, Decisions, Op, Standing, Way
from tests.remotes.notion_world import (
    World,
    brief,
    in_data_source,
    paragraph,
    under_page,
    without,
)


def _three() -> Brief:
    return brief(paragraph("p1", "One"), paragraph("p2", "Two"), paragraph("p3", "Three"))


def _nested() -> Brief:
    inner = (paragraph("l1p", "Outer"), paragraph("l1q", "Within"))
    item = Item("l1", "list_item", children=inner)
    return brief(paragraph("p1", "One"), Item("l0", "bullet_list", children=(item,)))


@pytest.fixture(params=[in_data_source, under_page])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.param()
    return made


def _texts(world: World) -> list[str]:
    return [one[1] for one in world.shown()[1:]]


async def test_their_blocks_between_ours_stay_where_they_are(world: World) -> None:
    """What we add comes after our own block before it; theirs are never read, moved or changed."""
    await world.export(_three())
    theirs = world.server.insert(world.ref(), "Theirs", after=world.ref("p1"))
    brief_now = brief(
        paragraph("p1", "One"), paragraph("p4", "New"), paragraph("p2", "Two"), paragraph("p3", "3")
    )
    await world.export(brief_now)
    assert _texts(world) == ["One", "New", "Theirs", "Two", "3"]
    assert world.server.nodes[theirs].edited_by == world.server.person
    assert (await world.plan(brief_now)).empty


async def test_what_they_wrote_above_ours_stays_above() -> None:
    """Our first block, made anew, does not jump over an introduction of theirs."""
    world = in_data_source(seed=2)
    world.link = ""  # no line of origin: the first paragraph is our first block
    await world.export(_three())
    world.server.insert(world.ref(), "Introduction")
    await world.export(brief(Item("p1", "heading", (Span("One"),), level=1), *_three().items[1:]))
    assert [one[1] for one in world.shown()] == ["Introduction", "One", "Two", "Three"]


async def test_their_words_are_drift_and_stay(world: World) -> None:
    """A text changed there is shown, not sent over; other blocks go on."""
    await world.export(_three())
    world.server.write(world.ref("p2"), "Two, they say")
    changed = brief(paragraph("p1", "One!"), *_three().items[1:])
    planned = await world.export(changed)
    assert {item.key: item.change for item in planned.items if item.change != "keep"} == {
        "p1": "update",
        "p2": "drift",
    }
    assert _texts(world) == ["One!", "Two, they say", "Three"]


async def test_a_text_changed_on_both_sides_waits_for_a_decision(world: World) -> None:
    """Ours over theirs is one call; theirs instead of ours is none, now and later."""
    await world.export(_three())
    world.server.write(world.ref("p2"), "Theirs")
    changed = brief(paragraph("p1", "One"), paragraph("p2", "Ours"), paragraph("p3", "Three"))
    planned = await world.plan(changed)
    part = next(p for item in planned.items if item.key == "p2" for p in item.parts
                if p.part == "text")  # fmt: skip
    assert not planned.steps
    assert world.adapter.words("text", part.theirs) == "Theirs"
    kept = Decisions({("p2", "text"): (Choice.THEIRS, part.theirs)})
    assert not (await world.export(changed, kept)).steps
    assert (await world.plan(changed)).empty
    world.server.write(world.ref("p2"), "Theirs again")
    planned = await world.plan(changed)
    part = next(p for item in planned.items if item.key == "p2" for p in item.parts
                if p.part == "text")  # fmt: skip
    await world.export(changed, Decisions({("p2", "text"): (Choice.OURS, part.theirs)}))
    assert _texts(world) == ["One", "Ours", "Three"]


async def test_an_edit_between_plan_and_call_is_not_written_over(world: World) -> None:
    """The block is read again before it is changed."""
    await world.export(_three())
    planned = await world.plan(brief(paragraph("p1", "Ours"), *_three().items[1:]))
    world.server.write(world.ref("p1"), "Theirs")
    ran = await world.run(planned)
    assert [one.outcome for one in ran.outcomes] == [apply.Result.DRIFTED]
    assert _texts(world)[0] == "Theirs"


async def test_what_they_put_inside_ours_is_never_thrown_away(world: World) -> None:
    """A block of ours that holds one of theirs is not archived, however often it is planned."""
    await world.export(_nested())
    theirs = world.server.insert(world.ref("l1"), "A note of theirs")
    gone = without(_nested(), "l0")
    planned = await world.export(gone)
    assert not [step for step in planned.steps if "l1" in step.keys]
    item = next(item for item in planned.items if item.key == "l1")
    part = next(part for part in item.parts if part.part == "inside")
    decided = Decisions({("l1", "inside"): (Choice.OURS, part.theirs)})
    planned = await world.export(gone, decided)
    item = next(item for item in planned.items if item.key == "l1")
    assert (item.change, item.ways) == ("conflict", (Way.RELEASE,))
    assert not world.server.nodes[theirs].in_trash
    assert not world.server.nodes[world.ref("l1")].in_trash


async def test_a_note_put_inside_after_the_plan_keeps_the_block(world: World) -> None:
    """Between approval and call, too."""
    await world.export(_nested())
    planned = await world.plan(without(_nested(), "l0"))
    theirs = world.server.insert(world.ref("l1"), "A note of theirs")
    ran = await world.run(planned)
    assert apply.Result.DRIFTED in {one.outcome for one in ran.outcomes}
    assert not world.server.nodes[theirs].in_trash
    assert not world.server.nodes[world.ref("l1")].in_trash


async def test_a_block_of_another_kind_by_now_is_shown_as_theirs(world: World) -> None:
    """A person made a heading of our paragraph: its text still can be changed, its kind cannot."""
    await world.export(_three())
    node = world.server.nodes[world.ref("p1")]
    node.type = "heading_2"
    planned = await world.export(brief(paragraph("p1", "Uno"), *_three().items[1:]))
    drifted = [(part.part, part.change.value, part.theirs) for item in planned.items
               if item.key == "p1" for part in item.parts]  # fmt: skip
    assert ("type", "drift", "heading_2") in drifted
    assert world.shown()[1] == ("heading_2", "Uno")
    assert not world.server.refused


async def test_a_to_do_that_became_a_paragraph_has_no_box_to_tick(world: World) -> None:
    """What the block can no longer hold is not sent, and that is said."""
    action = Item("a1", "action", (Span("Call"),))
    await world.export(brief(action))
    world.server.nodes[world.ref("a1")].type = "paragraph"
    world.server.nodes[world.ref("a1")].body.pop("checked")
    done = brief(Item("a1", "action", (Span("Called"),), status="done"))
    planned = await world.plan(done)
    parts = {part.part: part for one in planned.items if one.key == "a1" for part in one.parts}
    ours = Decisions({("a1", "status"): (Choice.OURS, parts["status"].theirs)})
    planned = await world.export(done, ours)
    assert [loss.key for loss in planned.losses] == ["a1"]
    assert world.shown()[1] == ("paragraph", "Called")
    assert not world.server.refused


async def test_a_colour_of_theirs_is_seen_and_kept(world: World) -> None:
    """Colouring a word is a change of theirs: writing our text over it needs their yes."""
    await world.export(_three())
    text = world.server.nodes[world.ref("p1")].body["rich_text"]
    text[0]["annotations"] = {"color": "red"}
    planned = await world.plan(brief(paragraph("p1", "Uno"), *_three().items[1:]))
    assert not planned.steps
    assert [item.change for item in planned.items if item.key == "p1"] == ["conflict"]


async def _astray(world: World, key: str = "p2") -> tuple[Standing, str]:
    planned = await world.plan(_three())
    item = next(item for item in planned.items if item.key == key)
    assert item.change == "astray"
    assert not [step for step in planned.steps if key in step.keys]
    return item.standing, item.where


async def test_a_block_in_the_trash_is_said_to_be_and_comes_back(world: World) -> None:
    """Restored as decided, it is where it was; until then nothing is made for it."""
    await world.export(_three())
    world.server.trash(world.ref("p2"))
    assert await _astray(world) == (Standing.ARCHIVED, "in the trash")
    await world.export(_three(), Decisions(ways={"p2": (Way.RESTORE, Standing.ARCHIVED)}))
    assert _texts(world) == ["One", "Two", "Three"]
    assert (await world.plan(_three())).empty


async def test_a_deleted_block_can_be_made_again(world: World) -> None:
    await world.export(_three())
    world.server.delete(world.ref("p2"))
    assert (await _astray(world))[0] is Standing.GONE
    await world.export(_three(), Decisions(ways={"p2": (Way.RECREATE, Standing.GONE)}))
    assert _texts(world) == ["One", "Two", "Three"]


async def test_a_block_that_they_moved_is_left_where_it_is(world: World) -> None:
    """Notion has no call that moves a block back: the plan says so, and offers what there is."""
    await world.export(_nested())
    world.server.move(world.ref("p1"), "block_id", world.ref("l1"))
    planned = await world.plan(_nested())
    item = next(item for item in planned.items if item.key == "p1")
    assert (item.standing, item.where) == (Standing.MOVED, "in another block")
    assert "only people can" in item.note
    assert item.ways == (Way.RECREATE, Way.RELEASE)
    back = Decisions(ways={"p1": (Way.RESTORE, Standing.MOVED)})
    assert (await world.plan(_nested(), back)).empty


async def test_a_page_that_they_moved_comes_back_as_decided(world: World) -> None:
    await world.export(_three())
    elsewhere = world.server.page("Archive")
    world.server.move(world.ref(), "page_id", elsewhere)
    assert (await _astray(world, OVERVIEW))[0] is Standing.MOVED
    await world.export(_three(), Decisions(ways={OVERVIEW: (Way.RESTORE, Standing.MOVED)}))
    assert (await world.plan(_three())).empty
    assert world.server.nodes[world.ref()].parent[1] in world.where.values()


async def test_a_page_in_the_trash_takes_its_blocks_along(world: World) -> None:
    """One decision brings everything back; not one block is asked about by itself."""
    await world.export(_three())
    world.server.trash(world.ref())
    asked = len(world.server.calls)
    assert (await _astray(world, OVERVIEW))[0] is Standing.ARCHIVED
    assert not [path for _, path in world.server.calls[asked:] if "/blocks/" in path]
    await world.export(_three(), Decisions(ways={OVERVIEW: (Way.RESTORE, Standing.ARCHIVED)}))
    assert (await world.plan(_three())).empty


async def test_a_page_that_is_no_longer_shared_is_forbidden(world: World) -> None:
    """It may be there or not: nothing is made in its place until somebody says so."""
    await world.export(_three())
    world.server.nodes[world.ref()].shared = False
    assert (await _astray(world, OVERVIEW))[0] is Standing.FORBIDDEN
    again = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.FORBIDDEN)})
    planned = await world.export(_three(), again)
    assert planned.steps[0].op is Op.CREATE
    assert _texts(world) == ["One", "Two", "Three"]


async def test_their_order_of_ours_stays(world: World) -> None:
    """A person who drags a block of ours elsewhere on the page has decided where it is."""
    await world.export(_three())
    inner = world.server.nodes[world.ref()].inner
    inner.remove(world.ref("p1"))
    inner.append(world.ref("p1"))
    assert (await world.plan(_three())).empty
    assert _texts(world) == ["Two", "Three", "One"]


async def test_a_new_order_in_the_brief_is_made_anew(world: World) -> None:
    """Notion cannot move a block: the fewest that can be are made again, none is there twice."""
    await world.export(_three())
    moved = brief(paragraph("p3", "Three"), paragraph("p1", "One"), paragraph("p2", "Two"))
    planned = await world.export(moved)
    assert [(step.op, step.keys) for step in planned.steps] == [
        (Op.ARCHIVE, ("p3",)),
        (Op.CREATE, ("p3",)),
    ]
    assert _texts(world) == ["Three", "One", "Two"]
    assert (await world.plan(moved)).empty


async def test_what_holds_theirs_is_not_made_anew_either(world: World) -> None:
    """Even where a person said that ours should stand: nothing of theirs goes, nothing doubles."""
    await world.export(_nested())
    theirs = world.server.insert(world.ref("l1"), "A note of theirs")
    item = Item("l1", "list_item", children=_nested().items[1].children[0].children)
    other_kind = brief(paragraph("p1", "One"), Item("l0", "ordered_list", children=(item,)))
    planned = await world.plan(other_kind)
    parts = {part.part: part for one in planned.items if one.key == "l1" for part in one.parts}
    ours = Decisions({("l1", "inside"): (Choice.OURS, parts["inside"].theirs)})
    planned = await world.export(other_kind, ours)
    assert not planned.steps
    item = next(item for item in planned.items if item.key == "l1")
    assert item.ways == (Way.RECREATE, Way.RELEASE)
    assert not world.server.nodes[theirs].in_trash
    await world.export(other_kind, Decisions(ways={"l1": (Way.RECREATE, Standing.LIVE)}))
    assert not world.server.nodes[theirs].in_trash
    assert (await world.plan(other_kind)).empty
