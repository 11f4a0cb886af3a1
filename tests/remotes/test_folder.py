"""Exports into a folder: real files, real processes that are killed, and people beside them."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporters import apply, plan
from exporters.errors import BadMapping, RemoteRefused, Unreachable
from exporters.folder import Folder, FolderApi
from exporters.folder.api import LARGEST
from exporters.folder.names import LONGEST, is_safe, mark_of, slug, without_front_matter
from exporters.markers import marker
from exporters.memory import Books, MemoryLedger
from exporters.model import Brief
from exporters.records import (
    OVERVIEW,
    Choice,
    Decisions,
    Entry,
    Intent,
    Place,
    Request,
    Standing,
    Step,
    Way,
)
from tests.remotes.folder_world import (
    LINK,
    FolderWorld,
    draw_brief,
    paragraph,
    picture,
    revise_brief,
)
from tests.remotes.schedules import run_every_call, run_schedules
from tests.remotes.time import START, VirtualClock

OPERATIONS = ("open", "os.link", "os.mkdir", "os.remove", "os.rename")  # as Python audits them
PLAN = Brief(
    "brief1", "Launch: the plan", (paragraph("p1", "Sales rose"), picture("i1", b"\x89PNG"))
)


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return FolderWorld(root=tmp_path)


async def test_a_brief_is_a_file_with_its_pictures_beside(world: FolderWorld) -> None:
    await world.export(PLAN)
    image = f"{marker(world.place, 'brief1', 'i1:picture')}.png"
    assert world.files() == ["plans/Launch-the-plan.md", f"plans/{image}"]
    assert world.path().read_text() == (
        f"---\nstratmaster: {marker(world.place, 'brief1', OVERVIEW)}\nbrief: {LINK}\n---\n\n"
        f"# Launch: the plan\n\nSales rose\n\n![A chart]({image})\n"
    )
    assert (world.folder / image).read_bytes() == b"\x89PNG"
    assert (await world.plan(PLAN)).empty


async def test_a_file_that_we_did_not_make_is_never_touched(world: FolderWorld) -> None:
    """Another file has the name already: ours takes the next one."""
    world.folder.mkdir()
    theirs = world.folder / "Launch-the-plan.md"
    theirs.write_text("mine")
    await world.export(PLAN)
    assert theirs.read_text() == "mine"
    assert world.path().name == "Launch-the-plan-2.md"
    assert (await world.plan(PLAN)).empty


async def test_a_picture_has_the_name_that_the_text_links_to(world: FolderWorld) -> None:
    """Where another file has that name, the picture is refused, and that file is left alone."""
    name = f"{marker(world.place, 'brief1', 'i1:picture')}.png"
    world.folder.mkdir()
    (world.folder / name).write_bytes(b"mine")
    ran = await world.run(await world.plan(PLAN))
    assert [one.outcome for one in ran.outcomes] == [apply.Result.DONE, apply.Result.REFUSED]
    assert "is taken; move that file away first" in ran.outcomes[1].message
    assert (world.folder / name).read_bytes() == b"mine"


async def test_a_person_s_edit_is_drift_until_they_give_it_up(world: FolderWorld) -> None:
    await world.export(PLAN)
    edited = world.path().read_text() + "and a word of mine\n"
    world.path().write_text(edited)
    changed = Brief("brief1", PLAN.title, (paragraph("p1", "Sales fell"),))
    planned = await world.export(changed)
    assert [item.change for item in planned.items if item.key == OVERVIEW] == ["conflict"]
    assert world.path().read_text() == edited
    await world.export(changed, Decisions({(OVERVIEW, "text"): (Choice.OURS, edited)}))
    assert "Sales fell" in world.path().read_text()


async def test_where_a_file_went_is_named(world: FolderWorld) -> None:
    """Renamed, moved and deleted are told apart; a file comes back to its place if asked to."""
    await world.export(PLAN)
    home = world.path()
    home.rename(home.with_name("renamed.md"))
    (astray,) = [item for item in (await world.export(PLAN)).items if item.change == "astray"]
    assert (astray.standing, astray.where) == (Standing.MOVED, "“plans/renamed.md”")
    await world.export(PLAN, Decisions(ways={OVERVIEW: (Way.RESTORE, Standing.MOVED)}))
    assert home.exists()
    home.unlink()
    (astray,) = [item for item in (await world.export(PLAN)).items if item.change == "astray"]
    assert astray.standing is Standing.GONE
    assert not home.exists()
    await world.export(PLAN, Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.GONE)}))
    assert home.exists()


async def test_a_file_whose_mark_was_taken_out_is_no_longer_ours(world: FolderWorld) -> None:
    await world.export(PLAN)
    world.path().write_text("all mine now")
    (astray,) = [item for item in (await world.export(PLAN)).items if item.change == "astray"]
    assert astray.where == "our mark was taken out of the file"
    await world.export(PLAN, Decisions(ways={OVERVIEW: (Way.RECREATE, Standing.GONE)}))
    assert (world.folder / "Launch-the-plan.md").read_text() == "all mine now"
    assert world.path().name == "Launch-the-plan-2.md"


async def test_a_picture_that_left_the_brief_goes_into_the_archive(world: FolderWorld) -> None:
    await world.export(PLAN)
    name = world.path("i1:picture").name
    await world.export(Brief("brief1", PLAN.title, PLAN.items[:1]))
    assert world.files() == [f"plans/Archive/{name}", "plans/Launch-the-plan.md"]


async def test_nothing_outside_its_folder_is_reached(tmp_path: Path) -> None:
    """No name of a file or folder, and no link that somebody put there, leads elsewhere."""
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    root = tmp_path / "exports"
    (root / "plans").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    (root / "plans" / "link.md").symlink_to(secret)
    clock = VirtualClock()
    api = FolderApi(root, clock)
    for folder, name in [
        ("..", "secret.md"), ("plans", "..%2F..%2Fsecret.md"), ("out", "secret.md"),
        ("plans", "link.md"), ("plans", "%2Fetc%2Fpasswd"), ("plans", "a%00b"), ("%2e%2e", "x"),
        ("plans", "..%5Csecret.md"), ("plans", ".hidden"), ("plans", "nul.md"),
    ]:  # fmt: skip
        path = f"/folders/{folder}/files/{name}"
        with pytest.raises(RemoteRefused):
            await api.read(Request("GET", path))
        for method, said in [("PUT", {"text": "x", "replaces": ""}), ("POST", {})]:
            where = path if method == "PUT" else f"{path}/archive"
            with pytest.raises(RemoteRefused):
                await api.write(Request(method, where, said), not_after=clock.now())
    assert secret.read_text() == "secret"
    assert (await api.read(Request("GET", "/"))).body == {"folders": ["plans"]}


@pytest.mark.parametrize("folder", ["", "..", "a/b", "a\\b", "/etc", "CON", "x.", "a\0b", "a:b"])
def test_a_folder_s_name_is_one_safe_name(folder: str) -> None:
    place = Place("folder", "t", {"folder": folder}, brief="brief1")
    with pytest.raises(BadMapping):
        asyncio.run(Folder().learn(FolderApi(Path("/nowhere"), VirtualClock()), place, PLAN))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Launch: the plan", "Launch-the-plan"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "brief-CON"),
        ("lpt1", "brief-lpt1"),
        ("", "brief"),
        ("...", "brief"),
        ("Öl & Gas", "Öl-Gas"),
        ("計画", "計画"),
        ("😀", "brief"),
        ("é" * 200, "é" * (LONGEST // 2)),
    ],
)
def test_a_title_makes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert slug(title) == name
    assert is_safe(f"{slug(title)}.md")


def test_the_mark_is_read_past_what_people_write_beside_it() -> None:
    """Front matter may get more lines, and other line ends; a mark in the text is none."""
    assert mark_of("---\r\ntags: x\r\nstratmaster: sm-1\r\n---\r\ntext") == "sm-1"
    assert mark_of("---\ntags: x\n---\nstratmaster: sm-1") == ""
    assert mark_of("stratmaster: sm-1") == ""
    assert without_front_matter("---\nstratmaster: sm-1\n---\n\n# Title\n") == "# Title\n"
    assert without_front_matter("---\nnot ours\n---\n\n# Title\n").startswith("---")


async def test_a_file_at_the_limit_is_written_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    clock = VirtualClock()
    api = FolderApi(tmp_path, clock)
    for size, fits in ((LARGEST, True), (LARGEST + 1, False)):
        request = Request("POST", "/folders/plans/files", {"name": "x.md", "text": "x" * size})
        if fits:
            assert (await api.write(request, not_after=clock.now())).status == 200
        else:
            with pytest.raises(RemoteRefused, match="more than"):
                await api.write(request, not_after=clock.now())
    assert sorted(path.name for path in (tmp_path / "plans").iterdir()) == ["x.md"]


async def test_an_edit_in_the_moment_of_writing_is_not_written_over(tmp_path: Path) -> None:
    """What is replaced is what was read, or the call is refused."""
    clock = VirtualClock()
    api = FolderApi(tmp_path, clock)
    request = Request("POST", "/folders/plans/files", {"name": "x.md", "text": "ours"})
    made: Any = (await api.write(request, not_after=clock.now())).body
    (tmp_path / "plans/x.md").write_text("theirs")
    body = {"text": "ours again", "replaces": made["digest"]}
    with pytest.raises(RemoteRefused, match="in this very moment"):
        await api.write(Request("PUT", "/folders/plans/files/x.md", body), not_after=clock.now())
    assert (tmp_path / "plans/x.md").read_text() == "theirs"


async def test_nothing_is_written_too_late(tmp_path: Path) -> None:
    """A worker that was held up writes nothing into what another has taken over."""
    clock = VirtualClock()
    request = Request("POST", "/folders/plans/files", {"name": "x.md", "text": "late"})
    with pytest.raises(Unreachable):
        await FolderApi(tmp_path, clock).write(
            request, not_after=clock.now() - timedelta(seconds=1)
        )
    assert not (tmp_path / "plans").exists()


async def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be: the call is surely not done, and says so."""
    (tmp_path / "plans").write_text("a file")
    clock = VirtualClock()
    request = Request("POST", "/folders/plans/files", {"name": "x.md", "text": "x"})
    with pytest.raises(Unreachable, match="plans"):
        await FolderApi(tmp_path, clock).write(request, not_after=clock.now())


async def test_every_fault_at_every_call() -> None:
    """One at a time, through all of an export: one file for each, as the preview said."""
    assert await run_every_call(FolderWorld, PLAN) > 30


@pytest.mark.timeout(600)
async def test_schedules_drawn_by_chance() -> None:
    """Several faults, kills, two workers and people's edits of the files, 2,000 times."""
    await run_schedules(FolderWorld, 2_000, 0, draw=draw_brief, revise=revise_brief)


@pytest.mark.timeout(300)
def test_kill_9_at_any_file_operation(tmp_path: Path) -> None:
    """A real process is killed before each operation on a file, its ledger's among them; the next
    one makes it right: the new text whole, the old text whole until then, and nothing doubled."""
    first = Brief("brief1", "Launch", (paragraph("p1", "one"), picture("i1", b"1" * 5000)))
    then = Brief("brief1", "Launch", (paragraph("p1", "two " * 3000), picture("i2", b"2")))
    point, ended = 0, False
    while not ended:
        point += 1
        root = tmp_path / str(point)
        (root / "plans").mkdir(parents=True)
        (root / "plans" / "mine.md").write_text("mine")
        killed = _in_a_process(root, first, 0, kill_at=point)
        assert _in_a_process(root, first, 1) == 0
        _check(root, first, ["mine.md"])
        killed_again = _in_a_process(root, then, 2, kill_at=point)
        assert _texts(root) in ({_text(first)}, {_text(then)})
        assert _in_a_process(root, then, 3) == 0
        _check(root, then, ["mine.md", "Archive"])
        ended = killed == killed_again == 0
    assert point > 20


def _check(root: Path, brief: Brief, others: Sequence[str]) -> None:
    place = _place()
    pictures = [item for item in brief.items if item.image is not None]
    names = [f"{marker(place, 'brief1', f'{item.key}:picture')}.png" for item in pictures]
    there = [path.name for path in (root / "plans").iterdir()]
    assert sorted(name for name in there if not name.startswith(".sm-new-")) == sorted(
        ["Launch.md", *names, *others]
    )
    assert _texts(root) == {_text(brief)}
    assert (root / "plans" / "mine.md").read_text() == "mine"


def _texts(root: Path) -> set[str]:
    return {path.read_text() for path in (root / "plans").glob("Launch*.md")}


def _text(brief: Brief) -> str:
    return str(Folder().render(brief, _place()).records[0].fields["text"])


def _place() -> Place:
    return Place("folder", "target1", {"folder": "plans"}, link=LINK, brief="brief1")


def _in_a_process(root: Path, brief: Brief, turn: int, *, kill_at: int = 0) -> int:
    """Export in a child; 0, or the signal that ended it."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, -signal.SIGKILL), code
        return -code
    try:
        left = kill_at

        def hook(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            if event in OPERATIONS and str(args[0]).startswith(str(root)):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        asyncio.run(_work(root, brief, turn))
        os._exit(0)
    except BaseException as error:
        print(repr(error))
        os._exit(1)


async def _work(root: Path, brief: Brief, turn: int) -> None:
    clock = VirtualClock(START + timedelta(hours=turn))
    api, adapter = FolderApi(root, clock), Folder()
    place = await adapter.learn(api, _place(), brief)
    ledger = _KeptLedger(root / "ledger")

    async def carry_out(made: plan.Plan | None) -> None:
        ran = await apply.run(
            made.steps if made else (), made.settlements if made else (),
            adapter=adapter, api=api, place=place, ledger=ledger, clock=clock, actor="you",
            patience=timedelta(hours=1),
        )  # fmt: skip
        assert ran.wait_until is None, ran
        assert all(one.outcome is apply.Result.DONE for one in ran.outcomes), ran

    await carry_out(None)
    entries = await ledger.entries()
    found = await adapter.read(api, place, list(entries.values()))
    rendering = adapter.render(brief, place)
    await carry_out(
        plan.make(adapter, place, rendering, entries, found, version="1", turn=turn)
    )  # fmt: skip


class _KeptLedger(MemoryLedger):
    """The ledger's twin, on disk after each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        books = pickle.loads(path.read_bytes()) if path.exists() else Books()
        super().__init__(books)

    def _keep(self) -> None:
        holder, self._books.holder = self._books.holder, None
        new = self._path.with_name("ledger.new")
        new.write_bytes(pickle.dumps(self._books))
        new.replace(self._path)
        self._books.holder = holder

    async def intend(self, step: Step, *, actor: str, now: datetime) -> Intent:
        intent = await super().intend(step, actor=actor, now=now)
        self._keep()
        return intent

    async def record(
        self, intent: Intent, entries: Sequence[Entry], forget: Sequence[str] = ()
    ) -> None:
        await super().record(intent, entries, forget)
        self._keep()

    async def withdraw(self, intent: Intent) -> None:
        await super().withdraw(intent)
        self._keep()

    async def settle(self, entries: Sequence[Entry], forget: Sequence[str] = ()) -> None:
        await super().settle(entries, forget)
        self._keep()
