"""Writes that come at one moment, in one transaction: for a database that has one writer.

Each commit waits for the disk, and the writers for one another: eight answers that keep their
quotes at one moment waited for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Executable

MOST = 32  # writes to a transaction: others wait for it meanwhile

Statement: TypeAlias = tuple[Executable, Sequence[dict[str, Any]] | None]  # and its rows


def execute(connection: Connection, statements: Sequence[Statement]) -> None:
    for statement, rows in statements:
        connection.execute(statement, rows)


@dataclass(frozen=True, slots=True)
class _Waiting:
    statements: Sequence[Statement]
    done: asyncio.Future[None]


class Gathered:
    """Has one transaction after another made, each of all that waits when it begins."""

    def __init__(self, make: Callable[[Sequence[Statement]], Awaitable[None]]) -> None:
        self._make = make
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, statements: Sequence[Statement]) -> None:
        """All of these or none; durable on return.

        Another's failure is not this one's. Whoever is cancelled meanwhile may find it written.
        """
        one = _Waiting(statements, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        await one.done

    async def close(self) -> None:
        """Wait until what was begun is written."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while self._waiting:
                begun, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                # Nobody waits any more for those that were cancelled before they began.
                begun = [one for one in begun if not one.done.done()]
                error = await self._together(begun)
                if error is None or len(begun) == 1:
                    _end(begun, error)
                    continue
                for one in begun:  # nothing of the transaction is there: find out whose fault it is
                    _end([one], await self._together([one]))
        finally:
            self._task = None

    async def _together(self, begun: Sequence[_Waiting]) -> Exception | None:
        try:
            await self._make([statement for one in begun for statement in one.statements])
        except Exception as error:
            return error
        return None


def _end(begun: Sequence[_Waiting], error: Exception | None) -> None:
    for one in begun:
        if one.done.done():  # cancelled
            continue
        if error is None:
            one.done.set_result(None)
        else:
            one.done.set_exception(error)
