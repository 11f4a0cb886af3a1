"""The database: SQLite in a file, or PostgreSQL, behind the same two doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from backend.settings import UnknownScheme, Url
from backend.store.gathered import Gathered, Statement, execute
from backend.store.sqlite import connect

KNOWN = ("sqlite", "postgresql")
READERS = 4  # SQLite connections that only read; each is a thread


class Store:
    """Gives out transactions. A writing one is durable, power loss included, once it has closed."""

    def __init__(
        self,
        readers: AsyncEngine,
        writers: AsyncEngine,
        *,
        file: Path | None,
        direct: Direct | None = None,
    ) -> None:
        self._readers = readers
        self._writers = writers
        self._direct = direct
        # Threads of their own: a row must not wait behind the sentences that others compose.
        self._threads = ThreadPoolExecutor(READERS + 1, "store-rows")  # one of them writes
        self._gathered = None if direct is None else Gathered(partial(self._at_once, direct.writer))
        self.file = file
        """Where SQLite keeps it; None for a server."""

    @property
    def dialect(self) -> str:
        return self._writers.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; anything written in it is refused or lost."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: all of it on leaving, none of it on an error."""
        async with self._writers.begin() as connection:
            yield connection

    async def write(self, *statements: Statement) -> None:
        """These in one transaction, durable on return.

        On SQLite it may be others' transaction, too, where many write at one moment; a failure
        stays with whose it is.
        """
        if self._gathered is not None:
            await self._gathered.write(statements)
            return
        async with self.writing() as connection:
            await connection.run_sync(execute, statements)

    async def rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        """What one statement finds, by the shortest way: for what is asked in every search.

        On SQLite a transaction passes between threads at each of its steps, which costs more than
        the statement; this passes once.
        """
        if self._direct is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _rows, self._direct.readers, statement)
        async with self.reading() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(statement)).all()
            return found

    async def _at_once(self, writer: Engine, statements: Sequence[Statement]) -> None:
        # Holding the one connection that writes: two that meet in SQLite would try again and again.
        async with self._writers.connect():
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, _write, writer, statements)

    async def close(self) -> None:
        if self._gathered is not None:
            await self._gathered.close()
        await asyncio.to_thread(self._threads.shutdown)
        if self._direct is not None:
            await asyncio.to_thread(self._direct.dispose)
        await self._readers.dispose()
        if self._writers.pool is not self._readers.pool:
            await self._writers.dispose()


def sqlite_engine(file: Path, *, writes: bool) -> AsyncEngine:
    """Readers share a snapshot each; one writer at a time takes the lock when it begins.

    A writer that begins as a reader and upgrades can meet SQLITE_BUSY at any statement, which no
    timeout helps; BEGIN IMMEDIATE moves the wait to the front, where the busy timeout works.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{file}",
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"async_creator_fn": connect},
    )
    _configure(engine.sync_engine, writes=writes)

    @event.listens_for(engine.sync_engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@dataclass(frozen=True, slots=True)
class Direct:
    """SQLite for what passes to a thread once: one statement that reads, or a whole write."""

    readers: Engine
    writer: Engine

    @classmethod
    def to(cls, file: Path) -> Self:
        return cls(
            direct_engine(file, writes=False),
            direct_engine(file, writes=True),
        )

    def dispose(self) -> None:
        self.readers.dispose()
        self.writer.dispose()


def direct_engine(file: Path, *, writes: bool) -> Engine:
    engine = create_engine(f"sqlite:///{file}", pool_size=1 if writes else READERS, max_overflow=0)
    _configure(engine, writes=writes)
    if writes:

        @event.listens_for(engine, "begin")
        def began(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write(engine: Engine, statements: Sequence[Statement]) -> None:
    with engine.begin() as connection:
        execute(connection, statements)


def _rows(engine: Engine, statement: Select[Any]) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(statement).all()


def _configure(engine: Engine, *, writes: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: object, entry: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling is off: it would begin only at the first write.
        connection.isolation_level = None  # type: ignore[attr-defined]  # DBAPI has no type
        cursor = connection.cursor()  # type: ignore[attr-defined]  # DBAPI has no type
        cursor.execute("PRAGMA busy_timeout = 20000")
        cursor.execute("PRAGMA journal_mode = WAL")
        # FULL, because an edit that was acknowledged must survive the plug being pulled.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")
        if not writes:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()


@asynccontextmanager
async def open_store(
    url: Url, data_dir: Path, *, migrate: bool | None = None
) -> AsyncIterator[Store]:
    """Open the database and close it at the end.

    SQLite is migrated on opening unless told otherwise; a server only when told, because other
    processes may be using it.
    """
    match url.scheme:
        case "sqlite":
            file = url.under(data_dir).resolve()
            await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
            store = Store(
                sqlite_engine(file, writes=False),
                sqlite_engine(file, writes=True),
                file=file,
                direct=Direct.to(file),
            )
        case "postgresql":
            engine = create_async_engine(
                "postgresql+asyncpg:" + url.rest, pool_size=8, pool_pre_ping=True
            )
            # Else each statement would see what others have committed since the one before.
            readers = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            store = Store(readers, engine, file=None)
        case _:
            raise UnknownScheme("DATABASE_URL", url, KNOWN)
    try:
        if migrate if migrate is not None else url.scheme == "sqlite":
            from backend.store.migrations import upgrade

            async with store.writing() as connection:
                await connection.run_sync(upgrade)
        yield store
    finally:
        await store.close()
