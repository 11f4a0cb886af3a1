"""Where each leg's generations are kept: folders beside one another, or indexes behind an alias."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from backend.wiring.served import NameAndPassword, Place
from retrieval.ports import Leg
from retrieval.rebuild import Generation

Close: TypeAlias = Callable[[], Awaitable[object]]

_POINTER = ".current"  # ends the name of the file that names the generation that serves


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Folders or files beside one another; a small file beside them says which one serves."""

    path: Path
    opening: Callable[[Path], Awaitable[tuple[Leg, Close]]]
    beside: bool = True
    here: bool = True

    async def serving(self) -> str:
        try:
            return (await asyncio.to_thread(self._pointer.read_text)).strip()
        except FileNotFoundError:
            return ""

    async def open(self, generation: str) -> Generation:
        return Generation(generation, *await self.opening(self._place(generation)))

    async def open_serving(self) -> Generation:
        return await self.open(await self.serving())

    async def switch(self, generation: str) -> None:
        def point() -> None:
            scratch = self._pointer.with_name(f"{self._pointer.name}.new")
            with scratch.open("w") as file:
                file.write(f"{generation}\n")
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._pointer)

        await asyncio.to_thread(point)

    async def remove(self, generation: str) -> None:
        place = self._place(generation)

        def remove() -> None:
            if place.is_dir():
                shutil.rmtree(place)
            for end in ("", "-wal", "-shm"):  # what SQLite keeps beside a file
                place.with_name(place.name + end).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def strays(self) -> Sequence[str]:
        def lying() -> list[str]:
            named = re.compile(rf"{re.escape(self.path.name)}(?:\.(g\d+))?")
            beside = self.path.parent.iterdir() if self.path.parent.is_dir() else ()
            found = (named.fullmatch(path.name) for path in beside)
            return [match[1] or "" for match in found if match]

        serving = await self.serving()
        return sorted(one for one in await asyncio.to_thread(lying) if one != serving)

    @property
    def _pointer(self) -> Path:
        return self.path.with_name(self.path.name + _POINTER)

    def _place(self, generation: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{generation}") if generation else self.path


@dataclass(frozen=True, slots=True)
class OnOpenSearch:
    """Indexes on one server, each behind its own alias; what serves is behind the bare name too."""

    place: Place
    key: NameAndPassword
    opening: Callable[[Place], Awaitable[tuple[Leg, Close]]]
    beside: bool = True
    here: bool = False

    async def serving(self) -> str:
        from retrieval.stores import opensearch

        return await asyncio.to_thread(lambda: opensearch.serving(**self.place, **self.key))

    async def open(self, generation: str) -> Generation:
        place = self.place.copy()
        place["collection"] += f"-{generation}"
        return Generation(generation, *await self.opening(place))

    async def open_serving(self) -> Generation:
        return Generation("", *await self.opening(self.place))

    async def switch(self, generation: str) -> None:
        from retrieval.stores import opensearch

        await asyncio.to_thread(lambda: opensearch.switch(generation, **self.place, **self.key))

    async def remove(self, generation: str) -> None:
        from retrieval.stores import opensearch

        await asyncio.to_thread(lambda: opensearch.remove(generation, **self.place, **self.key))

    async def strays(self) -> Sequence[str]:
        from retrieval.stores import opensearch

        held = await asyncio.to_thread(lambda: opensearch.generations(**self.place, **self.key))
        serving = await self.serving()
        return [one for one in held if one != serving]


@dataclass(frozen=True, slots=True)
class InPlace:
    """One index on a server, with no room for another: it is emptied before it is built anew."""

    opening: Callable[[], Awaitable[tuple[Leg, Close]]]
    emptying: Callable[[], Awaitable[None]]
    beside: bool = False
    here: bool = False

    async def serving(self) -> str:
        return ""

    async def open(self, generation: str) -> Generation:
        return Generation(generation, *await self.opening())

    async def open_serving(self) -> Generation:
        return await self.open("")

    async def switch(self, generation: str) -> None:
        """It is where it was built."""

    async def remove(self, generation: str) -> None:
        await self.emptying()

    async def strays(self) -> Sequence[str]:
        return ()
