"""The generations of a graph on a NebulaGraph server, and which of them serves.

Each is a space: the first has the graph's own name, the others ``_g1``, ``_g2`` behind it. The
server knows no aliases, so a generation says itself that it serves: the latest one that does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from retrieval.rebuild import age
from retrieval.stores.nebula_client import (
    PASSWORD,
    PAUSE,
    TIMEOUT,
    USER,
    Sessions,
    Unknown,
    identity,
    quoted,
)

MADE_BY: Final = identity("made_by")
# A vertex of the tag that every space of ours has: for a new tag one would have to wait.
_SERVING: Final = identity("serving")

_T = TypeVar("_T")


def named(space: str, generation: str) -> str:
    """The space that a generation is."""
    return f"{space}_{generation}" if generation else space


def serving(sessions: Sessions, space: str) -> str:
    """The generation that serves. Blocking; raises where a space cannot be looked into now."""
    later = sorted(lying(sessions, space) - {""}, key=age, reverse=True)
    for generation in later:
        with sessions.in_space(named(space, generation)) as there:
            if _marked(there, _SERVING):
                return generation
    return ""


@dataclass(frozen=True, slots=True)
class NebulaGenerations:
    """Those of one graph, on the server at ``host:port``."""

    address: str
    space: str
    user: str = USER
    password: str = PASSWORD
    pause: float = PAUSE

    async def serving(self) -> str:
        return await self._asked(lambda sessions: serving(sessions, self.space))

    async def held(self) -> Sequence[str]:
        return await self._asked(self._ours)

    async def switch(self, generation: str) -> None:
        def mark(sessions: Sessions) -> None:
            with sessions.in_space(named(self.space, generation)) as there:
                there.ask(
                    "INSERT VERTEX made_by(layout, extraction) "
                    f'VALUES "{_SERVING}":("", {quoted(generation)})'
                )

        await self._asked(mark)

    async def remove(self, generation: str) -> None:
        def away(sessions: Sessions) -> None:
            if generation in self._ours(sessions):
                sessions.outside(f"DROP SPACE IF EXISTS {named(self.space, generation)}")

        await self._asked(away)

    def erase(self) -> None:
        """Remove every generation of ours, so that the graph can be made anew. Blocking."""
        with self._connected() as sessions:
            for generation in self._ours(sessions):
                sessions.outside(f"DROP SPACE IF EXISTS {named(self.space, generation)}")

    def _ours(self, sessions: Sessions) -> list[str]:
        """Those that were made here, though the maker died before it had filled one, and those
        that an operator made and that hold a graph of ours."""
        found = []
        for generation in sorted(lying(sessions, self.space), key=age):
            name = named(self.space, generation)
            with sessions.in_space(name) as there:
                if sessions.made(name) or _marked(there, MADE_BY):
                    found.append(generation)
        return found

    async def _asked(self, work: Callable[[Sessions], _T]) -> _T:
        def in_thread() -> _T:
            with self._connected() as sessions:
                return work(sessions)

        return await asyncio.to_thread(in_thread)

    @contextmanager
    def _connected(self) -> Iterator[Sessions]:
        sessions = Sessions(self.address, self.space, self.user, self.password, TIMEOUT, self.pause)
        try:
            yield sessions
        finally:
            sessions.close()


def lying(sessions: Sessions, space: str) -> set[str]:
    """The generations whose spaces the server names."""
    named = re.compile(rf"{re.escape(space)}(?:_(g\d+))?")
    found = (named.fullmatch(name) for (name,) in sessions.outside("SHOW SPACES"))
    return {match[1] or "" for match in found if match}


def _marked(there: Sessions, vertex: str) -> bool:
    try:
        return bool(there.ask(f'FETCH PROP ON made_by "{vertex}" YIELD id(vertex) AS vid'))
    except Unknown:
        return False  # the space has no such tag, so nothing of ours
