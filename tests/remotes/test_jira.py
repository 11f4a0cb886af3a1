"""A brief in Jira: made once, changed part by part, and nothing of anybody else's."""

from __future__ import annotations

from datetime import date

import pytest

from exporters.errors import BadMapping
from exporters.jira.target import PROPERTY, REMOVED
from exporters.markers import marker
from exporters.model import Item, Reference, Span
from exporters.records import OVERVIEW, Choice, Decisions, Op, Standing, Way
from tests.remotes import jira
from tests.remotes.jira_spec import document
from tests.remotes.jira_world import EVIDENCE, LINK, World, action, brief


def losses(planned: object) -> list[str]:
    return [loss.what for loss in planned.losses]  # type: ignore[attr-defined]  # a Plan


async def test_a_brief_is_an_epic_and_its_actions_are_issues_in_it() -> None:
    """Summary, description with evidence, assignee, due date, labels and parent, from the call that
    makes it; status by a transition."""
    world = World()
    world.server.seed()
    text = (Span("Call "), Span("all", bold=True), Span(cite="c1"))
    first = Item("a1", "action", text, owner="Ada Lovelace", due=date(2026, 4, 1), status="doing")
    await world.export(brief(first, action("a2", owner="bob@acme.test"), references=(EVIDENCE,)))

    epic, call, second = world.issue(), world.issue("a1"), world.issue("a2")
    assert (epic.type, call.type, call.parent) == (jira.EPIC, jira.TASK, epic.id)
    assert epic.fields["summary"] == "Win back customers"
    assert call.fields["summary"] == "Call all"
    assert call.fields["duedate"] == "2026-04-01"
    assert call.fields["assignee"] == {"accountId": jira.ADA}
    assert second.fields["assignee"] == {"accountId": jira.BOB}
    assert (call.status, second.status) == (jira.DOING, jira.TODO)
    sign = marker(world.place, "brief1", "a1")
    assert call.labels == sorted([sign, "stratmaster"])
    assert call.properties[PROPERTY] == {"marker": sign, "brief": "brief1", "block": "a1"}
    assert world.adapter.words("description", call.fields["description"]) == (
        f"Call **all**[\\[1\\]]({EVIDENCE.link})\n\n## References\n\n"
        f"\\[1\\] **Report.pdf, page 4**: “Churn fell.” [open]({EVIDENCE.link})\n\n"
        f"[Open in the brief]({LINK}?sel=block:a1)"
    )
    assert world.books.entries["a1"].url == f"{jira.SITE}/browse/{call.key}"


async def test_an_unchanged_brief_makes_no_call_that_writes() -> None:
    """Pressing again does nothing."""
    world = World()
    world.server.seed()
    whole = brief(action("a1", status="done"), Item("t", "table", (), (Item("r", "row", (), (
        Item("c", "cell", (Span("x"),)),)),)))  # fmt: skip
    await world.export(whole)
    again = await world.export(whole)
    assert again.empty
    assert again.steps == ()


async def test_only_what_changed_is_sent() -> None:
    """One part of one issue is one call with that part alone."""
    world = World()
    world.server.seed()
    await world.export(brief(action("a1"), action("a2")))
    planned = await world.plan(brief(action("a1"), action("a2", due=date(2026, 5, 1))))
    bodies = [step.request.body for step in planned.steps if step.keys == ("a2",)]
    assert bodies == [{"fields": {"duedate": "2026-05-01"}}]
    assert [step.keys for step in planned.steps] == [(OVERVIEW,), ("a2",)]


async def test_their_labels_stay_beside_ours() -> None:
    """A label that a person added is no drift, and is not taken off."""
    world = World()
    await world.export(brief(action("a1")))
    issue = world.issue("a1")
    world.server.edit(issue, labels=[*issue.labels, "theirs"])
    world.mapping = {"labels": "retention, q2"}
    planned = await world.export(brief(action("a1")))
    assert [item.change for item in planned.items] == ["update", "update"]
    sign = marker(world.place, "brief1", "a1")
    assert world.issue("a1").labels == sorted([sign, "theirs", "retention", "q2"])


async def test_what_changed_over_there_is_drift_and_stays() -> None:
    """A description edited in Jira is shown; with both sides changed it is a conflict, and the rest
    of the issue is sent."""
    world = World()
    await world.export(brief(action("a1")))
    theirs = {"type": "doc", "version": 1, "content": [{"type": "rule"}]}
    world.server.edit(world.issue("a1"), description=theirs, summary="Theirs")
    drifted = await world.export(brief(action("a1")))
    assert [item.change for item in drifted.items] == ["keep", "drift"]
    changed = await world.export(brief(action("a1", "Ours", due=date(2026, 5, 1))))
    assert {item.key: item.change for item in changed.items}["a1"] == "conflict"
    assert world.issue("a1").fields["summary"] == "Theirs"
    assert world.issue("a1").fields["description"] == theirs
    assert world.issue("a1").fields["duedate"] == "2026-05-01"
    ours = Decisions({("a1", "summary"): (Choice.OURS, "Theirs")})
    await world.export(brief(action("a1", "Ours", due=date(2026, 5, 1))), ours)
    assert world.issue("a1").fields["summary"] == "Ours"


async def test_a_status_over_there_is_read_by_its_category_or_as_chosen() -> None:
    """“In Review” is doing, unless somebody said that it is done."""
    world = World()
    await world.export(brief(action("a1")))
    world.server.edit(world.issue("a1"), status=jira.REVIEW)
    planned = await world.plan(brief(action("a1")))
    (part,) = [p for item in planned.items for p in item.parts if p.part == "status" and p.theirs]
    assert (part.base, part.theirs) == ("open", "doing")
    world.mapping = {"statuses": {"done": jira.REVIEW}}
    planned = await world.plan(brief(action("a1")))
    (part,) = [p for item in planned.items for p in item.parts if p.part == "status" and p.theirs]
    assert part.theirs == "done"


async def test_a_renamed_status_changes_nothing() -> None:
    """Statuses are known by id."""
    world = World(mapping={"statuses": {"done": jira.DONE}})
    world.server.seed()
    await world.export(brief(action("a1", status="done")))
    world.server.statuses[jira.DONE].name = "Shipped"
    assert (await world.plan(brief(action("a1", status="done")))).empty


async def test_a_chosen_status_that_is_gone_is_said() -> None:
    """It names the choice and the way out, and nothing is planned."""
    world = World(mapping={"statuses": {"doing": "999"}})
    with pytest.raises(BadMapping, match="“doing” is no longer in the workflow of “Task” in PLAN"):
        await world.plan(brief())


async def test_a_workflow_without_the_transition_is_said_in_the_plan() -> None:
    """No call is made for it, again and again; once the workflow has it, it is."""
    world = World()
    world.server.seed()
    world.server.closed_ways = {(jira.TODO, jira.DONE)}
    done = brief(action("a1", status="done"))
    said = (
        "No transition leads from “To Do” to a status that means “done”, only to “In Progress”:"
        " the status stays."
    )
    assert said in losses(await world.export(done))
    for _ in range(2):
        again = await world.export(done)
        assert said in losses(again)
        assert again.steps == ()
    world.server.closed_ways = set()
    await world.export(done)
    assert world.issue("a1").status == jira.DONE


async def test_in_a_project_without_issues_statuses_follow_with_the_next_export() -> None:
    """Jira tells the transitions of issues only; the plan says so."""
    world = World()
    first = await world.export(brief(action("a1", status="doing")))
    assert any("goes with the next export" in what for what in losses(first))
    assert world.issue("a1").status == jira.TODO
    second = await world.export(brief(action("a1", status="doing")))
    assert [step.op for step in second.steps] == [Op.UPDATE]
    assert world.issue("a1").status == jira.DOING
    assert (await world.plan(brief(action("a1", status="doing")))).empty


async def test_an_owner_whom_jira_does_not_know_is_named_in_the_description() -> None:
    """Nobody of the name, or two of them: it is a loss, and the name is kept as text."""
    world = World()
    planned = await world.export(brief(action("a1", owner="Zoe"), action("a2", owner="Grace")))
    assert [what for what in losses(planned) if "Zoe" in what or "Grace" in what] == [
        "Nobody, or more than one, in Jira is called “Zoe”: named in the description.",
        "Nobody, or more than one, in Jira is called “Grace”: named in the description.",
    ]
    assert "assignee" not in world.issue("a1").fields
    said = world.adapter.words("description", world.issue("a1").fields["description"])
    assert said.startswith("Owner: Zoe\n")


async def test_a_removed_action_is_closed_and_never_deleted() -> None:
    """It gets a label, loses our marker, and is ours no longer; back in the brief it is anew."""
    world = World()
    world.server.seed()
    await world.export(brief(action("a1"), action("a2")))
    old = world.issue("a2")
    planned = await world.export(brief(action("a1")))
    assert planned.archives == 1
    assert (old.status, old.labels) == (jira.DONE, sorted([REMOVED, "stratmaster"]))
    assert "a2" not in world.books.entries
    await world.export(brief(action("a1"), action("a2")))
    assert world.issue("a2").id != old.id
    assert old.status == jira.DONE


async def test_a_removed_action_may_stay_open_with_a_label() -> None:
    """As chosen; and so it does where no transition leads to a done status, which is said."""
    world = World(mapping={"removed": "label"})
    await world.export(brief(action("a1")))
    old = world.issue("a1")
    await world.export(brief())
    assert (old.status, REMOVED in old.labels) == (jira.TODO, True)
    world = World()
    await world.export(brief(action("a1")))
    old = world.issue("a1")
    world.server.closed_ways = {(jira.TODO, jira.DONE)}
    planned = await world.export(brief())
    assert any("No transition leads from “To Do”" in what for what in losses(planned))
    assert (old.status, REMOVED in old.labels) == (jira.TODO, True)


async def test_an_action_that_links_to_another_is_linked_to_it() -> None:
    """Once both are there; links that people made are left alone, ours goes with its words."""
    world = World()
    to = Span("first", href=f"{LINK}?sel=block:a2")
    linking = Item("a1", "action", (Span("After the "), to))
    await world.export(brief(linking, action("a2"), action("a3")))
    ids = {key: world.books.entries[key].ref for key in ("a1", "a2", "a3")}
    made = [(one.inward, one.outward) for one in world.server.links.values()]
    assert made == [(ids["a1"], ids["a2"])]
    theirs = jira.Link("77", "5001", ids["a1"], world.server.seed().id)
    world.server.links["77"] = theirs
    assert (await world.plan(brief(linking, action("a2"), action("a3")))).empty
    await world.export(brief(action("a1", "After the first"), action("a2"), action("a3")))
    assert [*world.server.links.values()] == [theirs]


async def test_gone_moved_archived_and_forbidden_issues_are_named() -> None:
    """Each with its ways out, and nothing is sent to any."""
    world = World()
    names = ("gone", "moved", "archived")
    whole = brief(*map(action, names))
    await world.export(whole)
    world.server.delete(world.issue("gone"))
    world.server.move(world.issue("moved"))
    world.server.edit(world.issue("archived"), archived=True)
    planned = await world.plan(whole)
    assert {item.key: item.standing for item in planned.items if item.key in names} == {
        "gone": Standing.GONE,
        "moved": Standing.MOVED,
        "archived": Standing.ARCHIVED,
    }
    assert planned.steps == ()
    assert {item.where for item in planned.items} >= {"Operations", "Jira's archive"}
    (moved,) = [item for item in planned.items if item.key == "moved"]
    assert moved.ways == (Way.RECREATE, Way.RELEASE)
    assert "only people can" in moved.note
    back = Decisions(ways={"archived": (Way.RESTORE, Standing.ARCHIVED)})
    await world.export(whole, back)
    assert not world.issue("archived").archived
    anew = Decisions(ways={"gone": (Way.RECREATE, Standing.GONE)})
    await world.export(whole, anew)
    assert world.issue("gone").fields["summary"] == "Do gone"


async def test_a_project_that_is_no_longer_shown_is_forbidden_and_a_lost_token_is_not() -> None:
    """Jira answers both as if nothing was there."""
    world = World()
    await world.export(brief(action("a1")))
    entries = [*world.books.entries.values()]
    world.server.forbidden = {jira.PROJECT}
    found = await world.adapter.read(world.line, world.place, entries)
    assert {one.standing for one in found.values()} == {Standing.FORBIDDEN}


async def test_an_epic_made_anew_takes_its_issues_with_it() -> None:
    """And one that a person put into another epic stays there, which is said."""
    world = World()
    whole = brief(action("a1"), action("a2"))
    await world.export(whole)
    elsewhere = world.server.seed(type=jira.EPIC)
    world.server.edit(world.issue("a2"), parent=elsewhere.id)
    world.server.delete(world.issue())
    anew = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.GONE)})
    planned = await world.export(whole, anew)
    assert "It was put into another epic there, and stays in it." in losses(planned)
    assert world.issue("a1").parent == world.issue().id
    assert world.issue("a2").parent == elsewhere.id


async def test_a_type_that_asks_for_more_is_refused_before_anything_is_made() -> None:
    """The field is named."""
    world = World()
    world.server.asks = {jira.TASK: "customfield_10001"}
    with pytest.raises(BadMapping, match="“Task” asks for Customfield_10001"):
        await world.plan(brief())


async def test_what_the_screen_does_not_show_is_said_in_words() -> None:
    """A due date without a field is a line of the description."""
    world = World()
    del world.server.screens[jira.TASK]["duedate"]
    del world.server.screens[jira.TASK]["assignee"]
    one = action("a1", due=date(2026, 5, 1), owner="Bob")
    planned = await world.export(brief(one))
    assert "Issues of this type have no field for the due date here." in losses(planned)
    said = world.adapter.words("description", world.issue("a1").fields["description"])
    assert said.startswith("Owner: Bob\n\nDue: 2026-05-01\n")


async def test_what_may_be_chosen_has_defaults_that_work() -> None:
    """Every default is one of its options, and with all of them chosen an export is as without."""
    world = World()
    choices = await world.adapter.choices(world.line, world.place)
    for one in choices:
        if one.kind == "select":
            assert one.default in [option.id for option in one.options], one
    world.mapping = {one.key: one.default for one in choices}
    chosen = await world.plan(brief(action("a1")))
    world.mapping = {}
    world.turn = 0
    assert (await world.plan(brief(action("a1")))).steps == chosen.steps
    assert not world.server.wrong


async def test_places_are_projects_and_the_account_is_named() -> None:
    """With the address that people use."""
    world = World()
    assert [one.name for one in await world.adapter.places(world.line, "plan")] == [
        "Planning (PLAN)"
    ]
    (place,) = await world.adapter.places(world.line, "ops")
    assert place.where == {"project": jira.OTHER_PROJECT, "key": "OPS", "site": jira.SITE}
    account = await world.adapter.check(world.line)
    assert (account.name, account.id) == ("Export", jira.ME)
    assert not world.server.wrong


async def test_a_sign_in_needs_three_scopes_and_no_more() -> None:
    """As the published document says of each call: to read and write issues, and to read people."""
    document()
    world = World()
    await world.adapter.check(world.line)
    await world.adapter.places(world.line, "")
    await world.adapter.choices(world.line, world.place)
    linking = Item("a1", "action", (Span("x", href=f"{LINK}?sel=block:a2"),), owner="Bob")
    await world.export(brief(linking, action("a2")))
    await world.export(brief(action("a1", status="done"), action("a2")))
    await world.export(brief())
    assert world.server.scopes == {"read:jira-work", "write:jira-work", "read:jira-user"}


async def test_a_priority_is_set_on_new_issues_alone() -> None:
    """One of the issue type's; a brief has none, so what people set later is no drift."""
    world = World()
    await world.export(brief(action("a1")))
    assert "priority" not in world.issue("a1").fields
    (choice,) = [
        one for one in await world.adapter.choices(world.line, world.place) if one.key == "priority"
    ]
    assert [option.name for option in choice.options] == ["Leave it to Jira", "High", "Medium"]
    world.mapping = {"priority": "1"}
    planned = await world.export(brief(action("a1"), action("a2")))
    assert world.issue("a2").fields["priority"] == {"id": "1"}
    assert {item.key: item.change for item in planned.items}["a1"] == "keep"
    world.server.edit(world.issue("a2"), priority={"id": "3"})
    assert (await world.plan(brief(action("a1"), action("a2")))).empty


async def test_a_project_without_epics_has_issues_beside_the_overview() -> None:
    """No parent is sent, and the loss is named."""
    world = World()
    del world.server.types[jira.EPIC]
    planned = await world.export(brief(action("a1")))
    said = "Issues have no epic to lie in here: they stand beside the overview."
    assert (world.issue().type, world.issue("a1").parent) == (jira.TASK, None)
    assert said in losses(planned)
    assert (await world.plan(brief(action("a1")))).empty
    unshown = World()
    del unshown.server.screens[jira.TASK]["parent"]
    assert said in losses(await unshown.export(brief(action("a1"))))
    assert (unshown.issue().type, unshown.issue("a1").parent) == (jira.EPIC, None)


async def test_whom_the_project_assigns_by_itself_is_no_drift() -> None:
    """An action without an owner stays with the project's lead, until it has one."""
    world = World()
    world.server.lead = jira.GRACE
    await world.export(brief(action("a1")))
    assert (await world.plan(brief(action("a1")))).empty
    await world.export(brief(action("a1", owner="Bob")))
    assert world.issue("a1").fields["assignee"] == {"accountId": jira.BOB}


async def test_without_a_public_address_the_loss_of_the_links_back_is_said() -> None:
    """And no empty link is sent."""
    world = World(link="")
    planned = await world.export(brief(action("a1")))
    said = "No links lead back to the brief: its public address is not set."
    assert losses(planned).count(said) == 1
    assert world.issue("a1").fields.get("description") is None


async def test_more_issues_than_one_reading_holds_are_read_in_hundreds() -> None:
    """A brief of 150 actions: two readings, and all of them stay as they are."""
    world = World()
    whole = brief(*(action(f"a{number}") for number in range(150)))
    await world.export(whole)
    world.strike({})
    assert (await world.plan(whole)).empty
    assert [path for _, path in world.faults.log[-2:]] == ["/rest/api/3/issue/bulkfetch"] * 2


async def test_what_no_encoding_can_say_is_sent_nowhere() -> None:
    """Half characters and controls in titles, owners, links, labels and sources."""
    odd = "a\ud800\x00b"
    world = World(mapping={"labels": odd})
    spans = (Span(odd, href=f"https://a.test/{odd}"), Span(cite="c1"))
    source = Reference(1, "c1", odd, odd, version=odd, link=f"{LINK}?sel={odd}")
    one = Item("a1", "action", spans, owner=odd, status="open")
    await world.export(brief(one, title=odd, references=(source,)))
    assert world.issue().fields["summary"] == "a\ufffd b"
    assert (await world.plan(brief(one, title=odd, references=(source,)))).empty
