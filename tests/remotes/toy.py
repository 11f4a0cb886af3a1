"""The smallest target there could be, and its adapter: the engine is held to its promises on it.

Things lie in things, in order, and cannot be moved. The server tidies text up, lists what is new
only after a while, and may refuse a second thing with the marker of a first.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from exporters import looks
from exporters.http import HttpApi
from exporters.markers import marker
from exporters.model import Brief, Item
from exporters.plan import step_id
from exporters.ports import Api, Budget, Done, NotDone, NotKnown, Pace, Response
from exporters.records import (
    OVERVIEW,
    Archive,
    Change,
    Create,
    Entry,
    Fields,
    Found,
    Intent,
    Json,
    Loss,
    Op,
    Place,
    Record,
    Ref,
    Rendering,
    Request,
    Restore,
    Seen,
    Standing,
    Step,
    Update,
)
from tests.remotes.faults import Faults
from tests.remotes.line import line
from tests.remotes.time import VirtualClock

ROOT = "http://toy.test"
LAG = timedelta(seconds=40)
PACE = Pace(50, timedelta(seconds=10))


@dataclass
class Thing:
    id: str
    marker: str
    kind: str
    text: str
    note: str
    within: str
    made: datetime
    ours: bool = True  # made by our token
    trashed: bool = False
    elsewhere: bool = False
    hidden: bool = False
    by_people: set[str] = field(default_factory=set)  # what a person changed since we wrote it
    written: set[str] = field(default_factory=set)  # all that we ever wrote into it


class Toy:
    """The server, as an ASGI application."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        unique: bool = False,
        limit: Pace = PACE,
        lag: timedelta = LAG,
    ) -> None:
        self.clock = clock
        self.things: dict[str, Thing] = {}
        self.order: dict[str, list[str]] = {}
        self.unique = unique
        self.limit = limit
        self.lag = lag
        self.writes = 0
        self.overwritten: set[str] = set()
        self.too_many = 0
        self._made = 0
        self._calls: list[datetime] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, body = self._answer(
            scope["method"],
            scope["path"],
            dict(parse_qsl(scope["query_string"].decode())),
            json.loads(raw) if raw else {},
        )
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def put(self, within: str, text: str, *, after: str | None = None, **more: Json) -> Thing:
        self._made += 1
        thing = Thing(f"t{self._made}", "", "paragraph", text, "", within, self.clock.now())
        for name, value in more.items():
            setattr(thing, name, value)
        self.things[thing.id] = thing
        siblings = self.order.setdefault(within, [])
        siblings.insert(siblings.index(after) + 1 if after in siblings else 0, thing.id)
        return thing

    def is_trashed(self, thing: Thing) -> bool:
        around = self.things.get(thing.within)
        return thing.trashed or (around is not None and self.is_trashed(around))

    def inside(self, thing: Thing) -> list[Thing]:
        found = [thing]
        for id in self.order.get(thing.id, []):
            if id in self.things:
                found += self.inside(self.things[id])
        return found

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], body: dict[str, Json]
    ) -> tuple[int, Json]:
        now = self.clock.now()
        self._calls = [at for at in self._calls if now - at < self.limit.per]
        if len(self._calls) >= self.limit.calls:
            self.too_many += 1
            return 429, {"message": "Too many."}
        self._calls.append(now)
        match method, path.strip("/").split("/"):
            case "GET", ["things"] if "marker" in query:
                return 200, [
                    self._shown(thing)
                    for thing in self.things.values()
                    if thing.marker == query["marker"] and now - thing.made >= self.lag
                ]
            case "GET", ["things"]:
                ids = query["ids"].split(",")
                return 200, [self._shown(self.things[id]) for id in ids if id in self.things]
            case "POST", ["things"]:
                return self._make(body)
            case "PATCH", ["things", id]:
                return self._change(id, body)
            case "POST", ["things", id, "trash"]:
                return self._trash(id)
            case "POST", ["things", id, "restore"]:
                return self._restore(id)
        return 404, {"message": "No such call."}

    def _shown(self, thing: Thing) -> Json:
        if thing.hidden:
            return {"id": thing.id, "hidden": True}
        return {
            "id": thing.id,
            "text": thing.text,
            "note": thing.note,
            "within": thing.within,
            "ours": thing.ours,
            "trashed": self.is_trashed(thing),
            "elsewhere": thing.elsewhere,
            "made": thing.made.isoformat(),
        }

    def _make(self, body: dict[str, Json]) -> tuple[int, Json]:
        mark, within = str(body["marker"]), str(body["within"])
        if within and (within not in self.things or self.is_trashed(self.things[within])):
            return 400, {"message": "What it is to lie in is gone."}
        twins = [t for t in self.things.values() if t.marker == mark and t.ours]
        if self.unique and any(not self.is_trashed(twin) for twin in twins):
            return 409, {"message": "There is one."}
        self.writes += 1
        thing = self.put(within, _tidy(str(body["text"])), after=_text(body["after"]))
        thing.marker, thing.kind, thing.note = mark, str(body["kind"]), str(body["note"])
        thing.written = {thing.text, thing.note}
        return 200, self._shown(thing)

    def _change(self, id: str, body: dict[str, Json]) -> tuple[int, Json]:
        thing = self.things.get(id)
        if thing is None or thing.hidden:
            return 404, {"message": "No such thing."}
        if self.is_trashed(thing) or thing.elsewhere:
            return 400, {"message": "It cannot be edited."}
        self.writes += 1
        for name, value in body.items():
            if name in thing.by_people and getattr(thing, name) != _tidy(str(value)):
                self.overwritten.add(id)
            thing.by_people.discard(name)
            thing.written.add(_tidy(str(value)))
            setattr(thing, name, _tidy(str(value)))
        return 200, self._shown(thing)

    def _trash(self, id: str) -> tuple[int, Json]:
        thing = self.things.get(id)
        if thing is None or thing.hidden:
            return 404, {"message": "No such thing."}
        self.writes += 1
        for each in self.inside(thing):
            if each.by_people and not self.is_trashed(each):
                self.overwritten.add(each.id)
        thing.trashed = True
        return 200, self._shown(thing)

    def _restore(self, id: str) -> tuple[int, Json]:
        thing = self.things.get(id)
        if thing is None or thing.hidden:
            return 404, {"message": "No such thing."}
        around = self.things.get(thing.within)
        if around is not None and self.is_trashed(around):
            return 400, {"message": "What it lies in is trashed."}
        self.writes += 1
        thing.trashed = thing.elsewhere = False
        return 200, self._shown(thing)


class ToyAdapter:
    kind = "toy"
    paces = (PACE,)

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        return place

    def render(self, brief: Brief, place: Place) -> Rendering:
        records = [Record(OVERVIEW, "page", {"text": brief.title, "note": ""}, brief.title)]

        def add(item: Item, parent: str) -> None:
            text = "".join(span.text for span in item.spans)
            fields: Fields = {"text": text, "note": item.owner}
            records.append(Record(item.key, item.kind, fields, text, parent, ordered=True))
            for child in item.children:
                add(child, item.key)

        for item in brief.items:
            add(item, OVERVIEW)
        return Rendering(tuple(records))

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        if not entries:
            return {}
        ids = ",".join(entry.ref for entry in entries)
        response = await api.read(Request("GET", f"/things?ids={ids}"))
        assert isinstance(response.body, list)
        shown = {str(thing["id"]): thing for thing in response.body if isinstance(thing, dict)}
        return {entry.key: _found(entry.ref, shown.get(entry.ref)) for entry in entries}

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        return [_step(place, change) for change in changes]

    def unable(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Loss]:
        return ()

    async def receipt(
        self, api: Api, place: Place, step: Step, answer: Response
    ) -> Mapping[str, Seen]:
        (key,) = step.keys
        assert isinstance(answer.body, dict)
        found = _found(str(answer.body["id"]), answer.body)
        return {key: Seen(found.ref, found.fields, found.url)}

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        (key,) = intent.step.keys
        if intent.step.op is not Op.CREATE:
            found = await self.read(api, place, [entries[key]])
            return looks.changed(intent, found[key], now)
        response = await api.read(
            Request("GET", f"/things?marker={marker(place, place.brief, key)}")
        )
        assert isinstance(response.body, list)
        known = {entry.ref for entry in entries.values()}
        for thing in response.body:
            assert isinstance(thing, dict)
            if not thing.get("ours") or thing["id"] in known:
                continue
            if datetime.fromisoformat(str(thing["made"])) >= intent.since:
                found_now = _found(str(thing["id"]), thing)
                return Done({key: Seen(found_now.ref, found_now.fields, found_now.url)})
        certain = intent.over + LAG
        return NotDone() if now >= certain else NotKnown(until=certain)

    def words(self, part: str, value: Json) -> str:
        return str(value)

    def label(self, part: str) -> str:
        return part.capitalize()


def _step(place: Place, change: Change) -> Step:
    match change:
        case Create(record, after):
            inside = record.parent is not None
            request = Request(
                "POST",
                "/things",
                {
                    "marker": marker(place, place.brief, record.key),
                    "kind": record.kind,
                    "within": Ref(record.parent).json() if record.parent else "",
                    "after": Ref(after).json() if after else None,
                    **record.fields,
                },
            )
            needs = tuple(key for key in (record.parent, after) if key)
            assert inside or after is None
            return _made(place, Op.CREATE, record.key, request, record.fields, (record,), needs)
        case Update(record, parts):
            request = Request("PATCH", f"/things/{{$ref:{record.key}}}", dict(parts))
            return _made(place, Op.UPDATE, record.key, request, parts, (record,))
        case Archive(entry):
            request = Request("POST", f"/things/{entry.ref}/trash")
            return _made(place, Op.ARCHIVE, entry.key, request, {})
        case Restore(entry):
            request = Request("POST", f"/things/{entry.ref}/restore")
            return _made(place, Op.RESTORE, entry.key, request, {})


def _made(
    place: Place,
    op: Op,
    key: str,
    request: Request,
    sent: Fields,
    records: tuple[Record, ...] = (),
    needs: tuple[str, ...] = (),
) -> Step:
    id = step_id(place, op, (key,), request)
    return Step(id, op, request, {key: sent}, records, needs=needs)


def _found(ref: str, thing: Mapping[str, Json] | None) -> Found:
    url = f"https://toy.example/{ref}"
    if thing is None:
        return Found(ref, standing=Standing.GONE)
    if thing.get("hidden"):
        return Found(ref, standing=Standing.FORBIDDEN)
    standing = Standing.LIVE
    if thing["trashed"]:
        standing = Standing.ARCHIVED
    elif thing["elsewhere"]:
        standing = Standing.MOVED
    return Found(ref, {name: thing[name] for name in ("text", "note")}, standing, url)


def _tidy(text: str) -> str:
    """What the server makes of a text: runs of blanks become one."""
    return " ".join(text.split(" ")).replace("  ", " ")


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


class ToyWorld:
    """See ``schedules.World``."""

    def __init__(self, rng: random.Random) -> None:
        self.clock = VirtualClock()
        self.server = Toy(self.clock)
        self.faults = Faults(self.server, self.clock)
        self.adapter = ToyAdapter()
        self.place = Place("toy", "tgt_1", {}, brief="brf_1")
        self._client = line(self.faults)

    def api(self, budget: Budget) -> Api:
        return HttpApi(
            self._client, "http://toy.test", _signed, budget, self.clock, chance=lambda: 1.0
        )

    def meddle(self, rng: random.Random) -> None:
        """A person does something to a thing of ours, or beside it."""
        ours = [t for t in self.server.things.values() if t.ours and not t.trashed]
        if not ours:
            return
        thing = rng.choice(ours)
        match rng.randrange(12):
            case 0:
                thing.trashed = True
            case 1:
                for each in self.server.inside(thing):
                    del self.server.things[each.id]
            case 2:
                thing.elsewhere = True
            case 3:
                thing.hidden = True
            case 4:
                copy = self.server.put(thing.within, thing.text, after=thing.id, ours=False)
                copy.marker, copy.kind = thing.marker, thing.kind
            case 5:
                self.server.put(thing.within, "mine", after=thing.id, ours=False)
            case _:
                name, value = rng.choice(["text", "note"]), rng.choice("xyz")
                if getattr(thing, name) != value:
                    setattr(thing, name, value)
                    thing.by_people.add(name)
                    if value in thing.written:  # back to what we wrote: nothing of theirs is left
                        thing.by_people.discard(name)

    def live(self) -> Sequence[str]:
        return [
            thing.id
            for thing in self.server.things.values()
            if thing.ours and not self.server.is_trashed(thing)
        ]

    def overwritten(self) -> set[str]:
        """But for what went to the trash while the same words stand in a thing of ours."""
        things = self.server.things
        standing = {(things[id].text, things[id].note) for id in self.live()}
        return {
            id
            for id in self.server.overwritten
            if not (things[id].trashed and (things[id].text, things[id].note) in standing)
        }

    @property
    def writes(self) -> int:
        return self.server.writes

    def kept(self, part: str, value: Json) -> Json:
        return _tidy(str(value))


async def _signed(*, renew: bool) -> Mapping[str, str]:
    return {"authorization": "Bearer toy"}
