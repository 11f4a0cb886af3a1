"""A brief as one Markdown file, its pictures beside it.

The file is one part: whoever edits it edits a text, and a text that was edited is never written
over unless a person says so. Our marker stands in its front matter, and is the name of a picture.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from exporters import looks, markdown, markers
from exporters.choices import Account, MappingChoice, PlaceFound
from exporters.errors import BadMapping, TooMuch
from exporters.folder.api import ARCHIVE, LARGEST
from exporters.folder.names import front_matter, is_safe, mark_of, slug, without_front_matter
from exporters.model import Brief, Item
from exporters.plan import step_id
from exporters.ports import Api, Done, NotDone, NotKnown, Pace, Response
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
    Rendering,
    Request,
    Restore,
    Seen,
    Standing,
    Step,
    Update,
)

FILE, PICTURE = "file", "picture"
_ENDINGS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """Files below one folder of this machine; its ``Api`` is a ``FolderApi``."""

    @property
    def kind(self) -> str:
        return "folder"

    @property
    def paces(self) -> Sequence[Pace]:
        return ()

    async def check(self, api: Api) -> Account:
        return Account("This server")

    async def places(self, api: Api, query: str) -> Sequence[PlaceFound]:
        response = await api.read(Request("GET", "/"))
        body: Any = response.body
        wanted = query.casefold()
        return [
            PlaceFound(name, {"folder": name}, "Folder")
            for name in body["folders"]
            if wanted in name.casefold()
        ]

    async def choices(self, api: Api, place: Place) -> Sequence[MappingChoice]:
        return ()

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        """``known`` gets the bytes of the pictures, which a record only names by their digest."""
        _folder(place)
        pictures: dict[str, Json] = {
            record.key: base64.b64encode(content).decode()
            for record, content in _pictures(brief.items, place)
        }
        return replace(place, known={"pictures": pictures})

    def render(self, brief: Brief, place: Place) -> Rendering:
        pictures = [record for record, _ in _pictures(brief.items, place)]
        names = {record.key.partition(":")[0]: _name(record, place) for record in pictures}
        sign = markers.marker(place, place.brief, OVERVIEW)
        text = front_matter(sign, place.link) + markdown.render(brief, images=names)
        if (size := len(text.encode())) > LARGEST:
            raise TooMuch(f"The brief is {size:,} bytes of Markdown, more than {LARGEST:,}.")
        whole = Record(OVERVIEW, FILE, {"text": text}, brief.title)
        return Rendering((whole, *pictures))

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        return {entry.key: await _found(api, place, entry) for entry in entries}

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        return [_step(change, place, found) for change in changes]

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
        body: Any = answer.body
        told: dict[str, Json] = {"text": body.get("text"), "picture": body["digest"]}
        return {key: Seen(body["name"], {p: told[p] for p in step.sends[key]}, body["url"])}

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        """A file shows at once what was written into it; only what is on its way is waited for."""
        step = intent.step
        (key,) = step.keys
        if step.op is not Op.CREATE:
            return looks.changed(intent, await _found(api, place, entries[key]), now)
        (record,) = step.records
        made = await _made(api, place, record)
        if made is not None:
            return Done({key: Seen(made.ref, made.fields, made.url)})
        return NotDone() if now >= intent.over else NotKnown(until=intent.over)

    def words(self, part: str, value: Json) -> str:
        if part == "picture":
            return f"Picture {str(value)[:12]}" if value else "none"
        return without_front_matter(str(value or ""))

    def label(self, part: str) -> str:
        return {"text": "Text", "picture": "Picture"}.get(part, part)


def _pictures(items: Sequence[Item], place: Place) -> Iterator[tuple[Record, bytes]]:
    """Pictures whose bytes are known, in a format that pages show."""
    for item in items:
        image = item.image
        if image is not None and image.content is not None and image.media_type in _ENDINGS:
            digest = hashlib.sha256(image.content).hexdigest()
            # Another format is another name: its kind makes it another file.
            kind = f"{PICTURE}/{_ENDINGS[image.media_type]}"
            yield (
                Record(f"{item.key}:picture", kind, {"picture": digest}, image.alt),
                image.content,
            )
        yield from _pictures(item.children, place)


def _name(record: Record, place: Place) -> str:
    if record.kind == FILE:
        return f"{slug(record.title)}.md"
    return f"{markers.marker(place, place.brief, record.key)}.{record.kind.rpartition('/')[2]}"


def _folder(place: Place) -> str:
    name = str(place.where.get("folder") or "")
    if not is_safe(name):
        raise BadMapping(
            f"“{name}” cannot be the name of a folder; take letters, digits, spaces and hyphens."
        )
    return f"/folders/{quote(name, safe='')}"


def _path(place: Place, ref: str) -> str:
    return f"{_folder(place)}/files/{quote(ref, safe='')}"


async def _found(api: Api, place: Place, entry: Entry) -> Found:
    """A file where we left it and with our mark in it; else wherever below the root our mark is."""
    sign = markers.marker(place, place.brief, entry.key)
    answer = await api.read(Request("GET", _path(place, entry.ref)))
    body: Any = answer.body
    if answer.status == 200:
        fields = _fields(entry.kind, body)
        if entry.kind != FILE or mark_of(str(fields["text"])) == sign:
            return Found(entry.ref, fields, url=body["url"], extra={"digest": body["digest"]})
    here = str(place.where["folder"])
    for path in await _marked(api, sign):
        if path.startswith(f"{here}/{ARCHIVE}/"):
            extra: Fields = {"path": path}
            return Found(entry.ref, standing=Standing.ARCHIVED, where=f"“{path}”", extra=extra)
        if path != f"{here}/{entry.ref}":
            extra = {"path": path}
            return Found(entry.ref, standing=Standing.MOVED, where=f"“{path}”", extra=extra)
    where = "our mark was taken out of the file" if answer.status == 200 else ""
    return Found(entry.ref, standing=Standing.GONE, where=where)


async def _made(api: Api, place: Place, record: Record) -> Found | None:
    """What a call made that we heard nothing of: under the name that it asked for, or that name
    numbered. Others with our mark are copies, or what was made anew."""
    wanted, _, ending = _name(record, place).rpartition(".")
    numbered = re.compile(rf"{re.escape(wanted)}(-\d+)?\.{ending}")
    for path in await _marked(api, markers.marker(place, place.brief, record.key)):
        folder, _, name = path.rpartition("/")
        if folder == place.where["folder"] and numbered.fullmatch(name):
            found = await _found(api, place, Entry(record.key, record.kind, name, {}, {}))
            # A text says by its mark that it is ours, a picture only by what it is.
            if record.kind == FILE or found.fields == record.fields:
                return found
    return None


async def _marked(api: Api, sign: str) -> list[str]:
    body: Any = (await api.read(Request("GET", f"/marked/{sign}"))).body
    return [str(path) for path in body["paths"]]


def _fields(kind: str, body: Mapping[str, Any]) -> Fields:
    return {"text": body["text"]} if kind == FILE else {"picture": body["digest"]}


def _step(change: Change, place: Place, found: Mapping[str, Found]) -> Step:
    if isinstance(change, Create):
        record = change.record
        body = {"name": _name(record, place), **_content(record.key, record.fields, place)}
        body["exact"] = record.kind != FILE  # the text links to it by name
        op, key, sent = Op.CREATE, record.key, record.fields
        request = Request("POST", f"{_folder(place)}/files", body)
    elif isinstance(change, Update):
        record = change.record
        key, sent = record.key, change.parts
        op, now = Op.UPDATE, found[key]
        body = {**_content(key, sent, place), "replaces": now.extra["digest"]}
        request = Request("PUT", _path(place, now.ref), body)
    else:
        key, sent = change.entry.key, {}
        now = found[key]
        if isinstance(change, Archive):
            op, request = Op.ARCHIVE, Request("POST", f"{_path(place, now.ref)}/archive")
        else:
            op, body = Op.RESTORE, {"from": now.extra["path"]}
            request = Request("POST", f"{_path(place, now.ref)}/restore", body)
    return Step(
        step_id(place, op, (key,), request),
        op,
        request,
        {key: sent},
        () if isinstance(change, Archive | Restore) else (change.record,),
        {} if op is Op.CREATE else found[key].fields,
    )


def _content(key: str, fields: Fields, place: Place) -> dict[str, Json]:
    if "text" in fields:
        return {"text": fields["text"]}
    pictures = place.known.get("pictures")
    return {"base64": pictures[key] if isinstance(pictures, dict) else ""}
