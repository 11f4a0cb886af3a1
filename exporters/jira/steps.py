"""The calls that make changes in Jira, and what no call can make as things stand there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from exporters.jira.target import (
    PROPERTY,
    REMOVED,
    STAGES,
    Move,
    Stage,
    Target,
    listed,
    moves,
    record,
    status,
    word,
)
from exporters.markers import marker
from exporters.plan import step_id
from exporters.records import (
    OVERVIEW,
    Archive,
    Change,
    Create,
    Entry,
    Fields,
    Found,
    Json,
    Loss,
    Op,
    Place,
    Record,
    Ref,
    Request,
    Restore,
    Standing,
    Step,
    Update,
)

API: Final = "/rest/api/3"
_FIELD: Final = {"due": "duedate", "summary": "summary", "description": "description"}


class Planner:
    """Turns changes into calls for one place."""

    def __init__(
        self, place: Place, entries: Mapping[str, Entry], found: Mapping[str, Found]
    ) -> None:
        self._place = place
        self._target = Target(place)
        self._entries = entries
        self._found = found
        self._losses: list[Loss] = []

    def steps(self, changes: Sequence[Change]) -> tuple[list[Step], list[Loss]]:
        """The steps in order: issues first, then statuses, then links, which need both ends."""
        first: list[Step] = []
        later: list[Step] = []
        made = frozenset(one.record.key for one in changes if isinstance(one, Create))
        for change in changes:
            match change:
                case Create(record=new):
                    first.append(self._create(new))
                    later += self._status(new, None)
                    later += self._links(new, made)
                case Update():
                    at_once, links = self._update(change, made)
                    first += at_once
                    later += links
                case Archive(entry=entry):
                    first += self._archive(entry)
                case Restore(entry=entry):
                    first.append(self._restore(entry))
        return [*first, *later], self._losses

    def _create(self, new: Record) -> Step:
        target, key = self._target, new.key
        sign = marker(self._place, self._place.brief, key)
        overview = key == OVERVIEW
        kind = target.overview_type if overview else target.issue_type
        fields, _ = self._edits(new.fields, [])
        fields |= {
            "project": {"id": target.project},
            "issuetype": {"id": kind},
            "labels": [sign, *target.labels],
        }
        if not overview and target.priority and target.has("priority"):
            fields["priority"] = {"id": target.priority}
        fields = {name: value for name, value in fields.items() if value is not None}
        value: dict[str, Json] = {"marker": sign, "brief": self._place.brief, "block": key}
        body: dict[str, Json] = {
            "fields": fields,
            "properties": [{"key": PROPERTY, "value": value}],
        }
        begins = self._begins
        sends = {part: begins.get(part, said) for part, said in new.fields.items()}
        needs = (OVERVIEW,) if "parent" in new.fields else ()
        request = Request("POST", f"{API}/issue", body)
        return self._step(Op.CREATE, key, request, sends, new, needs, reads=1)

    @property
    def _begins(self) -> Fields:
        """How the parts of a new issue read that come after the call that makes it."""
        target = self._target
        stage = target.workflow.stage(target.start) if target.start else STAGES[0]
        return {"status": stage, "links": []}

    def _update(self, change: Update, made: frozenset[str]) -> tuple[list[Step], list[Step]]:
        """What is to be done at once, and the links."""
        changed, key = change.record, change.record.key
        found, parts = self._found[key], dict(change.parts)
        if change.moved and ("parent" in parts or found.fields.get("parent") in (OVERVIEW, None)):
            parts["parent"] = OVERVIEW
        elif change.moved:
            self._lose(key, "It was put into another epic there, and stays in it.")
        stage, links = parts.pop("status", None), parts.pop("links", None)
        steps = [self._edit(changed, parts, found)] if parts else []
        through = self._status(changed, found) if stage is not None else []
        # What is done may be closed for editing: so out of it first, and into it last.
        steps = [*through, *steps] if stage != "done" and not change.moved else [*steps, *through]
        return steps, self._links(changed, made) if links is not None else []

    def _edit(self, changed: Record, parts: Fields, found: Found) -> Step:
        held = [word(label) for label in listed(found.fields.get("labels"))]
        fields, update = self._edits(parts, held)
        body: dict[str, Json] = {}
        if fields:
            body["fields"] = fields
        if update:
            body["update"] = update
        path = f"{API}/issue/{self._id(changed.key)}?returnIssue=true"
        needs = (OVERVIEW,) if "parent" in parts else ()
        return self._step(Op.UPDATE, changed.key, Request("PUT", path, body), parts, changed, needs)

    def _edits(self, parts: Fields, held: Sequence[str]) -> tuple[dict[str, Json], dict[str, Json]]:
        """``fields`` and ``update`` of a request."""
        fields: dict[str, Json] = {}
        update: dict[str, Json] = {}
        for part, value in parts.items():
            if part in _FIELD:
                fields[_FIELD[part]] = value
            elif part == "assignee":
                fields[part] = {"accountId": value} if value else None
            elif part == "parent":
                fields["parent"] = {"id": Ref(OVERVIEW).json()}
            elif part == "labels":
                ours = [word(label) for label in listed(value)]
                add: list[Json] = [{"add": label} for label in ours if label not in held]
                gone: list[Json] = [{"remove": label} for label in held if label not in ours]
                if add or gone:
                    update["labels"] = [*add, *gone]
        return fields, update

    def _status(self, of: Record, found: Found | None) -> list[Step]:
        """The transition that leads to what the brief says, if there is one."""
        said = of.fields.get("status")
        stage = next((one for one in STAGES if one == said), None)
        if stage is None:
            return []
        chosen = self._transition(of.key, stage, found)
        if chosen is None:
            return []
        return [self._transit(of.key, chosen, stage, of, found)]

    def _transition(self, key: str, stage: Stage, found: Found | None) -> Move | None:
        target, flow = self._target, self._target.workflow
        if found is None:
            start, ways = target.start, target.first_moves
            if start and flow.stage(start) == stage:
                return None
            if ways is None:
                self._lose(
                    key,
                    "Jira tells the transitions of an issue once it is there: the status"
                    f" “{stage}” goes with the next export.",
                )
                return None
        else:
            start = status(found.extra.get("status"))
            ways = moves(found.extra.get("transitions"))
        chosen = flow.way(ways, stage)
        if chosen is None:
            here = start.name if start else "its first status"
            self._lose(key, _no_way(stage, here, ways))
        return chosen

    def _transit(
        self, key: str, chosen: Move, stage: Stage, of: Record | None, found: Found | None
    ) -> Step:
        path = f"{API}/issue/{self._id(key)}/transitions"
        request = Request("POST", path, {"transition": {"id": chosen.id}})
        base = found.fields if found else self._begins
        return self._step(Op.UPDATE, key, request, {"status": stage}, of, base=base)

    def _links(self, of: Record, made: frozenset[str]) -> list[Step]:
        """A call for each link that is missing, and for each of ours that is no longer said."""
        wanted = [word(key) for key in listed(of.fields.get("links"))]
        found = None if of.key in made else self._found.get(of.key)
        there = record(found.extra.get("links")) if found else {}
        stands = {*there}
        steps: list[Step] = []
        theirs = self._linked(of.key) - len(there)
        before = len(there)

        def step(request: Request, needs: tuple[str, ...] = ()) -> None:
            nonlocal before
            sends: dict[str, Json] = {"links": [*sorted(stands)]}
            base = found.fields if found else self._begins
            reads = min(1, theirs + before)
            steps.append(
                self._step(Op.UPDATE, of.key, request, sends, of, needs, base=base, reads=reads)
            )
            before = len(stands)

        for key in sorted(stands.difference(wanted)):
            stands.remove(key)
            link = quote(word(there[key]), safe="")
            step(Request("DELETE", f"{API}/issueLink/{link}"))
        for key in wanted:
            if key in stands:
                continue
            if key not in made and not self._is_live(key):
                self._lose(of.key, "An action that it links to has no issue to be linked.")
                continue
            stands.add(key)
            body: dict[str, Json] = {
                "type": self._target.link,
                "inwardIssue": {"id": Ref(of.key).json()},
                "outwardIssue": {"id": Ref(key).json()},
            }
            step(Request("POST", f"{API}/issueLink", body), (of.key, key))
        return steps

    def _archive(self, entry: Entry) -> list[Step]:
        """Never deleted: it loses our marker, gets a label, and is closed where that was chosen."""
        found, flow = self._found[entry.key], self._target.workflow
        sign = marker(self._place, self._place.brief, entry.key)
        steps: list[Step] = []
        stage = flow.stage(status(found.extra.get("status")))
        if self._target.completes and stage != "done":
            ways = moves(found.extra.get("transitions"))
            if chosen := flow.way(ways, "done"):
                steps.append(self._transit(entry.key, chosen, "done", None, found))
            else:
                here = status(found.extra.get("status")).name
                self._lose(entry.key, _no_way("done", here, ways))
        labels: list[Json] = [{"remove": sign}, {"add": REMOVED}]
        path = f"{API}/issue/{quote(entry.ref, safe='')}?returnIssue=true"
        request = Request("PUT", path, {"update": {"labels": labels}})
        return [*steps, self._step(Op.ARCHIVE, entry.key, request, {}, None)]

    def _restore(self, entry: Entry) -> Step:
        request = Request("PUT", f"{API}/issue/unarchive", {"issueIdsOrKeys": [entry.ref]})
        return self._step(Op.RESTORE, entry.key, request, {}, None)

    def _step(
        self,
        op: Op,
        key: str,
        request: Request,
        sends: Fields,
        of: Record | None,
        needs: tuple[str, ...] = (),
        *,
        base: Fields | None = None,
        reads: int | None = None,
    ) -> Step:
        if op is not Op.CREATE and key not in self._entries and key not in needs:
            needs = (key, *needs)
        id = step_id(self._place, op, (key,), request)
        records = (of,) if of else ()
        if reads is None:  # what it links to is read whenever it is read alone
            reads = min(1, self._linked(key))
        return Step(id, op, request, {key: sends}, records, base or {}, needs, reads)

    def _linked(self, key: str) -> int:
        """To how many issues it links."""
        found = self._found.get(key) if key in self._entries else None
        count = found.extra.get("linked") if found else None
        return count if isinstance(count, int) else 0

    def _is_live(self, key: str) -> bool:
        found = self._found.get(key) if key in self._entries else None
        return found is not None and found.standing is Standing.LIVE

    def _id(self, key: str) -> str:
        entry = self._entries.get(key)
        return quote(entry.ref, safe="") if entry else f"{{$ref:{key}}}"

    def _lose(self, key: str, what: str) -> None:
        self._losses.append(Loss(key, what))


def _no_way(stage: Stage, here: str, ways: Sequence[Move]) -> str:
    there = ", ".join(f"“{one.to.name}”" for one in ways)
    only = f", only to {there}" if there else ""
    return (
        f"No transition leads from “{here}” to a status that means “{stage}”{only}:"
        " the status stays."
    )
