"""An index built anew beside the one that answers, and put in its place.

A leg's index is kept in generations. One serves; another may be in the making. What changes is told
to both, so nothing is missed, and whoever asks never sees the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from retrieval.errors import BeingRebuilt, RetrievalError
from retrieval.model import Passage, PassageId, Query, Run, Scope, SourceId, VersionHash
from retrieval.search import Explains, HoldsPhrases
from retrieval.spelling import Spells

if TYPE_CHECKING:  # ports bring numpy, which a process that only reads files can spare
    from retrieval.ports import Leg


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How far a rebuild is: what is kept of it, so that it goes on where it was cut off.

    ``generations`` has the name of the new generation by what names its leg. Passages go in order
    of their ids: first those of sources that are ``cut`` again, then all others. ``after`` is the
    last one that every leg holds.
    """

    generations: Mapping[str, str]
    cut: bool = True
    after: PassageId = ""
    done: int = 0
    total: int = 0

    def fed(self, passages: Sequence[Passage]) -> Rebuild:
        """After these, which every leg holds."""
        if not passages:
            return self
        return replace(self, after=passages[-1].id, done=self.done + len(passages))

    def of(self, total: int) -> Rebuild:
        """With how many there are, as it is known now."""
        return replace(self, total=max(total, self.done))

    def beyond_cut(self) -> Rebuild:
        """The sources that are cut again have gone; now for the others."""
        return replace(self, cut=False, after="")

    def anew(self, generations: Mapping[str, str]) -> Rebuild:
        """From the first passage again."""
        return Rebuild(generations)

    def written(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        return cls(**written)

    def __str__(self) -> str:
        return f"{self.done:,} of {self.total:,}"

    @property
    def percent(self) -> int:
        """Rounded down, and 100 only at the end."""
        return self.done * 100 // self.total if self.total else 0


class Home(Protocol):
    """Where a leg's generations are kept, each by its name; the first one's is empty."""

    @property
    def here(self) -> bool:
        """Whether it is on this machine, and no server has to be asked."""
        ...

    async def serving(self) -> str:
        """The generation that answers, or will when it is first opened."""
        ...

    async def open(self, generation: str) -> Generation:
        """Open a generation, or begin it. Raises IndexMismatch when something else made it."""
        ...

    async def open_serving(self) -> Generation:
        """As ``open``, whichever serves; also where the server that knows is not to be reached."""
        ...

    async def switch(self, generation: str) -> None:
        """Have this one answer from the next opening on: wholly or, cut off, not at all."""
        ...

    async def remove(self, generation: str) -> None:
        """Forget one that is not open. Safe to repeat."""
        ...

    async def strays(self) -> Sequence[str]:
        """Generations that lie there and do not answer."""
        ...


def age(generation: str) -> int:
    """The how manieth a generation is: 0 the first, which has no name, then g1, g2."""
    return int(generation[1:] or 0)


def following(*generations: str) -> str:
    """The name of the generation after all of these."""
    return f"g{max(map(age, generations), default=0) + 1}"


class Generation:
    """One opened index as a leg. It closes when the last who is in it has left."""

    def __init__(self, name: str, leg: Leg, close: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self.leg = leg
        self._close = close
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def __enter__(self) -> Leg:
        self._inside += 1
        self._empty.clear()
        return self.leg

    def __exit__(self, *_: object) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()

    async def close(self) -> None:
        await self._empty.wait()
        await self._close()


class Standing:
    """The leg that others hold, whatever generation answers for it.

    Until it stands on a generation, ``why`` says to whoever asks why there is none, unless one is
    in the making. A change is made in the serving generation first.
    """

    def __init__(self, name: str, *, why: RetrievalError | None = None) -> None:
        self.name = name
        self.home: Home | None = None
        """Where its generations are kept; None where none could be opened or made."""
        self.outdated = False
        """Whether something else made what is there than what the settings name."""
        self.rebuild: Rebuild | None = None
        """How far the generation in the making is; whoever feeds it keeps this."""
        self._serving: Generation | None = None
        self._building: Generation | None = None
        self._why = why
        self._filling = asyncio.Lock()

    def stand(self, serving: Generation) -> None:
        """From here on this one answers."""
        self._serving = serving

    def fall(self, why: RetrievalError, *, outdated: bool) -> None:
        """What is there is not what it should be, or cannot be opened at all."""
        self._why, self.outdated = why, outdated

    @property
    def serving(self) -> Generation | None:
        return self._serving

    @property
    def building(self) -> Generation | None:
        return self._building

    @property
    def broken(self) -> RetrievalError | None:
        """Why there is no index, where none serves and none is in the making."""
        return self._why if self._serving is None and self._building is None else None

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        with self.asked() as leg:
            return await leg.search(query, scope=scope, limit=limit)

    async def count(self) -> int:
        with self.asked() as leg:
            return await leg.count()

    async def put(self, passages: Sequence[Passage]) -> None:
        await self._change(lambda leg: leg.put(passages))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._change(lambda leg: leg.drop(source, keep=keep))

    def begin(self, generation: Generation, rebuild: Rebuild) -> None:
        """From here on what changes is told to this one too."""
        self._building = generation
        self.rebuild = rebuild

    async def fill(self, read: Callable[[], Awaitable[Sequence[Passage]]]) -> Sequence[Passage]:
        """Put what ``read`` gives into the one in the making; nothing is dropped meanwhile.

        So what was deleted before it is read is not read, and what is deleted after is dropped
        after it was put.
        """
        async with self._filling:
            passages = await read()
            if passages and self._building is not None:
                with self._building as leg:
                    await leg.put(passages)
            return passages

    async def switch(self) -> Generation | None:
        """Let the one that was made answer; the one before it, which is then to be closed."""
        async with self._filling:
            made, before = self._building, self._serving
            if made is None:
                return None
            if self.home is not None:
                await self.home.switch(made.name)
            self._serving, self._building = made, None
            self._why, self.rebuild, self.outdated = None, None, False
            return before

    async def close(self) -> None:
        for generation in (self._building, self._serving):
            if generation is not None:
                await generation.close()
        self._building = self._serving = None

    def asked(self) -> Generation:
        """What serves, to be entered; raises where nothing does."""
        if self._serving is not None:
            return self._serving
        if self.rebuild is not None:
            raise BeingRebuilt(f"being rebuilt, {self.rebuild.percent} %")
        raise self._why or RetrievalError(f"{self.name} is closed")

    async def _change(self, change: Callable[[Leg], Awaitable[None]]) -> None:
        serving = self._serving
        if serving is not None:
            with serving as leg:
                await change(leg)
        async with self._filling:
            # After a switch meanwhile the one that was in the making is the one that serves.
            others = [one for one in (self._serving, self._building) if one not in (None, serving)]
            for generation in others:
                assert generation is not None
                with generation as leg:
                    await change(leg)
        if serving is None and not others and self._why is not None:
            raise self._why


class StandingWords(Standing):
    """The leg that knows words and their order. Satisfies ``HoldsPhrases`` and ``Spells``."""

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        with self.asked() as leg:
            assert isinstance(leg, HoldsPhrases), "generations of one leg are of one kind"
            return await leg.holding(query, phrases, scope=scope, limit=limit)

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        with self.asked() as leg:
            assert isinstance(leg, Spells), "generations of one leg are of one kind"
            return await leg.near(words, scope=scope)


class StandingGraph(Standing):
    """The leg that can say how it came to a passage. Satisfies ``Explains``."""

    async def explain(
        self, query: Query, passages: Sequence[PassageId], *, runs: Sequence[Run], scope: Scope
    ) -> Mapping[PassageId, Sequence[str]]:
        with self.asked() as leg:
            assert isinstance(leg, Explains), "generations of one leg are of one kind"
            return await leg.explain(query, passages, runs=runs, scope=scope)
