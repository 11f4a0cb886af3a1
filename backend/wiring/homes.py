"""Where each leg's generations are kept: folders beside one another, or indexes on a server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from retrieval.ports import Leg
from retrieval.rebuild import Generation

Close: TypeAlias = Callable[[], Awaitable[object]]

_POINTER = ".current"  # ends the name of the file that names the generation that serves


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Folders or files beside one another; a small file beside them says which one serves."""

    path: Path
    opening: Callable[[Path], Awaitable[tuple[Leg, Close]]]
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


class Generations(Protocol):
    """What a server holds of a leg, and which of it serves."""

    async def serving(self) -> str: ...

    async def held(self) -> Sequence[str]: ...

    async def switch(self, generation: str) -> None: ...

    async def remove(self, generation: str) -> None: ...


@dataclass(frozen=True, slots=True)
class OnServer:
    """Indexes on one server; ``opening`` is given a generation, or None for whichever serves."""

    generations: Generations
    opening: Callable[[str | None], Awaitable[tuple[Leg, Close]]]
    here: bool = False

    async def serving(self) -> str:
        return await self.generations.serving()

    async def open(self, generation: str) -> Generation:
        return Generation(generation, *await self.opening(generation))

    async def open_serving(self) -> Generation:
        return Generation("", *await self.opening(None))

    async def switch(self, generation: str) -> None:
        await self.generations.switch(generation)

    async def remove(self, generation: str) -> None:
        await self.generations.remove(generation)

    async def strays(self) -> Sequence[str]:
        serving = await self.generations.serving()
        return [one for one in await self.generations.held() if one != serving]
