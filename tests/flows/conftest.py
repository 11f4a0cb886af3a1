"""The whole application in miniature: real engines in a temporary folder, a hashing encoder."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.app import create_app
from backend.settings import Settings
from backend.wiring import Services, open_services
from tests.flows.people import Ask
from tests.yjs.serve import ByHeader


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Embedded engines under the test's own folder; tests may copy it with changes."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "var",
        dense_url="hashing:",
        sparse_url="off:",
        model_url="extractive:",
        frontend_dir=tmp_path / "dist",
        sample=False,
    )


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the application as the page does."""
    transport = httpx.ASGITransport(app=create_app(services), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.fixture
async def ask(services: Services) -> AsyncIterator[Ask]:
    """Asks as one of several people: ``await ask("analyst:ann", "GET", "/api/…", json=…)``."""
    app = create_app(replace(services, authenticator=ByHeader()))
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        def send(who: str, method: str, path: str, **rest: Any) -> Awaitable[httpx.Response]:
            return client.request(method, path, headers={"x-visitor": who}, **rest)

        yield send
