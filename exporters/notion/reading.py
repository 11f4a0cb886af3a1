"""How things stand in Notion: pages and blocks by their ids, what lies in them by listing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from exporters.errors import BadMapping
from exporters.notion import blocks, limits, properties, shape
from exporters.notion.kinds import is_page, prefix
from exporters.ports import Api, Response
from exporters.records import OVERVIEW, Entry, Fields, Found, Json, Place, Request, Standing

_HIDDEN = (403, 404)  # Notion says 404 of what is not shared with the connection


async def get(api: Api, path: str) -> Response:
    return await api.read(Request("GET", path))


async def children(api: Api, id: str) -> list[dict[str, Json]] | None:
    """All blocks directly within a page or block, in order; None for one that is not to be seen."""
    return await listed(api, f"/v1/blocks/{id}/children")


async def listed(api: Api, path: str) -> list[dict[str, Json]] | None:
    """All pages of a listing by GET."""
    found: list[dict[str, Json]] = []
    more = ""
    while True:
        answer = await get(api, f"{path}?page_size={limits.PAGE}{more}")
        if answer.status != 200:
            return None
        found += _results(answer)
        cursor = _cursor(answer)
        if not cursor:
            return found
        more = f"&start_cursor={quote(cursor)}"


async def queried(api: Api, path: str, body: Mapping[str, Json]) -> list[dict[str, Json]]:
    """All pages of a listing by POST: a query or a search."""
    found: list[dict[str, Json]] = []
    asked: dict[str, Json] = {**body, "page_size": limits.PAGE}
    while True:
        answer = await api.read(Request("POST", path, asked))
        found += _results(answer)
        cursor = _cursor(answer)
        if not cursor:
            return found
        asked = {**asked, "start_cursor": cursor}


def _results(answer: Response) -> list[dict[str, Json]]:
    return [shape.fields(one) for one in shape.items(shape.fields(answer.body).get("results"))]


def _cursor(answer: Response) -> str:
    return shape.text(shape.fields(answer.body).get("next_cursor"))


async def learned(api: Api, place: Place, owners: Collection[str] = ()) -> Place:
    """The place with what decides how a brief is shown there: properties, their options, and who
    of the workspace these owners are.

    Raises BadMapping for a data source that is not to be seen, or a property that is gone.
    """
    place = await surveyed(api, place)
    for key, id in properties.sources(place).items():
        if f"{key}schema" not in place.known:
            raise BadMapping(
                f"The Notion data source {id} is not to be seen. Share its database with the "
                "connection in Notion (••• → Connections), or choose another one."
            )
        properties.check(place, key)
    chosen = [properties.columns(place, key) for key in properties.sources(place)]
    if not owners or not any(one["owner"].type == "people" for one in chosen if "owner" in one):
        return place
    # Without the right to read users nobody is known, and owners are said to be lost.
    everybody = properties.people(await listed(api, "/v1/users") or [])
    named = {owner.strip().lower() for owner in owners}
    people: Json = {name: one for name, one in everybody.items() if name in named}
    return replace(place, known={**place.known, "people": people})


async def surveyed(api: Api, place: Place) -> Place:
    """The place with the properties of those of its data sources that are to be seen."""
    known: dict[str, Json] = {}
    for key, id in properties.sources(place).items():
        answer = await get(api, f"/v1/data_sources/{id}")
        if answer.status == 200:
            known[f"{key}schema"] = properties.schema(answer.body)
    return replace(place, known=known)


async def informed(api: Api, place: Place) -> Place:
    """The place with what is known of its properties, where that was not kept."""
    known = all(f"{key}schema" in place.known for key in properties.sources(place))
    return place if known else await surveyed(api, place)


class Reading:
    """One look at the objects of some entries."""

    def __init__(self, api: Api, place: Place, entries: Sequence[Entry]) -> None:
        self._api = api
        self._place = place
        self._entries = {entry.key: entry for entry in entries}
        self._refs = {bare(entry.ref) for entry in entries}
        self._found: dict[str, Found] = {}
        self._listings: dict[str, list[dict[str, Json]]] = {}

    async def all(self) -> dict[str, Found]:
        inside: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._entries.values():
            if is_page(entry.kind):
                self._found[entry.key] = await self._page(entry)
            elif entry.parent in self._entries:
                inside[entry.parent].append(entry)
            else:
                self._found[entry.key] = await self._block(entry, None)
        waiting = [key for key in inside if key in self._found]
        while waiting:
            parent = waiting.pop()
            await self._within(self._entries[parent], inside.pop(parent))
            waiting += [key for key in inside if key in self._found and key not in waiting]
        for entries in inside.values():  # a parent that lies in itself: no ledger of ours says so
            for entry in entries:
                self._found[entry.key] = await self._block(entry, None)
        return self._found

    async def _page(self, entry: Entry) -> Found:
        answer = await get(self._api, f"/v1/pages/{entry.ref}")
        if answer.status != 200:
            standing = Standing.FORBIDDEN if answer.status in _HIDDEN else Standing.GONE
            return Found(entry.ref, standing=standing, url=entry.url)
        self._place = await informed(self._api, self._place)
        given = shape.fields(answer.body)
        found = page(self._place, entry, given)
        if "inside" in entry.sent and found.standing is not Standing.ARCHIVED:
            inside = await self._theirs(given)
            return replace(found, fields={**found.fields, "inside": inside}, keeps=bool(inside))
        return found

    async def _within(self, parent: Entry, entries: Sequence[Entry]) -> None:
        """The blocks of one parent, by listing; those that are not listed, one by one."""
        above = self._found[parent.key]
        if above.standing not in (Standing.LIVE, Standing.MOVED):
            for entry in entries:
                found = Found(entry.ref, standing=above.standing)
                if not is_page(parent.kind):  # somebody may have dragged it out before
                    now = await self._block(entry, parent.ref)
                    found = found if now.standing is Standing.LIVE else now
                self._found[entry.key] = found
            return
        first = True
        listing = await self._listing(parent.ref)
        ids = [bare(shape.text(block.get("id"))) for block in listing]
        wanted = {bare(entry.ref): entry for entry in entries}
        for number, block in enumerate(listing):
            if ids[number] not in wanted:
                continue
            entry = wanted.pop(ids[number])
            extra: Fields = {"above": listing[number - 1].get("id")} if first and number else {}
            first = False
            self._found[entry.key] = replace(await self._live(entry, block), extra=extra)
        for entry in wanted.values():
            self._found[entry.key] = await self._block(entry, parent.ref)

    async def _block(self, entry: Entry, parent: str | None) -> Found:
        answer = await get(self._api, f"/v1/blocks/{entry.ref}")
        if answer.status != 200:  # 404 of a block on a page that we see: it is gone
            standing = Standing.FORBIDDEN if answer.status == 403 else Standing.GONE
            return Found(entry.ref, standing=standing)
        block = shape.fields(answer.body)
        found = await self._live(entry, block)
        if block.get("in_trash"):
            return replace(found, standing=Standing.ARCHIVED, where="in the trash")
        lies = shape.fields(block.get("parent"))
        within = shape.text(lies.get("block_id")) or shape.text(lies.get("page_id"))
        if parent is not None and bare(within) != bare(parent):
            where = "in another block" if lies.get("type") == "block_id" else "on another page"
            # No call moves a block.
            return replace(found, standing=Standing.MOVED, where=where, returns=False)
        return found

    async def _live(self, entry: Entry, block: Mapping[str, Json]) -> Found:
        fields = blocks.read(block)
        if "inside" in entry.sent:
            fields["inside"] = await self._theirs(block) if block.get("has_children") else []
        for part in entry.sent:
            fields.setdefault(part, None)
        page = self._found.get(OVERVIEW)
        url = f"{page.url}#{bare(entry.ref)}" if page and page.url else entry.url
        return Found(entry.ref, fields, url=url, keeps=bool(fields.get("inside")))

    async def _listing(self, id: str) -> list[dict[str, Json]]:
        if id not in self._listings:
            self._listings[id] = await children(self._api, id) or []
        return self._listings[id]

    async def _theirs(self, of: Mapping[str, Json]) -> list[Json]:
        """What others put inside a block or a row of ours."""
        maker = shape.fields(of.get("created_by")).get("id")
        found: list[Json] = []
        for child in await self._listing(shape.text(of.get("id"))):
            ours = bare(shape.text(child.get("id"))) in self._refs
            if not ours and shape.fields(child.get("created_by")).get("id") != maker:
                found.append(blocks.read(child))
        return found


def page(place: Place, entry: Entry, given: Mapping[str, Json]) -> Found:
    """A page of ours as it was answered."""
    key = prefix(entry.kind)
    chosen = properties.columns(place, key)
    fields = properties.read(place, key, chosen, given.get("properties"))
    for part in entry.sent:
        fields.setdefault(part, [] if part == "inside" else None)
    standing, where = Standing.LIVE, ""
    if given.get("in_trash"):
        standing, where = Standing.ARCHIVED, "in the trash"
    else:
        lies = shape.fields(given.get("parent"))
        kind = shape.text(lies.get("type"))
        meant = properties.sources(place).get(key) or shape.text(place.where.get("page"))
        if bare(shape.text(lies.get(kind))) != bare(meant):
            names = {"data_source_id": "in another data source", "page_id": "on another page"}
            standing, where = Standing.MOVED, names.get(kind, "elsewhere in Notion")
    return Found(entry.ref, fields, standing, shape.text(given.get("url")), where)


def bare(id: str) -> str:
    """An id as Notion compares it: with dashes or without, it is the same."""
    return id.replace("-", "").lower()
