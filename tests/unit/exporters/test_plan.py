"""What is planned: nothing of a person's goes lost, nothing is sent twice, nothing is sent at all
where both sides say the same."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import receipts
from exporters.compare import Comparison, compare
from exporters.errors import UnsafePlan
from exporters.fates import in_order
from exporters.judge import Verdict, same
from exporters.model import Brief, Item, Span
from exporters.plan import Plan, make, refuse_if_unsafe, step_id
from exporters.records import (
    OVERVIEW,
    Archive,
    Choice,
    Create,
    Decisions,
    Entry,
    Found,
    Json,
    Op,
    Place,
    Record,
    Rendering,
    Request,
    Restore,
    Seen,
    Standing,
    Step,
    Update,
    Way,
)
from tests.remotes.toy import ToyAdapter

PLACE = Place("toy", "tgt_1", {}, brief="brf_1")
TEXTS = ["", "x", "y", "a  b"]


@dataclass
class Object:
    fields: dict[str, Json]
    within: str
    standing: Standing = Standing.LIVE


@dataclass
class Remote:
    """A target that does what it is told, with the ledger of who tells it."""

    objects: dict[str, Object] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    made: int = 0

    def found(self) -> Mapping[str, Found]:
        return {
            key: Found(
                entry.ref, dict(self.objects[entry.ref].fields), self.standing(entry.ref)
            )
            for key, entry in self.entries.items()
        }  # fmt: skip

    def standing(self, ref: str) -> Standing:
        """What lies in the trash is in the trash."""
        object = self.objects[ref]
        if object.standing is Standing.LIVE and object.within in self.objects:
            around = self.standing(object.within)
            return Standing.ARCHIVED if around is Standing.ARCHIVED else Standing.LIVE
        return object.standing

    def compare(self, rendering: Rendering, decisions: Decisions | None = None) -> Comparison:
        return compare(rendering, self.entries, self.found(), decisions)

    def carry_out(self, compared: Comparison) -> None:
        for settlement in compared.settlements:
            del self.entries[settlement.before.key]
            if settlement.after is not None:
                self.entries[settlement.before.key] = settlement.after
        for change in compared.changes:
            match change:
                case Create(record):
                    assert record.key not in self.entries
                    self.made += 1
                    ref = f"r{self.made}"
                    within = self.entries[record.parent].ref if record.parent else ""
                    self.objects[ref] = Object(_kept(record.fields), within)
                    self._note(Op.CREATE, record.key, record.fields, ref, record)
                case Update(record, parts, moved):
                    ref = self.entries[record.key].ref
                    assert self.standing(ref) is Standing.LIVE
                    self.objects[ref].fields |= _kept(parts)
                    if moved:
                        self.objects[ref].within = self.entries[record.parent or ""].ref
                    self._note(Op.UPDATE, record.key, parts, ref, record, moved=moved)
                case Archive(entry):
                    assert self.standing(entry.ref) is Standing.LIVE
                    self.objects[entry.ref].standing = Standing.ARCHIVED
                    self._note(Op.ARCHIVE, entry.key, {}, entry.ref)
                case Restore(entry):
                    self.objects[entry.ref].standing = Standing.LIVE

    def _note(
        self,
        op: Op,
        key: str,
        sent: Mapping[str, Json],
        ref: str,
        record: Record | None = None,
        *,
        moved: bool = False,
    ) -> None:
        records = (record,) if record else ()
        step = Step("s", op, Request("POST", "/"), {key: sent}, records, moved=moved)
        seen = {key: Seen(ref, dict(self.objects[ref].fields))}
        entries, forget = receipts.after(step, seen, self.entries, found_later=False)
        for forgotten in forget:
            del self.entries[forgotten]
        self.entries.update((entry.key, entry) for entry in entries)

    def line(self, parent: str) -> list[str]:
        """The keys of what lies in one, as the ledger has them in order."""
        inside = [entry for entry in self.entries.values() if entry.parent == parent]
        return [entry.key for entry in sorted(inside, key=lambda entry: entry.order)]


def _kept(fields: Mapping[str, Json]) -> dict[str, Json]:
    """The target tidies up what it is sent."""
    return {part: str(value).replace("  ", " ") for part, value in fields.items()}


def rendering(*records: Record) -> Rendering:
    return Rendering((Record(OVERVIEW, "page", {"text": "T"}), *records))


def block(key: str, text: str = "x", *, kind: str = "p", parent: str = OVERVIEW) -> Record:
    return Record(key, kind, {"text": text, "note": ""}, text, parent, ordered=True)


@st.composite
def renderings(draw: st.DrawFn) -> Rendering:
    """Blocks in any order, some within others."""
    records: list[Record] = []
    for key in draw(st.permutations("abcdef"))[: draw(st.integers(0, 6))]:
        parents = [OVERVIEW, *(r.key for r in records if r.parent == OVERVIEW)]
        fields: dict[str, Json] = {
            "text": draw(st.sampled_from(TEXTS)),
            "note": draw(st.sampled_from(["", "n"])),
        }
        kind, parent = draw(st.sampled_from("pq")), draw(st.sampled_from(parents))
        records.append(Record(key, kind, fields, "", parent, ordered=True))
    return rendering(*records)


def sent(first: Rendering) -> Remote:
    remote = Remote()
    remote.carry_out(remote.compare(first))
    return remote


def meddle(remote: Remote, rng: random.Random, count: int) -> dict[tuple[str, str], Json]:
    """People edit; what they wrote, by key and part."""
    theirs: dict[tuple[str, str], Json] = {}
    for key in rng.sample(sorted(remote.entries), min(count, len(remote.entries))):
        object = remote.objects[remote.entries[key].ref]
        if rng.random() < 0.3:
            object.standing = rng.choice([Standing.ARCHIVED, Standing.GONE, Standing.MOVED])
        else:
            part = rng.choice(list(object.fields))
            if object.fields[part] != "theirs":
                theirs[key, part] = object.fields[part] = "theirs"
    return theirs


def decide(compared: Comparison, rng: random.Random, chance: float = 1.0) -> Decisions:
    parts = {
        (item.key, part.part): (rng.choice(list(Choice)), part.theirs)
        for item in compared.items
        for part in item.parts
        if part.change in (Verdict.DRIFT, Verdict.CONFLICT) and rng.random() < chance
    }
    ways = {
        item.key: (rng.choice(item.ways), item.standing)
        for item in compared.items
        if item.ways and rng.random() < chance
    }
    return Decisions(parts, ways)


def changes(compared: Comparison) -> Mapping[str, str]:
    return {item.key: item.change for item in compared.items}


@given(renderings())
def test_what_was_sent_is_not_sent_again(first: Rendering) -> None:
    """A brief that did not change keeps everything, whatever the target makes of its texts."""
    remote = sent(first)
    again = remote.compare(first)
    assert not again.changes
    assert not again.settlements
    assert set(changes(again).values()) == {"keep"}


@given(renderings(), renderings())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    first: Rendering, second: Rendering
) -> None:
    """Any brief becomes any other in one go, each object in its place and in order."""
    remote = sent(first)
    remote.carry_out(remote.compare(second))
    again = remote.compare(second)
    assert not again.changes
    assert not again.settlements
    assert remote.entries.keys() == {record.key for record in second.records}
    for record in second.records:
        entry = remote.entries[record.key]
        assert remote.objects[entry.ref].fields == _kept(record.fields)
        assert remote.standing(entry.ref) is Standing.LIVE
        if record.parent is not None:
            assert remote.objects[entry.ref].within == remote.entries[record.parent].ref
        inside = [r.key for r in second.records if r.parent == record.key]
        assert remote.line(record.key) == inside


@given(renderings(), renderings(), st.randoms(use_true_random=False), st.integers(0, 4))
def test_nothing_of_theirs_is_sent_over_undecided(
    first: Rendering, second: Rendering, rng: random.Random, count: int
) -> None:
    """What people wrote over there is in no call, and in nothing that is archived."""
    remote = sent(first)
    theirs = meddle(remote, rng, count)
    remote.carry_out(remote.compare(second))
    for (key, part), value in theirs.items():
        objects = [o for o in remote.objects.values() if o.fields.get(part) == value]
        assert objects, f"{key} {part} is gone"
    for ref, object in remote.objects.items():
        if "theirs" in object.fields.values() and object.standing is Standing.ARCHIVED:
            assert ref in {entry.ref for entry in remote.entries.values()}  # a person did that


@given(renderings(), renderings(), st.randoms(use_true_random=False), st.integers(0, 4))
def test_deciding_comes_to_an_end(
    first: Rendering, second: Rendering, rng: random.Random, count: int
) -> None:
    """Whatever people do over there and decide here, a few rounds later nothing is left to do."""
    remote = sent(first)
    meddle(remote, rng, count)
    decisions = Decisions()
    for _ in range(8):
        compared = remote.compare(second, decisions)
        remote.carry_out(compared)
        released = decisions.released | compared.released
        asked = decide(remote.compare(second, Decisions(released=released)), rng)
        decisions = replace(asked, released=released)
        if not (compared.changes or compared.settlements or asked.parts or asked.ways):
            break
    else:
        pytest.fail("people are asked again and again")
    last = remote.compare(second, Decisions(released=decisions.released))
    assert not last.changes
    assert set(changes(last).values()) <= {"keep", "astray"}


def test_a_change_on_one_side_goes_its_way() -> None:
    """Ours is sent part by part; theirs is shown and left alone."""
    remote = sent(rendering(block("a"), block("b")))
    remote.objects[remote.entries["b"].ref].fields["note"] = "theirs"
    compared = remote.compare(rendering(block("a", "y"), block("b")))
    assert changes(compared) == {OVERVIEW: "keep", "a": "update", "b": "drift"}
    assert [(c.record.key, c.parts) for c in updates(compared)] == [("a", {"text": "y"})]


def updates(compared: Comparison) -> Iterable[Update]:
    return [change for change in compared.changes if isinstance(change, Update)]


def test_a_change_on_both_sides_is_a_question() -> None:
    """The part that both changed is held back; another part of the same object is sent."""
    remote = sent(rendering(block("a")))
    remote.objects[remote.entries["a"].ref].fields["text"] = "theirs"
    ours = replace(block("a", "ours"), fields={"text": "ours", "note": "n"})
    compared = remote.compare(rendering(ours))
    assert changes(compared)["a"] == "conflict"
    assert [change.parts for change in updates(compared)] == [{"note": "n"}]


def test_the_same_change_on_both_sides_is_settled() -> None:
    """Nothing is sent, and the ledger takes note."""
    remote = sent(rendering(block("a")))
    remote.objects[remote.entries["a"].ref].fields["text"] = "same"
    compared = remote.compare(rendering(block("a", "same")))
    assert not compared.changes
    remote.carry_out(compared)
    assert changes(remote.compare(rendering(block("a", "same"))))["a"] == "keep"


def test_theirs_stands_until_either_side_changes() -> None:
    """Left as theirs, a part is quiet; ours or theirs changing makes it a question again."""
    remote = sent(rendering(block("a")))
    object = remote.objects[remote.entries["a"].ref]
    object.fields["text"] = "theirs"
    decisions = Decisions({("a", "text"): (Choice.THEIRS, "theirs")})
    compared = remote.compare(rendering(block("a")), decisions)
    assert not compared.changes
    assert compared.decided_parts == {("a", "text")}
    remote.carry_out(compared)
    assert changes(remote.compare(rendering(block("a"))))["a"] == "keep"
    assert changes(remote.compare(rendering(block("a", "ours"))))["a"] == "conflict"
    object.fields["text"] = "theirs again"
    assert changes(remote.compare(rendering(block("a"))))["a"] == "drift"


def test_ours_counts_for_what_was_seen_when_it_was_decided() -> None:
    """A decision to write over theirs is none for what they wrote afterwards."""
    remote = sent(rendering(block("a")))
    object = remote.objects[remote.entries["a"].ref]
    object.fields["text"] = "theirs"
    decisions = Decisions({("a", "text"): (Choice.OURS, "theirs")})
    now = rendering(block("a"))
    assert [change.parts for change in updates(remote.compare(now, decisions))] == [{"text": "x"}]
    object.fields["text"] = "theirs, later"
    assert not remote.compare(now, decisions).changes


def test_a_part_that_was_never_sent_is_not_written_over() -> None:
    """A mapping that grows does not empty what people filled in over there."""
    remote = sent(rendering(Record("a", "p", {"text": "x"}, parent=OVERVIEW)))
    remote.objects[remote.entries["a"].ref].fields["note"] = "theirs"
    grown = Record("a", "p", {"text": "x", "note": "n"}, parent=OVERVIEW)
    assert changes(remote.compare(rendering(grown)))["a"] == "conflict"


def test_a_removed_block_is_archived_unless_somebody_edited_it() -> None:
    """What was edited over there stays, with what it lies in, until a person says otherwise."""
    inner = block("b", parent="a")
    remote = sent(rendering(block("a"), inner))
    remote.objects[remote.entries["b"].ref].fields["text"] = "theirs"
    compared = remote.compare(rendering())
    assert not compared.changes
    assert changes(compared) == {OVERVIEW: "keep", "a": "conflict", "b": "conflict"}
    ours = Decisions({("b", "text"): (Choice.OURS, "theirs")})
    archived = [c.entry.key for c in remote.compare(rendering(), ours).changes]  # type: ignore[union-attr]
    assert archived == ["b", "a"]
    left = remote.compare(rendering(), Decisions({("b", "text"): (Choice.THEIRS, "theirs")}))
    assert not left.changes
    assert left.released == {"a", "b"}


def test_what_people_put_inside_goes_along_with_nothing() -> None:
    """What holds something of theirs is neither archived nor made anew; let go, it is theirs."""
    remote = sent(rendering(block("a")))
    found = {
        key: replace(one, keeps=True) if key == "a" else one for key, one in remote.found().items()
    }
    removed = compare(rendering(), remote.entries, found)
    assert not removed.changes
    assert changes(removed)["a"] == "conflict"
    other = compare(rendering(block("a", kind="other")), remote.entries, found)
    assert not other.changes
    let_go = Decisions(ways={"a": (Way.RELEASE, Standing.LIVE)})
    assert compare(rendering(), remote.entries, found, let_go).released == {"a"}


def test_what_seems_archived_with_what_it_lies_in_is_not_forgotten() -> None:
    """It would come back with it, and nobody would know whose it is."""
    remote = sent(rendering(block("a"), block("b", parent="a")))
    remote.objects[remote.entries["a"].ref].standing = Standing.ARCHIVED
    compared = remote.compare(rendering(block("a")))
    assert not compared.settlements
    way = Decisions(ways={"a": (Way.RESTORE, Standing.ARCHIVED)})
    remote.carry_out(remote.compare(rendering(block("a")), way))
    assert changes(remote.compare(rendering(block("a"))))["b"] == "archive"


def test_what_comes_back_with_what_it_lies_in_is_compared_once_it_is_back() -> None:
    """Until then nothing is asked about it, and what was decided about it is neither shown as done
    nor spent."""
    remote = sent(rendering(block("a"), block("b", parent="a")))
    for key in "ab":
        remote.objects[remote.entries[key].ref].standing = Standing.ARCHIVED
    remote.objects[remote.entries["b"].ref].fields["text"] = "theirs"
    decided = Decisions(
        {("b", "text"): (Choice.THEIRS, "theirs")}, {"a": (Way.RESTORE, Standing.ARCHIVED)}
    )
    compared = remote.compare(rendering(block("a"), block("b", parent="a")), decided)
    (item,) = [item for item in compared.items if item.key == "b"]
    assert (item.change, item.parts) == ("update", ())
    assert not compared.decided_parts
    assert compared.decided_ways == {"a"}


@pytest.mark.parametrize("standing", [s for s in Standing if s is not Standing.LIVE])
def test_what_is_astray_waits_for_a_person(standing: Standing) -> None:
    """Named, with ways out, and nothing is done about it, nor made in it, until one is taken."""
    remote = sent(rendering(block("a")))
    remote.objects[remote.entries["a"].ref].standing = standing
    compared = remote.compare(rendering(block("a", "y"), block("new", parent="a")))
    assert not compared.changes
    (item,) = [item for item in compared.items if item.key == "a"]
    assert (item.change, item.standing) == ("astray", standing)
    assert Way.RELEASE in item.ways
    assert (Way.RESTORE in item.ways) == (standing in (Standing.ARCHIVED, Standing.MOVED))


def test_a_way_out_is_taken_for_the_standing_it_was_meant_for() -> None:
    """A restoring that was decided for the trash is none for what was deleted since."""
    remote = sent(rendering(block("a")))
    object = remote.objects[remote.entries["a"].ref]
    object.standing = Standing.ARCHIVED
    ways = Decisions(ways={"a": (Way.RESTORE, Standing.ARCHIVED)})
    assert isinstance(remote.compare(rendering(block("a")), ways).changes[0], Restore)
    object.standing = Standing.GONE
    assert not remote.compare(rendering(block("a")), ways).changes


def test_what_was_let_go_is_never_made_again() -> None:
    """Neither it nor what lies in it."""
    remote = sent(rendering(block("a")))
    remote.objects[remote.entries["a"].ref].standing = Standing.GONE
    way = Decisions(ways={"a": (Way.RELEASE, Standing.GONE)})
    now = rendering(block("a"), block("b", parent="a"))
    compared = remote.compare(now, way)
    remote.carry_out(compared)
    assert compared.released == {"a"}
    assert not remote.compare(now, Decisions(released=compared.released)).changes


def test_a_page_that_is_made_anew_takes_its_blocks_along() -> None:
    """They lay in the old one, which is left alone."""
    remote = sent(rendering(block("a"), block("b", parent="a")))
    remote.objects[remote.entries[OVERVIEW].ref].standing = Standing.GONE
    for key in "ab":
        remote.objects[remote.entries[key].ref].standing = Standing.GONE
    now = rendering(block("a"), block("b", parent="a"))
    ways = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.GONE)})
    remote.carry_out(remote.compare(now, ways))
    assert not remote.compare(now).changes
    assert remote.line(OVERVIEW) == ["a"]


def test_an_issue_stays_when_its_epic_is_made_anew() -> None:
    """What has no place in an order is not made anew for it, but linked."""
    issue = Record("a", "issue", {"text": "x"}, parent=OVERVIEW)
    remote = sent(rendering(issue))
    remote.objects[remote.entries[OVERVIEW].ref].standing = Standing.GONE
    ways = Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.GONE)})
    compared = remote.compare(rendering(issue), ways)
    assert [type(change) for change in compared.changes] == [Create, Update]
    remote.carry_out(compared)
    assert not remote.compare(rendering(issue)).changes


def test_moving_one_block_makes_one_anew() -> None:
    """The others stay as they are; what moved over an edit of theirs does not move."""
    remote = sent(rendering(*(block(key) for key in "abcd")))
    moved = rendering(*(block(key) for key in "bcda"))
    compared = remote.compare(moved)
    assert [type(change) for change in compared.changes] == [Archive, Create]
    remote.objects[remote.entries["a"].ref].fields["text"] = "theirs"
    assert not remote.compare(moved).changes


@given(st.lists(st.integers(0, 9)))
def test_those_that_stay_are_in_order_and_as_many_as_can_be(orders: list[int]) -> None:
    """By the plain quadratic way to count them."""
    staying = sorted(in_order(orders))
    assert all(orders[a] <= orders[b] for a, b in pairwise(staying))
    longest: list[int] = []
    for index, order in enumerate(orders):
        before = [longest[i] for i in range(index) if orders[i] <= order]
        longest.append(1 + max(before, default=0))
    assert len(staying) == max(longest, default=0)


def test_true_is_not_one() -> None:
    """JSON tells them apart, and so do checkboxes."""
    assert not same(True, 1)
    assert not same({"done": False}, {"done": 0})
    assert same({"a": [1, "x"]}, {"a": [1, "x"]})


def planned(remote: Remote, title: str, *texts: str, turn: int = 0) -> Plan:
    adapter = ToyAdapter()
    items = tuple(
        Item(f"k{number}", "paragraph", (Span(text),)) for number, text in enumerate(texts)
    )
    brief = Brief("brf_1", title, items)
    return make(
        adapter, PLACE, adapter.render(brief, PLACE), remote.entries, remote.found(),
        version="1", turn=turn,
    )  # fmt: skip


def test_a_plan_is_the_same_each_time_it_is_made() -> None:
    """Same ids, same bytes, same checksum; a change in any call changes the checksum."""
    assert planned(Remote(), "T", "x") == planned(Remote(), "T", "x")
    assert planned(Remote(), "T", "x").checksum != planned(Remote(), "T", "y").checksum


def test_the_same_step_of_a_later_run_is_another_step() -> None:
    """Or text that was sent, taken back, and is sent again would count as sent."""
    first, later = planned(Remote(), "T", "x"), planned(Remote(), "T", "x", turn=1)
    assert {step.id for step in first.steps}.isdisjoint(step.id for step in later.steps)


def test_a_plan_says_what_it_will_cost() -> None:
    """Calls that write, calls that read, and the least time that they take."""
    plan = planned(Remote(), "T", *("x" for _ in range(99)))
    assert plan.counts["create"] == plan.counts["writes"] == 100
    assert plan.counts["reads"] == 0
    assert plan.seconds > 19  # a hundred calls at fifty in ten seconds


def test_many_archives_need_a_second_yes() -> None:
    """At the limit nothing is asked; one past it is."""
    remote = Remote()
    adapter = ToyAdapter()
    items = tuple(Item(f"k{n}", "paragraph", (Span("x"),)) for n in range(11))
    remote.carry_out(remote.compare(adapter.render(Brief("brf_1", "T", items), PLACE)))
    refuse_if_unsafe(planned(remote, "T", "x"), limit=10)
    eleven = planned(remote, "T")
    with pytest.raises(UnsafePlan, match="archive 11 items"):
        refuse_if_unsafe(eleven, limit=10)
    refuse_if_unsafe(eleven, limit=10, yes=True)


def test_a_step_is_told_by_all_that_it_is() -> None:
    """Its place, what it does, to what, and how."""
    request = Request("POST", "/things", {"text": "x"})
    ids = {
        step_id(PLACE, Op.CREATE, ("a",), request),
        step_id(PLACE, Op.CREATE, ("b",), request),
        step_id(PLACE, Op.UPDATE, ("a",), request),
        step_id(replace(PLACE, brief="brf_2"), Op.CREATE, ("a",), request),
        step_id(PLACE, Op.CREATE, ("a",), replace(request, body={"text": "y"})),
    }
    assert len(ids) == 5
    assert step_id(PLACE, Op.CREATE, ("a",), request) in ids
