"""A brief, a folder on a real disk, and a line to it that can fail as one to a server does."""

from __future__ import annotations

import atexit
import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from exporters.errors import RemoteError
from exporters.folder import Folder, FolderApi
from exporters.http import HttpApi
from exporters.model import Brief, Image, Item, Span
from exporters.ports import Budget
from exporters.records import OVERVIEW, Json, Place, Request
from tests.remotes import schedules, world
from tests.remotes.time import VirtualClock
from tests.remotes.world import LINK


class Disk:
    """``FolderApi`` behind a line, and what it wrote over that people had written."""

    def __init__(self, api: FolderApi, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self.writes = 0
        self.made: set[str] = set()
        self.overwritten: set[str] = set()
        self.written: set[str] = set()  # the digests of all that we ever wrote

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = (await receive()).get("body", b"")
        path = scope["raw_path"].decode()
        request = Request(scope["method"], path, json.loads(raw) if raw else None)
        name = unquote(path.split("/")[4]) if path.count("/") >= 4 else ""
        before = self._digest(name)
        try:
            answer = self._api.served(request)
            status, body = answer.status, answer.body
        except RemoteError as error:
            status, body = error.status or 503, {"message": str(error)}
        if request.method != "GET" and status == 200:
            self._note(request, name, before, body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _note(self, request: Request, name: str, before: str, body: Json) -> None:
        assert isinstance(body, dict)
        self.writes += 1
        if request.path.endswith("/files"):
            self.made.add(str(body["name"]))
        elif not request.path.endswith("/restore") and before not in self.written:
            self.overwritten.add(name)
        self.written.add(str(body["digest"]))

    def _digest(self, name: str) -> str:
        path = self._folder / name
        return hashlib.sha256(path.read_bytes()).hexdigest() if name and path.is_file() else ""


class FolderWorld(world.World[Folder]):
    """See ``schedules.World``."""

    def __init__(self, rng: random.Random | None = None, *, root: Path | None = None) -> None:
        clock = VirtualClock()
        self.root = root or _new()
        self.folder = self.root / "plans"
        self.disk = Disk(FolderApi(self.root, clock), self.folder)
        super().__init__(Folder(), self.disk, clock)

    def api(self, budget: Budget) -> HttpApi:
        return HttpApi(self.http, "http://disk", _unsigned, budget, self.clock, chance=lambda: 0.5)

    @property
    def place(self) -> Place:
        return Place("folder", "target1", {"folder": "plans"}, link=LINK, brief="brief1")

    def path(self, key: str = OVERVIEW) -> Path:
        return self.folder / self.ref(key)

    def files(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def meddle(self, rng: random.Random) -> None:
        """A person edits, renames, moves, copies or deletes one of our files, or adds one."""
        ours = [self.folder / name for name in sorted(self.disk.made)]
        ours = [path for path in ours if path.is_file()]
        if not ours:
            return
        path = rng.choice(ours)
        match rng.randrange(8):
            case 0:
                path.unlink()
            case 1:
                path.rename(path.with_name(f"renamed-{path.name}"))
            case 2:
                (self.root / "other").mkdir(exist_ok=True)
                path.rename(self.root / "other" / path.name)
            case 3:
                shutil.copy(path, path.with_name(f"copy-{rng.randrange(9)}-of-{path.name}"))
            case 4:
                path.write_bytes(b"all new")
            case 5:
                (self.folder / f"mine-{rng.randrange(9)}.md").write_text("mine")
            case _:
                path.write_bytes(path.read_bytes() + rng.choice([b"x", b"y", b""]))

    def live(self) -> Sequence[str]:
        return [name for name in self.disk.made if (self.folder / name).is_file()]

    def overwritten(self) -> set[str]:
        return self.disk.overwritten

    @property
    def writes(self) -> int:
        return self.disk.writes

    def kept(self, part: str, value: Json) -> Json:
        return value


def draw_brief(rng: random.Random) -> Brief:
    """Text and pictures."""
    items = tuple(_drawn(rng, f"k{number}") for number in range(rng.randint(0, 3)))
    return Brief("brief1", rng.choice(WORDS), items, meta={"version": "1"})


def revise_brief(rng: random.Random, brief: Brief) -> Brief:
    """Words and pictures change, come and go; a picture may change its format."""
    return schedules.revised(rng, brief, _drawn)


def _drawn(rng: random.Random, key: str) -> Item:
    if rng.random() < 0.5:
        return paragraph(key, rng.choice(WORDS))
    content = rng.choice([b"one", b"two"])
    return picture(key, content, rng.choice(["image/png", "image/png", "image/jpeg"]))


def paragraph(key: str, text: str) -> Item:
    return Item(key, "paragraph", (Span(text),))


def picture(key: str, content: bytes, media_type: str = "image/png") -> Item:
    return Item(key, "image", image=Image("A chart", media_type, content))


WORDS = ("alpha", "beta", "CON", "../gamma", "two  blanks", "😀")


def _new() -> Path:
    """In memory, where the machine has such a disk: what is held to here is not its speed."""
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="folder-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


async def _unsigned(*, renew: bool) -> Mapping[str, str]:
    return {}
