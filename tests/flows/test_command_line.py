"""The command line: what it says of bad input, and what it writes for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from backend.cli import app
from backend.commands import shipping
from backend.commands.client import Refused, product, told
from backend.commands.shipping import Shipped
from backend.settings import Settings
from backend.version import product_version

COMMANDS = (
    "serve", "worker", "ask", "ingest", "export", "ship", "reindex", "backup", "restore", "migrate",
    "doctor", "settings",
)  # fmt: skip
FOR_PROGRAMS = (
    "ask", "ingest", "export", "ship", "reindex", "backup", "restore", "migrate", "doctor",
    "settings",
)  # fmt: skip
GROWTH = "How much did the Austrian market grow in 2025?"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a data folder of its own, in an empty working folder."""
    for name, value in {
        "DATA_DIR": str(tmp_path / "var"),
        "DENSE_URL": "hashing:",
        "SAMPLE": "false",
        "PORT": "1",
    }.items():
        monkeypatch.setenv(f"STRATMASTER_{name}", value)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "market.md"
    file.write_text("# Market\n\nThe Austrian market grew 12.1 % in 2025.\n")
    return file


@pytest.fixture
def plan(run: Run, settings: Settings) -> str:
    """The id of a brief "Plan", made through the product as commands open it."""

    async def make() -> str:
        async with product(settings.model_copy(update={"port": 1})) as client:
            space = await told(await client.post("/api/spaces", json={"name": "Papers"}))
            path = f"/api/spaces/{space['id']}/briefs"
            return str((await told(await client.post(path, json={"title": "Plan"})))["id"])

    return asyncio.run(make())


def refused(result: Result, *, status: int = 1) -> str:
    """What a refusal says: a line of what is wrong and at most one of the way out."""
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("stratmaster: ")
    assert len(lines) <= 2, result.stderr
    return result.stderr


def said(result: Result) -> Any:
    """The JSON of a command, which is all it writes."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_version_is_told_and_every_command_explains_itself(run: Run) -> None:
    """With --json wherever a program would read what comes."""
    assert run("--version").stdout == f"StratMaster {product_version()}\n"
    listed = run("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in listed
        explained = run(command, "--help")
        assert explained.exit_code == 0
        assert ("--json" in explained.stdout) is (command in FOR_PROGRAMS), command


def test_a_space_or_a_brief_that_is_not_there_is_named_with_those_that_are(
    run: Run, paper: Path
) -> None:
    run("ingest", paper, "--space", "Papers")
    for command in (["ask", GROWTH], ["export", "Plan"]):
        told = refused(run(*command, "--space", "elsewhere"))
        assert "There is no space 'elsewhere'." in told
        assert "Papers" in told
    assert "0 briefs are called 'Plan'" in refused(run("export", "Plan"))
    assert "Use one of: md, docx." in refused(run("export", "Plan", "--format", "pdf"))


@pytest.mark.parametrize("command", ["ingest", "restore"])
def test_a_file_that_is_not_there_is_a_misuse(run: Run, command: str, tmp_path: Path) -> None:
    result = run(command, tmp_path / "missing")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_without_files_is_refused_rather_than_done(run: Run, tmp_path: Path) -> None:
    """A hidden file is none."""
    (tmp_path / "here/.hidden").write_text("x")
    assert "There is no file in" in refused(run("ingest", tmp_path / "here"))


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(
    run: Run, paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = paper.with_name("shut.md")
    shut.write_text("# Shut\n")
    real = Path.open

    def locked(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == shut:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", locked)
    result = run("ingest", shut, paper, "--json")
    assert result.exit_code == 1
    rows = {row["path"]: row for row in json.loads(result.stdout)}
    assert rows["market.md"]["state"] == "ready"
    assert "cannot be read: Permission denied." in rows["shut.md"]["error"]["message"]


def test_what_is_there_is_written_over_only_when_told(run: Run, paper: Path) -> None:
    """For both commands that write a file; a folder, or one in no folder, is never one."""
    run("ingest", paper)
    archive = paper.with_name("b.tar.gz")
    assert said(run("backup", archive, "--json"))["files"] > 1
    before = archive.read_bytes()
    assert "--replace" in refused(run("backup", archive))
    assert archive.read_bytes() == before
    assert run("backup", archive, "--replace").exit_code == 0
    assert "is a folder" in refused(run("backup", paper.parent, "--replace"))
    assert "There is no folder" in refused(run("backup", paper.parent / "no/b.tar.gz"))


def test_a_brief_is_exported_once_under_its_own_name(run: Run, plan: str) -> None:
    """A second time only with --replace; JSON says what was written where."""
    made = said(run("export", plan, "--json"))
    file = Path(made["file"])
    assert made == {
        "brief": plan, "title": "Plan", "format": "md", "file": "Plan.md",
        "bytes": file.stat().st_size,
    }  # fmt: skip
    assert "Plan.md is there already" in refused(run("export", "Plan"))
    assert run("export", "Plan", "--replace").stdout == "Plan.md\n"
    assert run("export", "Plan", "--out", "-").stdout_bytes == file.read_bytes()
    both = refused(run("export", "Plan", "--out", "-", "--json"), status=2)
    assert "both write to the terminal" in both


def test_a_brief_is_shipped_once_it_was_said_what_that_does(
    run: Run, plan: str, settings: Settings
) -> None:
    """Listed, planned, and with a yes carried out; a second time there is nothing to send."""
    listed = run("ship", plan)
    assert (listed.exit_code, listed.stdout) == (0, "This brief goes nowhere yet.\n")
    assert "0 targets are called 'Reports'" in refused(run("ship", plan, "Reports"))
    asyncio.run(add_folder(settings, plan))
    assert "never exported" in run("ship", plan).stdout
    folder = settings.exports / "Briefs"
    planned = run("ship", plan, "Reports")
    assert "1 create, 1 call," in planned.stdout
    assert not folder.exists()
    done = run("ship", "Plan", "Reports", "--yes")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "done: 1 of 1")
    (file,) = folder.glob("*.md")
    assert "# Plan" in file.read_text()
    again = run("ship", plan, "Reports", "--yes", "--json")
    said = json.loads(again.stdout)
    assert (said["run"]["state"], said["run"]["total"], said["plan"]["steps"]) == ("done", 0, [])
    assert "as it was sent" in run("ship", plan).stdout


def test_what_was_not_done_is_named() -> None:
    """By what people call it, with what became of it and why; a call of many by its first."""

    def outcome(titles: list[str], outcome: str, message: str = "") -> dict[str, object]:
        keys = [f"block{n}" for n in range(len(titles))]
        return {
            "op": "create", "keys": keys, "titles": titles, "outcome": outcome, "message": message,
        }  # fmt: skip

    outcomes = [
        outcome(["Hire a lead"], "refused", "422: no such list"),
        outcome(["One", "Two", "Three"], "waiting"),
        outcome([""], "pending"),
        outcome(["Done"], "done"),
    ]
    shipped = Shipped(
        "brf_1",
        run={"state": "failed", "done": 1, "total": 4, "trouble": None, "outcomes": outcomes},
    )
    assert not shipped.whole
    assert shipped.text().splitlines() == [
        "failed: 1 of 4",
        "  create Hire a lead: refused 422: no such list",
        "  create One and 2 more: waiting",
        "  create block0: pending",
    ]


async def test_many_archives_need_a_yes_of_their_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would go is shown before it is refused, with the option that says so; with it the plan
    that was shown is approved."""
    counts = dict.fromkeys(("create", "update", "conflict", "drift", "astray"), 0)
    plan = {
        "checksum": "c", "counts": {**counts, "archive": 11, "writes": 11}, "needs_yes": True,
        "archives_limit": 10, "seconds": 1.0, "losses": [],
        "items": [{"change": "archive", "title": "Hire a lead"}],
    }  # fmt: skip
    over = {"id": "run_1", "ended_at": "now", "state": "done", "done": 11, "total": 11}
    approved: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/targets"):
            return httpx.Response(200, json=[{"id": "tgt_1", "name": "Reports"}])
        if request.url.path.endswith("/plan"):
            return httpx.Response(200, json=plan)
        if request.method == "POST":
            approved.append(json.loads(request.content))
        return httpx.Response(200, json={**over, "trouble": None, "outcomes": []})

    @asynccontextmanager
    async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client

    async def found(*asked: object) -> dict[str, str]:
        return {"id": "brf_1"}

    monkeypatch.setattr(shipping, "product", served)
    monkeypatch.setattr(shipping, "find_brief", found)
    shown: list[str] = []

    async def ship(archives: bool) -> Shipped:
        return await shipping.ship(
            settings, "Plan", "Reports", "", yes=True, archives=archives, tell=shown.append
        )

    with pytest.raises(Refused, match="more than 10 items") as told:
        await ship(archives=False)
    assert "--archives" in told.value.remedy
    assert (approved, "archive  Hire a lead" in shown[0]) == ([], True)
    assert (await ship(archives=True)).whole
    assert approved == [{"checksum": "c", "archives": True}]


async def add_folder(settings: Settings, brief: str) -> None:
    async with product(settings.model_copy(update={"port": 1})) as client:
        body = {"kind": "folder", "name": "Reports", "where": {"folder": "Briefs"}}
        await told(await client.post(f"/api/briefs/{brief}/targets", json=body))


def test_what_keeps_the_store_tells_programs_what_it_did(run: Run, paper: Path) -> None:
    """ingest, ask, reindex, migrate, backup and restore write JSON and nothing beside it."""
    (row,) = said(run("ingest", paper, "--json"))
    passages = row["receipt"]["passages"]
    assert "12.1 %" in said(run("ask", GROWTH, "--json"))["sentences"][0]["text"]
    assert said(run("reindex", "--json")) == {"passages": passages}
    shape = said(run("migrate", "--json"))
    assert shape["before"] == shape["after"]
    archive = paper.with_name("b.tar.gz")
    said(run("backup", archive, "--json"))
    assert said(run("restore", archive, "--replace", "--json"))["passages"] == passages
    assert "holds data already" in refused(run("restore", archive))
    assert "is not a whole backup" in refused(run("restore", paper, "--replace"))
    assert json.loads(run("doctor", "--json").stdout)["ports"]
