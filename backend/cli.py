"""The command line. Each command loads what it needs when it runs, so that help is instant."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from backend.settings import Settings

app = typer.Typer(
    name="stratmaster",
    help="A strategy workbench whose every sentence carries a citation that was checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

FAILED = 1  # exit status: it could not be done, or not all of it
MISUSED = 2  # a setting or an argument that cannot be
DECLINED = 3  # the question was not answered for want of evidence

Json = Annotated[bool, typer.Option("--json", help="Write JSON for a program to read.")]
InSpace = Annotated[
    str, typer.Option("--space", help="The space's name or id; the first one unless given.")
]


Over = Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from backend.version import product_version

        typer.echo(f"StratMaster {product_version()}")
        raise typer.Exit


@app.callback()
def stratmaster(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A strategy workbench whose every sentence carries a citation that was checked."""


def _settings(**changes: Any) -> Settings:
    from backend.settings import Misconfigured, Settings

    try:
        return Settings(**{name: value for name, value in changes.items() if value is not None})
    except Misconfigured as error:
        _stop(str(error), status=MISUSED)
    except ValueError as error:
        from pydantic import ValidationError

        if not isinstance(error, ValidationError):
            raise
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        _stop(f"STRATMASTER_{name}: {first['msg']}.", status=MISUSED)


def _stop(message: str, remedy: str = "", *, status: int = FAILED) -> NoReturn:
    typer.echo(f"stratmaster: {message}", err=True)
    if remedy:
        typer.echo(f"  {remedy}", err=True)
    raise typer.Exit(status)


def _run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command to its end and exit as it says; known errors become a sentence."""
    import logging

    import httpx

    from backend.commands.client import Refused
    from backend.errors import STATUS, describe
    from backend.settings import Misconfigured

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        # On the loop of the standard library one edit in a hundred reaches the others ten times
        # as late (evals.bench.collab).
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            status = runner.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Misconfigured as error:
        _stop(str(error), status=MISUSED)
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if isinstance(error, Refused | OSError):
            _stop(str(error), getattr(error, "remedy", ""))
        if isinstance(error, httpx.HTTPError):
            said = str(error) or type(error).__name__
            _stop(f"The server stopped answering ({said}).", "See its log, and try again.")
        if not isinstance(error, tuple(STATUS)):
            raise  # a fault of ours: whoever mends it needs to see where
        body = describe(error)
        _stop(body.message, body.remedy)
    raise typer.Exit(status or 0)


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for every system
        return None
    return uvloop.new_event_loop


def _show(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the product to the browser."""
    settings = _settings(host=host, port=port)
    from backend.serving import serve as serving

    def ready(address: str) -> None:
        typer.echo(f"StratMaster serves on {address}")
        sys.stdout.flush()

    _run(serving(settings, ready))


@app.command()
def worker() -> None:
    """Do background jobs in a process of its own, beside a server with JOBS_WORKERS=0."""
    settings = _settings()
    from backend.serving import work

    if settings.jobs_workers == 0:
        settings = settings.model_copy(update={"jobs_workers": 1})
    _run(work(settings, lambda: typer.echo("StratMaster works on background jobs")))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    space: InSpace = "",
    as_json: Json = False,
) -> None:
    """Ask a question; every sentence of the answer names its sources.

    Exit status 3 says that there was not enough evidence.
    """
    from backend.commands.asking import ask as asking

    async def work() -> int:
        answer = await asking(_settings(), question, space)
        if as_json:
            _show(answer.json())
        else:
            typer.echo(answer.text())
        return {"finished": 0, "declined": DECLINED}.get(answer.state, FAILED)

    _run(work())


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders to add.", exists=True)],
    space: InSpace = "",
    as_json: Json = False,
) -> None:
    """Add files and folders to a space and wait until they are read.

    Exit status 1 says that some could not be; the list names them and why.
    """
    from backend.commands.ingesting import ingest as ingesting

    async def work() -> int:
        def tell(line: str) -> None:
            if not as_json:
                typer.echo(line)

        rows = await ingesting(_settings(), paths, space, tell)
        if as_json:
            _show(rows)
        return 0 if all(row["state"] == "ready" for row in rows) else FAILED

    _run(work())


graph_commands = typer.Typer(help="The graph of a space.", no_args_is_help=True)
app.add_typer(graph_commands, name="graph")


@graph_commands.command("extract")
def extract(
    space: InSpace = "",
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say what it would take.")
    ] = False,
    budget_usd: Annotated[
        float | None, typer.Option(help="Pause before more than this is spent, in USD.")
    ] = None,
    budget_tokens: Annotated[
        int | None, typer.Option(help="Pause before more tokens than this are used.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Have the language model read a space's passages for facts, beside those read by rule.

    Goes on where an earlier reading stopped; what was read is not asked again. Ctrl-C leaves a
    running server at it. Exit status 1 says that it paused before its end.
    """
    from backend.commands.extracting import estimated
    from backend.commands.extracting import extract as extracting

    async def work() -> int:
        if estimate:
            found = await estimated(_settings(), space)
        else:
            found = await extracting(
                _settings(),
                space,
                budget_usd=budget_usd,
                budget_tokens=budget_tokens,
                tell=lambda line: None if as_json else typer.echo(line),
            )
        if as_json:
            _show(found.json())
        else:
            typer.echo(found.text())
        return 0 if found.whole else FAILED

    _run(work())


@app.command()
def export(
    brief: Annotated[str, typer.Argument(help="The brief's id or title.")],
    format: Annotated[str, typer.Option("--format", help="md or docx.")] = "md",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; - writes to the terminal.")
    ] = None,
    space: InSpace = "",
    over: Over = False,
    as_json: Json = False,
) -> None:
    """Write a brief with its numbered references to a file."""
    from backend.commands.exporting import export as exporting
    from backend.commands.writing import write

    to_terminal = str(out) == "-"
    if to_terminal and as_json:
        _stop("--json and --out - both write to the terminal.", "Use one.", status=MISUSED)

    async def work() -> None:
        made = await exporting(_settings(), brief, format, space)
        if to_terminal:
            sys.stdout.buffer.write(made.content)
            return
        target = out or Path(made.name)
        await asyncio.to_thread(write, target, made.content, over=over)
        if as_json:
            _show(
                {
                    "brief": made.brief,
                    "title": made.title,
                    "format": format,
                    "file": str(target),
                    "bytes": len(made.content),
                }
            )
        else:
            typer.echo(str(target))

    _run(work())


@app.command()
def ship(
    brief: Annotated[str, typer.Argument(help="The brief's id or title.")],
    target: Annotated[
        str, typer.Argument(help="The target's id or name; the list of them unless given.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Carry out what was planned, and wait for its end.")
    ] = False,
    archives: Annotated[
        bool, typer.Option("--archives", help="Also where it archives more than the limit.")
    ] = False,
    space: InSpace = "",
    as_json: Json = False,
) -> None:
    """Say where a brief goes and what an export would do there; with --yes, export it.

    Exported again, only what changed is sent. Ctrl-C leaves a running server at it. Exit status 1
    says that something of it was not done.
    """
    from backend.commands.shipping import ship as shipping

    async def work() -> int:
        found = await shipping(
            _settings(),
            brief,
            target,
            space,
            yes=yes,
            archives=archives,
            tell=lambda line: None if as_json else typer.echo(line),
        )
        if as_json:
            _show(found.json())
        else:
            typer.echo(found.text())
        return 0 if found.whole else FAILED

    _run(work())


@app.command()
def reindex(as_json: Json = False) -> None:
    """Build the search indexes anew from what is stored, while a server that runs goes on serving.

    Interrupted, it goes on where it was by the next call. With --json how far it is comes as lines
    of JSON on standard error.
    """
    from backend.commands.reindexing import reindex as reindexing
    from backend.rebuilding import RebuildOut

    def count_up(at: RebuildOut) -> None:
        if as_json:
            typer.echo(json.dumps({"done": at.done, "total": at.total}), err=True)

    async def work() -> None:
        count = await reindexing(
            _settings(), lambda line: None if as_json else typer.echo(line), count=count_up
        )
        if as_json:
            _show({"passages": count})
        else:
            typer.echo(f"{count:,} passages indexed")

    _run(work())


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, such as backup.tar.gz.")],
    over: Over = False,
    as_json: Json = False,
) -> None:
    """Write the database and all files into one archive, also while the server runs."""
    from backend.commands.archiving import back_up

    async def work() -> None:
        made = await asyncio.to_thread(back_up, _settings(), file, over=over)
        if as_json:
            _show(made)
        else:
            typer.echo(f"{file}: {made['files']:,} files, {made['bytes']:,} bytes")

    _run(work())


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="An archive made by backup.", exists=True)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move what the data folder holds aside first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put an archive's contents back, every file checked, and build the indexes from them."""
    from backend.commands.archiving import restore as restoring
    from backend.commands.reindexing import reindex as reindexing

    async def work() -> None:
        settings = _settings()
        found = await asyncio.to_thread(restoring, settings, file, replace=replace)
        count = await reindexing(
            settings, lambda line: None if as_json else typer.echo(line), anew=True
        )
        if as_json:
            _show({**found, "passages": count})
        else:
            typer.echo(f"{found['files']:,} files restored, {count:,} passages indexed")

    _run(work())


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring the database's tables to this version's shape."""
    from backend.commands.migrating import migrate as migrating

    async def work() -> None:
        before, after = await migrating(_settings())
        if as_json:
            _show({"before": before, "after": after})
        else:
            typer.echo(f"at {after}, as before" if before == after else f"{before} to {after}")

    _run(work())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what each port is plugged into, whether it answers, and what to do when it does not.

    Exit status 1 says that something needs attention.
    """
    from backend.commands.doctoring import examine

    async def work() -> int:
        report = await examine(_settings())
        if as_json:
            _show(report.json())
        else:
            typer.echo(report.text())
        return 0 if report.ok else FAILED

    _run(work())


@app.command("settings")
def show_settings(
    as_json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write the table that deploy/settings.md holds.")
    ] = False,
) -> None:
    """List every setting, what it is for and what it is now."""
    from backend.commands import settings_table

    if markdown:
        typer.echo(settings_table.markdown(), nl=False)
        return
    rows = settings_table.rows(_settings())
    if as_json:
        _show(rows)
    else:
        typer.echo(settings_table.text(rows))
