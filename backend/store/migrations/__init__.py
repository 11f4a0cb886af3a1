"""Steps from one shape of the tables to the next; each runs once and in order."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

FOLDER = Path(__file__).parent


def head() -> str:
    """The newest revision: files are named by theirs, so nothing needs importing to know it."""
    return max(file.stem.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision the database is at; None where it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: Connection) -> bool:
    """Bring the tables to the newest revision within the caller's transaction; whether it moved."""
    if current(connection) == head():
        return False
    # Imported late: a start that has nothing to migrate should not pay for it.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    command.upgrade(config, "head")
    return True
