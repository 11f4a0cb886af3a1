"""The tables' shape, from the command line."""

from __future__ import annotations

from backend.settings import Settings
from backend.store.engine import open_store
from backend.store.migrations import current, upgrade


async def migrate(settings: Settings) -> tuple[str | None, str | None]:
    """The revision before and after."""
    url = settings.url("DATABASE_URL")
    async with (
        open_store(url, settings.data_dir, migrate=False) as store,
        store.writing() as connection,
    ):
        before = await connection.run_sync(current)
        await connection.run_sync(upgrade)
        return before, await connection.run_sync(current)
