"""The addresses of real servers, each started once for all the suites that ask."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.servers import serve


@pytest.fixture(scope="session")
def qdrant_address() -> Iterator[str]:
    """A real Qdrant: the one whose host:port is in the environment, else one of our own."""
    if named := os.environ.get("STRATMASTER_TEST_QDRANT"):
        yield named
        return
    with serve.qdrant() as address:
        yield address
