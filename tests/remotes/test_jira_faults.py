"""What Jira can do to an export: lag, limits, copies, rights taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporters import apply
from exporters.apply import Result
from exporters.errors import NotConnected
from exporters.jira.adf import DESCRIPTION_LIMIT, length
from exporters.jira.looking import SEARCH_LAG
from exporters.memory import MemoryBudget, MemoryLedger
from exporters.model import Item, Span
from exporters.ports import NotDone, NotKnown
from exporters.records import OVERVIEW, Decisions, Op, Standing, Way
from tests.remotes import jira
from tests.remotes.faults import Fault
from tests.remotes.jira_world import LINK, World, action, brief


async def lose_creation(world: World, key: str, fault: Fault = Fault.LOSE_RESPONSE) -> apply.Ran:
    """Export with the call lost that makes the issue of that action."""
    planned = await world.plan(brief(action(key)))
    calls = {step.keys[0]: number for number, step in enumerate(planned.steps)}
    # Two calls for each step before it: it is looked at before it is changed, or read back after.
    world.strike({2 * calls[key] + 1: fault})
    return await world.run(planned)


async def test_an_issue_whose_answer_was_lost_is_found_once_the_search_knows_it() -> None:
    """Minutes later, by its label: nothing is made again."""
    world = World(lag=lambda: 200.0)
    await world.export(brief())
    ran = await lose_creation(world, "a1")
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert len(world.ours) == 2
    assert world.clock.passed >= 200
    assert (await world.plan(brief(action("a1")))).empty


async def test_an_issue_that_was_never_made_is_made_once_the_search_must_know() -> None:
    """Not before nothing can happen any more and the longest lag has passed."""
    world = World()
    await world.export(brief())
    began = world.clock.now()
    ran = await lose_creation(world, "a1", Fault.LOSE_REQUEST)
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert len(world.ours) == 2
    assert world.clock.now() - began >= timedelta(minutes=3) + SEARCH_LAG


async def test_a_copy_that_a_person_made_is_not_taken_for_ours() -> None:
    """Label, property and all: it has another creator; one that the owner of the token made is the
    later one."""
    world = World()
    await world.export(brief(action("a1")))
    first = world.issue("a1")
    world.server.clone(first)
    same_account = world.server.clone(first, creator=jira.ME)
    entry = world.books.entries.pop("a1")
    step = (await world.plan(brief(action("a1")))).steps[0]
    intent = await MemoryLedger(world.books).intend(
        step, actor="mara", now=first.created - timedelta(seconds=1)
    )
    found = await world.adapter.look(
        world.line, world.place, intent, world.books.entries, world.clock.now()
    )
    assert found.seen["a1"].ref == first.id  # type: ignore[union-attr]  # Done, or it fails
    # The first one deleted by a person, what is left by others is never ours.
    world.server.delete(first)
    world.server.delete(same_account)
    later = intent.over + SEARCH_LAG
    nothing = await world.adapter.look(
        world.line, world.place, intent, world.books.entries, later - timedelta(seconds=1)
    )
    assert isinstance(nothing, NotKnown)
    assert nothing.until == later
    over = await world.adapter.look(world.line, world.place, intent, world.books.entries, later)
    assert over == NotDone()
    assert entry.ref == first.id


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LATE, Fault.LOSE_RESPONSE])
async def test_an_issue_is_in_the_new_epic_before_its_move_counts_as_made(fault: Fault) -> None:
    """The old epic, which a person moved away, reads as its place until then: a lost move is made
    again, a late one waited for."""
    world = World()
    await world.export(brief(action("a1")))
    world.server.move(world.issue())
    anew = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.MOVED)})
    planned = await world.plan(brief(action("a1")), anew)
    assert [(step.op, step.keys) for step in planned.steps] == [
        (Op.CREATE, (OVERVIEW,)),
        (Op.UPDATE, ("a1",)),
    ]
    world.strike({4: fault})  # after one that makes the epic, and two that read
    ran = await world.run(planned)
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert world.issue("a1").parent == world.issue().id
    assert (await world.plan(brief(action("a1")))).empty


async def test_a_collision_with_somebody_elses_write_is_got_over_by_the_run_itself() -> None:
    """Jira answers 409 at any call that makes, edits, moves through the workflow or links: it is
    looked for, not there, and made again without another press."""
    to = Span("the first", href=f"{LINK}?sel=block:a1")
    whole = brief(action("a1", status="done"), Item("a2", "action", (Span("After "), to)))
    clean = World()
    clean.server.seed()
    planned = await clean.plan(whole)
    clean.strike({})
    await clean.run(planned)
    reading = ("/bulkfetch", "/search/jql", "/myself")
    writes = [
        at for at, (method, path) in enumerate(clean.faults.log[-clean.faults.calls :], 1)
        if method != "GET" and not path.endswith(reading)
    ]  # fmt: skip
    assert len(writes) == len(planned.steps) > 4
    for call in writes:
        world = World()
        world.server.seed()
        planned = await world.plan(whole)
        world.strike({call: Fault.COLLIDED})
        ran = await world.run(planned)
        assert {one.outcome for one in ran.outcomes} == {Result.DONE}
        assert not world.faults.faults
        assert len(world.ours) == 3
        assert (await world.plan(whole)).empty


async def test_one_that_left_the_brief_is_not_found_again() -> None:
    """A block that comes back is a new issue, even if the answer to its creation is lost."""
    world = World(mapping={"removed": "label"})
    await world.export(brief(action("a1")))
    old = world.issue("a1")
    await world.export(brief())
    await lose_creation(world, "a1")
    assert world.issue("a1").id != old.id
    assert [one.id for one in world.ours] == [world.issue().id, old.id, world.issue("a1").id]


async def test_an_issue_without_its_label_is_found_in_its_epic() -> None:
    """A person took the label off before we heard that the issue was made."""
    world = World()
    await world.export(brief())
    world.server.after_creation = lambda issue: world.server.edit(issue, labels=[])
    ran = await lose_creation(world, "a1")
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert len(world.ours) == 2


async def test_a_token_revoked_midway_stops_and_goes_on_with_the_next() -> None:
    """What was made stays known, and nothing is made twice."""
    world = World()
    whole = brief(action("a1"), action("a2"))
    planned = await world.plan(whole)
    world.faults.calls = 0
    world.faults.edits = {3: world.server.tokens.clear}
    with pytest.raises(NotConnected):
        await world.run(planned)
    assert [*world.books.entries] == [OVERVIEW]
    world.token = "renewed"
    world.server.tokens = {"renewed"}
    ran = await world.run(planned)
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert len(world.ours) == 3


async def test_a_lost_right_midway_is_said_in_jiras_words() -> None:
    """The rest waits, and what was made is named as out of our sight."""
    world = World()
    await world.export(brief(action("a1")))
    changed = brief(action("a1", "Anew"))
    planned = await world.plan(changed)
    world.server.forbidden = {jira.PROJECT}
    ran = await world.run(planned)
    assert {one.outcome for one in ran.outcomes} == {Result.DRIFTED}
    entries = [*world.books.entries.values()]
    found = await world.adapter.read(world.line, world.place, entries)
    assert {one.standing for one in found.values()} == {Standing.FORBIDDEN}


async def test_a_description_at_its_limit_and_past_it_is_taken() -> None:
    """Jira refuses one character more than the limit: none is ever sent."""
    for extra in (0, 1, 30_000):
        world = World(link="")
        words = "x" * (DESCRIPTION_LIMIT - 1 + extra)
        planned = await world.export(brief(Item("p1", "paragraph", (Span(words),))))
        sent = length(world.issue().fields["description"])
        assert sent == DESCRIPTION_LIMIT if extra == 0 else sent <= DESCRIPTION_LIMIT
        cut = any("At most" in x.what or "at most" in x.what for x in planned.losses)
        assert cut is (extra > 0)


async def test_jira_takes_what_the_writer_measures_and_no_more() -> None:
    """The limit of the server here is the published one, counted alike."""
    world = World()
    await world.export(brief())
    issue = world.issue()
    text = {"type": "text", "text": "x" * DESCRIPTION_LIMIT}
    block = {"type": "paragraph", "content": [text]}
    body = {"fields": {"description": {"type": "doc", "version": 1, "content": [block]}}}
    with pytest.raises(jira.Refused, match="allowed limit of 32,767"):
        world.server._edit({}, body, issue.id)


async def test_one_issue_takes_twenty_writes_in_two_seconds() -> None:
    """Thirty links of one issue are made in the time that Jira gives, without a refusal lost."""
    world = World()
    others = [action(f"b{number}") for number in range(30)]
    spans = tuple(Span("x", href=f"{LINK}?sel=block:{one.key}") for one in others)
    planned = await world.export(brief(Item("a1", "action", spans), *others))
    assert len(world.server.links) == 30
    assert sum(step.op is Op.UPDATE for step in planned.steps) == 30
    assert world.server.refusals["jira-per-issue-on-write"] > 0


async def test_an_empty_quota_is_waited_for_as_told() -> None:
    """59 minutes: the worker gives its place back, and goes on when Jira said."""
    world = World()
    planned = await world.plan(brief(action("a1")))
    world.server.quota = world.server.points + 2
    ran = await apply.run(
        planned.steps,
        planned.settlements,
        adapter=world.adapter,
        api=world.line,
        place=world.place,
        ledger=MemoryLedger(world.books),
        clock=world.clock,
        actor="mara",
    )
    assert ran.wait_until is not None
    assert ran.wait_until - world.clock.now() > timedelta(minutes=1)
    world.server.quota = None
    ran = await world.run(planned)
    assert {one.outcome for one in ran.outcomes} == {Result.DONE}
    assert len(world.ours) == 2


async def test_a_transition_that_went_meanwhile_is_refused_and_not_repeated() -> None:
    """The workflow was changed after the approval: Jira's words, and the status stays."""
    world = World()
    world.server.seed()
    await world.export(brief(action("a1")))
    planned = await world.plan(brief(action("a1", status="done")))
    world.server.closed_ways = {(jira.TODO, jira.DONE)}
    before = world.server.writes
    ran = await world.run(planned)
    refused = [one for one in ran.outcomes if one.outcome is Result.REFUSED]
    assert [one.keys for one in refused] == [("a1",)]
    assert "illegal operation" in refused[0].message
    assert world.issue("a1").status == jira.TODO
    again = await world.plan(brief(action("a1", status="done")))
    assert [step for step in again.steps if step.keys == ("a1",)] == []
    assert world.server.writes == before + 1  # the overview, where the action is ticked


async def test_a_status_that_a_person_sets_on_a_new_issue_stays() -> None:
    """Between the call that makes it and the one that moves it through its workflow."""
    world = World()
    world.server.seed()
    planned = await world.plan(brief(action("a1", status="doing")))

    def quickly(issue: jira.Issue) -> None:
        if issue.type == jira.TASK:
            world.server.edit(issue, status=jira.DONE)

    world.server.after_creation = quickly
    ran = await world.run(planned)
    assert [one.outcome for one in ran.outcomes if one.op is Op.UPDATE] == [Result.DRIFTED]
    assert world.issue("a1").status == jira.DONE


async def test_at_the_published_pace_jira_turns_no_call_down() -> None:
    """200 actions, made and looked at again, as fast as the limits of a connection allow."""
    world = World()
    world.line = world.api(MemoryBudget(world.adapter.paces, world.clock))
    whole = brief(*(action(f"a{number}") for number in range(200)))
    planned = await world.export(whole)
    assert (await world.plan(whole)).empty
    assert world.server.refusals.total() == 0
    # 201 creations, each read back, and what is read before and after, at 50 a second.
    assert world.clock.passed >= 2 * len(planned.steps) / 50 - 1


async def test_a_burst_is_turned_down_and_taken_up_again() -> None:
    """Without a pace of ours, Jira sets one, and nothing is made twice."""
    world = World()
    await world.export(brief(*(action(f"a{number}") for number in range(150))))
    assert world.server.refusals["jira-burst-based"] > 0
    assert len(world.ours) == 151
