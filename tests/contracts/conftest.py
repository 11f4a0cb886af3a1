"""The databases that the contracts of what is stored are held against."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert

from backend.clock import now
from backend.settings import Url
from backend.store.engine import Store, open_store
from backend.store.tables import briefs, spaces, tenants
from tests.servers.fixtures import opensearch_address, qdrant_address, redis_url, s3_url

__all__ = ["opensearch_address", "qdrant_address", "redis_url", "s3_url"]  # fixtures, by name


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated, empty store: a file of its own, or a database of its own on a real server."""
    async with store_on(request.param, request, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def store_on(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Store]:
    """For contracts that also hold where there is no database."""
    if engine == "sqlite":
        async with open_store(Url("sqlite:///app.db"), tmp_path) as opened:
            yield opened
        return
    url = Url(request.getfixturevalue("postgres_url"))
    async with open_store(url, tmp_path, migrate=True) as opened:
        yield opened


@pytest.fixture
async def store_of_a_brief(store: Store) -> Store:
    """With one brief, brf_1, in the space spc_1 of the tenant t."""
    await make_brief(store)
    return store


async def make_brief(store: Store) -> None:
    made = {"created_at": now()}
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", **made))
        await connection.execute(
            insert(spaces).values(id="spc_1", tenant="t", name="S", created_by="you", **made)
        )
        await connection.execute(
            insert(briefs).values(
                id="brf_1", tenant="t", space="spc_1", title="B", epoch="e", updated_at=now(),
                created_by="you", **made,
            )
        )  # fmt: skip
