"""The indexes built anew from what is stored: by the server that runs, or in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from backend.commands.client import serving, told
from backend.errors import Unavailable
from backend.rebuilding import REBUILD, RebuildOut
from backend.services import Services
from backend.settings import Settings
from backend.wiring import open_services

LOOK = 0.2  # seconds between looks at how it goes


async def reindex(
    settings: Settings,
    tell: Callable[[str], None],
    *,
    count: Callable[[RebuildOut], None] | None = None,
    anew: bool = False,
) -> int:
    """Feed every leg again, from what is stored; how many passages that were.

    Versions that an older cutter cut are cut again, from their stored readings; citations point
    into the text and stay as they are.
    Indexes are built beside those in use and take their place at the end. What is cut off is gone
    on with by the next call, and by the server when it starts. ``anew`` forgets what was begun: it
    was begun from another store.
    ``count`` hears how far it is.
    """
    following = _Following(tell, count)
    running = None if anew else await serving(settings)
    if running is not None:
        async with httpx.AsyncClient(base_url=running, timeout=60, trust_env=False) as client:
            at = RebuildOut(**await told(await client.post("/api/rebuild")))
            while not following.ended(at):
                await asyncio.sleep(LOOK)
                at = RebuildOut(**await told(await client.get("/api/rebuild")))
        return at.done
    # No worker but this one: nothing is added or deleted meanwhile.
    async with open_services(settings.model_copy(update={"jobs_workers": 0})) as services:
        if anew:
            await services.rebuilding.forget()
        await services.rebuilding.ask()
        work = asyncio.create_task(_work(services))
        try:
            while not following.ended(at := await services.rebuilding.told()):
                await asyncio.wait({work}, timeout=LOOK)
                if work.done():
                    work.result()
        finally:  # given back, to be gone on with
            work.cancel()
            await asyncio.wait({work})
        for leg in services.legs:
            if leg.standing.broken is not None:
                tell(f"left out {leg.leg.name}: {leg.standing.broken}")
        return at.done


async def _work(services: Services) -> None:
    """Do the job, again where it has to be, until nobody needs it done."""
    while (await services.rebuilding.told()).running:
        if not await services.worker.once(only=[REBUILD]):
            await asyncio.sleep(LOOK)


class _Following:
    """Tells what is new since the last look."""

    def __init__(
        self, tell: Callable[[str], None], count: Callable[[RebuildOut], None] | None
    ) -> None:
        self._tell = tell
        self._count = count
        self._noted = 0
        self._done = -1

    def ended(self, at: RebuildOut) -> bool:
        """Whether it came to its end; raises why it did not."""
        for note in at.notes[self._noted :]:
            self._tell(note)
        self._noted = len(at.notes)
        if at.done != self._done and at.total:
            self._done = at.done
            self._tell(f"{at.done:,} of {at.total:,} passages")
            if self._count is not None:
                self._count(at)
        if at.error:
            raise Unavailable(
                f"The indexes could not be rebuilt: {at.error}.",
                "Those before answer as they did. Run `stratmaster doctor`, then this again.",
            )
        return not at.running
