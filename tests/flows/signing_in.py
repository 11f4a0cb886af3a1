"""Servers that people sign in to, as fixtures."""

from collections.abc import AsyncIterator, Iterator

import pytest

from backend.settings import Settings
from tests.remotes import elsewhere as outside
from tests.remotes.elsewhere import Elsewhere


@pytest.fixture(scope="session")
def oidc() -> Iterator[str]:
    with outside.started() as address:
        yield address


@pytest.fixture
async def elsewhere(oidc: str) -> AsyncIterator[Elsewhere]:
    async with outside.opened(oidc) as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, elsewhere: Elsewhere) -> Settings:
    """A server that has an application everywhere."""
    return Settings(_env_file=None, **{**settings.model_dump(), **outside.settings_of(elsewhere)})
