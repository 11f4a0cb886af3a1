"""What several suites need: the real weights, the real PostgreSQL, the test collections.

Where a thing is missing, CI fails and a laptop skips with the reason.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.ports import free_port

ROOT = Path(__file__).parents[1]

# How long an example takes is the machine's affair.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class ByFile(LoadScopeScheduling):
    """A file's tests go to one worker; all that drive a browser to the same one, since two browsers
    and their servers would fight for the cores."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if file.startswith("tests/e2e/") else file


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Callable[..., object]
) -> LoadScopeScheduling:
    return ByFile(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why what passed at the second try failed at the first."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.line(report.longreprtext)


def missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where set-up put the encoders' weights."""
    folder = Path(os.environ.get("STRATMASTER_MODELS_DIR", ROOT / "var/models"))
    if not any(folder.glob("*/model.onnx")):
        missing(f"no encoder weights in {folder}; run ./stratmaster setup")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The test collections, which live beside the checkout and never in it."""
    folder = Path(os.environ.get("STRATMASTER_TEST_DATA", ROOT.parent / "shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no test collections in {folder}; name theirs in STRATMASTER_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL: the one named in the environment, else one of our own on a free port."""
    named = os.environ.get("STRATMASTER_TEST_POSTGRES_URL")
    if named:
        yield named
        return
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        missing("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    binaries = installed[-1].parent
    # PostgreSQL refuses to run as root, so root lends it the account its package made.
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    as_account = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="stratmaster-postgres-"))
    shutil.chown(folder, account.pw_uid, account.pw_gid)
    port = free_port()
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_account)

    run(f"{binaries}/initdb", "-D", str(data), "-U", "stratmaster", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    log = str(folder / "log")
    run(f"{binaries}/pg_ctl", "-D", str(data), "-l", log, "-o", options, "-w", "start")
    try:
        run(
            f"{binaries}/createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "stratmaster",
            "stratmaster",
        )  # fmt: skip
        yield f"postgresql://stratmaster@127.0.0.1:{port}/stratmaster"
    finally:
        run(f"{binaries}/pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of one's own there."""
    name = f"test_{secrets.token_hex(6)}"
    _tell(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.rpartition("/")[0] + f"/{name}"
    _tell(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def _tell(server: str, statement: str) -> None:
    """In a thread of its own, since the test's event loop may be running in this one."""
    import asyncpg

    async def tell() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(statement)
        await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(tell())).result()
