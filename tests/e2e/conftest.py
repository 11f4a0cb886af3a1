"""The served product on a free port, and a real Chromium to look at it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.conftest import ROOT, missing
from tests.ports import free_port

READY_WITHIN_S = 60
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in a browser that fails is run once more, and the summary says so: see DECISIONS."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass
class Product:
    """The real server as its own process; it can be killed and started again on its data."""

    data_dir: Path
    models_dir: Path
    port: int
    sample: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    module: str = "backend"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.data_dir.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, "serve"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ
                | {
                    "STRATMASTER_DATA_DIR": str(self.data_dir),
                    "STRATMASTER_MODELS_DIR": str(self.models_dir),
                    "STRATMASTER_PORT": str(self.port),
                    "STRATMASTER_SAMPLE": str(self.sample).lower(),
                }
                | self.settings,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.data_dir.parent / "server.log").read_text()
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                try:
                    with urllib.request.urlopen(f"{self.url}/api/me", timeout=2):
                        return
                except urllib.error.HTTPError as error:
                    if error.code == 401:  # it answers, and knows nobody here
                        return
                    raise
            time.sleep(0.1)
        pytest.fail(f"the server did not answer within {READY_WITHIN_S} s")

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=15)
            self.process = None


@pytest.fixture
def product(tmp_path: Path, models_dir: Path, request: pytest.FixtureRequest) -> Iterator[Product]:
    """The product on an empty data folder, with the front end as it was built.

    A test may name its own ``sample``, ``settings`` and ``module`` by parametrizing this fixture.
    """
    if not (ROOT / "frontend/dist/index.html").exists():
        missing("the front end is not built; run ./stratmaster setup")
    served = Product(tmp_path / "var", models_dir, free_port(), **getattr(request, "param", {}))
    served.data_dir.mkdir()
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For one file's tests: its event loop, left open, would stand in the way of all others'."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium is not installed; on Debian: apt-get install chromium")
    launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
    yield launched
    launched.close()


@dataclass
class Visitor:
    """One person at one browser: a page, and what it complained about."""

    page: Page
    context: BrowserContext
    shots: Path
    errors: list[str] = field(default_factory=list)

    def look(self, step: str) -> None:
        """Keep a picture of this step."""
        name = re.sub(r"[^a-z0-9]+", "-", step.lower()).strip("-")
        self.page.screenshot(path=self.shots / f"{name}.png")


@pytest.fixture
def visit(browser: Browser, product: Product) -> Iterator[object]:
    """Opens the product in a browser profile of its own, as another person would."""
    shots = ROOT / "var/e2e"
    shots.mkdir(parents=True, exist_ok=True)
    opened: list[Visitor] = []

    def open_as(name: str, *, dark: bool = False, width: int = 1440) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
        page = context.new_page()
        page.set_default_timeout(20_000)
        visitor = Visitor(page, context, shots)
        page.on("pageerror", lambda error: visitor.errors.append(f"{name}: {error}"))

        def heard(message: ConsoleMessage) -> None:
            # The browser itself tells of each request that a stopped server did not answer.
            if message.type in {"error", "warning"} and not re.match(
                r"Failed to load resource|WebSocket connection to", message.text
            ):
                visitor.errors.append(f"{name}, console: {message.text}")

        page.on("console", heard)
        opened.append(visitor)
        return visitor

    yield open_as
    errors = [error for visitor in opened for error in visitor.errors]
    for visitor in opened:
        visitor.context.close()
    assert errors == []


expect.set_options(timeout=20_000)
