"""Exports to Trello, over the real HTTP API of a small Trello."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest

from exporters import apply, markers
from exporters.errors import BadMapping, NotConnected
from exporters.model import Image, Item, Reference, Span
from exporters.ports import Api, Response
from exporters.records import (
    OVERVIEW,
    Choice,
    Decisions,
    Entry,
    Json,
    Request,
    Standing,
    Way,
)
from exporters.trello import cards
from exporters.trello.cards import RETIRED
from exporters.trello.text import LIMIT, units
from tests.remotes import trello
from tests.remotes.faults import Fault
from tests.remotes.trello_world import DOCUMENT, LINK, SIMPLE, World, action, brief, paragraph


@pytest.fixture
def world() -> Iterator[World]:
    """Whatever a test does, neither side says what the published document does not know."""
    made = World()
    yield made
    assert made.server.wrong == []


def test_the_document_is_there() -> None:
    """Without it the calls are held to nothing, and that would go unseen."""
    if not DOCUMENT.exists():
        pytest.skip(f"no published document in {DOCUMENT.parent}; name it: STRATMASTER_TEST_SPECS")


async def test_a_brief_is_cards_in_lists_by_status(world: World) -> None:
    """One card for the overview and one for each action, with date, member and checklist."""
    planned = await world.export(SIMPLE)
    assert len(world.server.on_board(world.board)) == 4
    assert [world.list_of(key) for key in ("a1", "a2", "a3")] == ["To do", "Doing", "Done"]
    assert world.card()["name"] == "Launch plan"
    assert world.card()["desc"] == (
        "## Why\n\nSales **rose**\\[1\\]\n\n"
        "- Call the bank\n- Write the letter\n- Rent the hall\n\n"
        "## References\n\n\\[1\\] Report.pdf, page 3: “Sales rose by 4 %”"
    )
    assert world.card("a1")["due"] == "2026-04-01T12:00:00.000Z"
    assert world.people_on("a1") == ["bob"]
    assert world.card("a3")["dueComplete"] is True
    lines = [(line["name"], line["state"]) for line in world.server.lines(world.card()["id"])]
    assert lines == [
        ("Call the bank", "incomplete"),
        ("Write the letter", "incomplete"),
        ("Rent the hall", "complete"),
    ]
    assert [loss.what for loss in planned.losses] == [
        "“Zoe” is no member of the board: the name stands in the description."
    ]
    assert world.card("a2")["desc"] == "Owner: Zoe"


async def test_every_card_carries_our_mark_from_the_call_that_makes_it(world: World) -> None:
    """The mark is an attachment that links back to the brief, and the words stay free of it."""
    await world.export(SIMPLE)
    for key in (OVERVIEW, "a1", "a2", "a3"):
        mark = markers.marker(world.place, "brief1", key)
        assert [one["url"] for one in world.card(key)["attachments"]] == [f"{LINK}#{mark}"]
        assert mark not in world.card(key)["desc"]


async def test_without_an_address_the_mark_ends_the_description() -> None:
    """A product that nobody can reach attaches no dead link."""
    world = World(link="")
    await world.export(SIMPLE)
    mark = markers.marker(world.place, "brief1", "a1")
    assert world.card("a1")["desc"] == f"`{mark}`"
    assert world.card("a1")["attachments"] == []
    assert world.server.wrong == []


async def test_the_same_brief_again_writes_nothing(world: World) -> None:
    await world.export(SIMPLE)
    world.server.writes.clear()
    again = await world.export(SIMPLE)
    assert again.empty
    assert world.server.writes == []


async def test_only_what_changed_is_sent(world: World) -> None:
    """A new status is one call that names the list and the tick, and one for the checklist."""
    await world.export(SIMPLE)
    world.server.writes.clear()
    items = [replace(i, status="done") if i.key == "a1" else i for i in SIMPLE.items]
    await world.export(replace(SIMPLE, items=tuple(items)))
    done = world.server.list_named(world.board, "Done")
    assert [said for _, _, said in world.server.writes] == [
        {"dueComplete": True, "idList": done},
        {"state": "complete"},
    ]


async def test_an_owner_comes_and_goes_beside_those_whom_people_put_on(world: World) -> None:
    """Members and labels are put on and taken off one by one; what others added stays."""
    label = world.server.label(world.board, "From a brief")
    other = world.server.label(world.board, "Urgent", "red")
    world.mapping["label"] = label
    await world.export(SIMPLE)
    carol = world.server.member("Carol Clark", "carol", world.board)
    world.card("a1")["idMembers"].append(carol)
    world.card("a1")["idLabels"].append(other)
    owned = [replace(i, owner="@alice") if i.key == "a1" else i for i in SIMPLE.items]
    await world.export(replace(SIMPLE, items=tuple(owned)))
    assert sorted(world.people_on("a1")) == ["alice", "carol"]
    world.mapping["label"] = ""
    await world.export(replace(SIMPLE, items=tuple(owned)))
    assert world.card("a1")["idLabels"] == [other]


async def test_an_owner_whom_people_put_on_already_is_no_second_call(world: World) -> None:
    await world.export(brief(action("a1", "Call the bank")))
    bob = next(i for i, m in world.server.members.items() if m["username"] == "bob")
    world.card("a1")["idMembers"].append(bob)
    world.server.writes.clear()
    await world.export(brief(action("a1", "Call the bank", owner="bob")))
    assert world.server.writes == []
    await world.export(brief(action("a1", "Call the bank")))
    assert world.people_on("a1") == []


async def test_a_card_moved_to_another_list_is_their_change(world: World) -> None:
    """A status changed over there is drift of the status, by its name, and nothing is sent."""
    await world.export(SIMPLE)
    world.card("a1")["idList"] = world.server.list_named(world.board, "Done")
    world.card("a2")["idList"] = world.server.list_named(world.board, "Waiting")
    world.server.writes.clear()
    planned = await world.export(SIMPLE)
    drift = {
        item.key: [(part.part, part.theirs) for part in item.parts if part.change == "drift"]
        for item in planned.items
        if item.change == "drift"
    }
    assert drift == {"a1": [("status", "done")], "a2": [("status", {"list": "Waiting"})]}
    assert world.server.writes == []
    assert world.adapter.words("status", {"list": "Waiting"}) == "In the list “Waiting”"


async def test_both_sides_changes_are_kept_where_they_do_not_touch(world: World) -> None:
    """Their description stands while our date goes; where both changed it, a person decides."""
    await world.export(SIMPLE)
    world.card("a1")["desc"] = "Ask for Mr. Pym"
    dated = [replace(i, due=date(2026, 5, 2)) if i.key == "a1" else i for i in SIMPLE.items]
    await world.export(replace(SIMPLE, items=tuple(dated)))
    assert world.card("a1")["desc"] == "Ask for Mr. Pym"
    assert world.card("a1")["due"] == "2026-05-02T12:00:00.000Z"
    world.card("a1")["due"] = "2026-06-01T09:00:00.000Z"
    dated = [replace(i, due=date(2026, 5, 3)) if i.key == "a1" else i for i in SIMPLE.items]
    planned = await world.export(replace(SIMPLE, items=tuple(dated)))
    assert [item.key for item in planned.items if item.change == "conflict"] == ["a1"]
    ours = Decisions({("a1", "due"): (Choice.OURS, "2026-06-01T09:00:00.000Z")})
    await world.export(replace(SIMPLE, items=tuple(dated)), ours)
    assert world.card("a1")["due"] == "2026-05-03T12:00:00.000Z"


async def test_what_leaves_the_brief_is_archived_and_never_deleted(world: World) -> None:
    """A card is closed with its words; its line in the checklist is struck through."""
    await world.export(SIMPLE)
    card = world.card("a1")["id"]
    await world.export(replace(SIMPLE, items=tuple(i for i in SIMPLE.items if i.key != "a1")))
    assert world.server.cards[card]["closed"] is True
    assert world.server.cards[card]["name"] == "Call the bank"
    names = [line["name"] for line in world.server.lines(world.card()["id"])]
    assert names == ["~~Call the bank~~", "Write the letter", "Rent the hall"]
    assert (await world.export(replace(SIMPLE, items=SIMPLE.items[:2]))).archives
    world.server.writes.clear()
    assert (await world.plan(replace(SIMPLE, items=SIMPLE.items[:2]))).empty


@pytest.mark.parametrize("standing", list(Standing))
async def test_where_a_card_went_is_named_with_a_way_out(world: World, standing: Standing) -> None:
    """Archived, moved, gone and forbidden are told apart; nothing is done until a person says."""
    await world.export(SIMPLE)
    other = world.server.board("Elsewhere", ["Anything"])
    card = world.card("a1")
    match standing:
        case Standing.ARCHIVED:
            card["closed"] = True
        case Standing.MOVED:
            card["idBoard"] = other
            card["idList"] = world.server.list_named(other, "Anything")
        case Standing.FORBIDDEN:
            card["idBoard"] = other
            world.server.hidden.add(other)
        case Standing.GONE:
            world.server.delete(card["id"])
    world.server.writes.clear()
    planned = await world.export(SIMPLE)
    astray = [item for item in planned.items if item.change == "astray"]
    assert [item.standing for item in astray] == ([] if standing is Standing.LIVE else [standing])
    assert world.server.writes == []
    if standing in (Standing.ARCHIVED, Standing.MOVED):
        await world.export(SIMPLE, Decisions(ways={"a1": (Way.RESTORE, standing)}))
        assert (card["closed"], world.list_of("a1")) == (False, "To do")
    elif standing is not Standing.LIVE:
        await world.export(SIMPLE, Decisions(ways={"a1": (Way.RECREATE, standing)}))
        assert world.card("a1")["id"] != card["id"]


async def test_a_card_in_an_archived_list_comes_back_into_an_open_one(world: World) -> None:
    await world.export(SIMPLE)
    shelf = world.server.list(world.board, "Old")
    world.card("a1")["idList"] = shelf
    world.server.lists[shelf]["closed"] = True
    planned = await world.export(SIMPLE)
    assert [i.where for i in planned.items if i.change == "astray"] == [
        "in the archived list “Old”"
    ]
    await world.export(SIMPLE, Decisions(ways={"a1": (Way.RESTORE, Standing.ARCHIVED)}))
    assert world.list_of("a1") == "To do"


@pytest.mark.parametrize("lost", ["closed", "hidden", "deleted"])
async def test_a_board_that_is_lost_is_named(world: World, lost: str) -> None:
    """A closed or hidden board stops the plan with a way out, and is not taken for a bad token."""
    await world.export(SIMPLE)
    if lost == "closed":
        world.server.boards[world.board]["closed"] = True
    elif lost == "hidden":
        world.server.hidden.add(world.board)
    else:
        del world.server.boards[world.board]
    with pytest.raises(BadMapping, match="another board"):
        await world.plan(SIMPLE)


@pytest.mark.parametrize("chosen", ["open", "overview", "label"])
async def test_a_choice_that_is_gone_is_named(world: World, chosen: str) -> None:
    world.mapping[chosen] = "0" * 24
    with pytest.raises(BadMapping, match="no longer on the board"):
        await world.plan(SIMPLE)


@pytest.mark.parametrize(
    "fault", [one for one in Fault if one not in (Fault.KILL_BEFORE, Fault.KILL_AFTER)]
)
async def test_a_fault_at_any_call_makes_no_second_object(fault: Fault) -> None:
    """For every call of an export: one object for each item, and each as it was planned."""
    world = World(checked=False)
    await world.export(SIMPLE)
    calls = world.faults.calls
    for call in range(1, calls + 1):
        world = World(checked=False)
        world.strike({call: fault})
        await world.export(SIMPLE)
        await world.faults.arrived()
        assert len(world.server.on_board(world.board)) == 4, f"call {call}"
        assert len(world.server.lines(world.card()["id"])) == 3, f"call {call}"
        assert (await world.plan(SIMPLE)).empty, f"call {call}"


async def test_a_copy_with_our_mark_is_left_alone(world: World) -> None:
    """A person duplicates a card before we heard that it was made: the older one is ours."""
    planned = await world.plan(SIMPLE)
    made: list[str] = []

    def copied() -> None:
        made.append(world.server.duplicate(next(iter(world.server.cards))))

    world.faults.calls = 0
    world.faults.faults = {1: Fault.LOSE_RESPONSE}
    world.faults.edits = {2: copied}
    await world.run(planned)
    assert world.card()["id"] != made[0]
    assert len(world.server.on_board(world.board)) == 5
    assert (await world.plan(SIMPLE)).empty


async def test_a_copy_whose_original_was_deleted_is_not_taken_for_ours(world: World) -> None:
    """The copy says of itself that it is one."""
    planned = await world.plan(SIMPLE)
    made: list[str] = []

    def replaced() -> None:
        first = next(iter(world.server.cards))
        made.append(world.server.duplicate(first))
        world.server.delete(first)

    world.faults.calls = 0
    world.faults.faults = {1: Fault.LOSE_RESPONSE}
    world.faults.edits = {2: replaced}
    await world.run(planned)
    assert world.card()["id"] != made[0]
    assert made[0] in world.server.cards


async def test_a_description_edited_before_we_heard_of_it_is_still_ours(world: World) -> None:
    """The mark outlives an edit of the words, which then is drift."""
    planned = await world.plan(SIMPLE)

    def edited() -> None:
        card = next(iter(world.server.cards.values()))
        card["desc"] = "Rewritten"
        card["name"] = "Renamed"

    world.faults.calls = 0
    world.faults.faults = {1: Fault.LOSE_RESPONSE}
    world.faults.edits = {2: edited}
    await world.run(planned)
    again = await world.export(SIMPLE)
    assert len(world.server.on_board(world.board)) == 4
    assert [item.key for item in again.items if item.change == "drift"] == [OVERVIEW]
    assert world.card()["desc"] == "Rewritten"


async def test_a_text_at_its_limit_fits_and_one_longer_goes_on_in_a_comment(world: World) -> None:
    """Nothing is lost of a long brief, and no part of it is longer than Trello takes."""
    words = "word 😀 " * 2_000
    fits = brief(paragraph("p1", words))
    await world.export(fits)
    assert world.server.comments(world.card()["id"]) == []
    longer = brief(*(paragraph(f"p{n}", words) for n in range(3)))
    await world.export(longer)
    comments = world.server.comments(world.card()["id"])
    parts = [world.card()["desc"], *(one["data"]["text"] for one in comments)]
    assert len(parts) == 3
    assert all(units(part) <= LIMIT for part in parts)
    assert "".join(parts).count("😀") == 6_000
    await world.export(fits)
    retired = [one["data"]["text"] for one in world.server.comments(world.card()["id"])]
    assert all(text.startswith(RETIRED) for text in retired)
    assert (await world.plan(fits)).empty


async def test_more_actions_than_a_checklist_takes_make_a_second_one(world: World) -> None:
    many = brief(*(action(f"a{n}", f"Action {n}") for n in range(201)))
    await world.export(many)
    checklists = list(world.server.checklists.values())
    assert [len(one["checkItems"]) for one in checklists] == [200, 1]
    assert world.server.too_many == 0


async def test_what_cannot_be_shown_is_said(world: World) -> None:
    """Tables and pictures become text, and the plan says so."""
    cell = Item("c", "cell", children=(paragraph("cp", "Sum"), paragraph("cq", "7")))
    table = Item("t", "table", children=(Item("r", "row", children=(cell, cell)),))
    image = Item("i", "image", image=Image("A chart", "image/png", b"x"))
    lined = Item("u", "paragraph", (Span("lined", underline=True),))
    planned = await world.export(brief(table, image, lined))
    assert [loss.key for loss in planned.losses] == ["t", "i", "u"]
    assert world.card()["desc"] == "```\nSum 7 | Sum 7\n```\n\n\\[Image: A chart\\]\n\nlined"


async def test_an_action_that_cites_brings_its_evidence(world: World) -> None:
    cited = Item("a1", "action", (Span("Call the bank"), Span(cite="c1")))
    reference = Reference(4, "c1", "Report.pdf", "It pays", 3, link="https://s.example/e/1")
    await world.export(brief(cited, references=(reference,)))
    assert world.card("a1")["name"] == "Call the bank"
    assert world.card("a1")["desc"] == (
        "Call the bank\\[4\\]\n\n## References\n\n"
        "\\[4\\] Report.pdf, page 3: “It pays” [open](https://s.example/e/1)"
    )


async def test_a_refused_card_is_told_in_trello_s_words(world: World) -> None:
    """A board closed meanwhile refuses the card; what lies on the card waits."""
    planned = await world.plan(SIMPLE)
    world.server.boards[world.board]["closed"] = True
    ran = await world.run(planned)
    outcomes = {one.keys[0]: one.outcome for one in ran.outcomes}
    assert outcomes[OVERVIEW] is apply.Result.REFUSED
    assert outcomes["overview:actions"] is apply.Result.WAITING
    assert "The board is closed." in ran.outcomes[0].message


async def test_a_full_board_takes_what_it_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last card that fits is made, the next is refused and said so, and nothing is doubled."""
    monkeypatch.setattr(trello, "OPEN_CARDS", 3)
    ran = await world.run(await world.plan(SIMPLE))
    refused = [one for one in ran.outcomes if one.outcome is apply.Result.REFUSED]
    assert [one.keys for one in refused] == [("a3",)]
    assert "limit of open cards" in refused[0].message
    monkeypatch.setattr(trello, "OPEN_CARDS", 4)
    await world.export(SIMPLE)
    assert len(world.server.on_board(world.board)) == 4


async def test_a_token_revoked_midway_loses_nothing(world: World) -> None:
    """The export stops with the word to connect again, and goes on with the new token."""
    planned = await world.plan(SIMPLE)
    world.faults.calls = 0
    world.faults.edits = {3: world.server.tokens.clear}
    with pytest.raises(NotConnected):
        await world.run(planned)
    world.server.tokens.add(trello.TOKEN)
    ran = await world.run(planned)
    assert {one.outcome for one in ran.outcomes} == {apply.Result.DONE}
    assert len(world.server.on_board(world.board)) == 4
    assert (await world.plan(SIMPLE)).empty


async def test_while_the_board_is_hidden_nothing_is_known_and_nothing_is_made(world: World) -> None:
    """A card of unknown outcome on a board that we may not see is still looked for hours later."""
    planned = await world.plan(SIMPLE)
    world.faults.calls = 0
    world.faults.faults = {1: Fault.LOSE_RESPONSE}
    world.faults.edits = {2: lambda: world.server.hidden.add(world.board)}
    for _ in range(3):
        ran = await world.run(planned, patience=timedelta(0))
        assert [intent.step.keys for intent in ran.reconciling] == [(OVERVIEW,)]
        world.clock.jump(3600)
    world.server.hidden.clear()
    await world.run(planned)
    assert len(world.server.on_board(world.board)) == 4
    assert (await world.plan(SIMPLE)).empty


async def test_what_lay_on_a_card_that_is_hidden_is_not_looked_for_for_ever(world: World) -> None:
    """A line of unknown outcome goes with its card: the export ends, and a person is asked."""
    planned = await world.plan(SIMPLE)
    world.faults.calls = 0
    world.faults.faults = {6: Fault.LOSE_RESPONSE}  # four cards, a checklist, a line

    def hidden() -> None:
        other = world.server.board("Elsewhere", ["Anything"])
        world.card()["idBoard"] = other
        world.server.hidden.add(other)

    world.faults.edits = {7: hidden}
    ran = await world.run(planned)
    assert ran.reconciling == ()
    assert ran.wait_until is None
    astray = [item for item in (await world.plan(SIMPLE)).items if item.change == "astray"]
    assert (astray[0].key, astray[0].standing) == (OVERVIEW, Standing.FORBIDDEN)


async def test_what_a_batch_says_of_errors_is_read_either_way() -> None:
    """The published document shows no error within a batch; both ways that are seen are taken."""
    for said in ({"404": "gone"}, {"name": "NotFoundError", "message": "gone", "statusCode": 404}):

        class Answering:
            async def read(self, request: Request, said: Json = said) -> Response:
                return Response(200, [said])

        entry = Entry("a1", "card", "0" * 24, {}, {})
        found = await cards.read(cast(Api, Answering()), World(checked=False).place, [entry])
        assert found["a1"].standing is Standing.GONE


async def test_a_connection_shows_its_account_its_boards_and_their_choices(world: World) -> None:
    """Defaults go by the names of lists; what is not named falls to the first and the last."""
    assert (await world.adapter.check(world.line)).name == "Alice Adams"
    world.server.board("Another", ["Ideas", "Shipped"])
    found = await world.adapter.places(world.line, "LAUN")
    assert [(place.name, place.where) for place in found] == [("Launch", {"board": world.board})]
    choices = {one.key: one for one in await world.adapter.choices(world.line, world.place)}
    names = {one.id: one.name for one in choices["open"].options}
    chosen = [names[str(choices[key].default)] for key in ("overview", "open", "doing", "done")]
    assert chosen == ["To do", "To do", "Doing", "Done"]
    (other,) = await world.adapter.places(world.line, "another")
    elsewhere = replace(world.place, where=other.where)
    choices = {one.key: one for one in await world.adapter.choices(world.line, elsewhere)}
    names = {one.id: one.name for one in choices["open"].options}
    chosen = [names[str(choices[key].default)] for key in ("open", "doing", "done")]
    assert chosen == ["Ideas", "Shipped", "Shipped"]


@pytest.mark.parametrize("later", [0, 2])
async def test_what_is_made_anew_is_not_taken_for_what_it_replaces(
    world: World, later: float
) -> None:
    """A card archived moments ago, even in the very second that ids tell, has the same mark: it is
    not what the lost call has made."""
    await world.export(SIMPLE)
    old = world.card("a1")
    old["closed"] = True
    decisions = Decisions(ways={"a1": (Way.RECREATE, Standing.ARCHIVED)})
    planned = await world.plan(SIMPLE, decisions)
    world.clock.jump(later)
    world.strike({1: Fault.LOSE_RESPONSE})
    await world.run(planned)
    assert world.card("a1")["id"] != old["id"]
    assert len(world.server.on_board(world.board)) == 5
    assert (await world.plan(SIMPLE)).empty
